// What does every test get? A server, a docker of its own that cleans up, and a page that may not complain.
import { test as base } from '@playwright/test';
import { defaultEngine, Docker, ensureTestImage } from './docker';
import { PageLog } from './page-log';
import { Podman } from './podman';
import { forgetPreferences } from './preferences';
import { Server } from './server';

interface WorkerFixtures {
  /** What kind of engine the tests use: the machine's Docker, or a Podman of their own. */
  on: 'docker' | 'podman';
  /** For DOCKER_HOST; it has the test image. */
  engine: string;
  /** A Quaylight server of this worker's own, following that engine. */
  server: Server;
}

interface TestFixtures {
  docker: Docker;
  /** What the page said; `allow` what the test provokes. */
  pageLog: PageLog;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  on: ['docker', { option: true, scope: 'worker' }],

  engine: [
    async ({ on }, use) => {
      if (on === 'docker') {
        await ensureTestImage();
        return use(defaultEngine);
      }
      const podman = await Podman.start();
      await use(podman.host);
      await podman.remove();
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  server: [
    async ({ engine }, use) => {
      const server = await Server.start(engine);
      await use(server);
      await server.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  baseURL: async ({ server }, use) => use(server.url),

  docker: async ({ engine, on, server: _ }, use) => {
    const docker = new Docker(engine, on === 'podman');
    await use(docker);
    await docker.cleanUp();
  },

  pageLog: async ({}, use) => use(new PageLog()),

  page: async ({ page, pageLog, server }, use, testInfo) => {
    pageLog.watch(page, server.url);
    let hasChosen = false;
    page.context().on('request', (request) => (hasChosen ||= request.url() === `${server.url}/actions/preferences`));
    await use(page);
    if (hasChosen) await forgetPreferences(server);
    if (testInfo.status !== testInfo.expectedStatus)
      await testInfo.attach('server.log', { body: server.log(), contentType: 'text/plain' });
    pageLog.check();
  },
});

export { expect } from '@playwright/test';
