// Transport test: connects, receives the state, and then every change of the probe container.
import { Feed } from './feed.js';
import { OverPolling } from './polling.js';
import { OverSse } from './sse.js';
import { walk } from './walk.js';
import { OverWebSocket } from './websocket.js';

/** @import { Clock } from './clock.js' */
/** @import { Outcome, Step, Walk } from './walk.js' */
/** @import { Handshake } from './websocket.js' */
/** @typedef {(typeof TRANSPORTS)[number]} TransportName */

/**
 * @typedef {object} Transport An open connection that feeds a `Feed`.
 * @property {() => void} close
 * @property {() => Promise<Why>} explain Why the state did not come.
 *
 * @typedef {object} Why
 * @property {string} failure
 * @property {boolean} heldBack The server answered, and something on the way keeps the answer.
 * @property {number | null} [closedWith] The code of the socket's end.
 * @property {Handshake | null} [handshake] Null when the server has seen no request for the socket.
 *
 * @typedef {object} Tested
 * @property {'ok' | 'failed'} result
 * @property {number | null} connected_after_ms Until the first message.
 * @property {string | null} failure
 * @property {Why | null} why Set when the state did not come.
 * @property {Walk | null} walk Null when it was not tried.
 */

export const TRANSPORTS = /** @type {const} */ (['websocket', 'sse', 'polling']);

const OVER = { websocket: OverWebSocket, sse: OverSse, polling: OverPolling };

const TIMEOUT_MS = 5_000;

/**
 * @param {TransportName} name
 * @param {object} setting
 * @param {string} setting.base
 * @param {Clock} setting.clock
 * @param {boolean} setting.walks Whether there can be a probe container.
 * @param {() => boolean} setting.isLeft Whether the page has been left.
 * @param {(connected_after_ms: number) => void} setting.onConnected
 * @param {(step: Step, outcome: Outcome | null) => void} setting.onStep
 * @returns {Promise<Tested>}
 */
export async function testTransport(name, { walks, onConnected, ...setting }) {
  const feed = new Feed();
  const opened = performance.now();
  /** @type {Transport} */
  let transport;
  try {
    transport = new OVER[name](setting.base, feed);
  } catch (error) {
    // The browser itself forbids it, by a policy or a setting.
    const failure = `The browser blocked the connection: ${error instanceof Error ? error.message : error}.`;
    return { result: 'failed', connected_after_ms: null, failure, why: { failure, heldBack: false }, walk: null };
  }
  try {
    const first = await feed.until(() => feed.heard, TIMEOUT_MS);
    const connected_after_ms = first === null ? null : Math.round(performance.now() - opened);
    if (connected_after_ms !== null) onConnected(connected_after_ms);
    const state = await feed.until(() => feed.position, opened + TIMEOUT_MS - performance.now());
    if (state === null) {
      const why = await transport.explain();
      return { result: 'failed', connected_after_ms, failure: why.failure, why, walk: null };
    }
    const walked = walks ? await walk({ ...setting, feed }) : null;
    const failure = walked === null ? null : missing(walked);
    return { result: failure === null ? 'ok' : 'failed', connected_after_ms, failure, why: null, walk: walked };
  } finally {
    transport.close();
  }
}

/** @param {Walk} walked */
function missing({ steps }) {
  for (const [step, outcome] of Object.entries(steps)) {
    if ('missing' in outcome) return `The probe's ${step} event never arrived. ${outcome.missing}`;
  }
  return null;
}
