// List tools: search, filters, sorting, grouping and views, and their state in the URL.
import type { BrowserContext, Page } from '@playwright/test';
import { expect, test } from '../support/fixtures';
import { namesOnPage, open, rowOf, waitLive } from '../support/page';

const search = (page: Page, what = 'containers') => page.getByRole('searchbox', { name: `Search ${what}` });
const stateFilter = (page: Page, state: string) =>
  page.getByRole('group', { name: 'State' }).getByRole('button', { name: new RegExp(`^${state}`) });
const view = (page: Page, name: string) => page.getByRole('group', { name: 'View' }).getByRole('button', { name });

test.beforeEach(async ({ docker }) => {
  await docker.start(docker.name('bravo'));
  await docker.create(docker.name('alpha'));
  await docker.start(docker.name('charlie'));
});

test('the search filters the list, clearing it restores the list, and the URL follows', async ({ page, docker }) => {
  await open(page, '/containers');
  await search(page).fill(docker.name('br'));
  await expect.poll(() => namesOnPage(page, 'container', '')).toEqual([docker.name('bravo')]);
  await expect(page).toHaveURL(new RegExp(`[?&]q=${docker.name('br')}`));
  await search(page).fill(docker.prefix);
  await expect.poll(async () => (await namesOnPage(page, 'container', '')).length).toBe(3);
  await search(page).fill('');
  await expect(page).not.toHaveURL(/[?&]q=/);
  await expect(rowOf(page, 'container', docker.name('alpha'))).toBeVisible();
});

test('a search without matches shows an empty state', async ({ page, docker }) => {
  await open(page, '/containers');
  await search(page).fill(docker.name('nothing-of-this-name'));
  await expect(page.locator('[data-entity="container"]')).toHaveCount(0);
  await expect(page.getByRole('main')).toContainText(/no results/i);
});

test('filters apply to live updates', async ({ page, docker }) => {
  await open(page, `/containers?q=${docker.prefix}&state=running`);
  await expect.poll(() => namesOnPage(page, 'container', '').then((names) => names.sort())).toEqual(
    [docker.name('bravo'), docker.name('charlie')],
  );
  await docker.cli('start', docker.name('alpha'));
  await expect(rowOf(page, 'container', docker.name('alpha'))).toBeVisible();
  await docker.cli('stop', docker.name('bravo'));
  await expect(rowOf(page, 'container', docker.name('bravo'))).toHaveCount(0);
});

test('the state filter shows one state and its count, and is part of the URL', async ({ page, docker }) => {
  await open(page, `/containers?q=${docker.prefix}`);
  await expect(stateFilter(page, 'All')).toHaveAttribute('aria-pressed', 'true');
  await stateFilter(page, 'Created').click();
  await expect(stateFilter(page, 'Created')).toHaveAttribute('aria-pressed', 'true');
  await expect(stateFilter(page, 'All')).toHaveAttribute('aria-pressed', 'false');
  await expect(page).toHaveURL(/[?&]state=created/);
  await expect.poll(() => namesOnPage(page, 'container', '')).toEqual([docker.name('alpha')]);
  await expect(stateFilter(page, 'Created')).toContainText(/\d/);
  await stateFilter(page, 'All').click();
  await expect.poll(async () => (await namesOnPage(page, 'container', '')).length).toBe(3);
});

test('a column sorts in both directions, shows the direction, and is part of the URL', async ({ page, docker }) => {
  // A narrower table hides this column.
  await page.setViewportSize({ width: 1_800, height: 800 });
  await open(page, `/containers?q=${docker.prefix}`);
  const header = page.getByRole('columnheader', { name: /^Created/ });
  const sort = header.getByRole('button');
  // By creation time: bravo, alpha, charlie.
  const up = ['bravo', 'alpha', 'charlie'].map((word) => docker.name(word));
  for (let turn = 0; turn < 2; turn++) {
    await sort.click();
    // A pointer over the list would hold the rows in place.
    await page.mouse.move(0, 0);
    await expect(header).toHaveAttribute('aria-sort', /ascending|descending/);
    const rising = (await header.getAttribute('aria-sort')) === 'ascending';
    await expect.poll(() => namesOnPage(page, 'container', '')).toEqual(rising ? up : [...up].reverse());
    await expect(page).toHaveURL(/[?&]sort=created/);
  }
  await page.goto(`/containers?q=${docker.prefix}&sort=name&dir=desc`);
  await waitLive(page);
  await expect(page.getByRole('columnheader', { name: /^Name/ })).toHaveAttribute('aria-sort', 'descending');
  expect(await namesOnPage(page, 'container', '')).toEqual(['charlie', 'bravo', 'alpha'].map((word) => docker.name(word)));
});

test('grouping by project lists the containers of a stack under its name', async ({ page, docker }) => {
  const project = docker.name('stack');
  for (const service of ['web', 'db'])
    await docker.create(docker.name(service), {
      options: [
        '--label', `com.docker.compose.project=${project}`,
        '--label', `com.docker.compose.service=${service}`,
      ],
    });
  await open(page, `/containers?q=${docker.prefix}&sort=name`);
  const group = page.getByRole('button', { name: 'Group by project' });
  await expect(group).toHaveAttribute('aria-pressed', 'false');
  await group.click();
  await expect(group).toHaveAttribute('aria-pressed', 'true');
  await expect(page).toHaveURL(/[?&]group=project/);
  await expect(page.getByText(project, { exact: true }).first()).toBeVisible();
  await page.mouse.move(0, 0);
  await expect
    .poll(async () => {
      const names = await namesOnPage(page, 'container', '');
      return Math.abs(names.indexOf(docker.name('web')) - names.indexOf(docker.name('db')));
    })
    .toBe(1);
  await expect.poll(async () => (await namesOnPage(page, 'container', '')).length).toBe(5);
});

test('the card view and compact density persist, and the server renders them', async ({ page, browser, docker, server }) => {
  await open(page, '/containers');
  await expect(view(page, 'Table')).toHaveAttribute('aria-pressed', 'true');
  await expectRows(page);
  await view(page, 'Cards').click();
  await expect(view(page, 'Cards')).toHaveAttribute('aria-pressed', 'true');
  await expectCards(page);
  await expect(rowOf(page, 'container', docker.name('alpha'))).toHaveCount(1);
  const compact = page.getByRole('button', { name: 'Compact' });
  await compact.click();
  await expect(compact).toHaveAttribute('aria-pressed', 'true');

  const plain = await withoutScripts(page.context(), (options) => browser.newContext({ ...options, baseURL: server.url }));
  await plain.goto('/containers');
  await page.reload();
  await waitLive(page);
  for (const now of [plain, page]) {
    await expect(view(now, 'Cards')).toHaveAttribute('aria-pressed', 'true');
    await expect(now.getByRole('button', { name: 'Compact' })).toHaveAttribute('aria-pressed', 'true');
    await expectCards(now);
    await expect(rowOf(now, 'container', docker.name('alpha'))).toHaveAttribute('data-state', 'created');
  }
  await plain.context().close();

  await docker.cli('start', docker.name('alpha'));
  await expect(rowOf(page, 'container', docker.name('alpha')), 'cards update live').toHaveAttribute('data-state', 'running');
});

for (const [path, what] of [
  ['/images', 'images'],
  ['/volumes', 'volumes'],
  ['/networks', 'networks'],
] as const)
  test(`${path} can be searched`, async ({ page, docker }) => {
    const kind = what.slice(0, -1) as 'image' | 'volume' | 'network';
    const name = kind === 'image' ? docker.name('needle:1') : docker.name('needle');
    if (kind === 'image') await docker.image('needle:1');
    else await docker[kind](name);
    await open(page, path);
    await expect(rowOf(page, kind, name)).toBeVisible();
    await search(page, what).fill('needle');
    await expect.poll(() => namesOnPage(page, kind, '')).toEqual([name]);
  });

/** Rows are stacked under column heads, cards are side by side without heads; the markup may be the same. */
const columnHead = (page: Page) => page.getByRole('columnheader', { name: /^Name/ });
const topsOfFirstTwo = (page: Page) =>
  page
    .locator('[data-entity="container"]')
    .evaluateAll((all) => all.slice(0, 2).map((one) => Math.round(one.getBoundingClientRect().top)));

async function expectRows(page: Page): Promise<void> {
  await expect(columnHead(page)).toBeVisible();
  const [first, second] = await topsOfFirstTwo(page);
  expect(second, 'the second row is below the first').toBeGreaterThan(first!);
}

async function expectCards(page: Page): Promise<void> {
  await expect(columnHead(page)).toBeHidden();
  const [first, second] = await topsOfFirstTwo(page);
  expect(second, 'the second card is beside the first').toBe(first);
}

/** A page with the same cookies and without scripts, to see the server's rendering alone. */
async function withoutScripts(
  context: BrowserContext,
  open: (options: { javaScriptEnabled: false; storageState: any }) => Promise<BrowserContext>,
): Promise<Page> {
  const plain = await open({ javaScriptEnabled: false, storageState: await context.storageState() });
  return plain.newPage();
}
