// Driver for follow.py, a client in another language.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { Inbox } from './inbox';
import { root } from './paths';

export interface Followed {
  epoch: number | null;
  revision: number | null;
  hellos: number;
  updates: number;
  diffs: number;
  changes: number;
  /** Diffs whose `from` was not our revision. */
  gaps: unknown[];
  /** Other violations of the protocol. */
  faults: string[];
  hosts: any[];
  containers: any[];
  images: any[];
  volumes: any[];
  networks: any[];
}

export class Follower {
  private readonly child: ChildProcess;
  private readonly answers = new Inbox<any>('answer of follow.py');
  private said = '';

  constructor(url: string) {
    this.child = spawn('python3', [join(root, 'end2end', 'support', 'follow.py'), url], { stdio: 'pipe' });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.answers.put(JSON.parse(line)));
    this.child.stderr!.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.child.once('exit', (code) => this.answers.end(`exit code ${code}. ${this.said}`));
  }

  dump(): Promise<Followed> {
    return this.tell('dump');
  }

  /** Cuts the client's connection; it reconnects and resumes with its state. */
  drop(): Promise<void> {
    return this.tell('drop');
  }

  async quit(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    await this.tell('quit');
    await ended;
  }

  private tell(command: string): Promise<any> {
    this.child.stdin!.write(`${command}\n`);
    return this.answers.take(() => true, command, 15_000);
  }
}
