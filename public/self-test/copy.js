// Copying the report: to the clipboard or, without one, as selected text to copy manually.
import { el, icon, set } from './dom.js';
import { t } from './texts.js';

const CONFIRMED_MS = 2_000;

export class CopyButtons {
  /** @type {() => string} */
  #json = () => '';
  /** @type {() => string} */
  #text = () => '';
  #base;
  #buttons;
  #heard = el('span', { class: 'heard', role: 'status' });
  #byHand = el('textarea', {
    readonly: true,
    rows: 12,
    'aria-label': t('Report (copy manually)'),
    hidden: true,
  });

  /** @param {string} base */
  constructor(base) {
    this.#base = base;
    this.#buttons = [
      this.#button(t('Copy as JSON'), () => this.#json()),
      this.#button(t('Copy as text'), () => this.#text()),
    ];
    this.element = el('div', { class: 'copy' }, ...this.#buttons, this.#heard);
    /** Where the text goes when there is no clipboard. */
    this.byHand = this.#byHand;
  }

  /**
   * @param {() => string} json
   * @param {() => string} text
   */
  offer(json, text) {
    this.#json = json;
    this.#text = text;
    for (const button of this.#buttons) button.disabled = false;
  }

  /**
   * @param {string} words
   * @param {() => string} content
   */
  #button(words, content) {
    const button = el('button', { class: 'button', type: 'button', disabled: true }, icon(this.#base, 'copy'), words);
    button.onclick = async () => {
      if (await written(content())) this.#confirm(button);
      else this.#show(content());
    };
    return button;
  }

  /** @param {HTMLButtonElement} button */
  #confirm(button) {
    set(this.#byHand, { hidden: true });
    button.firstElementChild?.replaceWith(icon(this.#base, 'check'));
    this.#heard.textContent = t('Copied.');
    setTimeout(() => {
      button.firstElementChild?.replaceWith(icon(this.#base, 'copy'));
      this.#heard.textContent = '';
    }, CONFIRMED_MS);
  }

  /** @param {string} content */
  #show(content) {
    this.#byHand.value = content;
    set(this.#byHand, { hidden: false });
    this.#byHand.focus();
    this.#byHand.select();
  }
}

/** @param {string} content */
async function written(content) {
  try {
    // Missing on pages that came without TLS from another machine; refused where the user says so.
    await navigator.clipboard.writeText(content);
    return true;
  } catch {
    return false;
  }
}
