// Server-Sent Events: the list at once, each change, and missed changes after a reconnect.
import { expect, test } from '../support/fixtures';
import { EventStream } from '../support/sse';
import { containerPut } from '../support/socket';

const streams = {
  '/api/containers/stream': ['containers'],
  '/api/images/stream': ['images'],
  '/api/stream': ['containers', 'images', 'volumes', 'networks'],
};

for (const [path, channels] of Object.entries(streams))
  test(`${path} starts with the full state`, async ({ server }) => {
    const stream = await EventStream.open(server.url + path);
    expect(stream.status).toBe(200);
    expect(stream.headers['content-type']).toContain('text/event-stream');
    const first = await stream.next();
    expect(first.data.type).toBe('engine_state_update');
    expect(first.id).toBe(`${first.data.epoch}-${first.data.revision}`);
    expect(first.data.data.hosts).toHaveLength(1);
    for (const name of ['containers', 'images', 'volumes', 'networks'])
      if (!channels.includes(name)) expect(first.data.data[name], name).toEqual([]);
    stream.close();
  });

test('a container change arrives on the containers stream', async ({ docker, server }) => {
  const stream = await EventStream.open(`${server.url}/api/containers/stream`);
  const { data: update } = await stream.next();
  const id = await docker.start(docker.name('web'));
  const diff = await stream.diffWith(containerPut(id, (one) => one.state === 'running'), 3_000);
  expect(diff.id).toBe(`${update.epoch}-${diff.data.to}`);
  await docker.cli('rm', '--force', id);
  await stream.diffWith((change) => change.op === 'gone' && change.id === id, 3_000);
  stream.close();
});

test('an image change arrives on the images stream, and no container change does', async ({ docker, server }) => {
  const stream = await EventStream.open(`${server.url}/api/images/stream`);
  await stream.next();
  await docker.create(docker.name('web'));
  const id = await docker.image('thing:1');
  await stream.diffWith((change) => change.op === 'put' && change.kind === 'image' && change.value.id === id, 5_000);
  const kinds = stream.inbox.all.flatMap(({ data }) => data.data.changes ?? []).map((change: any) => change.kind);
  expect(kinds).not.toContain('container');
  stream.close();
});

test('Last-Event-ID resumes with the missed diffs', async ({ docker, server }) => {
  const url = `${server.url}/api/containers/stream`;
  const first = await EventStream.open(url);
  const { id: last, data: update } = await first.next();
  first.close();
  const container = await docker.create(docker.name('web'));
  const again = await EventStream.open(url, { 'last-event-id': last! });
  const missed = await again.diffWith(containerPut(container));
  expect(again.inbox.all.map(({ data }) => data.type)).not.toContain('engine_state_update');
  expect(again.inbox.all[0]!.data.from).toBe(update.revision);
  expect(missed.id).toMatch(/^\d+-\d+$/);
  again.close();
});

test('an unknown Last-Event-ID returns the full state', async ({ server }) => {
  for (const id of ['1-1', 'garbage']) {
    const stream = await EventStream.open(`${server.url}/api/stream`, { 'last-event-id': id });
    expect((await stream.next()).data.type, id).toBe('engine_state_update');
    stream.close();
  }
});

test('a browser receives changes with a plain EventSource', async ({ page, docker }) => {
  await page.goto('/realtime-test');
  const seen = page.evaluate(
    (wanted) =>
      new Promise<string>((resolve) => {
        const source = new EventSource('/api/containers/stream');
        source.onmessage = ({ data }) => {
          if (!data.includes(wanted)) return;
          source.close();
          resolve(JSON.parse(data).type);
        };
      }),
    docker.name('web'),
  );
  await docker.create(docker.name('web'));
  expect(['engine_state_update', 'engine_state_diff']).toContain(await seen);
});
