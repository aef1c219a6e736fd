// Containers: create, duplicate, edit and save in the page, with nothing lost on failure.
import { button, choose, dialog, submit } from '../support/acting';
import { expectAccessible } from '../support/axe';
import { testImage } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { open, rowOf } from '../support/page';

test('the create form validates its input and creates a container', async ({ page, docker }) => {
  const name = docker.name('made');
  await docker.volume(docker.name('data'));
  await open(page, '/containers');
  await button(page, 'Create').click();
  await dialog(page).getByLabel('Name', { exact: true }).fill(name);
  await submit(page, 'Create');
  await expect(dialog(page).getByRole('alert')).toHaveText('Enter an image');
  await dialog(page).getByLabel('Image', { exact: true }).fill(testImage);
  await dialog(page).getByLabel('Command (optional)').fill(`sh -c 'echo "it is $A"; sleep 600'`);
  await dialog(page).getByLabel('Ports').fill('8x:80');
  await submit(page, 'Create');
  await expect(dialog(page).getByRole('alert')).toContainText("isn't a valid port mapping. Use 8080:80");
  await dialog(page).getByLabel('Ports').fill('127.0.0.1:18977:80');
  await dialog(page).getByLabel('Mounts').fill(`${docker.name('data')}:/data\ntmpfs:/run`);
  await dialog(page).getByLabel('Environment').fill('A=a secret');
  await dialog(page).getByLabel('Memory').fill('64m');
  await dialog(page).getByLabel('Restart').selectOption('unless-stopped');
  await dialog(page).getByText('Advanced options', { exact: true }).click();
  await dialog(page).getByLabel('Labels').fill(docker.label);
  await dialog(page).getByLabel('Health check').fill('true');
  await expectAccessible(page);
  await submit(page, 'Create');
  await expect(dialog(page)).toHaveCount(0);
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-state', 'running');
  const made = await docker.inspect('container', name);
  expect(made.Config).toMatchObject({ Cmd: ['sh', '-c', 'echo "it is $A"; sleep 600'], Healthcheck: { Test: ['CMD-SHELL', 'true'] } });
  expect(made.HostConfig).toMatchObject({ Memory: 64 << 20, RestartPolicy: { Name: 'unless-stopped' } });
  expect(made.HostConfig.PortBindings).toEqual({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18977' }] });

  // The same name again: the form keeps its input and explains what to do.
  await choose(page, 'container', name, `Duplicate ${name}`);
  await expect(dialog(page).getByLabel('Name', { exact: true })).toHaveValue(`${name}-2`);
  await expect(dialog(page).getByLabel('Environment')).toHaveValue('A=***');
  await dialog(page).getByLabel('Name', { exact: true }).fill(name);
  await submit(page, 'Create');
  await expect(dialog(page).getByRole('alert')).toContainText('Use a different name');
  // A container that can't start because its port is taken: it is removed completely.
  await dialog(page).getByLabel('Name', { exact: true }).fill(`${name}-2`);
  await submit(page, 'Create');
  await expect(dialog(page).getByRole('alert')).toContainText('Port 18977 is already in use');
  await expect(rowOf(page, 'container', `${name}-2`)).toHaveCount(0);
  expect(Object.keys(await docker.states())).toEqual([name]);
  await dialog(page).getByLabel('Ports').fill('127.0.0.1::80');
  await submit(page, 'Create');
  await expect(dialog(page)).toHaveCount(0);
  await expect(rowOf(page, 'container', `${name}-2`)).toHaveAttribute('data-state', 'running');
  expect((await docker.inspect('container', `${name}-2`)).Config.Env).toContain('A=a secret');
});

test('an edit recreates the container, and a failed edit leaves it unchanged', async ({ page, docker }) => {
  const name = docker.name('edited');
  const id = await docker.start(name);
  await open(page, `/containers/${id}`);
  await button(page, `More actions for ${name}`).click();
  await page.getByRole('menuitem', { name: `Edit ${name}` }).click();
  await expect(dialog(page)).toContainText('The old container is kept until the new one is running');
  await dialog(page).getByLabel('Command (optional)').fill('/no/such/program');
  await submit(page, 'Recreate');
  await expect(dialog(page).getByRole('alert')).toContainText('The old container is unchanged', { timeout: 15_000 });
  expect(await docker.states()).toEqual({ [name]: 'running' });
  expect((await docker.inspect('container', name)).Id).toBe(id);

  await dialog(page).getByLabel('Command (optional)').fill('sleep 601');
  await submit(page, 'Recreate');
  await expect(dialog(page)).toHaveCount(0, { timeout: 15_000 });
  expect(await docker.states()).toEqual({ [name]: 'running' });
  expect((await docker.inspect('container', name)).Config.Cmd).toEqual(['sleep', '601']);
});

test('the limits form validates its input and changes the memory limit', { tag: '@docker' }, async ({ page, docker }) => {
  const name = docker.name('limited');
  await docker.start(name);
  await open(page, '/containers');
  await choose(page, 'container', name, `Edit limits of ${name}`);
  await submit(page, 'Change');
  await expect(dialog(page).getByRole('alert')).toHaveText('Change at least one value');
  await dialog(page).getByLabel('Memory').fill('1k');
  await submit(page, 'Change');
  await expect(dialog(page).getByRole('alert')).toContainText('at least 6 MB');
  await dialog(page).getByLabel('Memory').fill('96m');
  await expectAccessible(page);
  await submit(page, 'Change');
  await expect(dialog(page)).toHaveCount(0);
  expect((await docker.inspect('container', name)).HostConfig.Memory).toBe(96 << 20);
});

test('a commit creates an image from a container', async ({ page, docker }) => {
  const [name, saved] = [docker.name('written'), docker.name('saved:1')];
  await docker.start(name, { command: ['sh', '-c', 'echo kept > /written && exec sleep infinity'] });
  await open(page, '/containers');
  await choose(page, 'container', name, `Commit ${name}`);
  await dialog(page).getByLabel('Image name').fill(saved);
  await submit(page, 'Commit');
  await expect(dialog(page)).toHaveCount(0);
  const [run, rest] = [['run', '--rm', '--label', docker.label, '--network', 'none'], [saved, 'cat', '/written']];
  expect(await docker.cli(...run, ...rest)).toBe('kept');
});

test('the recipe hides environment values until they are revealed', async ({ page, docker }) => {
  const name = docker.name('recipe');
  const id = await docker.start(name, { options: ['--env', 'TOKEN=hunter2', '--publish', '127.0.0.1::80', '--network', 'bridge'] });
  await open(page, `/containers/${id}?tab=recipe`);
  const recipe = page.getByRole('region', { name: 'Run / Compose' });
  await expect(recipe.locator('pre').first()).toContainText(`--name ${name}`);
  await expect(recipe.locator('pre').last()).toContainText(docker.isPodman ? /networks:\s+podman/ : 'network_mode: bridge');
  expect(await page.content()).not.toContain('hunter2');
  await expectAccessible(page);
  await button(page, 'Show values').click();
  await expect(recipe.locator('pre').first()).toContainText('TOKEN=hunter2');
  await expect(recipe.locator('pre').last()).toContainText('TOKEN=hunter2');
  const recorded = await (await page.request.get(`/api/events?entity=${id}&by=users`)).json();
  expect(recorded.events[0]).toMatchObject({ action: 'reveal', name });
});
