// Live image updates: tags, images, and the number of containers that use them.
import { testImage } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { usage } from '../support/entities';
import { mark, open, rowById } from '../support/page';

test('an image appears, gains a tag, loses it and disappears', async ({ page, docker }) => {
  await open(page, '/images');
  const document = await mark(page);
  const id = await docker.image('first:1');
  const row = rowById(page, 'image', id);
  await expect(row).toBeVisible();
  await expect(row).toContainText(docker.name('first:1'));

  await docker.cli('tag', id, docker.name('second:1'));
  await expect(row).toContainText(docker.name('second:1'));
  await docker.cli('rmi', docker.name('second:1'));
  await expect(row).not.toContainText(docker.name('second:1'));
  await docker.cli('rmi', docker.name('first:1'));
  await expect(row).toHaveCount(0);
  await document.stayed();
});

test('a tag moved to another image leaves the first one dangling', async ({ page, docker }) => {
  const one = await docker.image('thing:1', 'one');
  const two = await docker.image('other:1', 'two');
  await open(page, '/images');
  await expect(rowById(page, 'image', one)).toContainText(docker.name('thing:1'));

  await docker.cli('tag', two, docker.called(docker.name('thing:1')));
  await expect(rowById(page, 'image', two)).toContainText(docker.name('thing:1'));
  await expect(rowById(page, 'image', one)).not.toContainText(docker.name('thing:1'));
  await expect(rowById(page, 'image', one)).toContainText(/dangling|untagged|<none>/i);
});

test('usage shows the number of running and of all containers', async ({ page, docker }) => {
  // An image that can run: the test image plus one layer.
  const image = docker.name('app:1');
  await docker.build(image, `FROM ${testImage}\nLABEL ${docker.label} own=1\n`);
  const id = (await docker.inspect('image', image)).Id.replace(/^(sha256:)?/, 'sha256:');
  await open(page, '/images');
  const used = usage(rowById(page, 'image', id));
  await expect(used).toHaveAttribute('data-usage', '0/0');

  const [a, b] = [docker.name('a'), docker.name('b')];
  await docker.create(a, { image });
  await expect(used).toHaveAttribute('data-usage', '0/1');
  await docker.start(b, { image });
  await expect(used).toHaveAttribute('data-usage', '1/2');
  await docker.cli('stop', b);
  await expect(used).toHaveAttribute('data-usage', '0/2');
  await docker.cli('rm', a, b);
  await expect(used).toHaveAttribute('data-usage', '0/0');
});
