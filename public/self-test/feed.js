// Feed: one client's copy of the containers, built from a transport's messages as docs/protocol.md defines.
import { micros } from './clock.js';

/**
 * @typedef {{ epoch: number, revision: number }} Position
 * @typedef {{ host: string, id: string, name: string, state: string }} Container
 *
 * @typedef {object} Arrival A change of one container.
 * @property {string} id
 * @property {Container | null} container Null when it is gone.
 * @property {number} at When it arrived, on this clock.
 * @property {number} caused When the engine's event happened, on the server's clock; `sent` where there was none.
 * @property {number} sent When the server applied it, on the server's clock.
 */

export class Feed {
  /** Null until the complete state has come. @type {Position | null} */
  position = null;
  /** Whether anything has come. */
  heard = false;
  /** Why nothing more will come. @type {string | null} */
  ended = null;
  /** In the order in which they came. @type {Arrival[]} */
  arrivals = [];
  /** @type {Map<string, Container>} */
  #containers = new Map();
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /**
   * @param {string} text A message, or an answer of polling.
   * @param {number} at
   */
  hear(text, at) {
    if (this.ended !== null) return;
    try {
      this.#take(JSON.parse(text), at);
      this.heard = true;
      this.#wake();
    } catch (error) {
      this.end(`Received an invalid protocol message: ${error instanceof Error ? error.message : error}.`);
    }
  }

  /** @param {string} why The first reason stays. */
  end(why) {
    this.ended ??= why;
    this.#wake();
  }

  /**
   * What `look` answers as soon as that is something; null when it takes longer than `timeout_ms` or the feed ends.
   * @template T
   * @param {() => T} look Asked now and after each message.
   * @param {number} timeout_ms
   * @returns {Promise<NonNullable<T> | null>}
   */
  until(look, timeout_ms) {
    return new Promise((resolve) => {
      const ask = () => {
        const found = look();
        if (found) finish(found);
        else if (this.ended !== null) finish(null);
      };
      /** @param {NonNullable<T> | null} found */
      const finish = (found) => {
        clearTimeout(deadline);
        this.#waiting.delete(ask);
        resolve(found);
      };
      const deadline = setTimeout(() => finish(null), timeout_ms);
      this.#waiting.add(ask);
      ask();
    });
  }

  #wake() {
    for (const ask of this.#waiting) ask();
  }

  /**
   * Unknown types are passed over, as the protocol asks; `hello` moves nothing.
   * @param {any} message
   * @param {number} at
   */
  #take(message, at) {
    if (message.type === 'engine_state_update') this.#replace(message, at);
    if (message.type === 'engine_state_diff') this.#apply(message, at);
    if (message.type === 'engine_state_diffs') {
      this.#expect(message);
      for (const diff of message.diffs) this.#apply(diff, at);
      this.position = { epoch: message.epoch, revision: message.to };
    }
  }

  /**
   * @param {any} update
   * @param {number} at
   */
  #replace(update, at) {
    const before = this.#containers;
    const isFirst = this.position === null;
    const sent = micros(update.timestamp);
    this.position = { epoch: update.epoch, revision: update.revision };
    this.#containers = new Map(update.data.containers.map((/** @type {Container} */ it) => [key(it), it]));
    if (isFirst) return;
    for (const container of this.#containers.values()) {
      this.arrivals.push({ id: container.id, container, at, caused: sent, sent });
    }
    for (const [name, { id }] of before) {
      if (!this.#containers.has(name)) this.arrivals.push({ id, container: null, at, caused: sent, sent });
    }
  }

  /**
   * @param {any} diff
   * @param {number} at
   */
  #apply(diff, at) {
    this.#expect(diff);
    const sent = micros(diff.timestamp);
    const caused = diff.engine_time === null ? sent : micros(diff.engine_time);
    for (const change of diff.data.changes) {
      if (change.kind !== 'container') continue;
      const container = change.op === 'put' ? change.value : null;
      const { id } = container ?? change;
      if (container === null) this.#containers.delete(key(change));
      else this.#containers.set(key(container), container);
      this.arrivals.push({ id, container, at, caused, sent });
    }
    this.position = { epoch: diff.epoch, revision: diff.to };
  }

  /**
   * A page would resume here. A test says that it had to: on a connection that stayed open nothing may be missing.
   * @param {{ epoch: number, from: number }} message
   */
  #expect({ epoch, from }) {
    if (epoch === this.position?.epoch && from === this.position.revision) return;
    const here = this.position === null ? 'no revision' : `revision ${this.position.revision} of ${this.position.epoch}`;
    throw new Error(`it continues from revision ${from} of ${epoch}, but this page is at ${here}`);
  }
}

/** @param {{ host: string, id: string }} container */
function key({ host, id }) {
  return `${host} ${id}`;
}
