// How does a test get a Docker engine that it may stop?
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
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

  /** With a disk of so many MB, where that is said. */
  static async start({ megabytes }: { megabytes?: number } = {}): Promise<PrivateEngine> {
    const dir = mkdtempSync(join(tmpdir(), 'qlt-engine-'));
    if (megabytes !== undefined) {
      mkdirSync(join(dir, 'data'));
      await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', join(dir, 'data')]);
    }
    const engine = new PrivateEngine(dir, await run(script('private-engine'), ['url', dir]));
    await engine.do('start');
    return engine;
  }

  /** Command and arguments that run something on the engine's own network, of which this machine's is no part. */
  get onItsNetwork(): string[] {
    return ['nsenter', `--net=/proc/${readFileSync(join(this.dir, 'docker.pid'), 'utf8').trim()}/ns/net`];
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
