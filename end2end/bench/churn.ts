// Page responsiveness at two hundred changes a second and a thousand rows.
import { untilRevision } from '../support/page';
import { Simulator } from '../support/simulator';
import { inWords, mainThread, watchFrames } from './frames';
import { at } from './engine-under-test';
import { look, revisionOf, serve } from './serve';
import type { Setting } from './setting';

const changesPerSecond = 200;

export async function measureChurn({ browser, report, amounts, say }: Setting): Promise<void> {
  const simulator = await Simulator.start({ containers: 1_000, churn: changesPerSecond });
  try {
    await serve(simulator.host, (server) =>
      look(browser, `${server.url}/containers`, async (page) => {
        say(`${changesPerSecond} changes a second for ${amounts.stormSeconds} s ${at(simulator)}`);
        const before = await revisionOf(server);
        const storm = await mainThread(page, () => watchFrames(page, { forMs: amounts.stormSeconds * 1000 }));
        const revisions = ((await revisionOf(server)) - before) / amounts.stormSeconds;
        const name = `${changesPerSecond} changes a second`;
        report.addSamples(`${name}: frame, ${at(simulator)}`, storm.deltas, {
          unit: 'ms',
          atLeast: amounts.samples,
          beside: `${revisions.toFixed(0)} revisions a second; main thread a frame: ${inWords(storm.work)}`,
        });
        const longest = Math.max(0, ...storm.longTasks).toFixed(0);
        const behind = await untilRevision(page, await revisionOf(server));
        report.add(`… until the page has what the server had then, ${at(simulator)}`, `${behind.toFixed(0)} ms`);
        report.add(`… tasks of more than 50 ms, ${at(simulator)}`, `${storm.longTasks.length} (longest ${longest} ms)`);
      }),
    );
  } finally {
    await simulator.stop();
  }
}
