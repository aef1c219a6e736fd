// How much is loaded for the first page, compressed, and when is the first row on the screen?
import { ask } from '../support/http';
import { waitLive } from '../support/page';
import { Server } from '../support/server';
import { newPage } from './new-page';
import type { Setting } from './setting';
import { kb, median, ms, percentile } from './statistics';

const kinds: [string, RegExp][] = [
  ['HTML', /text\/html/],
  ['JS', /javascript/],
  ['wasm', /wasm/],
  ['CSS', /text\/css/],
  ['fonts', /font/],
];

const counted = ['HTML', 'JS', 'wasm', 'CSS'];

export async function measureWeight(setting: Setting & { loads: number }): Promise<void> {
  const { engine, browser, containers, report, loads, say } = setting;
  const server = await Server.start(engine.host);
  try {
    say('page weight');
    const sizes = await transferSizes();
    const total = counted.reduce((sum, kind) => sum + (sizes[kind] ?? 0), 0);
    const parts = counted.map((kind) => `${kind} ${kb(sizes[kind] ?? 0)}`).join(', ');
    report.add(`page weight, brotli, at ${containers}`, `${kb(total)} (${parts})`, '≤ 260 KB', total <= 260_000);
    report.add('fonts, apart', kb(sizes.fonts ?? 0));
    report.add('icons and the rest, apart', kb(sizes.rest ?? 0));

    say(`${loads} first loads`);
    const rows: number[] = [];
    const live: number[] = [];
    for (let load = 0; load < loads; load++) {
      const times = await firstLoad();
      rows.push(times.row);
      live.push(times.live);
    }
    report.add(
      `first row visible, empty cache, at ${containers}`,
      `p50 ${ms(median(rows))}, p95 ${ms(percentile(rows, 95))}`,
      'p50 ≤ 300 ms',
      median(rows) <= 300,
    );
    report.add('hydrated and live', `p50 ${ms(median(live))}, p95 ${ms(percentile(live, 95))}`);
  } finally {
    await server.stop();
  }

  /** Whatever a browser asks for to show the page, asked for again by hand: the bytes on the wire. */
  async function transferSizes(): Promise<Record<string, number>> {
    const page = await newPage(browser);
    const urls = new Set<string>();
    page.on('request', (request) => {
      if (request.method() === 'GET' && request.url().startsWith(server.url)) urls.add(request.url());
    });
    await page.goto(`${server.url}/containers`, { waitUntil: 'networkidle' });
    await waitLive(page);
    await page.context().close();
    const sizes: Record<string, number> = {};
    const files: Record<string, { bytes: number; encoding: string }> = {};
    for (const url of urls) {
      const answer = await ask(url, { headers: { 'accept-encoding': 'br', accept: '*/*' } });
      const type = answer.headers['content-type'] ?? '';
      const kind = kinds.find(([, pattern]) => pattern.test(type))?.[0] ?? 'rest';
      sizes[kind] = (sizes[kind] ?? 0) + answer.body.length;
      files[new URL(url).pathname] = { bytes: answer.body.length, encoding: answer.headers['content-encoding'] ?? 'none' };
    }
    report.notes['files of /containers'] = files;
    return sizes;
  }

  /** Milliseconds from the start of the navigation, in a browser that never saw the page. */
  async function firstLoad(): Promise<{ row: number; live: number }> {
    const page = await newPage(browser);
    await page.addInitScript(() => {
      const bench = window as any;
      // The frame in which a row exists first, and the one after: by then the first has been painted.
      bench.quaylightBenchRow = new Promise<number>((resolve) => {
        const look = () => {
          if (document.querySelector('[data-entity]') === null) requestAnimationFrame(look);
          else requestAnimationFrame(() => resolve(performance.now()));
        };
        requestAnimationFrame(look);
      });
      bench.quaylightBenchLive = new Promise<number>((resolve) => {
        const observer = new MutationObserver(() => {
          if (document.querySelector('html[data-hydrated="true"] [data-connection="live"]') === null) return;
          observer.disconnect();
          resolve(performance.now());
        });
        observer.observe(document, { subtree: true, childList: true, attributes: true });
      });
    });
    await page.goto(`${server.url}/containers`);
    const times = await page.evaluate(async () => {
      const bench = window as any;
      const [row, live] = await Promise.all([bench.quaylightBenchRow, bench.quaylightBenchLive]);
      const contentful = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
      return { row: Math.max(row, contentful), live };
    });
    await page.context().close();
    return times;
  }
}
