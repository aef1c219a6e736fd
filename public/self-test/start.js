// Entry point: runs the self-test when the page loads this module, and again on each event.
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
