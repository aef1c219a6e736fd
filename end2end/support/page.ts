// Page reader for tests, by the page contract: data attributes and accessible names.
import { expect, type Locator, type Page } from '@playwright/test';

export type Kind = 'container' | 'image' | 'volume' | 'network';

/** The row or card of an entity. */
export function rowOf(page: Page, kind: Kind, name: string): Locator {
  return page.locator(`[data-entity="${kind}"][data-name=${JSON.stringify(name)}]`);
}

export function rowById(page: Page, kind: Kind, id: string): Locator {
  return page.locator(`[data-entity="${kind}"][data-id=${JSON.stringify(id)}]`);
}

/** The connection badge, present on every page. */
export function badge(page: Page): Locator {
  return page.locator('[data-connection]');
}

/** Waits until the page is hydrated and connected to the engine. */
export async function waitLive(page: Page): Promise<void> {
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true', { timeout: 10_000 });
  await expect(badge(page)).toHaveAttribute('data-connection', 'live', { timeout: 10_000 });
}

export async function open(page: Page, path: string): Promise<void> {
  try {
    await page.goto(path);
  } catch (error) {
    // Chromium cancels a navigation when the machine's network changes, which happens whenever a container joins a bridge.
    if (!String(error).includes('net::ERR_NETWORK_CHANGED')) throw error;
    await page.goto(path);
  }
  await waitLive(page);
}

export async function countOf(page: Page, what: string): Promise<number> {
  const text = await page.locator(`[data-count="${what}"]`).first().textContent();
  return Number(text);
}

/** The state that a container's row shows; null without such a row. */
export async function stateOf(page: Page, name: string): Promise<string | null> {
  const row = rowOf(page, 'container', name);
  return (await row.count()) === 0 ? null : row.getAttribute('data-state');
}

export async function expectState(page: Page, name: string, state: string): Promise<void> {
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-state', state);
}

/** Waits until a task is done: builds and transfers take as long as the engine does. */
export async function expectDone(task: Locator): Promise<void> {
  await expect(task).toHaveAttribute('data-state', 'done', { timeout: 60_000 });
}

/** Time at which a row appears, by Date.now(); checked at each frame, more often than `expect` does. */
export async function whenRowAppears(page: Page, kind: Kind, name: string): Promise<number> {
  const found = await page.waitForFunction(
    (selector) => document.querySelector(selector) !== null && Date.now(),
    `[data-entity="${kind}"][data-name=${JSON.stringify(name)}]`,
    { polling: 'raf', timeout: 30_000 },
  );
  return Number(await found.jsonValue());
}

/** Milliseconds until the page reaches a revision that the server has; checked at each frame. */
export async function untilRevision(page: Page, revision: number): Promise<number> {
  const began = performance.now();
  await page.waitForFunction(
    (wanted) => Number(document.querySelector('[data-connection]')?.getAttribute('data-revision')) >= wanted,
    revision,
    { polling: 'raf', timeout: 30_000 },
  );
  return performance.now() - began;
}

/** Waits until the badge shows this connection state and transport. */
export async function expectConnection(page: Page, connection: string, transport: string, timeout = 5_000): Promise<void> {
  const wanted = page.locator(`[data-connection="${connection}"][data-transport="${transport}"]`);
  await expect(wanted, `${connection} over ${transport}`).toHaveCount(1, { timeout });
}

/** Name → state of every container row whose name begins with `prefix`. */
export function statesOnPage(page: Page, prefix: string): Promise<Record<string, string>> {
  // One evaluation: rows could change between finding and reading them.
  return page.evaluate(
    (start) =>
      Object.fromEntries(
        [...document.querySelectorAll('[data-entity="container"]')]
          .map((row) => [row.getAttribute('data-name') ?? '', row.getAttribute('data-state') ?? ''] as const)
          .filter(([name]) => name.startsWith(start)),
      ),
    prefix,
  );
}

/** Names of the rows of a kind that begin with `prefix`, from top to bottom. */
export function namesOnPage(page: Page, kind: Kind, prefix: string): Promise<string[]> {
  return page.evaluate(
    ([rows, start]) =>
      [...document.querySelectorAll(rows)].map((row) => row.getAttribute('data-name') ?? '').filter((name) => name.startsWith(start)),
    [`[data-entity="${kind}"]`, prefix] as const,
  );
}

/** Marks the document; `stayed` checks later that it is still the same one. */
export async function mark(page: Page): Promise<{ stayed(): Promise<void> }> {
  const token = Math.random().toString(36);
  await page.evaluate((value) => {
    (window as any).quaylightTestMark = value;
  }, token);
  return {
    stayed: async () => {
      const now = await page.evaluate(() => (window as any).quaylightTestMark);
      expect(now, 'the page was not loaded again').toBe(token);
    },
  };
}
