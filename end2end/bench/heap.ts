// Growth of a tab's heap under continuous changes.
import type { CDPSession, Page } from '@playwright/test';
import { Simulator } from '../support/simulator';
import { keepWasmMemory, wasmMemory } from '../support/wasm-memory';
import { targets } from './figures';
import { at } from './engine-under-test';
import { lasting } from './process';
import { look, serve } from './serve';
import type { Setting } from './setting';
import { mb, median, percentOf } from './statistics';

const changesPerSecond = 10;
const readings = 36;

interface Reading {
  /** JavaScript heap after a forced collection. */
  js: number;
  /** The memory of the wasm module, which never shrinks. */
  wasm: number;
  nodes: number;
}

export async function measureHeap({ browser, report, amounts, say }: Setting): Promise<void> {
  const simulator = await Simulator.start({ containers: 100, churn: changesPerSecond });
  try {
    await serve(simulator.host, (server) =>
      look(
        browser,
        `${server.url}/containers`,
        async (page) => {
          const minutes = amounts.heapSeconds / 60;
          const duration = minutes >= 1 ? `${minutes} min` : `${amounts.heapSeconds} s`;
          say(`${changesPerSecond} changes a second for ${duration} ${at(simulator)}`);
          const cdp = await page.context().newCDPSession(page);
          const taken: Reading[] = [];
          const began = performance.now();
          for (let number = 1; number <= readings; number++) {
            await lasting(Math.max(0, (number * amounts.heapSeconds) / readings - (performance.now() - began) / 1000));
            taken.push(await read(page, cdp));
          }
          const total = (reading: Reading) => reading.js + reading.wasm;
          const [first, last] = [taken.slice(0, readings / 3), taken.slice(-readings / 3)].map((third) => ({
            total: median(third.map(total)),
            js: median(third.map(({ js }) => js)),
            wasm: median(third.map(({ wasm }) => wasm)),
            nodes: median(third.map(({ nodes }) => nodes)),
          })) as [Reading & { total: number }, Reading & { total: number }];
          const growth = last.total / first.total - 1;
          const inWords = (third: typeof first) => `${mb(third.total)} (JS ${mb(third.js)}, wasm ${mb(third.wasm)}, ${third.nodes} nodes)`;
          report.add(
            `heap of a tab, ${changesPerSecond} changes a second, ${duration}, ${at(simulator)}`,
            `first third ${inWords(first)}, last ${inWords(last)}: ${growth >= 0 ? '+' : ''}${percentOf(growth)}`,
            `last third ≤ ${targets.heapGrowth * 100} % from the first`,
            growth <= targets.heapGrowth,
          );
          report.notes[`heap readings over ${duration}`] = taken;
        },
        keepWasmMemory,
      ),
    );
  } finally {
    await simulator.stop();
  }
}

async function read(page: Page, cdp: CDPSession): Promise<Reading> {
  // Twice: the first collection may make more objects collectable.
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  const { nodes } = await cdp.send('Memory.getDOMCounters');
  return { js: usedSize, wasm: await wasmMemory(page), nodes };
}
