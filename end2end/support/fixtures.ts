// Test fixtures: a server, a docker CLI with cleanup, and a page whose errors fail the test.
import { test as base } from '@playwright/test';
import { defaultEngine, Docker, ensureTestImage } from './docker';
import { PageLog } from './page-log';
import { Podman } from './podman';
import { forgetPreferences } from './preferences';
import { Server } from './server';

interface WorkerFixtures {
  /** Kind of engine under test: the machine's Docker, or a private Podman. */
  on: 'docker' | 'podman';
  /** For DOCKER_HOST; it has the test image. */
  engine: string;
  /** This worker's own Quaylight server, connected to that engine. */
  server: Server;
}

interface TestFixtures {
  docker: Docker;
  /** Log of the page's errors; `allow` accepts the ones that the test provokes. */
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
