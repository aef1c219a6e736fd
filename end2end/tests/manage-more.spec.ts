// Image import from a tar, volume uploads, and prune on each page: exactly the chosen objects are affected.
import { writeFileSync } from 'node:fs';
import { button, choose, dialog, submit, task } from '../support/acting';
import { tarOf, testImage } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { expectDone, open, rowOf } from '../support/page';

test('an image is built from a tar build context with build arguments', async ({ page, docker }, testInfo) => {
  const name = docker.name('from-tar:1');
  const tar = testInfo.outputPath('context.tar');
  const dockerfile = `FROM ${testImage}\nARG WORD=none\nLABEL ${docker.label} word=$WORD\nCOPY note /note\n`;
  writeFileSync(tar, tarOf({ Dockerfile: dockerfile, note: 'brought along' }));
  await open(page, '/images');
  await button(page, 'Build').click();
  await dialog(page).getByLabel('Name').fill(name);
  await dialog(page).getByLabel('Or upload a build context (.tar)').setInputFiles(tar);
  await dialog(page).getByLabel('Build arguments').fill('WORD=said');
  await submit(page, 'Build');
  await expectDone(task(page, name));
  expect((await docker.inspect('image', name)).Config.Labels.word).toBe('said');
  expect(await docker.cli('run', '--rm', '--label', docker.label, '--network', 'none', name, 'cat', '/note')).toBe('brought along');
});

test('a cancelled build creates no image', async ({ page, docker }) => {
  const name = docker.name('endless:1');
  await open(page, '/images');
  await button(page, 'Build').click();
  await dialog(page).getByLabel('Name').fill(name);
  await dialog(page).getByLabel('Dockerfile', { exact: true }).fill(`FROM ${testImage}\nLABEL ${docker.label}\nRUN echo begun ${docker.prefix} && sleep 3`);
  await submit(page, 'Build');
  await expect(task(page, name).locator('pre')).toContainText('begun');
  await button(page, `Cancel build of ${name}`).click();
  await expect(task(page, name)).toHaveAttribute('data-state', 'cancelled');
  // Waits longer than the operation would have taken.
  await expect.poll(() => docker.lines('ps', '--all', '--quiet', '--filter', `label=${docker.label}`), { timeout: 10_000 }).toEqual([]);
  expect(await docker.lines('images', '--quiet', name)).toEqual([]);
});

test('the container, network and image pages prune only the selected objects', async ({ page, docker }) => {
  const [stopped, network, bystander] = [docker.name('stopped'), docker.name('front'), docker.name('bystander')];
  const image = docker.called(`${docker.prefix}unused:1`);
  await docker.create(stopped);
  await docker.create(bystander);
  await docker.network(network);
  await docker.image('unused:1');
  for (const { path, kind, name, count } of [
    { path: '/containers', kind: 'container', name: stopped, count: '1 container' },
    { path: '/networks', kind: 'network', name: network, count: '1 network' },
    { path: '/images', kind: 'image', name: image, count: '1 image' },
  ] as const) {
    await open(page, path);
    await expect(rowOf(page, kind, name)).toBeVisible();
    await button(page, 'Prune').click();
    await expect(dialog(page).getByRole('status')).toBeVisible();
    const all = dialog(page).getByRole('button', { name: 'All' });
    if (kind === 'image' && (await all.count()) > 0) await all.click();
    for (const box of await dialog(page).getByRole('checkbox').all()) await box.uncheck();
    await dialog(page).getByRole('checkbox', { name }).check();
    await expect(dialog(page).getByRole('status')).toContainText(count);
    await submit(page, 'Remove');
    await expectDone(task(page, count).first());
    await page.keyboard.press('Escape');
    await expect(rowOf(page, kind, name)).toHaveCount(0);
  }
  expect(Object.keys(await docker.states())).toEqual([bystander]);
});

test('a file uploads to a volume that no container uses', async ({ page, docker }, testInfo) => {
  const volume = docker.name('data');
  await docker.volume(volume);
  await open(page, `/volumes/${volume}`);
  await expect(page.getByText('This folder is empty')).toBeVisible();
  const file = testInfo.outputPath('brought.txt');
  writeFileSync(file, 'brought here');
  await page.getByLabel('File to upload').setInputFiles(file);
  await expect(page.locator('[data-file][data-name="brought.txt"]')).toContainText('12 B');
  const read = ['run', '--rm', '--label', docker.label, '--network', 'none', '--volume', `${volume}:/v`, testImage, 'cat', '/v/brought.txt'];
  expect(await docker.cli(...read)).toBe('brought here');
});

test('an upload to a full volume or in place of a folder fails with an error', { tag: '@docker' }, async ({ page, docker, pageLog }, testInfo) => {
  pageLog.allow(/Failed to load resource/, /^status [45]\d\d: POST/);
  const volume = docker.name('small');
  const small = ['--driver', 'local', '--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', 'o=size=1m'];
  await docker.cli('volume', 'create', '--label', docker.label, ...small, volume);
  const user = docker.name('user');
  await docker.start(user, { options: ['--volume', `${volume}:/v`], command: ['sh', '-c', 'mkdir /v/folder && exec sleep 600'] });
  await open(page, `/volumes/${volume}`);
  await expect(page.locator('[data-file][data-name="folder"]')).toBeVisible();
  const large = testInfo.outputPath('large.bin');
  writeFileSync(large, Buffer.alloc(4 << 20, 1));
  await page.getByLabel('File to upload').setInputFiles(large);
  const toast = page.locator('.toast[data-level="error"]').filter({ hasText: 'large.bin' });
  await expect(toast).toContainText(/disk is full|no space left/);
  // The engine has written as much as fitted, and can't roll it back.
  await expect(toast).toContainText('The upload may be incomplete');
  const folder = testInfo.outputPath('folder');
  writeFileSync(folder, 'a file of that name');
  await page.getByLabel('File to upload').setInputFiles(folder);
  await expect(page.locator('.toast[data-level="error"]').filter({ hasText: 'folder' })).toBeVisible();
  expect(await docker.cli('exec', user, 'ls', '-d', '/v/folder/')).toBe('/v/folder/');
});

test('an import or restore of a file that is not a tar fails with an error', async ({ page, docker, pageLog }, testInfo) => {
  pageLog.allow(/Failed to load resource/, /^status [45]\d\d: POST/);
  const volume = docker.name('data');
  await docker.volume(volume);
  const no = testInfo.outputPath('no.tar');
  writeFileSync(no, 'nothing of the kind'.repeat(100));
  await open(page, '/images');
  await button(page, 'Import').click();
  await dialog(page).locator('input[type=file]').setInputFiles(no);
  await submit(page, 'Import');
  await expect(task(page, 'no.tar')).toHaveAttribute('data-state', 'failed');
  await expect(task(page, 'no.tar')).toContainText(/tar|archive/i);
  await open(page, '/volumes');
  await choose(page, 'volume', volume, `Restore ${volume}`);
  await dialog(page).getByLabel('Backup archive').setInputFiles(no);
  await submit(page, 'Restore');
  await expect(task(page, volume).first()).toHaveAttribute('data-state', 'failed');
  await expect(task(page, volume).first()).toContainText('Restore it again from a complete backup');
});
