// Live network updates: networks, and the containers that connect and disconnect.
import { expect, test } from '../support/fixtures';
import { usage } from '../support/entities';
import { ask } from '../support/http';
import { mark, open, rowOf } from '../support/page';

test('a network appears and disappears', async ({ page, docker }) => {
  await open(page, '/networks');
  const document = await mark(page);
  const name = docker.name('front');
  await docker.network(name);
  await expect(rowOf(page, 'network', name)).toBeVisible();
  await docker.cli('network', 'rm', name);
  await expect(rowOf(page, 'network', name)).toHaveCount(0);
  await document.stayed();
});

test('a container connects and disconnects', async ({ page, docker, server }) => {
  const [home, front, container] = [docker.name('home'), docker.name('front'), docker.name('web')];
  await docker.network(home);
  await docker.network(front);
  const id = await docker.start(container, { options: ['--network', home] });
  await open(page, '/networks');
  const used = usage(rowOf(page, 'network', front));
  await expect(usage(rowOf(page, 'network', home))).toHaveAttribute('data-usage', '1/1');
  await expect(used).toHaveAttribute('data-usage', '0/0');

  const networksOf = async () => {
    const state = JSON.parse((await ask(`${server.url}/api/state`)).text);
    return state.data.containers.find((one: any) => one.id === id).networks.map((one: any) => one.name).sort();
  };
  await docker.cli('network', 'connect', front, container);
  await expect(used).toHaveAttribute('data-usage', '1/1');
  expect(await networksOf()).toEqual([front, home].sort());
  await docker.cli('network', 'disconnect', front, container);
  await expect(used).toHaveAttribute('data-usage', '0/0');
  expect(await networksOf()).toEqual([home]);
});
