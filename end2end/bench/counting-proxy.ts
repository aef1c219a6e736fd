// Proxy between the server and the engine's socket that counts requests by route.
import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

const requestLine = /^(GET|HEAD|POST|PUT|DELETE) (\S+) HTTP\/1\.1$/;

export class CountingProxy {
  /** `GET /containers/:id/json` → number of requests since the last reset. */
  calls: Record<string, number> = {};

  private constructor(
    private readonly server: Server,
    private readonly open: Set<Socket>,
    readonly path: string,
  ) {}

  static start(path: string, engineSocket: string): Promise<CountingProxy> {
    const open = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(engineSocket);
      for (const socket of [client, upstream]) {
        open.add(socket);
        socket.on('close', () => open.delete(socket));
        socket.on('error', () => {
          client.destroy();
          upstream.destroy();
        });
      }
      let line = '';
      client.on('data', (chunk: Buffer) => {
        // Requests to the engine are small and mostly heads; a line may be split across two chunks.
        const lines = (line + chunk.toString('latin1')).split('\r\n');
        line = lines.pop()!;
        for (const one of lines) proxy.count(one);
      });
      client.pipe(upstream);
      upstream.pipe(client);
    });
    const proxy = new CountingProxy(server, open, path);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve(proxy));
    });
  }

  reset(): void {
    this.calls = {};
  }

  stop(): void {
    for (const socket of this.open) socket.destroy();
    this.server.close();
    rmSync(this.path, { force: true });
  }

  private count(line: string): void {
    const [, method, target] = requestLine.exec(line) ?? [];
    if (method === undefined || target === undefined) return;
    const route = target
      .replace(/\?.*$/, '')
      .replace(/^\/v\d+\.\d+/, '')
      .replace(/\/(sha256:)?[0-9a-f]{64}/, '/:id');
    const call = `${method} ${route}`;
    this.calls[call] = (this.calls[call] ?? 0) + 1;
  }
}
