// `make bench`: measures the performance targets, prints a table, writes target/bench.json.
//
//   npx tsx end2end/bench/main.ts [--quick] [--long] [--only latency,idle,…]
//
// docs/performance.md describes what is measured and how. QUAYLIGHT_BIN selects a server other than the release build. The
// real engine is a private one, started and removed here. Exit code 1: a figure could not be measured. A missed target is
// reported in the table and does not fail the run.
import { chromium } from '@playwright/test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { chromiumLaunch } from '../support/chromium';
import { reports } from '../support/paths';
import { Simulator } from '../support/simulator';
import { measureBusy } from './busy';
import { measureEngines } from './engines';
import { measureFanout } from './fanout';
import { figures, type FigureName } from './figures';
import { measureHeap } from './heap';
import { measureIdle } from './idle';
import { measureLatency } from './latency';
import { measureLoad } from './load';
import { measureMemory } from './memory';
import { measureMixedUse } from './mixed-use';
import { amounts as amountsOf, readOptions } from './options';
import { RealEngine } from './real-engine';
import { measureReconnect } from './reconnect';
import { Report } from './report';
import { measureRows } from './rows';
import type { Setting, SettingOn } from './setting';
import { compareSizes } from './sizes';
import { measureChurn } from './churn';
import { measureManyUsages, measureUsage } from './usage';

const options = readOptions(process.argv.slice(2));
const amounts = amountsOf(options);
const began = performance.now();
const seconds = () => Math.round((performance.now() - began) / 1000);
const report = new Report();
/** Cleanup to run first on a signal. */
let leaveNothing = async (): Promise<void> => {};
const say = (line: string) => console.error(`[${seconds()} s] ${line}`);

/** Which figures are measured at which sizes of the real engine and of the simulator. */
const onEngine: [number, Partial<Record<FigureName, (setting: SettingOn) => Promise<void>>>][] = options.quick
  ? [
      [50, { usage: measureUsage, mixed: measureMixedUse }],
      [100, { latency: measureLatency, idle: measureIdle, load: measureLoad }],
    ]
  : [
      [2, { latency: measureLatency }],
      [50, { usage: measureUsage, mixed: measureMixedUse }],
      [100, { latency: measureLatency, idle: measureIdle, load: measureLoad }],
      [500, { latency: measureLatency }],
    ];
/** Number of containers on each engine when several are compared. */
const onEachEngine = 100;
const onSimulator = options.quick ? [10_000] : [1_000, 10_000];
const byItself: Partial<Record<FigureName, (setting: Setting) => Promise<void>>> = {
  memory: measureMemory,
  usage: measureManyUsages,
  busy: measureBusy,
  fanout: measureFanout,
  rows: measureRows,
  storm: measureChurn,
  reconnect: measureReconnect,
  heap: measureHeap,
};

async function main(): Promise<void> {
  // Signals are handled below; the browser ends with this process anyway.
  const browser = await chromium.launch({ ...chromiumLaunch, handleSIGINT: false, handleSIGTERM: false });
  const setting: Setting = { browser, report, amounts, say };
  try {
    if (onEngine.some(([, those]) => Object.keys(those).some((name) => options.wants(name as FigureName))))
      await attempt('the real engine', () => measureOnEngine(setting));
    if (options.wants('engines')) await attempt(figures.engines, () => measureEngines(setting, onEachEngine));
    if (options.wants('latency')) {
      for (const containers of onSimulator) {
        await attempt(`latency at ${containers} (sim)`, async () => {
          const testedEngine = await Simulator.start({ containers });
          await measureLatency({ ...setting, testedEngine }).finally(() => testedEngine.stop());
        });
      }
    }
    for (const [name, measure] of Object.entries(byItself))
      if (options.wants(name as FigureName)) await attempt(figures[name as FigureName], () => measure(setting));
  } finally {
    await browser.close();
  }
  tell();
  if (report.failures.length > 0) process.exitCode = 1;
}

async function measureOnEngine(setting: Setting): Promise<void> {
  say('starting a private engine');
  const engine = await RealEngine.start();
  leaveNothing = () => engine.remove();
  try {
    for (const [containers, those] of onEngine) {
      const wanted = Object.entries(those).filter(([name]) => options.wants(name as FigureName));
      if (wanted.length === 0) continue;
      say(`filling up to ${containers} containers`);
      const testedEngine = await engine.with(containers);
      for (const [name, measure] of wanted)
        await attempt(`${name} at ${containers}`, () => measure({ ...setting, testedEngine }));
    }
    compareSizes(report);
  } finally {
    say('removing the private engine');
    leaveNothing = async () => {};
    await engine.remove();
  }
}

/** Reports a figure that can't be measured, and lets the run continue. */
async function attempt(what: string, measure: () => Promise<void>): Promise<void> {
  try {
    await measure();
  } catch (error) {
    say(`${what}: ${error instanceof Error ? error.stack : error}`);
    report.fail(what, error instanceof Error ? error.message : String(error));
  }
}

function tell(): void {
  const machine = `${cpus().length} cores, ${cpus()[0]?.model.trim()}`;
  console.log(report.table());
  console.log(`\n${machine}; everything on the same machine; took ${seconds()} s.`);
  console.log(`${report.missed.length} targets missed, ${report.failures.length} figures not measured.`);
  mkdirSync(reports, { recursive: true });
  const file = join(reports, 'bench.json');
  const head = { taken: new Date().toISOString(), seconds: seconds(), machine, amounts };
  writeFileSync(file, `${JSON.stringify({ ...head, ...report.json() }, null, 2)}\n`);
  console.log(`Details: ${file}`);
}

// The servers and simulators end with this process: see ended.ts.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    report.fail('the rest', `ended by ${signal}`);
    tell();
    void leaveNothing().finally(() => process.exit(1));
  });

await main();
