// What does every test get? A server, a docker of its own that cleans up, and a page that may not complain.
import { test as base } from '@playwright/test';
import { defaultEngine, Docker, ensureTestImage } from './docker';
import { PageLog } from './page-log';
import { Server } from './server';

interface WorkerFixtures {
  /** A Quaylight server of this worker's own, following the default engine. */
  server: Server;
}

interface TestFixtures {
  docker: Docker;
  /** What the page said; `allow` what the test provokes. */
  pageLog: PageLog;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  server: [
    async ({}, use) => {
      await ensureTestImage();
      const server = await Server.start(defaultEngine);
      await use(server);
      await server.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  baseURL: async ({ server }, use) => use(server.url),

  docker: async ({ server: _ }, use) => {
    const docker = new Docker();
    await use(docker);
    await docker.cleanUp();
  },

  pageLog: async ({}, use) => use(new PageLog()),

  page: async ({ page, pageLog, server }, use, testInfo) => {
    pageLog.watch(page, server.url);
    await use(page);
    if (testInfo.status !== testInfo.expectedStatus)
      await testInfo.attach('server.log', { body: server.log(), contentType: 'text/plain' });
    pageLog.check();
  },
});

export { expect } from '@playwright/test';
