// Container page: processes, changed files and configuration, with secrets hidden.
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { expect, test } from '../support/fixtures';
import { open } from '../support/page';

const part = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name, exact: true }).click();
const inside = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('the process list updates when a process starts', async ({ page, docker }) => {
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

test('a stopped container shows why it has no processes', async ({ page, docker, pageLog }) => {
  pageLog.allow(/queries\/top/);
  const id = await docker.create(docker.name('stopped'));
  await open(page, `/containers/${id}?tab=processes`);
  await expect(page.getByText('No processes')).toBeVisible();
  await expect(page.getByText('Start it first')).toBeVisible();
});

test('the Changes tab lists the files that a container changed', async ({ page, docker }) => {
  const name = docker.name('writes');
  const id = await docker.start(name, { command: ['sh', '-c', 'mkdir /made; echo x > "/made/<b>.txt"; sleep 600'] });
  await open(page, `/containers/${id}?tab=changes`);
  const changes = inside(page, 'Changes');
  const made = changes.locator('[data-change="added"]').filter({ hasText: '/made/<b>.txt' });
  await expect(made).toBeVisible();
  await docker.cli('exec', name, 'rm', '/made/<b>.txt');
  await page.getByRole('button', { name: 'Refresh' }).click();
  await expect(made).toHaveCount(0);
  await page.getByRole('searchbox', { name: 'Search paths' }).fill('nothing like it');
  await expect(changes.locator('[data-change]')).toHaveCount(0);
  await expectAccessible(page);
});

test('the server sends an environment secret only on reveal, and the history records the reveal', async ({ page, docker }) => {
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
  await page.getByRole('searchbox', { name: 'Search properties' }).fill('hostconfig.restart');
  await expect(page.getByRole('row').filter({ hasText: 'HostConfig.RestartPolicy.Name' })).toContainText('no');
  await page.getByRole('searchbox', { name: 'Search properties' }).fill('');
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  await expect(page.getByLabel('JSON', { exact: true })).toContainText('"PASSWORD=***"');
  await expectAccessible(page);
  expect((await Promise.all(bodies)).join('\n')).not.toContain('s3cret-value');

  await page.getByRole('button', { name: 'Reveal PASSWORD' }).click();
  await expect(variables.getByRole('row').filter({ hasText: 'PASSWORD' })).toContainText('s3cret-value');
  await expect(variables.getByRole('row').filter({ hasText: 'GREETING' })).toContainText('•••••');
  await page.getByRole('button', { name: 'Hide PASSWORD' }).click();
  await expect(variables).not.toContainText('s3cret-value');
  const recorded = await (await page.request.get(`/api/events?entity=${id}&by=users`)).json();
  expect(recorded.events[0]).toMatchObject({ kind: 'container', action: 'reveal', name, attributes: { variable: 'PASSWORD' } });
});

test('each tab has its own URL, and the back button returns to it', async ({ page, docker }) => {
  const id = await docker.start(docker.name('parts'));
  await open(page, `/containers/${id}?tab=inspect`);
  await expect(inside(page, 'Inspect')).toBeVisible();
  await part(page, 'Overview');
  await expect(page.getByRole('heading', { name: 'Usage' })).toBeVisible();
  await page.goBack();
  await expect(inside(page, 'Inspect')).toBeVisible();
});
