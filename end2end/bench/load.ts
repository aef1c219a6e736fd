// Compressed size of the first page load, and the time to the first row.
import type { Browser } from '@playwright/test';
import { ask } from '../support/http';
import type { Server } from '../support/server';
import { targets } from './figures';
import { at } from './engine-under-test';
import { look, serve } from './serve';
import type { SettingOn } from './setting';
import { kb } from './statistics';

const kinds: [string, RegExp][] = [
  ['HTML', /text\/html/],
  ['JS', /javascript/],
  ['wasm', /wasm/],
  ['CSS', /text\/css/],
  ['fonts', /font/],
];

const counted = ['HTML', 'JS', 'wasm', 'CSS'];

export async function measureLoad(setting: SettingOn): Promise<void> {
  const { testedEngine, browser, report, amounts, say } = setting;
  await serve(testedEngine.host, async (server) => {
    say('page weight');
    const { sizes, files } = await transferSizes(setting, server);
    const total = counted.reduce((sum, kind) => sum + (sizes[kind] ?? 0), 0);
    const parts = counted.map((kind) => `${kind} ${kb(sizes[kind] ?? 0)}`).join(', ');
    report.add(
      `first load, brotli, ${at(testedEngine)}`,
      `${kb(total)} (${parts})`,
      `≤ ${targets.pageBytes / 1000} KB`,
      total <= targets.pageBytes,
    );
    report.add('… not counted: fonts; icons and the rest', `${kb(sizes.fonts ?? 0)}; ${kb(sizes.rest ?? 0)}`);
    report.notes['files of /containers'] = files;

    say(`${amounts.samples} first loads`);
    const rows: number[] = [];
    const live: number[] = [];
    for (let load = 0; load < amounts.samples; load++) {
      const times = await firstLoad(browser, server);
      rows.push(times.row);
      live.push(times.live);
    }
    const judged = { unit: 'ms', atLeast: amounts.samples } as const;
    report.addSamples(`first row visible, empty cache, ${at(testedEngine)}`, rows, { ...judged, p95: targets.firstRowMs });
    report.addSamples('hydrated and live', live, judged);
  });
}

/** Requests again every URL that the browser loaded for the page, to measure the bytes on the wire. */
async function transferSizes({ browser }: SettingOn, server: Server) {
  const urls = new Set<string>();
  await look(
    browser,
    `${server.url}/containers`,
    (page) => page.waitForLoadState('networkidle'),
    async (page) =>
      page.on('request', (request) => {
        if (request.method() === 'GET' && request.url().startsWith(server.url)) urls.add(request.url());
      }),
  );
  const sizes: Record<string, number> = {};
  const files: Record<string, { bytes: number; encoding: string }> = {};
  for (const url of urls) {
    const answer = await ask(url, { headers: { 'accept-encoding': 'br', accept: '*/*' } });
    const type = answer.headers['content-type'] ?? '';
    const kind = kinds.find(([, pattern]) => pattern.test(type))?.[0] ?? 'rest';
    sizes[kind] = (sizes[kind] ?? 0) + answer.body.length;
    files[new URL(url).pathname] = { bytes: answer.body.length, encoding: answer.headers['content-encoding'] ?? 'none' };
  }
  return { sizes, files };
}

/** Milliseconds from the start of the navigation, in a browser with an empty cache. */
function firstLoad(browser: Browser, server: Server): Promise<{ row: number; live: number }> {
  const prepare = () => {
    const bench = window as any;
    // The frame after the one in which a row first exists: by then that row has been painted.
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
  };
  const read = async () => {
    const bench = window as any;
    const [row, live] = await Promise.all([bench.quaylightBenchRow, bench.quaylightBenchLive]);
    const contentful = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
    return { row: Math.max(row, contentful), live };
  };
  const url = `${server.url}/containers`;
  return look(browser, url, (page) => page.evaluate(read), (page) => page.addInitScript(prepare));
}
