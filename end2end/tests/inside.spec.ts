// Container page: processes, changed files and configuration, with secrets hidden.
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { expect, test } from '../support/fixtures';
import { open } from '../support/page';

const part = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Parts' }).getByRole('link', { name, exact: true }).click();
const inside = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('what runs in a container, as it comes and goes', async ({ page, docker }) => {
  const name = docker.name('runs');
  const id = await docker.start(name, { command: ['sh', '-c', 'sleep 1234; sleep 600'] });
  await open(page, `/containers/${id}`);
  await part(page, 'Processes');
  const table = inside(page, 'Processes');
  await expect(table.getByRole('row').filter({ hasText: 'sleep 1234' }).last()).toBeVisible();
  await expectAccessible(page);
  await docker.cli('exec', '--detach', name, 'sleep', '4321');
  await expect(table.getByRole('row').filter({ hasText: 'sleep 4321' })).toBeVisible();
});

test('a container that does not run has no processes, and says why', async ({ page, docker, pageLog }) => {
  pageLog.allow(/queries\/top/);
  const id = await docker.create(docker.name('stopped'));
  await open(page, `/containers/${id}?tab=processes`);
  await expect(page.getByText('No processes')).toBeVisible();
  await expect(page.getByText('Start it first')).toBeVisible();
});

test('what a container has changed in its files', async ({ page, docker }) => {
  const name = docker.name('writes');
  const id = await docker.start(name, { command: ['sh', '-c', 'mkdir /made; echo x > "/made/<b>.txt"; sleep 600'] });
  await open(page, `/containers/${id}?tab=changes`);
  const changes = inside(page, 'Changes');
  const made = changes.locator('[data-change="added"]').filter({ hasText: '/made/<b>.txt' });
  await expect(made).toBeVisible();
  await docker.cli('exec', name, 'rm', '/made/<b>.txt');
  await page.getByRole('button', { name: 'Look again' }).click();
  await expect(made).toHaveCount(0);
  await page.getByRole('searchbox', { name: 'Search paths' }).fill('nothing like it');
  await expect(changes.locator('[data-change]')).toHaveCount(0);
  await expectAccessible(page);
});

test('a secret of the environment is not sent before it is asked for, and the history knows who asked', async ({ page, docker }) => {
  const name = docker.name('secret');
  const id = await docker.start(name, { options: ['--env', 'PASSWORD=s3cret-value', '--env', 'GREETING=hello there'] });
  const bodies: Promise<string>[] = [];
  page.on('response', (response) => {
    if (!/\.(wasm|woff2|svg)/.test(response.url())) bodies.push(response.text().catch(() => ''));
  });
  await open(page, `/containers/${id}`);
  await part(page, 'Inspect');
  const variables = inside(page, 'Inspect').locator('.variables');
  await expect(variables.getByRole('row').filter({ hasText: 'PASSWORD' })).toContainText('•••••');
  await page.getByRole('searchbox', { name: 'Search facts' }).fill('hostconfig.restart');
  await expect(page.getByRole('row').filter({ hasText: 'HostConfig.RestartPolicy.Name' })).toContainText('no');
  await page.getByRole('searchbox', { name: 'Search facts' }).fill('');
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  await expect(page.getByLabel('JSON', { exact: true })).toContainText('"PASSWORD=***"');
  await expectAccessible(page);
  expect((await Promise.all(bodies)).join('\n')).not.toContain('s3cret-value');

  await page.getByRole('button', { name: 'Reveal PASSWORD' }).click();
  await expect(variables.getByRole('row').filter({ hasText: 'PASSWORD' })).toContainText('s3cret-value');
  await expect(variables.getByRole('row').filter({ hasText: 'GREETING' })).toContainText('•••••');
  await page.getByRole('button', { name: 'Hide PASSWORD' }).click();
  await expect(variables).not.toContainText('s3cret-value');
  const told = await (await page.request.get(`/api/events?entity=${id}&by=users`)).json();
  expect(told.events[0]).toMatchObject({ kind: 'container', action: 'reveal', name, attributes: { variable: 'PASSWORD' } });
});

test('parts have addresses, and the back button leads back', async ({ page, docker }) => {
  const id = await docker.start(docker.name('parts'));
  await open(page, `/containers/${id}?tab=inspect`);
  await expect(inside(page, 'Inspect')).toBeVisible();
  await part(page, 'Overview');
  await expect(page.getByRole('heading', { name: 'Usage' })).toBeVisible();
  await page.goBack();
  await expect(inside(page, 'Inspect')).toBeVisible();
});
