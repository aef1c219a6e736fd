// Servers and pages that are closed when their measurement ends.
import type { Browser, Page } from '@playwright/test';
import { endWithUs } from '../support/ended';
import { askJson } from '../support/http';
import { waitLive } from '../support/page';
import { Server } from '../support/server';
import { newPage } from './new-page';

/** Runs a server on `engine` while `use` runs. It has read the whole engine before `use` starts. */
export async function serve<T>(engine: string, use: (server: Server) => Promise<T>): Promise<T> {
  const server = await Server.start(engine);
  const over = endWithUs(server.pid);
  try {
    await settled(server);
    return await use(server);
  } finally {
    await server.stop();
    over();
  }
}

/** Opens a live page while `use` runs. `before` prepares the page before it is loaded. */
export async function look<T>(
  browser: Browser,
  url: string,
  use: (page: Page) => Promise<T>,
  before: (page: Page) => Promise<unknown> = async () => {},
): Promise<T> {
  const page = await newPage(browser);
  try {
    await before(page);
    await page.goto(url);
    await waitLive(page);
    return await use(page);
  } finally {
    await page.context().close();
  }
}

/** Resolves when the page has all containers: it shows the first rows of a long list earlier. */
export const wholeList = (page: Page, containers: number): Promise<void> =>
  page.locator(`table[aria-rowcount="${containers + 1}"]`).waitFor({ timeout: 20_000 });

/** Revision of the server's state. */
export async function revisionOf(server: Server): Promise<number> {
  return (await askJson(`${server.url}/healthz`)).revision;
}

/** Resolves when nothing changed for a second: with ten thousand containers, thousands are inspected after the first list. */
async function settled(server: Server): Promise<void> {
  const deadline = performance.now() + 15_000;
  let [revision, since] = [-1, 0];
  for (;;) {
    const now = await revisionOf(server);
    if (now !== revision) [revision, since] = [now, performance.now()];
    // Under continuous changes there is never a quiet second, hence the deadline.
    if (performance.now() - since > 1_000 || performance.now() > deadline) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
