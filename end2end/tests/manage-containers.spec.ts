// Container management beyond start and stop, with each option.
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { button, choose, dialog, failures, press, submit } from '../support/acting';
import { testImage } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { expectState, open, rowOf } from '../support/page';

const selection = (page: Page) => page.getByRole('toolbar', { name: 'Selection' });

test('a running container is removed by force, with or without its anonymous volumes', async ({ page, docker }) => {
  const [bare, whole] = [docker.name('bare'), docker.name('whole')];
  const volumes: string[] = [];
  for (const name of [bare, whole]) {
    await docker.start(name, { options: ['--volume', '/d'] });
    volumes.push((await docker.inspect('container', name)).Mounts[0].Name);
  }
  await open(page, `/containers?q=${docker.prefix}`);
  for (const name of [bare, whole]) {
    await choose(page, 'container', name, `Remove ${name}`);
    await expect(dialog(page)).toContainText('This container is running');
    if (name === whole) await dialog(page).getByLabel(/anonymous volumes/).check();
    await submit(page, `Remove ${name}`);
    await expect(rowOf(page, 'container', name)).toHaveCount(0);
  }
  expect(await docker.states()).toEqual({});
  await docker.inspect('volume', volumes[0]!);
  await docker.cli('volume', 'rm', volumes[0]!);
  await expect(docker.inspect('volume', volumes[1]!)).rejects.toThrow(/no such volume/i);
});

test("a container's page stops, starts and restarts it", async ({ page, docker }) => {
  const name = docker.name('own-page');
  const id = await docker.start(name);
  await open(page, `/containers/${id}`);
  const state = page.locator('main .state[data-state]').first();
  const started = async () => (await docker.inspect('container', id)).State.StartedAt;
  const first = await started();
  await button(page, `Stop ${name}`).click();
  await expect(state).toHaveAttribute('data-state', 'exited');
  await button(page, `Start ${name}`).click();
  await expect(state).toHaveAttribute('data-state', 'running');
  const second = await started();
  expect(second).not.toBe(first);
  await button(page, `Restart ${name}`).click();
  await expect.poll(started).not.toBe(second);
  await expect(state).toHaveAttribute('data-state', 'running');
});

test('the selection toolbar starts and restarts the selected containers', async ({ page, docker }) => {
  const names = ['a', 'b', 'c'].map((it) => docker.name(it));
  for (const name of names) await docker.create(name);
  await open(page, `/containers?q=${docker.prefix}`);
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).check();
  await selection(page).getByRole('button', { name: 'Start 3 containers', exact: true }).click();
  for (const name of names) await expectState(page, name, 'running');
  const started = () => Promise.all(names.map(async (name) => (await docker.inspect('container', name)).State.StartedAt as string));
  const before = await started();
  await selection(page).getByRole('button', { name: 'Restart 3 containers', exact: true }).click();
  await expect.poll(async () => (await started()).filter((it, at) => it !== before[at]).length).toBe(3);
  await expect(page.locator('[aria-busy]')).toHaveCount(0);
});

test('a paused container can be stopped, or killed with exit code 137', async ({ page, docker }) => {
  const [stops, dies] = [docker.name('stops'), docker.name('dies')];
  for (const name of [stops, dies]) {
    await docker.start(name, { options: ['--stop-signal', 'TERM', '--stop-timeout', '1'] });
    await docker.cli('pause', name);
  }
  await open(page, `/containers?q=${docker.prefix}`);
  await choose(page, 'container', stops, `Stop ${stops}`);
  await expectState(page, stops, 'exited');
  await choose(page, 'container', dies, `Kill ${dies}`);
  await expectState(page, dies, 'exited');
  expect((await docker.inspect('container', dies)).State.ExitCode).toBe(137);
});

test('a stop that takes longer than the default stop timeout succeeds', async ({ page, docker }) => {
  test.setTimeout(60_000);
  const name = docker.name('slow');
  await docker.start(name, { options: ['--stop-signal', 'TERM', '--stop-timeout', '12'] });
  await open(page, `/containers?q=${docker.prefix}`);
  await press(page, 'container', name, 'Stop');
  await expect(rowOf(page, 'container', name).locator('[aria-busy]'), 'the action is pending').toHaveCount(1);
  await expect.poll(async () => (await docker.states())[name], { timeout: 20_000 }).toBe('exited');
  await expectState(page, name, 'exited');
  await expect(rowOf(page, 'container', name).locator('[aria-busy]')).toHaveCount(0);
  await expect(failures(page)).toHaveCount(0);
});

test('the create form creates a container without starting it', async ({ page, docker }) => {
  const name = docker.name('waits');
  await open(page, '/containers');
  await button(page, 'Create').click();
  await dialog(page).getByLabel('Name', { exact: true }).fill(name);
  await dialog(page).getByLabel('Image', { exact: true }).fill(testImage);
  await dialog(page).getByText('Advanced options', { exact: true }).click();
  await dialog(page).getByLabel('Labels').fill(docker.label);
  await dialog(page).getByLabel('Start after creating').uncheck();
  await submit(page, 'Create');
  await expect(dialog(page)).toHaveCount(0);
  await expectState(page, name, 'created');
  expect((await docker.inspect('container', name)).State.Status).toBe('created');
});

test('CPU cores and the restart policy change while the container runs', { tag: '@docker' }, async ({ page, docker }) => {
  const name = docker.name('limited');
  const id = await docker.start(name);
  await open(page, `/containers?q=${docker.prefix}`);
  await choose(page, 'container', name, `Edit limits of ${name}`);
  await dialog(page).getByLabel('CPU cores').fill('0.5');
  await dialog(page).getByLabel('Restart').selectOption('unless-stopped');
  await submit(page, 'Change');
  await expect(dialog(page)).toHaveCount(0);
  const now = await docker.inspect('container', name);
  expect(now.Id).toBe(id);
  expect([now.HostConfig.NanoCpus, now.HostConfig.CpuQuota / (now.HostConfig.CpuPeriod || 100_000)]).toContain(
    now.HostConfig.NanoCpus ? 5e8 : 0.5,
  );
  expect(now.HostConfig.RestartPolicy.Name).toBe('unless-stopped');
});

test('a container exports as a tar of its files', async ({ page, docker }, testInfo) => {
  const name = docker.name('whole');
  await docker.start(name, { command: ['sh', '-c', 'echo found > /in-it && exec sleep 600'] });
  await open(page, `/containers?q=${docker.prefix}`);
  const coming = page.waitForEvent('download');
  await choose(page, 'container', name, `Export ${name}`);
  const download = await coming;
  expect(download.suggestedFilename()).toBe(`${name}.tar`);
  const file = testInfo.outputPath('whole.tar');
  await download.saveAs(file);
  const tar = readFileSync(file).toString('latin1');
  expect(tar).toContain('in-it');
  expect(tar).toContain('found\n');
});
