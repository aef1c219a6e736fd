// Sign-in with a real OpenID provider.
import { createServer, type AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { dialog, submit } from '../support/acting';
import { expect, test as base } from '../support/fixtures';
import { OpenIdProvider, type Groups } from '../support/openid-provider';
import { expectConnection } from '../support/page';
import { Server } from '../support/server';
import { Simulator } from '../support/simulator';

interface World {
  server: Server;
  provider: OpenIdProvider;
  groups: Groups;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const test = base.extend<{ world: World }>({
  world: async ({}, use) => {
    const simulator = await Simulator.start({ containers: 5 });
    const url = `http://127.0.0.1:${await freePort()}`;
    const groups: Groups = { anna: ['staff', 'admins'], eve: ['staff'] };
    const provider = await OpenIdProvider.start(`${url}/login/oidc/callback`, groups);
    const server = await Server.start(simulator.host, {
      QUAYLIGHT_AUTH: 'password',
      QUAYLIGHT_LISTEN: new URL(url).host,
      QUAYLIGHT_PUBLIC_URL: url,
      QUAYLIGHT_OIDC_ISSUER: provider.issuer,
      QUAYLIGHT_OIDC_CLIENT_ID: 'quaylight',
      QUAYLIGHT_OIDC_CLIENT_SECRET: OpenIdProvider.secret,
      QUAYLIGHT_OIDC_ADMIN_GROUPS: 'admins',
      QUAYLIGHT_OIDC_OPERATOR_GROUPS: 'developers',
    });
    await use({ server, provider, groups });
    await server.stop();
    await provider.stop();
    await simulator.stop();
  },
});

// Before the server ends, which the page would report.
test.afterEach(async ({ page }) => {
  await page.goto('about:blank');
});

/** Signs in at the provider, from the sign-in page. */
async function signIn(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name: 'Sign in with OpenID' }).click();
  await page.getByPlaceholder('Enter any login').fill(name);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
}

async function signOut(page: Page, world: World): Promise<void> {
  await page.goto(`${world.server.url}/settings`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  // The closed connection may have opened the sign-in first.
  await expect(page).toHaveURL(/\/login(\?|$)/);
}

test('users of an OpenID provider sign in with the role of their groups', async ({ page, pageLog, world }) => {
  pageLog.allow(/401 \(Unauthorized\)/, /Content Security Policy/, /fonts\.googleapis/, /favicon/);
  await page.goto(`${world.server.url}/containers?q=a`);
  await signIn(page, 'anna');
  await expect(page).toHaveURL(`${world.server.url}/containers?q=a`);
  await expectConnection(page, 'live', 'websocket');

  await page.goto(`${world.server.url}/settings`);
  const section = page.getByRole('region', { name: 'Account' });
  await expect(section).toContainText('Signed in as anna (admin)');
  await expect(section).toContainText('Your sign-in provider manages your account.');
  await expect(section.getByRole('button', { name: 'Change password' })).toHaveCount(0);
  await expect(page.getByRole('region', { name: 'Users' }).locator('[data-account="anna"]')).toContainText('signs in with a provider');
  await section.getByRole('button', { name: 'New API token' }).click();
  await dialog(page).getByLabel('Name').fill('prometheus');
  await expect(dialog(page).getByLabel('Your current password')).toHaveCount(0);
  await submit(page, 'Create');
  await expect(dialog(page)).toContainText('it is not shown again');
  await submit(page, 'Done');
  await signOut(page, world);

  // Another role, signed with another key.
  world.groups['anna'] = ['developers'];
  world.provider.rotateKeys();
  // The session at the provider goes on.
  await page.getByRole('link', { name: 'Sign in with OpenID' }).click();
  await expectConnection(page, 'live', 'websocket');
  await page.goto(`${world.server.url}/settings`);
  await expect(section).toContainText('Signed in as anna (operator)');
  await expect(section.locator('[data-token]')).toHaveCount(1);
});

test('a refused sign-in at the provider says why', async ({ page, context, pageLog, world }) => {
  pageLog.allow(/40[139] \(/, /502 \(/, /Content Security Policy/, /fonts\.googleapis/, /favicon/);
  const alert = page.getByRole('alert');
  await page.goto(`${world.server.url}/login`);
  await signIn(page, 'eve');
  await expect(alert).toHaveText('You are in none of the groups that may use Quaylight.');
  // Sent by another site: this browser has started no sign-in.
  await page.goto(`${world.server.url}/login/oidc/callback?code=stolen&state=x`);
  await expect(alert).toHaveText('That took too long. Start again.');
  await context.clearCookies();
  await page.goto(`${world.server.url}/login`);
  await page.getByRole('link', { name: 'Sign in with OpenID' }).click();
  await expect(page).toHaveURL(/\/interaction\//);
  await page.goto(`${world.server.url}/login/oidc/callback?code=stolen&state=x`);
  await expect(alert).toHaveText('That took too long. Start again.');
  expect((await context.cookies(world.server.url)).map((it) => it.name)).not.toContain('quaylight_session');

  world.server.addUser('anna', 'admin', 'correct horse battery');
  await context.clearCookies();
  await page.goto(`${world.server.url}/login`);
  await signIn(page, 'anna');
  await expect(alert).toHaveText('The user anna already exists.');
});

test('without its provider, the server says so and passwords still work', async ({ page, pageLog, world }) => {
  pageLog.allow(/502 \(/);
  world.server.addUser('anna', 'admin', 'correct horse battery');
  await world.provider.stop();
  await page.goto(`${world.server.url}/login?next=/images`);
  await page.getByRole('link', { name: 'Sign in with OpenID' }).click();
  await expect(page.getByRole('alert')).toHaveText("The sign-in with the provider failed. See the server's log for the cause.");
  await page.getByLabel('User name').fill('anna');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${world.server.url}/images`);
  await expectConnection(page, 'live', 'websocket');
});
