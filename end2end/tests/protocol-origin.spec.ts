// Origin check: programs, and pages of the server's own host and port, may connect.
import { expect, test } from '../support/fixtures';
import { ask } from '../support/http';
import { expectState, open, rowOf } from '../support/page';
import { Socket } from '../support/socket';

test('the server accepts its own origin and requests without an origin', async ({ server }) => {
  for (const options of [{}, { origin: server.url }]) {
    const socket = await Socket.open(server.socketUrl(), options);
    expect((await socket.any()).type).toBe('hello');
    await socket.close();
  }
});

const strangers = (url: string) => {
  const { hostname, port } = new URL(url);
  return ['http://evil.example', `http://${hostname}:${Number(port) + 1}`, `http://${hostname}`, `http://localhost.evil.example:${port}`, 'null'];
};

test('the server rejects any other origin with 403, including its host on another port', async ({ server }) => {
  for (const origin of strangers(server.url))
    await expect(Socket.open(server.socketUrl(), { origin }), origin).rejects.toThrow('refused with 403');
});

test('the server rejects a mutating request of another origin with 403', async ({ page, docker, server }) => {
  const name = docker.name('web');
  await docker.start(name);
  await open(page, '/containers');
  await expectState(page, name, 'running');
  const asked = page.waitForRequest((request) => request.method() === 'POST');
  await rowOf(page, 'container', name).hover();
  await page.getByRole('button', { name: `Stop ${name}`, exact: true }).click();
  const request = await asked;
  await expectState(page, name, 'exited');
  await docker.cli('start', name);
  await expectState(page, name, 'running');

  const { 'content-type': type = '', accept = '' } = await request.allHeaders();
  for (const origin of strangers(server.url)) {
    const answer = await ask(request.url(), {
      method: 'POST',
      headers: { 'content-type': type, accept, origin },
      body: request.postDataBuffer() ?? '',
    });
    expect(answer.status, origin).toBe(403);
  }
  expect((await docker.inspect('container', name)).State.Status).toBe('running');
});
