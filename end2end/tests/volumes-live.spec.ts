// Live volume updates: volumes, and the number of containers that use them.
import { expect, test } from '../support/fixtures';
import { usage } from '../support/entities';
import { mark, open, rowOf } from '../support/page';

test('a volume appears and disappears', async ({ page, docker }) => {
  await open(page, '/volumes');
  const document = await mark(page);
  const name = docker.name('data');
  await docker.volume(name);
  await expect(rowOf(page, 'volume', name)).toBeVisible();
  await docker.cli('volume', 'rm', name);
  await expect(rowOf(page, 'volume', name)).toHaveCount(0);
  await document.stayed();
});

test('an anonymous volume appears and disappears with its container', async ({ page, docker }) => {
  await open(page, '/volumes');
  const container = docker.name('db');
  await docker.create(container, { options: ['--volume', '/data'] });
  const name = (await docker.inspect('container', container)).Mounts[0].Name;
  await expect(rowOf(page, 'volume', name)).toBeVisible();
  await docker.cli('rm', '--volumes', container);
  await expect(rowOf(page, 'volume', name)).toHaveCount(0);
});

test('usage shows the number of running and of all containers', async ({ page, docker }) => {
  const name = docker.name('data');
  await docker.volume(name);
  await open(page, '/volumes');
  const used = usage(rowOf(page, 'volume', name));
  await expect(used).toHaveAttribute('data-usage', '0/0');
  const container = docker.name('db');
  await docker.start(container, { options: ['--volume', `${name}:/data`] });
  await expect(used).toHaveAttribute('data-usage', '1/1');
  await docker.cli('stop', container);
  await expect(used).toHaveAttribute('data-usage', '0/1');
  await docker.cli('rm', container);
  await expect(used).toHaveAttribute('data-usage', '0/0');
});
