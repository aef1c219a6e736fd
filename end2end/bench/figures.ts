// Which figures are there? The names that `--only` takes, and the targets: those of the product, in one place.

export const figures = {
  latency: 'from the engine’s event to the page, over a bare reader; bytes of a change',
  idle: 'CPU, memory and engine calls while nothing happens',
  usage: 'what containers use: its cost, and whether it comes on time',
  load: 'the first load of a page',
  memory: 'resident memory, and what a hundred sockets add to it',
  busy: 'CPU with twenty changes a second',
  fanout: 'a thousand sockets, one change',
  rows: 'ten thousand rows: filter, scroll',
  storm: 'two hundred changes a second, a thousand rows',
  reconnect: 'the network cut, and back',
  heap: 'heap of a tab under ten changes a second',
} as const;

export type FigureName = keyof typeof figures;

const MB = 1_000_000;

export const targets = {
  /** Milliseconds by how many containers there are. */
  latency: { 100: { p50: 3, p95: 10 }, 1_000: { p50: 5, p95: 15 }, 10_000: { p50: 5, p95: 15 } } as Record<
    number,
    { p50: number; p95: number }
  >,
  bytesOfChange: 200,
  residentBytes: { 100: 20 * MB, 1_000: 30 * MB, 10_000: 80 * MB } as Record<number, number>,
  hundredSocketsBytes: 10 * MB,
  idleShare: 0.01,
  busyShare: 0.05,
  usageShare: 0.03,
  manyUsagesShare: 0.1,
  /** To draw the sparklines of a page on which fifty containers stand. */
  sparklinesShare: 0.05,
  sampleMs: 2_000,
  lastOfThousandMs: 50,
  pageBytes: 220_000,
  firstRowMs: 300,
  filterMs: 50,
  scrollFrameMs: 16.7,
  reconnectMs: 1_000,
  heapGrowth: 0.05,
};
