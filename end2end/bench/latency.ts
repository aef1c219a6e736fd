// Latency of a change in the page relative to a bare reader of /events, and the bytes it takes.
import { EngineApi } from '../support/engine-api';
import { BareReader } from './bare-reader';
import { targets } from './figures';
import { at } from './engine-under-test';
import { life, measured, type Operation, type Subject } from './operations';
import { PageProbe } from './page-probe';
import { look, serve, wholeList } from './serve';
import type { SettingOn } from './setting';
import { median, ms } from './statistics';
import { FrameCounter } from './wire-bytes';

/** A change that is not in the page after this time is missed, and counts with this value. */
const timeoutMs = 5_000;

interface Sample {
  domOverReader: number;
  readerAfterEvent: number;
  /** Bytes of all messages received between this change and the quiet period after it. */
  bytes: number;
}

/** The page shows the whole list: the probes' names sort first, so their rows are rendered at any list length. */
export async function measureLatency({ testedEngine, browser, report, amounts, say }: SettingOn): Promise<void> {
  const reader = await BareReader.start(testedEngine.socket);
  const api = new EngineApi(testedEngine.socket);
  const samples: Record<string, Sample[]> = Object.fromEntries(measured.map((name) => [name, []]));
  const missed: string[] = [];
  try {
    await serve(testedEngine.host, async (server) => {
      let probe: PageProbe;
      let frames: FrameCounter;
      await look(
        browser,
        `${server.url}/containers`,
        async (page) => {
          await probe.observe(page);
          await wholeList(page, testedEngine.containers);
          const clocks = { reader: await reader.calibrate(), page: await probe.calibrate(page) };
          say(`${testedEngine.containers} containers: ${amounts.samples} lives`);
          for (let round = 0; round < amounts.samples; round++) {
            const subject: Subject = { id: '', name: `a-probe-${testedEngine.containers}-${round}`, image: testedEngine.image };
            for (const operation of life) {
              const sample = await once(operation, subject, probe, frames);
              samples[operation.name]?.push(sample);
            }
          }
          const afterwards = { reader: await reader.calibrate(), page: await probe.calibrate(page) };
          report.notes[`clocks ${at(testedEngine)}, ms against the system's`] = { before: clocks, after: afterwards };
        },
        async (page) => {
          probe = await PageProbe.install(page);
          frames = new FrameCounter(page);
        },
      );
    });
  } finally {
    api.close();
    reader.stop();
  }

  const atLeast = amounts.samples;
  for (const name of measured) {
    const of = samples[name]!;
    const beside = `reader ${ms(median(of.map((sample) => sample.readerAfterEvent)))} after the event`;
    const overReader = of.map((sample) => sample.domOverReader);
    const limits = targets.latency[testedEngine.containers];
    report.addSamples(`${name} → DOM over the reader, ${at(testedEngine)}`, overReader, { unit: 'ms', atLeast, beside, ...limits });
  }
  const all = atLeast * life.length;
  report.add(`changes missed, ${at(testedEngine)}`, `${missed.length} of ${all}`, 'none', missed.length === 0);
  report.notes[`changes missed ${at(testedEngine)}`] = missed;
  for (const name of measured) {
    // A new container is sent whole: its size depends on names and labels, not on a change of state.
    const limit = name === 'create' ? {} : { max: targets.bytesOfChange };
    const bytes = samples[name]!.map((sample) => sample.bytes);
    report.addSamples(`bytes of all messages of a ${name}, ${at(testedEngine)}`, bytes, { unit: 'B', atLeast, ...limit });
  }

  /** Measures one change on a quiet page. */
  async function once(operation: Operation, subject: Subject, probe: PageProbe, frames: FrameCounter): Promise<Sample> {
    await probe.quiet();
    frames.reset();
    // Both buffer what arrives before it is awaited; the operation's own response may be later than either.
    const performed = operation.perform(api, subject);
    const shown = probe.seen
      .take((seen) => operation.shown(seen, subject), `${operation.name} of ${subject.name}`, timeoutMs)
      .catch((error: Error) => error);
    await performed;
    const event = await reader.events.take(
      ({ id, action }) => id === subject.id && action === operation.event,
      `${operation.event} of ${subject.name}`,
      timeoutMs,
    );
    const seen = await shown;
    if (seen instanceof Error) missed.push(seen.message);
    await probe.quiet();
    return {
      domOverReader: seen instanceof Error ? timeoutMs : probe.systemTime(seen) - event.seenMs,
      readerAfterEvent: event.seenMs - event.engineMs,
      bytes: frames.bytes,
    };
  }
}
