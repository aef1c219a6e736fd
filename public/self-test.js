// Self-test: whether everything between this browser and Quaylight lets changes through. An independent client of
// docs/protocol.md that measures each transport and names the broken hop. Loaded on demand.
import { measure } from './self-test/clock.js';
import { diagnose } from './self-test/diagnosis.js';
import { SILENCE_S, watchSilence } from './self-test/idle.js';
import { Panel } from './self-test/panel.js';
import { addTransport, emptyReport } from './self-test/report.js';
import { t } from './self-test/texts.js';
import { testTransport, TRANSPORTS } from './self-test/transport.js';
import { NAMES } from './self-test/words.js';

/** @import { Clock } from './self-test/clock.js' */
/** @import { Idle } from './self-test/idle.js' */
/** @import { Report } from './self-test/report.js' */

/** One test for each element at a time. @type {WeakMap<Element, Promise<Report>>} */
const running = new WeakMap();

/**
 * Tests, and shows in `element` what it does and finds. Never rejects: what went wrong is in the report.
 * @param {HTMLElement} element
 * @param {{ base: string }} setting The base path: empty, or like `/x`.
 * @returns {Promise<Report>}
 */
export function run(element, { base }) {
  const underWay = running.get(element);
  if (underWay !== undefined) return underWay;
  const done = test(element, base).finally(() => running.delete(element));
  running.set(element, done);
  return done;
}

/**
 * @param {HTMLElement} element
 * @param {string} base
 */
async function test(element, base) {
  const report = emptyReport();
  const skip = new AbortController();
  // Another page of the app may take our place at any time, and no event tells.
  const isLeft = () => !element.isConnected;
  const panel = new Panel(base, () => skip.abort());
  element.replaceChildren(panel.element);
  const watch = setInterval(() => isLeft() && skip.abort(), 1_000);
  try {
    panel.progress(t('Measuring clock offset.'));
    const clock = await measure(base);
    panel.clocks(clock);
    Object.assign(report, {
      server: clock.server,
      clock_offset_us: clock.offset_us,
      round_trip_us: clock.round_trip_us,
    });
    const { idle } = await testTransports(report, panel, { base, clock, skip: skip.signal, isLeft });
    panel.progress(t('Transports tested. Still checking the idle socket.'));
    report.idle = await idle;
  } catch (error) {
    report.error = error instanceof Error ? error.message : String(error);
  } finally {
    clearInterval(watch);
    skip.abort();
  }
  diagnose(report);
  panel.finish(report);
  return report;
}

/**
 * One after the other. The silent socket is watched meanwhile, from when a socket is known to open: some browsers
 * make a socket wait while another one to the same host is failing.
 * @param {Report} report
 * @param {Panel} panel
 * @param {{ base: string, clock: Clock, skip: AbortSignal, isLeft: () => boolean }} setting
 * @returns {Promise<{ idle: Promise<Idle> }>} What comes of the silent socket need not be known yet.
 */
async function testTransports(report, panel, { base, clock, skip, isLeft }) {
  /** @type {Promise<Idle>} */
  let idle = Promise.resolve({ result: 'unavailable', cut_after_s: null });
  for (const [at, name] of TRANSPORTS.entries()) {
    if (isLeft()) break;
    const row = panel.row(name);
    panel.progress(t('Testing {}, {} of {}.', t(NAMES[name]), at + 1, TRANSPORTS.length));
    row.begin();
    const tested = await testTransport(name, {
      base,
      clock,
      walks: report.walk_refused === null,
      isLeft,
      onStep: (step, outcome) => row.step(step, outcome),
      onConnected: (after_ms) => {
        row.connected(after_ms);
        if (name !== 'websocket') return;
        const onSecond = (/** @type {number} */ silent_s) => panel.watch(silent_s, SILENCE_S);
        idle = watchSilence({ base, epoch: clock.server.epoch, skip, onSecond });
        void idle.then((it) => panel.idle(it));
      },
    });
    row.finish(tested);
    addTransport(report, name, tested);
    if (name === 'websocket' && tested.connected_after_ms === null) panel.idle(await idle);
  }
  return { idle };
}
