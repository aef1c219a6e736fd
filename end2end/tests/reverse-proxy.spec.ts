// Quaylight on HTTPS: with its own certificate, and behind a reverse proxy that replaces the Host header, which is nginx's default.
import type { Page } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from '../support/fixtures';
import { certify, httpsName, Nginx } from '../support/nginx';
import { expectConnection } from '../support/page';
import { freePort } from '../support/ports';
import { Server } from '../support/server';
import { Simulator } from '../support/simulator';

interface Proxied {
  url: string;
  server: Server;
}

const test = base.extend<{ behindProxy: (env: (host: string) => NodeJS.ProcessEnv) => Promise<Proxied> }>({
  ignoreHTTPSErrors: true,
  /** Starts a server and a proxy; `env` returns the server's environment. */
  behindProxy: async ({ page }, use) => {
    const port = await freePort();
    const simulator = await Simulator.start({ containers: 5 });
    const started: { stop(): Promise<void> }[] = [];
    await use(async (env) => {
      const server = await Server.start(simulator.host, { QUAYLIGHT_AUTH: 'password', ...env(`${httpsName}:${port}`) });
      const nginx = await Nginx.start('https', server.url, port);
      started.push(nginx, server);
      return { url: nginx.url, server };
    });
    // Before the server ends, which the page would report.
    await page.goto('about:blank');
    for (const it of started) await it.stop();
    await simulator.stop();
  },
});

async function setUp(page: Page, { url, server }: { url: string; server: Server }): Promise<void> {
  const link = new URL(await server.setupLink());
  await page.goto(`${url}${link.pathname}${link.search}`);
  await page.getByLabel('User name').fill('anna');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Create user' }).click();
}

test('a form is refused with the name of the setting when the proxy replaces the Host header', async ({ page, pageLog, behindProxy }) => {
  pageLog.allow(/403 \(Forbidden\)/, /^status 403: POST/);
  const proxied = await behindProxy(() => ({}));
  const refused = page.waitForResponse((response) => response.request().method() === 'POST');
  await setUp(page, proxied);
  const { detail } = await (await refused).json();
  expect(detail).toContain(`Request origin "${proxied.url}" doesn't match host "127.0.0.1:`);
  expect(detail).toContain('QUAYLIGHT_HOSTS');
});

test('users sign in through a proxy whose name is listed', async ({ page, context, behindProxy }) => {
  const proxied = await behindProxy((host) => ({ QUAYLIGHT_HOSTS: host, QUAYLIGHT_TRUSTED_PROXIES: '127.0.0.1' }));
  await setUp(page, proxied);
  await expectConnection(page, 'live', 'websocket');
  const cookies = await context.cookies();
  expect(cookies.map(({ name, secure, httpOnly, path }) => ({ name, secure, httpOnly, path }))).toEqual([
    { name: '__Host-quaylight_session', secure: true, httpOnly: true, path: '/' },
  ]);
  await page.goto(`${proxied.url}/settings`);
  // A request without its response by then would end with 401.
  await expect(page.locator('[data-session]')).toHaveCount(1);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login(\?|$)/);
  expect(await context.cookies()).toEqual([]);
});

test('users sign in at a server with its own certificate, without a proxy', async ({ page, context }) => {
  const dir = mkdtempSync(join(tmpdir(), 'quaylight-tls-'));
  certify(dir);
  const simulator = await Simulator.start({ containers: 5 });
  const env = { QUAYLIGHT_AUTH: 'password', QUAYLIGHT_TLS_CERT: join(dir, 'cert.pem'), QUAYLIGHT_TLS_KEY: join(dir, 'key.pem') };
  const server = await Server.start(simulator.host, env);
  await setUp(page, { url: server.url, server });
  await expectConnection(page, 'live', 'websocket');
  expect((await context.cookies()).map(({ name, secure }) => ({ name, secure }))).toEqual([
    { name: '__Host-quaylight_session', secure: true },
  ]);
  // A user who types the address without its scheme.
  await page.goto(`${server.url.replace('https:', 'http:')}/images`);
  await expect(page).toHaveURL(`${server.url}/images`);
  await expectConnection(page, 'live', 'websocket');
  await page.goto('about:blank');
  await server.stop();
  await simulator.stop();
  rmSync(dir, { recursive: true });
});

test('a proxy signs users in, and its groups give them their roles', async ({ browser }) => {
  const simulator = await Simulator.start({ containers: 5 });
  const env = { QUAYLIGHT_AUTH: 'proxy', QUAYLIGHT_TRUSTED_PROXIES: '127.0.0.1' };
  const server = await Server.start(simulator.host, env, '[auth]\nadmin-groups = ["admins"]\n');
  const nginx = await Nginx.start('signs-in', server.url);
  const offers = async (username: string) => {
    // The proxy replaces these headers.
    const extraHTTPHeaders = { 'Remote-User': 'eve', 'Remote-Groups': 'admins' };
    const context = await browser.newContext({ httpCredentials: { username, password: 'password' }, extraHTTPHeaders });
    const page = await context.newPage();
    await page.goto(`${nginx.url}/containers`);
    await expectConnection(page, 'live', 'websocket');
    const create = await page.getByRole('button', { name: 'Create', exact: true }).count();
    await page.goto(`${nginx.url}/settings`);
    const account = await page.getByRole('region', { name: 'Account' }).innerText();
    await context.close();
    return { create, account };
  };
  expect(await offers('anna')).toMatchObject({ create: 1, account: expect.stringContaining('Signed in as anna (admin)') });
  expect(await offers('vera')).toMatchObject({ create: 0, account: expect.stringContaining('Signed in as vera (viewer)') });
  await nginx.stop();
  await server.stop();
  await simulator.stop();
});
