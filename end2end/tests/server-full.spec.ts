// Full server: a page waits for a free place instead of retrying in a tight loop.
import type { Socket } from 'node:net';
import { ConnectionHistory } from '../support/connection-history';
import { expect, test } from '../support/fixtures';
import { badge, expectConnection } from '../support/page';
import { upgrade } from '../support/raw-socket';
import { Server } from '../support/server';

/** Maximum number of sockets and streams of the server. */
const places = 2_000;

test('a page shows that the server is full, retries slowly, and goes live when a slot is free', async ({ page, engine }) => {
  test.setTimeout(90_000);
  const server = await Server.start(engine);
  const crowd: Socket[] = [];
  try {
    for (let taken = 0; taken < places; taken += 100) {
      crowd.push(...(await Promise.all(Array.from({ length: 100 }, () => upgrade(server.url)))));
    }
    // Messages are read and discarded.
    for (const socket of crowd) socket.resume();
    const tries: number[] = [];
    page.on('websocket', () => tries.push(Date.now()));
    await page.goto(`${server.url}/containers`);
    await expectConnection(page, 'reconnecting', 'none', 10_000);
    const history = await ConnectionHistory.watch(page);
    await expect(badge(page)).toContainText('Server full');
    await expect(page.locator('.banner')).toContainText('has reached its client limit');
    await expect.poll(() => tries.length, { timeout: 20_000 }).toBeGreaterThan(1);
    const pauses = tries.slice(1).map((at, before) => at - tries[before]!);
    expect(Math.min(...pauses), `milliseconds between retries: ${pauses}`).toBeGreaterThan(4_900);
    const moments = await history.moments();
    expect(moments.filter(({ connection }) => connection !== 'reconnecting'), 'states other than reconnecting').toEqual([]);

    for (const socket of crowd.slice(0, 10)) socket.destroy();
    await expectConnection(page, 'live', 'websocket', 20_000);
    await expect(page.locator('.banner')).toHaveCount(0);
  } finally {
    for (const socket of crowd) socket.destroy();
    // The page may still be lazy-loading chunks.
    await page.close();
    await server.stop();
  }
});
