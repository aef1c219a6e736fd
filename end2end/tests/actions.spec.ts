// Container actions in the page, and the errors shown when they fail.
import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures';
import { knownState } from '../support/http';
import { expectState, mark, open, rowOf } from '../support/page';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** Hovers first: the row's actions may be hidden until then. */
async function press(page: Page, container: string, action: string): Promise<void> {
  await rowOf(page, 'container', container).hover();
  await button(page, `${action} ${container}`).click();
}

async function choose(page: Page, container: string, action: string): Promise<void> {
  await press(page, container, 'More actions for');
  await page.getByRole('menu').getByRole('menuitem', { name: `${action} ${container}`, exact: true }).click();
}

test('the row buttons stop, start and restart a container', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, '/containers');
  const document = await mark(page);

  await press(page, name, 'Stop');
  await expectState(page, name, 'exited');
  expect((await docker.inspect('container', name)).State.Status).toBe('exited');
  await press(page, name, 'Start');
  await expectState(page, name, 'running');

  const started = (await docker.inspect('container', name)).State.StartedAt;
  await press(page, name, 'Restart');
  await expect
    .poll(async () => (await docker.inspect('container', name)).State.StartedAt, { message: 'the container restarts' })
    .not.toBe(started);
  await expectState(page, name, 'running');
  await document.stayed();
});

test('a Restart that arrives after the container has stopped is refused', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, '/containers');
  let release = () => {};
  const held = new Promise<void>((go) => (release = go));
  await page.route('**/actions/containers', async (route) => {
    await held;
    await route.continue();
  });
  const request = page.waitForRequest('**/actions/containers');
  await press(page, name, 'Restart');
  await request;
  await docker.cli('stop', name);
  await expectState(page, name, 'exited');
  release();
  const toast = page.getByRole('status').or(page.getByRole('alert')).filter({ hasText: `Restart ${name}` });
  await expect(toast).toContainText('drawn for a running container');
  expect((await docker.inspect('container', name)).State.Status).toBe('exited');
});

test('the menu pauses, unpauses and kills a container', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, '/containers');

  await choose(page, name, 'Pause');
  await expectState(page, name, 'paused');
  await choose(page, name, 'Unpause');
  await expectState(page, name, 'running');
  await choose(page, name, 'Kill');
  await expectState(page, name, 'exited');
  expect((await docker.inspect('container', name)).State.ExitCode).toBe(137);
});

test('the menu works by keyboard and returns the focus to its button', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, '/containers');
  const opener = button(page, `More actions for ${name}`);
  await opener.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menu')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('menu')).toHaveCount(0);
  await expect(opener).toBeFocused();
});

test('a closed dialog returns the focus to the button that opened it', async ({ page, docker }) => {
  const [container, volume] = [docker.name('web'), docker.name('data')];
  await docker.create(container);
  await docker.volume(volume);
  const dialog = page.getByRole('dialog');
  const cancel = dialog.getByRole('button', { name: 'Cancel', exact: true });
  // Of both kinds of lists, by way of a menu and by a button.
  for (const { path, opener, item } of [
    { path: '/containers', opener: `More actions for ${container}`, item: `Remove ${container}` },
    { path: '/volumes', opener: `More actions for ${volume}`, item: `Remove ${volume}` },
    { path: '/volumes', opener: 'Create volume', item: null },
  ]) {
    await open(page, path);
    for (const close of [() => page.keyboard.press('Escape'), () => cancel.press('Enter')]) {
      await button(page, opener).press('Enter');
      if (item !== null) await page.getByRole('menuitem', { name: item, exact: true }).press('Enter');
      await expect(dialog).toBeVisible();
      await close();
      await expect(dialog).toHaveCount(0);
      await expect(button(page, opener), `after ${item ?? opener}`).toBeFocused();
    }
  }
});

test('remove asks for confirmation, keeps the container on cancel, and removes it on confirm', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.create(name);
  await open(page, '/containers');

  await choose(page, name, 'Remove');
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText(name);
  await dialog.getByRole('button', { name: 'Cancel', exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expectState(page, name, 'created');

  await choose(page, name, 'Remove');
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expectState(page, name, 'created');

  await choose(page, name, 'Remove');
  await dialog.getByRole('button', { name: `Remove ${name}`, exact: true }).click();
  await expect(rowOf(page, 'container', name)).toHaveCount(0);
  await expect(dialog).toHaveCount(0);
  expect(await docker.states()).toEqual({});
});

test('the selection toolbar stops and removes the selected containers', async ({ page, docker }) => {
  const names = ['a', 'b', 'c'].map((word) => docker.name(word));
  for (const name of names) await docker.start(name);
  const other = docker.name('other');
  await docker.start(other);
  await open(page, `/containers?q=${docker.prefix}`);

  for (const name of names) await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check();
  const toolbar = page.getByRole('toolbar', { name: 'Selection' });
  await toolbar.getByRole('button', { name: 'Stop 3 containers', exact: true }).click();
  for (const name of names) await expectState(page, name, 'exited');
  await expectState(page, other, 'running');

  await toolbar.getByRole('button', { name: 'Remove 3 containers', exact: true }).click();
  const dialog = page.getByRole('dialog');
  const sure = dialog.getByRole('button', { name: 'Remove 3 containers', exact: true });
  await expect(sure, 'removing several containers requires typed confirmation').toBeDisabled();
  await dialog.getByLabel('Confirm').fill('3 containers');
  await sure.click();
  for (const name of names) await expect(rowOf(page, 'container', name)).toHaveCount(0);
  await expect(toolbar, 'removing the containers clears the selection').toHaveCount(0);
  expect(Object.keys(await docker.states())).toEqual([other]);
});

test('"Select all" selects the listed rows, "Clear selection" deselects them', async ({ page, docker }) => {
  for (const word of ['a', 'b']) await docker.create(docker.name(word));
  await open(page, `/containers?q=${docker.prefix}`);
  await expect(rowOf(page, 'container', docker.name('b'))).toBeVisible();
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).check();
  const toolbar = page.getByRole('toolbar', { name: 'Selection' });
  await expect(toolbar.getByRole('button', { name: 'Remove 2 containers', exact: true })).toBeVisible();
  await toolbar.getByRole('button', { name: 'Clear selection', exact: true }).click();
  await expect(toolbar).toHaveCount(0);
  await expect(page.getByRole('checkbox', { name: 'Select all', exact: true })).not.toBeChecked();
});

test('an action on a removed container shows a readable error', async ({ page, docker, pageLog, server }) => {
  // The browser logs the failed request to its console, as expected.
  pageLog.allow(/Failed to load resource/, /^status 4\d\d: POST/, /^status 5\d\d: POST/);
  const name = docker.name('ghost');
  await docker.start(name);
  // The page lags behind the engine: socket messages are held back from here on.
  let held = false;
  await page.routeWebSocket(/\/ws/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((message) => {
      if (!held) socket.send(message);
    });
  });
  await open(page, '/containers');
  await expectState(page, name, 'running');
  held = true;
  await docker.cli('rm', '--force', name);
  // Until the server has read that, too, it takes the container for an exited one.
  await expect.poll(() => knownState(server, name)).toBeUndefined();

  await press(page, name, 'Stop');
  const toast = page.getByRole('status').or(page.getByRole('alert')).filter({ hasText: name });
  await expect(toast).toBeVisible();
  await expect(toast).toContainText(/no longer|not exist|gone|not found|no such/i);
  await expect(toast).not.toContainText(/\b[45]\d\d\b|ServerFn|Error\(|panic/);
});

// Chromium aborts requests when the machine's network changes, as it does with each container on a bridge.
for (const lost of ['request', 'response']) {
  test(`an action whose ${lost} is lost is repeated and runs once`, async ({ page, docker, pageLog }) => {
    pageLog.allow(/\/actions\/request/);
    const volume = docker.name('data');
    await open(page, '/volumes');
    let requests = 0;
    await page.route(/\/actions\/request/, async (route) => {
      requests += 1;
      if (requests > 2) return route.continue();
      if (lost === 'response') await route.fetch();
      await route.abort('failed');
    });
    await button(page, 'Create volume').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(volume);
    await dialog.getByLabel('Labels').fill(docker.label);
    await button(page, 'Create').click();
    // A second run would fail, since the name is taken by then.
    await expect(dialog).toHaveCount(0);
    await expect(rowOf(page, 'volume', volume)).toBeVisible();
    expect(requests).toBe(3);
  });
}
