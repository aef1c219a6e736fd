// Which hop between this browser and Quaylight is broken, by what evidence, and what is to be done?
import { capital, list, NAMES, seconds } from './words.js';

/** @import { Report, TransportReport } from './report.js' */
/** @import { TransportName } from './transport.js' */
/** @typedef {'origin-refused' | 'buffering-proxy' | 'upgrade-stripped' | 'websocket-blocked' | 'idle-timeout'} Hop */

/**
 * @typedef {object} Finding
 * @property {Hop | null} hop Null when no hop is at fault, or none can be named.
 * @property {'failed' | 'cut' | 'note'} weight
 * @property {string} title A sentence.
 * @property {string} evidence
 * @property {string} advice
 * @property {string[]} config Lines for nginx, as the example that can be translated.
 */

/** Reasons of the server's own to close a socket. */
const SERVERS_OWN = [1001, 1013, 4001, 4002];

/** A change this much later than its way takes was held back; two of them are no accident. */
const LATE_US = 1_000_000;
const LATE_AT_LEAST = 2;

/** How often the page pings. */
const PING_S = 3;

/**
 * Puts the findings into the report, worst first, and the worst as its verdict. A refused origin stops every change.
 * Held-back streams come before a socket that fails: together they break what the page would fall back to, and alone
 * there is nothing to come before.
 * @param {Report} report
 */
export function diagnose(report) {
  const hops = [origin(report), buffering(report), socket(report), ...unexplained(report), idle(report)];
  report.findings = [...hops.filter((finding) => finding !== null), ...notes(report)];
  const [worst] = report.findings;
  report.broken_hop = report.findings.find(({ hop }) => hop !== null)?.hop ?? 'none';
  report.verdict = worst?.title ?? praise(report);
  report.advice = worst === undefined ? 'There is nothing to do.' : [worst.advice, ...worst.config].join(' ');
}

/** @param {Report} report */
function praise(report) {
  const all = list(entries(report).map(([name]) => NAMES[name]));
  return report.idle?.result === 'ok'
    ? `Nothing is in the way: ${all} brought every change, and a silent socket stays open.`
    : `Nothing is in the way: ${all} brought every change.`;
}

/**
 * @param {Report} report
 * @returns {Finding | null}
 */
function origin({ page, transports, walk_refused }) {
  const handshake = transports.websocket?.why?.handshake;
  const seen = handshake?.outcome === 'origin_refused' ? handshake : null;
  const refused = walk_refused?.title === 'Origin refused' ? walk_refused : null;
  if (seen === null && refused === null) return null;
  const here = new URL(page);
  const saw = seen === null ? refused?.detail : `Quaylight saw the Origin ${seen.origin} and the Host ${seen.host}.`;
  const changed = seen !== null && seen.origin !== here.origin;
  return {
    hop: 'origin-refused',
    weight: 'failed',
    title: 'A proxy changes Host or Origin, so that Quaylight takes this page for a foreign one.',
    evidence: `This page is at ${here.origin}. ${saw} So no change can be made from here.`,
    advice: 'Let the proxy pass both as they come. For nginx:',
    config:
      changed && seen.host === here.host
        ? ['proxy_set_header Origin $http_origin;']
        : ['proxy_set_header Host $http_host;'],
  };
}

/**
 * @param {Report} report
 * @returns {Finding | null}
 */
function buffering(report) {
  const held = entries(report).flatMap(([name, it]) => {
    const how = heldBack(name, it, report);
    return how === null ? [] : `${capital(NAMES[name])}: ${how}`;
  });
  if (held.length === 0) return null;
  return {
    hop: 'buffering-proxy',
    weight: 'failed',
    title: 'A proxy holds back what Quaylight streams.',
    evidence: held.join(' '),
    advice: 'Turn off its buffering and its compression of streams. For nginx:',
    config: ['proxy_buffering off;', 'gzip off;'],
  };
}

/**
 * By what it shows that something keeps what the server sent; null when nothing does.
 * @param {TransportName} name
 * @param {TransportReport} transport
 * @param {Report} report
 */
function heldBack(name, { why, failure, steps }, { round_trip_us }) {
  // An answer of polling comes whole or not at all.
  if (name === 'polling') return null;
  if (why !== null) return why.heldBack ? failure : null;
  const outcomes = Object.values(steps);
  if (outcomes.some((it) => 'missing' in it && it.cause === 'held-back')) return failure;
  const delays = outcomes.flatMap((it) => ('delivery_us' in it ? it.delivery_us : []));
  const late = delays.filter((delay) => delay > LATE_US + (round_trip_us ?? 0));
  if (late.length < LATE_AT_LEAST) return null;
  const most = seconds(Math.round(Math.max(...late) / 1e6));
  return `${late.length} of ${delays.length} changes came late, up to ${most} after Quaylight had sent them.`;
}

/**
 * @param {Report} report
 * @returns {Finding | null}
 */
function socket({ transports }) {
  const why = transports.websocket?.why;
  if (!why || why.handshake?.outcome === 'origin_refused') return null;
  if (why.closedWith && SERVERS_OWN.includes(why.closedWith)) return null;
  if (why.handshake?.outcome === 'no_upgrade') {
    const { headers } = why.handshake;
    const left = headers.length === 0 ? '' : ` Of the headers that proxies treat it carried ${list(headers)}.`;
    return {
      hop: 'upgrade-stripped',
      weight: 'failed',
      title: 'A proxy between this browser and Quaylight removes the Upgrade header.',
      evidence: `The request for the WebSocket reached Quaylight as a plain one.${left}`,
      advice: 'Let the proxy pass the upgrade on. For nginx:',
      config: [
        'proxy_http_version 1.1;',
        'proxy_set_header Upgrade $http_upgrade;',
        'proxy_set_header Connection upgrade;',
      ],
    };
  }
  return {
    hop: 'websocket-blocked',
    weight: 'failed',
    title: 'Something between this browser and Quaylight blocks WebSockets.',
    evidence: `${why.failure} ${trace(why.handshake)}`,
    advice:
      "Look for a firewall, a filter on this device or a proxy that answers in Quaylight's place, and let /ws pass.",
    config: [],
  };
}

/** @param {object | null | undefined} handshake */
function trace(handshake) {
  if (handshake === undefined) return 'How far the request for it came could not be learned.';
  if (handshake === null) return 'The request for it never reached Quaylight.';
  return 'Quaylight had agreed to it; its answer was lost on the way back.';
}

/**
 * Failures that none of the above explains; transports that failed alike are named together.
 * @param {Report} report
 * @returns {Finding[]}
 */
function unexplained(report) {
  const socketIsExplained = origin(report) !== null || socket(report) !== null;
  /** @type {Map<string, { names: string[], advice: string }>} */
  const alike = new Map();
  for (const [name, it] of entries(report)) {
    const isExplained =
      heldBack(name, it, report) !== null || (name === 'websocket' && it.why !== null && socketIsExplained);
    if (it.failure === null || isExplained) continue;
    const names = alike.get(it.failure)?.names ?? [];
    alike.set(it.failure, { names: [...names, NAMES[name]], advice: blame(it) });
  }
  return [...alike].map(([failure, { names, advice }]) => ({
    hop: null,
    weight: 'failed',
    title: `${capital(list(names))} failed.`,
    evidence: failure,
    advice,
    config: [],
  }));
}

/** @param {TransportReport} transport */
function blame({ why, steps }) {
  if (why?.closedWith && SERVERS_OWN.includes(why.closedWith)) return 'Quaylight itself closed it; no hop is to blame.';
  if (Object.values(steps).some((step) => 'missing' in step && step.cause === 'unnoticed')) {
    return 'Quaylight itself had not noticed the change, so no hop is to blame: see whether the engine answers.';
  }
  return 'No hop could be named. Run the test again, and see what the server and the proxies logged.';
}

/**
 * @param {Report} report
 * @returns {Finding | null}
 */
function idle({ idle }) {
  if (idle?.result !== 'cut' || idle.cut_after_s === null) return null;
  const harmless = idle.cut_after_s > PING_S;
  return {
    hop: 'idle-timeout',
    weight: 'cut',
    title: `A proxy cuts a socket after ${seconds(idle.cut_after_s)} of silence.`,
    evidence: harmless
      ? 'This is harmless for the page, which pings every 3 s.'
      : 'The page pings every 3 s, and loses its connection between two pings.',
    advice: harmless
      ? 'Other clients should ping as well, or the proxy wait longer. For nginx:'
      : 'Let the proxy wait longer. For nginx:',
    config: ['proxy_read_timeout 1h;', 'proxy_send_timeout 1h;'],
  };
}

/**
 * What no hop did, and yet has to be said.
 * @param {Report} report
 * @returns {Finding[]}
 */
function notes(report) {
  /** @type {[title: string, evidence: string, advice: string][]} */
  const said = [];
  if (report.error !== null)
    said.push(['The test could not be finished.', report.error, 'See whether Quaylight answers.']);
  if (report.walk_refused !== null && origin(report) === null) {
    const { title, detail } = report.walk_refused;
    said.push([
      'Changes could not be tested: there was no probe container.',
      `${title}: ${detail}`,
      'What was tested is that each transport connects and brings its first state.',
    ]);
  }
  for (const [reason, steps] of refusals(report)) {
    said.push([`${capital(list([...steps]))} could not be tested.`, reason, '']);
  }
  if (report.idle?.result === 'interrupted') said.push(['The server went away during the idle test.', '', '']);
  for (const leftover of report.leftovers) said.push(['A probe container is left over.', leftover, '']);
  return said.map(([title, evidence, advice]) => ({ hop: null, weight: 'note', title, evidence, advice, config: [] }));
}

/**
 * The steps that were refused, by the reason given.
 * @param {Report} report
 */
function refusals(report) {
  /** @type {Map<string, Set<string>>} */
  const refused = new Map();
  for (const [step, it] of entries(report).flatMap(([, { steps }]) => Object.entries(steps))) {
    if ('refused' in it) refused.set(it.refused, new Set(refused.get(it.refused)).add(step));
  }
  return refused;
}

/** @param {Report} report */
function entries({ transports }) {
  return /** @type {[TransportName, TransportReport][]} */ (Object.entries(transports));
}
