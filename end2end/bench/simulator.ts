// How does the benchmark get an engine of ten thousand containers? `quaylight sim`, in a process of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineApi } from '../support/engine-api';
import { serverBinary } from '../support/paths';
import { endWithUs } from './ended';
import type { Ground } from './ground';

export interface Truth {
  events_sent: number;
  requests: Record<string, number>;
}

export class Simulator implements Ground {
  readonly kind = 'simulator';
  image = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly dir: string,
    readonly socket: string,
    readonly containers: number,
  ) {}

  get host(): string {
    return `unix://${this.socket}`;
  }

  /** `churn`: changes in a second that happen by themselves. The same seed gives the same containers and changes. */
  static async start({ containers, churn = 0 }: { containers: number; churn?: number }): Promise<Simulator> {
    const dir = mkdtempSync(join(tmpdir(), 'quaylight-sim-'));
    const socket = join(dir, 'engine.sock');
    const flags = ['--socket', socket, '--containers', String(containers), '--seed', '1'];
    // Without this process's settings: they are the server's.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(QUAYLIGHT_|DOCKER_)/.test(key)));
    const child = spawn(serverBinary(), ['sim', ...flags, ...(churn > 0 ? ['--churn', `${churn}/s`] : [])], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.once('exit', endWithUs(child.pid));
    const simulator = new Simulator(child, dir, socket, containers);
    try {
      await ready(child);
      const api = new EngineApi(socket);
      const images: { RepoTags: string[] | null }[] = await api.call('GET', '/images/json').finally(() => api.close());
      const tag = images.flatMap((image) => image.RepoTags ?? [])[0];
      if (tag === undefined) throw new Error('The simulator has no image with a name.');
      simulator.image = tag;
      return simulator;
    } catch (error) {
      await simulator.stop();
      throw error;
    }
  }

  truth(): Promise<Truth> {
    return new Promise((resolve, reject) => {
      request({ socketPath: this.socket, path: '/_sim/truth', headers: { host: 'engine' } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
      })
        .on('error', reject)
        .end();
    });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill('SIGTERM');
      const deadline = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(deadline);
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Until it says that it answers. */
function ready(child: ChildProcess): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The simulator ${why}. It said: ${said}`));
    const deadline = setTimeout(() => fail('did not answer within 15 s'), 15_000);
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-10_000);
      if (!/^The simulator answers at /m.test(said)) return;
      clearTimeout(deadline);
      resolve();
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    child.once('error', (error) => fail(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`));
  });
}
