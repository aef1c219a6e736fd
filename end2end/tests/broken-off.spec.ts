// Interrupted operations: the engine or Quaylight dies in the middle, or the server is read-only, and the page reports it.
import { writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { button, choose, deafness, dialog, failures, press, submit, task } from '../support/acting';
import { tarOf, testImage } from '../support/docker';
import { test as base } from '../support/fixtures';
import { expect, test as withOwn } from '../support/own';
import { badge, expectDone, expectState, open, rowOf, waitLive } from '../support/page';
import { freePort } from '../support/ports';
import { Registry } from '../support/registry';
import { Server } from '../support/server';

const go = (page: Page, path: string) => page.locator(`nav a[href="${path}"]`).first().click();

withOwn('tasks fail when the engine dies, and a retry succeeds', { tag: '@docker' }, async ({ page, pageLog, own: { engine, server, docker } }, testInfo) => {
  withOwn.setTimeout(150_000);
  pageLog.allow(/Failed to load resource/, /^status 50[0-9]: POST/);
  const registry = await Registry.start();
  try {
    const [built, imported, volume, pulled] = [docker.name('built:1'), docker.name('imported.tar'), docker.name('data'), docker.name('pulled')];
    await docker.volume(volume);
    await registry.alsoOn(engine.onItsNetwork);
    // The proxy stalls the last layer.
    await docker.build(`${registry.address}/${pulled}:1`, `FROM ${testImage}\nRUN dd if=/dev/urandom of=/noise bs=1M count=4 2>/dev/null`);
    await docker.cli('push', '--quiet', `${registry.address}/${pulled}:1`);
    await docker.cli('rmi', `${registry.address}/${pulled}:1`);
    const wanted = `${(await registry.heldUpOn(engine.onItsNetwork, 2 << 20)).address}/${pulled}:1`;
    // Throttles uploads.
    const slow = await page.context().newCDPSession(page);
    await slow.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 200 << 10 });
    const tar = testInfo.outputPath(imported);
    writeFileSync(tar, tarOf({ content: 'x'.repeat(16 << 20) }));

    await open(page, `${server.url}/images`);
    await button(page, 'Build').click();
    await dialog(page).getByLabel('Name').fill(built);
    await dialog(page).getByLabel('Dockerfile', { exact: true }).fill(`FROM ${testImage}\nRUN echo begun && sleep 100`);
    await submit(page, 'Build');
    await expect(task(page, built).locator('pre')).toContainText('begun');
    await page.keyboard.press('Escape');
    await button(page, 'Pull').click();
    await dialog(page).getByLabel('Image').fill(wanted);
    await submit(page, 'Pull');
    await expect(task(page, wanted)).toContainText(' of 4.');
    await page.keyboard.press('Escape');
    await button(page, 'Import').click();
    await dialog(page).locator('input[type=file]').setInputFiles(tar);
    await submit(page, 'Import');
    await expect(task(page, imported)).toContainText('Uploading');
    await page.keyboard.press('Escape');
    await go(page, '/volumes');
    await choose(page, 'volume', volume, `Restore ${volume}`);
    await dialog(page).getByLabel('Backup archive').setInputFiles(tar);
    await submit(page, 'Restore');
    await expect(task(page, volume)).toContainText('Uploading');

    await engine.stop('KILL');
    for (const subject of [built, wanted, imported, volume]) {
      await expect(task(page, subject), subject).toHaveAttribute('data-state', 'failed');
      await expect(task(page, subject)).toContainText('Connection to the engine failed');
      await expect(task(page, subject)).not.toContainText(/\b[45]\d\d\b|Error\(|panic|[0-9a-f]{64}/);
    }
    await expect(task(page, volume)).toContainText('Restore it again from a complete backup');

    await engine.startAgain();
    await page.keyboard.press('Escape');
    await go(page, '/images');
    await expect(rowOf(page, 'image', testImage)).toBeVisible();
    for (const name of [built, wanted]) expect(await docker.lines('images', '--quiet', name), name).toEqual([]);
    // A retry succeeds. A restarted engine has a new network.
    await registry.alsoOn(engine.onItsNetwork);
    const again = `${registry.address}/${pulled}:1`;
    await button(page, 'Pull').click();
    await dialog(page).getByLabel('Image').fill(again);
    await submit(page, 'Pull');
    await expectDone(task(page, again));
    await page.keyboard.press('Escape');
    await expect(rowOf(page, 'image', again)).toBeVisible();
  } finally {
    await registry.stop();
  }
});

base('when Quaylight dies during a stop, the page reports an unknown outcome and recovers', async ({ page, pageLog, docker, engine }) => {
  base.setTimeout(90_000);
  pageLog.allow(/./);
  const listen = { QUAYLIGHT_LISTEN: `127.0.0.1:${await freePort()}` };
  const [slow, other] = [docker.name('slow'), docker.name('other')];
  const command = ['sh', '-c', "trap 'echo stopping' TERM; while true; do sleep 0.1; done"];
  await docker.start(slow, { options: ['--stop-signal', 'TERM', '--stop-timeout', '3'], command });
  await docker.start(other);
  let server = await Server.start(engine, listen);
  try {
    await open(page, `${server.url}/containers?q=${docker.prefix}`);
    const rename = page.getByRole('menu').getByRole('menuitem', { name: `Rename ${other}`, exact: true });
    await press(page, 'container', other, 'More actions for');
    await expect(rename).toBeVisible();
    await page.keyboard.press('Escape');
    await press(page, 'container', slow, 'Stop');
    await expect(rowOf(page, 'container', slow).locator('[aria-busy]')).toHaveCount(1);
    // The page shows the action before the server has sent it.
    await expect.poll(() => docker.cli('logs', slow)).toContain('stopping');
    await server.kill();
    const said = (what: string) => failures(page).filter({ hasText: what });
    await expect(said(`Stop ${slow} failed`)).toContainText("Can't reach Quaylight");
    await expect(said(`Stop ${slow} failed`)).toContainText("Check whether it was applied once you're reconnected.");
    await expect(rowOf(page, 'container', slow).locator('[aria-busy]')).toHaveCount(0);
    await press(page, 'container', other, 'Stop');
    await expect(said(`Stop ${other} failed`)).toContainText("Can't reach Quaylight");
    await press(page, 'container', other, 'More actions for');
    await rename.click();
    const field = dialog(page).getByLabel('Name');
    await field.fill(docker.name('renamed'));
    await submit(page, 'Rename');
    await expect(dialog(page).getByRole('alert')).toContainText("Can't reach Quaylight");

    server = await Server.start(engine, listen);
    await expect(badge(page)).toHaveAttribute('data-connection', 'live', { timeout: 20_000 });
    // The engine has completed the requests it received.
    await expectState(page, slow, 'exited');
    await expectState(page, other, 'running');
    await expect(field).toHaveValue(docker.name('renamed'));
    await submit(page, 'Rename');
    await expectState(page, docker.name('renamed'), 'running');
  } finally {
    await page.close();
    await server.stop();
  }
});

base('a finished task and a recreate in progress cannot be cancelled', async ({ page, context, pageLog, docker, server }) => {
  pageLog.allow(/Failed to load resource/, /^status 500: POST .*\/actions\//);
  const [image, name] = [docker.name('quick:1'), docker.name('served')];
  const deafen = await deafness(page);
  await open(page, '/images');
  await button(page, 'Build').click();
  await dialog(page).getByLabel('Name').fill(image);
  await dialog(page).getByLabel('Dockerfile', { exact: true }).fill(`FROM ${testImage}\nLABEL ${docker.label}\nRUN echo begun ${docker.prefix} && sleep 2`);
  await submit(page, 'Build');
  await expect(task(page, image).locator('pre')).toContainText('begun');
  deafen();
  const other = await context.newPage();
  await open(other, `${server.url}/containers?q=${docker.prefix}`);
  await other.getByRole('button', { name: /^Tasks/ }).click();
  await expectDone(task(other, image));
  await button(page, `Cancel build of ${image}`).click();
  await expect(failures(page)).toContainText("This task can't be cancelled");
  await expect(failures(page)).toContainText('This task has already finished');
  await other.keyboard.press('Escape');

  await docker.start(name, { options: ['--stop-signal', 'TERM', '--stop-timeout', '5'] });
  await choose(other, 'container', name, `Edit ${name}`);
  await submit(other, 'Recreate');
  const third = await context.newPage();
  await open(third, `${server.url}/volumes`);
  await third.getByRole('button', { name: 'Tasks, 1 running' }).click();
  await expect.poll(async () => Object.keys(await docker.states()).length).toBe(2);
  await button(third, `Cancel recreate of ${name}`).click();
  await expect(failures(third)).toContainText("can't be cancelled partway");
  await expectDone(task(third, name).first());
  expect(await docker.states()).toEqual({ [name]: 'running' });
});

base('a read-only server shows that it is read-only and offers no mutating action', async ({ page, pageLog, docker, engine }) => {
  // Listing a volume's files needs a helper container, which a read-only server must not create.
  pageLog.allow(/queries\/files/);
  const [name, volume] = [docker.name('kept'), docker.name('data')];
  const id = await docker.start(name);
  await docker.volume(volume);
  const server = await Server.start(engine, { QUAYLIGHT_READ_ONLY: 'true' });
  try {
    pageLog.watch(page, server.url);
    await open(page, `${server.url}/containers?q=${docker.prefix}`);
    await expect(page.locator('header').getByText('Read only', { exact: true })).toBeVisible();
    const changes = /^(Start|Stop|Restart|Kill|Remove|Rename|Edit|Duplicate|Limits|Commit|Create|Prune|Pull|Push|Build|Import|Restore|Connect|Delete|Upload|New|Add|Set quiet|Send test|Manage|Registries|Silence|Terminal)\b/;
    const offered = async () => {
      const names = page.locator('main').locator('button:visible, a:visible').evaluateAll((all) =>
        all.map((it) => it.getAttribute('aria-label') ?? (it.textContent!.trim() || (it as HTMLElement).title)),
      );
      return (await names).filter((it) => changes.test(it));
    };
    for (const path of ['/containers', '/images', '/volumes', '/networks', '/alerts', '/engine', `/containers/${id}`, `/containers/${id}?tab=files`, `/volumes/${volume}`]) {
      await open(page, `${server.url}${path}`);
      expect(await offered(), path).toEqual([]);
    }
    await open(page, `${server.url}/containers?q=${docker.prefix}`);
    await press(page, 'container', name, 'More actions for');
    await expect(page.getByRole('menuitem')).toHaveText([`Export ${name}`]);
  } finally {
    await page.close();
    await server.stop();
  }
});

base('a read-only server rejects mutating actions with the reason', async ({ page, pageLog, docker, engine }) => {
  pageLog.allow(/Failed to load resource/, /^status 500: POST .*\/actions\//, /ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket/);
  const [name, volume] = [docker.name('kept'), docker.name('data')];
  const id = await docker.start(name);
  await docker.volume(volume);
  let server = await Server.start(engine);
  try {
    pageLog.watch(page, server.url);
    await open(page, `${server.url}/containers?q=${docker.prefix}`);
    await expectState(page, name, 'running');
    // The page was loaded before the server became read-only.
    await server.stop();
    await expect(badge(page)).not.toHaveAttribute('data-connection', 'live');
    server = await Server.start(engine, { QUAYLIGHT_LISTEN: new URL(server.url).host, QUAYLIGHT_READ_ONLY: 'true' });
    await waitLive(page);
    await press(page, 'container', name, 'Stop');
    await expect(failures(page).filter({ hasText: `Stop ${name} failed` })).toContainText('This server is read-only');
    await choose(page, 'container', name, `Rename ${name}`);
    await dialog(page).getByLabel('Name').fill(docker.name('renamed'));
    await submit(page, 'Rename');
    await expect(dialog(page).getByRole('alert')).toContainText('This server is read-only');
    await submit(page, 'Cancel');
    await go(page, '/volumes');
    await choose(page, 'volume', volume, `Remove ${volume}`);
    await dialog(page).getByLabel('Type its name').fill(volume);
    await submit(page, `Remove ${volume}`);
    await expect(failures(page).filter({ hasText: `Couldn't remove ${volume}` })).toContainText('This server is read-only');
    await go(page, '/images');
    await button(page, 'Pull').click();
    await dialog(page).getByLabel('Image').fill('127.0.0.1:1/nothing:1');
    await submit(page, 'Pull');
    await expect(page.getByText('This server is read-only').last()).toBeVisible();
    const now = await docker.inspect('container', name);
    expect([now.Id, now.State.Status]).toEqual([id, 'running']);
    await docker.inspect('volume', volume);
  } finally {
    await page.close();
    await server.stop();
  }
});
