// Sign-in with a password: forms that work without scripts, and pages that return to where they were.
import type { Page } from '@playwright/test';
import { expect, test as base } from '../support/fixtures';
import { expectConnection } from '../support/page';
import { Server } from '../support/server';
import { Simulator } from '../support/simulator';

const password = 'correct horse battery';

const test = base.extend<{ locked: Server }>({
  locked: async ({}, use) => {
    const simulator = await Simulator.start({ containers: 5 });
    const server = await Server.start(simulator.host, { QUAYLIGHT_AUTH: 'password' });
    await use(server);
    await server.stop();
    await simulator.stop();
  },
});

async function setUp(page: Page, server: Server): Promise<void> {
  await page.goto(await server.setupLink());
  await page.getByLabel('User name').fill('anna');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create user' }).click();
  await expectConnection(page, 'live', 'websocket');
}

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('User name').fill('anna');
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
}

test('the setup link creates the first user, and a sign-in returns to the page', async ({ page, locked }) => {
  await page.goto(`${locked.url}/images`);
  await expect(page.getByText('Open the setup link')).toBeVisible();
  await setUp(page, locked);
  await page.goto(`${locked.url}/settings`);
  await expect(page.getByText('Signed in as anna')).toBeVisible();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login$/);
  await page.goto(`${locked.url}/containers?q=a`);
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel('User name').fill('anna');
  await page.getByLabel('Password').fill('wrong');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText('Wrong user name or password.');
  await expect(page.getByLabel('User name')).toHaveValue('anna');
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/containers\?q=a$/);
  await expectConnection(page, 'live', 'websocket');
});

for (const transport of ['websocket', 'sse', 'polling'] as const) {
  test(`a page over ${transport} goes to the sign-in when its user signs out elsewhere`, async ({ page, context, locked }) => {
    await page.addInitScript((wanted) => {
      if (wanted !== 'websocket') (window as any).WebSocket = undefined;
      if (wanted === 'polling') (window as any).EventSource = undefined;
    }, transport);
    await setUpOver(page, locked, transport);
    await page.goto(`${locked.url}/events?kind=container`);
    await expect(page.locator(`[data-transport="${transport}"]`)).toHaveCount(1);
    const other = await context.newPage();
    await other.goto(`${locked.url}/settings`);
    await other.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/\/login\?next=%2Fevents%3Fkind%3Dcontainer$/, { timeout: 10_000 });
    await signIn(page);
    await expect(page).toHaveURL(/\/events\?kind=container$/);
  });
}

async function setUpOver(page: Page, server: Server, transport: string): Promise<void> {
  await page.goto(await server.setupLink());
  await signIn(page);
  await expect(page.locator(`[data-transport="${transport}"]`)).toHaveCount(1);
}

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } });

  test('the forms work, and fit a phone', async ({ page, locked }) => {
    await page.goto(await locked.setupLink());
    await signIn(page);
    await expect(page).toHaveURL(`${locked.url}/`);
    await page.goto(`${locked.url}/containers`);
    await expect(page.locator('[data-entity="container"]').first()).toBeVisible();
  });
});
