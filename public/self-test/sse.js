// Do Server-Sent Events carry the feed? And when they don't: are they refused, or held back?
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
      if (this.#source.readyState === EventSource.CLOSED) feed.end('The stream was refused.');
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
      ? 'The stream connected, but brought nothing within 5 s.'
      : 'The stream did not begin within 5 s, while other requests were answered.';
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
      return `The stream was refused: the answer was ${response.status} ${response.statusText}, ${kind}.`;
    } catch {
      return 'The stream was refused, without an answer.';
    } finally {
      clearTimeout(deadline);
      stop.abort();
    }
  }
}
