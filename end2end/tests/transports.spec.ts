// An open page stays correct when the network between it and the server fails.
import type { Page } from '@playwright/test';
import { expectAgreement } from '../support/agreement';
import { expect, test } from '../support/chaos';
import { ConnectionHistory } from '../support/connection-history';
import { ContainerChurn } from '../support/container-churn';
import { defaultEngine, type Docker } from '../support/docker';
import { badge, expectConnection, expectState, mark, open, rowOf, whenRowAppears } from '../support/page';
import { Server } from '../support/server';

/** The page retries better transports after 1 s, doubling to 30 s. */
const untilBetterIsTried = 35_000;

test('with WebSocket blocked the page goes live over SSE at once and follows the CLI', async ({ page, docker, network }) => {
  network.block({ websocket: true });
  await page.goto('/containers');
  // Well within the 4 s timeout of a transport without a hello.
  await expectConnection(page, 'live', 'sse', 3_000);
  await liveByCli(page, docker);
  expect(network.counts.blocked.websocket).toBeGreaterThan(0);
  expect(network.counts.passed.websocket).toBe(0);
});

test('with SSE blocked as well the page falls back to polling and follows the CLI', async ({ page, docker, network }) => {
  network.block({ websocket: true, sse: true });
  await page.goto('/containers');
  await expectConnection(page, 'polling', 'polling', 3_000);
  await liveByCli(page, docker);
  expect(network.counts.passed.websocket + network.counts.passed.sse).toBe(0);
});

test('a polling page sends a request after each change or every 5 s, not continuously', async ({ page, network, docker }) => {
  network.block({ websocket: true, sse: true });
  await page.goto('/containers');
  await expectConnection(page, 'polling', 'polling', 3_000);
  const before = network.counts.passed.polling;
  const name = docker.name('web');
  const id = await docker.create(name);
  for (const next of [docker.name('shop'), docker.name('till'), name]) {
    await docker.cli('rename', id, next);
    await expectState(page, next, 'created');
  }
  // Four changes of this test plus other engine activity; a page that polls on a tight timer sends hundreds of requests.
  expect(network.counts.passed.polling - before).toBeLessThan(40);
});

test('a fallback to polling and an upgrade to WebSocket under churn lose and repeat no change', async ({ page, docker, network }) => {
  test.setTimeout(120_000);
  await open(page, '/containers');
  await expectConnection(page, 'live', 'websocket');
  const document = await mark(page);
  const history = await ConnectionHistory.watch(page);
  const churn = new ContainerChurn(docker, 7);
  churn.start();

  network.block({ websocket: true });
  await expectConnection(page, 'live', 'sse', 8_000);
  await liveByCli(page, docker);
  network.block({ websocket: true, sse: true });
  await expectConnection(page, 'polling', 'polling', 8_000);
  await liveByCli(page, docker);
  network.block({ websocket: true });
  await expectConnection(page, 'live', 'sse', untilBetterIsTried);
  await liveByCli(page, docker);
  network.block({});
  await expectConnection(page, 'live', 'websocket', untilBetterIsTried);
  await liveByCli(page, docker);

  await churn.stop();
  expect(churn.changes, 'number of changes during the test').toBeGreaterThan(50);
  await expectAgreement(page, docker);
  await history.expectOnlyForward();
  await document.stayed();
  await expect.poll(() => network.openOf('sse') + network.openOf('polling'), 'the fallback transports are closed').toBe(0);
});

test('the page detects a silent network within 10 s and recovers when it is back', async ({ page, docker, network }) => {
  await open(page, '/containers');
  const document = await mark(page);
  const history = await ConnectionHistory.watch(page);
  network.stall();
  const name = docker.name('web');
  await docker.create(name);
  await expect(badge(page)).not.toHaveAttribute('data-connection', 'live', { timeout: 10_000 });
  await expect(rowOf(page, 'container', name)).toHaveCount(0);

  network.pass();
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-state', 'created', { timeout: 12_000 });
  await expectConnection(page, 'live', 'websocket', untilBetterIsTried);
  await expectAgreement(page, docker);
  await history.expectOnlyForward();
  await document.stayed();
});

const forgotten = [
  { what: 'a socket', transport: 'websocket', connection: 'live', blocked: {} },
  { what: 'an event stream', transport: 'sse', connection: 'live', blocked: { websocket: true } },
  { what: 'a poll', transport: 'polling', connection: 'polling', blocked: { websocket: true, sse: true } },
] as const;

for (const { what, transport, connection, blocked } of forgotten) {
  test(`the page detects ${what} on a dead path within 10 s and reconnects`, async ({ page, context, docker, network }) => {
    network.block(blocked);
    // Pages ping and check timeouts every few seconds: tabs opened at 1 s intervals are in different phases of that cycle.
    const tabs = [page, await context.newPage(), await context.newPage()];
    for (const tab of tabs) {
      await tab.goto('/containers');
      await expectConnection(tab, connection, transport);
      await tab.waitForTimeout(1_000);
    }
    const histories = await Promise.all(tabs.map((tab) => ConnectionHistory.watch(tab)));
    const [name, renamed] = [docker.name('web'), docker.name('shop')];
    await docker.create(name);
    for (const tab of tabs) await expectState(tab, name, 'created');

    network.forget();
    const forgottenAt = Date.now();
    await docker.cli('rename', name, renamed);
    for (const [at, right] of (await Promise.all(tabs.map((tab) => whenRowAppears(tab, 'container', renamed)))).entries()) {
      const moments = await histories[at]!.moments();
      const noticed = moments.find((moment) => moment.at > forgottenAt && moment.connection !== connection)?.at ?? right;
      expect(noticed - forgottenAt, `milliseconds until tab ${at} detects it`).toBeLessThan(10_000);
      expect(right - noticed, `milliseconds from then until tab ${at} is correct`).toBeLessThan(1_000);
      await expectConnection(tabs[at]!, connection, transport);
      await histories[at]!.expectOnlyForward();
    }
    await expectAgreement(page, docker);
  });
}

test('the page recovers within 1 s after a disconnect', async ({ page, docker, network }) => {
  await open(page, '/containers');
  const document = await mark(page);
  const history = await ConnectionHistory.watch(page);
  const name = docker.name('web');
  await docker.create(name);
  await expectState(page, name, 'created');

  const renamed = docker.name('shop');
  network.refuse();
  network.cut();
  await docker.cli('rename', name, renamed);
  await expect(badge(page), 'the page detects the disconnect').not.toHaveAttribute('data-connection', 'live');
  const back = Date.now();
  network.pass();
  const right = await whenRowAppears(page, 'container', renamed);
  expect(right - back, 'milliseconds until the page is correct').toBeLessThan(1_000);

  await expectConnection(page, 'live', 'websocket', untilBetterIsTried);
  await expectAgreement(page, docker);
  await history.expectOnlyForward();
  await document.stayed();
});

test('the page falls back to polling when a proxy buffers the event stream', async ({ page, docker, network }) => {
  network.bufferStreams();
  network.block({ websocket: true });
  await page.goto('/containers');
  // The hello times out after 4 s.
  await expectConnection(page, 'polling', 'polling', 8_000);
  expect(network.counts.passed.sse).toBeGreaterThan(0);
  await liveByCli(page, docker);
  await expectAgreement(page, docker);
});

test('with a round-trip time of half a second, changes arrive complete and in order', async ({ page, docker, network }) => {
  await open(page, '/containers');
  const history = await ConnectionHistory.watch(page);
  network.delay(250);
  const churn = new ContainerChurn(docker, 11);
  await churn.perform(60);
  await churn.stop();
  await expectAgreement(page, docker);
  await history.expectOnlyForward();
  const connections = (await history.moments()).map((moment) => moment.connection);
  expect([...new Set(connections)], 'a slow connection stays live').toEqual(['live']);
});

test('pages reconnect to a restarted server without a reload', async ({ page, docker }) => {
  const first = await Server.start(defaultEngine);
  const address = new URL(first.url).host;
  let second: Server | null = null;
  try {
    await open(page, `${first.url}/containers`);
    const document = await mark(page);
    const name = docker.name('web');
    await docker.create(name);
    await expectState(page, name, 'created');

    await first.stop();
    await expect(badge(page)).not.toHaveAttribute('data-connection', 'live');
    await docker.cli('rename', name, docker.name('shop'));
    await docker.create(docker.name('new'));
    second = await Server.start(defaultEngine, { QUAYLIGHT_LISTEN: address });
    // Backoff grows to 10 s.
    await expectConnection(page, 'live', 'websocket', 12_000);
    await expectAgreement(page, docker);
    await liveByCli(page, docker);
    await document.stayed();
  } finally {
    // Close the page first: left open, it would report that the server is gone.
    await page.close();
    await second?.stop();
    await first.stop();
  }
});

test('a tab without network shows offline and recovers within 1 s when it is back', async ({ page, context, docker, network }) => {
  await open(page, '/containers');
  const document = await mark(page);
  const history = await ConnectionHistory.watch(page);
  network.refuse();
  network.cut();
  await expect(badge(page)).not.toHaveAttribute('data-connection', 'live');
  // An open socket stays open under Chromium's offline switch, or does not even report that it was cut.
  await context.setOffline(true);
  await expect(badge(page)).toHaveAttribute('data-connection', 'offline');
  await expect(badge(page)).toHaveAttribute('data-transport', 'none');
  const name = docker.name('web');
  await docker.start(name);
  await docker.cli('pause', name);

  const back = Date.now();
  network.pass();
  await context.setOffline(false);
  const right = await whenRowAppears(page, 'container', name);
  expect(right - back, 'milliseconds until the page is correct').toBeLessThan(1_000);
  await expectState(page, name, 'paused');
  await expectConnection(page, 'live', 'websocket', untilBetterIsTried);
  await expectAgreement(page, docker);
  await history.expectOnlyForward();
  await document.stayed();
});

test('a hidden tab closes its event stream and recovers when it is shown again', async ({
  page,
  docker,
  network,
}) => {
  network.block({ websocket: true });
  await page.goto('/containers');
  await expectConnection(page, 'live', 'sse');
  const document = await mark(page);
  const name = docker.name('web');
  await docker.create(name);
  await expectState(page, name, 'created');

  await show(page, false);
  await expect.poll(() => network.openOf('sse'), { message: 'number of open streams' }).toBe(0);
  await docker.cli('start', name);
  await show(page, true);
  await expectConnection(page, 'live', 'sse');
  await expectState(page, name, 'running');
  await document.stayed();
});

/** A short lifecycle driven by the CLI; each step must be visible in the page before the next. */
async function liveByCli(page: Page, docker: Docker): Promise<void> {
  const [name, renamed] = [docker.name('cli'), docker.name('cli-renamed')];
  await docker.create(name);
  await expectState(page, name, 'created');
  await docker.cli('start', name);
  await expectState(page, name, 'running');
  await docker.cli('rename', name, renamed);
  await expectState(page, renamed, 'running');
  await expect(rowOf(page, 'container', name)).toHaveCount(0);
  await docker.cli('rm', '--force', renamed);
  await expect(rowOf(page, 'container', renamed)).toHaveCount(0);
}

/** Simulates a switch to another tab, or back. */
async function show(page: Page, visible: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, !visible);
}
