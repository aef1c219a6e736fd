// Page latency on newer engines, compared with the machine's own.
import { testImage } from '../support/docker';
import { script } from '../support/paths';
import { run } from '../support/run';
import { targets } from './figures';
import { at, type EngineUnderTest } from './engine-under-test';
import { measureLatencies } from './latency';
import { measured } from './operations';
import { Population } from './population';
import { RealEngine } from './real-engine';
import type { Setting } from './setting';
import { ms } from './statistics';

const newer = ['docker28', 'docker28-containerd'];

/** Runs the same container lifecycle on each engine, and reports the differences of the medians. */
export async function measureEngines(setting: Setting, containers: number): Promise<void> {
  const own = await RealEngine.start();
  const populations: Population[] = [];
  const testedEngines: EngineUnderTest[] = [];
  try {
    testedEngines.push({ ...(await own.with(containers)), name: 'Docker of this machine' });
    for (const name of newer) {
      await run(script('engines'), ['remove', name]);
      const host = (await run(script('engines'), ['start', name])).trim();
      const socket = host.replace('unix://', '');
      const population = new Population(socket);
      populations.push(population);
      await population.growTo(containers);
      testedEngines.push({ kind: 'engine', host, socket, containers, name, image: testImage });
    }
    await measureLatencies(setting, testedEngines);
  } finally {
    for (const population of populations) population.close();
    for (const name of newer) await run(script('engines'), ['remove', name]);
    await own.remove();
  }
  const [first, ...others] = testedEngines;
  for (const testedEngine of others) {
    for (const operation of measured) {
      const [here, there] = [first!, testedEngine].map((of) => setting.report.p50Of(`${operation} → DOM over the reader, ${at(of)}`));
      if (here === undefined || there === undefined) continue;
      const difference = there - here;
      const is = difference <= targets.newerEngineMs;
      setting.report.add(`${operation}: p50 on ${testedEngine.name} less that on Docker of this machine`, ms(difference), ms(targets.newerEngineMs), is);
    }
  }
}
