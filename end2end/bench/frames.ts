// Frame times of a page, and the main-thread work behind them.
import type { Page } from '@playwright/test';

export interface Frames {
  /** Milliseconds from each frame to the next. */
  deltas: number[];
  /** Tasks of more than 50 ms on the page's main thread. */
  longTasks: number[];
}

/** Records frames for `forMs` milliseconds, scrolling the list by `scrollBy` pixels in each. */
export function watchFrames(page: Page, { forMs, scrollBy = 0 }: { forMs: number; scrollBy?: number }): Promise<Frames> {
  return page.evaluate(
    async ({ forMs, scrollBy }) => {
      const longTasks: number[] = [];
      const observer = new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((task) => task.duration)));
      observer.observe({ type: 'longtask' });
      const scrolled = document.querySelector('main')!;
      const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
      const deltas: number[] = [];
      let before = await frame();
      const until = before + forMs;
      while (before < until) {
        if (scrollBy !== 0) scrolled.scrollTop += scrollBy;
        const now = await frame();
        deltas.push(now - before);
        before = now;
      }
      for (const task of observer.takeRecords()) longTasks.push(task.duration);
      observer.disconnect();
      return { deltas, longTasks };
    },
    { forMs, scrollBy },
  );
}

/** Main-thread work during the recording, in milliseconds per frame. */
export async function mainThread<T extends { deltas: number[] }>(page: Page, frames: () => Promise<T>): Promise<T & { work: Record<string, number> }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const read = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
  const before = await read();
  const result = await frames();
  const after = await read();
  await cdp.detach();
  const perFrame = (name: string) => (((after[name] ?? 0) - (before[name] ?? 0)) * 1000) / result.deltas.length;
  const kinds = { task: 'TaskDuration', script: 'ScriptDuration', style: 'RecalcStyleDuration', layout: 'LayoutDuration' };
  const work = Object.fromEntries(Object.entries(kinds).map(([word, name]) => [word, perFrame(name)]));
  return { ...result, work };
}

export const inWords = (work: Record<string, number>): string =>
  Object.entries(work).map(([word, ms]) => `${word} ${ms.toFixed(1)}`).join(', ');
