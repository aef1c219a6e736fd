// Long-running tasks: progress in every tab and after a reload, and cancellation. Uses a real registry.
import { join } from 'node:path';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Page } from '@playwright/test';
import { button, choose, dialog, submit, task, tasks } from '../support/acting';
import { expectAccessible } from '../support/axe';
import { Docker, testImage } from '../support/docker';
import { expect, test as base } from '../support/fixtures';
import { expectDone, open, rowOf } from '../support/page';
import { PrivateEngine } from '../support/private-engine';
import { Registry, login } from '../support/registry';
import { Server } from '../support/server';

const test = base.extend<{ registry: Registry; closedRegistry: Registry }>({
  registry: async ({}, use) => {
    const registry = await Registry.start();
    await use(registry);
    await registry.stop();
  },
  closedRegistry: async ({}, use) => {
    const registry = await Registry.start({ closed: true });
    await use(registry);
    await registry.stop();
  },
});

/** An image with an incompressible layer: large enough to be stalled in transit. */
async function pushed(docker: Docker, name: string, megabytes = 8): Promise<void> {
  await docker.build(name, `FROM ${testImage}\nLABEL ${docker.label}\nRUN dd if=/dev/urandom of=/noise bs=1M count=${megabytes} 2>/dev/null\n`);
  await docker.cli('push', '--quiet', name);
  await docker.cli('rmi', name);
}

async function pull(page: Page, name: string): Promise<void> {
  await button(page, 'Pull').click();
  await dialog(page).getByLabel('Image').fill(name);
  await dialog(page).getByRole('button', { name: 'Pull', exact: true }).click();
  await expect(dialog(page)).toHaveCount(0);
}

test('a pull shows its progress in every tab and after a reload, and its image appears', { tag: '@docker' }, async ({ page, context, docker, registry }) => {
  const way = await registry.heldUp(2 << 20);
  const name = docker.name('web');
  await pushed(docker, `${registry.address}/${name}:1`);
  const wanted = `${way.address}/${name}:1`;
  await open(page, '/images');
  await pull(page, wanted);
  const running = task(page, wanted);
  await expect(running).toHaveAttribute('data-state', 'running');
  await expect(running.getByRole('progressbar')).toHaveAttribute('aria-valuenow', /\d/);
  await expect(running).toContainText('of 8.');
  await running.getByText('Details').click();
  // With containerd's image store, the engine does not list the layers that it already has.
  const store = await docker.cli('info', '--format', '{{.DriverStatus}}');
  const steps = store.includes('containerd.snapshotter') ? ['Downloading'] : ['Already exists', 'Downloading'];
  await expect(running.locator('details li')).toContainText(steps);
  await expectAccessible(page);

  const other = await context.newPage();
  await open(other, '/volumes');
  await other.getByRole('button', { name: 'Tasks, 1 running' }).click();
  await expect(task(other, wanted)).toHaveAttribute('data-state', 'running');
  await page.reload();
  await page.getByRole('button', { name: 'Tasks, 1 running' }).click();
  await expect(task(page, wanted)).toHaveAttribute('data-state', 'running');

  way.open();
  for (const tab of [page, other]) await expectDone(task(tab, wanted));
  await expect(task(page, wanted)).toContainText('Downloaded newer image');
  await page.keyboard.press('Escape');
  await expect(tasks(page)).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Tasks', exact: true })).toBeFocused();
  await expect(rowOf(page, 'image', wanted)).toBeVisible();
});

test('a pull can be cancelled, and a pull of a missing image shows what to do', async ({ page, docker, registry }) => {
  const way = await registry.heldUp(2 << 20);
  const name = docker.name('slow');
  await pushed(docker, `${registry.address}/${name}:1`);
  const wanted = `${way.address}/${name}:1`;
  await open(page, '/images');
  await pull(page, wanted);
  await expect(task(page, wanted).getByRole('progressbar')).toBeVisible();
  await button(page, `Cancel pull of ${wanted}`).click();
  await expect(task(page, wanted)).toHaveAttribute('data-state', 'cancelled');
  await page.keyboard.press('Escape');
  // Nothing continues in the background: with the proxy open, the image would be there shortly.
  way.open();
  await pull(page, `${registry.address}/${name}:1`);
  await expectDone(task(page, `${registry.address}/${name}:1`));
  await expect(rowOf(page, 'image', `${registry.address}/${name}:1`)).toBeVisible();
  expect(await docker.lines('images', '--quiet', wanted)).toEqual([]);

  const nothing = `${registry.address}/${docker.name('nothing')}:1`;
  await page.keyboard.press('Escape');
  await pull(page, nothing);
  await expect(task(page, nothing)).toHaveAttribute('data-state', 'failed');
  await expect(task(page, nothing)).toContainText('Check the image name and tag');
  await page.keyboard.press('Escape');
  // Invalid names are rejected before Docker is asked.
  await button(page, 'Pull').click();
  await dialog(page).getByLabel('Image').fill('Nginx');
  await dialog(page).getByRole('button', { name: 'Pull', exact: true }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('must be lowercase: nginx');
});

test('a sign-in allows a push to the registry, and the page never contains the password', { tag: '@docker' }, async ({
  page,
  docker,
  closedRegistry,
  pageLog,
}) => {
  pageLog.allow(/actions\/sign_in/);
  const name = `${closedRegistry.address}/${docker.name('private')}:1`;
  const id = await docker.image('private');
  await docker.cli('tag', id, name);
  await open(page, '/images');

  await button(page, 'Registries').click();
  await dialog(page).getByLabel('Registry').fill(closedRegistry.address);
  await dialog(page).getByLabel('User').fill(login.user);
  await dialog(page).getByLabel('Password').fill('wrong');
  await expectAccessible(page);
  await dialog(page).getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('denied access');
  await dialog(page).getByLabel('Password').fill(login.password);
  await dialog(page).getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(dialog(page)).toHaveCount(0);

  const first = (await page.locator(`[data-id="${id}"]`).getAttribute('data-name'))!;
  await choose(page, 'image', first, `Push ${first}`);
  await dialog(page).getByLabel('Name').selectOption(name);
  await dialog(page).getByRole('button', { name: 'Push', exact: true }).click();
  await expectDone(task(page, name));
  await page.keyboard.press('Escape');

  // Stored passwords are never sent back to a page, not even after a reload.
  const heard: string[] = [];
  page.on('response', async (response) => heard.push(await response.text().catch(() => '')));
  await page.reload();
  await button(page, 'Registries').click();
  await expect(dialog(page)).toContainText(closedRegistry.address);
  expect(heard.length).toBeGreaterThan(1);
  expect(heard.join('')).not.toContain(login.password);
  await button(page, `Sign out of ${closedRegistry.address}`).click();
  await expect(dialog(page)).not.toContainText(closedRegistry.address);
  await submit(page, 'Cancel');

  // Without a sign-in, a push as well as a pull asks for one.
  await choose(page, 'image', first, `Push ${first}`);
  await dialog(page).getByLabel('Name').selectOption(name);
  await submit(page, 'Push');
  const failed = task(page, name).and(page.locator('[data-state="failed"]'));
  await expect(failed).toContainText('Sign in');
  await page.keyboard.press('Escape');
  await docker.cli('rmi', name);
  await pull(page, name);
  await expect(failed).toHaveCount(2);
  await expect(failed.first()).toContainText('Sign in');
  // An unreachable registry is reported, too.
  await page.keyboard.press('Escape');
  await closedRegistry.stop();
  await pull(page, name);
  await expect(task(page, name).first()).toHaveAttribute('data-state', 'failed');
  await expect(task(page, name).first()).toContainText(/can't reach the registry/i);
});

test('an image is built from a Dockerfile, exported to a file and imported from it', async ({ page, docker }) => {
  const name = docker.called(docker.name('built:1'));
  await open(page, '/images');
  await button(page, 'Build').click();
  await dialog(page).getByLabel('Name').fill(name);
  await dialog(page).getByLabel('Dockerfile', { exact: true }).fill(
    `FROM ${testImage}\nARG WORD\nLABEL ${docker.label}\nRUN echo said $WORD, and so did ${docker.prefix}`,
  );
  await dialog(page).getByLabel('Build arguments').fill('WORD=hello');
  await expectAccessible(page);
  await dialog(page).getByRole('button', { name: 'Build', exact: true }).click();
  await expectDone(task(page, name));
  await expect(task(page, name).locator('pre')).toContainText('said hello');
  await page.keyboard.press('Escape');

  await rowOf(page, 'image', name).hover();
  await button(page, `More actions for ${name}`).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: `Export ${name}` }).click(),
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'quaylight-export-'));
  try {
    const file = join(folder, 'image.tar');
    await download.saveAs(file);
    expect(statSync(file).size).toBeGreaterThan(100_000);
    await docker.cli('rmi', name);
    await expect(rowOf(page, 'image', name)).toHaveCount(0);
    await button(page, 'Import').click();
    await dialog(page).locator('input[type=file]').setInputFiles(file);
    await dialog(page).getByRole('button', { name: 'Import', exact: true }).click();
    await expectDone(task(page, 'image.tar'));
    await expect(task(page, 'image.tar')).toContainText(name);
    await expect(rowOf(page, 'image', name)).toBeVisible();
    await page.keyboard.press('Escape');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a prune removes only the selected volumes', async ({ page, docker }) => {
  const [mine, bystander] = [docker.name('mine'), docker.name('bystander')];
  await docker.volume(mine);
  await docker.volume(bystander);
  await open(page, '/volumes');
  await button(page, 'Prune').click();
  const boxes = dialog(page).getByRole('checkbox');
  await expect(dialog(page).getByLabel(mine)).not.toBeChecked();
  for (const box of await boxes.all()) await box.uncheck();
  await expect(dialog(page)).toContainText('Nothing selected');
  await dialog(page).getByLabel(mine).check();
  await expect(dialog(page).getByRole('status')).toContainText(/1 volume, freeing/);
  await expectAccessible(page);
  const go = dialog(page).getByRole('button', { name: 'Remove', exact: true });
  await go.click();
  await expect(dialog(page).getByRole('alert')).toContainText('Type "1 volume"');
  await dialog(page).getByLabel('Confirm').fill('1 volume');
  await go.click();
  await expectDone(task(page, '1 volume').first());
  await expect(rowOf(page, 'volume', mine)).toHaveCount(0);
  await expect(rowOf(page, 'volume', bystander)).toBeVisible();
});

test('a pull onto a full disk shows what to do and leaves no image', { tag: '@docker' }, async ({ page, pageLog, docker, registry }) => {
  test.setTimeout(120_000);
  const name = `${registry.address}/${docker.name('large')}:1`;
  await pushed(docker, name, 48);
  const engine = await PrivateEngine.start({ megabytes: 40 });
  const server = await Server.start(engine.host);
  try {
    await registry.alsoOn(engine.onItsNetwork);
    pageLog.watch(page, server.url);
    await open(page, `${server.url}/images`);
    await pull(page, name);
    await expect(task(page, name)).toHaveAttribute('data-state', 'failed', { timeout: 30_000 });
    await expect(task(page, name)).toContainText("The engine's disk is full");
    await expect(task(page, name)).toContainText('Images usually free the most');
    await page.keyboard.press('Escape');
    await expect(rowOf(page, 'image', testImage)).toBeVisible();
    await expect(rowOf(page, 'image', name)).toHaveCount(0);
    expect(await new Docker(engine.host).lines('images', '--quiet', name)).toEqual([]);
  } finally {
    await page.close();
    await server.stop();
    await engine.remove();
  }
});
