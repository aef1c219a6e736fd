// System time in fractions of a millisecond, on the same clock in every process.
//
// `performance.timeOrigin + performance.now()` is fine-grained, but each process fixes its timeOrigin at its own start,
// and the system clock may have been adjusted since. `Date.now()` reads the system clock, which also stamps the engine's
// events, in whole milliseconds. So each process watches Date.now() advance to the next millisecond a few dozen times and
// records its fine clock at each edge: the smallest difference is its offset from the system clock.

/**
 * Returns the milliseconds to subtract from the fine clock to get the system time.
 * Runs in Node and, serialized as a function, in the page: it must not reference anything outside itself.
 */
export function clockOffset(edges = 60): number {
  const fine = () => performance.timeOrigin + performance.now();
  const differences: number[] = [];
  for (let edge = 0; edge < edges; edge++) {
    const before = Date.now();
    let now = Date.now();
    while (now === before) now = Date.now();
    // The edge lies at or before this reading: a delayed reading is too late, never too early.
    differences.push(fine() - now);
  }
  differences.sort((a, b) => a - b);
  // Not the smallest difference: browsers blur their clocks by up to 0.1 ms either way.
  return differences[Math.floor(edges / 4)]!;
}

export const fineNow = (): number => performance.timeOrigin + performance.now();
