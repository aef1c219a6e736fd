// Every state of the connection badge, with times. Polling would miss the states in between.
import { expect, type Page } from '@playwright/test';

export interface Moment {
  /** By Date.now(), the same clock in page and test. */
  at: number;
  connection: string;
  transport: string;
  revision: number;
}

export class ConnectionHistory {
  private constructor(private readonly page: Page) {}

  /** Starts recording; the record is lost when the page reloads. */
  static async watch(page: Page): Promise<ConnectionHistory> {
    await page.evaluate(() => {
      const moments: Moment[] = ((window as any).quaylightTestMoments = []);
      const note = (revision: string | null) => {
        const badge = document.querySelector('[data-connection]');
        if (badge === null || revision === null) return;
        const said = (name: string) => badge.getAttribute(`data-${name}`) ?? '';
        moments.push({ at: Date.now(), connection: said('connection'), transport: said('transport'), revision: Number(revision) });
      };
      const now = () => note(document.querySelector('[data-connection]')?.getAttribute('data-revision') ?? null);
      now();
      new MutationObserver((records) => {
        // One call may report several changes: the intermediate values are the later records' old values.
        for (const record of records) if (record.attributeName === 'data-revision') note(record.oldValue);
        now();
      }).observe(document.documentElement, {
        subtree: true,
        childList: true,
        attributeFilter: ['data-connection', 'data-transport', 'data-revision'],
        attributeOldValue: true,
      });
    });
    return new ConnectionHistory(page);
  }

  moments(): Promise<Moment[]> {
    return this.page.evaluate(() => (window as any).quaylightTestMoments);
  }

  /** A revision that decreases means that changes were applied twice. */
  async expectOnlyForward(): Promise<void> {
    const moments = await this.moments();
    const back = moments.filter((moment, at) => moment.revision < (moments[at - 1]?.revision ?? 0));
    expect(back, 'moments at which the revision fell back').toEqual([]);
  }
}
