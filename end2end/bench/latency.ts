// Latency of a change in the page relative to a bare reader of /events, and the bytes it takes.
import type { Page } from '@playwright/test';
import { EngineApi } from '../support/engine-api';
import { BareReader } from './bare-reader';
import { targets } from './figures';
import { at, type EngineUnderTest } from './engine-under-test';
import { life, measured, type Operation, type Subject } from './operations';
import { PageProbe } from './page-probe';
import { look, serve, wholeList } from './serve';
import type { Report } from './report';
import type { Setting, SettingOn } from './setting';
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

/** Measures the changes of containers' lives on one engine. */
export const measureLatency = ({ testedEngine, ...setting }: SettingOn): Promise<void> => measureLatencies(setting, [testedEngine]);

/** Measures on several engines, a life on each in turn: what else the machine does at the time then affects all of them. */
export async function measureLatencies(setting: Setting, engines: EngineUnderTest[]): Promise<void> {
  const { samples } = setting.amounts;
  let watched: Watched[] = [];
  await watchAll(setting, engines, async (all) => {
    watched = all;
    for (const it of all) await it.noteClocks(setting.report, 'before');
    setting.say(`${engines.map(at).join(', ')}: ${samples} lives`);
    for (let round = 0; round < samples; round++) for (const it of all) await it.live(round);
    for (const it of all) await it.noteClocks(setting.report, 'after');
  });
  for (const it of watched) it.tell(setting.report, samples);
}

async function watchAll(setting: Setting, engines: EngineUnderTest[], use: (all: Watched[]) => Promise<void>, all: Watched[] = []): Promise<void> {
  const [next, ...rest] = engines;
  if (next === undefined) return use(all);
  await watch(setting, next, (it) => watchAll(setting, rest, use, [...all, it]));
}

/** Opens the page on the whole list: the probes' names sort first, so their rows are rendered at any list length. */
async function watch({ browser }: Setting, engine: EngineUnderTest, use: (it: Watched) => Promise<void>): Promise<void> {
  const reader = await BareReader.start(engine.socket);
  const api = new EngineApi(engine.socket);
  try {
    await serve(engine.host, async (server) => {
      let probe: PageProbe;
      let frames: FrameCounter;
      await look(
        browser,
        `${server.url}/containers`,
        async (page) => {
          await probe.observe(page);
          await wholeList(page, engine.containers);
          await use(new Watched(engine, reader, api, page, probe, frames));
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
}

/** An engine with a reader of its events and a page that shows its containers. */
class Watched {
  private readonly samples: Record<string, Sample[]> = Object.fromEntries(measured.map((name) => [name, []]));
  private readonly missed: string[] = [];

  constructor(
    private readonly engine: EngineUnderTest,
    private readonly reader: BareReader,
    private readonly api: EngineApi,
    private readonly page: Page,
    private readonly probe: PageProbe,
    private readonly frames: FrameCounter,
  ) {}

  async noteClocks(report: Report, when: 'before' | 'after'): Promise<void> {
    const clocks = { reader: await this.reader.calibrate(), page: await this.probe.calibrate(this.page) };
    report.notes[`clocks ${at(this.engine)} ${when}, ms against the system's`] = clocks;
  }

  async live(round: number): Promise<void> {
    const subject: Subject = { id: '', name: `a-probe-${this.engine.containers}-${round}`, image: this.engine.image };
    for (const operation of life) {
      const sample = await this.once(operation, subject);
      this.samples[operation.name]?.push(sample);
    }
  }

  tell(report: Report, atLeast: number): void {
    for (const name of measured) {
      const of = this.samples[name]!;
      const beside = `reader ${ms(median(of.map((sample) => sample.readerAfterEvent)))} after the event`;
      const overReader = of.map((sample) => sample.domOverReader);
      const limits = targets.latency[this.engine.containers];
      report.addSamples(`${name} → DOM over the reader, ${at(this.engine)}`, overReader, { unit: 'ms', atLeast, beside, ...limits });
    }
    const all = atLeast * life.length;
    report.add(`changes missed, ${at(this.engine)}`, `${this.missed.length} of ${all}`, 'none', this.missed.length === 0);
    report.notes[`changes missed ${at(this.engine)}`] = this.missed;
    for (const name of measured) {
      // A new container is sent whole: its size depends on names and labels, not on a change of state.
      const limit = name === 'create' ? {} : { max: targets.bytesOfChange };
      const bytes = this.samples[name]!.map((sample) => sample.bytes);
      report.addSamples(`bytes of all messages of a ${name}, ${at(this.engine)}`, bytes, { unit: 'B', atLeast, ...limit });
    }
  }

  /** Measures one change on a quiet page. */
  private async once(operation: Operation, subject: Subject): Promise<Sample> {
    await this.probe.quiet();
    this.frames.reset();
    // Both buffer what arrives before it is awaited; the operation's own response may be later than either.
    const performed = operation.perform(this.api, subject);
    const shown = this.probe.seen
      .take((seen) => operation.shown(seen, subject), `${operation.name} of ${subject.name}`, timeoutMs)
      .catch((error: Error) => error);
    await performed;
    const event = await this.reader.events.take(
      ({ id, action }) => id === subject.id && action === operation.event,
      `${operation.event} of ${subject.name}`,
      timeoutMs,
    );
    const seen = await shown;
    if (seen instanceof Error) this.missed.push(seen.message);
    await this.probe.quiet();
    return {
      domOverReader: seen instanceof Error ? timeoutMs : this.probe.systemTime(seen) - event.seenMs,
      readerAfterEvent: event.seenMs - event.engineMs,
      bytes: this.frames.bytes,
    };
  }
}
