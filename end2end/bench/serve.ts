// How does a measurement get a server, and pages of it, that end with the measurement?
import type { Browser, Page } from '@playwright/test';
import { endWithUs } from '../support/ended';
import { askJson } from '../support/http';
import { waitLive } from '../support/page';
import { Server } from '../support/server';
import { newPage } from './new-page';

/** A server that watches `engine`, for as long as `use` takes. It has read the whole engine before it is used. */
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

/** A live page, for as long as `use` takes. `before` prepares it before it is loaded. */
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

/** The page has all containers: of a long list it shows the first before. */
export const wholeList = (page: Page, containers: number): Promise<void> =>
  page.locator(`table[aria-rowcount="${containers + 1}"]`).waitFor({ timeout: 20_000 });

/** How many revisions its state has seen. */
export async function revisionOf(server: Server): Promise<number> {
  return (await askJson(`${server.url}/healthz`)).revision;
}

/** Until nothing was new for a second: of ten thousand containers thousands are inspected after the first list. */
async function settled(server: Server): Promise<void> {
  const deadline = performance.now() + 15_000;
  let [revision, since] = [-1, 0];
  for (;;) {
    const now = await revisionOf(server);
    if (now !== revision) [revision, since] = [now, performance.now()];
    // Where things change all the time there is no waiting for rest.
    if (performance.now() - since > 1_000 || performance.now() > deadline) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
