// Latency measurement: walks the probe container from create to remove over one transport.
import { now } from './clock.js';
import { Probe, Refused } from './probe.js';

/** @import { Clock } from './clock.js' */
/** @import { Container, Feed } from './feed.js' */
/** @typedef {(typeof STEPS)[number]} Step */

/**
 * @typedef {object} Brought
 * @property {number} latency_us From the engine's event to its arrival here.
 * @property {number} total_us From our request to its arrival here.
 * @property {number} delivery_us From the server's stamp to its arrival here: the part that hops in between can spoil.
 *
 * @typedef {object} Missing
 * @property {string} missing
 * @property {'held-back' | 'unnoticed' | 'lost'} cause The server had the change; it did not; unknown.
 *
 * @typedef {Brought | Missing | { refused: string }} Outcome
 *
 * @typedef {object} Walk
 * @property {Partial<Record<Step, Outcome>>} steps Those that were tried.
 * @property {Refused | null} refused Why there was no probe container to walk.
 * @property {string | null} leftover What could not be removed, and what to do.
 */

export const STEPS = /** @type {const} */ (['create', 'start', 'pause', 'unpause', 'rename', 'stop', 'remove']);

const TIMEOUT_MS = 5_000;

/**
 * How a container looks after each step.
 * @type {Record<Step, (container: Container | null, name: string) => boolean>}
 */
const SHOWS = {
  create: (container) => container !== null,
  start: (container) => container?.state === 'running',
  pause: (container) => container?.state === 'paused',
  unpause: (container) => container?.state === 'running',
  rename: (container, name) => container?.name === name,
  stop: (container) => container?.state === 'exited' || container?.state === 'dead',
  remove: (container) => container === null,
};

/**
 * @param {object} setting
 * @param {string} setting.base
 * @param {Clock} setting.clock
 * @param {Feed} setting.feed
 * @param {() => boolean} setting.isLeft Whether the page has been left.
 * @param {(step: Step, outcome: Outcome | null) => void} setting.onStep Null: it begins.
 * @returns {Promise<Walk>}
 */
export async function walk({ base, clock, feed, isLeft, onStep }) {
  const probe = new Probe(base);
  /** @type {Walk} */
  const walked = { steps: {}, refused: null, leftover: null };
  try {
    for (const step of STEPS) {
      if (isLeft()) break;
      onStep(step, null);
      const outcome = await take(step, probe, { base, clock, feed });
      if (outcome instanceof Refused && step === 'create') {
        walked.refused = outcome;
        break;
      }
      const kept = outcome instanceof Refused ? { refused: outcome.message } : outcome;
      walked.steps[step] = kept;
      onStep(step, kept);
      if ('missing' in kept) break;
    }
  } finally {
    walked.leftover = await probe.release();
  }
  return walked;
}

/**
 * @param {Step} step
 * @param {Probe} probe
 * @param {{ base: string, clock: Clock, feed: Feed }} setting
 * @returns {Promise<Brought | Missing | Refused>}
 */
async function take(step, probe, { base, clock, feed }) {
  const seen = feed.arrivals.length;
  const asked = now();
  const { id } = probe;
  try {
    await probe.take(step);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  // The change is often here before the answer is; its time limit begins with the answer, when the engine has done it.
  const ours = id ?? probe.id;
  const fits = (/** @type {Container | null} */ container) => SHOWS[step](container, probe.name);
  const look = () => feed.arrivals.slice(seen).find((arrival) => arrival.id === ours && fits(arrival.container));
  const arrival = await feed.until(look, TIMEOUT_MS);
  if (arrival === null) {
    if (feed.ended !== null) return { missing: feed.ended, cause: 'lost' };
    const cause = await causeOf(base, (all) => fits(all.find((it) => it.id === ours) ?? null));
    return { missing: 'Not received within 5 s.', cause };
  }
  const since = (/** @type {number} */ then) => Math.max(0, arrival.at + clock.offset_us - then);
  return { latency_us: since(arrival.caused), total_us: arrival.at - asked, delivery_us: since(arrival.sent) };
}

/**
 * Whose fault is a change that did not come?
 * @param {string} base
 * @param {(containers: Container[]) => boolean} shows
 * @returns {Promise<Missing['cause']>}
 */
async function causeOf(base, shows) {
  try {
    const response = await fetch(`${base}/api/state`, { cache: 'no-store', signal: AbortSignal.timeout(5_000) });
    return shows((await response.json()).data.containers) ? 'held-back' : 'unnoticed';
  } catch {
    return 'lost';
  }
}
