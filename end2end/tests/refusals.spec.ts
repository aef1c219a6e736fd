// Errors from the engine: the page explains what happened and what to do, and nothing is half done or lost.
import type { Page } from '@playwright/test';
import { button, choose, deafness, dialog, failures, press, submit, task } from '../support/acting';
import { testImage, type Docker } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { knownState } from '../support/http';
import { expectState, open, rowOf } from '../support/page';
import { freePort } from '../support/ports';

test.beforeEach(({ pageLog }) => {
  // The browser logs each failed request to its console, as expected.
  pageLog.allow(/Failed to load resource/, /^status [45]\d\d: POST/);
});

const alert = (page: Page) => dialog(page).getByRole('alert');

/** Readable text: no status, no type name, no full id. */
async function expectWords(page: Page, what: string, ...words: (string | RegExp)[]): Promise<void> {
  const toast = failures(page).filter({ hasText: what });
  await expect(toast).toBeVisible();
  for (const word of words) await expect(toast).toContainText(word);
  await expect(toast).not.toContainText(/\b[45]\d\d\b|ServerFn|Error\(|panic|[0-9a-f]{64}/);
}

interface Refusal {
  verb: string;
  /** Where the page offers the action. */
  from: 'row' | 'menu';
  /** The state that the page shows. */
  before: (docker: Docker, name: string) => Promise<unknown>;
  state: string;
  /** The change that the page doesn't receive. */
  meanwhile: (docker: Docker, name: string) => Promise<unknown>;
  words: (string | RegExp)[];
  after: string | undefined;
}

const start = (docker: Docker, name: string) => docker.start(name);
const kill = (docker: Docker, name: string) => docker.cli('kill', name);
const remove = (docker: Docker, name: string) => docker.cli('rm', '--force', name);
const gone = [/no such container/i, 'Check the name, or whether it was just removed.'];

const refusals: Refusal[] = [
  { verb: 'Pause', from: 'menu', before: start, state: 'running', meanwhile: kill, words: [/is not running|container state improper/, /start it first/i], after: 'exited' },
  { verb: 'Kill', from: 'menu', before: start, state: 'running', meanwhile: kill, words: [/is not running|container state improper/, /start it first/i], after: 'exited' },
  {
    verb: 'Unpause',
    from: 'row',
    before: async (docker, name) => (await docker.start(name), await docker.cli('pause', name)),
    state: 'paused',
    meanwhile: (docker, name) => docker.cli('unpause', name),
    words: ['is not paused', "It's already running."],
    after: 'running',
  },
  { verb: 'Restart', from: 'row', before: start, state: 'running', meanwhile: remove, words: gone, after: undefined },
  { verb: 'Start', from: 'row', before: (docker, name) => docker.create(name), state: 'created', meanwhile: remove, words: gone, after: undefined },
];

for (const { verb, from, before, state, meanwhile, words, after } of refusals) {
  test(`${verb} shows an error when the row is stale`, async ({ page, docker, server }) => {
    const name = docker.name('other');
    await before(docker, name);
    const deafen = await deafness(page);
    await open(page, `/containers?q=${docker.prefix}`);
    await expectState(page, name, state);
    deafen();
    await meanwhile(docker, name);
    // A forced removal is a kill first: until the server knows the rest, it takes the container for an exited one.
    await expect.poll(() => knownState(server, name)).toBe(after);
    await (from === 'menu' ? choose(page, 'container', name, `${verb} ${name}`) : press(page, 'container', name, verb));
    await expectWords(page, `${verb} ${name} failed`, ...words);
    await expect(rowOf(page, 'container', name).locator('[aria-busy]'), 'no action stays pending').toHaveCount(0);
    expect((await docker.states())[name]).toBe(after);
  });
}

test('the removal of a container that no longer exists shows an error', async ({ page, docker }) => {
  const name = docker.name('once');
  await docker.create(name);
  const deafen = await deafness(page);
  await open(page, `/containers?q=${docker.prefix}`);
  deafen();
  await docker.cli('rm', name);
  await choose(page, 'container', name, `Remove ${name}`);
  await submit(page, `Remove ${name}`);
  await expectWords(page, `Remove ${name} failed`, ...gone);
});

test('a protected container is not stopped, killed, restarted, removed or recreated', async ({ page, docker }) => {
  const name = docker.name('safe');
  const id = await docker.start(name, { options: ['--label', 'quaylight.protect=true'] });
  await open(page, `/containers?q=${docker.prefix}`);
  for (const verb of ['Stop', 'Restart']) {
    await press(page, 'container', name, verb);
    await expectWords(page, `${verb} ${name} failed`, 'This container is protected', 'quaylight.protect=true');
  }
  await choose(page, 'container', name, `Kill ${name}`);
  await expectWords(page, `Kill ${name} failed`, 'This container is protected');
  await choose(page, 'container', name, `Remove ${name}`);
  await submit(page, `Remove ${name}`);
  await expectWords(page, `Remove ${name} failed`, 'This container is protected');
  await choose(page, 'container', name, `Edit ${name}`);
  await submit(page, 'Recreate');
  await expect(alert(page)).toContainText('This container is protected');
  const now = await docker.inspect('container', name);
  expect([now.Id, now.State.Status, now.RestartCount]).toEqual([id, 'running', 0]);
});

test('a start with a port conflict shows the port and what to do', async ({ page, docker }) => {
  const [first, second] = [docker.name('first'), docker.name('second')];
  const port = await freePort();
  const options = ['--network', 'bridge', '--publish', `127.0.0.1:${port}:80`];
  await docker.create(first, { options });
  await docker.create(second, { options });
  await docker.cli('start', first);
  await open(page, `/containers?q=${docker.prefix}`);
  await press(page, 'container', second, 'Start');
  await expectWords(page, `Start ${second} failed`, `Port ${port} is already in use`, 'Stop the process using it');
  expect((await docker.states())[second]).toBe('created');
});

test('a form whose container is removed meanwhile shows an error and keeps its input', async ({ page, docker }) => {
  const name = docker.name('leaves');
  const forms = [
    { entry: `Rename ${name}`, label: 'Name', typed: docker.name('called'), go: 'Rename' },
    { entry: `Edit limits of ${name}`, label: 'Memory', typed: '96m', go: 'Change' },
    { entry: `Commit ${name}`, label: 'Image name', typed: docker.name('saved:1'), go: 'Commit' },
    { entry: `Edit ${name}`, label: 'Command (optional)', typed: 'sleep 601', go: 'Recreate' },
  ];
  await open(page, `/containers?q=${docker.prefix}`);
  for (const { entry, label, typed, go } of forms) {
    // Podman has no such form.
    if (docker.isPodman && entry.startsWith('Edit limits')) continue;
    await docker.start(name);
    await choose(page, 'container', name, entry);
    const field = dialog(page).getByLabel(label).first();
    await field.fill(typed);
    await docker.cli('rm', '--force', name);
    await submit(page, go);
    await expect(alert(page), entry).toContainText(/no such container|container not found/i);
    await expect(alert(page), entry).toContainText('whether it was just removed');
    await expect(field).toHaveValue(typed);
    await submit(page, 'Cancel');
    await expect(dialog(page)).toHaveCount(0);
  }
  expect(await docker.states()).toEqual({});
});

test('a create with a missing image, command or network fails and leaves no container', async ({ page, docker }) => {
  const name = docker.name('incomplete');
  await open(page, '/containers');
  await button(page, 'Create').click();
  await dialog(page).getByLabel('Name', { exact: true }).fill(name);
  const [image, command] = [dialog(page).getByLabel('Image', { exact: true }), dialog(page).getByLabel('Command (optional)')];
  await image.fill(`127.0.0.1:${await freePort()}/nothing:1`);
  await submit(page, 'Create');
  await expect(alert(page)).toContainText(/can't reach the registry|connection refused/i);
  await image.fill(testImage);
  await command.fill('/no/such/program');
  await submit(page, 'Create');
  await expect(alert(page)).toContainText('/no/such/program');
  await expect(button(page, 'Create').last()).toBeEnabled();
  expect(await docker.states(`name=${name}`)).toEqual({});
  await command.fill('');
  await dialog(page).getByLabel('Networks').fill(docker.name('no-network'));
  await submit(page, 'Create');
  await expect(alert(page)).toContainText(docker.name('no-network'));
  expect(await docker.states(`name=${name}`)).toEqual({});
});

test('a recreate rolls back when the new container exits at once or is unhealthy', async ({ page, docker }) => {
  test.setTimeout(90_000);
  // Podman runs health checks through systemd timers.
  const isChecked = !docker.isPodman;
  const [name, volume] = [docker.name('served'), docker.name('data')];
  await docker.volume(volume);
  const options = ['--volume', `${volume}:/v`, '--health-cmd', 'test -e /tmp/well', '--health-interval', '1s', '--health-retries', '2'];
  const id = await docker.start(name, { options, command: ['sh', '-c', 'echo kept > /v/file; touch /tmp/well; exec sleep 600'] });
  await open(page, `/containers?q=${docker.prefix}`);
  const health = async () => (isChecked ? (await docker.inspect('container', name)).State.Health.Status : 'healthy');
  await expect.poll(health).toBe('healthy');
  await choose(page, 'container', name, `Edit ${name}`);
  for (const [command, words] of [
    ['sh -c "exit 3"', 'exited with code 3 right after starting'],
    ['sleep 600', 'The new container is unhealthy'],
  ] as const) {
    if (words.includes('healthy') && !isChecked) continue;
    await dialog(page).getByLabel('Command (optional)').fill(command);
    await submit(page, 'Recreate');
    await expect(alert(page)).toContainText(words, { timeout: 20_000 });
    await expect(alert(page)).toContainText('The old container is unchanged');
    const now = await docker.inspect('container', name);
    expect([now.Id, now.State.Status]).toEqual([id, 'running']);
    expect(Object.keys(await docker.states()), 'no other container is left').toEqual([name]);
    await expect.poll(health).toBe('healthy');
  }
  expect(await docker.cli('exec', name, 'cat', '/v/file')).toBe('kept');
});

test('an auto-remove container is not recreated', async ({ page, docker }) => {
  const name = docker.name('brief');
  await docker.start(name, { options: ['--rm'] });
  await open(page, `/containers?q=${docker.prefix}`);
  await choose(page, 'container', name, `Edit ${name}`);
  await submit(page, 'Recreate');
  await expect(alert(page)).toContainText('would be deleted when stopped');
  await expect(alert(page)).toContainText('Duplicate it');
  expect(await docker.states()).toEqual({ [name]: 'running' });
});

test('the removal of a volume, image or network that is now in use fails with the reason', async ({ page, docker }) => {
  const [volume, network] = [docker.name('data'), docker.name('front')];
  const [image, other] = [1, 2].map((tag) => docker.called(`${docker.prefix}web:${tag}`)) as [string, string];
  await docker.volume(volume);
  await docker.network(network);
  await docker.build(image, `FROM ${testImage}\nLABEL ${docker.label} own=1\n`);

  await open(page, '/volumes');
  await choose(page, 'volume', volume, `Remove ${volume}`);
  await dialog(page).getByLabel('Type its name').fill(volume);
  await docker.create(docker.name('user'), { options: ['--volume', `${volume}:/v`] });
  await submit(page, `Remove ${volume}`);
  await expectWords(page, `Couldn't remove ${volume}`, /volume is (in use|being used)/, 'Remove the containers that use it first.');
  await docker.inspect('volume', volume);

  await open(page, '/networks');
  await choose(page, 'network', network, `Remove ${network}`);
  await docker.start(docker.name('member'), { options: ['--network', network] });
  await submit(page, `Remove ${network}`);
  await expectWords(page, `Couldn't remove ${network}`, /has active endpoints|network is being used/, 'Disconnect its containers first.');
  await docker.inspect('network', network);

  await docker.cli('tag', image, other);
  await open(page, '/images');
  await choose(page, 'image', image, `Remove ${image}`);
  await docker.start(docker.name('runs'), { image });
  await submit(page, `Remove ${image}`);
  await expectWords(page, `Couldn't remove ${image}`, /image is (being used|in use)/, 'Remove the containers that use it first.');
  expect((await docker.inspect('image', image)).RepoTags.sort(), 'the image keeps all its tags').toEqual([image, other]);
});

test('the removal of a volume, image or network that no longer exists shows an error', async ({ page, docker }) => {
  const [volume, network, image] = [docker.name('data'), docker.name('front'), docker.called(`${docker.prefix}web:1`)];
  await docker.volume(volume);
  await docker.network(network);
  await docker.image('web:1');
  const deafen = await deafness(page);
  const cases = [
    { path: '/volumes', kind: 'volume', name: volume, go: () => docker.cli('volume', 'rm', volume), words: /no such volume/i },
    { path: '/networks', kind: 'network', name: network, go: () => docker.cli('network', 'rm', network), words: /network .*not found|no such network/i },
    { path: '/images', kind: 'image', name: image, go: () => docker.cli('rmi', image), words: /no such image|image not known/i },
  ] as const;
  await open(page, '/containers');
  for (const { path, kind, name } of cases) {
    await page.locator(`a[href="${path}"]`).first().click();
    await expect(rowOf(page, kind, name)).toBeVisible();
  }
  deafen();
  for (const { path, kind, name, go, words } of cases) {
    await go();
    await page.locator(`a[href="${path}"]`).first().click();
    await choose(page, kind, name, `Remove ${name}`);
    if (kind === 'volume') await dialog(page).getByLabel('Type its name').fill(name);
    await submit(page, `Remove ${name}`);
    await expectWords(page, `Couldn't remove ${name}`, words, 'Check the name, or whether it was just removed.');
  }
});

test('the only tag of an image cannot be removed', async ({ page, docker }) => {
  const image = docker.called(`${docker.prefix}web:1`);
  await docker.image('web:1');
  await open(page, '/images');
  await choose(page, 'image', image, `Manage tags of ${image}`);
  await expect(dialog(page)).toContainText('Only tag');
  await expect(button(page, `Remove tag ${image}`)).toHaveCount(0);
});

test('an unknown volume driver and a taken network name or subnet show what to do', async ({ page, docker }) => {
  test.setTimeout(60_000);
  const [taken, wanted] = [docker.name('taken'), docker.name('wanted')];
  await docker.cli('network', 'create', '--label', docker.label, '--subnet', '10.214.11.0/24', taken);
  await open(page, '/networks');
  await button(page, 'Create network').click();
  const name = dialog(page).getByLabel('Name');
  await name.fill(taken);
  await submit(page, 'Create');
  await expect(alert(page)).toContainText('already exists');
  await expect(alert(page)).toContainText('Use a different name');
  await name.fill(wanted);
  await dialog(page).getByLabel('Subnet').fill('10.214.11.128/25');
  await submit(page, 'Create');
  await expect(alert(page)).toContainText('Use a different subnet');
  await expect(name).toHaveValue(wanted);
  expect(await docker.lines('network', 'ls', '--filter', `name=${wanted}`, '--quiet')).toEqual([]);

  await open(page, '/volumes');
  await button(page, 'Create volume').click();
  await dialog(page).getByLabel('Name').fill(wanted);
  await dialog(page).getByLabel('Driver', { exact: true }).fill('no-such-driver');
  await submit(page, 'Create');
  // Docker looks for a plugin for 15 s.
  await expect(alert(page)).toContainText('Select a driver available on this engine', { timeout: 25_000 });
  expect(await docker.lines('volume', 'ls', '--filter', `name=${wanted}`, '--quiet')).toEqual([]);
});

test('a network connection with an invalid address or container shows the reason', async ({ page, docker }) => {
  const [network, first, second, third] = ['front', 'first', 'second', 'third'].map((it) => docker.name(it)) as [string, string, string, string];
  await docker.cli('network', 'create', '--label', docker.label, '--subnet', '10.214.12.0/24', network);
  await docker.start(first, { options: ['--network', network, '--ip', '10.214.12.9'] });
  await docker.start(second, { options: ['--network', 'bridge'] });
  await docker.start(third, { options: ['--network', 'bridge'] });
  const deafen = await deafness(page);
  await open(page, '/networks');
  await choose(page, 'network', network, `Manage connections of ${network}`);
  await submit(page, 'Connect');
  await expect(alert(page)).toContainText('Select a container to connect');
  const [who, address] = [dialog(page).getByLabel('Container to connect'), dialog(page).getByLabel('Address')];
  await who.selectOption({ label: second });
  await address.fill('10.214.12.9');
  await submit(page, 'Connect');
  await expect(alert(page)).toContainText('Use a different IP address, or leave it empty.');
  await address.fill('192.0.2.7');
  await submit(page, 'Connect');
  await expect(alert(page)).toContainText("Enter an IP address in the network's subnet");
  await expect(address).toHaveValue('192.0.2.7');
  // When the selected container is removed, no other takes its place.
  await who.selectOption({ label: third });
  await docker.cli('rm', '--force', third);
  await expect(who.locator('option', { hasText: third })).toHaveCount(0);
  await expect(who).toHaveValue('');
  deafen();
  await who.selectOption({ label: second });
  await address.fill('');
  await docker.cli('network', 'connect', network, second);
  await submit(page, 'Connect');
  await expect(alert(page)).toContainText("It's already connected to that network");
  await docker.cli('network', 'disconnect', network, first);
  await button(page, `Disconnect ${first}`).click();
  await expectWords(page, `Couldn't disconnect ${first}`, /not connected/);
});

test('a prune keeps a volume that is now in use and names it', async ({ page, docker }) => {
  const [used, unused] = [docker.name('used'), docker.name('unused')];
  await docker.volume(used);
  await docker.volume(unused);
  await open(page, '/volumes');
  await button(page, 'Prune').click();
  for (const box of await dialog(page).getByRole('checkbox').all()) await box.uncheck();
  await dialog(page).getByLabel(used, { exact: true }).check();
  await dialog(page).getByLabel(unused, { exact: true }).check();
  await dialog(page).getByLabel('Confirm').fill('2 volumes');
  await docker.create(docker.name('user'), { options: ['--volume', `${used}:/v`] });
  await submit(page, 'Remove');
  await expect(task(page, '2 volumes').first()).toHaveAttribute('data-state', 'failed');
  await expect(task(page, '2 volumes').first()).toContainText('1 removed, 1 kept');
  await expect(task(page, '2 volumes').first()).toContainText(used);
  await docker.inspect('volume', used);
  await expect(docker.inspect('volume', unused)).rejects.toThrow(/no such volume/i);
});

test('a failed build shows its last output and leaves no image', async ({ page, docker }) => {
  const name = docker.name('broken:1');
  await open(page, '/images');
  for (const [dockerfile, words] of [
    [`FROM ${testImage}\nLABEL ${docker.label}\nRUN echo almost there && exit 7`, /almost there[^]*7/],
    [`FROM 127.0.0.1:1/no-base:1`, /no-base/],
    [`FORM ${testImage}`, docker.isPodman ? /no FROM statement|requires a FROM instruction/ : /FORM/],
  ] as const) {
    await button(page, 'Build').click();
    await dialog(page).getByLabel('Name').fill(name);
    await dialog(page).getByLabel('Dockerfile', { exact: true }).fill(dockerfile);
    await submit(page, 'Build');
    // Podman tries a registry three times.
    await expect(task(page, name).first()).toHaveAttribute('data-state', 'failed', { timeout: 20_000 });
    await expect(task(page, name).first()).toContainText(words);
    await page.keyboard.press('Escape');
  }
  await expect(rowOf(page, 'image', name)).toHaveCount(0);
  expect(await docker.lines('images', '--quiet', name)).toEqual([]);
});

test('an export or backup of a removed object appears as a failed task', async ({ page, context, server, docker, pageLog }) => {
  pageLog.allow(/^status [45]\d\d: GET .*(export|backup)/, /ERR_INVALID_RESPONSE|ERR_ABORTED/);
  const [name, volume, image] = [docker.name('goes'), docker.name('data'), docker.called(`${docker.prefix}web:1`)];
  const id = await docker.create(name);
  await docker.volume(volume);
  await docker.image('web:1');
  // The name of a removed container is unknown by then. Podman 4 adds "without file owners" to a backup.
  for (const { path, kind, subject, said, entry, go } of [
    { path: `/containers?q=${docker.prefix}`, kind: 'container', subject: name, said: id.slice(0, 12), entry: `Export ${name}`, go: () => docker.cli('rm', name) },
    { path: '/images', kind: 'image', subject: image, said: image, entry: `Export ${image}`, go: () => docker.cli('rmi', image) },
    { path: '/volumes', kind: 'volume', subject: volume, said: volume, entry: new RegExp(`^Back up ${volume}`), go: () => docker.cli('volume', 'rm', volume) },
  ] as const) {
    // The menu entry stays until the page receives the change.
    const deafen = await deafness(page);
    await open(page, path);
    await press(page, kind, subject, 'More actions for');
    const item = page.getByRole('menu').getByRole('menuitem', { name: entry, exact: true });
    await expect(item).toBeVisible();
    deafen();
    await go();
    await item.click();
    const other = await context.newPage();
    await open(other, `${server.url}${path}`);
    await other.getByRole('button', { name: /^Tasks/ }).click();
    await expect(task(other, said).first(), String(entry)).toHaveAttribute('data-state', 'failed');
    await expect(task(other, said).first()).toContainText(/no such|not found|not known|does not exist|there is no/i);
    await other.close();
  }
});
