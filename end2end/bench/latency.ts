// How long after a bare reader of /events does a change stand in the page, and how many bytes did it take?
import { EngineApi } from '../support/engine-api';
import { BareReader } from './bare-reader';
import { targets } from './figures';
import { at } from './ground';
import { life, measured, type Operation, type Subject } from './operations';
import { PageProbe } from './page-probe';
import { look, serve, wholeList } from './serve';
import type { SettingOn } from './setting';
import { median, ms } from './statistics';
import { FrameCounter } from './wire-bytes';

/** A change that is not in the page after this long is missed, and counts as one that took so long. */
const patienceMs = 5_000;

interface Sample {
  domOverReader: number;
  readerAfterEvent: number;
  /** All messages that came between this change and the quiet after it. */
  bytes: number;
}

/** The whole list is open: the probes' names come first in it, so that their rows exist however long it is. */
export async function measureLatency({ ground, browser, report, amounts, say }: SettingOn): Promise<void> {
  const reader = await BareReader.start(ground.socket);
  const api = new EngineApi(ground.socket);
  const samples: Record<string, Sample[]> = Object.fromEntries(measured.map((name) => [name, []]));
  const missed: string[] = [];
  try {
    await serve(ground.host, async (server) => {
      let probe: PageProbe;
      let frames: FrameCounter;
      await look(
        browser,
        `${server.url}/containers`,
        async (page) => {
          await probe.observe(page);
          await wholeList(page, ground.containers);
          const clocks = { reader: await reader.calibrate(), page: await probe.calibrate(page) };
          say(`${ground.containers} containers: ${amounts.samples} lives`);
          for (let round = 0; round < amounts.samples; round++) {
            const subject: Subject = { id: '', name: `a-probe-${ground.containers}-${round}`, image: ground.image };
            for (const operation of life) {
              const sample = await once(operation, subject, probe, frames);
              samples[operation.name]?.push(sample);
            }
          }
          const afterwards = { reader: await reader.calibrate(), page: await probe.calibrate(page) };
          report.notes[`clocks ${at(ground)}, ms against the system's`] = { before: clocks, after: afterwards };
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
    const limits = targets.latency[ground.containers];
    report.addSamples(`${name} → DOM over the reader, ${at(ground)}`, overReader, { unit: 'ms', atLeast, beside, ...limits });
  }
  const all = atLeast * life.length;
  report.add(`changes missed, ${at(ground)}`, `${missed.length} of ${all}`, 'none', missed.length === 0);
  report.notes[`changes missed ${at(ground)}`] = missed;
  for (const name of measured) {
    // A new container comes whole: its bytes are those of its names and labels, not of a change of state.
    const limit = name === 'create' ? {} : { max: targets.bytesOfChange };
    const bytes = samples[name]!.map((sample) => sample.bytes);
    report.addSamples(`bytes of all messages of a ${name}, ${at(ground)}`, bytes, { unit: 'B', atLeast, ...limit });
  }

  /** One change on a quiet page. */
  async function once(operation: Operation, subject: Subject, probe: PageProbe, frames: FrameCounter): Promise<Sample> {
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
    if (seen instanceof Error) missed.push(seen.message);
    await probe.quiet();
    return {
      domOverReader: seen instanceof Error ? patienceMs : probe.systemTime(seen) - event.seenMs,
      readerAfterEvent: event.seenMs - event.engineMs,
      bytes: frames.bytes,
    };
  }
}
