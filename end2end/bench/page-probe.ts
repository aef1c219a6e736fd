// Observer inside the page that stamps when a row reaches a state, without polling.
import type { Page } from '@playwright/test';
import { Inbox } from '../support/inbox';
import { clockOffset } from './clock';

export interface Seen {
  /** A row that is in the document, or one that was removed. */
  what: 'row' | 'left';
  id: string;
  name: string;
  state: string;
  /** The page's fine clock when the observer was called. */
  at: number;
}

export class PageProbe {
  readonly seen = new Inbox<Seen>('change in the page');
  /** Milliseconds between the page's fine clock and the system's. */
  offset = 0;
  /** Time of the last change in the page, by this process's clock. */
  lastChange = performance.now();
  private wakeQuiet: (() => void) | null = null;

  static async install(page: Page): Promise<PageProbe> {
    const probe = new PageProbe();
    await page.exposeBinding('quaylightBenchSeen', (_source, batch: Seen[]) => {
      for (const one of batch) probe.seen.put(one);
      probe.touch();
    });
    page.on('websocket', (socket) => socket.on('framereceived', () => probe.touch()));
    return probe;
  }

  /** Starts observing; call it when the page is live. */
  async observe(page: Page): Promise<void> {
    await page.evaluate(() => {
      const batch: Seen[] = [];
      const note = (what: Seen['what'], row: Element, at: number) => {
        if (batch.length === 0)
          // Reported after the task that stamped it, so that reporting costs the measured path nothing.
          setTimeout(() => (window as any).quaylightBenchSeen(batch.splice(0)), 0);
        const of = (key: string) => row.getAttribute(`data-${key}`) ?? '';
        batch.push({ what, id: of('id'), name: of('name'), state: of('state'), at });
      };
      const rowsIn = (nodes: NodeList, visit: (row: Element) => void) => {
        for (const node of nodes) {
          if (!(node instanceof Element)) continue;
          if (node.matches('[data-entity="container"]')) visit(node);
          else for (const row of node.querySelectorAll('[data-entity="container"]')) visit(row);
        }
      };
      new MutationObserver((records) => {
        const at = performance.timeOrigin + performance.now();
        for (const record of records) {
          if (record.type === 'attributes') {
            const row = record.target as Element;
            // `data-leaving`: the container is removed, and the row is still animating out.
            if (row.matches('[data-entity="container"]')) note(row.hasAttribute('data-leaving') ? 'left' : 'row', row, at);
          } else {
            rowsIn(record.removedNodes, (row) => note('left', row, at));
            rowsIn(record.addedNodes, (row) => note('row', row, at));
          }
        }
      }).observe(document.body, {
        subtree: true,
        childList: true,
        attributes: true,
        attributeFilter: ['data-state', 'data-name', 'data-id', 'data-leaving'],
      });
    });
  }

  /** Compares the page's clocks, after which `systemTime` is accurate. Also returns the offset measured by a round trip. */
  async calibrate(page: Page): Promise<{ edges: number; roundTrip: number }> {
    this.offset = await page.evaluate(clockOffset, 60);
    const own = clockOffset();
    let best = { took: Number.POSITIVE_INFINITY, offset: 0 };
    for (let turn = 0; turn < 30; turn++) {
      const sent = performance.timeOrigin + performance.now() - own;
      const there = await page.evaluate(() => performance.timeOrigin + performance.now());
      const back = performance.timeOrigin + performance.now() - own;
      if (back - sent < best.took) best = { took: back - sent, offset: there - (sent + back) / 2 };
    }
    return { edges: this.offset, roundTrip: best.offset };
  }

  systemTime(seen: Seen): number {
    return seen.at - this.offset;
  }

  /** Resolves once no message was received and nothing changed for `silenceMs`: the silence is the condition. */
  async quiet(silenceMs = 120): Promise<void> {
    for (;;) {
      const left = this.lastChange + silenceMs - performance.now();
      if (left <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wakeQuiet = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wakeQuiet = null;
    }
  }

  private touch(): void {
    this.lastChange = performance.now();
    this.wakeQuiet?.();
  }
}
