// `make bench`: measures what product.md section 10 promises, prints a table, writes target/bench.json.
//
//   npx tsx end2end/bench/main.ts [--quick] [--only latency,idle,weight]
//
// QUAYLIGHT_BIN names another server; the engine is a private one, started and removed here.
import { chromium } from '@playwright/test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { chromiumLaunch } from '../support/chromium';
import { reports } from '../support/paths';
import { PrivateEngine } from '../support/private-engine';
import { measureIdle } from './idle';
import { measureLatency } from './latency';
import { Population } from './population';
import { Report } from './report';
import { compareSizes } from './sizes';
import { measureWeight } from './weight';

const quick = process.argv.includes('--quick');
const only = process.argv.find((_, at, all) => all[at - 1] === '--only')?.split(',');
const wants = (figure: string) => only === undefined || only.includes(figure);

/** How many containers, and how often each change is made at that size. */
const sizes = quick
  ? [{ containers: 100, rounds: 10 }]
  : [{ containers: 2, rounds: 30 }, { containers: 100, rounds: 30 }, { containers: 500, rounds: 30 }];

async function main(): Promise<void> {
  const began = performance.now();
  const say = (line: string) => console.error(`[${((performance.now() - began) / 1000).toFixed(0)} s] ${line}`);
  say('starting a private engine');
  const engine = await PrivateEngine.start();
  const browser = await chromium.launch(chromiumLaunch);
  const report = new Report();
  const population = new Population(engine.socket);
  try {
    for (const { containers, rounds } of sizes) {
      say(`filling up to ${containers} containers`);
      await population.growTo(containers);
      const setting = { engine, browser, containers, running: population.running, report, say };
      if (wants('latency')) await measureLatency({ ...setting, rounds });
      if (wants('idle') && containers >= 100) await measureIdle({ ...setting, seconds: quick ? 10 : 30 });
      if (wants('weight') && containers === 100) await measureWeight({ ...setting, loads: quick ? 5 : 15 });
    }
    compareSizes(report);
  } finally {
    await browser.close();
    population.close();
    await engine.remove();
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(report.table());
  console.log(`\n${cpus().length} cores, ${cpus()[0]?.model.trim()}; engine on the same machine; took ${seconds} s.`);
  mkdirSync(reports, { recursive: true });
  const file = join(reports, 'bench.json');
  writeFileSync(file, `${JSON.stringify({ taken: new Date().toISOString(), seconds, quick, ...report.json() }, null, 2)}\n`);
  console.log(`Details: ${file}`);
  // A figure that misses its target fails the run, a slow quick run on a busy laptop does not.
  if (!quick && report.missed().length > 0) process.exitCode = 1;
}

await main();
