// The engine that is real: started for the benchmark, filled up step by step, and removed.
import { testImage } from '../support/docker';
import { PrivateEngine } from '../support/private-engine';
import type { Ground } from './ground';
import { Population } from './population';

export class RealEngine {
  private readonly population: Population;

  private constructor(private readonly engine: PrivateEngine) {
    this.population = new Population(engine.socket);
  }

  static async start(): Promise<RealEngine> {
    return new RealEngine(await PrivateEngine.start());
  }

  /** With so many containers; they only ever become more. */
  async with(containers: number): Promise<Ground> {
    await this.population.growTo(containers);
    const { host, socket } = this.engine;
    return { kind: 'engine', host, socket, containers, image: testImage };
  }

  async remove(): Promise<void> {
    this.population.close();
    await this.engine.remove();
  }
}
