// Does an open page survive the restart of its engine: stale at once, right again at once, and calm in between?
import type { Page } from '@playwright/test';
import { Docker } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { badge, expectState, mark, open, statesOnPage } from '../support/page';
import { PrivateEngine } from '../support/private-engine';
import { Server } from '../support/server';

test('an engine restart under an open page', async ({ page, pageLog }) => {
  test.setTimeout(120_000);
  const engine = await PrivateEngine.start();
  const server = await Server.start(engine.host);
  try {
    pageLog.watch(page, server.url);
    const docker = new Docker(engine.host);
    await docker.create(docker.name('made'));
    await docker.start(docker.name('ends'));
    await docker.start(docker.name('returns'), { options: ['--restart', 'always'] });
    await docker.start(docker.name('failed'), { command: ['sh', '-c', 'exit 3'] });

    await open(page, `${server.url}/containers`);
    for (const [word, state] of Object.entries({ made: 'created', ends: 'running', returns: 'running', failed: 'exited' }))
      await expectState(page, docker.name(word), state);
    const document = await mark(page);
    const rows = await watchRows(page);

    await engine.stop();
    await expect(staleNotice(page), 'marked stale with its age').toBeVisible({ timeout: 2_000 });
    await expect(page.locator('[data-stale="true"]').first(), 'the content is dimmed').toBeAttached({ timeout: 2_000 });
    await expect(badge(page), 'our own socket is well').toHaveAttribute('data-connection', 'live');
    expect(Object.keys(await statesOnPage(page, docker.prefix)), 'what was known stays').toHaveLength(4);

    await engine.startAgain();
    await expect(staleNotice(page), 'no longer stale').toHaveCount(0, { timeout: 2_000 });
    await expect(page.locator('[data-stale="true"]')).toHaveCount(0);
    await expect
      .poll(async () => differences(await statesOnPage(page, docker.prefix), await docker.states()), {
        message: 'the page says what docker ps says',
        timeout: 2_000,
      })
      .toEqual([]);

    // And it is live, not just right.
    await docker.cli('rename', docker.name('made'), docker.name('renamed'));
    await expectState(page, docker.name('renamed'), 'created');
    await document.stayed();
    expect(await rows.removed(), 'rows that left the page in between').toEqual([]);
  } finally {
    // First the page: left open, it would report the server we take from it.
    await page.close();
    await server.stop();
    await engine.remove();
  }
});

test('a server that starts before its engine waits for it, and the open page fills by itself', async ({ page, pageLog }) => {
  test.setTimeout(120_000);
  const engine = await PrivateEngine.start();
  const docker = new Docker(engine.host);
  await docker.create(docker.name('made'));
  await engine.stop();
  const server = await Server.start(engine.host);
  try {
    pageLog.watch(page, server.url);
    await open(page, `${server.url}/containers`);
    await expect(page.locator('[data-entity="container"]')).toHaveCount(0);
    await engine.startAgain();
    await expectState(page, docker.name('made'), 'created');
  } finally {
    // First the page: left open, it would report the server we take from it.
    await page.close();
    await server.stop();
    await engine.remove();
  }
});

const staleNotice = (page: Page) => page.getByRole('main').getByText(/\bas of \d\d:\d\d:\d\d\b.*(\bago\b|just now)/i);

function differences(page: Record<string, string>, cli: Record<string, string>): string[] {
  const names = new Set([...Object.keys(page), ...Object.keys(cli)]);
  return [...names].filter((name) => page[name] !== cli[name]).map((name) => `${name}: ${page[name]}, not ${cli[name]}`);
}

/** Notes every row that leaves the document from now on. */
async function watchRows(page: Page): Promise<{ removed(): Promise<string[]> }> {
  await page.evaluate(() => {
    const removed: string[] = ((window as any).quaylightTestRemoved = []);
    new MutationObserver((records) => {
      for (const record of records)
        for (const node of record.removedNodes) {
          if (!(node instanceof Element)) continue;
          const rows = [node, ...node.querySelectorAll('*')].filter((one) => one.matches('[data-entity]'));
          removed.push(...rows.map((row) => row.getAttribute('data-name') ?? '?'));
        }
    }).observe(document.documentElement, { childList: true, subtree: true });
  });
  return { removed: () => page.evaluate(() => (window as any).quaylightTestRemoved) };
}
