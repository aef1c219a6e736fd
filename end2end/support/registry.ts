// Private registry on loopback, open or with sign-in, and a proxy to it that can stall.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end } from './ended';
import { ask } from './http';
import { freePort } from './ports';
import { run } from './run';

export const login = { user: 'ada', password: 'open-sesame' };

/** The same credentials in htpasswd's format. */
const htpasswd = 'ada:$2y$05$tZkoQYAq.BuAp0O0tj/IY.nMpNVnioyDXNoST9IMBM5TCdQJI67iu\n';

export class Registry {
  private readonly ways: Way[] = [];

  private constructor(
    private readonly children: ChildProcess[],
    private readonly dir: string,
    /** Host and port, the prefix of image names. */
    readonly address: string,
  ) {}

  static async start({ closed = false } = {}): Promise<Registry> {
    const dir = mkdtempSync(join(tmpdir(), 'quaylight-registry-'));
    const address = `127.0.0.1:${await freePort()}`;
    writeFileSync(join(dir, 'login'), htpasswd);
    const config = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(dir, 'data') } },
      http: { addr: address },
      ...(closed ? { auth: { htpasswd: { realm: 'test', path: join(dir, 'login') } } } : {}),
    };
    // JSON is YAML too.
    writeFileSync(join(dir, 'config.yml'), JSON.stringify(config));
    const child = spawn('docker-registry', ['serve', join(dir, 'config.yml')], { stdio: 'ignore' });
    const registry = new Registry([child], dir, address);
    const deadline = Date.now() + 5_000;
    for (;;) {
      const status = await ask(`http://${address}/v2/`).then(
        (answer) => answer.status,
        () => null,
      );
      if (status !== null) return registry;
      if (child.exitCode !== null || Date.now() > deadline) throw new Error('The registry does not answer.');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Serves the same images at the same address on another network, which `enter` joins. */
  async alsoOn(enter: readonly string[]): Promise<void> {
    const [command, ...args] = enter as [string, ...string[]];
    const serve = `ip link set lo up && exec docker-registry serve ${join(this.dir, 'config.yml')}`;
    this.children.push(spawn(command, [...args, 'sh', '-c', serve], { stdio: 'ignore' }));
    const [host, port] = this.address.split(':');
    const knock = `until exec 3<>/dev/tcp/${host}/${port}; do sleep 0.05; done`;
    await run(command, [...args, 'bash', '-c', knock], { timeoutMs: 5_000 });
  }

  /** Like `heldUp`, for the same address on another network, which `enter` joins. */
  async heldUpOn(enter: readonly string[], bytes: number): Promise<Way> {
    const way = await this.heldUp(bytes);
    const path = join(this.dir, 'way');
    await way.listen(path);
    const [command, ...args] = enter as [string, ...string[]];
    const port = way.address.split(':')[1]!;
    const serve = `const { connect, createServer } = require('node:net');
      createServer((client) => {
        const way = connect(${JSON.stringify(path)});
        for (const socket of [client, way]) socket.on('error', () => [client, way].forEach((it) => it.destroy()));
        client.pipe(way).pipe(client);
      }).listen(${port}, '127.0.0.1')`;
    const up = `ip link set lo up && exec ${JSON.stringify(process.execPath)} -e "$0"`;
    this.children.push(spawn(command, [...args, 'sh', '-c', up, serve], { stdio: 'ignore' }));
    await run(command, [...args, 'bash', '-c', `until exec 3<>/dev/tcp/127.0.0.1/${port}; do sleep 0.05; done`], { timeoutMs: 5_000 });
    return way;
  }

  /** Another address of the registry that passes this many bytes of each connection until it is opened. */
  async heldUp(bytes: number): Promise<Way> {
    const way = await Way.to(this.address, bytes);
    this.ways.push(way);
    return way;
  }

  async stop(): Promise<void> {
    this.ways.forEach((way) => way.close());
    await Promise.all(this.children.map(end));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

class Way {
  private isOpen = false;
  private readonly servers: Server[] = [];
  private readonly waiting: (() => void)[] = [];
  private readonly sockets = new Set<Socket>();

  address = '';

  private constructor(
    private readonly target: string,
    private readonly bytes: number,
  ) {}

  static async to(target: string, bytes: number): Promise<Way> {
    const way = new Way(target, bytes);
    const { port } = (await way.listen(0)) as AddressInfo;
    way.address = `127.0.0.1:${port}`;
    return way;
  }

  /** Listens on a loopback port, or on a socket path. */
  async listen(at: number | string): Promise<unknown> {
    const server = createServer((client) => this.lead(client));
    this.servers.push(server);
    await new Promise<void>((resolve) => (typeof at === 'number' ? server.listen(at, '127.0.0.1', resolve) : server.listen(at, resolve)));
    return server.address();
  }

  private lead(client: Socket): void {
    const [host, port] = this.target.split(':') as [string, string];
    const upstream = connect(Number(port), host);
    for (const socket of [client, upstream]) {
      this.sockets.add(socket);
      socket.on('error', () => [client, upstream].forEach((it) => it.destroy()));
    }
    client.on('close', () => upstream.destroy());
    // The data before the end is still in transit.
    upstream.on('close', () => client.end());
    client.pipe(upstream);
    let passed = 0;
    upstream.on('data', (piece) => {
      passed += piece.length;
      client.write(piece);
      if (passed < this.bytes || this.isOpen) return;
      upstream.pause();
      this.waiting.push(() => upstream.resume());
    });
  }

  open(): void {
    this.isOpen = true;
    this.waiting.splice(0).forEach((resume) => resume());
  }

  close(): void {
    this.servers.forEach((server) => server.close());
    this.sockets.forEach((socket) => socket.destroy());
  }
}
