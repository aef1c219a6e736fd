// Translation of the panel. The English texts are the keys; a page in another language has a file with their
// translations. Reports are not translated.

/** What each text is in the page's language. Empty in English. @type {Map<string, string>} */
const texts = new Map();

/** As in `words.js`. */
const LIST = '\\w+(?:(?:, \\w+)* and \\w+)?';

/**
 * Before anything is drawn. Without the file the texts stay as they are.
 * @param {string} base
 */
export async function learn(base) {
  const { lang, dataset } = document.documentElement;
  if (lang === 'en') return;
  try {
    const response = await fetch(`${base}/lang/${lang}.po?v=${dataset.version}`);
    if (response.ok) read(await response.text());
  } catch (error) {
    console.error(error);
  }
}

/**
 * A gettext PO file, of which each entry is two lines.
 * @param {string} po
 */
export function read(po) {
  const plain = (/** @type {string} */ quoted) => quoted.replaceAll('\\"', '"').replaceAll('\\n', '\n');
  for (const [, english = '', other = ''] of po.matchAll(/^msgid "(.+)"\nmsgstr "(.+)"$/gm)) {
    texts.set(plain(english), plain(other));
  }
}

/**
 * A text of ours, with values where it has `{}`.
 * @param {string} english
 * @param {(string | number)[]} values
 */
export function t(english, ...values) {
  return filled(texts.get(english) ?? english, values);
}

/**
 * A finished text, of the report or of the server: what is not ours stays as it is.
 * @param {string} english
 * @returns {string}
 */
export function translate(english) {
  if (texts.size === 0) return english;
  const whole = sentence(english) ?? (english.endsWith('.') ? sentence(english.slice(0, -1))?.concat('.') : undefined);
  if (whole !== undefined) return whole;
  const sentences = english.replaceAll('. ', '.\n').split('\n');
  if (sentences.length > 1) return sentences.map(translate).join(' ');
  if (new RegExp(`^${LIST}$`).test(english)) return english.split(/, | and /).map((word) => t(word)).join(', ');
  const [title, ...detail] = english.split(': ');
  return detail.length === 0 ? english : `${translate(title ?? '')}: ${translate(detail.join(': '))}`;
}

/**
 * Of the texts that it can have come from, the one of which most stands in it.
 * @param {string} english
 */
function sentence(english) {
  const exact = texts.get(english);
  if (exact !== undefined) return exact;
  let best = '';
  /** @type {string[]} */
  let values = [];
  for (const text of texts.keys()) {
    if (text.length <= best.length || !text.includes('{}') || !/\p{L}/u.test(text)) continue;
    const found = pattern(text).exec(english);
    if (found !== null) [best, values] = [text, found.slice(1)];
  }
  return best === '' ? undefined : filled(texts.get(best) ?? '', values);
}

/**
 * No value goes over a sentence's end. With few words around it, it is a word or a list: "{} process" would be in
 * "no such process" as well.
 * @param {string} text
 */
function pattern(text) {
  const words = text.match(/\p{L}{2,}/gu) ?? [];
  const value = words.length > 1 ? '(?:(?!\\. ).)*?' : LIST;
  const parts = text.split('{}').map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`^${parts.join(`(${value})`)}$`);
}

/**
 * `{}` is the next value, `{1}` the second, and `{:t}` or `{1:t}` one that is a text itself.
 * @param {string} text
 * @param {(string | number)[]} values
 */
function filled(text, values) {
  let next = 0;
  return text.replace(/\{(\d*)(:t)?\}/g, (_, number, isText) => {
    const at = number === '' ? next : Number(number);
    next = at + 1;
    const value = String(values[at] ?? '');
    return isText === undefined ? value : translate(value);
  });
}
