// Links, deep links and the back button, without page reloads.
import { expect, test } from '../support/fixtures';
import { mark, open, rowOf, waitLive } from '../support/page';

test('navigating through the pages and back keeps one live document', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, '/containers');
  const document = await mark(page);

  for (const where of ['Images', 'Volumes', 'Networks', 'Containers']) {
    await page.getByRole('link', { name: new RegExp(`^${where}`) }).first().click();
    await expect(page).toHaveURL(new RegExp(`/${where.toLowerCase()}$`));
    await expect(page).toHaveTitle(new RegExp(where));
  }
  await expect(rowOf(page, 'container', name)).toBeVisible();

  await page.goBack();
  await expect(page).toHaveURL(/\/networks$/);
  await expect(page.locator('[data-entity="network"]')).not.toHaveCount(0);
  await page.goForward();
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-state', 'running');
  await document.stayed();
});

test('a list shows a change that happens while another page is open', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, '/containers');
  await page.getByRole('link', { name: /^Volumes/ }).first().click();
  await expect(page).toHaveURL(/\/volumes$/);
  await docker.cli('pause', name);
  await page.goBack();
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-state', 'paused');
});

test('a deep link applies its search and state filter before and after hydration', async ({
  browser,
  page,
  docker,
  server,
}) => {
  await docker.start(docker.name('alpha'));
  await docker.create(docker.name('beta'));
  await open(page, '/containers');
  await expect(rowOf(page, 'container', docker.name('beta'))).toBeVisible();

  const link = `/containers?q=${docker.prefix}&state=created`;
  const still = await browser.newContext({ javaScriptEnabled: false, baseURL: server.url });
  const plain = await still.newPage();
  await plain.goto(link);
  await page.goto(link);
  await waitLive(page);
  for (const view of [plain, page]) {
    await expect(rowOf(view, 'container', docker.name('beta'))).toBeVisible();
    await expect(rowOf(view, 'container', docker.name('alpha'))).toHaveCount(0);
    await expect(view.getByRole('searchbox', { name: 'Search containers' })).toHaveValue(docker.prefix);
    await expect(view.getByRole('group', { name: 'State' }).getByRole('button', { name: /^Created/ })).toHaveAttribute(
      'aria-pressed',
      'true',
    );
  }
  await still.close();

  await page.reload();
  await waitLive(page);
  await expect(rowOf(page, 'container', docker.name('beta'))).toBeVisible();
});
