// Handle on the reference process (see reader.ts).
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Inbox } from '../support/inbox';
import { root } from '../support/paths';
import type { FromReader, ReaderEvent } from './reader';

export class BareReader {
  readonly events = new Inbox<ReaderEvent>('engine event');
  private readonly offsets = new Inbox<number>('clock offset');

  private constructor(private readonly child: ChildProcess) {}

  static async start(socketPath: string): Promise<BareReader> {
    // The child inherits the TypeScript loader of this process.
    const child = fork(join(root, 'end2end', 'bench', 'reader.ts'), [socketPath]);
    const reader = new BareReader(child);
    const ready = new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the event reader ended with ${code}`)));
      child.on('message', (message: FromReader) => {
        if ('event' in message) reader.events.put(message.event);
        else if ('ready' in message) resolve();
        else reader.offsets.put(message.offset);
      });
    });
    await ready;
    return reader;
  }

  /** Compares the reader's clocks again; returns the offset from the system clock. */
  calibrate(): Promise<number> {
    this.child.send({ calibrate: true });
    return this.offsets.take(() => true, 'calibration');
  }

  stop(): void {
    this.child.disconnect();
  }
}
