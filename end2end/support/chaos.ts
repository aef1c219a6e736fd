// Fixtures for network faults: the page reaches the server only through a fault-injecting proxy.
import { ChaosProxy } from './chaos-proxy';
import { test as base } from './fixtures';

interface ChaosFixtures {
  /** Between the page and the server: `baseURL` leads here. */
  network: ChaosProxy;
}

/** Chromium's own console messages when a connection is refused, cut or answered by a proxy. */
const ofTheNetwork = [
  /console (error|warning): WebSocket connection to '[^']+\/ws\?/,
  /console error: Failed to load resource: .*\/api\/(stream|state|stats|ping)\b/,
  // Lazy chunks and the lazy stylesheet, which the page requests again.
  /console error: (Failed to load resource|TypeError)[^]*(\/pkg\/|\/lazy\.css)/,
];

export const test = base.extend<ChaosFixtures>({
  network: async ({ server }, use) => {
    const proxy = await ChaosProxy.start(server.url);
    await use(proxy);
    await proxy.stop();
  },

  baseURL: async ({ network }, use) => use(network.url),

  pageLog: async ({ pageLog }, use) => {
    pageLog.allow(...ofTheNetwork);
    await use(pageLog);
  },
});

export { expect } from '@playwright/test';
