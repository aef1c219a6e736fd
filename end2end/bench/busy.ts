// Server load while twenty objects change every second.
import { Simulator } from '../support/simulator';
import { targets } from './figures';
import { at } from './engine-under-test';
import { cpuShare, lasting, settledBytes } from './process';
import { look, revisionOf, serve } from './serve';
import type { Setting } from './setting';
import { percentOf } from './statistics';

const changesPerSecond = 20;

export async function measureBusy({ browser, report, amounts, say }: Setting): Promise<void> {
  for (const containers of [100, 10_000]) {
    const simulator = await Simulator.start({ containers, churn: changesPerSecond });
    try {
      await serve(simulator.host, (server) =>
        look(browser, `${server.url}/containers`, async () => {
          await settledBytes(server.pid);
          say(`${changesPerSecond} changes a second for ${amounts.busySeconds} s ${at(simulator)}`);
          const before = { truth: await simulator.truth(), revision: await revisionOf(server) };
          const { share, seconds } = await cpuShare(server.pid, () => lasting(amounts.busySeconds));
          const after = { truth: await simulator.truth(), revision: await revisionOf(server) };
          const events = (after.truth.events_sent - before.truth.events_sent) / seconds;
          const revisions = (after.revision - before.revision) / seconds;
          report.add(
            `CPU, ${changesPerSecond} changes a second, one viewer, ${at(simulator)}`,
            `${percentOf(share)} of a core over ${seconds.toFixed(0)} s ` +
              `(${events.toFixed(0)} engine events and ${revisions.toFixed(0)} revisions a second)`,
            `≤ ${targets.busyShare * 100} %`,
            share <= targets.busyShare,
          );
          report.notes[`engine calls while busy ${at(simulator)}`] = {
            before: before.truth.requests,
            after: after.truth.requests,
          };
        }),
      );
    } finally {
      await simulator.stop();
    }
  }
}
