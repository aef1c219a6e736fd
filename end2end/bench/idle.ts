// Cost of an idle server with one open page.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CountingProxy } from './counting-proxy';
import { targets } from './figures';
import { at } from './engine-under-test';
import { cpuShare, lasting, settledBytes } from './process';
import { look, serve } from './serve';
import type { SettingOn } from './setting';
import { mb, percentOf } from './statistics';

/** Requests a reconcile may send: the lists and the engine's own endpoints, never one inspect per container. */
const ofReconcile = /^(GET|HEAD) \/(containers\/json|images\/json|volumes|networks|info|version|_ping)$/;

export async function measureIdle({ testedEngine, browser, report, amounts, say }: SettingOn): Promise<void> {
  const proxy = await CountingProxy.start(join(tmpdir(), `quaylight-bench-${process.pid}.sock`), testedEngine.socket);
  try {
    await serve(`unix://${proxy.path}`, (server) =>
      look(browser, `${server.url}/containers`, async () => {
        await settledBytes(server.pid);
        say(`idle for ${amounts.idleSeconds} s ${at(testedEngine)}`);
        proxy.reset();
        const { share, seconds } = await cpuShare(server.pid, () => lasting(amounts.idleSeconds));
        const calls = proxy.calls;
        proxy.reset();

        const duration = `over ${seconds.toFixed(0)} s`;
        const { idleShare } = targets;
        const cpu = `${percentOf(share)} of a core ${duration}`;
        report.add(`CPU, idle, one viewer, ${at(testedEngine)}`, cpu, `≤ ${idleShare * 100} %`, share <= idleShare);
        const total = Object.values(calls).reduce((sum, count) => sum + count, 0);
        const others = Object.entries(calls).filter(([call]) => !ofReconcile.test(call));
        report.add(
          `engine calls, idle, not the reconcile's, ${at(testedEngine)}`,
          `${others.map(([call, count]) => `${count} × ${call}`).join(', ') || 'none'} (of ${total} calls ${duration})`,
          'none',
          others.length === 0,
        );
        report.notes[`engine calls while idle ${duration} ${at(testedEngine)}`] = calls;
        const resident = await settledBytes(server.pid);
        const limit = targets.residentBytes[testedEngine.containers];
        report.add(
          `server memory (RSS), one viewer, ${at(testedEngine)}`,
          mb(resident),
          limit === undefined ? '' : `≤ ${mb(limit)}`,
          limit === undefined ? undefined : resident <= limit,
        );
      }),
    );
  } finally {
    proxy.stop();
  }
}
