// Latency from a key press to the paint of the filtered list, stamped by an observer inside the page.
import type { Page } from '@playwright/test';

export interface Stroke {
  key: string;
  /**
   * Milliseconds from the browser's own time stamp of the key to the first frame that shows the final result: the visible
   * rows and their count. Null when the result equals what was shown before.
   */
  paintedAfter: number | null;
}

/** Runs in the page: records when each change of the list is painted, and what is visible then. */
export async function observeStrokes(page: Page): Promise<void> {
  await page.evaluate(() => {
    const bench = window as any;
    bench.quaylightBenchPaints = [];
    bench.quaylightBenchChanged = performance.now();
    addEventListener('keydown', ({ timeStamp }) => (bench.quaylightBenchKey = timeStamp), true);
    const main = document.querySelector('main')!;
    const inSight = () => {
      const { top, bottom } = main.getBoundingClientRect();
      const rows = [...main.querySelectorAll('[data-entity]')].filter((row) => {
        const box = row.getBoundingClientRect();
        return box.bottom > top && box.top < bottom;
      });
      const count = main.querySelector('[aria-rowcount]')?.getAttribute('aria-rowcount') ?? 'no list';
      return [count, ...rows.map((row) => row.getAttribute('data-name'))].join(' ');
    };
    const painted = () => {
      const at = performance.now();
      bench.quaylightBenchPaints.push({ at, shows: inSight() });
    };
    bench.quaylightBenchPaints.push({ at: performance.now(), shows: inSight() });
    let waiting = false;
    new MutationObserver((records) => {
      const ofList = ({ type, target }: MutationRecord) =>
        type === 'attributes' || target.nodeName === 'TBODY' || target.nodeName === 'MAIN';
      if (!records.some(ofList)) return;
      bench.quaylightBenchChanged = performance.now();
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        // Style, layout and paint follow the frame callbacks in the same task: a message they post arrives later.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = painted;
        port2.postMessage(null);
      });
    }).observe(main, { subtree: true, childList: true, attributeFilter: ['aria-rowcount', 'style'] });
  });
}

/** Presses the key and waits until the list has stopped changing. */
export async function stroke(page: Page, key: string): Promise<Stroke> {
  await page.keyboard.press(key);
  return page.evaluate(async (key) => {
    const bench = window as any;
    const stillMs = 250;
    const pressed: number = bench.quaylightBenchKey;
    for (;;) {
      const still = performance.now() - Math.max(bench.quaylightBenchChanged, pressed);
      if (still >= stillMs) break;
      await new Promise((resolve) => setTimeout(resolve, stillMs - still));
    }
    const paints: { at: number; shows: string }[] = bench.quaylightBenchPaints;
    const before = paints.findLast(({ at }) => at < pressed)!;
    const stays = paints.at(-1)!;
    const first = paints.findLastIndex(({ shows }) => shows !== stays.shows) + 1;
    bench.quaylightBenchPaints = [stays];
    return { key, paintedAfter: before.shows === stays.shows ? null : paints[first]!.at - pressed };
  }, key);
}
