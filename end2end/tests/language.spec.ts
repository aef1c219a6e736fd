// Translated pages: complete, and in the reader's language from the first byte.
import type { Browser, Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { dialog, failures } from '../support/acting';
import { expect, test } from '../support/own';
import { open, rowOf } from '../support/page';

/** Words that stay the same in Korean: names and common loanwords. */
const same = new Set(
  `always API Build CLI CPU CSV Compose Docker Dockerfile English GET HTTP ID IP IPv4 IPv6 JSON KiB Linux MiB GiB NDJSON NUL PID PIDs Podman POST
  Quaylight SMTP SSE TCP UDP URL UTC WebSocket bridge busybox compose container docker exec gzip https http json kB MB GB ms latest linux local localhost
  mDNS min ntfy origin overlay overlay2 POSIX nginx no no-cache none null on-failure OOM unless-stopped host macvlan ipvlan init save capabilities tty web team front regex run sh tar tls udp tcp vfs websocket xterm yaml`
    .split(/\s+/)
    .map((word) => word.toLowerCase()),
);

/** Untranslated texts on the page, without the test's own data: in Latin letters, and not among `same`. */
async function foreignTexts(page: Page, data: readonly string[]): Promise<string[]> {
  const texts = await page.evaluate(() => {
    const found: string[] = [];
    const isHidden = (element: Element | null) => element?.closest('script, style, noscript, code, pre, svg, [lang]:not(html), .facts-of, .processes, .log, .files td, .files th, .variables') !== null;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      if (!isHidden(node.parentElement) && node.textContent!.trim()) found.push(node.textContent!.trim());
    for (const name of ['aria-label', 'title', 'data-tip'])
      for (const element of document.querySelectorAll(`[${name}]`))
        if (!isHidden(element) && element.getAttribute(name)) found.push(element.getAttribute(name)!);
    // Style sheets contain words, too.
    for (const element of document.querySelectorAll('main *'))
      for (const part of ['::before', '::after'])
        found.push(getComputedStyle(element, part).content.replace(/^(normal|none|attr.*|url.*)$/, '').replace(/^"|"$/g, ''));
    found.push(document.title);
    return found;
  });
  const known = data.toSorted((a, b) => b.length - a.length);
  // Paths, settings, short IDs and the name of the volume helper are data as well.
  const other = [/quaylight[-/]files(-\w+|:latest)?/g, /\b[0-9a-f]{12}\b/g, /(scripts)?\/[\w.\-/]+/g, /[\w.-]+=\S+/g];
  const rest = (text: string) =>
    other.reduce((text, datum) => text.replaceAll(datum, ' '), known.reduce((text, datum) => text.replaceAll(datum, ' '), text));
  return [...new Set(texts)].filter((text) => {
    const words = rest(text).match(/[A-Za-z][A-Za-z0-9-]+/g) ?? [];
    return words.some((word) => /[a-z]{2}|[A-Z]{3}/.test(word) && !/\d/.test(word) && !same.has(word.toLowerCase()));
  });
}

const korean = async (browser: Browser, url: string): Promise<Page> =>
  (await browser.newContext({ locale: 'ko-KR', baseURL: url })).newPage();

test('a browser that prefers Korean gets Korean HTML, which hydrates without console messages', async ({ browser, own, pageLog }) => {
  const page = await korean(browser, own.server.url);
  pageLog.watch(page, own.server.url);
  const html = await (await page.request.get('/containers', { headers: { 'accept-language': 'ko-KR,ko;q=0.9' } })).text();
  expect(html).toContain('<html lang="ko"');
  expect(html).toContain('컨테이너');
  await open(page, '/containers');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('컨테이너');
  await expect(page).toHaveTitle(/컨테이너/);
  expect(pageLog.messages).toEqual([]);
  const other = await (await page.request.get('/containers', { headers: { 'accept-language': 'fr' } })).text();
  expect(other).toContain('<html lang="en"');
  expect(other).not.toContain('컨테이너');
  await page.context().close();
});

test('the language setting applies in every browser and overrides the preference of the browser', async ({ page, browser, own }) => {
  await open(page, `${own.server.url}/settings`);
  const language = page.getByRole('group', { name: 'Language', exact: true });
  await Promise.all([page.waitForEvent('load'), language.getByRole('button', { name: '한국어' }).click()]);
  await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('설정');
  const other = await (await browser.newContext({ locale: 'en-US' })).newPage();
  await open(other, `${own.server.url}/settings`);
  await expect(other.locator('html')).toHaveAttribute('lang', 'ko');
  await Promise.all([other.waitForEvent('load'), other.getByRole('button', { name: 'English' }).click()]);
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('Settings');
  await other.context().close();
});

test('no page and no dialog contains English words in Korean', async ({ browser, own }) => {
  test.setTimeout(120_000);
  const { docker, server } = own;
  const name = (what: string) => docker.name(what);
  await docker.network(name('net'));
  await docker.volume(name('vol'));
  const web = await docker.start(name('web'), {
    options: ['--network', name('net'), '--volume', `${name('vol')}:/data`, '--label', `com.docker.compose.project=${name('stack')}`, '--env', 'TOKEN=1'],
    command: ['sh', '-c', 'echo one; sleep 600'],
  });
  await docker.start(name('failed'), { options: ['--network', 'none'], command: ['sh', '-c', 'exit 3'] });
  await docker.start(name('guarded'), { options: ['--network', 'none', '--label', 'quaylight.protect=true'] });
  await docker.create(name('made'));
  const image = (await docker.lines('image', 'inspect', '--format', '{{.Id}}', 'quaylight-test/busybox:1'))[0]!;
  const page = await korean(browser, server.url);
  await open(page, '/containers');
  await expect(rowOf(page, 'container', name('failed'))).toHaveAttribute('data-state', 'exited');
  const engine: any = JSON.parse((await docker.lines('system', 'info', '--format', '{{json .}}')).join(''));
  const data = [
    ...['net', 'vol', 'web', 'failed', 'guarded', 'made', 'stack'].map(name),
    'quaylight-test/busybox:1', 'quaylight-test/busybox', 'com.docker.compose.project', 'quaylight.protect=true', '/data', 'TOKEN',
    web, web.slice(0, 12), image, image.slice(7, 19), own.engine.host,
    engine.Name, engine.OperatingSystem, engine.KernelVersion, engine.Architecture, engine.Driver, engine.ServerVersion,
  ].filter((datum) => datum);
  const left: Record<string, string[]> = {};
  const look = async (where: string) => {
    const texts = await foreignTexts(page, data);
    if (texts.length > 0) left[where] = texts;
  };
  const networkId = (await docker.lines('network', 'inspect', '--format', '{{.Id}}', name('net')))[0]!;
  for (const path of ['/', '/containers', '/containers?group=project', '/images', '/volumes', '/networks', '/events', '/alerts', '/settings', '/engine',
    '/realtime-test', '/no-such-page', `/containers/${web}`, `/images/${image}`, `/volumes/${name('vol')}`, `/networks/${networkId}`]) {
    await page.goto(path);
    await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true');
    await look(path);
  }
  for (const tab of ['logs', 'terminal', 'processes', 'files', 'changes', 'inspect', 'recipe']) {
    await open(page, `/containers/${web}?tab=${tab}`);
    await expect(page.locator('[role="tabpanel"], section').last()).toBeVisible();
    await look(`tab ${tab}`);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ['/', '/containers', '/images', '/networks', '/events', '/alerts', '/settings', '/realtime-test', `/containers/${web}`]) {
    await open(page, path);
    await look(`${path} on a phone`);
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('main button, main a')].filter((it) => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest('.chips, .parts, .table')).map((it) => it.textContent!.trim()),
    );
    expect(cut, `${path}: controls that a phone viewport cuts off`).toEqual([]);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  // Each button in a page's head that opens a dialog.
  for (const path of ['/containers', '/images', '/volumes', '/networks', '/alerts']) {
    await open(page, path);
    const buttons = page.locator('.head .button.main:visible, .head .button.bare:not([aria-pressed]):visible');
    for (let at = 0; at < (await buttons.count()); at++) {
      await buttons.nth(at).click();
      await expect(dialog(page)).toBeVisible();
      await look(`${path} dialog ${at}`);
      await page.keyboard.press('Escape');
      await expect(dialog(page)).toBeHidden();
    }
  }
  // Each menu, and a failure in the server's words.
  for (const [path, kind, which] of [['/containers', 'container', 'web'], ['/images', 'image', ''], ['/volumes', 'volume', 'vol'], ['/networks', 'network', 'net']] as const) {
    await open(page, path);
    const row = which ? rowOf(page, kind, name(which)) : page.locator('[data-entity="image"]').first();
    await row.hover();
    await row.locator('.more').click();
    await expect(page.getByRole('menu')).toBeVisible();
    await look(`${path} menu`);
    await page.getByRole('menuitem').last().click();
    await expect(dialog(page)).toBeVisible();
    await look(`${path} remove`);
    await page.keyboard.press('Escape');
  }
  await open(page, '/containers');
  await rowOf(page, 'container', name('guarded')).hover();
  await rowOf(page, 'container', name('guarded')).locator('.stop').click();
  await expect(failures(page)).toBeVisible();
  await look('a refusal');
  expect(left).toEqual({});
  await expectAccessible(page);
  await page.context().close();
});
