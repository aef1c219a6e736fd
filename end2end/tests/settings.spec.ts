// Settings: effective at once, on every page, in every browser, and after a server restart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { defaultEngine } from '../support/docker';
import { expect, test as base } from '../support/fixtures';
import { open, rowOf } from '../support/page';
import { Server } from '../support/server';

interface Own {
  /** Starts this test's own server, since it stores the user's settings; called again, starts its replacement. */
  serve: () => Promise<Server>;
}

const test = base.extend<Own, {}>({
  serve: async ({ page, server: _ }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'quaylight-settings-'));
    let running: Server | undefined;
    await use(async () => {
      await running?.stop();
      running = await Server.start(defaultEngine, { QUAYLIGHT_DATA_DIR: folder });
      return running;
    });
    // A page whose server stops would report errors.
    await page.goto('about:blank');
    await running?.stop();
    rmSync(folder, { recursive: true, force: true });
  },
});

const pressed = (page: Page, group: string, name: string) =>
  page.getByRole('group', { name: group, exact: true }).getByRole('button', { name, exact: true });

/** Waits until the server has stored the setting: another browser reads it only from there. */
async function kept(page: Page, choose: () => Promise<void>): Promise<void> {
  const answer = page.waitForResponse((response) => response.url().endsWith('/actions/preferences'));
  await choose();
  expect((await answer).status()).toBe(200);
}

async function elsewhere<T>(browser: Browser, options: BrowserContextOptions, look: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext(options);
  try {
    return await look(await context.newPage());
  } finally {
    await context.close();
  }
}

test('settings apply in other browsers and survive a server replacement', async ({ page, browser, docker, serve }) => {
  await docker.create(docker.name('listed'));
  let server = await serve();
  await open(page, `${server.url}/settings`);
  await kept(page, () => pressed(page, 'Theme', 'Dark').click());
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await kept(page, () => pressed(page, 'Density', 'Compact').click());
  await kept(page, () => page.getByLabel('Ports').uncheck());

  await page.goto('about:blank');
  server = await serve();
  await elsewhere(browser, { baseURL: server.url, javaScriptEnabled: false }, async (plain) => {
    // Without scripts, the page stays as it is if the server has not reached the engine yet.
    await expect(async () => {
      await plain.goto('/containers');
      await expect(plain.locator('.containers')).toBeVisible({ timeout: 1_000 });
    }).toPass();
    await expect(plain.locator('html')).toHaveAttribute('data-theme', 'dark');
    await expect(plain.locator('.containers')).toHaveClass(/compact/);
    await expect(plain.getByRole('columnheader', { name: 'Ports' })).toBeHidden();
    await expect(plain.getByRole('columnheader', { name: 'Image' })).toBeVisible();
  });
  await elsewhere(browser, { baseURL: server.url }, async (other) => {
    await open(other, '/settings');
    await expect(pressed(other, 'Theme', 'Dark')).toHaveAttribute('aria-pressed', 'true');
    await expect(other.getByLabel('Ports')).not.toBeChecked();
  });
});

test("two browsers that change settings keep each other's changes", async ({ page, browser, serve }) => {
  const server = await serve();
  await open(page, `${server.url}/settings`);
  await elsewhere(browser, { baseURL: server.url }, async (other) => {
    await open(other, '/settings');
    await kept(page, () => pressed(page, 'Theme', 'Dark').click());
    await kept(other, () => pressed(other, 'Density', 'Compact').click());
    await expect(other.locator('html'), "the other browser's change arrives").toHaveAttribute('data-theme', 'dark');
  });
  await elsewhere(browser, { baseURL: server.url }, async (third) => {
    await open(third, '/settings');
    await expect(pressed(third, 'Theme', 'Dark')).toHaveAttribute('aria-pressed', 'true');
    await expect(pressed(third, 'Density', 'Compact')).toHaveAttribute('aria-pressed', 'true');
  });
});

test('a setting survives a reload before the server stores it', async ({ page, serve, pageLog }) => {
  pageLog.allow(/actions\/preferences/);
  const server = await serve();
  await page.route('**/actions/preferences', (route) => route.abort());
  await open(page, `${server.url}/settings`);
  await pressed(page, 'Theme', 'Light').click();
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
  await expect(pressed(page, 'Theme', 'Light')).toHaveAttribute('aria-pressed', 'true');
});

test('the size unit applies on every page and in server-rendered HTML', async ({ page, serve }) => {
  const server = await serve();
  await open(page, `${server.url}/images`);
  await expect(page.locator('.images tbody .size').first()).toContainText(/\d [kMG]B/);
  await open(page, `${server.url}/settings`);
  await Promise.all([page.waitForEvent('load'), pressed(page, 'Size units', 'KiB, MiB, GiB').click()]);
  await open(page, `${server.url}/images`);
  await expect(page.locator('.images tbody .size').first()).toContainText(/\d [KMG]iB/);
  expect(await (await page.request.get(`${server.url}/images`)).text()).toMatch(/[KMG]iB/);
});

test("times are shown in the browser's time zone or in UTC", async ({ browser, serve }) => {
  const server = await serve();
  const nepal = { baseURL: server.url, timezoneId: 'Asia/Kathmandu' };
  await elsewhere(browser, nepal, async (page) => {
    const clock = page.locator('.clock');
    const saved = page.waitForResponse((response) => response.url().endsWith('/actions/preferences'));
    await open(page, '/settings');
    await saved;
    await page.reload();
    await expect(clock).toHaveText(/ UTC\+5:45$/);
    const now = await page.evaluate(() => new Date().toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' }));
    const shown = (await clock.textContent())!.slice(11, 16);
    const minutes = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
    expect(Math.abs(minutes(shown) - minutes(now)), `shown: ${shown}, browser: ${now}`).toBeLessThanOrEqual(1);
    await Promise.all([page.waitForEvent('load'), pressed(page, 'Time zone', 'UTC').click()]);
    await expect(clock).toHaveText(/ UTC$/);
  });
});

test('a failed action stays in the notification center as unread until it is read', async ({ page, docker, pageLog }) => {
  pageLog.allow(/actions\/container/);
  const name = docker.name('guarded');
  await docker.start(name, { options: ['--label', 'quaylight.protect=true'] });
  await open(page, '/containers');
  // Notifications of earlier tests are read first.
  await bell(page).click();
  await expect.poll(() => unread(page)).toBe(0);
  await page.keyboard.press('Escape');
  const row = rowOf(page, 'container', name);
  await row.hover();
  await row.getByRole('button', { name: `Stop ${name}` }).click();
  const toasts = page.getByRole('status', { name: 'Notifications' });
  await expect(toasts).toContainText('protected');
  await expect.poll(() => unread(page)).toBe(1);
  await toasts.getByRole('button', { name: 'Dismiss' }).first().click();

  // A later visit shows it, too.
  await page.reload();
  await expect.poll(() => unread(page)).toBe(1);
  await bell(page).click();
  const centre = page.getByRole('dialog', { name: 'Notifications' });
  const entry = centre.getByRole('listitem').first();
  await expect(entry).toContainText(name);
  await expect(entry).toContainText('Stop failed: This container is protected');
  await expect(entry).toHaveAttribute('data-unread', 'true');
  await expect.poll(() => unread(page)).toBe(0);
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(centre).toHaveCount(0);
  await expect(bell(page)).toBeFocused();
  await page.reload();
  expect(await unread(page)).toBe(0);
});

const bell = (page: Page) => page.getByRole('button', { name: /^Notifications/ });

async function unread(page: Page): Promise<number> {
  const said = /(\d+) unread/.exec((await bell(page).getAttribute('aria-label'))!);
  return said === null ? 0 : Number(said[1]);
}

test('with toasts off, alerts appear only in the notification center', async ({ page, docker, serve }) => {
  test.setTimeout(60_000);
  const server = await serve();
  const name = docker.name('quiet');
  await docker.start(name);
  await open(page, `${server.url}/settings`);
  await kept(page, async () => void (await page.getByLabel('Show toasts for').selectOption('None')));
  await open(page, `${server.url}/alerts`);
  await page.getByRole('button', { name: 'New rule', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByLabel('Alert when a container').selectOption({ label: "isn't running" });
  await dialog.getByLabel('Container name').fill(name);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await docker.cli('kill', name);
  await expect(page.locator(`[data-alert="firing"][data-rule="${name}"]`)).toBeVisible();
  await expect.poll(() => unread(page)).toBe(1);
  expect(await page.getByRole('status', { name: 'Notifications' }).textContent()).not.toContain(`${name} isn't running`);
  await bell(page).click();
  await expect(page.getByRole('dialog', { name: 'Notifications' }).getByRole('listitem').first()).toContainText("isn't running");
});
