// Clock offset: the browser's and the server's time in microseconds since 1970, and the difference between them.

/**
 * @typedef {object} Clock
 * @property {number} offset_us What to add to the time here to get the server's.
 * @property {number} round_trip_us The shortest that was measured: the offset is uncertain by half of it.
 * @property {{ version: string, epoch: number }} server
 */

const PROBES = 7;

const WHEN = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/i;

/** The time here. Unlike `Date.now` it does not jump when the system's clock is set. */
export function now() {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

/**
 * Reads RFC 3339. `Date.parse` alone would cut the microseconds off.
 * @param {string} text
 */
export function micros(text) {
  const [, seconds, fraction = '', zone] = WHEN.exec(text) ?? [];
  const whole = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(whole)) throw new Error(`${JSON.stringify(text)} isn't a valid time`);
  return whole * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

/**
 * The quickest of several probes counts: it waited least on the way, and so leaves the smallest doubt.
 * @param {string} base
 * @returns {Promise<Clock>}
 */
export async function measure(base) {
  const clocks = [];
  for (let probe = 0; probe < PROBES; probe++) clocks.push(await ask(base));
  return clocks.reduce((best, one) => (one.round_trip_us < best.round_trip_us ? one : best));
}

/**
 * @param {string} base
 * @returns {Promise<Clock>}
 */
async function ask(base) {
  const sent = now();
  const response = await fetch(`${base}/healthz`, { cache: 'no-store', signal: AbortSignal.timeout(5_000) });
  const answered = now();
  if (!response.ok) throw new Error(`${base}/healthz returned ${response.status}`);
  const { server_time, version, epoch } = await response.json();
  const offset_us = Math.round(micros(server_time) - (sent + answered) / 2);
  return { offset_us, round_trip_us: answered - sent, server: { version, epoch } };
}
