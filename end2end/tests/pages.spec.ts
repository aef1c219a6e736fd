// Every page: complete server rendering, clean hydration, and accessibility.
import { open, rowOf, waitLive } from '../support/page';
import { expectAccessible } from '../support/axe';
import { expect, test } from '../support/fixtures';
import { ask } from '../support/http';

const pages = [
  { path: '/', title: /Quaylight/, shows: [] },
  { path: '/containers', title: /Containers/, shows: ['container'] },
  { path: '/images', title: /Images/, shows: ['image'] },
  { path: '/volumes', title: /Volumes/, shows: ['volume'] },
  { path: '/networks', title: /Networks/, shows: ['network'] },
  { path: '/engine', title: /Engine/, shows: [] },
  { path: '/events', title: /Events/, shows: [] },
  { path: '/alerts', title: /Alerts/, shows: [] },
  { path: '/settings', title: /Settings/, shows: [] },
  { path: '/realtime-test', title: /Realtime/i, shows: ['container', 'image'] },
] as const;

for (const { path, title, shows } of pages) {
  test.describe(path, () => {
    test.beforeEach(async ({ docker }) => {
      // An object for each list, and one that needs attention.
      const volume = docker.name('volume');
      await docker.volume(volume);
      await docker.network(docker.name('network'));
      await docker.start(docker.name('web'), {
        options: ['--volume', `${volume}:/data`, '--label', `com.docker.compose.project=${docker.name('stack')}`],
      });
      await docker.start(docker.name('failed'), { command: ['sh', '-c', 'exit 3'] });
      await docker.create(docker.name('made'));
    });

    test('is complete before any script runs', async ({ browser, docker, server }) => {
      await expect
        .poll(async () => (await ask(`${server.url}/api/state`)).text, { message: 'the server knows the container' })
        .toContain(docker.name('web'));
      const context = await browser.newContext({ javaScriptEnabled: false, baseURL: server.url });
      const page = await context.newPage();
      await page.goto(path);
      for (const kind of shows) await expect(page.locator(`[data-entity="${kind}"]`)).not.toHaveCount(0);
      if (shows.some((kind) => kind === 'container')) await expect(rowOf(page, 'container', docker.name('web'))).toBeVisible();
      const containers = await docker.lines('ps', '--all', '--quiet');
      await expect(page.locator('[data-count="containers"]').first()).toHaveText(String(containers.length));
      await expect(page.locator('[data-connection]')).toHaveCount(1);
      await context.close();
    });

    test('hydrates without console messages, goes live and has a title', async ({ page, pageLog }) => {
      await open(page, path);
      await expect(page).toHaveTitle(title);
      await expect(page).toHaveTitle(/Quaylight/);
      await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
      expect(pageLog.messages, 'the console has no messages').toEqual([]);
    });

    test('passes axe in the light and dark themes', async ({ page }) => {
      await open(page, path);
      await expectAccessible(page);
    });

    test('fits a phone viewport 390 px wide', async ({ page }) => {
      await page.setViewportSize({ width: 390, height: 844 });
      await open(page, path);
      const widths = await page.evaluate(() => ({
        content: document.documentElement.scrollWidth,
        window: document.documentElement.clientWidth,
      }));
      expect(widths.content, 'the page does not scroll horizontally').toBeLessThanOrEqual(widths.window);
      await expect(page.locator('[data-connection]'), 'the badge stays visible').toBeVisible();
      await expectAccessible(page);
    });

    test('loads and goes live without failed requests', async ({ page }) => {
      const failed: string[] = [];
      page.on('response', (response) => {
        if (response.status() >= 400) failed.push(response.url());
      });
      await page.goto(path, { waitUntil: 'networkidle' });
      await waitLive(page);
      expect(failed).toEqual([]);
    });
  });
}

test('an unknown URL returns 404 and a page with links', async ({ page, pageLog }) => {
  pageLog.allow(/404/);
  const response = await page.goto('/no-such-page');
  expect(response?.status()).toBe(404);
  await waitLive(page);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('link', { name: /containers/i }).first().click();
  await expect(page).toHaveURL(/\/containers$/);
});
