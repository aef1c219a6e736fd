// Images, volumes and networks: create, tag, connect and remove in the page, and the errors shown.
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { testImage } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { open, rowOf, type Kind } from '../support/page';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');
const notices = (page: Page) => page.getByRole('status', { name: 'Notifications' });

async function choose(page: Page, kind: Kind, name: string, action: string): Promise<void> {
  await rowOf(page, kind, name).hover();
  await button(page, `More actions for ${name}`).click();
  await page.getByRole('menu').getByRole('menuitem', { name: action, exact: true }).click();
}

test('a volume is created with labels, and removed only after its name is typed', async ({ page, docker, pageLog }) => {
  pageLog.allow(/actions\/request/);
  const name = docker.name('data');
  await open(page, '/volumes');
  await button(page, 'Create volume').click();
  await dialog(page).getByLabel('Name').fill('not a name');
  await button(page, 'Create').click();
  await expect(dialog(page).getByRole('alert')).toContainText('must start with a letter or digit');
  await dialog(page).getByLabel('Name').fill(name);
  await dialog(page).getByLabel('Labels').fill(`${docker.label}\nteam=web`);
  await expectAccessible(page);
  await button(page, 'Create').click();
  await expect(dialog(page)).toHaveCount(0);
  await expect(rowOf(page, 'volume', name)).toBeVisible();
  expect((await docker.inspect('volume', name)).Labels).toMatchObject({ team: 'web' });

  // A second time: refused with an explanation, and the form keeps its input.
  await button(page, 'Create volume').click();
  await dialog(page).getByLabel('Name').fill(name);
  await button(page, 'Create').click();
  await expect(dialog(page).getByRole('alert')).toContainText('already exists');
  await expect(dialog(page).getByLabel('Name')).toHaveValue(name);
  await button(page, 'Cancel').click();

  await choose(page, 'volume', name, `Remove ${name}`);
  const remove = dialog(page).getByRole('button', { name: `Remove ${name}`, exact: true });
  await expect(remove).toBeDisabled();
  await expectAccessible(page);
  await dialog(page).getByLabel('Type its name').fill(name);
  await remove.click();
  await expect(rowOf(page, 'volume', name)).toHaveCount(0);
  await expect(docker.inspect('volume', name)).rejects.toThrow(/no such volume/i);
});

test('a volume in use names its container and cannot be removed', async ({ page, docker }) => {
  const [volume, container] = [docker.name('kept'), docker.name('user')];
  await docker.volume(volume);
  await docker.create(container, { options: ['--volume', `${volume}:/data`] });
  await open(page, '/volumes');
  await choose(page, 'volume', volume, `Remove ${volume}`);
  await expect(dialog(page)).toContainText(`In use by ${container}`);
  await expect(dialog(page).getByRole('button', { name: `Remove ${volume}` })).toHaveCount(0);
  await button(page, 'Close').click();
  await expect(rowOf(page, 'volume', volume)).toBeVisible();
});

test('a network is created, connected, disconnected and removed', async ({ page, docker }) => {
  const [network, member] = [docker.name('front'), docker.name('member')];
  await docker.start(member, { options: ['--network', 'bridge'] });
  await open(page, '/networks');
  await button(page, 'Create network').click();
  await dialog(page).getByLabel('Name').fill(network);
  await dialog(page).getByLabel('Gateway').fill('10.214.9.1');
  await button(page, 'Create').click();
  await expect(dialog(page).getByRole('alert')).toContainText('Enter the subnet the gateway belongs to');
  await dialog(page).getByLabel('Subnet').fill('10.214.9.0/24');
  await dialog(page).getByLabel('Internal').check();
  await dialog(page).getByLabel('Labels').fill(docker.label);
  await expectAccessible(page);
  await button(page, 'Create').click();
  await expect(rowOf(page, 'network', network)).toBeVisible();
  expect(await docker.inspect('network', network)).toMatchObject({ Internal: true, IPAM: { Config: [{ Subnet: '10.214.9.0/24' }] } });

  await choose(page, 'network', network, `Manage connections of ${network}`);
  await expect(dialog(page)).toContainText('No containers connected.');
  await dialog(page).getByLabel('Container to connect').selectOption({ label: member });
  await dialog(page).getByLabel('Address').fill('10.214.9.77');
  await expectAccessible(page);
  await button(page, 'Connect').click();
  await expect(dialog(page)).toHaveCount(0);
  await expect(rowOf(page, 'network', network)).toHaveAttribute('data-usage', /^1/);
  const at = (await docker.inspect('container', member)).NetworkSettings.Networks[network];
  expect(at.IPAddress).toBe('10.214.9.77');

  await choose(page, 'network', network, `Remove ${network}`);
  await expect(dialog(page)).toContainText(`In use by ${member}`);
  await button(page, 'Close').click();
  await choose(page, 'network', network, `Manage connections of ${network}`);
  await button(page, `Disconnect ${member}`).click();
  await expect(dialog(page)).toContainText('No containers connected.');
  await button(page, 'Cancel').click();
  await choose(page, 'network', network, `Remove ${network}`);
  await dialog(page).getByRole('button', { name: `Remove ${network}`, exact: true }).click();
  await expect(rowOf(page, 'network', network)).toHaveCount(0);
});

test('an image gains a second tag, loses it and is removed', async ({ page, docker, pageLog }) => {
  pageLog.allow(/actions\/request/);
  const [first, second] = [docker.called(`${docker.prefix}web:1`), docker.called(`${docker.prefix}web:2`)];
  await docker.image('web:1');
  await open(page, '/images');
  await choose(page, 'image', first, `Manage tags of ${first}`);
  await dialog(page).getByLabel('New tag').fill('a//b');
  await button(page, 'Add tag').click();
  await expect(dialog(page).getByRole('alert')).toContainText('Use repository:tag');
  await dialog(page).getByLabel('New tag').fill(second);
  await expectAccessible(page);
  await button(page, 'Add tag').click();
  await expect(notices(page)).toContainText(`Tag ${second} added`);
  await expect.poll(async () => (await docker.inspect('image', first)).RepoTags.sort()).toEqual([first, second]);

  await choose(page, 'image', first, `Manage tags of ${first}`);
  await button(page, `Remove tag ${second}`).click();
  await expect(button(page, `Remove tag ${second}`)).toHaveCount(0);
  await button(page, 'Cancel').click();
  await choose(page, 'image', first, `Remove ${first}`);
  await dialog(page).getByRole('button', { name: `Remove ${first}`, exact: true }).click();
  await expect(rowOf(page, 'image', first)).toHaveCount(0);

  // Removed meanwhile: the page receives the update before the button can be pressed again.
  await expect(notices(page)).toContainText(`${first} removed`);
});

test('an image in use names its container and cannot be removed', async ({ page, docker }) => {
  const name = docker.name('runs');
  await docker.start(name);
  await open(page, '/images');
  const image = docker.called(testImage);
  await choose(page, 'image', image, `Remove ${image}`);
  await expect(dialog(page)).toContainText(name);
  await expect(dialog(page).getByRole('button', { name: `Remove ${image}` })).toHaveCount(0);
});

test('a container is renamed from its menu, unless the name is taken', async ({ page, docker, pageLog }) => {
  pageLog.allow(/actions\/container/);
  const [old, taken, wanted] = [docker.name('old'), docker.name('taken'), docker.name('new')];
  await docker.create(old);
  await docker.create(taken);
  await open(page, '/containers');
  await choose(page, 'container', old, `Rename ${old}`);
  const name = dialog(page).getByLabel('Name');
  await expect(name).toHaveValue(old);
  await name.fill(taken);
  await button(page, 'Rename').click();
  await expect(dialog(page).getByRole('alert')).toContainText('Use a different name');
  await name.fill(wanted);
  await expectAccessible(page);
  await button(page, 'Rename').click();
  await expect(rowOf(page, 'container', wanted)).toBeVisible();
  await expect(rowOf(page, 'container', old)).toHaveCount(0);
});
