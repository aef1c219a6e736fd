// /api/openapi.json: valid, and true to the server.
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from '../support/fixtures';
import { ask } from '../support/http';

const post = (url: string, body: unknown) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

test('the document is valid, and the server knows each action in it', async ({ server }) => {
  const document = JSON.parse((await ask(`${server.url}/api/openapi.json`)).text);
  const { valid, errors } = await new Validator().validate(document);
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  const actions = Object.keys(document.paths).filter((path) => path.startsWith('/api/actions/'));
  expect(actions.length).toBeGreaterThan(20);
  for (const path of actions) {
    const answer = await post(server.url + path, { target: '../' });
    expect(answer.status, path).toBe(400);
    expect((await answer.json()).detail, path).not.toContain('unknown action');
  }
});

test('an action stops a container, and errors are problem documents', async ({ docker, server }) => {
  const id = await docker.start(docker.name('web'));
  const stop = (body: unknown) => post(`${server.url}/api/actions/container.stop`, body);
  expect((await stop({ target: id, options: { timeout: 0 } })).status).toBe(200);
  expect(Object.values(await docker.states())).toEqual(['exited']);
  const gone = await stop({ target: '0'.repeat(64) });
  expect(gone.status).toBe(404);
  expect(gone.headers.get('content-type')).toBe('application/problem+json');
  const unknown = await stop({ target: id, options: { signal: 'HUP' } });
  expect([unknown.status, (await unknown.json()).detail]).toEqual([400, 'container.stop: unknown field `signal`, expected `timeout`']);
  const foreign = await fetch(`${server.url}/api/actions/container.start`, {
    method: 'POST',
    headers: { origin: 'http://evil.example' },
    body: JSON.stringify({ target: id }),
  });
  expect(foreign.status).toBe(403);
});
