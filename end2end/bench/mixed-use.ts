// Growth of the server's memory after ten minutes of mixed use: pages, logs, files, terminals, exports, sockets.
import type { Page } from '@playwright/test';
import { ask, askJson } from '../support/http';
import { Socket } from '../support/socket';
import { waitLive } from '../support/page';
import { figures, targets } from './figures';
import { at } from './engine-under-test';
import { newPage } from './new-page';
import { lasting, ownBytes } from './process';
import { serve } from './serve';
import type { SettingOn } from './setting';
import { mb } from './statistics';

/** Idle seconds before the memory is read. */
const rest = 60;

const pages = ['/', '/containers', '/images', '/volumes', '/networks', '/events', '/alerts', '/engine', '/settings'];
const parts = ['logs', 'terminal', 'processes', 'files', 'changes', 'inspect', 'recipe'];

/** Real engine: pages, logs, files, terminals, searches and tasks, one after the other. */
export async function measureMixedUse({ testedEngine, browser, report, amounts, say }: SettingOn): Promise<void> {
  say(`${figures.mixed}, for ${amounts.mixedSeconds} s ${at(testedEngine)}`);
  await serve(`unix://${testedEngine.socket}`, async (server) => {
    const state = await askJson(`${server.url}/api/state`);
    const ids: string[] = state.data.containers.filter((it: any) => it.state === 'running').map((it: any) => it.id);
    // Warm-up: whatever is allocated once and kept does not count as growth.
    await useOnce(server.url, await newPage(browser), ids.slice(0, 2));
    await lasting(rest);
    const before = ownBytes(server.pid);
    const end = performance.now() + amounts.mixedSeconds * 1000;
    let rounds = 0;
    for (; performance.now() < end; rounds++) {
      const few = [0, 1, 2].map((more) => ids[(rounds * 3 + more) % ids.length]!);
      await useOnce(server.url, await newPage(browser), few);
    }
    const peak = ownBytes(server.pid);
    await lasting(rest);
    const grown = ownBytes(server.pid) - before;
    report.add(
      `server memory left by ${amounts.mixedSeconds} s of mixed use, ${at(testedEngine)}`,
      `${mb(grown)} (of its own ${mb(before)} before, ${mb(peak)} at its end; ${rounds} rounds)`,
      `≤ ${mb(targets.mixedUseBytes)}`,
      grown <= targets.mixedUseBytes,
    );
  });
}

async function useOnce(url: string, page: Page, ids: string[]): Promise<void> {
  try {
    for (const path of pages) {
      await page.goto(url + path);
      await waitLive(page);
    }
    for (const id of ids) {
      for (const part of parts) {
        await page.goto(`${url}/containers/${id}?tab=${part}`);
        await waitLive(page);
      }
      await work(url, id);
    }
  } finally {
    await page.context().close();
  }
}

/** Requests and sockets that need no page. */
async function work(url: string, id: string): Promise<void> {
  const logs = `${url}/api/containers/${id}/logs`;
  await Promise.all(Array.from({ length: 10 }, () => ask(`${logs}?tail=1000`)));
  await ask(`${url}/api/containers/${id}/files?path=/bin`);
  await ask(`${url}/api/containers/${id}/export`);
  await ask(`${url}/api/events?q=start&limit=500`);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => Socket.open(`${url.replace('http', 'ws')}/ws`)));
  for (const socket of sockets) socket.send({ type: 'subscribe', channels: ['stats', 'events', 'tasks'], ids: [id] });
  for (const socket of sockets) await socket.close();
}
