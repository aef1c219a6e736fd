// The self-test's diagnosis of misconfigured reverse proxies, and its advice.
import type { Page } from '@playwright/test';
import type { Docker } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { Nginx, type NginxVariant } from '../support/nginx';
import { badge } from '../support/page';

interface Hop {
  variant: NginxVariant;
  title: string;
  /** The hop that the self-test reports. */
  broken: string;
  /** What the verdict must contain: what is wrong, and what to set. */
  says: RegExp[];
  /** Result of each transport in the self-test, where it is certain. */
  transports: Partial<Record<'websocket' | 'sse' | 'polling', 'ok' | 'failed'>>;
  /** Transport that the page itself ends up with behind this proxy. */
  settlesOn: 'websocket' | 'sse' | 'polling';
  /** Whether the idle socket is watched to the end; otherwise the idle test is skipped. */
  idle: boolean;
}

const hops: Hop[] = [
  {
    variant: 'healthy',
    title: 'a correctly configured proxy passes all tests, including the idle test',
    broken: 'none',
    says: [/\w{3,}/],
    transports: { websocket: 'ok', sse: 'ok', polling: 'ok' },
    settlesOn: 'websocket',
    idle: true,
  },
  {
    variant: 'upgrade-stripped',
    title: 'a proxy that strips the Upgrade header is diagnosed, with the config lines to add',
    broken: 'upgrade-stripped',
    says: [/proxy_http_version 1\.1/, /proxy_set_header Upgrade \$http_upgrade/, /proxy_set_header Connection/],
    transports: { websocket: 'failed', sse: 'ok', polling: 'ok' },
    settlesOn: 'sse',
    idle: false,
  },
  {
    variant: 'buffering',
    title: 'a proxy that also buffers streams is diagnosed with both faults',
    broken: 'buffering-proxy',
    says: [/proxy_buffering off/, /Upgrade/],
    transports: { websocket: 'failed', sse: 'failed', polling: 'ok' },
    settlesOn: 'polling',
    idle: false,
  },
  {
    variant: 'origin-rewritten',
    title: 'a proxy that rewrites the Origin header is diagnosed, with the headers that the server received',
    broken: 'origin-refused',
    says: [/http:\/\/elsewhere\.example/, /127\.0\.0\.1:\d+/, /Origin/, /Host/],
    transports: { websocket: 'failed' },
    settlesOn: 'sse',
    idle: false,
  },
  {
    variant: 'idle-cut',
    title: 'a proxy that closes idle sockets is diagnosed, with its timeout',
    broken: 'idle-timeout',
    says: [/\b[4-7](\.\d+)? s/, /ping/i],
    transports: { websocket: 'ok', sse: 'ok', polling: 'ok' },
    settlesOn: 'websocket',
    idle: true,
  },
];

for (const hop of hops) {
  test(hop.title, async ({ page, context, docker, server, pageLog }) => {
    test.setTimeout(150_000);
    // The broken hop causes these errors; a page error or a hydration mismatch still counts.
    pageLog.allow(/console error: (WebSocket connection to|Failed to load resource)/);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const nginx = await Nginx.start(hop.variant, server.url);
    try {
      const others = await probes(docker);
      await page.goto(`${nginx.url}/realtime-test`);
      await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true');
      await expect(badge(page)).toHaveAttribute('data-transport', hop.settlesOn, { timeout: 15_000 });

      await runSelfTest(page, hop.idle);
      const verdict = page.locator('#self-test [data-selftest="done"]');
      await expect(verdict).toHaveAttribute('data-broken-hop', hop.broken);
      for (const words of hop.says) await expect(verdict).toContainText(words);
      for (const [transport, result] of Object.entries(hop.transports))
        await expect(page.locator(`#self-test [data-transport-test="${transport}"]`)).toHaveAttribute('data-result', result);

      const report = await copiedReport(page);
      expect(report.broken_hop).toBe(hop.broken);
      for (const [transport, result] of Object.entries(hop.transports))
        expect(report.transports[transport].result, `${transport} in the report`).toBe(result);
      if (hop.broken !== 'none') for (const words of hop.says) expect(JSON.stringify(report)).toMatch(words);
      if (hop.broken === 'idle-timeout') {
        expect(report.idle.cut_after_s).toBeGreaterThanOrEqual(4);
        expect(report.idle.cut_after_s).toBeLessThan(8);
      }
      await expectNoProbes(docker, others);
    } finally {
      // Close the page first: left open, it would report that the proxy is gone.
      await page.close();
      await nginx.stop();
    }
  });
}

/** Waits until the self-test is done; skips the idle test unless it is the subject. */
async function runSelfTest(page: Page, idle: boolean): Promise<void> {
  await page.getByRole('button', { name: 'Run self-test', exact: true }).click();
  const done = page.locator('#self-test [data-selftest="done"]');
  const skip = page.getByRole('button', { name: 'Skip idle test', exact: true });
  if (!idle) {
    // Without a socket there may be no idle test to skip.
    await expect(done.or(skip).first()).toBeVisible({ timeout: 60_000 });
    if (await skip.isVisible()) await skip.click();
  }
  await expect(done).toBeVisible({ timeout: 100_000 });
}

async function copiedReport(page: Page): Promise<any> {
  await page.bringToFront();
  await page.getByRole('button', { name: 'Copy as JSON', exact: true }).click();
  const text = () => page.evaluate(() => navigator.clipboard.readText());
  await expect.poll(text, 'the clipboard contains the report').toContain('broken_hop');
  return JSON.parse(await text());
}

const probes = (docker: Docker) => docker.lines('ps', '--all', '--quiet', '--filter', 'label=quaylight.probe=true');

/** The probe is removed; probes of others, there before this test, may stay and hold the image. */
async function expectNoProbes(docker: Docker, others: string[]): Promise<void> {
  await expect.poll(() => probes(docker), 'the probe container is removed').toEqual(others);
  if (others.length === 0) await expect.poll(() => docker.lines('images', '--quiet', 'quaylight-probe')).toEqual([]);
}
