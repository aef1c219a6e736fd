// Server memory, idle and with a hundred sockets.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Simulator } from '../support/simulator';
import { Crowd } from './crowd';
import { targets } from './figures';
import { at } from './engine-under-test';
import { lasting, ownBytes, peakBytes, settledBytes } from './process';
import { look, serve } from './serve';
import type { Setting } from './setting';
import { mb } from './statistics';

const sockets = 100;
const connections = 10_000;

/**
 * Servers of each size after one page's worth of traffic and a reconcile, without clients.
 * They run concurrently, since the measurement mostly waits.
 */
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
          // An allocator may take some time to return unused memory.
          await lasting(10);
          const idle = await settledBytes(server.pid);
          const [own, peak] = [ownBytes(server.pid), peakBytes(server.pid)];
          const crowd = await Crowd.gather(server.url, { readers: sockets });
          const crowded = await settledBytes(server.pid);
          await crowd.disperse();
          return { testedEngine: simulator, idle, own, peak, crowded };
        });
      } finally {
        await simulator.stop();
      }
    }),
  );
  await measureConnections(report, say);
  for (const { testedEngine, idle, own, peak } of measured) {
    const limit = targets.residentBytes[testedEngine.containers]!;
    const text = `${mb(idle)} (${mb(own)} of it not the binary's file; ${mb(peak)} at most until then)`;
    report.add(`server memory (RSS), idle, ${at(testedEngine)}`, text, `≤ ${mb(limit)}`, idle <= limit);
  }
  for (const { testedEngine, idle, crowded } of measured) {
    const [more, limit] = [crowded - idle, targets.hundredSocketsBytes];
    report.add(`… ${sockets} browsers' sockets on top, ${at(testedEngine)}`, mb(more), `≤ ${mb(limit)}`, more <= limit);
  }
}

/** TCP connections that send no request, as attackers and browsers keep them. */
async function measureConnections(report: Setting['report'], say: Setting['say']): Promise<void> {
  say(`${connections} idle connections`);
  const simulator = await Simulator.start({ containers: 100 });
  try {
    await serve(simulator.host, async (server) => {
      const before = ownBytes(server.pid);
      const { hostname, port } = new URL(server.url);
      const open: Socket[] = [];
      for (let count = 0; count < connections; count += 500) {
        const some = Array.from({ length: 500 }, () => connect(Number(port), hostname));
        await Promise.all(some.map((socket) => once(socket, 'connect')));
        open.push(...some);
      }
      const each = (ownBytes(server.pid) - before) / connections;
      // The server closes them on its own.
      const began = performance.now();
      await Promise.all(open.map((socket) => (socket.resume(), socket.destroyed ? null : once(socket, 'close'))));
      const closed = Math.round((performance.now() - began) / 1000);
      const text = `${Math.round(each)} B (all closed ${closed} s later)`;
      report.add(`memory for each of ${connections} idle connections, ${at(simulator)}`, text, `≤ ${targets.connectionBytes} B`, each <= targets.connectionBytes);
    });
  } finally {
    await simulator.stop();
  }
}

/** Resolves after the next full list request to the engine, when the server's memory peaks. */
async function nextRelist(simulator: Simulator): Promise<void> {
  const lists = async () => (await simulator.truth()).requests['GET /containers/json'] ?? 0;
  const before = await lists();
  const deadline = performance.now() + 60_000;
  while ((await lists()) === before) {
    if (performance.now() > deadline) throw new Error('No reconcile within a minute.');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
