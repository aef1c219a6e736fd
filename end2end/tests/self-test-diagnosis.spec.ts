// Diagnosis of the self-test: reports in, findings out, without a browser.
import { diagnose } from '../../public/self-test/diagnosis.js';
import { Feed } from '../../public/self-test/feed.js';
import { micros } from '../../public/self-test/clock.js';
import { asJson, asText, type Report, type TransportReport } from '../../public/self-test/report.js';
import type { Handshake } from '../../public/self-test/websocket.js';
import { STEPS, type Outcome } from '../../public/self-test/walk.js';
import { ms } from '../../public/self-test/words.js';
import { expect, test } from '@playwright/test';

const brought: Outcome = { latency_us: 2_400, total_us: 48_000, delivery_us: 700 };
const late: Outcome = { latency_us: 2_402_400, total_us: 2_448_000, delivery_us: 2_400_700 };
const all = (outcome: Outcome) => Object.fromEntries(STEPS.map((step) => [step, outcome]));

const works: TransportReport = { result: 'ok', connected_after_ms: 12, failure: null, why: null, steps: all(brought) };

function fails(failure: string, why: Partial<NonNullable<TransportReport['why']>> = {}): TransportReport {
  return { result: 'failed', connected_after_ms: null, failure, why: { failure, heldBack: false, ...why }, steps: {} };
}

function misses(cause: 'held-back' | 'unnoticed' | 'lost'): TransportReport {
  const steps = { create: brought, start: { missing: 'Not received within 5 s.', cause } };
  return { ...works, result: 'failed', failure: "The probe's start event never arrived. Not received within 5 s.", steps };
}

const handshake = (outcome: Handshake['outcome'], also: Partial<Handshake> = {}): Handshake => ({
  at: '2026-11-21T09:00:00Z',
  outcome,
  origin: 'https://quay.example',
  host: 'quay.example',
  headers: ['connection'],
  ...also,
});

const stripped = fails("Couldn't open the socket.", { handshake: handshake('no_upgrade') });
const silentStream = fails('The stream connected, but no data arrived within 5 s.', { heldBack: true });

function diagnosed(found: Partial<Report>): Report {
  const report: Report = {
    version: 1,
    at: '2026-11-21T09:00:00Z',
    page: 'https://quay.example/realtime-test',
    user_agent: 'a browser',
    server: { version: '0.1.0', epoch: 5 },
    clock_offset_us: -1_200,
    round_trip_us: 800,
    idle: { result: 'ok', cut_after_s: null },
    walk_refused: null,
    leftovers: [],
    error: null,
    broken_hop: 'none',
    verdict: '',
    advice: '',
    findings: [],
    ...found,
    transports: { websocket: works, sse: works, polling: works, ...found.transports },
  };
  diagnose(report);
  return report;
}

const titles = (report: Report) => report.findings.map(({ title }) => title);

test('a report without failures has no findings', () => {
  const report = diagnosed({});
  expect(report).toMatchObject({ broken_hop: 'none', findings: [] });
  expect(report.verdict).toBe(
    'No problems found: WebSocket, SSE and polling delivered every change, and idle sockets stay open.',
  );
  expect(diagnosed({ idle: { result: 'skipped', cut_after_s: null } }).verdict).not.toContain('silent');
});

test('a socket that arrives as a plain request is diagnosed as a stripped Upgrade header', () => {
  const report = diagnosed({ transports: { websocket: stripped } });
  expect(report.broken_hop).toBe('upgrade-stripped');
  expect(report.verdict).toContain('strips the Upgrade header');
  for (const line of [
    'proxy_http_version 1.1;',
    'proxy_set_header Upgrade $http_upgrade;',
    'proxy_set_header Connection upgrade;',
  ])
    expect(report.advice).toContain(line);
});

test('a socket that never arrives or gets no response is diagnosed as blocked', () => {
  for (const [seen, words] of [
    [null, 'never reached Quaylight'],
    [handshake('upgraded'), 'lost on the way back'],
    [undefined, "Couldn't determine how far"],
  ] as const) {
    const report = diagnosed({
      transports: { websocket: fails("Couldn't open the socket.", { handshake: seen }) },
    });
    expect(report.broken_hop).toBe('websocket-blocked');
    expect(report.findings[0]!.evidence).toContain(words);
  }
});

test('a socket that the server closes is not blamed on a hop', () => {
  const full = fails('The socket was closed with code 1013: too many connections.', {
    closedWith: 1013,
    handshake: handshake('upgraded'),
  });
  const report = diagnosed({ transports: { websocket: full } });
  expect(report.broken_hop).toBe('none');
  expect(report.findings).toMatchObject([{ hop: null, title: 'WebSocket failed.', evidence: full.failure }]);
});

test('a rejected origin shows the headers that the server received and the header to fix', () => {
  const foreign = handshake('origin_refused', { origin: 'http://elsewhere.example' });
  const walk_refused = { title: 'Origin refused', detail: 'Origin "http://elsewhere.example", Host "quay.example"' };
  const report = diagnosed({ transports: { websocket: fails('Refused.', { handshake: foreign }) }, walk_refused });
  expect(report.broken_hop).toBe('origin-refused');
  expect(report.findings).toHaveLength(1);
  expect(report.findings[0]!.evidence).toContain('http://elsewhere.example');
  expect(report.findings[0]!.config).toEqual(['proxy_set_header Origin $http_origin;']);

  const inner = handshake('origin_refused', { host: '127.0.0.1:7300' });
  const other = diagnosed({ transports: { websocket: fails('Refused.', { handshake: inner }) } });
  expect(other.findings[0]!.config).toEqual(['proxy_set_header Host $http_host;']);

  const only = diagnosed({ walk_refused });
  expect(only.broken_hop).toBe('origin-refused');
  expect(only.findings[0]!.evidence).toContain(walk_refused.detail);
});

test('a stream that is silent, loses messages or delays them is diagnosed as buffered', () => {
  for (const sse of [silentStream, misses('held-back'), { ...works, steps: all(late) }]) {
    const report = diagnosed({ transports: { sse } });
    expect(report.broken_hop).toBe('buffering-proxy');
    expect(report.advice).toContain('proxy_buffering off;');
    expect(report.findings).toHaveLength(1);
  }
  const once = diagnosed({ transports: { sse: { ...works, steps: { ...works.steps, stop: late } } } });
  expect(once.broken_hop, 'one late change is not a finding').toBe('none');
  const slow = diagnosed({ round_trip_us: 1_500_000, transports: { sse: { ...works, steps: all(late) } } });
  expect(slow.broken_hop, 'a long round-trip time is not buffering').toBe('none');
});

test('a buffered stream is listed before a stripped Upgrade header', () => {
  const report = diagnosed({ transports: { websocket: stripped, sse: silentStream } });
  expect(report.broken_hop).toBe('buffering-proxy');
  expect(titles(report)).toEqual([expect.stringContaining('is buffering'), expect.stringContaining('Upgrade header')]);
});

test('a change that Quaylight does not detect is not blamed on a hop', () => {
  const lost = misses('unnoticed');
  const report = diagnosed({ transports: { websocket: lost, sse: lost, polling: lost } });
  expect(report.broken_hop).toBe('none');
  expect(titles(report)).toEqual(['WebSocket, SSE and polling failed.']);
  expect(report.advice).toContain('Check that the engine is responding');
});

test('an idle timeout shows its duration and has the lowest priority', () => {
  const idle = { result: 'cut', cut_after_s: 60 } as const;
  const report = diagnosed({ idle });
  expect(report.broken_hop).toBe('idle-timeout');
  expect(report.verdict).toContain('60 s');
  expect(report.findings[0]!.evidence).toContain("isn't affected");
  expect(diagnosed({ idle: { result: 'cut', cut_after_s: 2 } }).findings[0]!.evidence).not.toContain("isn't affected");
  expect(diagnosed({ idle, transports: { websocket: stripped } }).broken_hop).toBe('upgrade-stripped');
});

test('steps that could not be tested are reported without blaming a hop', () => {
  const walk_refused = { title: 'Forbidden', detail: 'This server is read-only' };
  const still = { ...works, steps: {} };
  const report = diagnosed({ walk_refused, transports: { websocket: still, sse: still, polling: still } });
  expect(report.broken_hop).toBe('none');
  expect(report.verdict).toContain("Couldn't test changes");
  expect(report.findings[0]!.evidence).toContain('read-only');

  const frozen = {
    ...works,
    steps: { ...works.steps, pause: { refused: 'No freezer' }, unpause: { refused: 'No freezer' } },
  };
  const partly = diagnosed({ transports: { websocket: frozen, sse: frozen, polling: frozen } });
  expect(titles(partly)).toEqual(["Pause and unpause couldn't be tested."]);
});

test('the text report covers the findings of the JSON report in aligned columns', () => {
  const report = diagnosed({ transports: { sse: misses('held-back') }, idle: { result: 'cut', cut_after_s: 60 } });
  const text = asText(report);
  for (const words of [
    ...titles(report),
    'proxy_buffering off;',
    '2.4/48',
    'missing',
    'Closed. After 60 s idle.',
    'a browser',
  ])
    expect(text).toContain(words);
  const rows = text.split('\n').filter((line) => /^(WebSocket|SSE|Polling) /.test(line));
  expect(new Set(rows.map((row) => row.search(/\b(ok|failed)\b/))).size, 'the results align in one column').toBe(1);
  expect(JSON.parse(asJson(report))).toEqual(report);
});

test('milliseconds have one decimal below ten, and none above', () => {
  expect([0, 2_449, 9_949, 9_950, 48_400, -1_250].map(ms)).toEqual(['0.0', '2.4', '9.9', '10', '48', '-1.3']);
});

test.describe('the feed', () => {
  const container = (state: string) => ({ host: 'local', id: 'a', name: 'web', state });
  const update = (revision: number, ...containers: object[]) =>
    JSON.stringify({
      type: 'engine_state_update',
      epoch: 5,
      revision,
      timestamp: '2026-11-21T09:00:00Z',
      data: { containers },
    });
  const diff = (from: number, to: number, ...changes: object[]) => ({
    type: 'engine_state_diff',
    epoch: 5,
    from,
    to,
    timestamp: '2026-11-21T09:00:00.003Z',
    engine_time: '2026-11-21T09:00:00.000500Z',
    data: { changes },
  });
  const put = (state: string) => ({ op: 'put', kind: 'container', value: container(state) });
  const gone = { op: 'gone', kind: 'container', host: 'local', id: 'a' };

  test('records the changes of each diff with the times of both clocks', () => {
    const feed = new Feed();
    feed.hear(update(1), 10);
    feed.hear(JSON.stringify(diff(1, 3, put('running'), { op: 'gone', kind: 'image', host: 'local', id: 'i' })), 20);
    feed.hear(JSON.stringify({ type: 'engine_state_diffs', epoch: 5, from: 3, to: 4, diffs: [diff(3, 4, gone)] }), 30);
    const [sent, caused] = [micros('2026-11-21T09:00:00.003Z'), micros('2026-11-21T09:00:00.0005Z')];
    expect(sent - caused).toBe(2_500);
    expect(feed.arrivals).toEqual([
      { id: 'a', container: container('running'), at: 20, caused, sent },
      { id: 'a', container: null, at: 30, caused, sent },
    ]);
    expect(feed).toMatchObject({ position: { epoch: 5, revision: 4 }, ended: null });
  });

  test('ends on a revision gap or an invalid message', () => {
    for (const text of [JSON.stringify(diff(2, 3, gone)), '<!DOCTYPE html>', '{"type":"engine_state_diff"}']) {
      const feed = new Feed();
      feed.hear(update(1), 10);
      feed.hear(text, 20);
      expect(feed.ended, text).toContain('invalid protocol message');
      expect(feed.arrivals).toEqual([]);
    }
  });

  test('derives changes from a repeated full state', () => {
    const feed = new Feed();
    feed.hear(update(1, container('running')), 10);
    expect(feed.arrivals, 'the first state is not a change').toEqual([]);
    feed.hear(update(7, container('paused')), 20);
    feed.hear(update(9), 30);
    expect(feed.arrivals.map((arrival) => arrival.container?.state ?? null)).toEqual(['paused', null]);
  });

  test('resolves its waiters on a match, on its end and after a timeout', async () => {
    const feed = new Feed();
    const state = feed.until(() => feed.position, 60_000);
    const never = feed.until(() => null, 60_000);
    expect(await feed.until(() => null, 1)).toBeNull();
    feed.hear(update(1), 10);
    expect(await state).toEqual({ epoch: 5, revision: 1 });
    feed.end('The socket was closed unexpectedly.');
    expect(await never).toBeNull();
  });
});
