// How do tests read a page? By the contract: the data attributes and the accessible names.
import { expect, type Locator, type Page } from '@playwright/test';

export type Kind = 'container' | 'image' | 'volume' | 'network';

/** The row or card of an entity. */
export function rowOf(page: Page, kind: Kind, name: string): Locator {
  return page.locator(`[data-entity="${kind}"][data-name=${JSON.stringify(name)}]`);
}

export function rowById(page: Page, kind: Kind, id: string): Locator {
  return page.locator(`[data-entity="${kind}"][data-id=${JSON.stringify(id)}]`);
}

/** The connection badge: one on every page. */
export function badge(page: Page): Locator {
  return page.locator('[data-connection]');
}

/** The page reacts and follows the engine. */
export async function waitLive(page: Page): Promise<void> {
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true', { timeout: 10_000 });
  await expect(badge(page)).toHaveAttribute('data-connection', 'live', { timeout: 10_000 });
}

export async function open(page: Page, path: string): Promise<void> {
  try {
    await page.goto(path);
  } catch (error) {
    // Chromium gives a navigation up when the machine's network changes, which each container on a bridge does to it.
    if (!String(error).includes('net::ERR_NETWORK_CHANGED')) throw error;
    await page.goto(path);
  }
  await waitLive(page);
}

export async function countOf(page: Page, what: string): Promise<number> {
  const text = await page.locator(`[data-count="${what}"]`).first().textContent();
  return Number(text);
}

/** The state a container's row shows; null without such a row. */
export async function stateOf(page: Page, name: string): Promise<string | null> {
  const row = rowOf(page, 'container', name);
  return (await row.count()) === 0 ? null : row.getAttribute('data-state');
}

export async function expectState(page: Page, name: string, state: string): Promise<void> {
  await expect(rowOf(page, 'container', name)).toHaveAttribute('data-state', state);
}

/** When a row comes to be, by Date.now(); looked for at each frame, which is more often than `expect` does. */
export async function whenRowAppears(page: Page, kind: Kind, name: string): Promise<number> {
  const found = await page.waitForFunction(
    (selector) => document.querySelector(selector) !== null && Date.now(),
    `[data-entity="${kind}"][data-name=${JSON.stringify(name)}]`,
    { polling: 'raf', timeout: 30_000 },
  );
  return Number(await found.jsonValue());
}

/** How long the page took to have a revision that the server has, in milliseconds; looked for at each frame. */
export async function untilRevision(page: Page, revision: number): Promise<number> {
  const began = performance.now();
  await page.waitForFunction(
    (wanted) => Number(document.querySelector('[data-connection]')?.getAttribute('data-revision')) >= wanted,
    revision,
    { polling: 'raf', timeout: 30_000 },
  );
  return performance.now() - began;
}

/** Waits for what the badge says; over which transport as well. */
export async function expectConnection(page: Page, connection: string, transport: string, timeout = 5_000): Promise<void> {
  const wanted = page.locator(`[data-connection="${connection}"][data-transport="${transport}"]`);
  await expect(wanted, `${connection} over ${transport}`).toHaveCount(1, { timeout });
}

/** Name → state of every container row whose name begins with `prefix`. */
export function statesOnPage(page: Page, prefix: string): Promise<Record<string, string>> {
  // In one go: between finding rows and reading them others may have come.
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

/** Names of the rows of a kind, from top to bottom, those beginning with `prefix`. */
export function namesOnPage(page: Page, kind: Kind, prefix: string): Promise<string[]> {
  return page.evaluate(
    ([rows, start]) =>
      [...document.querySelectorAll(rows)].map((row) => row.getAttribute('data-name') ?? '').filter((name) => name.startsWith(start)),
    [`[data-entity="${kind}"]`, prefix] as const,
  );
}

/** Marks the document; `stayed` tells later whether it is still the same one. */
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
