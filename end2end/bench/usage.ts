// Cost of live container stats, compared with `docker stats`, and their timeliness.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, Page } from '@playwright/test';
import { end } from '../support/ended';
import { Simulator } from '../support/simulator';
import { Socket } from '../support/socket';
import { figures, targets } from './figures';
import { at } from './engine-under-test';
import { cpuShare, lasting } from './process';
import { look, serve } from './serve';
import type { Setting, SettingOn } from './setting';
import { percentOf } from './statistics';

/** High enough to show all fifty rows. */
const tall = { width: 1280, height: 2_400 };

/** Waits until this many rows show their usage. */
const untilUsageShown = (page: Page, rows: number): Promise<unknown> =>
  page.waitForFunction((wanted) => document.querySelectorAll('.cpu > b').length >= wanted, rows, { timeout: 30_000 });

/** Share of one core, all browser processes together. */
async function browserShare(browser: Browser, meanwhile: () => Promise<unknown>): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const seconds = async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  const [before, began] = [await seconds(), performance.now()];
  await meanwhile();
  const used = (await seconds()) - before;
  await session.detach();
  return used / ((performance.now() - began) / 1000);
}

/** Real engine, with all its containers running and visible. */
export async function measureUsage({ testedEngine, browser, report, amounts, say }: SettingOn): Promise<void> {
  const dir = dirname(testedEngine.socket);
  const engine = ['docker.pid', 'exec/containerd/containerd.pid'].map((file) => Number(readFileSync(join(dir, file), 'utf8')));
  /** Share of one core, dockerd and containerd together. */
  const engineWhile = async (meanwhile: () => Promise<unknown>): Promise<number> => {
    const over = meanwhile();
    const shares = await Promise.all(engine.map((pid) => cpuShare(pid, () => over)));
    return shares.reduce((sum, { share }) => sum + share, 0);
  };
  const forAWhile = () => lasting(amounts.idleSeconds);

  say(`what ${testedEngine.containers} containers use, for ${amounts.idleSeconds} s ${at(testedEngine)}`);
  const quiet = await engineWhile(forAWhile);
  await serve(`unix://${testedEngine.socket}`, (server) =>
    look(browser, `${server.url}/containers`, async (page) => {
      await page.setViewportSize(tall);
      await untilUsageShown(page, testedEngine.containers);
      let ours = 0;
      const engines = await engineWhile(async () => {
        ours = (await cpuShare(server.pid, forAWhile)).share;
      });
      report.add(
        `CPU, usage of ${testedEngine.containers} on the screen, ${at(testedEngine)}`,
        `${percentOf(ours)} of a core, the engine ${percentOf(Math.max(0, engines - quiet))} more than alone`,
        `≤ ${percentOf(targets.usageShare)}`,
        ours <= targets.usageShare,
      );
      const shown = await browserShare(browser, forAWhile);
      // The same page with the same messages, without drawing the sparklines.
      await page.addStyleTag({ content: '.containers :is(.cpu, .mem) > svg { display: none !important }' });
      const plain = await browserShare(browser, forAWhile);
      report.add(
        `CPU, drawing ${2 * testedEngine.containers} sparklines, ${at(testedEngine)}`,
        `${percentOf(Math.max(0, shown - plain))} of a core (Chromium in all ${percentOf(shown)}, without them ${percentOf(plain)})`,
        `≤ ${percentOf(targets.sparklinesShare)}`,
        shown - plain <= targets.sparklinesShare,
      );
    }),
  );
  const cli = spawn('docker', ['--host', `unix://${testedEngine.socket}`, 'stats'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    cli.stdout.resume();
    await lasting(3);
    let command = 0;
    const engines = await engineWhile(async () => {
      command = (await cpuShare(cli.pid!, forAWhile)).share;
    });
    const cost = `${percentOf(command)} of a core, the engine ${percentOf(Math.max(0, engines - quiet))} more than alone`;
    report.add(`CPU, docker stats of the same ${testedEngine.containers}, ${at(testedEngine)}`, cost, '', undefined);
  } finally {
    await end(cli);
  }
}

/** A thousand running containers, of which the page shows only the visible part. */
export async function measureManyUsages({ browser, report, amounts, say }: Setting): Promise<void> {
  const simulator = await Simulator.start({ containers: 1_000 });
  try {
    await serve(simulator.host, (server) =>
      look(browser, `${server.url}/containers`, async (page) => {
        await untilUsageShown(page, 5);
        say(`${figures.usage} ${at(simulator)}`);
        const ids = await page
          .locator('[data-state="running"]:has(.cpu > b)')
          .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')!));
        // A second client with the same subscription observes when samples arrive.
        const socket = await Socket.open(`${server.url.replace('http', 'ws')}/ws`);
        socket.send({ type: 'subscribe', channels: ['stats'], ids });
        const latest = new Map<string, number>();
        let [longest, samples] = [0, 0];
        socket.raw.on('message', (data) => {
          const message = JSON.parse(data.toString());
          if (message.type !== 'stats') return;
          const now = performance.now();
          for (const { container_id: id } of message.samples) {
            longest = Math.max(longest, now - (latest.get(id) ?? now));
            latest.set(id, now);
            samples += 1;
          }
        });
        const { share, seconds } = await cpuShare(server.pid, () => lasting(amounts.idleSeconds));
        await socket.close();
        report.add(
          `usage of the ${ids.length} on the screen, ${at(simulator)}`,
          `${samples} samples in ${seconds.toFixed(0)} s, the longest wait for one ${Math.round(longest)} ms`,
          `≤ ${targets.sampleMs} ms`,
          samples > 0 && longest <= targets.sampleMs,
        );
        report.add(
          `CPU, usage on the screen, ${at(simulator)}`,
          `${percentOf(share)} of a core`,
          `≤ ${percentOf(targets.manyUsagesShare)}`,
          share <= targets.manyUsagesShare,
        );
      }),
    );
  } finally {
    await simulator.stop();
  }
}
