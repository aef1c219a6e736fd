// What becomes of the processes a run started when it is itself ended in the middle?
import type { ChildProcess } from 'node:child_process';

const living = new Set<number>();

/** The process does not outlive this one, whichever way that ends. Call what is returned when it has ended. */
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
      // It has ended already.
    }
  }
});

/** Asks it to end, and after 5 s makes it; resolves when it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(deadline);
}
