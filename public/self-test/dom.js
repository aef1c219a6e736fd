// DOM helpers. Names and responses are inserted as text and never become markup.

/** @typedef {Record<string, string | number | boolean | null>} Attributes Null and false leave the attribute away. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {(Node | string)[]} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children);
  return element;
}

/**
 * An icon of the page's sprite.
 * @param {string} base
 * @param {string} name
 */
export function icon(base, name) {
  const { version } = document.documentElement.dataset;
  const use = shape('use', { href: `${base}/icons.svg${version === undefined ? '' : `?v=${version}`}#${name}` });
  return shape('svg', { class: 'icon', 'aria-hidden': 'true' }, use);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {Node[]} children
 */
export function shape(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(element, attributes);
  element.append(...children);
  return element;
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
}
