// What becomes of the processes a run started when it is itself ended in the middle?

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
