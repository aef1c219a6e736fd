// Probe container: creates it and removes it, even if the test fails.

/** Longer than an engine gives a container to stop. */
const TIMEOUT_MS = 20_000;

/** The server said no, or could not be asked. */
export class Refused extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   */
  constructor(title, detail) {
    super(`${title}: ${detail}`);
    this.title = title;
    this.detail = detail;
  }
}

export class Probe {
  /** @type {string | null} */
  id = null;
  name = '';
  #base;
  // Leaving the page cancels every request except those with `keepalive`.
  #leave = () => {
    if (this.id !== null)
      void request(this.#base, 'remove', { id: this.id }, { keepalive: true }).catch(() => undefined);
  };

  /** @param {string} base */
  constructor(base) {
    this.#base = base;
    addEventListener('pagehide', this.#leave);
  }

  /**
   * Resolves when the engine has done it; throws `Refused`.
   * @param {import('./walk.js').Step} step
   */
  async take(step) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await request(this.#base, step, this.id === null ? {} : { id: this.id }, { signal });
    this.id = step === 'remove' ? null : answer.id;
    this.name = answer.name ?? this.name;
  }

  /** Removes what is still there. What to do about it when that fails; null when all is gone. */
  async release() {
    try {
      if (this.id !== null) await this.take('remove');
      return null;
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      return `Couldn't remove the probe container (${why}). Run: docker rm --force ${this.name}`;
    } finally {
      removeEventListener('pagehide', this.#leave);
    }
  }
}

/**
 * @param {string} base
 * @param {string} verb
 * @param {{ id?: string }} body
 * @param {RequestInit} options
 * @returns {Promise<{ id: string, name: string | null }>} A name where the step gave one.
 */
async function request(base, verb, body, options) {
  const headers = { 'content-type': 'application/json' };
  const asked = fetch(`${base}/api/probe/${verb}`, { method: 'POST', headers, body: JSON.stringify(body), ...options });
  const response = await asked.catch((error) => {
    throw new Refused('No response', error.message);
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok && typeof answer.id === 'string') return answer;
  throw new Refused(
    answer.title ?? `Status ${response.status}`,
    answer.detail ?? `${response.statusText} (no reason given)`,
  );
}
