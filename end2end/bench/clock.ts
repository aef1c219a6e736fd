// What time is it, to a fraction of a millisecond, by the same clock in every process?
//
// `performance.timeOrigin + performance.now()` is fine-grained, but each process fixes its timeOrigin at its own start,
// from which the system's clock may since have been moved. `Date.now()` reads the system's clock, which also stamps the
// engine's events, in whole milliseconds. So each process watches Date.now() turn to the next millisecond some dozens of
// times, and notes what its fine clock says at that moment: the smallest difference is its offset from the system's clock.

/**
 * Runs in Node and, sent as a function, in the page: keep it free of anything from outside.
 * Milliseconds to subtract from the fine clock to get the system's.
 */
export function clockOffset(edges = 60): number {
  const fine = () => performance.timeOrigin + performance.now();
  const differences: number[] = [];
  for (let edge = 0; edge < edges; edge++) {
    const before = Date.now();
    let now = Date.now();
    while (now === before) now = Date.now();
    // The edge lies at or before this reading: a reading that was held up is too late, never too early.
    differences.push(fine() - now);
  }
  differences.sort((a, b) => a - b);
  // Not the very smallest: browsers blur their clocks by up to 0.1 ms either way.
  return differences[Math.floor(edges / 4)]!;
}

export const fineNow = (): number => performance.timeOrigin + performance.now();
