// Self-test on the real engine: it measures each transport, reports its findings, and removes its probe.
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import type { Docker } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { open } from '../support/page';

const transports = ['websocket', 'sse', 'polling'] as const;
const steps = ['create', 'start', 'pause', 'unpause', 'rename', 'stop', 'remove'] as const;

const panel = (page: Page) => page.locator('#self-test [data-selftest]');
const row = (page: Page, transport: string) => page.locator(`#self-test [data-transport-test="${transport}"]`);
const created = (page: Page) => row(page, 'websocket').locator('[data-step="create"][data-latency-us]');
const skip = (page: Page) => page.getByRole('button', { name: 'Skip idle test', exact: true });

async function begin(page: Page): Promise<void> {
  await open(page, '/realtime-test');
  await page.getByRole('button', { name: 'Run self-test', exact: true }).click();
  await expect(panel(page)).toHaveAttribute('data-selftest', 'running');
}

/** Runs the self-test to its end, without the idle test. */
async function runThrough(page: Page): Promise<void> {
  await begin(page);
  for (const transport of transports)
    await expect(row(page, transport)).toHaveAttribute('data-result', /./, { timeout: 20_000 });
  await skip(page).click();
  await expect(panel(page)).toHaveAttribute('data-selftest', 'done');
}

async function expectNoProbe(docker: Docker): Promise<void> {
  const probes = () => docker.lines('ps', '--all', '--quiet', '--filter', 'label=quaylight.probe=true');
  await expect.poll(probes, 'no probe container is left').toEqual([]);
  const images = () => docker.lines('images', '--quiet', 'quaylight-probe');
  await expect.poll(images, 'no probe image is left').toEqual([]);
}

async function microsOf(cell: Locator, attribute: string): Promise<number> {
  return Number(await cell.getAttribute(attribute));
}

test('every transport delivers all seven changes with their latencies, and the report contains them', async ({
  context,
  docker,
  page,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await runThrough(page);
  await expect(panel(page)).toHaveAttribute('data-broken-hop', 'none');
  await expect(panel(page)).toContainText('No problems found');
  for (const transport of transports) {
    await expect(row(page, transport)).toHaveAttribute('data-result', 'ok');
    for (const step of steps) {
      const cell = row(page, transport).locator(`[data-step="${step}"]`);
      await expect(cell, `${transport}: ${step}`).toHaveText(/^\d+(\.\d)? ms\d+(\.\d)? ms$/);
      const latency = await microsOf(cell, 'data-latency-us');
      expect(latency, 'an arrival follows its event').toBeGreaterThanOrEqual(0);
      expect(latency, 'an arrival takes less than 1 s').toBeLessThan(1_000_000);
      // The event lies between request and arrival; the margin covers the uncertainty of the clocks.
      expect(latency).toBeLessThan((await microsOf(cell, 'data-total-us')) + 20_000);
    }
  }

  const copied = async (name: string) => {
    await page.evaluate(() => navigator.clipboard.writeText(''));
    await page.getByRole('button', { name, exact: true }).click();
    const text = () => page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(text).not.toBe('');
    return text();
  };
  const report = JSON.parse(await copied('Copy as JSON'));
  expect(report).toMatchObject({
    version: 1,
    page: `${new URL(page.url()).origin}/realtime-test`,
    server: { version: expect.any(String), epoch: expect.any(Number) },
    clock_offset_us: expect.any(Number),
    round_trip_us: expect.any(Number),
    idle: { result: 'skipped', cut_after_s: null },
    broken_hop: 'none',
    findings: [],
  });
  // Browser and server share this machine's clock.
  expect(Math.abs(report.clock_offset_us)).toBeLessThan(20_000);
  for (const transport of transports) {
    const { result, connected_after_ms, failure, steps: brought } = report.transports[transport];
    expect({ result, failure }).toEqual({ result: 'ok', failure: null });
    expect(connected_after_ms).toBeLessThan(5_000);
    expect(Object.keys(brought)).toEqual(steps);
    const shown = row(page, transport).locator('[data-step="pause"]');
    expect(await microsOf(shown, 'data-latency-us')).toBe(brought.pause.latency_us);
  }
  expect(await copied('Copy as text')).toMatch(/No problems found(.|\n)*Broken hop: none(.|\n)*WebSocket +ok/);
  await expectNoProbe(docker);
});

test('the results pass axe in both themes and on a phone viewport', async ({ page }) => {
  await runThrough(page);
  await expect(page.getByRole('table', { name: /engine event to this page/ })).toBeVisible();
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await overflow(), 'the page does not scroll horizontally').toBe(0);
  await expectAccessible(page);
});

test('run, skip and copy work by keyboard', async ({ page }) => {
  await open(page, '/realtime-test');
  await page.getByRole('button', { name: 'Run self-test', exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect(row(page, 'polling')).toHaveAttribute('data-result', 'ok', { timeout: 20_000 });
  await skip(page).focus();
  await page.keyboard.press('Enter');
  await expect(panel(page)).toHaveAttribute('data-selftest', 'done');
  await expect(panel(page).getByRole('status').first(), 'the focus is on the verdict').toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Copy as JSON', exact: true })).toBeFocused();
});

test('without clipboard access the report can be copied manually', async ({ page }) => {
  // As on a page loaded from another machine without TLS.
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await runThrough(page);
  await page.getByRole('button', { name: 'Copy as JSON', exact: true }).click();
  const byHand = page.getByRole('textbox', { name: 'Report (copy manually)' });
  await expect(byHand).toBeFocused();
  expect(JSON.parse(await byHand.inputValue()).broken_hop).toBe('none');
  const marked = await byHand.evaluate((area: HTMLTextAreaElement) => area.selectionEnd - area.selectionStart);
  expect(marked, 'the whole report is selected').toBe((await byHand.inputValue()).length);
});

test('a second run replaces the results of the first', async ({ docker, page }) => {
  await runThrough(page);
  await page.getByRole('button', { name: 'Run self-test', exact: true }).click();
  await expect(panel(page)).toHaveAttribute('data-selftest', 'running');
  await expect(panel(page)).toHaveCount(1);
  await expect(row(page, 'polling')).toHaveAttribute('data-result', 'ok', { timeout: 20_000 });
  await skip(page).click();
  await expect(panel(page)).toHaveAttribute('data-selftest', 'done');
  await expectNoProbe(docker);
});

test('leaving the site during a run removes the probe', async ({ docker, page }) => {
  await begin(page);
  await expect(created(page)).toBeVisible();
  await page.goto('about:blank');
  await expectNoProbe(docker);
});

test('navigating to another page ends the run and removes the probe', async ({ docker, page }) => {
  const probes: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/api/probe/create')) probes.push(request.url());
  });
  await begin(page);
  await expect(created(page)).toBeVisible();
  const removed = page.waitForResponse('**/api/probe/remove');
  await page
    .getByRole('link', { name: /^Containers/ })
    .first()
    .click();
  await expect(page).toHaveURL(/\/containers$/);
  await removed;
  await expectNoProbe(docker);
  expect(probes, 'no other transport starts').toHaveLength(1);
});
