// Recovery time of the page after a network outage.
import type { Page } from '@playwright/test';
import { ChaosProxy } from '../support/chaos-proxy';
import { EngineApi } from '../support/engine-api';
import { whenRowAppears } from '../support/page';
import { Simulator } from '../support/simulator';
import { targets } from './figures';
import { newPage } from './new-page';
import { lasting } from './process';
import { serve } from './serve';
import type { Setting } from './setting';
import { waitLive } from '../support/page';

export async function measureReconnect({ browser, report, amounts, say }: Setting): Promise<void> {
  const simulator = await Simulator.start({ containers: 100 });
  const api = new EngineApi(simulator.socket);
  const { outages, tabs, samples } = amounts;
  const judged = { unit: 'ms', atLeast: samples, p95: targets.reconnectMs } as const;
  try {
    await serve(simulator.host, async (server) => {
      const proxy = await ChaosProxy.start(server.url);
      const pages = await Promise.all(Array.from({ length: tabs }, () => newPage(browser)));
      try {
        for (const page of pages) {
          await page.goto(`${proxy.url}/containers`);
          await waitLive(page);
        }
        for (const seconds of [0, 3]) {
          say(`${outages} outages of ${seconds} s, ${tabs} tabs`);
          const took: number[] = [];
          for (let outage = 0; outage < outages; outage++) took.push(...(await cut(proxy, pages, seconds, outage)));
          const what = seconds === 0 ? 'connections cut' : `no network for ${seconds} s`;
          report.addSamples(`${what}: right again after it is back`, took, judged);
        }
      } finally {
        await Promise.all(pages.map((page) => page.context().close()));
        await proxy.stop();
      }
    });
  } finally {
    api.close();
    await simulator.stop();
  }

  /** For each tab, the time from the network's return until it shows a container created during the outage. */
  async function cut(proxy: ChaosProxy, pages: Page[], seconds: number, outage: number): Promise<number[]> {
    const name = `a-cut-${seconds}-${outage}`;
    proxy.refuse();
    proxy.cut();
    await api.createContainer(name, simulator.image);
    await lasting(seconds);
    const shown = pages.map((page) => whenRowAppears(page, 'container', name));
    const back = Date.now();
    proxy.pass();
    const took = await Promise.all(shown.map(async (when) => (await when) - back));
    await Promise.all(pages.map(waitLive));
    // A stable period, after which the page resets its backoff.
    await lasting(1);
    return took;
  }
}
