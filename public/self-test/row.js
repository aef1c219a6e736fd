// Table row: a transport with its steps, or the idle socket.
import { el, set, shape } from './dom.js';
import { t, translate } from './texts.js';
import { STEPS } from './walk.js';
import { capital, ms, NAMES } from './words.js';

/** @import { Idle } from './idle.js' */
/** @import { Tested, TransportName } from './transport.js' */
/** @import { Outcome, Step } from './walk.js' */

const cell = (/** @type {import('./dom.js').Attributes} */ attributes) => el('td', { role: 'cell', ...attributes });
const head = (/** @type {string} */ name) =>
  el('th', { class: 'name', role: 'rowheader', scope: 'row' }, el('b', {}, name));

export class TransportRow {
  #state = el('td', { class: 'state', role: 'cell' }, t('Waiting'));
  #connected = cell({ class: 'number connected' });
  #steps = new Map(STEPS.map((step) => [step, cell({ class: `number ${step}`, 'data-step': step })]));
  #why = cell({ class: 'why', colspan: STEPS.length + 1, hidden: true });

  /** @param {TransportName} name */
  constructor(name) {
    const attributes = { role: 'row', 'data-transport-test': name };
    this.element = el(
      'tr',
      attributes,
      head(t(capital(NAMES[name]))),
      this.#state,
      this.#connected,
      ...this.#steps.values(),
      this.#why,
    );
  }

  begin() {
    set(this.element, { 'aria-busy': 'true' });
    this.#state.textContent = t('Testing');
  }

  /** @param {number} after_ms */
  connected(after_ms) {
    this.#connected.append(figure(`${after_ms}`));
    this.#connected.title = t('First message after {} ms', after_ms);
  }

  /**
   * @param {Step} step
   * @param {Outcome | null} outcome Null: it begins.
   */
  step(step, outcome) {
    const at = this.#steps.get(step);
    if (at === undefined) return;
    set(at, { 'aria-busy': outcome === null ? 'true' : null });
    if (outcome === null) return;
    if ('missing' in outcome) {
      at.append(el('span', { class: 'missing' }, t('missing')));
      at.title = translate(outcome.missing);
    } else if ('refused' in outcome) {
      at.append(t('refused'));
      at.title = translate(outcome.refused);
    } else {
      const [latency, total] = [ms(outcome.latency_us), ms(outcome.total_us)];
      set(at, { 'data-latency-us': outcome.latency_us, 'data-total-us': outcome.total_us });
      at.append(figure(latency), el('small', {}, `${total} ms`));
      at.title = t("{} ms after the engine's event, {} ms after the request", latency, total);
    }
  }

  /** @param {Tested} tested */
  finish({ result, failure, walk }) {
    set(this.element, { 'aria-busy': null, 'data-result': result });
    this.#state.textContent = t(result === 'ok' ? 'OK' : 'Failed');
    const tried = walk !== null && walk.refused === null;
    if (tried) {
      for (const at of this.#steps.values()) if (!at.hasChildNodes()) at.append('–');
      return;
    }
    // There are no steps to show: the sentence takes their place.
    for (const at of [this.#connected, ...this.#steps.values()])
      set(at, { hidden: at !== this.#connected || failure !== null });
    this.#why.append(translate(failure ?? "Connects and delivers state. Change events weren't tested."));
    set(this.#why, {
      hidden: false,
      colspan: failure === null ? STEPS.length : STEPS.length + 1,
      'data-beside': failure === null,
    });
  }
}

export class SilenceRow {
  #state = el('td', { class: 'state', role: 'cell' }, t('Waiting'));
  #words = el('span', {}, t('Is an idle socket closed?'));
  #bar = shape('rect', { width: '0%' });
  #meter = shape('svg', { class: 'meter', 'aria-hidden': 'true' }, this.#bar);
  #skip = el('button', { class: 'button bare', type: 'button', hidden: true }, t('Skip idle test'));

  /** @param {() => void} onSkip */
  constructor(onSkip) {
    set(this.#meter, { hidden: true });
    this.#skip.onclick = onSkip;
    const line = cell({ class: 'why', colspan: STEPS.length + 1 });
    line.append(this.#meter, this.#words, this.#skip);
    this.element = el('tr', { role: 'row', 'data-idle-test': true }, head(t('Idle socket')), this.#state, line);
  }

  /**
   * @param {number} silent_s
   * @param {number} of_s
   */
  watch(silent_s, of_s) {
    set(this.element, { 'aria-busy': 'true' });
    this.#state.textContent = t('Watching');
    this.#words.textContent = t('Open and idle for {} of {} s', silent_s, of_s);
    set(this.#bar, { width: `${(100 * silent_s) / of_s}%` });
    for (const shown of [this.#meter, this.#skip]) set(shown, { hidden: false });
  }

  /**
   * @param {Idle['result']} result
   * @param {[word: string, detail: string]} words
   */
  finish(result, [word, detail]) {
    set(this.element, { 'aria-busy': null, 'data-result': result });
    this.#state.textContent = word;
    this.#words.textContent = detail;
    for (const shown of [this.#meter, this.#skip]) set(shown, { hidden: true });
  }

  get hasFocus() {
    return document.activeElement === this.#skip;
  }
}

/** @param {string} number */
function figure(number) {
  return el('span', {}, number, el('small', {}, ' ms'));
}
