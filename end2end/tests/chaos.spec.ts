// Convergence after random faults on both sides of the server: the page, the server and the engine agree.
//
// Set `QUAYLIGHT_CHAOS_FAULTS=2000` for a long run, and `QUAYLIGHT_CHAOS_SEED` to reproduce one.
// `tests/integration/chaos.rs` does the same without a browser.
import type { Page } from '@playwright/test';
import { setTimeout as lasting } from 'node:timers/promises';
import { expect, test as chaos } from '../support/chaos';
import type { ChaosProxy } from '../support/chaos-proxy';
import { ConnectionHistory, type Moment } from '../support/connection-history';
import { askJson } from '../support/http';
import { mark, open, type Kind } from '../support/page';
import { Random } from '../support/random';
import { Server } from '../support/server';
import { Simulator } from '../support/simulator';
import { differences, kinds } from '../support/three-sides';

const seed = Number(process.env.QUAYLIGHT_CHAOS_SEED ?? 7);
const faults = Number(process.env.QUAYLIGHT_CHAOS_FAULTS ?? 200);

const changesPerSecond = 30;

/** Faults between two comparisons: a lost change is found near its cause. */
const calmAfter = 100;

/** A swallowed list times out after 15 s, a silent connection is detected after 10 s; then a reconcile runs. */
const settlesWithin = 25_000;

// A swallowed request is only noticed after 10 s or more, during which no other fault can hit the server; hence the low weight.
const engineFaults = weighted({
  refuse: 5,
  hang: 1,
  status: 5,
  half: 5,
  cut_events: 5,
  garbage_line: 5,
  unknown_event: 5,
  slow: 5,
  drop_event: 5,
});

const networkFaults = weighted({
  cut: 6,
  stall: 3,
  forget: 1,
  refuse: 3,
  delay: 3,
  block_websocket: 2,
  block_sse: 2,
  block_both: 2,
});

const test = chaos.extend<{}, { simulator: Simulator }>({
  simulator: [
    async ({}, use) => {
      const simulator = await Simulator.start({ containers: 60, seed });
      await use(simulator);
      await simulator.stop();
    },
    { scope: 'worker' },
  ],

  server: [
    async ({ simulator }, use) => {
      const server = await Server.start(simulator.host, {}, '[engine]\nreconcile-seconds = 1\n');
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
});

// A trace that recorded each of the thousands of changes would slow the page down to a few frames a second.
test.use({ trace: 'off' });

test(`page, server and engine agree after ${faults} faults on both sides of the server (seed ${seed})`, async ({ page, network, server, simulator }) => {
  const calms = Math.ceil(faults / calmAfter);
  test.setTimeout(30_000 + faults * 60 + (calms + kinds.length) * settlesWithin);
  const began = performance.now();
  const agree = (when: string, shown: Kind = 'container') =>
    expect
      .poll(() => differences(page, shown, server, simulator), {
        message: `seed ${seed}, ${when}: differences between page, server and engine`,
        timeout: settlesWithin,
        intervals: [50],
      })
      .toEqual([]);

  await open(page, '/containers');
  const document = await mark(page);
  const history = await ConnectionHistory.watch(page);
  await agree('at the beginning');
  const random = new Random(seed);
  const mischief = new Mischief(simulator, network, random);
  for (let done = 0; done < faults; ) {
    await simulator.churn(changesPerSecond);
    const wake = await keepAwake(page);
    for (const until = Math.min(done + calmAfter, faults); done < until; done++) {
      await mischief.strike();
      // The pace of the faults.
      await lasting(5 + random.below(36));
    }
    await wake.stop();
    await simulator.churn(0);
    await mischief.end();
    await agree(`after ${done} faults`);
    await loseEvents(simulator);
    await agree(`after ${done} faults and lost events`);
  }

  for (const kind of kinds.slice(1)) {
    await page.getByRole('link', { name: new RegExp(`^${kind}s`, 'i') }).first().click();
    await expect(page).toHaveURL(new RegExp(`/${kind}s$`));
    await agree('at the end', kind);
  }
  await history.expectOnlyForward();
  await document.stayed();
  const reconnects = timesLost(await history.moments());
  expect(reconnects, 'number of disconnects of the page').toBeGreaterThan(Math.floor(faults / 50));

  const health = await askJson(`${server.url}/healthz`);
  const truth = await simulator.truth();
  console.log(
    `chaos: seed ${seed}, ${faults} faults ${JSON.stringify(mischief.struck)}, ${truth.events_sent} events sent, ` +
      `${truth.events_dropped} dropped, revision ${health.revision}, drift ${health.engines[0].drift}, ` +
      `${reconnects} reconnects, ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  );
});

/** Sends `online` events, as a browser does when its network is back; otherwise the page's backoff, rightly, grows. */
async function keepAwake(page: Page): Promise<{ stop(): Promise<void> }> {
  const timer = await page.evaluate(() => Number(setInterval(() => window.dispatchEvent(new Event('online')), 50)));
  return { stop: () => page.evaluate((id) => clearInterval(id), timer) };
}

/** While no other fault is active, only the reconcile repairs lost events: otherwise the list after a reconnect would. */
async function loseEvents(simulator: Simulator): Promise<void> {
  const enough = (await simulator.truth()).events_dropped + 5;
  await simulator.strike({ fault: 'drop_event', count: 5 });
  await simulator.churn(changesPerSecond);
  await expect.poll(async () => (await simulator.truth()).events_dropped, { message: 'number of lost events', intervals: [20] }).toBe(enough);
  await simulator.churn(0);
}

function timesLost(moments: Moment[]): number {
  const isLive = (moment: Moment | undefined) => moment?.connection === 'live' || moment?.connection === 'polling';
  return moments.filter((moment, at) => !isLive(moment) && isLive(moments[at - 1])).length;
}

/** Random faults, none of which lasts longer than half a second. */
class Mischief {
  /** Number of faults, by side and name. */
  readonly struck = { engine: {} as Record<string, number>, network: {} as Record<string, number> };
  /** Timer that clears the current network fault. */
  private clearing: NodeJS.Timeout | null = null;

  constructor(
    private readonly simulator: Simulator,
    private readonly network: ChaosProxy,
    private readonly random: Random,
  ) {}

  async strike(): Promise<void> {
    if (this.random.below(2) === 0) await this.strikeEngine();
    else this.strikeNetwork();
  }

  /** Ends all faults, but at random leaves the open connections silent for good. */
  async end(): Promise<void> {
    this.clearUp();
    await this.simulator.calm();
    // Done here because during other faults the next cut would close them before the page has to detect it.
    if (this.random.below(4) === 0) this.forget();
  }

  /** A fault between server and engine. */
  private async strikeEngine(): Promise<void> {
    const { random, simulator } = this;
    const fault = random.of(engineFaults);
    this.note('engine', fault);
    const count = 1 + random.below(3);
    const duration_ms = 20 + random.below(281);
    const path = random.of(['/containers', '/images', '/events', undefined]);
    switch (fault) {
      case 'refuse':
      case 'status':
        return simulator.strike({ fault, path, count, duration_ms });
      case 'half':
        return simulator.strike({ fault, path, count: 1, duration_ms });
      case 'hang':
        // Open event streams fall silent and then continue; requests during that time are never answered.
        return simulator.strike({ fault, path, duration_ms });
      case 'slow':
        return simulator.strike({ fault, path: '/containers', bytes_per_second: 100_000, duration_ms });
      case 'drop_event':
        return simulator.strike({ fault, count, duration_ms });
      case 'garbage_line':
      case 'unknown_event':
        return simulator.strike({ fault, count });
      case 'cut_events':
        return simulator.strike({ fault });
    }
  }

  /** A fault between browser and server. */
  private strikeNetwork(): void {
    const { random, network } = this;
    const fault = random.of(networkFaults);
    if (fault === 'forget') return this.forget();
    this.note('network', fault);
    // Drawn even if unused: a seed's faults must not depend on the clock.
    const forMs = 50 + random.below(351);
    if (fault === 'cut') return network.cut();
    if (fault === 'stall') network.stall();
    else if (fault === 'refuse') network.refuse();
    else if (fault === 'delay') network.delay(20 + random.below(181));
    else network.block({ websocket: fault !== 'block_sse', sse: fault !== 'block_websocket' });
    // Faults added meanwhile end with this timer, too: otherwise the network might never recover.
    this.clearing ??= setTimeout(() => this.clearUp(), forMs);
  }

  private forget(): void {
    this.note('network', 'forget');
    this.network.forget();
  }

  private clearUp(): void {
    if (this.clearing !== null) clearTimeout(this.clearing);
    this.clearing = null;
    this.network.pass();
  }

  private note(side: 'engine' | 'network', fault: string): void {
    this.struck[side][fault] = (this.struck[side][fault] ?? 0) + 1;
  }
}

/** Each name repeated by its weight. */
function weighted<T extends string>(weights: Record<T, number>): T[] {
  return (Object.keys(weights) as T[]).flatMap((name) => Array<T>(weights[name]).fill(name));
}
