// What does it cost to show what containers use, beside what `docker stats` of the same costs? And does it come on time?
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, Page } from '@playwright/test';
import { end } from '../support/ended';
import { Simulator } from '../support/simulator';
import { Socket } from '../support/socket';
import { figures, targets } from './figures';
import { at } from './ground';
import { cpuShare, lasting } from './process';
import { look, serve } from './serve';
import type { Setting, SettingOn } from './setting';
import { percentOf } from './statistics';

/** So high that all fifty stand on the screen. */
const tall = { width: 1280, height: 2_400 };

/** Until so many rows say what their containers use. */
const told = (page: Page, rows: number): Promise<unknown> =>
  page.waitForFunction((wanted) => document.querySelectorAll('.cpu > b').length >= wanted, rows, { timeout: 30_000 });

/** Of a core, for all processes of the browser together. */
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

/** On the real engine, all its containers running and on the screen. */
export async function measureUsage({ ground, browser, report, amounts, say }: SettingOn): Promise<void> {
  const dir = dirname(ground.socket);
  const engine = ['docker.pid', 'exec/containerd/containerd.pid'].map((file) => Number(readFileSync(join(dir, file), 'utf8')));
  /** Of a core, for dockerd and containerd together. */
  const engineWhile = async (meanwhile: () => Promise<unknown>): Promise<number> => {
    const over = meanwhile();
    const shares = await Promise.all(engine.map((pid) => cpuShare(pid, () => over)));
    return shares.reduce((sum, { share }) => sum + share, 0);
  };
  const forAWhile = () => lasting(amounts.idleSeconds);

  say(`what ${ground.containers} containers use, for ${amounts.idleSeconds} s ${at(ground)}`);
  const quiet = await engineWhile(forAWhile);
  await serve(`unix://${ground.socket}`, (server) =>
    look(browser, `${server.url}/containers`, async (page) => {
      await page.setViewportSize(tall);
      await told(page, ground.containers);
      let ours = 0;
      const engines = await engineWhile(async () => {
        ours = (await cpuShare(server.pid, forAWhile)).share;
      });
      report.add(
        `CPU, usage of ${ground.containers} on the screen, ${at(ground)}`,
        `${percentOf(ours)} of a core, the engine ${percentOf(Math.max(0, engines - quiet))} more than alone`,
        `≤ ${percentOf(targets.usageShare)}`,
        ours <= targets.usageShare,
      );
      const shown = await browserShare(browser, forAWhile);
      // The same page with the same messages, and nothing drawn of them.
      await page.addStyleTag({ content: '.containers :is(.cpu, .mem) > svg { display: none !important }' });
      const plain = await browserShare(browser, forAWhile);
      report.add(
        `CPU, drawing ${2 * ground.containers} sparklines, ${at(ground)}`,
        `${percentOf(Math.max(0, shown - plain))} of a core (Chromium in all ${percentOf(shown)}, without them ${percentOf(plain)})`,
        `≤ ${percentOf(targets.sparklinesShare)}`,
        shown - plain <= targets.sparklinesShare,
      );
    }),
  );
  const cli = spawn('docker', ['--host', `unix://${ground.socket}`, 'stats'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    cli.stdout.resume();
    await lasting(3);
    let command = 0;
    const engines = await engineWhile(async () => {
      command = (await cpuShare(cli.pid!, forAWhile)).share;
    });
    const cost = `${percentOf(command)} of a core, the engine ${percentOf(Math.max(0, engines - quiet))} more than alone`;
    report.add(`CPU, docker stats of the same ${ground.containers}, ${at(ground)}`, cost, '', undefined);
  } finally {
    await end(cli);
  }
}

/** A thousand running containers, of which a page shows what it shows. */
export async function measureManyUsages({ browser, report, amounts, say }: Setting): Promise<void> {
  const simulator = await Simulator.start({ containers: 1_000 });
  try {
    await serve(simulator.host, (server) =>
      look(browser, `${server.url}/containers`, async (page) => {
        await told(page, 5);
        say(`${figures.usage} ${at(simulator)}`);
        const ids = await page
          .locator('[data-state="running"]:has(.cpu > b)')
          .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')!));
        // A second client that looks at the same sees when they come.
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
