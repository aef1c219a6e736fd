// Formatting of figures and names.

/** @import { TransportName } from './transport.js' */

/** As they stand inside a sentence. @type {Record<TransportName, string>} */
export const NAMES = { websocket: 'WebSocket', sse: 'SSE', polling: 'polling' };

/**
 * As it stands at the beginning of one.
 * @param {string} words
 */
export function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * Microseconds as milliseconds, with a precision that fits their size.
 * @param {number} micros
 */
export function ms(micros) {
  // From 9,950 on one decimal would round to 10.0.
  return (micros / 1000).toFixed(Math.abs(micros) < 9_950 ? 1 : 0);
}

/** @param {number} count */
export function seconds(count) {
  return `${count} s`;
}

/**
 * `a`, `a and b`, `a, b and c`.
 * @param {string[]} words
 */
export function list(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
