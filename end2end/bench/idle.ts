// What does Quaylight cost while nothing happens and one page looks on?
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CountingProxy } from './counting-proxy';
import { targets } from './figures';
import { at } from './ground';
import { cpuShare, lasting, settledBytes } from './process';
import { look, serve } from './serve';
import type { SettingOn } from './setting';
import { mb, percentOf } from './statistics';

/** What a reconcile may ask: the lists and the engine itself, never one container after the other. */
const ofReconcile = /^(GET|HEAD) \/(containers\/json|images\/json|volumes|networks|info|version|_ping)$/;

export async function measureIdle({ ground, browser, report, amounts, say }: SettingOn): Promise<void> {
  const proxy = await CountingProxy.start(join(tmpdir(), `quaylight-bench-${process.pid}.sock`), ground.socket);
  try {
    await serve(`unix://${proxy.path}`, (server) =>
      look(browser, `${server.url}/containers`, async () => {
        await settledBytes(server.pid);
        say(`idle for ${amounts.idleSeconds} s ${at(ground)}`);
        proxy.reset();
        const { share, seconds } = await cpuShare(server.pid, () => lasting(amounts.idleSeconds));
        const calls = proxy.calls;
        proxy.reset();

        const duration = `over ${seconds.toFixed(0)} s`;
        const { idleShare } = targets;
        const cpu = `${percentOf(share)} of a core ${duration}`;
        report.add(`CPU, idle, one viewer, ${at(ground)}`, cpu, `≤ ${idleShare * 100} %`, share <= idleShare);
        const total = Object.values(calls).reduce((sum, count) => sum + count, 0);
        const others = Object.entries(calls).filter(([call]) => !ofReconcile.test(call));
        report.add(
          `engine calls, idle, not the reconcile's, ${at(ground)}`,
          `${others.map(([call, count]) => `${count} × ${call}`).join(', ') || 'none'} (of ${total} calls ${duration})`,
          'none',
          others.length === 0,
        );
        report.notes[`engine calls while idle ${duration} ${at(ground)}`] = calls;
        const resident = await settledBytes(server.pid);
        const limit = targets.residentBytes[ground.containers];
        report.add(
          `server memory (RSS), one viewer, ${at(ground)}`,
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
