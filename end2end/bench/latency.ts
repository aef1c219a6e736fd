// How long after a bare reader of /events does a change stand in the page, and how many bytes did it take?
import { EngineApi } from '../support/engine-api';
import { waitLive } from '../support/page';
import { Server } from '../support/server';
import { BareReader } from './bare-reader';
import { newPage } from './new-page';
import { life, measured, type Operation, type Subject } from './operations';
import { PageProbe } from './page-probe';
import type { Setting } from './setting';
import { median, ms, percentile } from './statistics';
import { FrameCounter } from './wire-bytes';

/** A change that is not in the page after this long counts as missed. */
const patienceMs = 5_000;

interface Sample {
  domOverReader: number;
  readerAfterEvent: number;
  bytes: { largest: number; all: number };
}

export async function measureLatency(setting: Setting & { rounds: number }): Promise<void> {
  const { engine, browser, containers, running, report, rounds, say } = setting;
  const server = await Server.start(engine.host);
  const reader = await BareReader.start(engine.socket);
  const api = new EngineApi(engine.socket);
  const page = await newPage(browser);
  const probe = await PageProbe.install(page);
  const frames = new FrameCounter(page);
  const samples: Record<string, Sample[]> = Object.fromEntries(measured.map((name) => [name, []]));
  let missed = 0;
  try {
    await page.goto(`${server.url}/containers`);
    await waitLive(page);
    await probe.observe(page);
    const clocks = { reader: await reader.calibrate(), page: await probe.calibrate(page) };
    say(`${containers} containers, ${running} of them running: ${rounds} lives`);

    for (let round = 0; round < rounds; round++) {
      // First by name, so that its row is in sight however long the list.
      const subject: Subject = { id: '', name: `a-probe-${containers}-${round}` };
      for (const operation of life) {
        const sample = await once(operation, subject);
        if (sample === null) missed += 1;
        else samples[operation.name]?.push(sample);
      }
    }
    const afterwards = { reader: await reader.calibrate(), page: await probe.calibrate(page) };
    report.notes[`clocks at ${containers}, ms against the system's`] = { before: clocks, after: afterwards };
  } finally {
    await page.context().close();
    api.close();
    reader.stop();
    await server.stop();
  }

  const at = `at ${containers}`;
  for (const name of measured) {
    const domOverReader = samples[name]!.map((sample) => sample.domOverReader);
    const readerAfterEvent = samples[name]!.map((sample) => sample.readerAfterEvent);
    report.addSeries({ containers, operation: name, domOverReader, readerAfterEvent });
    const [p50, p95] = [percentile(domOverReader, 50), percentile(domOverReader, 95)];
    const judged = containers === 100;
    report.add(
      `${name} → DOM over the reader, ${at}`,
      `p50 ${ms(p50)}, p95 ${ms(p95)} (reader ${ms(median(readerAfterEvent))} after the event; n=${domOverReader.length})`,
      judged ? 'p50 ≤ 5 ms, p95 ≤ 15 ms' : '',
      judged ? p50 <= 5 && p95 <= 15 : undefined,
    );
  }
  report.add(`changes missed, ${at}`, `${missed} of ${rounds * life.length}`, '0', missed === 0);
  const stops = samples.stop!.map((sample) => sample.bytes);
  const largest = stops.map((bytes) => bytes.largest);
  const all = stops.map((bytes) => bytes.all);
  report.add(
    `bytes of a stop's largest message, ${at}`,
    `p50 ${median(largest)} B, max ${Math.max(...largest)} B`,
    '≤ 200 B',
    Math.max(...largest) <= 200,
  );
  report.add(`bytes of all messages of a stop, ${at}`, `p50 ${median(all)} B, max ${Math.max(...all)} B`);

  /** One change on a quiet page. Null when it never showed. */
  async function once(operation: Operation, subject: Subject): Promise<Sample | null> {
    await probe.quiet();
    frames.reset();
    // Both keep what comes before we wait for it; the operation's own answer may be later than either.
    const performed = operation.perform(api, subject);
    const shown = probe.seen
      .take((seen) => operation.shown(seen, subject), `${operation.name} of ${subject.name}`, patienceMs)
      .catch((error: Error) => error);
    await performed;
    const event = await reader.events.take(
      ({ id, action }) => id === subject.id && action === operation.event,
      `${operation.event} of ${subject.name}`,
      patienceMs,
    );
    const seen = await shown;
    if (seen instanceof Error) {
      say(`missed: ${seen.message}`);
      return null;
    }
    await probe.quiet();
    return {
      domOverReader: probe.systemTime(seen) - event.seenMs,
      readerAfterEvent: event.seenMs - event.engineMs,
      bytes: frames.sizes(),
    };
  }
}
