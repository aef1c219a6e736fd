// WebSocket test: on failure, determines how far the request got.
import { now } from './clock.js';

/** @import { Transport, Why } from './transport.js' */
/** @import { Feed } from './feed.js' */

/**
 * @typedef {object} Handshake What reached the server of a request for a socket.
 * @property {string} at
 * @property {'upgraded' | 'no_upgrade' | 'origin_refused'} outcome
 * @property {string | null} origin
 * @property {string | null} host
 * @property {string[]} headers Names of the hop-by-hop and forwarding headers that arrived.
 */

const SUBPROTOCOL = 'quaylight.v1.json';

/** @param {string} base */
export function openSocket(base, query = '') {
  const url = new URL(`${base}/ws${query}`, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  return new WebSocket(url, SUBPROTOCOL);
}

/** @implements {Transport} */
export class OverWebSocket {
  /** By which the server knows our request again. It need not be secret, and `randomUUID` is missing without TLS. */
  #token = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  #opened = false;
  /** @type {number | null} */
  #closedWith = null;
  #base;
  #feed;
  #socket;

  /**
   * @param {string} base
   * @param {Feed} feed
   */
  constructor(base, feed) {
    this.#base = base;
    this.#feed = feed;
    this.#socket = openSocket(base, `?probe=${this.#token}`);
    this.#socket.onopen = () => (this.#opened = true);
    this.#socket.onmessage = ({ data }) => feed.hear(data, now());
    this.#socket.onclose = ({ code, reason }) => {
      this.#closedWith = code;
      feed.end(this.#opened ? closing(code, reason) : "Couldn't open the socket.");
    };
  }

  close() {
    this.#socket.onclose = null;
    this.#socket.close(1000);
  }

  /** @returns {Promise<Why>} */
  async explain() {
    const silent = this.#opened
      ? 'The socket opened, but no state arrived within 5 s.'
      : "The socket didn't open within 5 s.";
    const failure = this.#feed.ended ?? silent;
    return { failure, heldBack: false, closedWith: this.#closedWith, handshake: await this.#handshake() };
  }

  /** Null when the request never reached the server; undefined when that could not be learned. */
  async #handshake() {
    try {
      const url = `${this.#base}/api/handshakes/${this.#token}`;
      const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(5_000) });
      if (!response.ok) return undefined;
      const { seen } = await response.json();
      return /** @type {Handshake | null} */ (seen.at(-1) ?? null);
    } catch {
      return undefined;
    }
  }
}

/**
 * @param {number} code
 * @param {string} reason
 */
function closing(code, reason) {
  // 1006 is the browser's own word for a connection that ended without one.
  if (code === 1006) return 'The socket was closed unexpectedly.';
  return `The socket was closed with code ${code}${reason === '' ? '' : `: ${reason}`}.`;
}
