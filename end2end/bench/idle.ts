// What does Quaylight cost while nothing happens and one page looks on?
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitLive } from '../support/page';
import { Server } from '../support/server';
import { CountingProxy } from './counting-proxy';
import { newPage } from './new-page';
import { cpuSeconds, residentBytes } from './process';
import type { Setting } from './setting';

/** What a reconcile may ask: the lists and the engine itself, never one container after the other. */
const ofReconcile = /^(GET|HEAD) \/(containers\/json|images\/json|volumes|networks|info|version|_ping)$/;

export async function measureIdle(setting: Setting & { seconds: number }): Promise<void> {
  const { engine, browser, containers, report, seconds, say } = setting;
  const proxy = await CountingProxy.start(join(tmpdir(), `quaylight-bench-${process.pid}.sock`), engine.socket);
  const server = await Server.start(`unix://${proxy.path}`);
  const page = await newPage(browser);
  try {
    await page.goto(`${server.url}/containers`);
    await waitLive(page);
    say(`idle for ${seconds} s at ${containers} containers`);
    proxy.reset();
    const before = await cpuSeconds(server.pid);
    const began = performance.now();
    // Time itself is what is measured here.
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const lasted = (performance.now() - began) / 1000;
    const share = ((await cpuSeconds(server.pid)) - before) / lasted;
    const resident = residentBytes(server.pid);

    const at = `at ${containers}`;
    const judged = containers === 100;
    report.add(
      `CPU, idle, one viewer, ${at}`,
      `${(share * 100).toFixed(2)} % of a core over ${lasted.toFixed(0)} s`,
      judged ? '≤ 1 %' : '',
      judged ? share <= 0.01 : undefined,
    );
    const limit = containers <= 100 ? 20e6 : 30e6;
    report.add(`server memory (RSS), one viewer, ${at}`, `${(resident / 1e6).toFixed(1)} MB`, `≤ ${limit / 1e6} MB`, resident <= limit);
    const perMinute = (count: number) => Math.round((count * 60) / lasted);
    const total = Object.values(proxy.calls).reduce((sum, count) => sum + count, 0);
    const others = Object.entries(proxy.calls).filter(([call]) => !ofReconcile.test(call));
    report.add(`engine calls a minute, idle, ${at}`, String(perMinute(total)));
    report.add(
      `… of them not the reconcile's, ${at}`,
      others.length === 0 ? '0' : others.map(([call, count]) => `${perMinute(count)} × ${call}`).join(', '),
      '0',
      others.length === 0,
    );
    report.notes[`engine calls while idle for ${lasted.toFixed(0)} s ${at}`] = proxy.calls;
  } finally {
    await page.context().close();
    await server.stop();
    proxy.stop();
  }
}
