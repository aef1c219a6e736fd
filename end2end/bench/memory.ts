// How much memory does the server take, idle, and how much more for a hundred sockets?
import { Simulator } from '../support/simulator';
import { Crowd } from './crowd';
import { targets } from './figures';
import { at } from './ground';
import { lasting, ownBytes, peakBytes, settledBytes } from './process';
import { look, serve } from './serve';
import type { Setting } from './setting';
import { mb } from './statistics';

const sockets = 100;

/** A server of each size after one page's worth of traffic and a reconcile, nobody looking. All at once: only time passes. */
export async function measureMemory({ browser, report, say }: Setting): Promise<void> {
  say('three servers settle');
  const sizes = [100, 1_000, 10_000];
  const measured = await Promise.all(
    sizes.map(async (containers) => {
      const simulator = await Simulator.start({ containers });
      try {
        return await serve(simulator.host, async (server) => {
          await look(browser, `${server.url}/containers`, (page) => page.waitForLoadState('networkidle'));
          await nextRelist(simulator);
          // An allocator may take its time before it gives back what it does not need.
          await lasting(10);
          const idle = await settledBytes(server.pid);
          const [own, peak] = [ownBytes(server.pid), peakBytes(server.pid)];
          const crowd = await Crowd.gather(server.url, { readers: sockets });
          const crowded = await settledBytes(server.pid);
          await crowd.disperse();
          return { ground: simulator, idle, own, peak, crowded };
        });
      } finally {
        await simulator.stop();
      }
    }),
  );
  for (const { ground, idle, own, peak } of measured) {
    const limit = targets.residentBytes[ground.containers]!;
    const text = `${mb(idle)} (${mb(own)} of it not the binary's file; ${mb(peak)} at most until then)`;
    report.add(`server memory (RSS), idle, ${at(ground)}`, text, `≤ ${mb(limit)}`, idle <= limit);
  }
  for (const { ground, idle, crowded } of measured) {
    const [more, limit] = [crowded - idle, targets.hundredSocketsBytes];
    report.add(`… ${sockets} browsers' sockets on top, ${at(ground)}`, mb(more), `≤ ${mb(limit)}`, more <= limit);
  }
}

/** The next time the engine is asked for the whole list, which is when the server needs most. */
async function nextRelist(simulator: Simulator): Promise<void> {
  const lists = async () => (await simulator.truth()).requests['GET /containers/json'] ?? 0;
  const before = await lists();
  const deadline = performance.now() + 60_000;
  while ((await lists()) === before) {
    if (performance.now() > deadline) throw new Error('No reconcile within a minute.');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
