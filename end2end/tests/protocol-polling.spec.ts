// Polling: the full state, the diffs since a revision, or nothing when nothing changed.
import { expect, test } from '../support/fixtures';
import { ask, askJson } from '../support/http';
import { containerPut } from '../support/socket';

test('a poll returns the full state, and 304 until it changes', async ({ docker, server }) => {
  const url = `${server.url}/api/state`;
  const first = await ask(url);
  expect(first.status).toBe(200);
  const update = JSON.parse(first.text);
  expect(update.type).toBe('engine_state_update');
  const etag = `"${update.epoch}-${update.revision}"`;
  expect(first.headers.etag).toBe(etag);

  const same = await ask(url, { headers: { 'if-none-match': etag } });
  expect(same.status).toBe(304);
  expect(same.body).toHaveLength(0);
  await docker.create(docker.name('web'));
  await expect.poll(async () => (await ask(url, { headers: { 'if-none-match': etag } })).status).toBe(200);
});

test('a poll since a revision returns consecutive diffs', async ({ docker, server }) => {
  const { epoch, revision } = await askJson(`${server.url}/api/state`);
  const since = `${server.url}/api/state?since=${epoch}-${revision}`;
  const id = await docker.create(docker.name('web'));
  await expect
    .poll(async () => (await askJson(since)).diffs.flatMap((diff: any) => diff.data.changes).some(containerPut(id)))
    .toBe(true);
  const answer = await ask(since);
  const { type, from, to, diffs } = JSON.parse(answer.text);
  expect({ type, from }).toEqual({ type: 'engine_state_diffs', from: revision });
  expect(answer.headers.etag).toBe(`"${epoch}-${to}"`);
  let at = from;
  for (const diff of diffs) {
    expect(diff).toMatchObject({ type: 'engine_state_diff', epoch, from: at });
    at = diff.to;
  }
  expect(at).toBe(to);

  const upToDate = await askJson(`${server.url}/api/state?since=${epoch}-${to}`);
  expect(upToDate).toMatchObject({ type: 'engine_state_diffs', from: to });
});

test('a poll of another epoch returns the full state, and an invalid one a problem document', async ({ server }) => {
  const { epoch } = await askJson(`${server.url}/api/state`);
  expect(await askJson(`${server.url}/api/state?since=${epoch + 1}-1`)).toMatchObject({ type: 'engine_state_update', epoch });
  const answer = await ask(`${server.url}/api/state?since=yesterday`);
  expect(answer.status).toBe(400);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(JSON.parse(answer.text)).toMatchObject({ status: 400, title: /\w/, detail: /\w/ });
});

test('healthz reports the status, the revision and zero drift', async ({ server }) => {
  const health = await askJson(`${server.url}/healthz`);
  // Checked before the count: the log names each drifted object.
  expect(server.log().split('\n').filter((line) => line.includes('no event reported'))).toEqual([]);
  expect(health).toMatchObject({ status: 'ok', engines: [{ id: 'local', reachable: true, drift: 0 }] });
  expect(Number.isSafeInteger(health.revision)).toBe(true);
});

test('an unknown API route returns a problem document, not a page', async ({ server }) => {
  const answer = await ask(`${server.url}/api/no-such-thing`);
  expect(answer.status).toBe(404);
  expect(answer.headers['content-type']).toContain('application/problem+json');
});
