// Clicks act on what the button showed at pointer down, whatever state the container has by pointer up.
import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures';
import { expectState, open, rowOf } from '../support/page';

/** The response to the page's next action. */
const answer = (page: Page) => page.waitForResponse((response) => response.url().includes('/actions/container'));

/** Presses the pointer down on a button. */
async function down(page: Page, name: string): Promise<void> {
  const button = page.getByRole('button', { name, exact: true });
  await button.hover();
  await page.mouse.down();
}

const started = async (docker: { inspect(kind: 'container', name: string): Promise<any> }, name: string) =>
  (await docker.inspect('container', name)).State.StartedAt as string;

for (const cards of [false, true]) {
  test(`a Stop click released after the exit does not start the container, ${cards ? 'on a card' : 'in a row'}`, async ({ page, docker }) => {
    const name = docker.name('web');
    await docker.start(name);
    await open(page, `/containers?q=${docker.prefix}`);
    if (cards) await page.getByRole('button', { name: 'Cards', exact: true }).click();
    await rowOf(page, 'container', name).hover();
    const before = await started(docker, name);
    await down(page, `Stop ${name}`);
    await docker.cli('kill', name);
    await expectState(page, name, 'exited');
    // By now the button under the pointer offers a start.
    await expect(page.getByRole('button', { name: `Start ${name}`, exact: true })).toBeVisible();
    const answered = answer(page);
    await page.mouse.up();
    expect((await answered).ok()).toBe(true);
    await expectState(page, name, 'exited');
    expect(await started(docker, name), 'the container does not start again').toBe(before);
  });
}

test('a Stop click released after the exit does not start the container, on its page', async ({ page, docker }) => {
  const name = docker.name('web');
  const id = await docker.start(name);
  await open(page, `/containers/${id}`);
  const before = await started(docker, name);
  await down(page, `Stop ${name}`);
  await docker.cli('kill', name);
  await expect(page.getByRole('button', { name: `Start ${name}`, exact: true })).toBeVisible();
  const answered = answer(page);
  await page.mouse.up();
  expect((await answered).ok()).toBe(true);
  expect(await started(docker, name), 'the container does not start again').toBe(before);
});

test('a Space key released after the exit does not start the container', async ({ page, docker }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, `/containers?q=${docker.prefix}`);
  const before = await started(docker, name);
  await page.getByRole('button', { name: `Stop ${name}`, exact: true }).focus();
  await page.keyboard.down('Space');
  await docker.cli('kill', name);
  await expectState(page, name, 'exited');
  const answered = answer(page);
  await page.keyboard.up('Space');
  expect((await answered).ok()).toBe(true);
  expect(await started(docker, name), 'the container does not start again').toBe(before);
});

test('a bulk stop affects the containers that run at pointer down', async ({ page, docker }) => {
  const [first, second, third] = [docker.name('one'), docker.name('two'), docker.name('three')];
  await docker.start(first);
  await docker.create(second);
  await docker.create(third);
  await open(page, `/containers?q=${docker.prefix}`);
  for (const name of [first, second, third]) await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check();
  await down(page, 'Stop 1 container');
  await docker.cli('start', second);
  await expect(page.getByRole('button', { name: 'Stop 2 containers', exact: true })).toBeVisible();
  await page.mouse.up();
  await expectState(page, first, 'exited');
  await expectState(page, second, 'running');
  await expectState(page, third, 'created');
});
