// Live container updates: each docker CLI action appears in an open page.
import { expect, test } from '../support/fixtures';
import { expectState, mark, open, rowOf } from '../support/page';
import { restarts } from '../support/entities';
import { ask } from '../support/http';

test('a container lifecycle from create to remove arrives step by step without a reload', async ({ page, docker }) => {
  await open(page, '/containers');
  const document = await mark(page);
  const name = docker.name('web');
  const renamed = docker.name('shop');

  const id = await docker.create(name);
  await expectState(page, name, 'created');
  await docker.cli('start', name);
  await expectState(page, name, 'running');
  await docker.cli('pause', name);
  await expectState(page, name, 'paused');
  await docker.cli('unpause', name);
  await expectState(page, name, 'running');
  await docker.cli('rename', name, renamed);
  await expectState(page, renamed, 'running');
  await expect(rowOf(page, 'container', renamed)).toHaveAttribute('data-id', id);
  await expect(rowOf(page, 'container', name)).toHaveCount(0);
  await docker.cli('restart', '--time', '0', renamed);
  await expectState(page, renamed, 'running');
  await docker.cli('stop', renamed);
  await expectState(page, renamed, 'exited');
  await docker.cli('start', renamed);
  await expectState(page, renamed, 'running');
  await docker.cli('kill', renamed);
  await expectState(page, renamed, 'exited');
  await docker.cli('rm', renamed);
  await expect(rowOf(page, 'container', renamed)).toHaveCount(0);
  await document.stayed();
});

test('a stop shows the exit code beside the state', async ({ page, docker }) => {
  await open(page, '/containers');
  const name = docker.name('task');
  await docker.start(name, { command: ['sh', '-c', 'while [ ! -e /end ]; do sleep 0.05; done; exit 37'] });
  await expectState(page, name, 'running');
  await docker.cli('exec', name, 'touch', '/end');
  await expectState(page, name, 'exited');
  await expect(rowOf(page, 'container', name)).toContainText('37');
});

test('health goes from starting through unhealthy to healthy', { tag: '@docker' }, async ({ page, docker }) => {
  await open(page, '/containers');
  const name = docker.name('service');
  await docker.start(name, {
    options: ['--health-cmd', 'test -e /ok', '--health-interval', '1s', '--health-retries', '1'],
  });
  const row = rowOf(page, 'container', name);
  await expect(row).toHaveAttribute('data-health', /starting|unhealthy/);
  await expect(row).toHaveAttribute('data-health', 'unhealthy');
  await docker.cli('exec', name, 'touch', '/ok');
  await expect(row).toHaveAttribute('data-health', 'healthy');
  await docker.cli('exec', name, 'rm', '/ok');
  await expect(row).toHaveAttribute('data-health', 'unhealthy');
});

test('the restart count rises with each restart by policy', async ({ page, docker, server }) => {
  await open(page, '/containers');
  const name = docker.name('flapping');
  const id = await docker.start(name, { options: ['--restart', 'on-failure:2'], command: ['sh', '-c', 'exit 1'] });
  await expect.poll(async () => (await docker.inspect('container', id)).RestartCount).toBe(2);
  await expectState(page, name, 'exited');
  await expect(restarts(rowOf(page, 'container', name))).toHaveAttribute('data-restarts', '2');
  const state = JSON.parse((await ask(`${server.url}/api/state`)).text);
  expect(state.data.containers.find((one: any) => one.id === id).restart_count).toBe(2);
});

test('a container recreated under the same name arrives with its new ID and labels', async ({ page, docker, server }) => {
  const name = docker.name('web');
  const project = docker.name('stack');
  const labels = ['--label', `com.docker.compose.project=${project}`, '--label', 'com.docker.compose.service=web'];
  const first = await docker.start(name, { options: labels });
  await open(page, '/containers');
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-id', first);

  await docker.cli('rm', '--force', name);
  const second = await docker.start(name, { options: [...labels, '--label', 'version=2'] });
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-id', second);
  await expectState(page, name, 'running');
  await expect(rowOf(page, 'container', name)).toHaveCount(1);

  const state = JSON.parse((await ask(`${server.url}/api/state`)).text);
  const labelsNow = state.data.containers.find((one: any) => one.id === second).labels;
  expect(labelsNow).toMatchObject({ 'com.docker.compose.project': project, version: '2' });
});

test('ten containers removed by one command all disappear', async ({ page, docker }) => {
  await open(page, '/containers');
  const names = Array.from({ length: 10 }, (_, at) => docker.name(`many-${at}`));
  await Promise.all(names.map((name) => docker.create(name)));
  for (const name of names) await expectState(page, name, 'created');
  await docker.cli('rm', '--force', ...names);
  for (const name of names) await expect(rowOf(page, 'container', name)).toHaveCount(0);
});
