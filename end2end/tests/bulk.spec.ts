// Bulk actions and concurrent clients: each row reports its outcome, and all clients agree in the end.
import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures';
import { expectState, open, rowOf, waitLive } from '../support/page';

const many = 20;
/** Longer than a stop takes by default, so that each action is pending for a while: process 1 ignores SIGTERM. */
const grace = 5;

async function choose(page: Page, prefix: string): Promise<void> {
  await open(page, `/containers?q=${prefix}`);
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).check();
}

const bulk = (page: Page, name: string) => page.getByRole('toolbar', { name: 'Selection' }).getByRole('button', { name, exact: true });

test('a bulk stop of 20 containers marks all rows as pending and is about as fast as docker stop', { tag: '@performance' }, async ({ page, docker }) => {
  test.setTimeout(120_000);
  const names = Array.from({ length: many }, (_, at) => docker.name(`w${at}`));
  for (const name of names) {
    await docker.start(name, { options: ['--stop-signal', 'TERM', '--stop-timeout', String(grace)] });
  }
  const began = performance.now();
  await docker.cli('stop', ...names);
  const theirs = performance.now() - began;
  await docker.cli('start', ...names);
  await choose(page, docker.prefix);
  await expect(bulk(page, `Stop ${many} containers`)).toBeVisible();
  // Records the rows' states from the click on, at each change.
  await page.evaluate(() => {
    const seen = ((window as any).quaylightTest = { pressed: 0, pending: 0, settled: 0 });
    document.querySelector('[role="toolbar"]')!.addEventListener('click', () => (seen.pressed = performance.now()), { capture: true });
    new MutationObserver(() => {
      const rows = [...document.querySelectorAll('[data-entity="container"]')];
      seen.pending = Math.max(seen.pending, rows.filter((row) => row.querySelector('[aria-busy]')).length);
      if (rows.every((row) => row.getAttribute('data-state') === 'exited')) seen.settled ||= performance.now();
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await bulk(page, `Stop ${many} containers`).click();
  await page.waitForFunction(() => (window as any).quaylightTest.settled > 0, undefined, { timeout: 30_000 });
  const seen = await page.evaluate(() => (window as any).quaylightTest);
  const ours = seen.settled - seen.pressed;
  console.log(`${many} stopped: docker ${Math.round(theirs)} ms, the page ${Math.round(ours)} ms`);
  expect(seen.pending, 'rows that are pending at the same time').toBe(many);
  expect(ours, `docker took ${Math.round(theirs)} ms`).toBeLessThan(theirs * 1.2);
  await expect(page.locator('[aria-busy]')).toHaveCount(0);
});

test('a bulk action shows the reason for each container that it fails on', async ({ page, docker }) => {
  const [fine, kept, safe] = [docker.name('fine'), docker.name('kept'), docker.name('safe')];
  await docker.start(fine);
  for (const name of [kept, safe]) await docker.start(name, { options: ['--label', 'quaylight.protect=true'] });
  await choose(page, docker.prefix);
  await bulk(page, 'Stop 3 containers').click();
  await expectState(page, fine, 'exited');
  const toast = page.locator('.toast[data-level="error"]');
  await expect(toast).toContainText('Stop failed for 2 of 3 containers');
  await expect(toast).toContainText(`${kept}: This container is protected`);
  await expect(toast).toContainText(`${safe}: This container is protected`);
  await expectState(page, kept, 'running');
  await expect(page.locator('[aria-busy]')).toHaveCount(0);
});

// Podman's runtime fails to start a container that it is stopping.
test('two tabs and the CLI act on the same container, and all agree in the end', { tag: '@docker' }, async ({ page, context, docker, server, pageLog }) => {
  // An action may arrive after a conflicting one, and then reports an error.
  pageLog.allow(/Failed to load resource/, /^status [45]\d\d: POST/);
  const name = docker.name('shared');
  await docker.start(name);
  const other = await context.newPage();
  await open(page, `/containers?q=${docker.prefix}`);
  await other.goto(`${server.url}/containers?q=${docker.prefix}`);
  await waitLive(other);
  const press = async (tab: Page, verbs: string) => {
    await rowOf(tab, 'container', name).hover();
    await tab.getByRole('button', { name: new RegExp(`^(${verbs}) ${name}$`) }).first().click();
  };
  for (let round = 0; round < 5; round++) {
    await Promise.all([
      press(page, 'Stop|Start'),
      press(other, 'Restart|Start'),
      docker.cli('restart', '--time', '0', name),
    ]);
  }
  await docker.cli('start', name);
  const truth = async () => (await docker.inspect('container', name)).State;
  for (const tab of [page, other]) {
    await expect(tab.locator('[aria-busy]'), 'no action stays pending').toHaveCount(0, { timeout: 15_000 });
    await expect.poll(async () => rowOf(tab, 'container', name).getAttribute('data-state')).toBe((await truth()).Status);
  }
  // The tabs still receive updates.
  await docker.cli('rm', '--force', name);
  for (const tab of [page, other]) await expect(rowOf(tab, 'container', name)).toHaveCount(0);
});
