// Live container stats: accurate, for visible rows only, and only while a page is open.
import { expect, test } from '../support/fixtures';
import { open, rowOf } from '../support/page';
import { Server } from '../support/server';
import { Simulator } from '../support/simulator';

/** Three tenths of a core: the container's limit. */
const busy = { options: ['--cpus', '0.3', '--memory', '64m'], command: ['sh', '-c', 'while :; do :; done'] };

const streams = (sim: Simulator) => sim.truth().then((truth) => truth.stats_streams);

test('a row shows CPU and memory of a running container and clears them on exit', async ({ page, docker }) => {
  const name = docker.name('busy');
  await docker.start(name, busy);
  await open(page, '/containers');
  const [cpu, memory] = ['.cpu', '.mem'].map((cell) => rowOf(page, 'container', name).locator(cell));
  const percent = () => cpu!.locator('b').innerText().then(Number);
  await expect.poll(percent).toBeGreaterThan(20);
  await expect.poll(percent).toBeLessThan(40);
  await expect(memory!).toHaveText(/^[\d.]+ ?(kB|MB)$/);
  await expect(memory!).toHaveAttribute('title', / of 67\.1 MB$/);
  await expect(cpu!.locator('path')).toHaveAttribute('d', /^M\d+ 20(L\d+ \d+){3,}/);
  await docker.cli('kill', name);
  await expect(cpu!).toBeEmpty();
});

test('sorting by CPU lists the busiest container first, and its project shows the sum', async ({ page, docker }) => {
  const project = docker.name('project');
  const inProject = ['--label', `com.docker.compose.project=${project}`];
  const [idle, name] = [docker.name('a-idle'), docker.name('z-busy')];
  await docker.start(idle, { options: inProject });
  await docker.start(name, { ...busy, options: [...busy.options, ...inProject] });
  await open(page, `/containers?group=project&q=${project}`);
  await page.getByRole('button', { name: 'CPU' }).click();
  await expect(page).toHaveURL(/sort=cpu&dir=desc/);
  const names = () => page.locator('[data-entity]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-name')));
  await expect.poll(names).toEqual([name, idle]);
  await expect(page.locator('tr.group .load')).toHaveText(/^CPU [23]\d\.\d % · [\d.]+ (kB|MB)$/);
});

test('an open page subscribes to stats of visible rows only, a closed page to none', async ({ page }) => {
  const sim = await Simulator.start({ containers: 400 });
  const server = await Server.start(sim.host);
  try {
    await page.goto(`${server.url}/containers`);
    await expect(page.locator('[data-state="running"] .cpu b').first()).toHaveText(/\d/);
    const onScreen = await page.locator('[data-state="running"]').evaluateAll(
      (rows) => rows.filter((row) => row.getBoundingClientRect().top < innerHeight).length,
    );
    await expect.poll(() => streams(sim)).toBeLessThanOrEqual(onScreen + 12);
    expect(await streams(sim)).toBeGreaterThanOrEqual(onScreen - 2);
    await page.goto('about:blank');
    await expect.poll(() => streams(sim), { timeout: 10_000 }).toBe(0);
    const asked = async () => (await sim.truth()).requests['GET /containers/{id}/stats'];
    const before = await asked();
    // Twice the interval of a sample.
    await new Promise((later) => setTimeout(later, 2_000));
    expect(await asked()).toBe(before);
  } finally {
    await server.stop();
    await sim.stop();
  }
});

test("a container's page charts its usage and shows the value under the pointer", async ({ page, docker }) => {
  const name = docker.name('busy');
  await docker.start(name, busy);
  await open(page, '/containers');
  await rowOf(page, 'container', name).getByRole('link', { name }).click();
  await expect(page).toHaveTitle(new RegExp(name));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  const cpu = page.locator('.chart', { hasText: 'CPU' });
  await expect(cpu.locator('.line')).toHaveAttribute('d', /^M\d+ \d+(L\d+ \d+){2,}$/);
  await expect(cpu.locator('figcaption')).toHaveText(/[23]\d\.\d %/);
  await cpu.locator('.field').hover();
  await expect(cpu.locator('figcaption time')).toHaveText(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await expect(cpu.locator('.cursor')).toHaveCount(1);

  await page.getByRole('button', { name: 'Pause' }).click();
  const drawn = await cpu.locator('.line').getAttribute('d');
  const other = page.locator('.facts');
  await expect(other).toContainText('up');
  await docker.cli('kill', name);
  await expect(page.locator('.head .state')).toHaveText('Exited');
  expect(await cpu.locator('.line').getAttribute('d')).toBe(drawn);
});

test('the page of a removed container shows that it is not found', async ({ page, docker }) => {
  const name = docker.name('short');
  await docker.start(name);
  await open(page, `/containers/${name}`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  await docker.cli('rm', '--force', name);
  await expect(page.getByRole('heading', { name: 'Container not found' })).toBeVisible();
});

test('the dashboard lists the containers with the highest CPU usage', async ({ page, docker }) => {
  const name = docker.name('busy');
  await docker.start(name, busy);
  await open(page, '/');
  await expect(page.getByRole('region', { name: 'Top CPU' }).getByRole('listitem').filter({ hasText: name })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Resource usage' }).locator('.chart .line').first()).toHaveAttribute('d', /L/);
});
