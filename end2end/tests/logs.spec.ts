// Container logs: live, searchable, steady while the user reads, and fast under a flood of lines.
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import type { Docker } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { mainThreadTime } from '../support/main-thread';
import { open } from '../support/page';

const lines = (page: Page) => page.getByRole('log').getByRole('listitem');
const line = (page: Page, text: string) => lines(page).filter({ hasText: text });
const status = (page: Page) => page.locator('.logs').getByRole('status');

const say = (script: string) => ({ command: ['sh', '-c', script] });

test('the log shows stored lines and streams new ones', async ({ page, docker }) => {
  const name = docker.name('talks');
  const id = await docker.start(name, say('echo first; echo "ERROR second" >&2; while read text; do echo "$text"; done < /pipe; sleep 600'));
  await open(page, `/containers/${id}`);
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Logs' }).click();
  await expect(page).toHaveURL(/tab=logs/);
  await expect(line(page, 'first')).toBeVisible();
  await expect(line(page, 'second')).toHaveAttribute('data-level', 'error');
  await expect(line(page, 'second')).toHaveAttribute('data-stream', 'stderr');
  await expectAccessible(page);
  await docker.cli('restart', '--time', '0', name);
  await expect(line(page, `${name} started`)).toBeVisible();
  await expect(line(page, 'first')).toHaveCount(2);
});

test('hostile lines render as text, and color codes as styles', async ({ page, docker }) => {
  const id = await docker.start(
    docker.name('hostile'),
    say(`printf '<img src=x onerror=alert(1)>\\n\\033[31mred\\033[0m plain\\nnul\\000here\\n\\033]0;title\\007after\\n{"level":"warn","n":[1,2]}\\n'; sleep 600`),
  );
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, '<img src=x onerror=alert(1)>')).toBeVisible();
  await expect(page.locator('.log img')).toHaveCount(0);
  await expect(line(page, 'red plain').locator('.c1')).toHaveText('red');
  await expect(line(page, 'nul\u2400here')).toBeVisible();
  await expect(line(page, 'after')).not.toContainText('title');
  await line(page, '"level":"warn"').click();
  const whole = page.getByRole('region', { name: 'Full line' });
  await expect(whole).toContainText('"n": [');
  await expectAccessible(page);
});

test('a search covers the loaded lines, and Enter searches all stored lines', async ({ page, docker }) => {
  const id = await docker.start(
    docker.name('many'),
    say('i=0; while [ $i -lt 20000 ]; do echo "request $i took $((i % 7)) ms"; i=$((i+1)); done; echo over; sleep 600'),
  );
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, 'over')).toBeVisible({ timeout: 20_000 });
  const search = page.getByRole('searchbox', { name: 'Search lines' });
  await search.fill('REQUEST 1999');
  await expect(line(page, 'request 19999')).toBeVisible();
  await expect(lines(page)).toHaveCount(10);
  await expect(line(page, 'request 19999').locator('mark')).toHaveText('request 1999');
  // The page holds only the last lines; the engine has them all.
  await search.fill('request 77 ');
  await expect(lines(page)).toHaveCount(0);
  await search.press('Enter');
  await expect(line(page, 'request 77 took')).toBeVisible();
  await expect(status(page)).toHaveText('1 match in 20001 lines');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Back to live' }).click();
  await search.fill('');
  await expect(line(page, 'over')).toBeVisible();
});

test('a search through a million lines streams its hits', async ({ page, docker }) => {
  test.setTimeout(120_000);
  const id = await docker.start(docker.name('much'), say("seq 1 1000000 | sed 's/$/ said/'; echo over; sleep 600"));
  await expect.poll(() => lastOf(docker, id, '--tail', '1'), { timeout: 60_000 }).toBe('over');
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, 'over')).toBeVisible();
  const search = page.getByRole('searchbox', { name: 'Search lines' });
  await search.fill('99999 said');
  const began = performance.now();
  await search.press('Enter');
  await expect(lines(page).first()).toHaveText(/99999 said/, { timeout: 60_000 });
  const first = performance.now() - began;
  await expect(status(page)).toHaveText('10 matches in 1000001 lines', { timeout: 60_000 });
  const all = performance.now() - began;
  console.log(`1,000,001 lines searched: first hit after ${Math.round(first)} ms, all after ${Math.round(all)} ms`);
  expect(first, 'the first hit does not wait for the last').toBeLessThan(all / 2);
});

test('the scroll position is stable while lines arrive, and a button jumps to the end', async ({ page, docker }) => {
  const id = await docker.start(
    docker.name('goes-on'),
    say('i=0; while [ $i -lt 300 ]; do echo "old $i"; i=$((i+1)); done; while :; do echo "new $i"; i=$((i+1)); sleep 0.05; done'),
  );
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, 'new 310')).toBeVisible();
  const log = page.getByRole('log');
  await log.evaluate((it) => it.scrollTo(0, 1000));
  const end = page.getByRole('button', { name: 'Jump to latest' });
  await expect(end).toBeVisible();
  const first = () => log.evaluate((it) => it.scrollTop);
  const before = await first();
  const counted = async () => Number.parseInt((await status(page).textContent())!);
  const known = await counted();
  await expect.poll(counted).toBeGreaterThan(known + 10);
  expect(await first()).toBe(before);
  await end.click();
  await expect.poll(() => log.evaluate((it) => it.scrollHeight - it.scrollTop - it.clientHeight)).toBeLessThan(20);
});

/** The engine's last line. Podman fails when it reads a line that is still being written. */
const lastOf = async (docker: Docker, id: string, ...options: string[]) =>
  (await docker.lines('logs', ...options, id).catch(() => [])).at(-1);

/** Scrolls to the first held line until there are none before it. */
const toTheBeginning = async (page: Page) => {
  const log = page.getByRole('log');
  await expect(async () => {
    await log.evaluate((it) => it.scrollTo(0, 0));
    await expect(log.locator('.edge')).toHaveText('Start of log.', { timeout: 300 });
  }).toPass({ timeout: 20_000 });
};

test('scrolling back loads every line once, up to the first', async ({ page, docker }) => {
  // Some lines share a microsecond: lines with equal times are where log pages are cut wrongly.
  const id = await docker.start(docker.name('long'), say("seq 1 3210 | sed 's/^/number /'; sleep 600"));
  await expect.poll(() => lastOf(docker, id)).toBe('number 3210');
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, 'number 3210')).toBeVisible();
  await expect(status(page)).toHaveText('500 lines');
  const log = page.getByRole('log');
  await log.evaluate((it) => it.scrollTo(0, 300));
  await expect(status(page)).toHaveText('1000 lines');
  // The lines on the screen stay there.
  await expect(line(page, 'number 2725').first()).toBeInViewport();
  await toTheBeginning(page);
  await expect(status(page)).toHaveText('3210 lines');
  const seen = new Set<number>();
  for (let top = 0; seen.size < 3210; top += 400) {
    await log.evaluate((it, top) => it.scrollTo(0, top), top);
    const here = top / 20 + 10;
    if (here < 3200) await expect(log.locator('li', { hasText: new RegExp(`number ${Math.floor(here)}$`) })).toHaveCount(1);
    // One evaluation: lines move while they are rendered.
    const numbers = await log.evaluate((it) => [...it.querySelectorAll('li')].map((it) => Number(/number (\d+)$/.exec(it.textContent!)![1])));
    expect(numbers, 'the lines are in order without duplicates').toEqual(numbers.map((_, at) => numbers[0]! + at));
    numbers.forEach((number) => seen.add(number));
    expect(top).toBeLessThan(80_000);
  }
  await log.evaluate((it) => it.scrollTo(0, 0));
  await page.getByRole('button', { name: 'Jump to latest' }).click();
  await expect(line(page, 'number 3210')).toBeInViewport();
});

test('merged logs show the latest lines of each container and indicate earlier ones', async ({ page, docker }) => {
  const [a, b] = [docker.name('a'), docker.name('b')];
  // Both streams, whose lines an engine stores slightly out of order.
  const script = 'i=0; while [ $i -lt 1200 ]; do echo "often $i"; [ $((i % 100)) = 0 ] && echo "seldom $i" >&2; i=$((i+1)); done; sleep 600';
  const first = await docker.start(a, say(script));
  await expect.poll(() => lastOf(docker, first)).toBe('often 1199');
  const second = await docker.start(b, say(script.replaceAll('1200', '700')));
  await expect.poll(() => lastOf(docker, second)).toBe('often 699');
  await open(page, `/containers/${first}?tab=logs&with=${second}`);
  await expect(line(page, 'often 699').filter({ hasText: b })).toBeVisible();
  await expect(status(page)).toHaveText('1000 lines');
  await page.getByRole('log').evaluate((it) => it.scrollTo(0, 0));
  await expect(page.locator('.log .edge')).toContainText('Showing the latest lines of each container');
  await page.getByRole('searchbox', { name: 'Search lines' }).fill('often 1199');
  await expect(line(page, 'often 1199').filter({ hasText: a })).toBeVisible();

  // A single log can be paged back completely, with both streams.
  await open(page, `/containers/${first}?tab=logs`);
  await expect(line(page, 'often 1199')).toBeVisible();
  await toTheBeginning(page);
  await expect(status(page)).toHaveText(`${1200 + 12} lines`);
});

test('long lines wrap, and each row is as tall as its text', async ({ page, docker }) => {
  const id = await docker.start(
    docker.name('wide'),
    say(`i=0; while [ $i -lt 200 ]; do printf "line $i "; head -c $((i * 7)) /dev/zero | tr '\\0' x; echo " (end) $i."; i=$((i+1)); done; printf '漢字%.0s' $(seq 1 90); echo; printf 'a\tb%.0s' $(seq 1 90); echo; echo over; sleep 600`),
  );
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, 'over')).toBeVisible();
  await page.getByRole('button', { name: 'Wrap lines' }).click();
  const log = page.getByRole('log');
  await expect.poll(() => log.evaluate((it) => it.scrollWidth - it.clientWidth)).toBe(0);
  await expect(line(page, 'over'), 'the last line stays in the viewport').toBeInViewport();
  const fits = () => lines(page).evaluateAll((all) => all.every((it) => it.scrollHeight <= it.clientHeight));
  const fitsTightly = () =>
    lines(page).evaluateAll((all) =>
      all
        .filter((it) => /\(end\)/.test(it.textContent!))
        .every((it) => {
          const range = document.createRange();
          range.selectNodeContents(it);
          return Math.abs(range.getBoundingClientRect().height - it.clientHeight) < 20;
        }),
    );
  for (const top of [0, 2_000, 5_000, 1e6]) {
    await log.evaluate((it, top) => it.scrollTo(0, top), top);
    await expect.poll(fits, 'no line is clipped').toBe(true);
    await expect.poll(fitsTightly, 'no row is taller than its text').toBe(true);
  }
  await page.setViewportSize({ width: 390, height: 800 });
  await expect.poll(fits).toBe(true);
  await expect.poll(fitsTightly).toBe(true);
  await page.setViewportSize({ width: 1280, height: 800 });
  await log.evaluate((it) => it.scrollTo(0, 3_000));
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Wrap lines' }).click();
  await expect.poll(() => log.evaluate((it) => it.scrollWidth > it.clientWidth)).toBe(true);
});

test('arrow keys select lines, and a search hit opens in context', async ({ page, docker }) => {
  const id = await docker.start(docker.name('keys'), say("seq 1 9000 | sed 's/^/entry /; s/$/ done/'; sleep 600"));
  await expect.poll(() => lastOf(docker, id)).toBe('entry 9000 done');
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, 'entry 9000')).toBeVisible();
  const log = page.getByRole('log');
  const whole = page.getByRole('region', { name: 'Full line' });
  await log.focus();
  await page.keyboard.press('Enter');
  await expect(whole).toContainText('entry 9000 done');
  for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowUp');
  await expect(whole).toContainText('entry 8940 done');
  await expect(line(page, 'entry 8940')).toBeInViewport();
  await page.keyboard.press('Escape');
  await expect(whole).toHaveCount(0);

  // From a search in the held lines.
  const search = page.getByRole('searchbox', { name: 'Search lines' });
  await search.fill('entry 8700 done');
  await expect(lines(page)).toHaveCount(1);
  await line(page, 'entry 8700').click();
  await whole.getByRole('button', { name: 'Show in context' }).click();
  await expect(search).toHaveValue('');
  await expect(line(page, 'entry 8700')).toBeInViewport();
  await expect(line(page, 'entry 8705')).toBeInViewport();
  await expect(line(page, 'entry 8700')).toHaveAttribute('aria-current', 'true');

  // From a search in all stored lines.
  await search.fill('entry 4321 done');
  await search.press('Enter');
  await line(page, 'entry 4321').click();
  await whole.getByRole('button', { name: 'Show in context' }).click();
  await expect(line(page, 'entry 4321')).toHaveAttribute('aria-current', 'true');
  await expect(line(page, 'entry 4315')).toBeInViewport();
  await expect(line(page, 'entry 4327')).toBeInViewport();
  await expect(status(page)).toContainText('500 lines around');
  await page.getByRole('button', { name: 'Back to live' }).click();
  await expect(line(page, 'entry 9000')).toBeInViewport();
});

test('two logs merge, and each line shows the name of its container', async ({ page, docker }) => {
  const [a, b] = [docker.name('a'), docker.name('b')];
  const ids = [await docker.start(a, say('echo from a; sleep 600')), await docker.start(b, say('echo from b; sleep 600'))];
  await open(page, `/containers?q=${docker.prefix}`);
  for (const name of [a, b]) await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check();
  await page.getByRole('toolbar', { name: 'Selection' }).getByRole('link', { name: 'Logs' }).click();
  await expect(page).toHaveURL(/with=/);
  expect(ids.every((id) => page.url().includes(id))).toBe(true);
  await expect(line(page, 'from a').locator('b')).toHaveText(a);
  await expect(line(page, 'from b').locator('b')).toHaveText(b);
});

test('a log downloads as a file with its original lines', async ({ page, docker }) => {
  const name = docker.name('kept');
  const id = await docker.start(name, say('echo one; echo two >&2; sleep 600'));
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, 'two')).toBeVisible();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
  expect(download.suggestedFilename()).toBe(`${name}.log`);
  const { readFile } = await import('node:fs/promises');
  expect((await readFile((await download.path())!, 'utf8')).split('\n').sort()).toEqual(['', 'one', 'two']);
});

test('ten thousand lines per second keep the tab responsive and its memory flat', { tag: '@performance' }, async ({ page, docker }) => {
  test.setTimeout(90_000);
  const id = await docker.start(docker.name('floods'), say('while :; do seq 1000 | sed "s/^/a line of a flood that does not end, number /"; sleep 0.1; done'));
  await open(page, `/containers/${id}?tab=logs`);
  await expect(line(page, 'a flood').first()).toBeVisible();
  const [cpuTime, session] = [await mainThreadTime(page), await page.context().newCDPSession(page)];
  const measure = async () => ({
    at: performance.now(),
    busy: await cpuTime(),
    nodes: (await session.send('Memory.getDOMCounters')).nodes,
  });
  // Until the page holds its maximum number of lines.
  await expect.poll(async () => (await status(page).textContent())!, { timeout: 30_000 }).toContain('more not loaded');
  const before = await measure();
  await expect.poll(async () => (await measure()).at - before.at, { timeout: 15_000 }).toBeGreaterThan(8_000);
  const after = await measure();
  const busy = (after.busy - before.busy) / (after.at - before.at);
  console.log(`main thread busy: ${(busy * 100).toFixed(1)} %, nodes ${before.nodes} to ${after.nodes}`);
  expect(busy, 'CPU time of the main thread as a share of a core').toBeLessThan(0.5);
  expect(after.nodes).toBeLessThan(before.nodes * 1.5 + 2_000);
});
