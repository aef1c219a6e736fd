// What does a test of a bad network get? A page that reaches the server only through a proxy the test can spoil.
import { ChaosProxy } from './chaos-proxy';
import { test as base } from './fixtures';

interface ChaosFixtures {
  /** Between the page and the server: `baseURL` leads here. */
  network: ChaosProxy;
}

/** What Chromium itself writes to the console when a connection is refused, cut or answered by a proxy. */
const ofTheNetwork = [
  /console (error|warning): WebSocket connection to '[^']+\/ws\?/,
  /console error: Failed to load resource: .*\/api\/(stream|state|stats|ping)\b/,
  // The code of other pages and its sheet, which are asked for again.
  /console error: (Failed to load resource|TypeError)[^]*(\/pkg\/|\/later\.css)/,
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
