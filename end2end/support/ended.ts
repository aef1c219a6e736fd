// Child processes end with this process, even when it is interrupted.
import type { ChildProcess } from 'node:child_process';

const living = new Set<number>();

/** Ends the process when this one ends, in whichever way. Call the returned function when the process has ended. */
export function endWithUs(pid: number | undefined): () => void {
  if (pid === undefined) return () => {};
  living.add(pid);
  return () => living.delete(pid);
}

process.on('exit', () => {
  for (const pid of living) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      // It has already ended.
    }
  }
});

/** Asks the process to end, and kills it after 5 s; resolves when it has ended. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(deadline);
}
