// The whole app under a base path, as behind a proxy that serves other apps beside it.
import { defaultEngine } from '../support/docker';
import { expect, test as base } from '../support/fixtures';
import { expectConnection, mark, rowOf, waitLive } from '../support/page';
import { Server } from '../support/server';

const below = '/docker';

const test = base.extend<{}, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await Server.start(defaultEngine, { QUAYLIGHT_BASE_PATH: below });
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
});

test('every page is live under the base path and sends no request outside it', async ({ page, docker }) => {
  const outside: string[] = [];
  const note = (url: string) => {
    if (!new URL(url).pathname.startsWith(`${below}/`) && new URL(url).pathname !== below) outside.push(url);
  };
  page.on('request', (request) => note(request.url()));
  page.on('websocket', (socket) => note(socket.url()));
  const name = docker.name('web');
  await docker.create(name);
  await page.goto(`${below}/containers`);
  await waitLive(page);
  await expectConnection(page, 'live', 'websocket');
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-state', 'created');
  // A server function.
  await page.getByRole('button', { name: `Start ${name}`, exact: true }).click();
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-state', 'running');

  const document = await mark(page);
  for (const where of ['Images', 'Volumes', 'Networks', 'Dashboard', 'Containers']) {
    await page.getByRole('link', { name: new RegExp(`^${where}`) }).first().click();
    await expect(page).toHaveURL(new RegExp(`${below}${where === 'Dashboard' ? '/?' : `/${where.toLowerCase()}`}$`));
  }
  await document.stayed();
  expect(outside).toEqual([]);
});

test('the base path with a trailing slash redirects to the one without', async ({ page }) => {
  await page.goto(`${below}/`);
  await expect(page).toHaveURL(new RegExp(`${below}$`));
  await waitLive(page);
});
