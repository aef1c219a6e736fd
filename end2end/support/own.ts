// Fixtures for an engine that the test may stop, and a server connected to it.
import { Docker } from './docker';
import { test as base } from './fixtures';
import { PrivateEngine } from './private-engine';
import { Server } from './server';

export const test = base.extend<{ own: { engine: PrivateEngine; server: Server; docker: Docker } }>({
  own: async ({ page, pageLog }, use) => {
    const engine = await PrivateEngine.start();
    const server = await Server.start(engine.host);
    pageLog.watch(page, server.url);
    await use({ engine, server, docker: new Docker(engine.host) });
    // Close the page first: left open, it would report that the server is gone.
    await page.close();
    await server.stop();
    await engine.remove();
  },
});

export { expect } from '@playwright/test';
