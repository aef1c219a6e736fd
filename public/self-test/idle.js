// Idle test: detects proxies that close idle WebSockets. The page's own socket is never idle: it pings every 3 s.
import { openSocket } from './websocket.js';

/**
 * @typedef {object} Idle
 * @property {'ok' | 'cut' | 'skipped' | 'interrupted' | 'unavailable'} result `interrupted`: the server went away.
 * @property {number | null} cut_after_s Seconds of silence.
 */

/** A little more than the minute after which most proxies cut. */
export const SILENCE_S = 65;

const TIMEOUT_MS = 5_000;

/** So that no change of a busy engine is heard on it. */
const CHANNELS = ['containers', 'images', 'volumes', 'networks'];

/**
 * @param {object} setting
 * @param {string} setting.base
 * @param {number} setting.epoch To tell a cut from a server that was restarted.
 * @param {AbortSignal} setting.skip
 * @param {(silent_s: number) => void} setting.onSecond
 * @returns {Promise<Idle>}
 */
export async function watchSilence({ base, epoch, skip, onSecond }) {
  const socket = openSocket(base, '?quiet=true');
  const opened = performance.now();
  /** @type {number | null} */
  let heard = null;
  const silent_s = () => Math.round((performance.now() - (heard ?? opened)) / 1000);
  /** @type {number | undefined} */
  let clock;
  try {
    const end = await new Promise((/** @type {(end: 'ok' | 'cut' | 'skipped' | 'unavailable') => void} */ resolve) => {
      if (skip.aborted) resolve('skipped');
      skip.addEventListener('abort', () => resolve('skipped'));
      socket.onopen = () => socket.send(JSON.stringify({ type: 'unsubscribe', channels: CHANNELS }));
      // Host changes can't be unsubscribed from: any message restarts the idle time.
      socket.onmessage = () => (heard = performance.now());
      socket.onclose = () => resolve(heard === null ? 'unavailable' : 'cut');
      clock = window.setInterval(() => {
        if (heard === null && performance.now() - opened > TIMEOUT_MS) return resolve('unavailable');
        if (silent_s() >= SILENCE_S) return resolve('ok');
        if (heard !== null) onSecond(silent_s());
      }, 1_000);
    });
    if (end !== 'cut') return { result: end, cut_after_s: null };
    const cut_after_s = silent_s();
    return (await isServedBy(base, epoch))
      ? { result: 'cut', cut_after_s }
      : { result: 'interrupted', cut_after_s: null };
  } finally {
    clearInterval(clock);
    socket.onclose = null;
    socket.close(1000);
  }
}

/**
 * @param {string} base
 * @param {number} epoch
 */
async function isServedBy(base, epoch) {
  try {
    const response = await fetch(`${base}/healthz`, { cache: 'no-store', signal: AbortSignal.timeout(5_000) });
    return (await response.json()).epoch === epoch;
  } catch {
    return false;
  }
}
