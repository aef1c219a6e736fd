// Alert rules: one created in the page fires on a real container's failure, notifies page and channel, and resolves.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { expect, test } from '../support/fixtures';
import { open } from '../support/page';
import { Server } from '../support/server';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');

/** A web server that records the requests it receives. */
async function receiver(): Promise<{ url: string; bodies: any[]; close(): void }> {
  const bodies: any[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, bodies, close: () => void server.close() };
}

async function addChannel(page: Page, name: string, address: string): Promise<void> {
  await button(page, 'New channel').click();
  await dialog(page).getByLabel('Name').fill(name);
  await dialog(page).getByLabel('Address').fill(address);
  await dialog(page).getByLabel('Token (optional)').fill('s3cret');
  await button(page, 'Save').click();
  await expect(page.locator(`[data-channel="${name}"]`)).toBeVisible();
}

async function remove(page: Page, name: string): Promise<void> {
  await button(page, `Delete ${name}`).click();
  await dialog(page).getByRole('button', { name: `Delete ${name}` }).click();
  await expect(button(page, `Delete ${name}`)).toHaveCount(0);
}

test('a rule fires when a container fails, notifies the page and the webhook once, and resolves', async ({ page, docker }) => {
  test.setTimeout(60_000);
  const hook = await receiver();
  const [container, rule, channel] = [docker.name('needed'), docker.name('rule'), docker.name('hook')];
  await docker.start(container);
  await open(page, '/alerts');
  await addChannel(page, channel, hook.url);
  await button(page, 'New rule').click();
  await dialog(page).getByLabel('Name', { exact: true }).fill(rule);
  await dialog(page).getByLabel('Alert when a container').selectOption({ label: "isn't running" });
  await dialog(page).getByLabel('Container name').fill(container);
  await dialog(page).getByLabel('Severity').selectOption('critical');
  await dialog(page).getByLabel(channel).check();
  await button(page, 'Save').click();
  const line = page.locator(`.rules [data-rule="${rule}"]`);
  await expect(line).toContainText(`When ${container} isn't running`);
  await expect(line).toContainText(`notifies ${channel}`);

  await docker.cli('kill', container);
  const firing = page.locator(`[data-alert="firing"][data-rule="${rule}"]`);
  await expect(firing).toContainText('Critical');
  const toasts = page.getByRole('status', { name: 'Notifications' });
  await expect(toasts).toContainText(`${rule}: ${container} isn't running`);
  await expect(page.locator('[data-count="alerts"]')).toHaveText('1');
  await expect.poll(() => hook.bodies.map((it) => it.state)).toEqual(['firing']);
  await expectAccessible(page);

  // A new visitor sees it before any script runs.
  expect(await (await page.request.get('/alerts')).text()).toContain(`data-alert="firing"`);

  await docker.cli('start', container);
  await expect(firing).toHaveCount(0, { timeout: 25_000 });
  await expect(toasts).toContainText(`${rule}: resolved for ${container}`);
  await expect(page.locator('[data-turn="resolved"]').first()).toContainText(rule);
  await expect.poll(() => hook.bodies.map((it) => it.state)).toEqual(['firing', 'resolved']);
  await remove(page, rule);
  await remove(page, channel);
  hook.close();
});

test("a channel sends a test message, hides its secret and shows why it can't connect", async ({ page, docker, pageLog }) => {
  pageLog.allow(/actions\/alerts/);
  const hook = await receiver();
  const channel = docker.name('hook');
  await open(page, '/alerts');
  await addChannel(page, channel, hook.url);
  const line = page.locator(`[data-channel="${channel}"]`);
  await line.getByRole('button', { name: 'Send test' }).click();
  await expect(page.getByRole('status', { name: 'Notifications' })).toContainText('Test message sent to');
  expect(hook.bodies.map((it) => it.rule)).toEqual(['test']);

  const opener = button(page, `Edit ${channel}`);
  await opener.click();
  await expect(dialog(page).getByLabel('Token (optional)')).toHaveValue('***');
  expect(await page.content()).not.toContain('s3cret');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toHaveCount(0);

  hook.close();
  await opener.click();
  await dialog(page).getByLabel('Address').fill('http://127.0.0.1:1/hook');
  await button(page, 'Save').click();
  // The token was entered for the other server: it is not sent to this one.
  await expect(dialog(page).getByRole('alert')).toContainText('Enter the token or password again');
  await dialog(page).getByLabel('Token (optional)').fill('s3cret-too');
  await button(page, 'Save').click();
  await expect(line).toContainText('http://127.0.0.1:1');
  await line.getByRole('button', { name: 'Send test' }).click();
  await expect(page.getByRole('status', { name: 'Notifications' })).toContainText("Can't reach");
  await remove(page, channel);
});

test('an invalid rule is rejected with an explanation and is not saved', async ({ page }) => {
  await open(page, '/alerts');
  await button(page, 'New rule').click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('nothing');
  await dialog(page).getByLabel('Alert when a container').selectOption({ label: 'logs a matching line' });
  await button(page, 'Save').click();
  await expect(dialog(page).getByRole('alert')).toContainText('Enter 1 to 200 characters');
  await expectAccessible(page);
  await button(page, 'Cancel').click();
  await expect(page.locator('.rules [data-rule="nothing"]')).toHaveCount(0);
});

test('no page says "All clear" while the engine is unreachable', async ({ page, pageLog }) => {
  const server = await Server.start('unix:///nonexistent/quaylight.sock');
  try {
    pageLog.watch(page, server.url);
    await open(page, `${server.url}/alerts`);
    await expect(page.getByText("alert rules can't be evaluated")).toBeVisible();
    await expect(page.getByText('All clear.')).toHaveCount(0);
    await open(page, server.url);
    await expect(page.locator('p.quiet', { hasText: 'Connecting to the engine' })).toBeVisible();
    await expect(page.getByText('All clear.')).toHaveCount(0);
  } finally {
    // Close the page first: left open, it would report that the server is gone.
    await page.close();
    await server.stop();
  }
});
