// Terminal: shells, editors and full-screen programs, and no leftovers.
import { connect } from 'node:net';
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { expect, test } from '../support/fixtures';
import { open } from '../support/page';
import { Server } from '../support/server';

const screen = (page: Page) => page.locator('.xterm-rows');
const status = (page: Page) => page.locator('.terminal').getByRole('status');

async function openTerminal(page: Page, id: string, command = ''): Promise<void> {
  await open(page, `/containers/${id}?tab=terminal`);
  if (command !== '') await page.getByLabel('Command').fill(command);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  // A short command may have ended already.
  await expect(page.locator('quay-terminal')).toHaveAttribute('data-state', /open|ended/);
}

test('a shell runs Unicode input and shows its exit code', async ({ page, docker }) => {
  const id = await docker.start(docker.name('shell'));
  await openTerminal(page, id);
  await expect(screen(page)).toContainText('#');
  await page.keyboard.type('echo $((6 * 7)) "größe 漢字"\n');
  await expect(screen(page)).toContainText('42 größe 漢字');
  await expectAccessible(page);
  await page.keyboard.type('exit 3\n');
  await expect(status(page)).toHaveText('Session ended with exit code 3.');
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await expect(page.locator('quay-terminal')).toHaveAttribute('data-state', 'open');
  await page.keyboard.type('echo again $((1 + 1))\n');
  await expect(screen(page)).toContainText('again 2');
});

test('an editor and a full-screen program work and follow the viewport size', async ({ page, docker }) => {
  const name = docker.name('edits');
  const id = await docker.start(name);
  await openTerminal(page, id, 'vi /tmp/written');
  await expect(screen(page)).toContainText('~');
  await page.keyboard.type('ihello from vi');
  // Without these checks, text from before the first key could match below.
  await expect(screen(page)).toContainText('hello from vi');
  await expect(screen(page)).toContainText('I /tmp/written');
  await page.keyboard.press('Escape');
  // Input right after an escape would be taken for a key sequence.
  await expect(screen(page)).toContainText('- /tmp/written');
  await page.keyboard.type(':wq\n');
  await expect(status(page)).toHaveText('Session ended with exit code 0.');
  expect(await docker.cli('exec', name, 'cat', '/tmp/written')).toContain('hello from vi');

  await openTerminal(page, id, 'top');
  await expect(screen(page)).toContainText('COMMAND');
  await page.keyboard.press('q');
  await expect(status(page)).toContainText('Session ended');

  await openTerminal(page, id, 'while :; do stty size; sleep 0.2; done');
  await expect(screen(page)).toContainText(/\d+ \d+/);
  expect(await screen(page).textContent(), 'the first size is not zero').not.toMatch(/^0 0/);
  const size = async () => /(\d+) (\d+)\s*$/.exec((await screen(page).textContent())!.trim())?.slice(1).map(Number);
  const before = (await size())!;
  await page.setViewportSize({ width: 700, height: 900 });
  await expect.poll(async () => (await size())?.[1]).toBeLessThan(before[1]!);
});

test('leaving the terminal ends its shell', async ({ page, docker }) => {
  const name = docker.name('left');
  const id = await docker.start(name);
  await openTerminal(page, id);
  await page.keyboard.type('sleep 4242\n');
  const processes = () => docker.cli('top', name);
  await expect.poll(processes).toContain('sleep 4242');
  await page.getByRole('link', { name: 'Overview', exact: true }).click();
  await expect.poll(processes).not.toContain('sleep 4242');
  await expect.poll(async () => (await processes()).trim().split('\n').length, { message: 'only its first process is left' }).toBe(2);
  const recorded = await (await page.request.get(`/api/events?entity=${id}&by=users`)).json();
  expect(recorded.events[0]).toMatchObject({ action: 'terminal', name, attributes: { command: 'a shell' } });
});

test('a command that cannot run shows the reason', async ({ page, docker }) => {
  const id = await docker.start(docker.name('says'));
  await openTerminal(page, id, 'no-such-command');
  await expect(screen(page)).toContainText('not found');
  await expect(status(page)).toHaveText('Session ended with exit code 127.');
  const stopped = await docker.create(docker.name('stopped'));
  await open(page, `/containers/${stopped}?tab=terminal`);
  await expect(page.getByText('Start the container to open a terminal')).toBeVisible();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(status(page)).toContainText(/is not running|only .* on running containers/);
});

/** The status line of the response to an upgrade. */
function upgrade(url: string, path: string, origin: string): Promise<string> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ),
    );
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().split('\r\n')[0]!);
    });
    socket.once('error', reject);
  });
}

test('the server rejects shells for other origins and in read-only mode', async ({ server, engine, docker }) => {
  const id = await docker.start(docker.name('guarded'));
  const path = `/ws/terminal?id=${id}`;
  await expect.poll(() => upgrade(server.url, path, server.url), 'the server accepts a shell once it knows the container').toContain('101');
  for (const origin of ['http://127.0.0.1:1', 'http://evil.example', 'null'])
    expect(await upgrade(server.url, path, origin), origin).toContain('403');
  expect(await upgrade(server.url, '/ws/terminal?id=..%2Fx', server.url)).toContain('400');
  expect(await upgrade(server.url, `/ws/terminal?id=${'0'.repeat(64)}`, server.url)).toContain('404');
  const fixed = await Server.start(engine, { QUAYLIGHT_READ_ONLY: 'true' });
  try {
    await expect.poll(() => upgrade(fixed.url, `/ws/logs?ids=${id}`, fixed.url)).toContain('101');
    expect(await upgrade(fixed.url, path, fixed.url)).toContain('403');
  } finally {
    await fixed.stop();
  }
});
