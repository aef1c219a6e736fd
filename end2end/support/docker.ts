// The docker CLI for tests, with cleanup.
import { randomBytes } from 'node:crypto';
import { run, type RunOptions } from './run';
import { script } from './paths';

/** A busybox with `sleep infinity` as its command; built by scripts/test-image. */
export const testImage = 'quaylight-test/busybox:1';

export const defaultEngine = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';

const label = 'quaylight.test';

export interface ContainerOptions {
  /** Arguments before the image: `['--restart', 'always']`. */
  options?: readonly string[];
  /** The command in the container; `sleep infinity` by default. */
  command?: readonly string[];
  image?: string;
}

/**
 * One test's view of the engine. Everything it creates carries the label `quaylight.test=<run>` and a name that begins
 * with `qlt-<run>-`; the cleanup touches nothing else.
 */
export class Docker {
  readonly run = randomBytes(4).toString('hex');
  readonly prefix = `qlt-${this.run}-`;
  readonly label = `${label}=${this.run}`;

  constructor(
    readonly host: string = defaultEngine,
    readonly isPodman = false,
  ) {}

  /** The engine's full name for an image name without a registry. */
  called(name: string): string {
    return this.isPodman ? `localhost/${name}` : name;
  }

  /** Runs `docker <args>`; returns standard output. */
  cli(...args: string[]): Promise<string> {
    return this.cliWith({}, ...args);
  }

  cliWith(options: RunOptions, ...args: string[]): Promise<string> {
    return run('docker', args, { ...options, env: { DOCKER_HOST: this.host, ...options.env } });
  }

  /** A name unique to this test. */
  name(word: string): string {
    return `${this.prefix}${word}`;
  }

  /** Creates a container without starting it; returns its full id. */
  async create(name: string, options: ContainerOptions = {}): Promise<string> {
    return this.container('create', name, options);
  }

  /** Creates and starts a container; returns its full id. */
  async start(name: string, options: ContainerOptions = {}): Promise<string> {
    return this.container('run', name, options);
  }

  private container(verb: 'create' | 'run', name: string, options: ContainerOptions): Promise<string> {
    const own = options.options ?? [];
    return this.cli(
      verb,
      ...(verb === 'run' ? ['--detach'] : []),
      '--name',
      name,
      '--label',
      this.label,
      ...(own.includes('--network') ? [] : ['--network', 'none']),
      // As process 1, a shell or a sleep ignores SIGTERM, and a stop would take the full 10 s.
      ...(own.includes('--stop-signal') ? [] : ['--stop-signal', 'KILL']),
      ...own,
      options.image ?? testImage,
      ...(options.command ?? []),
    );
  }

  /** Creates a new image, not just another tag; returns its id. */
  async image(tag: string, content = tag): Promise<string> {
    const change = ['--change', `LABEL ${this.label}`];
    const said = await this.cliWith({ input: tarOf({ content }) }, 'import', ...change, '-', `${this.prefix}${tag}`);
    // Podman prints the id twice.
    return /^sha256:[0-9a-f]{64}/.exec(said)![0];
  }

  /** Builds an image from a Dockerfile. */
  async build(name: string, dockerfile: string): Promise<void> {
    const built = { input: dockerfile, env: { DOCKER_BUILDKIT: '0' } };
    await this.cliWith(built, 'build', '--network', 'none', '--tag', name, '-');
  }

  volume(name: string): Promise<string> {
    return this.cli('volume', 'create', '--label', this.label, name);
  }

  network(name: string): Promise<string> {
    return this.cli('network', 'create', '--label', this.label, name);
  }

  /** Every container of the engine, as the CLI lists it: name → state. */
  async states(filter = `label=${this.label}`): Promise<Record<string, string>> {
    const lines = await this.lines('ps', '--all', '--filter', filter, '--format', '{{.Names}}\t{{.State}}');
    return Object.fromEntries(lines.map((line) => line.split('\t') as [string, string]));
  }

  async inspect(kind: 'container' | 'image' | 'volume' | 'network', id: string): Promise<any> {
    return JSON.parse(await this.cli(kind, 'inspect', id))[0];
  }

  async lines(...args: string[]): Promise<string[]> {
    return (await this.cli(...args)).split('\n').filter((line) => line !== '');
  }

  /** Removes containers first, since they use the other objects. */
  async cleanUp(): Promise<void> {
    const filter = ['--filter', `label=${this.label}`];
    const containers = await this.lines('ps', '--all', '--quiet', ...filter);
    if (containers.length > 0) await this.cli('rm', '--force', '--volumes', ...containers);
    for (const network of await this.lines('network', 'ls', '--quiet', ...filter)) {
      const members = Object.keys((await this.inspect('network', network)).Containers ?? {});
      for (const member of members) await this.cli('network', 'disconnect', '--force', network, member);
      await this.cli('network', 'rm', network);
    }
    const volumes = await this.lines('volume', 'ls', '--quiet', ...filter);
    if (volumes.length > 0) await this.cli('volume', 'rm', '--force', ...volumes);
    const tags = await this.lines('images', '--format', '{{.Repository}}:{{.Tag}}', '--filter', `reference=${this.called(`${this.prefix}*`)}`);
    if (tags.length > 0) await this.cli('rmi', '--force', ...tags);
    const images = await this.lines('images', '--quiet', '--no-trunc', ...filter);
    if (images.length > 0) await this.cli('rmi', '--force', ...new Set(images));
  }
}

/** Builds the test image if it is missing. */
export async function ensureTestImage(host: string = defaultEngine): Promise<void> {
  await run(script('test-image'), [], { env: { DOCKER_HOST: host } });
}

/** A tar archive (ustar) of small files, name → content. */
export function tarOf(files: Record<string, string>): Buffer {
  return Buffer.concat([...Object.entries(files).map(([path, content]) => entryOf(path, content)), Buffer.alloc(1024)]);
}

function entryOf(path: string, content: string): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(path, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
