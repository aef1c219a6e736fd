// CPU time of the page's main thread: unlike the duration of its tasks, it doesn't grow on a busy machine.
import type { Page } from '@playwright/test';

/** Returns a function that reads the CPU time so far, in milliseconds. */
export async function mainThreadTime(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value * 1_000;
  };
}
