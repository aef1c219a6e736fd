// Lazy-loaded chunks: a page loads only its own code, and each page still opens after the server was replaced.
import type { Page, Request } from '@playwright/test';
import { defaultEngine } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { ask } from '../support/http';
import { mark, open, rowOf, waitLive } from '../support/page';
import { Server } from '../support/server';

const isChunk = ({ pathname }: URL) => /\/pkg\/(chunk|split)_\w+\.wasm$/.test(pathname);
const link = (page: Page, to: string) => page.getByRole('link', { name: new RegExp(`^${to}`) }).first();

/**
 * Names of the loaded wasm files, in order; `first` contains those requested before hydration. The browser
 * records a file shortly after the page has it.
 */
async function wasmFiles(page: Page): Promise<{ first(): Promise<string[]>; all(): Promise<string[]> }> {
  await page.addInitScript(() => {
    const noted = window as any;
    noted.quaylightTestWasm = (until: number) =>
      performance
        .getEntriesByType('resource')
        .filter(({ startTime }) => startTime < until)
        .map(({ name }) => new URL(name).pathname.split('/').pop()!)
        .filter((name) => name.endsWith('.wasm'));
    new MutationObserver((_, observer) => {
      if (document.documentElement?.dataset.hydrated === undefined) return;
      noted.quaylightTestHydrated = performance.now();
      observer.disconnect();
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  return {
    first: () => page.evaluate(() => (window as any).quaylightTestWasm((window as any).quaylightTestHydrated)),
    all: () => page.evaluate(() => (window as any).quaylightTestWasm(Infinity)),
  };
}

test('a first visit to /containers loads only its own code and then prefetches the chunks of other pages', async ({
  page,
}) => {
  const files = await wasmFiles(page);
  await open(page, '/containers');
  for (const name of ['lists', 'pages', 'usage'].map((name) => `split_${name}.wasm`))
    await expect.poll(files.all, { message: `${name} loads later` }).toContain(name);
  expect(await files.first(), 'files loaded before hydration').toEqual(['quaylight.wasm']);
  const all = await files.all();
  expect(new Set(all).size, `each file loads once: ${all}`).toBe(all.length);
});

test('with Save-Data, a chunk loads only when its page is opened', async ({ page, docker }) => {
  const name = docker.name('volume');
  await docker.volume(name);
  // Not read from the page: its clock replaces `performance`.
  const chunks: string[] = [];
  page.on('request', (request) => {
    const name = new URL(request.url()).pathname.split('/').pop()!;
    if (name.startsWith('split_')) chunks.push(name);
  });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Emulation.setDataSaverOverride', { dataSaverEnabled: true });
  await page.clock.install();
  await open(page, '/containers');
  await page.clock.fastForward(60_000);
  await link(page, 'Volumes').click();
  await expect(rowOf(page, 'volume', name)).toBeVisible();
  expect(chunks).toEqual(['split_lists.wasm']);
});

for (const [path, own] of [
  ['/', 'split_usage.wasm'],
  ['/containers/…', 'split_usage.wasm'],
  ['/volumes', 'split_lists.wasm'],
  ['/realtime-test', 'split_pages.wasm'],
] as const) {
  test(`a first visit to ${path} loads its own chunk, which the HTML preloads`, async ({ page, docker }) => {
    const id = await docker.create(docker.name('web'));
    const files = await wasmFiles(page);
    await open(page, path.replace('…', id));
    const other = own === 'split_lists.wasm' ? 'split_usage.wasm' : 'split_lists.wasm';
    await expect.poll(files.all, { message: 'prefetching starts' }).toContain(other);
    const first = await files.first();
    expect(first.filter((name) => name.startsWith('split_'))).toEqual([own]);
    const asked = await page
      .locator('link[rel="preload"][as="fetch"]')
      .evaluateAll((links) => links.map((link) => new URL((link as HTMLLinkElement).href).pathname.split('/').pop()!));
    expect(asked.toSorted(), 'files that the HTML preloads').toEqual(first.toSorted());
  });
}

for (const file of ['split_usage.wasm', 'quaylight.wasm', 'quaylight.js']) {
  test(`a page hydrates although ${file} fails to load twice`, async ({ page, pageLog }) => {
    pageLog.allow(/split_usage|quaylight\.|Failed to fetch/);
    let asked = 0;
    await page.route(`**/${file}*`, (route) => (++asked <= 2 ? route.abort('failed') : route.continue()));
    await open(page, '/');
    expect(asked).toBeGreaterThan(2);
  });
}

test('a link opens a page before its chunk is prefetched', async ({ page, docker }) => {
  const name = docker.name('volume');
  await docker.volume(name);
  await open(page, '/containers');
  const document = await mark(page);
  await link(page, 'Volumes').click();
  await expect(rowOf(page, 'volume', name)).toBeVisible();
  await document.stayed();
});

test('a link responds at once, and its page opens although the first request for its chunk hangs', async ({ page, docker, pageLog }) => {
  test.setTimeout(60_000);
  // The fetch that was canceled after its timeout.
  pageLog.allow(/ERR_ABORTED|split_lists/);
  const name = docker.name('volume');
  await docker.volume(name);
  let stalled = 0;
  await page.route('**/split_lists.wasm*', (route) => {
    if (++stalled > 1) return route.continue();
    // Never answered.
    return undefined;
  });
  await open(page, '/containers');
  const document = await mark(page);
  await link(page, 'Volumes').click();
  await expect(page).toHaveURL(/\/volumes$/, { timeout: 1_000 });
  await expect(page).toHaveTitle(/Volumes/, { timeout: 1_000 });
  await expect(page.locator('main')).toContainText('Loading…', { timeout: 1_000 });
  // Another click during loading navigates elsewhere.
  await link(page, 'Containers').click();
  await expect(page).toHaveURL(/\/containers$/, { timeout: 1_000 });
  await link(page, 'Volumes').click();
  await expect(page.locator('main')).toContainText('Loading…', { timeout: 1_000 });
  await expect(rowOf(page, 'volume', name), 'the chunk request is retried').toBeVisible({ timeout: 20_000 });
  expect(stalled).toBe(2);
  await document.stayed();
});

test('a lazy page waits for the lazy stylesheet, which is retried after a failed request', async ({ page, docker, pageLog }) => {
  pageLog.allow(/lazy\.css/);
  const name = docker.name('volume');
  await docker.volume(name);
  let asked = 0;
  let letThrough = () => {};
  const held = new Promise<void>((go) => (letThrough = go));
  await page.route('**/lazy.css*', async (route) => {
    if (++asked === 1) return route.abort('connectionreset');
    await held;
    return route.continue();
  });
  await open(page, '/containers');
  await link(page, 'Volumes').click();
  await expect.poll(() => asked, { message: 'the stylesheet request is retried' }).toBe(2);
  await expect(page.locator('[data-entity="volume"]')).toHaveCount(0);
  letThrough();
  await expect(rowOf(page, 'volume', name)).toBeVisible();
  expect(await page.evaluate(() => [...document.styleSheets].filter((it) => it.href?.includes('lazy.css')).length)).toBe(1);
});

test('the server rejects requests for files of another release', async ({ server }) => {
  const page = (await ask(`${server.url}/images`)).text;
  const [wanted, version] = /\/pkg\/split_lists\.wasm\?v=(\w+)/.exec(page)!;
  const answer = await ask(server.url + wanted);
  expect(answer.status).toBe(200);
  expect(answer.headers['cache-control']).toContain('immutable');
  for (const file of ['split_lists.wasm', 'quaylight.wasm', 'quaylight.js']) {
    const other = await ask(`${server.url}/pkg/${file}?v=${'0'.repeat(version!.length)}`);
    expect(other.status, file).toBe(404);
    expect(other.headers['cache-control'], file).toBe('no-store');
  }
});

for (const way of ['a click', 'the back button'] as const) {
  test(`after a server upgrade, ${way} loads a page of the new release`, async ({ page, docker, pageLog }) => {
    const name = docker.name('volume');
    await docker.volume(name);
    // The requests of the page, and the refusals.
    pageLog.allow(/pkg\/(chunk|split)_/, /Failed to load resource/, /WebAssembly/, /ERR_CONNECTION|WebSocket/);
    let server = await Server.start(defaultEngine);
    // Number of the document from an earlier release than the server: its requests carry another version.
    const old = way === 'a click' ? 1 : 2;
    let documents = 0;
    const refused: string[] = [];
    page.on('request', (request) => {
      if (request.isNavigationRequest()) documents++;
    });
    await page.route(isChunk, (route) => {
      const url = route.request().url();
      if (documents !== old) return route.continue();
      refused.push(url);
      return route.continue({ url: url.replace(/v=\w+/, 'v=0123456789abcdef') });
    });
    try {
      await page.goto(`${server.url}/containers`);
      if (way === 'the back button') {
        await waitLive(page);
        await link(page, 'Volumes').click();
        await expect(page).toHaveURL(/\/volumes$/);
        await link(page, 'Containers').click();
        await expect(page).toHaveURL(/\/containers$/);
        await page.reload();
      }
      await waitLive(page);
      const address = new URL(server.url).host;
      await server.stop();
      server = await Server.start(defaultEngine, { QUAYLIGHT_LISTEN: address });
      await expect.poll(() => refused.length, { message: 'the server rejects the prefetch requests' }).toBeGreaterThan(0);
      if (way === 'a click') await link(page, 'Volumes').click();
      else await page.goBack();
      await expect(page).toHaveURL(/\/volumes$/);
      await expect(rowOf(page, 'volume', name)).toBeVisible();
      await waitLive(page);
      expect(documents, 'the page reloads once').toBe(old + 1);
      // The click may join a prefetch of the chunk that was already rejected.
      expect(refused.some((url) => url.includes('split_lists')), 'the server rejects the chunk').toBe(true);
      // From now on the page is of the server's release.
      const document = await mark(page);
      await link(page, 'Networks').click();
      await expect(page).toHaveURL(/\/networks$/);
      await document.stayed();
    } finally {
      await server.stop();
    }
  });
}

for (const file of ['quaylight.js', 'split_lists.wasm']) {
  test(`a page reloads once when ${file} of its release is missing`, async ({ page, docker, pageLog }) => {
    pageLog.allow(/status 404/, /Failed to load resource/, /WebAssembly|split module/, /dynamically imported/);
    const name = docker.name('volume');
    await docker.volume(name);
    let documents = 0;
    page.on('request', (request) => {
      if (request.isNavigationRequest()) documents++;
    });
    let upTo = 1;
    // The page requests the script again to check whether its release is gone. A page with a cached script may only find
    // a chunk missing.
    const isGone = (request: Request) => {
      const name = new URL(request.url()).pathname.split('/').pop();
      return name === file || (name === 'quaylight.js' && request.resourceType() === 'fetch');
    };
    await page.route(/\/pkg\//, (route) =>
      documents <= upTo && isGone(route.request()) ? route.fulfill({ status: 404 }) : route.continue(),
    );
    await page.goto('/volumes');
    await waitLive(page);
    expect(documents, 'the page reloads once').toBe(2);

    documents = 0;
    upTo = Infinity;
    await page.goto('/volumes');
    await expect.poll(() => documents, { message: 'the page reloads' }).toBe(2);
    await page.waitForLoadState('networkidle');
    expect(documents, 'the page does not reload again').toBe(2);
    await expect(rowOf(page, 'volume', name), 'the server-rendered content stays readable').toBeVisible();
  });
}

test('a page with prefetched chunks still navigates when the server is down', async ({ page, docker, pageLog }) => {
  const name = docker.name('volume');
  await docker.volume(name);
  pageLog.allow(/ERR_CONNECTION|WebSocket|Failed to load resource/);
  const server = await Server.start(defaultEngine);
  const files = await wasmFiles(page);
  await page.goto(`${server.url}/containers`);
  await waitLive(page);
  await expect.poll(files.all, { message: 'the last chunk is prefetched' }).toContain('split_pages.wasm');
  await server.stop();
  const document = await mark(page);
  await link(page, 'Volumes').click();
  await expect(rowOf(page, 'volume', name)).toBeVisible();
  await document.stayed();
});
