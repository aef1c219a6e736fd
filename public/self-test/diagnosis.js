// Diagnosis: the broken hop between this browser and Quaylight, its evidence, and the fix.
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
  report.advice = worst === undefined ? 'No action needed.' : [worst.advice, ...worst.config].join(' ');
}

/** @param {Report} report */
function praise(report) {
  const all = list(entries(report).map(([name]) => NAMES[name]));
  return report.idle?.result === 'ok'
    ? `No problems found: ${all} delivered every change, and idle sockets stay open.`
    : `No problems found: ${all} delivered every change.`;
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
  const saw = seen === null ? refused?.detail : `Quaylight received Origin ${seen.origin} and Host ${seen.host}.`;
  const changed = seen !== null && seen.origin !== here.origin;
  return {
    hop: 'origin-refused',
    weight: 'failed',
    title: 'A proxy rewrites the Host or Origin header, so Quaylight rejects this page as cross-origin.',
    evidence: `This page is at ${here.origin}. ${saw} Changes can't be made from this page.`,
    advice: 'Configure the proxy to pass both headers unchanged. For nginx:',
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
    title: "A proxy is buffering Quaylight's event stream.",
    evidence: held.join(' '),
    advice: 'Disable buffering and compression for streams. For nginx:',
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
  return `${late.length} of ${delays.length} changes arrived late, up to ${most} after Quaylight sent them.`;
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
    const left = headers.length === 0 ? '' : ` Proxy-related headers received: ${list(headers)}.`;
    return {
      hop: 'upgrade-stripped',
      weight: 'failed',
      title: 'A proxy between this browser and Quaylight strips the Upgrade header.',
      evidence: `The WebSocket request reached Quaylight as a plain HTTP request.${left}`,
      advice: 'Configure the proxy to forward WebSocket upgrades. For nginx:',
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
    title: 'Something between this browser and Quaylight is blocking WebSockets.',
    evidence: `${why.failure} ${trace(why.handshake)}`,
    advice:
      "Check for a firewall, content filter or proxy that intercepts the connection, and allow /ws.",
    config: [],
  };
}

/** @param {object | null | undefined} handshake */
function trace(handshake) {
  if (handshake === undefined) return "Couldn't determine how far the request got.";
  if (handshake === null) return 'The request never reached Quaylight.';
  return 'Quaylight accepted it, but the response was lost on the way back.';
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
  if (why?.closedWith && SERVERS_OWN.includes(why.closedWith)) return 'Quaylight closed it. No proxy is at fault.';
  if (Object.values(steps).some((step) => 'missing' in step && step.cause === 'unnoticed')) {
    return "Quaylight didn't see the change, so no proxy is at fault. Check that the engine is responding.";
  }
  return "Couldn't identify the cause. Run the test again, and check the server and proxy logs.";
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
    title: `A proxy closes idle WebSockets after ${seconds(idle.cut_after_s)}.`,
    evidence: harmless
      ? "This page isn't affected, because it pings every 3 s."
      : 'The page pings every 3 s, but the connection is closed between pings.',
    advice: harmless
      ? 'Other clients must send pings, or the proxy needs a longer idle timeout. For nginx:'
      : "Increase the proxy's idle timeout. For nginx:",
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
    said.push(["The test couldn't be completed.", report.error, 'Check that Quaylight is responding.']);
  if (report.walk_refused !== null && origin(report) === null) {
    const { title, detail } = report.walk_refused;
    said.push([
      "Couldn't test changes: the probe container wasn't created.",
      `${title}: ${detail}`,
      'Only the connection and initial state of each transport were tested.',
    ]);
  }
  for (const [reason, steps] of refusals(report)) {
    said.push([`${capital(list([...steps]))} couldn't be tested.`, reason, '']);
  }
  if (report.idle?.result === 'interrupted') said.push(['The server disconnected during the idle test.', '', '']);
  for (const leftover of report.leftovers) said.push(['A probe container was left behind.', leftover, '']);
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
