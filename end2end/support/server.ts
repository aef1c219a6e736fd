// Quaylight server for a test.
import { expect } from '@playwright/test';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverBinary } from './paths';

const setup = /^Create the first user: (https?:\/\/\S+)$/m;
const serving = /^Quaylight is serving (https?:\/\/\S+)$/m;

export class Server {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dir: string,
    readonly url: string,
    private readonly output: { text: string },
  ) {}

  /**
   * Starts the binary against an engine, on a free port, in an empty folder: it must contain its assets.
   * `settings` is the text of a Leptos.toml.
   */
  static start(engine: string, env: NodeJS.ProcessEnv = {}, settings?: string): Promise<Server> {
    const dir = mkdtempSync(join(tmpdir(), 'quaylight-server-'));
    if (settings !== undefined) writeFileSync(join(dir, 'Leptos.toml'), settings);
    const child = spawn(serverBinary(), ['serve'], {
      cwd: dir,
      env: {
        ...process.env,
        DOCKER_HOST: engine,
        QUAYLIGHT_LISTEN: '127.0.0.1:0',
        QUAYLIGHT_AUTH: 'none',
        QUAYLIGHT_DATA_DIR: dir,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { text: '' };
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        child.kill('SIGKILL');
        reject(new Error(`The server ${why}. It said:\n${output.text}`));
      };
      const deadline = setTimeout(() => fail('did not say within 15 s that it serves'), 15_000);
      const read = (chunk: Buffer) => {
        output.text = (output.text + chunk.toString()).slice(-200_000);
        const url = serving.exec(output.text)?.[1];
        if (url === undefined) return;
        clearTimeout(deadline);
        resolve(new Server(child, dir, url, output));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', (error) => fail(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`));
    });
  }

  /** The link that creates the first user, of a server with sign-in. */
  async setupLink(): Promise<string> {
    await expect.poll(() => this.output.text).toMatch(setup);
    return setup.exec(this.output.text)![1]!;
  }

  /** Adds a user as the command line does. */
  addUser(name: string, role: string, password: string): void {
    const user = ['user', 'add', name, '--role', role, '--password-stdin', '--data-dir', this.dir];
    execFileSync(serverBinary(), user, { input: password });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** `ws://…/ws`, with an optional query. */
  socketUrl(query: Record<string, string | number> = {}): string {
    const url = new URL('/ws', this.url.replace(/^http/, 'ws'));
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
    return url.href;
  }

  /** The server's output so far (the last 200 KB). */
  log(): string {
    return this.output.text;
  }

  /** Kills the server. Resolves when it has ended. */
  async kill(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
      this.child.kill('SIGTERM');
      const deadline = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(deadline);
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
