// File browser of containers and volumes: browse, read, download and upload.
import type { Page } from '@playwright/test';
import { readFile, writeFile } from 'node:fs/promises';
import { expectAccessible } from '../support/axe';
import { testImage } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { open, rowOf } from '../support/page';

const entry = (page: Page, name: string) => page.locator(`[data-file][data-name=${JSON.stringify(name)}]`);
const way = (page: Page) => page.getByRole('navigation', { name: 'Path' });

const make = `mkdir -p /shelf/sub && cd /shelf && printf 'first line\\nsecond <b>line</b>\\n' > 'a b.txt' &&
  printf '\\0\\1' > binary && ln -s sub down && printf in > sub/inside && exec sleep 600`;

test('folders and files open by URLs that survive a reload', async ({ page, docker }) => {
  const name = docker.name('shelf');
  await docker.start(name, { command: ['sh', '-c', make] });
  await open(page, '/containers');
  await rowOf(page, 'container', name).getByRole('link', { name, exact: true }).click();
  await page.getByRole('link', { name: 'Files', exact: true }).click();
  await entry(page, 'shelf').getByRole('link', { name: 'shelf', exact: true }).click();
  await expect(page).toHaveURL(/tab=files&path=%2Fshelf$/);
  await expect(page.locator('[data-file]')).toHaveCount(4);
  await expect(entry(page, 'sub')).toHaveAttribute('data-file', 'folder');
  await expect(entry(page, 'down')).toContainText('→ sub');
  await expect(entry(page, 'a b.txt')).toContainText('30 B');
  await page.getByRole('searchbox').fill('a b');
  await expect(page.locator('[data-file]')).toHaveCount(1);
  await expectAccessible(page);
  await entry(page, 'a b.txt').getByRole('link', { name: 'a b.txt', exact: true }).click();
  const text = page.locator('.files pre');
  await expect(text).toHaveText('first line\nsecond <b>line</b>\n');
  await page.reload();
  await expect(text).toContainText('second <b>line</b>');
  await expectAccessible(page);
  await way(page).getByRole('link', { name: 'shelf' }).click();
  await entry(page, 'binary').getByRole('link', { name: 'binary', exact: true }).click();
  await expect(page.getByText('Binary file')).toBeVisible();
  await page.goBack();
  // A link opens its target.
  await entry(page, 'down').getByRole('link', { name: 'down', exact: true }).click();
  await expect(entry(page, 'inside')).toBeVisible();
  await way(page).getByRole('link', { name: '/', exact: true }).click();
  await expect(entry(page, 'etc')).toBeVisible();
});

test('a file uploads and downloads, and a failed upload shows the reason', async ({ page, docker, pageLog }, testInfo) => {
  // The browser logs the failed requests to its console, as expected.
  pageLog.allow(/Failed to load resource/, /^status 404: POST .*\/files\?/, /^status 500: POST .*\/queries\/files$/);
  const name = docker.name('shelf');
  const id = await docker.start(name, { command: ['sh', '-c', make] });
  await open(page, `/containers/${id}?tab=files&path=/shelf/sub`);
  await expect(entry(page, 'inside')).toBeVisible();
  const local = testInfo.outputPath('notes & more.txt');
  await writeFile(local, 'written in the browser\n');
  await page.getByLabel('File to upload').setInputFiles(local);
  await expect(entry(page, 'notes & more.txt')).toBeVisible();
  expect(await docker.cli('exec', name, 'cat', '/shelf/sub/notes & more.txt')).toBe('written in the browser');

  const coming = page.waitForEvent('download');
  await entry(page, 'notes & more.txt').getByRole('link', { name: 'Download notes & more.txt' }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toBe('notes & more.txt');
  expect(await readFile(await download.path(), 'utf8')).toBe('written in the browser\n');

  // Another client removes the folder meanwhile.
  await docker.cli('exec', name, 'rm', '-r', '/shelf/sub');
  await page.getByLabel('File to upload').setInputFiles(local);
  await expect(page.getByText("/shelf/sub doesn't exist").first()).toBeVisible();
  // The container stops: its files are still readable.
  await docker.cli('kill', name);
  await way(page).getByRole('link', { name: 'shelf' }).click();
  await expect(entry(page, 'a b.txt')).toBeVisible();
  // The history contains the download.
  await page.goto('/events?by=users');
  await expect(page.locator('[data-event][data-action="download"]').first()).toBeVisible();
  await expect(page.locator('[data-event][data-action="upload"]').first()).toBeVisible();
});

test('a volume page lists files and containers, creates a backup and restores it', async ({ page, docker }, testInfo) => {
  const [data, copy, user] = [docker.name('data'), docker.name('copy'), docker.name('user')];
  await docker.volume(data);
  await docker.volume(copy);
  await docker.start(user, { options: ['--volume', `${data}:/v`], command: ['sh', '-c', 'printf kept > /v/file && exec sleep 600'] });
  await open(page, '/volumes');
  await rowOf(page, 'volume', data).getByRole('link', { name: data, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: data })).toBeVisible();
  await expect(entry(page, 'file')).toContainText('4 B');
  await expect(page.locator('.users')).toContainText(user);
  await expect(page.locator('.users')).toContainText('/v');
  await page.getByRole('button', { name: 'Calculate' }).click();
  await expect(page.locator('.what')).toContainText(/Size\s*\d+ B/);
  await expectAccessible(page);

  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: `More actions for ${data}` }).click();
  await page.getByRole('menuitem', { name: `Back up ${data}` }).click();
  const backup = testInfo.outputPath('backup.tar');
  await (await coming).saveAs(backup);

  await open(page, `/volumes/${copy}`);
  await expect(page.getByText('This folder is empty')).toBeVisible();
  await page.getByRole('button', { name: `More actions for ${copy}` }).click();
  await page.getByRole('menuitem', { name: `Restore ${copy}` }).click();
  await page.getByRole('dialog').getByLabel('Backup archive').setInputFiles(backup);
  await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
  await expect(page.getByText(`${copy} restored from backup`)).toBeVisible();
  await page.reload();
  await entry(page, 'file').getByRole('link', { name: 'file', exact: true }).click();
  await expect(page.locator('.files pre')).toHaveText('kept');

  // The volume is removed while its page is open. The container that read the file for the page may still be in use.
  const users = () => docker.cli('ps', '--all', '--quiet', '--filter', `volume=${copy}`);
  await expect.poll(users).toBe('');
  await docker.cli('volume', 'rm', copy);
  await expect(page.getByRole('heading', { name: 'Volume not found' })).toBeVisible();
});

test('the image page and the network page update live', async ({ page, docker }) => {
  const image = docker.called(docker.name('made:1'));
  await docker.build(image, `FROM ${testImage}\nLABEL ${docker.label}\nENV TOKEN=s3cret\nRUN echo built > /built\n`);
  const [network, user] = [docker.name('front'), docker.name('user')];
  await docker.network(network);
  await docker.start(user, { image, options: ['--network', network] });
  await open(page, '/images');
  await rowOf(page, 'image', image).getByRole('link', { name: image, exact: true }).click();
  await expect(page.locator('[data-layer]').first()).toContainText('RUN echo built > /built');
  await expect(page.locator('[data-layer]').nth(1)).toContainText('ENV TOKEN=***');
  await expect(page.locator('main')).not.toContainText('s3cret');
  await expect(page.locator('.users')).toContainText(user);
  await expectAccessible(page);
  await docker.cli('tag', image, docker.name('other:2'));
  await expect(page.locator('.what')).toContainText(docker.name('other:2'));

  await open(page, `/networks/${network}`);
  const member = page.locator(`[data-member="${user}"]`);
  await expect(member).toContainText(/\d+\.\d+\.\d+\.\d+/);
  await expectAccessible(page);
  await docker.cli('network', 'disconnect', network, user);
  await expect(member).toHaveCount(0);
  await expect(page.getByText('No containers connected')).toBeVisible();

  // The engine emits no event for a stopped container; the page still shows it at once.
  const idle = docker.name('idle');
  const id = await docker.create(idle, { options: ['--network', 'bridge'] });
  await page.getByRole('button', { name: 'Manage connections' }).click();
  await page.getByRole('dialog').getByLabel('Container to connect').selectOption(id);
  await page.getByRole('dialog').getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.locator(`[data-member="${idle}"]`)).toBeVisible();
  await page.goto('/networks/none-of-that-name');
  await expect(page.getByRole('heading', { name: 'Network not found' })).toBeVisible();
});
