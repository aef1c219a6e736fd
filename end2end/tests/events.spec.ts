// Events page: history and live events, and filters to find them.
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import type { Docker } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { ask } from '../support/http';
import { open, rowOf } from '../support/page';

function rows(page: Page, name: string, action?: string) {
  const of = action === undefined ? '' : `[data-action="${action}"]`;
  return page.locator(`[data-event][data-name=${JSON.stringify(name)}]${of}`);
}

/** The engine's events of a container, newest first. A kill and the resulting die may be reported in either order. */
async function engineTells(docker: Docker, id: string): Promise<string[]> {
  // With the fraction: docker takes "now" as the beginning of the current second.
  const now = (Date.now() / 1_000).toFixed(3);
  const lines = await docker.lines('events', '--since', '1m', '--until', now, '--filter', `container=${id}`, '--format', '{{json .}}');
  const events = lines.map((line) => JSON.parse(line)).filter((event) => event.Type === 'container');
  return events.map((event) => event.Action).reverse();
}

/** Actions shown in a container's rows, from the top. */
function actions(page: Page, name: string): Promise<(string | null)[]> {
  return rows(page, name).evaluateAll((all) => all.map((row) => row.getAttribute('data-action')));
}

test('a container start appears within 300 ms', { tag: '@performance' }, async ({ page, docker }) => {
  await open(page, '/events');
  await page.evaluate((prefix) => {
    const seen: Record<string, number> = ((window as any).quaylightTestSeen = {});
    new MutationObserver(() => {
      for (const row of document.querySelectorAll(`[data-event][data-name^="${prefix}"][data-action="start"]`)) seen[row.getAttribute('data-name')!] ??= Date.now();
    }).observe(document.body, { subtree: true, childList: true });
  }, docker.prefix);
  // Median of five: a single one may be delayed by other load on the machine.
  const took: number[] = [];
  for (let number = 0; number < 5; number++) {
    const name = docker.name(`new-${number}`);
    await docker.start(name);
    await expect(rows(page, name, 'start')).toHaveCount(1);
    const seen: number = await page.evaluate((wanted) => (window as any).quaylightTestSeen[wanted], name);
    // The engine's own time stamp.
    took.push(seen - Date.parse((await rows(page, name, 'start').locator('time').getAttribute('datetime'))!));
  }
  took.sort((one, other) => one - other);
  expect(took[2], `ms from the event to the row: ${took.join(', ')}`).toBeLessThan(300);
});

test('filters are part of the URL and survive a reload', { tag: '@docker' }, async ({ page, docker }) => {
  const [one, two] = [docker.name('one'), docker.name('two')];
  await docker.start(one, { command: ['sh', '-c', 'exit 3'], options: ['--label', 'com.docker.compose.project=shop'] });
  await docker.start(two);
  await docker.cli('exec', two, 'true');
  await docker.volume(docker.name('data'));
  await open(page, '/events');
  await expect(rows(page, one, 'die')).toHaveCount(1);
  await expect(rows(page, one, 'die')).toContainText('Exited');
  await expect(rows(page, one, 'die').locator('.code')).toHaveText('3');
  await expect(rows(page, two, 'exec_create')).toHaveCount(0);

  await page.getByRole('button', { name: 'Verbose' }).click();
  await expect(rows(page, two, 'exec_create')).toHaveCount(1);
  await page.getByRole('button', { name: 'Volumes', exact: true }).click();
  await expect(rows(page, docker.name('data'), 'create')).toHaveCount(1);
  await expect(rows(page, two)).toHaveCount(0);
  await expect(page).toHaveURL(/kind=volume/);
  await page.getByRole('button', { name: 'All' }).click();
  await page.getByRole('button', { name: 'Last hour' }).click();
  await page.getByRole('searchbox').fill(`${one} die`);
  await expect(page).toHaveURL(/q=/);
  await expect(page.locator('[data-event]')).toHaveCount(1);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Last hour' })).toHaveAttribute('aria-pressed', 'true');
  expect(await actions(page, one)).toEqual(['die']);

  await rows(page, one, 'die').getByRole('link', { name: one }).click();
  await expect(page).toHaveURL(/entity=/);
});

test('a link opens the events of an entity around a point in time', { tag: '@docker' }, async ({ page, docker }) => {
  const name = docker.name('linked');
  const id = await docker.start(name);
  await docker.cli('kill', name);
  const around = new Date().toISOString();
  await open(page, `/events?entity=${id}&around=${around}`);
  await expect(page.locator('[data-event]')).toHaveCount(4);
  expect(await actions(page, name)).toEqual(await engineTells(docker, id));
  await rows(page, name, 'die').getByRole('button', { name: 'Exited' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('exitCode');
  await expect(dialog).toContainText(id);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});

test('the server renders the same events as the live page', { tag: '@docker' }, async ({ page, browser, docker, server }) => {
  const name = docker.name('same');
  const id = await docker.start(name);
  await docker.cli('rm', '--force', name);
  await open(page, `/events?entity=${name}`);
  const expected = await engineTells(docker, id);
  expect(expected.toSorted()).toEqual(['create', 'destroy', 'die', 'kill', 'start']);
  await expect.poll(() => actions(page, name)).toEqual(expected);
  const bare = await browser.newContext({ javaScriptEnabled: false, baseURL: server.url });
  const plain = await bare.newPage();
  await plain.goto(`/events?entity=${name}`);
  expect(await actions(plain, name)).toEqual(expected);
  await bare.close();
});

test('a user action is listed with its actor', async ({ page, docker }) => {
  const name = docker.name('acted');
  await docker.start(name);
  await open(page, '/containers');
  const row = rowOf(page, 'container', name);
  await row.hover();
  await row.getByRole('button', { name: `Stop ${name}` }).click();
  await expect(row).toHaveAttribute('data-state', 'exited');
  await open(page, '/events?by=users');
  const deed = rows(page, name, 'stop');
  await expect(deed).toHaveAttribute('data-actor', 'local');
  await expect(deed).toContainText('Stop requested');
});

test('the export matches docker events for the same period', async ({ page, docker, server }) => {
  const began = String(Date.now() / 1000);
  const name = docker.name('filed');
  const id = await docker.start(name);
  for (const verb of ['pause', 'unpause', 'kill']) await docker.cli(verb, name);
  await open(page, `/events?entity=${id}`);
  await expect(rows(page, name, 'die')).toHaveCount(1);
  const link = page.getByRole('link', { name: 'Export as NDJSON' });
  const { text } = await ask(`${server.url}${await link.getAttribute('href')}`);
  const ours = text.trim().split('\n').map((line) => JSON.parse(line)).reverse();
  const printed = await docker.lines('events', '--since', began, '--until', String(Date.now() / 1000 + 1), '--filter', `container=${id}`, '--format', '{{json .}}');
  const theirs = printed.map((line) => JSON.parse(line)).filter((event) => event.Type === 'container');
  expect(ours.map((event) => [event.action, event.id, Date.parse(event.time)])).toEqual(
    theirs.map((event) => [event.Action, event.Actor.ID, Math.floor(event.timeNano / 1e6)]),
  );
  await expect(page.getByRole('link', { name: 'Export as CSV' })).toHaveAttribute('href', new RegExp(`entity=${id}.*format=csv`));
});

test('rows hold still under the pointer, and new events wait behind a button', async ({ page, docker }) => {
  const first = docker.name('first');
  await docker.create(first);
  await open(page, '/events');
  await expect(rows(page, first)).toHaveCount(1);
  await rows(page, first).hover();
  const held = docker.name('held');
  await docker.create(held);
  const chip = page.getByRole('button', { name: /^\d+ new$/ });
  await expect(chip).toBeVisible();
  await expect(rows(page, held)).toHaveCount(0);
  // Moves the pointer away, so that the list is no longer held.
  await page.mouse.move(0, 0);
  await expect(rows(page, held)).toHaveCount(1);
  await expect(chip).toHaveCount(0);
});

test('the events page passes axe', async ({ page, docker }) => {
  await docker.start(docker.name('failed'), { command: ['sh', '-c', 'exit 3'] });
  await open(page, '/events');
  await expect(rows(page, docker.name('failed'), 'die')).toHaveCount(1);
  await expectAccessible(page);
});
