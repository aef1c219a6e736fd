// How does a test get a Docker engine that it may stop?
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { script } from './paths';
import { run } from './run';

/** A dockerd with everything in a folder of its own, the test image in it. `scripts/private-engine` knows how. */
export class PrivateEngine {
  private constructor(
    private readonly dir: string,
    /** For DOCKER_HOST. */
    readonly host: string,
  ) {}

  static async start(): Promise<PrivateEngine> {
    const dir = mkdtempSync(join(tmpdir(), 'qlt-engine-'));
    const engine = new PrivateEngine(dir, await run(script('private-engine'), ['url', dir]));
    await engine.do('start');
    return engine;
  }

  get socket(): string {
    return this.host.replace('unix://', '');
  }

  /** Resolves when the engine has ended. `KILL` ends it without a goodbye: its containers live on. */
  stop(signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    return this.do('stop', signal);
  }

  /** Resolves when the engine answers again. */
  startAgain(): Promise<void> {
    return this.do('start');
  }

  remove(): Promise<void> {
    return this.do('remove');
  }

  private async do(verb: string, ...options: string[]): Promise<void> {
    await run(script('private-engine'), [verb, this.dir, ...options], { timeoutMs: 120_000 });
  }
}
