// Simulated engine (`quaylight sim`) in a separate process, for large engines and for fault injection.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callSocket, EngineApi } from './engine-api';
import { end, endWithUs } from './ended';
import { serverBinary } from './paths';

/** The actual state, and counters of what was reported: `src/sim/truth.rs`. */
export interface Truth {
  containers: { id: string; name: string; state: string; health: string | null; image: string }[];
  images: { id: string; tags: string[] }[];
  /** Names. */
  volumes: string[];
  networks: { id: string; name: string }[];
  events_sent: number;
  events_dropped: number;
  /** Current readers of `GET /containers/{id}/stats`. */
  stats_streams: number;
  /** Requests per route, as `GET /containers/{id}/json`. */
  requests: Record<string, number>;
}

/** `src/sim/faults.rs` documents each fault and its fields. */
export interface Fault {
  fault:
    | 'refuse'
    | 'hang'
    | 'silent_headers'
    | 'status'
    | 'half'
    | 'delay'
    | 'endless'
    | 'slow'
    | 'unknown_enum'
    | 'drop_event'
    | 'unknown_event'
    | 'garbage_line'
    | 'flood'
    | 'cut_events';
  method?: string;
  /** Path prefix; every path without it. */
  path?: string;
  /** Number of requests, lines or events affected; without it and without a duration, the fault stays on. */
  count?: number;
  duration_ms?: number;
  status?: number;
  message?: string;
  bytes_per_second?: number;
  action?: string;
  container?: string;
}

export interface Population {
  containers: number;
  /** Spontaneous changes per second. */
  churn?: number;
  /** The same seed gives the same containers and changes. */
  seed?: number;
}

export class Simulator {
  readonly kind = 'simulator';
  /** An image it has, for test containers. */
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

  static async start({ containers, churn = 0, seed = 1 }: Population): Promise<Simulator> {
    const dir = mkdtempSync(join(tmpdir(), 'quaylight-sim-'));
    const socket = join(dir, 'engine.sock');
    const flags = ['--socket', socket, '--containers', String(containers), '--seed', String(seed)];
    // Without this process's settings, which are meant for the server.
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
    return this.control('GET', '/_sim/truth');
  }

  /** Switches a fault on; a fault with an immediate effect has taken effect when this resolves. */
  async strike(fault: Fault): Promise<void> {
    await this.control('POST', '/_sim/faults', fault);
  }

  /** Switches all faults off. Changes continue. */
  async calm(): Promise<void> {
    await this.control('DELETE', '/_sim/faults');
  }

  /** Sets the rate of spontaneous changes; 0 stops them. */
  async churn(perSecond: number): Promise<void> {
    await this.control('POST', '/_sim/churn', { per_second: perSecond });
  }

  async stop(): Promise<void> {
    await end(this.child);
    rmSync(this.dir, { recursive: true, force: true });
  }

  private control(method: string, path: string, body?: object): Promise<any> {
    // On a new connection: a kept-alive one may be closed at the moment of its reuse.
    return callSocket(this.socket, method, path, body);
  }
}

/** Resolves when it reports that it is ready. */
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
