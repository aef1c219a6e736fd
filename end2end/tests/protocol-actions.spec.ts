// Actions over the socket: effect, acknowledgment, and readable errors.
import { expect, test } from '../support/fixtures';
import { containerPut, Socket } from '../support/socket';

let socket: Socket;

test.beforeEach(async ({ server }) => {
  socket = await Socket.open(server.socketUrl());
  await socket.next('engine_state_update');
});

test.afterEach(() => socket.close());

test('an action is acknowledged, and all clients receive its effect as a diff', async ({ docker, server }) => {
  const id = await docker.create(docker.name('web'));
  const other = await Socket.open(server.socketUrl());
  await other.next('engine_state_update');
  const steps = [
    ['start', 'running', {}],
    ['pause', 'paused', {}],
    ['unpause', 'running', {}],
    ['stop', 'exited', { timeout: 1 }],
    ['restart', 'running', { timeout: 0 }],
    ['kill', 'exited', { signal: 'KILL' }],
  ] as const;
  for (const [verb, state, options] of steps) {
    socket.send({ type: 'action', id: verb, action: `container.${verb}`, target: id, options });
    // The effect may arrive before the response: waiting for one must not drop the other.
    const effect = other.change(containerPut(id, (one) => one.state === state));
    const ack = await socket.next('ack', (message) => message.id === verb);
    expect(ack, verb).toMatchObject({ id: verb, ok: true });
    await effect;
    await expect.poll(() => docker.states()).toEqual({ [docker.name('web')]: state });
  }
  socket.send({ type: 'action', id: 'r', action: 'container.remove', target: id });
  expect(await socket.next('ack')).toMatchObject({ id: 'r', ok: true });
  await other.change((change) => change.op === 'gone' && change.id === id);
  await other.close();
});

const failures = [
  ['a missing container', 'not_found', (_id: string) => ({ action: 'container.stop', target: '0'.repeat(64) })],
  ['a pause of a container that does not run', 'conflict', (id: string) => ({ action: 'container.pause', target: id })],
  ['an invalid container ID', 'invalid', (_id: string) => ({ action: 'container.stop', target: '../images/json' })],
  ['an unknown action', 'invalid', (id: string) => ({ action: 'container.dance', target: id })],
  ['an unknown option', 'invalid', (id: string) => ({ action: 'container.start', target: id, options: { sideways: true } })],
  ['an unknown host', 'not_found', (id: string) => ({ action: 'container.start', target: id, host: 'elsewhere' })],
] as const;

for (const [what, kind, action] of failures)
  test(`${what} is rejected as ${kind} with a message`, async ({ docker }) => {
    const id = await docker.create(docker.name('web'));
    socket.send({ type: 'action', id: '7', ...action(id) });
    const ack = await socket.next('ack');
    expect(ack).toMatchObject({ id: '7', ok: false, error: { kind } });
    expect(ack.error.message).toMatch(/\w+ \w+/);
    expect(await docker.states()).toEqual({ [docker.name('web')]: 'created' });
    socket.send({ type: 'ping', nonce: 1 });
    await socket.next('pong');
  });

test('each of several concurrent actions is acknowledged with its own ID', async ({ docker }) => {
  const ids = await Promise.all(['a', 'b', 'c', 'd'].map((word) => docker.create(docker.name(word))));
  for (const target of ids) socket.send({ type: 'action', id: target, action: 'container.remove', target });
  const answered = new Set<string>();
  while (answered.size < ids.length) {
    const ack = await socket.next('ack');
    expect(ack.ok).toBe(true);
    answered.add(ack.id);
  }
  expect([...answered].sort()).toEqual([...ids].sort());
});
