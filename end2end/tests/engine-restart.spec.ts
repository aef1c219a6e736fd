// Engine restart under an open page: stale at once, live again at once, and without flicker in between.
import type { Page } from '@playwright/test';
import { button, choose, dialog, submit } from '../support/acting';
import { Docker } from '../support/docker';
import { expect, test } from '../support/own';
import { badge, expectState, mark, open, statesOnPage } from '../support/page';
import { PrivateEngine } from '../support/private-engine';
import { Server } from '../support/server';

test('an open page turns stale when the engine stops and recovers when it restarts', async ({ page, own: { engine, server, docker } }) => {
  test.setTimeout(120_000);
  await docker.create(docker.name('made'));
  await docker.start(docker.name('ends'));
  await docker.start(docker.name('returns'), { options: ['--restart', 'always'] });
  await docker.start(docker.name('failed'), { command: ['sh', '-c', 'exit 3'] });

  await open(page, `${server.url}/containers`);
  for (const [word, state] of Object.entries({ made: 'created', ends: 'running', returns: 'running', failed: 'exited' }))
    await expectState(page, docker.name(word), state);
  const document = await mark(page);
  const rows = await watchRows(page);

  await engine.stop();
  await expect(staleNotice(page), 'the page shows a stale notice with its age').toBeVisible({ timeout: 2_000 });
  await expect(page.locator('[data-stale="true"]').first(), 'the content is dimmed').toBeAttached({ timeout: 2_000 });
  await expect(badge(page), 'the connection to the server stays live').toHaveAttribute('data-connection', 'live');
  expect(Object.keys(await statesOnPage(page, docker.prefix)), 'the last known rows stay').toHaveLength(4);

  await engine.startAgain();
  await expect(staleNotice(page), 'the stale notice disappears').toHaveCount(0, { timeout: 2_000 });
  await expect(page.locator('[data-stale="true"]')).toHaveCount(0);
  await expect
    .poll(async () => differences(await statesOnPage(page, docker.prefix), await docker.states()), {
      message: 'the page matches docker ps',
      timeout: 2_000,
    })
    .toEqual([]);

  // Updates arrive, too: the page is live, not just right.
  await docker.cli('rename', docker.name('made'), docker.name('renamed'));
  await expectState(page, docker.name('renamed'), 'created');
  await document.stayed();
  expect(await rows.removed(), 'rows removed during the restart').toEqual([]);
});

test('a server that starts before its engine waits for it, and the open page updates without a reload', async ({ page, pageLog }) => {
  test.setTimeout(120_000);
  const engine = await PrivateEngine.start();
  const docker = new Docker(engine.host);
  await docker.create(docker.name('made'));
  await engine.stop();
  const server = await Server.start(engine.host);
  try {
    pageLog.watch(page, server.url);
    await open(page, `${server.url}/containers`);
    await expect(page.locator('[data-entity="container"]')).toHaveCount(0);
    await engine.startAgain();
    await expectState(page, docker.name('made'), 'created');
  } finally {
    // Close the page first: left open, it would report that the server is gone.
    await page.close();
    await server.stop();
    await engine.remove();
  }
});

test('when the engine dies during actions, each action fails with an error', async ({ page, pageLog, own: { engine, server, docker } }) => {
  test.setTimeout(120_000);
  // The browser logs the failed requests to its console, as expected.
  pageLog.allow(/Failed to load resource/, /^status 50[0-9]: POST .*\/(actions|queries)\//);
  const [slow, other] = [docker.name('slow'), docker.name('other')];
  const command = ['sh', '-c', "trap 'echo stopping' TERM; while true; do sleep 0.1; done"];
  await docker.start(slow, { options: ['--stop-signal', 'TERM', '--stop-timeout', '10'], command });
  await docker.start(other);
  await open(page, `${server.url}/containers`);
  const row = (name: string) => page.locator(`[data-entity="container"][data-name="${name}"]`);
  const press = async (name: string) => {
    await row(name).hover();
    await page.getByRole('button', { name: `Stop ${name}`, exact: true }).click();
  };
  const toasts = page.locator('.toast[data-level="error"]');

  await press(slow);
  await expect(row(slow).locator('[aria-busy]'), 'the action is pending').toHaveCount(1);
  // The page shows the action before the engine has received it.
  await expect.poll(() => docker.cli('logs', slow)).toContain('stopping');
  await engine.stop('KILL');
  const broken = toasts.filter({ hasText: `Stop ${slow} failed` });
  await expect(broken, 'the pending action fails').toContainText('Connection to the engine failed');
  await expect(broken, 'the error reports an unknown outcome').toContainText('The change may or may not have been applied');
  await expect(row(slow).locator('[aria-busy]')).toHaveCount(0);

  await press(other);
  const refused = toasts.filter({ hasText: `Stop ${other} failed` });
  await expect(refused).toContainText("Can't reach the engine");
  await expect(refused).toContainText('Check that the engine is running');

  // A form stays open, with its input and the error.
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await dialog(page).getByLabel('Name', { exact: true }).fill(docker.name('new'));
  await dialog(page).getByLabel('Image', { exact: true }).fill('quaylight-test/busybox:1');
  await submit(page, 'Create');
  await expect(dialog(page).getByRole('alert')).toContainText("Can't reach");
  await expect(dialog(page).getByLabel('Name', { exact: true })).toHaveValue(docker.name('new'));

  await engine.startAgain();
  await expect(staleNotice(page)).toHaveCount(0, { timeout: 5_000 });
  await submit(page, 'Create');
  await expect(dialog(page)).toHaveCount(0, { timeout: 10_000 });
  await expectState(page, docker.name('new'), 'running');
  await expect
    .poll(async () => differences(await statesOnPage(page, docker.prefix), await docker.states('name=qlt-')), { timeout: 5_000 })
    .toEqual([]);
  expect(Object.keys(await docker.states('name=qlt-')).sort()).toEqual([docker.name('new'), other, slow].sort());
});

test('a recreate that an engine crash interrupts rolls back to the old container', async ({ page, pageLog, own: { engine, server, docker } }) => {
  test.setTimeout(150_000);
  pageLog.allow(/Failed to load resource/, /^status 50[0-9]: POST .*\/(actions|queries)\//);
  const name = docker.name('served');
  const options = ['--stop-signal', 'TERM', '--stop-timeout', '20'];
  const id = await docker.start(name, { options, command: ['sh', '-c', 'echo kept > /data && exec sleep 600'] });
  await open(page, `${server.url}/containers`);
  await choose(page, 'container', name, `Edit ${name}`);
  await dialog(page).getByLabel('Command (optional)').fill('sleep 601');
  await submit(page, 'Recreate');
  // In the middle of a recreate: the new container has its name and waits, the old one is being stopped.
  await expect.poll(async () => Object.keys(await docker.states('name=qlt-')).sort()).toEqual([name, `${name}-before-${id.slice(0, 12)}`]);
  await engine.stop('KILL');
  await expect(staleNotice(page)).toBeVisible({ timeout: 5_000 });
  await engine.startAgain();
  await expect(dialog(page).getByRole('alert')).toContainText('The old container is unchanged', { timeout: 60_000 });
  await expect.poll(() => docker.states('name=qlt-')).toEqual({ [name]: 'running' });
  expect((await docker.inspect('container', name)).Id).toBe(id);
  expect(await docker.cli('exec', name, 'cat', '/data')).toBe('kept');
});

test('while the engine is down, each form shows an error, keeps its input and changes nothing', async ({ page, pageLog, own: { engine, server, docker } }) => {
  test.setTimeout(120_000);
  pageLog.allow(/Failed to load resource/, /^status 50[0-9]: POST .*\/(actions|queries)\//);
  const [name, volume, network] = [docker.name('one'), docker.name('data'), docker.name('front')];
  await docker.start(name);
  await docker.volume(volume);
  await docker.network(network);
  const before = [await docker.states('name=qlt-'), await docker.lines('volume', 'ls', '--quiet'), await docker.lines('network', 'ls', '--format', '{{.Name}}')];
  await open(page, `${server.url}/containers`);
  await expectState(page, name, 'running');
  await engine.stop('KILL');
  await expect(staleNotice(page)).toBeVisible({ timeout: 5_000 });
  for (const { path, open: way, label, typed, go } of [
    { path: '/containers', open: () => choose(page, 'container', name, `Rename ${name}`), label: 'Name', typed: docker.name('two'), go: 'Rename' },
    { path: '/containers', open: () => choose(page, 'container', name, `Edit limits of ${name}`), label: 'Memory', typed: '96m', go: 'Change' },
    { path: '/containers', open: () => choose(page, 'container', name, `Commit ${name}`), label: 'Image name', typed: docker.name('saved:1'), go: 'Commit' },
    { path: '/volumes', open: () => button(page, 'Create volume').click(), label: 'Name', typed: docker.name('more'), go: 'Create' },
    { path: '/networks', open: () => button(page, 'Create network').click(), label: 'Name', typed: docker.name('more'), go: 'Create' },
  ]) {
    await page.locator(`nav a[href="${path}"]`).first().click();
    await way();
    const field = dialog(page).getByLabel(label).first();
    await field.fill(typed);
    await submit(page, go);
    const alert = dialog(page).getByRole('alert');
    await expect(alert, go).toContainText("Can't reach the engine");
    await expect(alert, go).toContainText('No changes were made');
    await expect(field).toHaveValue(typed);
    await submit(page, 'Cancel');
  }
  for (const { path, kind, subject } of [
    { path: '/volumes', kind: 'volume', subject: volume },
    { path: '/networks', kind: 'network', subject: network },
    { path: '/containers', kind: 'container', subject: name },
  ] as const) {
    await page.locator(`nav a[href="${path}"]`).first().click();
    await choose(page, kind, subject, `Remove ${subject}`);
    if (kind === 'volume') await dialog(page).getByLabel('Type its name').fill(subject);
    await submit(page, `Remove ${subject}`);
    const said = page.locator('.toast[data-level="error"]').filter({ hasText: kind === 'container' ? `Remove ${subject} failed` : `Couldn't remove ${subject}` });
    await expect(said).toContainText("Can't reach the engine");
    await said.getByRole('button').first().click();
  }
  await engine.startAgain();
  await expect(staleNotice(page)).toHaveCount(0, { timeout: 10_000 });
  const [states, ...others] = before;
  expect(Object.keys(await docker.states('name=qlt-'))).toEqual(Object.keys(states!));
  expect([await docker.lines('volume', 'ls', '--quiet'), await docker.lines('network', 'ls', '--format', '{{.Name}}')]).toEqual(others);
});

const staleNotice = (page: Page) => page.getByRole('main').getByText(/\bas of \d\d:\d\d:\d\d\b.*(\bago\b|just now)/i);

function differences(page: Record<string, string>, cli: Record<string, string>): string[] {
  const names = new Set([...Object.keys(page), ...Object.keys(cli)]);
  return [...names].filter((name) => page[name] !== cli[name]).map((name) => `${name}: ${page[name]}, not ${cli[name]}`);
}

/** Records every row that is removed from the document from now on. */
async function watchRows(page: Page): Promise<{ removed(): Promise<string[]> }> {
  await page.evaluate(() => {
    const removed: string[] = ((window as any).quaylightTestRemoved = []);
    new MutationObserver((records) => {
      for (const record of records)
        for (const node of record.removedNodes) {
          if (!(node instanceof Element)) continue;
          const rows = [node, ...node.querySelectorAll('*')].filter((one) => one.matches('[data-entity]'));
          removed.push(...rows.map((row) => row.getAttribute('data-name') ?? '?'));
        }
    }).observe(document.documentElement, { childList: true, subtree: true });
  });
  return { removed: () => page.evaluate(() => (window as any).quaylightTestRemoved) };
}
