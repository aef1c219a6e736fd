// Private Docker engine: started for the benchmark, filled step by step, and removed.
import { testImage } from '../support/docker';
import { PrivateEngine } from '../support/private-engine';
import type { EngineUnderTest } from './engine-under-test';
import { Population } from './population';

export class RealEngine {
  private readonly population: Population;

  private constructor(private readonly engine: PrivateEngine) {
    this.population = new Population(engine.socket);
  }

  static async start(): Promise<RealEngine> {
    return new RealEngine(await PrivateEngine.start());
  }

  /** The engine with this many containers; the number only grows. */
  async with(containers: number): Promise<EngineUnderTest> {
    await this.population.growTo(containers);
    const { host, socket } = this.engine;
    return { kind: 'engine', host, socket, containers, image: testImage };
  }

  async remove(): Promise<void> {
    this.population.close();
    await this.engine.remove();
  }
}
