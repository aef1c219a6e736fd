// Sign-in with a password: forms that work without scripts, and pages that return to where they were.
import type { Page } from '@playwright/test';
import { createHmac } from 'node:crypto';
import { button, dialog, submit } from '../support/acting';
import { expect, test as base } from '../support/fixtures';
import { ask } from '../support/http';
import { expectConnection, rowOf } from '../support/page';
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

// Before the server ends, which the page would report.
test.afterEach(async ({ page }) => {
  await page.goto('about:blank');
});

async function setUp(page: Page, server: Server): Promise<void> {
  await page.goto(await server.setupLink());
  await page.getByLabel('User name').fill('anna');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create user' }).click();
  await expectConnection(page, 'live', 'websocket');
}

/** Enters the password of the signed-in user in the form that asks for it. */
async function enterPassword(page: Page): Promise<void> {
  await dialog(page).getByLabel('Your current password').fill(password);
}

async function signIn(page: Page, name = 'anna'): Promise<void> {
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
}

test('the setup link creates the first user, and a sign-in returns to the page', async ({ page, pageLog, locked }) => {
  pageLog.allow(/401 \(Unauthorized\)/);
  await page.goto(`${locked.url}/images`);
  await expect(page.getByText('Open the setup link')).toBeVisible();
  await setUp(page, locked);
  await page.goto(`${locked.url}/settings`);
  await expect(page.getByText('Signed in as anna')).toBeVisible();
  await page.getByRole('button', { name: 'Sign out' }).click();
  // The closed connection may have opened the sign-in first.
  await expect(page).toHaveURL(/\/login(\?|$)/);
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
  test(`a page over ${transport} goes to the sign-in when its user signs out elsewhere`, async ({ page, context, pageLog, locked }) => {
    pageLog.allow(/401 \(Unauthorized\)/, /ERR_INCOMPLETE_CHUNKED_ENCODING/);
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

test('pages offer each role only what the server allows it', async ({ page, locked }) => {
  await setUp(page, locked);
  locked.addUser('vera', 'viewer', password);
  locked.addUser('omar', 'operator', password);
  const sections = page.getByRole('navigation', { name: 'Sections' }).getByRole('link');
  const offers = async (name: string) => {
    await page.context().clearCookies();
    await page.goto(`${locked.url}/containers`);
    await signIn(page, name);
    await expectConnection(page, 'live', 'websocket');
    const row = page.locator('[data-entity="container"][data-state="running"]').first();
    const buttons = await row.getByRole('button').count();
    const create = await page.getByRole('button', { name: 'Create', exact: true }).count();
    await page.goto(`${locked.url}/containers/${await row.getAttribute('data-id')}?tab=terminal`);
    await expectConnection(page, 'live', 'websocket');
    return { buttons, create, sections: await sections.allTextContents() };
  };
  expect(await offers('vera')).toEqual({ buttons: 0, create: 0, sections: ['Overview'] });
  const read = ['Overview', 'Logs', 'Processes', 'Changes', 'Inspect', 'Run / Compose'];
  const operator = await offers('omar');
  expect(operator).toMatchObject({ create: 0, sections: read });
  expect(operator.buttons).toBeGreaterThan(0);
  const admin = await offers('anna');
  expect(admin).toMatchObject({ create: 1, sections: ['Overview', 'Logs', 'Terminal', 'Processes', 'Files', 'Changes', 'Inspect', 'Run / Compose'] });
});

test('users change their password, end sessions, and create and revoke API tokens', async ({ page, browser, context, pageLog, locked }) => {
  pageLog.allow(/401 \(Unauthorized\)/, /status of 500/, /^status 500: POST/);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await setUp(page, locked);
  const elsewhere = await browser.newPage({ userAgent: 'Mozilla/5.0 (Windows NT 10.0; rv:139.0) Gecko/20100101 Firefox/139.0' });
  await elsewhere.goto(`${locked.url}/login`);
  await signIn(elsewhere);
  await expectConnection(elsewhere, 'live', 'websocket');
  await page.goto(`${locked.url}/settings`);
  const section = page.getByRole('region', { name: 'Account' });
  await expect(section).toContainText('Signed in as anna (admin)');
  await expect(section.locator('[data-session]')).toHaveCount(2);
  await expect(section.locator('[data-session]').filter({ hasText: 'This session' })).toContainText('Chrome · Linux 127.0.0.1');
  await section.getByRole('button', { name: 'End session of Firefox · Windows' }).click();
  await expect(section.locator('[data-session]')).toHaveCount(1);
  await expect(elsewhere).toHaveURL(/\/login\?next=/, { timeout: 10_000 });

  await section.getByRole('button', { name: 'New API token' }).click();
  await dialog(page).getByLabel('Name').fill('prometheus');
  await enterPassword(page);
  await submit(page, 'Create');
  await expect(dialog(page)).toContainText('it is not shown again');
  const token = await dialog(page).locator('code').innerText();
  await button(page, 'Copy').click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token);
  await submit(page, 'Done');
  const scrape = async () => (await ask(`${locked.url}/metrics`, { headers: { Authorization: `Bearer ${token}` } })).status;
  expect(await scrape()).toBe(200);
  const line = section.locator('[data-token="prometheus"]');
  await expect(line).toContainText('viewer · expires');
  await section.getByRole('button', { name: 'Revoke prometheus' }).click();
  await dialog(page).getByRole('button', { name: 'Revoke prometheus', exact: true }).click();
  await expect(line).toHaveCount(0);
  expect(await scrape()).toBe(401);

  await section.getByRole('button', { name: 'Change password' }).click();
  await dialog(page).getByLabel('Your current password').fill('not this one');
  await dialog(page).getByLabel('New password').fill('another battery staple');
  await submit(page, 'Change');
  await expect(dialog(page).getByRole('alert')).toContainText('The current password is wrong.');
  await dialog(page).getByLabel('Your current password').fill(password);
  const cookie = async () => (await context.cookies()).map((it) => `${it.name}=${it.value}`).join('; ');
  const before = await cookie();
  const reconnected = page.waitForEvent('websocket');
  await page.evaluate(() => ((window as any).sameDocument = true));
  await submit(page, 'Change');
  await expect(dialog(page)).toHaveCount(0);
  await expect(section.locator('[data-session]')).toHaveCount(1);
  // The previous token is over, and the page has connected with the new one without being loaded again.
  const status = async (cookie: string) => (await ask(`${locked.url}/api/state`, { headers: { Cookie: cookie } })).status;
  await expect.poll(() => status(before), { timeout: 10_000 }).toBe(401);
  expect(await status(await cookie())).toBe(200);
  await reconnected;
  await expectConnection(page, 'live', 'websocket');
  expect(await page.evaluate(() => (window as any).sameDocument)).toBe(true);
  await elsewhere.getByLabel('User name').fill('anna');
  await elsewhere.getByLabel('Password').fill('another battery staple');
  await elsewhere.keyboard.press('Enter');
  await expectConnection(elsewhere, 'live', 'websocket');
  await elsewhere.close();
});

/** The code of an authenticator app, this many steps of 30 s from now. */
function oneTimeCode(key: string, later: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...key.replaceAll(' ', '')].map((it) => alphabet.indexOf(it).toString(2).padStart(5, '0')).join('');
  const bytes = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const hash = createHmac('sha1', bytes).update(counter).digest();
  const code = hash.readUInt32BE(hash.at(-1)! & 15) & 0x7fff_ffff;
  return (code % 1_000_000).toString().padStart(6, '0');
}

test('with two-factor authentication, a sign-in asks for a code or a recovery code', async ({ page, pageLog, locked }) => {
  pageLog.allow(/401 \(Unauthorized\)/, /status of 500/, /^status 500: POST/);
  await setUp(page, locked);
  await page.goto(`${locked.url}/settings`);
  const section = page.getByRole('region', { name: 'Account' });
  const line = section.locator('.setting').filter({ hasText: 'Two-factor authentication' });
  await expect(line).toContainText('Off');
  await line.getByRole('button', { name: 'Set up' }).click();
  await enterPassword(page);
  await submit(page, 'Continue');
  await expect(dialog(page).getByRole('img', { name: 'QR code' })).toBeVisible();
  const key = await dialog(page).locator('code').innerText();
  await dialog(page).getByLabel('Code from the app').fill('000000');
  await submit(page, 'Turn on');
  await expect(dialog(page).getByRole('alert')).toContainText('Wrong code.');
  await dialog(page).getByLabel('Code from the app').fill(oneTimeCode(key, 0));
  await submit(page, 'Turn on');
  await expect(dialog(page)).toContainText('it is not shown again');
  const recovery = (await dialog(page).locator('code').innerText()).split('\n');
  expect(recovery).toHaveLength(10);
  await submit(page, 'Done');
  await expect(line).toContainText('On, 10 recovery codes left');
  await page.reload();
  await expect(page.getByRole('region', { name: 'Users' }).locator('[data-account="anna"]')).toContainText('two-factor authentication');

  const signOut = async () => {
    await section.getByRole('button', { name: 'Sign out' }).click();
    // The closed connection may have opened the sign-in first.
    await expect(page).toHaveURL(/\/login(\?|$)/);
    await page.goto(`${locked.url}/settings`);
    await signIn(page);
    await expect(page.getByRole('heading', { name: 'Two-factor authentication' })).toBeVisible();
  };
  await signOut();
  await page.getByLabel('Code').fill('000000');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('Wrong code.');
  await expect(page.getByLabel('Code')).toBeFocused();
  await page.keyboard.type(oneTimeCode(key, 1));
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/settings$/);
  await expectConnection(page, 'live', 'websocket');
  await signOut();
  await page.keyboard.type(recovery[0]!);
  await page.keyboard.press('Enter');
  await expect(line).toContainText('On, 9 recovery codes left');

  await line.getByRole('button', { name: 'Turn off' }).click();
  await enterPassword(page);
  await dialog(page).getByLabel('Code').fill(recovery[1]!);
  await submit(page, 'Turn off');
  await expect(line).toContainText('Off');
});

test('admins add users, change their roles, reset their passwords and remove them', async ({ page, browser, pageLog, locked }) => {
  pageLog.allow(/status of 500/, /^status 500: POST/);
  // As on a page over plain HTTP from another machine.
  await page.addInitScript(() => Object.defineProperty(window, 'isSecureContext', { value: false }));
  await setUp(page, locked);
  await page.goto(`${locked.url}/settings`);
  const section = page.getByRole('region', { name: 'Users' });
  const line = section.locator('[data-account="ben"]');
  await expect(section.locator('[data-account="anna"]')).toContainText('admin · 1 session');
  await expect(section.locator('[data-account="anna"]')).toContainText('You');
  await section.getByRole('button', { name: 'New user' }).click();
  await dialog(page).getByLabel('User name').fill('Anna');
  await enterPassword(page);
  await submit(page, 'Create');
  await expect(dialog(page).getByRole('alert')).toHaveText('The user Anna already exists.');
  await dialog(page).getByLabel('User name').fill('ben');
  await dialog(page).getByLabel('Role').selectOption('operator');
  await submit(page, 'Create');
  const shownPassword = async () => {
    await expect(dialog(page)).toContainText('it is not shown again');
    const text = await dialog(page).locator('code').innerText();
    await button(page, 'Copy').click();
    await expect(page.getByText('Copied').last()).toBeVisible();
    await submit(page, 'Done');
    return text;
  };
  const first = await shownPassword();
  await expect(line).toContainText('operator · not signed in');
  const elsewhere = await browser.newPage();
  const signInAsBen = async (text: string) => {
    await elsewhere.goto(`${locked.url}/login`);
    await elsewhere.getByLabel('User name').fill('ben');
    // The clipboard must have the password that was shown.
    await elsewhere.getByLabel('Password').focus();
    await elsewhere.keyboard.press('Control+V');
    await expect(elsewhere.getByLabel('Password')).toHaveValue(text);
    await elsewhere.keyboard.press('Enter');
    await expectConnection(elsewhere, 'live', 'websocket');
  };
  await signInAsBen(first);
  await elsewhere.goto(`${locked.url}/settings`);
  await expect(elsewhere.getByRole('region', { name: 'Account' })).toBeVisible();
  await expect(elsewhere.getByRole('region', { name: 'Users' })).toHaveCount(0);

  const choose = async (name: string) => {
    await section.getByRole('button', { name: 'More actions for ben' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  await choose('Reset password of ben');
  await enterPassword(page);
  await submit(page, 'Reset password');
  const second = await shownPassword();
  expect(second).not.toBe(first);
  await expect(elsewhere).toHaveURL(/\/login\?next=/, { timeout: 10_000 });
  await signInAsBen(second);

  await choose('Change role of ben');
  await dialog(page).getByLabel('Role').selectOption('viewer');
  await enterPassword(page);
  await submit(page, 'Change');
  await expect(line).toContainText('viewer');
  await expect(elsewhere).toHaveURL(/\/login\?next=/, { timeout: 10_000 });

  const state = await (await page.request.get(`${locked.url}/api/state`)).json();
  const [own, ...others]: string[] = state.data.containers.map((it: { name: string }) => it.name).sort();
  await choose('Change role of ben');
  await dialog(page).getByLabel('Only these containers').fill(own!);
  await enterPassword(page);
  await submit(page, 'Change');
  await expect(line).toContainText(`viewer · only ${own}`);
  await expect(elsewhere).toHaveURL(/\/login\?next=/, { timeout: 10_000 });
  await signInAsBen(second);
  await elsewhere.goto(`${locked.url}/settings`);
  await expect(elsewhere.getByText(`You only see ${own}`)).toBeVisible();
  for (const path of ['/', '/containers', '/events', '/alerts', '/engine']) {
    await elsewhere.goto(`${locked.url}${path}`);
    await expectConnection(elsewhere, 'live', 'websocket');
    await expect(elsewhere.locator('[data-count="containers"]').first()).toHaveText('1');
    const text = await elsewhere.locator('body').innerText();
    expect(others.filter((it) => text.includes(it)), `names of other containers on ${path}`).toEqual([]);
    for (const name of ['Resource usage', 'Rules', 'Disk usage']) {
      await expect(elsewhere.getByRole('heading', { name })).toHaveCount(0);
    }
  }
  await elsewhere.goto(`${locked.url}/containers`);
  await expect(rowOf(elsewhere, 'container', own!)).toBeVisible();

  await choose('End sessions of ben');
  await enterPassword(page);
  await submit(page, 'End sessions');
  await expect(elsewhere).toHaveURL(/\/login\?next=/, { timeout: 10_000 });
  await expect(line).not.toContainText('1 session');

  await choose('Remove ben');
  await submit(page, 'Remove');
  await expect(dialog(page).getByRole('alert')).toContainText('The current password is wrong.');
  await enterPassword(page);
  await submit(page, 'Remove');
  await expect(line).toHaveCount(0);
  await page.goto(`${locked.url}/events?q=ben`);
  for (const words of ['User added', 'Password reset', 'Role changed to viewer', 'Sessions ended', 'User removed']) {
    await expect(page.getByText(words).first()).toBeVisible();
  }
  await elsewhere.close();
});

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
