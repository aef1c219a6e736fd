// WebSocket protocol on /ws, as docs/protocol.md specifies it.
import { expect, test } from '../support/fixtures';
import { closeCode, frame, upgrade } from '../support/raw-socket';
import { containerPut, Socket } from '../support/socket';

test('the server sends hello, then the full state, without a request', async ({ docker, server }) => {
  const name = docker.name('web');
  const id = await docker.start(name, { options: ['--label', 'colour=blue'] });
  const socket = await Socket.open(server.socketUrl());
  const hello = await socket.any();
  expect(hello).toMatchObject({ type: 'hello', protocol: 1, engine: { id: 'local', status: 'reachable' } });
  expect(hello.server_version).toMatch(/^\d+\.\d+\.\d+/);

  const update = await socket.any();
  expect(update).toMatchObject({ type: 'engine_state_update', epoch: hello.epoch });
  expect(Number.isSafeInteger(update.epoch) && Number.isSafeInteger(update.revision)).toBe(true);
  expect(new Date(update.timestamp).toISOString().slice(0, 10)).toBe(update.timestamp.slice(0, 10));
  expect(Object.keys(update.data).sort()).toEqual(['containers', 'hosts', 'images', 'networks', 'volumes']);
  const isOurs = (one: any) => one.id === id;
  if (!update.data.containers.some(isOurs)) await socket.change(containerPut(id));
  else
    expect(update.data.containers.find(isOurs)).toMatchObject({
      host: 'local', name, state: 'running', health: null, exit_code: null, restart_count: 0,
      labels: { colour: 'blue' },
    });
  await socket.close();
});

test('the JSON subprotocol is accepted by name', async ({ server }) => {
  const socket = await Socket.open(server.socketUrl(), { protocols: ['quaylight.v1.json'] });
  expect(socket.raw.protocol).toBe('quaylight.v1.json');
  expect((await socket.any()).type).toBe('hello');
  await socket.close();
});

test('a change arrives as a diff with consecutive revisions and the engine time', async ({ docker, server }) => {
  const socket = await Socket.open(server.socketUrl());
  const update = await socket.next('engine_state_update');
  const id = await docker.create(docker.name('web'));
  await socket.change(containerPut(id, (one) => one.state === 'created'));
  await docker.cli('start', id);
  await socket.change(containerPut(id, (one) => one.state === 'running'));
  await docker.cli('rm', '--force', id);
  const gone = await socket.change((change) => change.op === 'gone' && change.id === id);
  expect(gone).toEqual({ op: 'gone', kind: 'container', host: 'local', id });

  let revision = update.revision;
  for (const diff of socket.inbox.all.filter((message) => message.type === 'engine_state_diff')) {
    expect(diff.epoch).toBe(update.epoch);
    expect(diff.from).toBe(revision);
    expect(diff.to).toBeGreaterThan(diff.from);
    revision = diff.to;
  }
  const caused = socket.inbox.all.filter((message) => message.engine_time);
  expect(caused.length, 'number of diffs with an engine time').toBeGreaterThan(0);
  await socket.close();
});

test('a container stop sends a put with the new usage of its image', async ({ docker, server }) => {
  const id = await docker.start(docker.name('web'));
  const image = (await docker.inspect('container', id)).Image;
  const socket = await Socket.open(server.socketUrl());
  await socket.next('engine_state_update');
  await docker.cli('stop', id);
  const put = await socket.change((change) => change.op === 'put' && change.kind === 'image' && change.value.id === image);
  expect(put.value.usage.all).toBeGreaterThan(put.value.usage.running);
  await socket.close();
});

test('a reconnect with epoch and revision receives only the missed diffs', async ({ docker, server }) => {
  const first = await Socket.open(server.socketUrl());
  const { epoch, revision } = await first.next('engine_state_update');
  await first.close();
  const id = await docker.create(docker.name('web'));
  const watcher = await Socket.open(server.socketUrl({ epoch, rev: revision }));
  expect((await watcher.any()).type).toBe('hello');
  await watcher.change(containerPut(id));
  expect(watcher.inbox.all.map((message) => message.type)).not.toContain('engine_state_update');
  expect(watcher.inbox.all.find((message) => message.type === 'engine_state_diff')!.from).toBe(revision);
  await watcher.close();
});

for (const [why, query] of [
  ['another epoch', (epoch: number, rev: number) => ({ epoch: epoch + 1, rev })],
  ['a future revision', (epoch: number, rev: number) => ({ epoch, rev: rev + 1_000_000 })],
] as const)
  test(`a reconnect with ${why} receives the full state`, async ({ server }) => {
    const first = await Socket.open(server.socketUrl());
    const { epoch, revision } = await first.next('engine_state_update');
    await first.close();
    const again = await Socket.open(server.socketUrl(query(epoch, revision)));
    expect((await again.any()).type).toBe('hello');
    expect(await again.any()).toMatchObject({ type: 'engine_state_update', epoch });
    await again.close();
  });

test('resume on an open socket returns the missed diffs, or the full state for an unknown epoch', async ({ docker, server }) => {
  const socket = await Socket.open(server.socketUrl());
  const { epoch, revision } = await socket.next('engine_state_update');
  const id = await docker.create(docker.name('web'));
  await socket.change(containerPut(id));
  socket.send({ type: 'resume', epoch, revision });
  await socket.next('engine_state_diff', (diff) => diff.from === revision);
  socket.send({ type: 'resume', epoch: epoch + 1, revision });
  const whole = await socket.next('engine_state_update');
  expect(whole.epoch).toBe(epoch);
  await socket.close();
});

test('the server answers ping with pong and the same nonce', async ({ server }) => {
  const socket = await Socket.open(server.socketUrl());
  socket.send({ type: 'ping', nonce: 4711 });
  const pong = await socket.next('pong');
  expect(pong.nonce).toBe(4711);
  expect(pong.server_time).toBeTruthy();
  await socket.close();
});

test('unsubscribe removes channels, subscribe adds them, and the revisions stay consecutive', async ({ docker, server }) => {
  const socket = await Socket.open(server.socketUrl());
  await socket.next('engine_state_update');
  socket.send({ type: 'unsubscribe', channels: ['images', 'volumes', 'networks'] });
  const narrow = await socket.next('engine_state_update');
  expect(narrow.data).toMatchObject({ images: [], volumes: [], networks: [] });
  expect(narrow.data.hosts).toHaveLength(1);

  const volume = docker.name('data');
  await docker.volume(volume);
  const id = await docker.create(docker.name('web'));
  await socket.change(containerPut(id));
  const after = socket.inbox.all.slice(socket.inbox.all.indexOf(narrow) + 1);
  const kinds = new Set(after.flatMap((message) => message.data?.changes ?? []).map((change: any) => change.kind));
  expect([...kinds].filter((kind) => !['container', 'host'].includes(kind as string))).toEqual([]);
  let revision = narrow.revision;
  for (const diff of after.filter((message) => message.type === 'engine_state_diff')) {
    expect(diff.from).toBe(revision);
    revision = diff.to;
  }

  socket.send({ type: 'subscribe', channels: ['volumes'] });
  const wide = await socket.next('engine_state_update');
  expect(wide.data.volumes.some((one: any) => one.id === volume)).toBe(true);
  expect(wide.data.images).toEqual([]);
  expect(wide.revision).toBeGreaterThanOrEqual(revision);
  await docker.cli('volume', 'rm', volume);
  await socket.change((change) => change.op === 'gone' && change.kind === 'volume' && change.id === volume);
  await socket.close();
});

for (const [what, garbage] of [
  ['invalid JSON', 'certainly not JSON'],
  ['JSON that is not an object', '[1, 2]'],
  ['an object without a type', '{"nonce": 1}'],
  ['an unknown type', '{"type": "dance"}'],
  ['a missing field', '{"type": "resume", "epoch": 1}'],
] as const)
  test(`${what} returns an error, and the socket stays open`, async ({ server }) => {
    const socket = await Socket.open(server.socketUrl());
    await socket.next('engine_state_update');
    socket.send(garbage);
    const error = await socket.next('error');
    expect(error.kind).toMatch(/^\w+$/);
    expect(error.message).toMatch(/\w/);
    socket.send({ type: 'ping', nonce: 1 });
    await socket.next('pong');
    await socket.close();
  });

test('a message over 64 KiB closes the socket with 1009', async ({ server }) => {
  const socket = await Socket.open(server.socketUrl());
  socket.send(JSON.stringify({ type: 'ping', nonce: 1, padding: 'x'.repeat(64 * 1024) }));
  expect((await socket.closed).code).toBe(1009);
});

test('a message just under 64 KiB is processed', async ({ server }) => {
  const socket = await Socket.open(server.socketUrl());
  const message = JSON.stringify({ type: 'dance', padding: '' });
  socket.send(message.replace('""', `"${'x'.repeat(64 * 1024 - message.length)}"`));
  await socket.next('error');
  socket.send({ type: 'ping', nonce: 2 });
  await socket.next('pong');
  await socket.close();
});

test('text that is not UTF-8 closes the socket with 1007', async ({ server }) => {
  const socket = await upgrade(server.url);
  const code = closeCode(socket);
  socket.write(frame(1, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])));
  expect(await code).toBe(1007);
});

for (const [what, bytes] of [
  ['an unmasked frame', frame(1, Buffer.from('{}'), { masked: false })],
  ['a reserved bit', frame(1, Buffer.from('{}'), { reserved: 4 })],
  ['an unknown opcode', frame(5, Buffer.from('{}'))],
] as const)
  test(`${what} closes the socket with 1002`, async ({ server }) => {
    const socket = await upgrade(server.url);
    const code = closeCode(socket);
    socket.write(bytes);
    expect(await code).toBe(1002);
  });
