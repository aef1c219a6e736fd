// Private Podman for a test, with all its data in one folder, separate from the machine's own Podman.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ensureTestImage } from './docker';
import { run } from './run';

/**
 * Names without a registry mean local images, as with Docker.
 * Podman's default limits for open files and processes exceed those of CI machines, where no container would start.
 */
const settings = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
compat_api_enforce_docker_hub = false
`;

/** Docker does this by default. */
const registries = `[[registry]]
location = "127.0.0.1"
insecure = true
`;

const timeoutMs = 20_000;

export class Podman {
  static readonly image = 'localhost/quaylight-test/busybox:1';

  private constructor(
    private readonly dir: string,
    private readonly service: ChildProcess,
    /** For DOCKER_HOST. */
    readonly host: string,
  ) {}

  /** Resolves when Podman responds and has the test image. */
  static async start(): Promise<Podman> {
    const dir = mkdtempSync(join(tmpdir(), 'qlt-podman-'));
    writeFileSync(join(dir, 'containers.conf'), settings);
    writeFileSync(join(dir, 'registries.conf'), registries);
    const socket = join(dir, 'podman.sock');
    const args = [...options(dir), 'system', 'service', '--time=0', `unix://${socket}`];
    const service = spawn('podman', args, { env: environment(dir), stdio: 'ignore' });
    const until = Date.now() + timeoutMs;
    while (!(await answers(socket))) {
      if (Date.now() > until) {
        service.kill('SIGKILL');
        rmSync(dir, { recursive: true, force: true });
        throw new Error('podman does not answer');
      }
      await pause(20);
    }
    const podman = new Podman(dir, service, `unix://${socket}`);
    await ensureTestImage(podman.host);
    return podman;
  }

  cli(...args: string[]): Promise<string> {
    return run('podman', [...options(this.dir), ...args], { env: environment(this.dir) });
  }

  async remove(): Promise<void> {
    await this.cli('rm', '--all', '--force', '--time', '0');
    // Their bridges belong to the machine.
    await this.cli('network', 'prune', '--force');
    this.service.kill();
    if (this.service.exitCode === null) await once(this.service, 'exit');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The storage uses plain copies, so that no mounts can leak. */
function options(dir: string): string[] {
  const places = { root: 'root', runroot: 'run', tmpdir: 'tmp', 'network-config-dir': 'networks' };
  const placed = Object.entries(places).flatMap(([flag, place]) => [`--${flag}`, join(dir, place)]);
  return [...placed, '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'file'];
}

function environment(dir: string): NodeJS.ProcessEnv {
  const { CONTAINER_HOST: _, ...rest } = process.env;
  return { ...rest, CONTAINERS_CONF: join(dir, 'containers.conf'), CONTAINERS_REGISTRIES_CONF: join(dir, 'registries.conf') };
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => (connection.end(), resolve(true)));
    connection.once('error', () => resolve(false));
  });
}
