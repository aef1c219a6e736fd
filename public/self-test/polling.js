// Polling test: one request after another, each held by the server until something has changed.
import { now } from './clock.js';

/** @import { Transport, Why } from './transport.js' */
/** @import { Feed } from './feed.js' */

const HELD_S = 5;

/** After a failure, and after an empty answer that came at once: a hop that cuts the wait short must not be flooded. */
const PAUSE_MS = 250;

/** @implements {Transport} */
export class OverPolling {
  #stop = new AbortController();
  #failure = 'Polling timed out after 5 s.';
  #base;
  #feed;

  /**
   * @param {string} base
   * @param {Feed} feed
   */
  constructor(base, feed) {
    this.#base = base;
    this.#feed = feed;
    void this.#poll();
  }

  close() {
    this.#stop.abort();
  }

  /** @returns {Promise<Why>} */
  async explain() {
    return { failure: this.#feed.ended ?? this.#failure, heldBack: false };
  }

  async #poll() {
    while (!this.#stop.signal.aborted && this.#feed.ended === null) {
      const before = this.#feed.position;
      const asked = now();
      try {
        await this.#ask();
      } catch (error) {
        this.#failure = `Polling failed: ${error instanceof Error ? error.message : error}.`;
      }
      const moved = this.#feed.position?.revision !== before?.revision;
      if (!moved && now() - asked < 1_000_000) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #ask() {
    const { position } = this.#feed;
    const since = position === null ? '' : `?since=${position.epoch}-${position.revision}&wait=${HELD_S}`;
    const response = await fetch(`${this.#base}/api/state${since}`, { cache: 'no-store', signal: this.#stop.signal });
    if (!response.ok) throw new Error(`responded with ${response.status} ${response.statusText}`);
    const text = await response.text();
    this.#feed.hear(text, now());
  }
}
