// Filter latency and scroll smoothness with ten thousand rows.
import type { Page } from '@playwright/test';
import { Simulator } from '../support/simulator';
import { targets } from './figures';
import { inWords, mainThread, watchFrames } from './frames';
import { at } from './engine-under-test';
import { observeStrokes, stroke } from './keystrokes';
import { look, serve, wholeList } from './serve';
import type { Setting } from './setting';

/** Resolution of the browser's frame clock: it measures the intervals of evenly shown frames as 16.6 to 16.8 ms. */
const frameClockMs = 0.1;

/** Typed letter by letter and deleted again, so that the list shrinks to a few rows and grows back to all of them. */
const words = ['web', 'redis', 'grafana-1', 'home-12'];

export async function measureRows({ browser, report, amounts, say }: Setting): Promise<void> {
  const simulator = await Simulator.start({ containers: 10_000 });
  try {
    await serve(simulator.host, (server) =>
      look(browser, `${server.url}/containers`, async (page) => {
        await wholeList(page, simulator.containers);
        say(`filter ${at(simulator)}`);
        const { painted, still } = await filter(page, amounts.samples);
        const judged = { unit: 'ms', atLeast: amounts.samples } as const;
        const beside = still > 0 ? `${still} keys changed nothing` : undefined;
        report.addSamples(`filter: key → painted, ${at(simulator)}`, painted, { ...judged, p95: targets.filterMs, beside });

        say(`scroll ${at(simulator)}`);
        const scrolled = await mainThread(page, () => watchFrames(page, { forMs: 3_000, scrollBy: 100 }));
        report.addSamples(`scroll 100 px a frame: frame, ${at(simulator)}`, scrolled.deltas, {
          ...judged,
          p95: targets.scrollFrameMs + frameClockMs,
          beside: `${scrolled.longTasks.length} long tasks; main thread a frame: ${inWords(scrolled.work)}`,
        });
        const { frames, blank } = await scrollLooking(page);
        report.add('… frames with nothing in the middle of the list', `${blank} of ${frames}`, 'none', blank === 0);
      }),
    );
  } finally {
    await simulator.stop();
  }
}

async function filter(page: Page, atLeast: number): Promise<{ painted: number[]; still: number }> {
  await observeStrokes(page);
  await page.locator('input[type=search]').focus();
  const painted: number[] = [];
  let still = 0;
  for (let turn = 0; painted.length < atLeast && turn < 20; turn++) {
    const word = words[turn % words.length]!;
    for (const key of [...word, ...Array.from(word, () => 'Backspace')]) {
      const { paintedAfter } = await stroke(page, key);
      if (paintedAfter === null) still += 1;
      else painted.push(paintedAfter);
    }
  }
  return { painted, still };
}

/**
 * Scrolls again and checks each frame, since a list that shows nothing is fast, too.
 * A separate pass, because the check costs time.
 */
function scrollLooking(page: Page): Promise<{ frames: number; blank: number }> {
  return page.evaluate(async () => {
    const main = document.querySelector('main')!;
    const { left, top, width, height } = main.getBoundingClientRect();
    let blank = 0;
    const frames = 120;
    for (let frame = 0; frame < frames; frame++) {
      main.scrollTop += 100;
      await new Promise(requestAnimationFrame);
      const there = document.elementFromPoint(left + width / 3, top + height / 2);
      if (there?.closest('[data-entity]') == null) blank += 1;
    }
    return { frames, blank };
  });
}
