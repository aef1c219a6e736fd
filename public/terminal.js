// Terminal element: <quay-terminal data-socket>, with the path and query of its WebSocket. Connected while it is in the
// page.
import { FitAddon } from './terminal/addon-fit.js';
import { Terminal } from './terminal/xterm.js';

const CLOSED_BY_US = 1000;

// xterm.js writes sheets and `style` attributes of its own, which a strict content security policy refuses. Its sheets get the
// page's nonce, and what it writes into a cell's attribute goes through the object model, where it is the same.
const { setAttribute } = Element.prototype;
HTMLSpanElement.prototype.setAttribute = function (name, value) {
  if (name === 'style') this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

/** @param {() => void} open */
function withNonce(open) {
  const nonce = document.querySelector('script[nonce]');
  const create = document.createElement;
  /** @param {string} name @param {ElementCreationOptions} [options] */
  const made = (name, options) => {
    const element = create.call(document, name, options);
    if (element instanceof HTMLStyleElement && nonce instanceof HTMLElement) element.nonce = nonce.nonce;
    return element;
  };
  Object.defineProperty(document, 'createElement', { value: made, configurable: true });
  try {
    open();
  } finally {
    Reflect.deleteProperty(document, 'createElement');
  }
}

/** Bytes of one message: the server takes up to 64 KiB, and a paste may be longer. */
const LONGEST_MESSAGE = 32 * 1024;

/** The bytes of what is typed. */
const encoder = new TextEncoder();

/** A colour of the page, as red, green and blue: the terminal knows no others. @param {string} name */
function colour(name) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return '#000000';
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = `var(${name})`;
  context.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function theme() {
  const [ground, text, dim, accent] = ['--ground', '--text', '--dim', '--accent'].map(colour);
  const [alarm, ok, warn, info, chosen] = ['--alarm', '--ok', '--warn', '--info', '--edge'].map(colour);
  return {
    background: ground, foreground: text, cursor: accent, cursorAccent: ground, selectionBackground: chosen,
    black: dim, red: alarm, green: ok, yellow: warn, blue: info, magenta: accent, cyan: accent, white: text,
    brightBlack: dim, brightRed: alarm, brightGreen: ok, brightYellow: warn, brightBlue: info, brightMagenta: accent,
    brightCyan: accent, brightWhite: text,
  };
}

class QuayTerminal extends HTMLElement {
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {Terminal | undefined} */
  #terminal;
  /** @type {ResizeObserver | undefined} */
  #sizes;

  connectedCallback() {
    const family = getComputedStyle(this).getPropertyValue('--mono') || 'monospace';
    const terminal = new Terminal({ fontFamily: family, fontSize: 13, cursorBlink: false, scrollback: 5_000, theme: theme() });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    this.#terminal = terminal;
    const screen = this.appendChild(document.createElement('div'));
    withNonce(() => terminal.open(screen));
    // Below the last whole line its own ground would show, which is black.
    const viewport = screen.querySelector('.xterm-viewport');
    if (viewport instanceof HTMLElement) viewport.style.background = 'transparent';
    fit.fit();
    this.#connect(terminal);
    this.#sizes = new ResizeObserver(() => fit.fit());
    this.#sizes.observe(screen);
    terminal.onData((text) => this.#type(encoder.encode(text)));
    terminal.onBinary((text) => this.#type(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    terminal.onResize((size) => this.#resize(size));
    terminal.focus();
  }

  disconnectedCallback() {
    this.#sizes?.disconnect();
    this.#socket?.close(CLOSED_BY_US);
    this.#terminal?.dispose();
    this.replaceChildren();
  }

  /** @param {Terminal} terminal */
  #connect(terminal) {
    const url = new URL(this.dataset['socket'] ?? '', location.href);
    const { cols, rows } = terminal;
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('columns', String(cols));
    url.searchParams.set('rows', String(rows));
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    let isReported = false;
    socket.onopen = () => {
      // The window may have changed while nothing could be said.
      if (terminal.cols !== cols || terminal.rows !== rows) this.#resize(terminal);
      this.#say('open', '');
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') return terminal.write(new Uint8Array(data));
      const { exit, message } = JSON.parse(data);
      isReported = true;
      if (message !== undefined) this.#say('failed', message);
      else if (exit === null) this.#say('ended', { id: 'Session ended.', values: {} });
      else this.#say('ended', { id: 'Session ended with exit code {code}.', values: { code: String(exit) } });
    };
    socket.onclose = () => {
      if (!isReported) this.#say('lost', { id: 'Connection lost.', values: {} });
    };
  }

  /** @param {{ cols: number, rows: number }} size */
  #resize({ cols, rows }) {
    this.#send(JSON.stringify({ resize: [cols, rows] }));
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #type(bytes) {
    for (let start = 0; start < bytes.length; start += LONGEST_MESSAGE) {
      this.#send(bytes.subarray(start, start + LONGEST_MESSAGE));
    }
  }

  /** @param {Uint8Array<ArrayBuffer> | string} data */
  #send(data) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  /**
   * What has become of it, for those around it.
   * @param {'open' | 'ended' | 'failed' | 'lost'} state
   * @param {string | { id: string, values: Record<string, unknown> }} message
   */
  #say(state, message) {
    this.dataset['state'] = state;
    this.dispatchEvent(new CustomEvent('said', { detail: message }));
  }
}

if (customElements.get('quay-terminal') === undefined) customElements.define('quay-terminal', QuayTerminal);
