// What did the badge say, moment by moment? A page asked now and then would hide what happened in between.
import { expect, type Page } from '@playwright/test';

export interface Moment {
  /** By Date.now(), the same clock on both sides. */
  at: number;
  connection: string;
  transport: string;
  revision: number;
}

export class ConnectionHistory {
  private constructor(private readonly page: Page) {}

  /** From now on; it is lost when the page loads again. */
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
        // Several changes may come as one call: the values in between are the later records' old ones.
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

  /** A revision that falls back means that changes were applied a second time. */
  async expectOnlyForward(): Promise<void> {
    const moments = await this.moments();
    const back = moments.filter((moment, at) => moment.revision < (moments[at - 1]?.revision ?? 0));
    expect(back, 'moments at which the revision fell back').toEqual([]);
  }
}
