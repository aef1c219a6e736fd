// How does the page start the self-test? It loads this module, which runs it at once, and again on each event.
import { run } from '../self-test.js';
import { learn } from './texts.js';

const base = document.documentElement.dataset.base ?? '';

function start() {
  const element = document.getElementById('self-test');
  if (element) void run(element, { base });
}

const style = document.createElement('link');
style.rel = 'stylesheet';
style.href = new URL('self-test.css', import.meta.url).href;
document.head.append(style);

await learn(base);
document.addEventListener('self-test', start);
start();
