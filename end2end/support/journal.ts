// Reader of the connection journal on /realtime-test.
import { expect, type Page } from '@playwright/test';

export type What = 'lost' | 'live' | 'resumed' | 'resynced' | 'dropped' | 'paused' | 'fell-back' | 'moved-up';

export interface Entry {
  what: string;
  words: string;
}

/** Oldest first, in contrast to the page: tests read the entries in chronological order. */
export async function journal(page: Page): Promise<Entry[]> {
  const entries = await page.locator('[data-journal] li').evaluateAll((items) =>
    items.map((item) => ({
      what: item.getAttribute('data-what') ?? '',
      words: (item.textContent ?? '').replace(/\s+/g, ' ').trim(),
    })),
  );
  return entries.reverse();
}

/** Waits until, after the first `known` entries, the journal shows the cause and then the recovery; returns the latter. */
export async function expectRecovery(page: Page, known: number, cause: What, recovery: What, timeout = 5_000): Promise<Entry> {
  let found: Entry | undefined;
  await expect
    .poll(
      async () => {
        const since = (await journal(page)).slice(known);
        const at = since.findIndex(({ what }) => what === cause);
        found = at < 0 ? undefined : since.slice(at + 1).find(({ what }) => what === recovery);
        return found === undefined ? since : 'recovered';
      },
      { message: `the journal tells of "${cause}" and then of "${recovery}"`, timeout },
    )
    .toBe('recovered');
  return found!;
}
