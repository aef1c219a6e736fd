// Names of the figures, as `--only` accepts them, and the product's targets.

export const figures = {
  latency: 'from the engine’s event to the page, over a bare reader; bytes of a change',
  engines: 'latency on newer engines beside the machine’s own',
  idle: 'CPU, memory and engine calls while nothing happens',
  usage: 'what containers use: its cost, and whether it comes on time',
  load: 'the first load of a page',
  mixed: 'what mixed use leaves in the memory',
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
  /** Milliseconds, by number of containers. */
  latency: { 100: { p50: 3, p95: 10 }, 1_000: { p50: 5, p95: 15 }, 10_000: { p50: 5, p95: 15 } } as Record<
    number,
    { p50: number; p95: number }
  >,
  /** p50 on a newer engine minus p50 on the machine's own, in milliseconds. */
  newerEngineMs: 1,
  bytesOfChange: 200,
  residentBytes: { 100: 25 * MB, 1_000: 32 * MB, 10_000: 80 * MB } as Record<number, number>,
  hundredSocketsBytes: 10 * MB,
  connectionBytes: 30_000,
  /** Growth of anonymous memory, a minute after the last use. */
  mixedUseBytes: 4 * MB,
  idleShare: 0.01,
  busyShare: 0.05,
  usageShare: 0.03,
  manyUsagesShare: 0.1,
  /** Drawing the sparklines of a page that shows fifty containers. */
  sparklinesShare: 0.05,
  sampleMs: 2_000,
  lastOfThousandMs: 50,
  pageBytes: 280_000,
  firstRowMs: 350,
  filterMs: 50,
  scrollFrameMs: 16.7,
  reconnectMs: 1_000,
  heapGrowth: 0.05,
};
