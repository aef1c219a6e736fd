// Page contract that scripts and other tools rely on.
import { expect, test } from '../support/fixtures';
import { badge, open, rowById, rowOf } from '../support/page';

test('a container row exposes its kind, ID, name, state and health', async ({ page, docker }) => {
  const name = docker.name('web');
  const id = await docker.start(name, { options: ['--health-cmd', 'true', '--health-interval', '1s'] });
  const plain = docker.name('plain');
  await docker.create(plain);
  await open(page, '/containers');

  const row = rowOf(page, 'container', name);
  await expect(row).toHaveCount(1);
  await expect(row).toHaveAttribute('data-id', id);
  await expect(row).toHaveAttribute('data-state', 'running');
  await expect(row).toHaveAttribute('data-health', 'healthy');
  await expect(rowOf(page, 'container', plain)).toHaveAttribute('data-state', 'created');
  await expect(rowOf(page, 'container', plain)).not.toHaveAttribute('data-health');
});

test('image, volume and network rows expose their kind, ID and name', async ({ page, docker }) => {
  const image = await docker.image('thing:1');
  const volume = docker.name('volume');
  await docker.volume(volume);
  const network = docker.name('network');
  const networkId = await docker.network(network);

  await open(page, '/images');
  await expect(rowById(page, 'image', image)).toHaveAttribute('data-name', docker.name('thing:1'));
  await open(page, '/volumes');
  await expect(rowOf(page, 'volume', volume)).toHaveAttribute('data-id', volume);
  await open(page, '/networks');
  await expect(rowOf(page, 'network', network)).toHaveAttribute('data-id', networkId);
});

test('the badge exposes connection, transport and revision, and the revision increases', async ({ page, docker }) => {
  await open(page, '/containers');
  await expect(badge(page)).toHaveCount(1);
  await expect(badge(page)).toHaveAttribute('data-transport', 'websocket');
  const before = Number(await badge(page).getAttribute('data-revision'));
  expect(before).toBeGreaterThan(0);
  await docker.create(docker.name('one'));
  await expect
    .poll(async () => Number(await badge(page).getAttribute('data-revision')), { message: 'the revision increases' })
    .toBeGreaterThan(before);
});

test('every button has an accessible name, and action buttons name a verb and a container', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, '/containers');
  const row = rowOf(page, 'container', name);
  await expect(row.getByRole('button', { name: `Stop ${name}`, exact: true })).toHaveCount(1);
  await expect(row.getByRole('button', { name: `Restart ${name}`, exact: true })).toHaveCount(1);
  await expect(row.getByRole('button', { name: `More actions for ${name}`, exact: true })).toHaveCount(1);
  for (const button of await page.getByRole('button').all()) await expect(button).toHaveAccessibleName(/\S/);
});

test('names and labels render as text, never as markup', async ({ page, docker }) => {
  const project = '<img src=x onerror="window.quaylightTestPwned=true">';
  const name = docker.name('hostile');
  await docker.create(name, { options: ['--label', `com.docker.compose.project=${project}`] });
  await open(page, `/containers?q=${name}&group=project`);
  await expect(rowOf(page, 'container', name)).toBeVisible();
  await expect(page.getByText(project).first()).toBeVisible();
  expect(await page.evaluate(() => (window as any).quaylightTestPwned)).toBeUndefined();
});
