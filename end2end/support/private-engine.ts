// Private Docker engine for tests that stop it.
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { script } from './paths';
import { run } from './run';

/** A dockerd with all its data in one folder, and the test image; managed by `scripts/private-engine`. */
export class PrivateEngine {
  private constructor(
    private readonly dir: string,
    /** For DOCKER_HOST. */
    readonly host: string,
  ) {}

  /** `megabytes` limits the size of its disk. */
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

  /** Command prefix that runs a program in the engine's own network, which is separate from this machine's. */
  get onItsNetwork(): string[] {
    return ['nsenter', `--net=/proc/${readFileSync(join(this.dir, 'docker.pid'), 'utf8').trim()}/ns/net`];
  }

  get socket(): string {
    return this.host.replace('unix://', '');
  }

  /** Resolves when the engine has ended. `KILL` ends it without a shutdown: its containers keep running. */
  stop(signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    return this.do('stop', signal);
  }

  /** Resolves when the engine responds again. */
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
