// Live counts.
import { expect, test } from '../support/fixtures';
import { countOf, open } from '../support/page';

const lists = {
  containers: ['ps', '--all', '--quiet'],
  images: ['images', '--all', '--quiet', '--no-trunc'],
  volumes: ['volume', 'ls', '--quiet'],
  networks: ['network', 'ls', '--quiet'],
} as const;

test('each count matches the CLI before and after a change', async ({ page, docker }) => {
  await open(page, '/');
  const matches = async () => {
    for (const [what, command] of Object.entries(lists)) {
      const listed = async () => new Set(await docker.lines(...command)).size;
      await expect
        .poll(async () => (await countOf(page, what)) - (await listed()), { message: `difference between the ${what} count and the CLI` })
        .toBe(0);
    }
  };
  await matches();
  const before = await Promise.all(Object.keys(lists).map((what) => countOf(page, what)));

  await docker.create(docker.name('one'));
  await docker.image('thing:1');
  await docker.volume(docker.name('data'));
  await docker.network(docker.name('front'));
  await matches();
  const after = await Promise.all(Object.keys(lists).map((what) => countOf(page, what)));
  expect(after).toEqual(before.map((count) => count + 1));

  await docker.cleanUp();
  await matches();
});
