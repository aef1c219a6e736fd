// Report: as JSON (see `Report`) and as text for an email or a ticket.
import { capital, ms, NAMES, seconds } from './words.js';
import { STEPS } from './walk.js';

/** @import { Finding, Hop } from './diagnosis.js' */
/** @import { Idle } from './idle.js' */
/** @import { Tested, TransportName, Why } from './transport.js' */
/** @import { Outcome, Step } from './walk.js' */

/**
 * @typedef {object} TransportReport
 * @property {'ok' | 'failed'} result
 * @property {number | null} connected_after_ms
 * @property {string | null} failure
 * @property {Why | null} why What is known of a connection that did not bring the state.
 * @property {Partial<Record<Step, Outcome>>} steps Those that were tried.
 *
 * @typedef {object} Report
 * @property {1} version
 * @property {string} at RFC 3339.
 * @property {string} page
 * @property {string} user_agent
 * @property {{ version: string, epoch: number } | null} server Null when it did not answer.
 * @property {number | null} clock_offset_us What to add to this browser's clock to get the server's.
 * @property {number | null} round_trip_us
 * @property {Partial<Record<TransportName, TransportReport>>} transports
 * @property {Idle | null} idle
 * @property {{ title: string, detail: string } | null} walk_refused Why there was no probe container.
 * @property {string[]} leftovers What could not be removed, and what to do.
 * @property {string | null} error What ended the test before its time.
 * @property {Hop | 'none'} broken_hop The worst of the findings.
 * @property {string} verdict A sentence.
 * @property {string} advice
 * @property {Finding[]} findings Worst first.
 */

/** @returns {Report} */
export function emptyReport() {
  return {
    version: 1,
    at: new Date().toISOString(),
    page: location.origin + location.pathname,
    user_agent: navigator.userAgent,
    server: null,
    clock_offset_us: null,
    round_trip_us: null,
    transports: {},
    idle: null,
    walk_refused: null,
    leftovers: [],
    error: null,
    broken_hop: 'none',
    verdict: '',
    advice: '',
    findings: [],
  };
}

/**
 * @param {Report} report
 * @param {TransportName} name
 * @param {Tested} tested
 */
export function addTransport(report, name, { walk, ...tested }) {
  report.transports[name] = { ...tested, steps: walk?.steps ?? {} };
  if (walk?.refused) report.walk_refused = { title: walk.refused.title, detail: walk.refused.detail };
  if (walk?.leftover) report.leftovers.push(walk.leftover);
}

/** @param {Report} report */
export function asJson(report) {
  return JSON.stringify(report, null, 2);
}

/** @param {Report} report */
export function asText(report) {
  const server =
    report.server === null ? 'no server response' : `server ${report.server.version}, epoch ${report.server.epoch}`;
  const lines = [
    `Quaylight self-test, ${report.at}`,
    `${report.page}, ${server}`,
    report.user_agent,
    '',
    ...(report.findings.length === 0 ? [report.verdict, ''] : report.findings.flatMap(paragraph)),
    `Broken hop: ${report.broken_hop}`,
  ];
  if (report.clock_offset_us !== null && report.round_trip_us !== null) {
    lines.push(
      `Clock offset ${ms(report.clock_offset_us)} ms (added to browser times), round trip ${ms(report.round_trip_us)} ms`,
    );
  }
  lines.push(
    '',
    ...table(report),
    `Idle socket: ${report.idle === null ? 'not tested' : silence(report.idle).join('. ')}`,
  );
  return `${lines.join('\n')}\n`;
}

/** @param {Finding} finding */
function paragraph({ title, evidence, advice, config }) {
  return [...[title, evidence, advice].filter((line) => line !== ''), ...config.map((line) => `    ${line}`), ''];
}

/**
 * The result of the idle test in a word, and the words that go with it.
 * @param {Idle} idle
 * @returns {[word: string, detail: string]}
 */
export function silence({ result, cut_after_s }) {
  switch (result) {
    case 'ok':
      return ['OK', 'It stayed open while idle.'];
    case 'cut':
      return ['Closed', `After ${seconds(cut_after_s ?? 0)} idle.`];
    case 'skipped':
      return ['Skipped', 'Idle timeout not tested.'];
    case 'interrupted':
      return ['Unknown', 'The server disconnected during the test.'];
    case 'unavailable':
      return ['Not tested', "Couldn't open a WebSocket."];
  }
}

/** @param {Report} report */
function table({ transports }) {
  const rows = [['', 'result', 'connected', ...STEPS]];
  for (const [name, it] of Object.entries(transports)) {
    const connected = it.connected_after_ms === null ? '-' : `${it.connected_after_ms}`;
    const word = capital(NAMES[/** @type {TransportName} */ (name)]);
    rows.push([word, it.result, connected, ...STEPS.map((step) => cell(it.steps[step]))]);
  }
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const note = "Milliseconds until arrival in this browser: from the engine event / from the request";
  return [
    note,
    ...rows.map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    '',
  ];
}

/** @param {Outcome | undefined} outcome */
function cell(outcome) {
  if (outcome === undefined) return '-';
  if ('missing' in outcome) return 'missing';
  if ('refused' in outcome) return 'refused';
  return `${ms(outcome.latency_us)}/${ms(outcome.total_us)}`;
}
