// Server-Sent Events test: distinguishes a rejected stream from a buffered one.
import { now } from './clock.js';

/** @import { Transport, Why } from './transport.js' */
/** @import { Feed } from './feed.js' */

/** @implements {Transport} */
export class OverSse {
  #url;
  #feed;
  #source;

  /**
   * @param {string} base
   * @param {Feed} feed
   */
  constructor(base, feed) {
    this.#url = `${base}/api/stream`;
    this.#feed = feed;
    this.#source = new EventSource(this.#url);
    this.#source.onmessage = ({ data }) => feed.hear(data, now());
    this.#source.onerror = () => {
      // In any other state it is connecting again by itself, and resumes where it was.
      if (this.#source.readyState === EventSource.CLOSED) feed.end('The stream was rejected.');
    };
  }

  close() {
    this.#source.close();
  }

  /** @returns {Promise<Why>} */
  async explain() {
    if (this.#source.readyState === EventSource.CLOSED) return { failure: await this.#refusal(), heldBack: false };
    if (this.#feed.ended !== null) return { failure: this.#feed.ended, heldBack: false };
    // An answer whose very head is missing is held back as well: the server sends it at once, and the state with it.
    const connected = this.#source.readyState === EventSource.OPEN;
    const failure = connected
      ? 'The stream connected, but no data arrived within 5 s.'
      : "The stream didn't start within 5 s, but other requests succeeded.";
    return { failure, heldBack: true };
  }

  /** An EventSource does not say what it was answered; a plain request does. */
  async #refusal() {
    const stop = new AbortController();
    const deadline = setTimeout(() => stop.abort(), 5_000);
    try {
      const headers = { accept: 'text/event-stream' };
      const response = await fetch(this.#url, { cache: 'no-store', headers, signal: stop.signal });
      const kind = response.headers.get('content-type') ?? 'no content type';
      return `The stream was rejected: ${response.status} ${response.statusText}, ${kind}.`;
    } catch {
      return 'The stream was rejected with no response.';
    } finally {
      clearTimeout(deadline);
      stop.abort();
    }
  }
}
