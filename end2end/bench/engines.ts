// Page latency on newer engines, compared with the machine's own.
import { testImage } from '../support/docker';
import { script } from '../support/paths';
import { run } from '../support/run';
import { targets } from './figures';
import { at, type EngineUnderTest } from './engine-under-test';
import { measureLatency } from './latency';
import { measured } from './operations';
import { Population } from './population';
import { RealEngine } from './real-engine';
import type { Setting } from './setting';
import { ms } from './statistics';

const newer = ['docker28', 'docker28-containerd'];

/** Runs the same container lifecycle on each engine, one after the other, and reports the differences of the medians. */
export async function measureEngines(setting: Setting, containers: number): Promise<void> {
  const own = await RealEngine.start();
  const testedEngines: EngineUnderTest[] = [];
  try {
    const testedEngine = { ...(await own.with(containers)), name: 'Docker of this machine' };
    testedEngines.push(testedEngine);
    await measureLatency({ ...setting, testedEngine });
  } finally {
    await own.remove();
  }
  for (const name of newer) {
    await run(script('engines'), ['remove', name]);
    const host = (await run(script('engines'), ['start', name])).trim();
    const socket = host.replace('unix://', '');
    const population = new Population(socket);
    try {
      await population.growTo(containers);
      const testedEngine: EngineUnderTest = { kind: 'engine', host, socket, containers, name, image: testImage };
      testedEngines.push(testedEngine);
      await measureLatency({ ...setting, testedEngine });
    } finally {
      population.close();
      await run(script('engines'), ['remove', name]);
    }
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
