// Instruments of /realtime-test: connection events and latency.
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { expect, test } from '../support/chaos';
import type { Docker } from '../support/docker';
import { expectRecovery, journal } from '../support/journal';
import { expectConnection, expectState, mark, open, rowOf, whenRowAppears } from '../support/page';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('the journal records how the page goes live', async ({ page }) => {
  await open(page, '/realtime-test');
  await expect.poll(async () => (await journal(page)).map(({ what }) => what)).toContain('live');
  const live = (await journal(page)).find(({ what }) => what === 'live')!;
  expect(live.words).toMatch(/Connected over WebSocket/);
});

test('a dropped connection reconnects automatically, and the journal records the reconnect', async ({ page, docker }) => {
  await open(page, '/realtime-test');
  const document = await mark(page);
  const known = (await journal(page)).length;
  await button(page, 'Drop connection').click();
  const { words } = await expectRecovery(page, known, 'dropped', 'live');
  expect(words).toMatch(/Connected over WebSocket after \d+ ms/);
  const resumed = await expectRecovery(page, known, 'dropped', 'resumed');
  expect(resumed.words).toMatch(/at revision \d+/);
  expect(resumed.words).toMatch(/\d+ (changes )?missed/);
  await expectConnection(page, 'live', 'websocket');
  const name = docker.name('web');
  await docker.create(name);
  await expectState(page, name, 'created');
  await document.stayed();
});

test('blocking WebSocket, then SSE, falls back step by step, and unblocking upgrades again', async ({ page, docker }) => {
  // Better transports are retried after 1 s, doubling.
  test.setTimeout(90_000);
  await open(page, '/realtime-test');
  const document = await mark(page);
  const begun = (await journal(page)).length;
  const webSocket = button(page, 'Block WebSocket');
  const sse = button(page, 'Block SSE');
  await expect(webSocket).toHaveAttribute('aria-pressed', 'false');
  await expect(sse).toHaveAttribute('aria-pressed', 'false');

  await webSocket.click();
  await expect(webSocket).toHaveAttribute('aria-pressed', 'true');
  await expectConnection(page, 'live', 'sse', 8_000);
  await expectEntry(page, begun, 'fell-back');
  await create(page, docker, 'over-sse');

  let known = (await journal(page)).length;
  await sse.click();
  await expect(sse).toHaveAttribute('aria-pressed', 'true');
  await expectConnection(page, 'polling', 'polling', 8_000);
  await expectEntry(page, known, 'fell-back');
  await create(page, docker, 'over-polling');

  known = (await journal(page)).length;
  await sse.click();
  await expect(sse).toHaveAttribute('aria-pressed', 'false');
  await expectConnection(page, 'live', 'sse', 35_000);
  await expectEntry(page, known, 'moved-up');

  known = (await journal(page)).length;
  await webSocket.click();
  await expect(webSocket).toHaveAttribute('aria-pressed', 'false');
  await expectConnection(page, 'live', 'websocket', 35_000);
  await expectEntry(page, known, 'moved-up');
  await create(page, docker, 'over-websocket');

  const entries = (await journal(page)).slice(begun).map(({ what }) => what);
  expect(entries, 'each transport change resumes without a resync').not.toContain('resynced');
  await document.stayed();
});

test('a page that pauses reading for 10 s catches up, and the journal records the resume', async ({ page, docker }) => {
  await open(page, '/realtime-test');
  const known = (await journal(page)).length;
  await button(page, 'Pause reading for 10 s').click();
  await expectEntry(page, known, 'paused');
  const paused = Date.now();
  const name = docker.name('web');
  await docker.create(name);
  const { words } = await expectRecovery(page, known, 'paused', 'resumed', 20_000);
  expect(words, 'the page reports the missed change').toMatch(/[1-9]\d* (changes )?missed/);
  const caughtUp = await whenRowAppears(page, 'container', name);
  expect(caughtUp - paused, 'milliseconds without reading').toBeGreaterThan(8_000);
  await expectState(page, name, 'created');
});

test('the journal records a manual resync, which changes no row', async ({ page, docker }) => {
  await open(page, '/realtime-test');
  const name = docker.name('web');
  const id = await docker.create(name);
  await expectState(page, name, 'created');
  const known = (await journal(page)).length;
  await button(page, 'Resync now').click();
  await expectEntry(page, known, 'resynced');
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-id', id);
  await expectConnection(page, 'live', 'websocket');
});

test('the journal records a network failure and the recovery', async ({ page, network }) => {
  await open(page, '/realtime-test');
  const known = (await journal(page)).length;
  network.cut();
  const { words } = await expectRecovery(page, known, 'lost', 'live');
  expect(words).toMatch(/\d+ ms/);
  await expectRecovery(page, known, 'lost', 'resumed');
});

test('each leg of the path shows its latency, and the histogram fills as containers change', async ({ page, docker }) => {
  await open(page, '/realtime-test');
  const histogram = page.locator('[role=img][data-histogram]');
  const before = await counted(page, 'total');
  await create(page, docker, 'first');
  await expect.poll(() => counted(page, 'total')).toBeGreaterThan(before);
  await expect(histogram).toBeVisible();
  await expect(histogram, 'the histogram has a text alternative').toHaveAccessibleName(/\S/);
  const picture = await histogram.screenshot();

  for (let round = 0; round < 4; round++) {
    const name = docker.name(`web-${round}`);
    await docker.start(name);
    await expectState(page, name, 'running');
    await docker.cli('kill', name);
    await expectState(page, name, 'exited');
  }
  const medians: Record<string, number> = {};
  for (const leg of ['engine', 'server', 'network', 'paint', 'total']) {
    await expect.poll(() => counted(page, leg), `changes counted on the leg "${leg}"`).toBeGreaterThanOrEqual(before + 9);
    const [p50, p95, max] = await Promise.all(['p50', 'p95', 'max'].map((name) => milliseconds(figure(page, leg, name))));
    expect(p50, `${leg}: p50 is not negative`).toBeGreaterThanOrEqual(0);
    expect(p95, `${leg}: p50 ≤ p95`).toBeGreaterThanOrEqual(p50!);
    expect(max, `${leg}: p95 ≤ max`).toBeGreaterThanOrEqual(p95!);
    medians[leg] = p50!;
  }
  expect(medians.total, 'the total is the largest median').toBe(Math.max(...Object.values(medians)));
  expect((await histogram.screenshot()).equals(picture), 'the histogram changes').toBe(false);
});

test('the instruments in use pass axe on a desktop and a phone viewport', async ({ page, docker }) => {
  await open(page, '/realtime-test');
  await create(page, docker, 'first');
  const known = (await journal(page)).length;
  await button(page, 'Drop connection').click();
  await expectRecovery(page, known, 'dropped', 'resumed');
  await button(page, 'Block SSE').click();
  await create(page, docker, 'second');
  await expectAccessible(page);

  await page.setViewportSize({ width: 390, height: 844 });
  const widths = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  expect(widths.content, 'the page does not scroll horizontally').toBeLessThanOrEqual(widths.window);
  for (const name of ['Drop connection', 'Block WebSocket', 'Block SSE', 'Pause reading for 10 s', 'Resync now', 'Run self-test'])
    await expect(button(page, name)).toBeVisible();
  await expectAccessible(page);
});

/** An entry after the first `known` ones, with a text. */
async function expectEntry(page: Page, known: number, what: string): Promise<void> {
  const after = async () => (await journal(page)).slice(known);
  await expect.poll(async () => (await after()).map((entry) => entry.what), `the journal contains "${what}"`).toContain(what);
  expect((await after()).find((entry) => entry.what === what)!.words).toMatch(/\w{3,}/);
}

async function create(page: Page, docker: Docker, word: string): Promise<void> {
  const name = docker.name(word);
  await docker.create(name);
  await expectState(page, name, 'created');
}

const figure = (page: Page, leg: string, name: string): Locator =>
  page.locator(`[data-leg="${leg}"] [data-figure="${name}"]`);

async function counted(page: Page, leg: string): Promise<number> {
  return Number((await figure(page, leg, 'count').textContent())?.replaceAll(/\D/g, ''));
}

async function milliseconds(cell: Locator): Promise<number> {
  const text = (await cell.textContent()) ?? '';
  const [, sign, number] = /^([-−]?)([\d.]+) ms$/.exec(text.trim()) ?? [];
  if (number === undefined) throw new Error(`Expected a time in ms, got ${JSON.stringify(text)}`);
  return Number(number) * (sign === '' ? 1 : -1);
}
