// Panel: the verdict, the table of measurements, and what to do.
import { CopyButtons } from './copy.js';
import { el, set } from './dom.js';
import { asJson, asText, silence } from './report.js';
import { SilenceRow, TransportRow } from './row.js';
import { t, translate } from './texts.js';
import { TRANSPORTS } from './transport.js';
import { STEPS } from './walk.js';
import { capital, ms } from './words.js';

/** @import { Clock } from './clock.js' */
/** @import { Finding } from './diagnosis.js' */
/** @import { Idle } from './idle.js' */
/** @import { Report } from './report.js' */
/** @import { TransportName } from './transport.js' */

export class Panel {
  #verdict = el('p', { class: 'verdict', role: 'status', tabindex: -1 });
  #findings = el('ul', { class: 'findings', hidden: true });
  #clocks = el('span');
  #rows = /** @type {Record<TransportName, TransportRow>} */ (
    Object.fromEntries(TRANSPORTS.map((name) => [name, new TransportRow(name)]))
  );
  #silence;
  #copy;

  /**
   * @param {string} base
   * @param {() => void} onSkip
   */
  constructor(base, onSkip) {
    this.#copy = new CopyButtons(base);
    this.#silence = new SilenceRow(onSkip);
    this.element = el(
      'div',
      { class: 'self-test', 'data-selftest': 'running' },
      this.#verdict,
      this.#findings,
      this.#copy.element,
      this.#copy.byHand,
      this.#table(),
    );
  }

  /** @param {string} words */
  progress(words) {
    this.#verdict.textContent = words;
  }

  /** @param {Clock} clock */
  clocks({ offset_us, round_trip_us }) {
    const [off, doubt] = [Math.abs(offset_us), `${ms(round_trip_us / 2)}\u00a0ms`];
    const way =
      offset_us < 0
        ? "This browser's clock is {} ahead of the server's; the figures are corrected for it"
        : "This browser's clock is {} behind the server's; the figures are corrected for it";
    const clocks =
      off <= round_trip_us / 2
        ? t('Browser and server clocks agree within {}', doubt)
        : t(way, `${ms(off)}\u00a0±\u00a0${doubt}`);
    this.#clocks.textContent = ` ${t('{}; round-trip time {}.', clocks, `${ms(round_trip_us)}\u00a0ms`)}`;
  }

  /** @param {TransportName} name */
  row(name) {
    return this.#rows[name];
  }

  /**
   * @param {number} silent_s
   * @param {number} of_s
   */
  watch(silent_s, of_s) {
    this.#silence.watch(silent_s, of_s);
  }

  /** @param {Idle} idle */
  idle(idle) {
    // Its button goes; who pressed it is taken to where the verdict will stand.
    if (this.#silence.hasFocus) this.#verdict.focus();
    const [word, detail] = silence(idle);
    this.#silence.finish(idle.result, [translate(word), translate(detail)]);
  }

  /** @param {Report} report */
  finish(report) {
    const [worst] = report.findings;
    this.#verdict.textContent = translate(report.verdict);
    set(this.#verdict, { 'data-result': worst?.weight ?? 'ok' });
    this.#findings.append(...report.findings.map((finding) => item(finding, finding === worst)));
    set(this.#findings, { hidden: report.findings.length === 0 });
    this.#copy.offer(
      () => asJson(report),
      () => asText(report),
    );
    set(this.element, { 'data-selftest': 'done', 'data-broken-hop': report.broken_hop });
  }

  #table() {
    const column = (/** @type {string} */ words, /** @type {string} */ area) =>
      el('th', { class: area, role: 'columnheader' }, words);
    const figures = ['connected', ...STEPS].map((word) => column(t(capital(word)), `number ${word}`));
    const heads = [column(t('Transport'), 'name'), column(t('Result'), 'state'), ...figures];
    const rows = [...TRANSPORTS.map((name) => this.#rows[name].element), this.#silence.element];
    return el(
      'table',
      { class: 'table tested', role: 'table' },
      el('caption', {}, t("Top value: engine event to this page. Bottom value: request to this page."), this.#clocks),
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...heads)),
      el('tbody', { role: 'rowgroup' }, ...rows),
    );
  }
}

/**
 * @param {Finding} finding
 * @param {boolean} isVerdict Its title stands above already.
 */
function item({ hop, weight, title, evidence, advice, config }, isVerdict) {
  const li = el('li', { 'data-finding': hop ?? weight });
  if (!isVerdict) li.append(el('p', { class: 'verdict', 'data-result': weight }, translate(title)));
  if (evidence !== '') li.append(el('p', { class: 'dim' }, translate(evidence)));
  if (advice !== '') li.append(el('p', {}, translate(advice)));
  if (config.length > 0) li.append(el('pre', { tabindex: 0 }, el('code', {}, config.join('\n'))));
  return li;
}
