// Handle on the process with the crowd of sockets.
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Inbox } from '../support/inbox';
import { root } from '../support/paths';
import type { FromCrowd, ToCrowd } from './crowd-member';

/** Timeout for upgrading a thousand sockets one after the other. */
const timeoutMs = 60_000;

export class Crowd {
  private readonly said = new Inbox<FromCrowd>('word of the crowd');

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message: FromCrowd) => this.said.put(message));
    child.once('exit', (code) => this.said.end(`the crowd ended with ${code}: a socket was closed or refused`));
  }

  /** Resolves when all sockets are upgraded. Mute sockets never read a byte after that. */
  static async gather(url: string, { readers, mutes = 0 }: { readers: number; mutes?: number }): Promise<Crowd> {
    const file = join(root, 'end2end', 'bench', 'crowd-member.ts');
    const crowd = new Crowd(fork(file, [url, String(readers), String(mutes)]));
    await crowd.hear('ready');
    return crowd;
  }

  /**
   * Sorted times at which each reader first received these bytes, by the system clock.
   * Resolves at once; await `all` for the times.
   */
  async watchFor(marker: string): Promise<{ all: Promise<number[]> }> {
    this.tell({ marker });
    await this.hear('watching');
    return { all: this.hear('arrived').then((message) => (message as { arrived: number[] }).arrived) };
  }

  async calibrate(): Promise<void> {
    this.tell({ calibrate: true });
    await this.hear('offset');
  }

  async disperse(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    await ended;
  }

  private tell(message: ToCrowd): void {
    this.child.send(message);
  }

  private hear(word: 'ready' | 'watching' | 'arrived' | 'offset'): Promise<FromCrowd> {
    return this.said.take((message) => word in message, word, timeoutMs);
  }
}
