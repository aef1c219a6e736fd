// Fault-injecting proxy between browser and server.
import { createServer, type Server, type Socket } from 'node:net';
import { ProxiedConnection, routes, type Counts, type Route, type Weather } from './proxied-connection';

const fair: Weather = { stalled: false, delayMs: 0, blocked: new Set(), buffersStreams: false };

/** Passes everything by default; each call takes effect at once. */
export class ChaosProxy {
  /** Connections refused by `refuse`. */
  refused = 0;
  /** Connections closed by `cut` or `block`. */
  cuts = 0;
  readonly counts: Counts = { passed: zeroes(), blocked: zeroes(), bytesUp: 0, bytesDown: 0 };
  private weather = fair;
  private refuses = false;
  private readonly connections = new Set<ProxiedConnection>();
  private readonly listener: Server;

  private constructor(private readonly target: { host: string; port: number }) {
    this.listener = createServer({ allowHalfOpen: true }, (client) => this.accept(client));
  }

  /** Listens on a free port, in front of the server at `target`. */
  static start(target: string): Promise<ChaosProxy> {
    const { hostname, port } = new URL(target);
    const proxy = new ChaosProxy({ host: hostname, port: Number(port) });
    return new Promise((resolve, reject) => {
      proxy.listener.once('error', reject);
      proxy.listener.listen(0, '127.0.0.1', () => resolve(proxy));
    });
  }

  get url(): string {
    const address = this.listener.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Resets all faults: nothing is refused, blocked, delayed, buffered or held back. */
  pass(): void {
    this.refuses = false;
    this.change(fair);
  }

  /** Closes every open connection; new ones pass. */
  cut(): void {
    this.cutThose(() => true);
  }

  /** Refuses new connections. */
  refuse(): void {
    this.refuses = true;
  }

  /** Stops all traffic without closing: every connection is half-open, new ones too. */
  stall(): void {
    this.change({ ...this.weather, stalled: true });
  }

  /** Silences the open connections for good without closing them; new ones pass. */
  forget(): void {
    for (const connection of this.connections) connection.forget();
  }

  /** Delays each byte by this time, in each direction. */
  delay(ms: number): void {
    this.change({ ...this.weather, delayMs: ms });
  }

  /** Answers requests of these kinds with 403 (WebSocket) or 502, and closes the open ones; other requests pass. */
  block(which: { websocket?: boolean; sse?: boolean; polling?: boolean }): void {
    const blocked = new Set(routes.filter((route) => route !== 'other' && which[route] === true));
    this.change({ ...this.weather, blocked });
    this.cutThose(({ route }) => route !== null && blocked.has(route));
  }

  /** Buffers the body of every new event stream until the stream ends. */
  bufferStreams(): void {
    this.change({ ...this.weather, buffersStreams: true });
  }

  /** Number of open connections of a kind. */
  openOf(route: Route): number {
    return [...this.connections].filter((connection) => connection.route === route).length;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.listener.close(resolve));
    this.cut();
    await closed;
  }

  private accept(client: Socket): void {
    if (this.refuses) {
      this.refused += 1;
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const over = () => this.connections.delete(connection);
    const connection = new ProxiedConnection(client, this.target, () => this.weather, this.counts, over);
    this.connections.add(connection);
  }

  private change(weather: Weather): void {
    this.weather = weather;
    for (const connection of [...this.connections]) connection.settle();
  }

  private cutThose(which: (connection: ProxiedConnection) => boolean): void {
    for (const connection of [...this.connections].filter(which)) {
      this.cuts += 1;
      connection.cut();
    }
  }
}

function zeroes(): Record<Route, number> {
  return { websocket: 0, sse: 0, polling: 0, other: 0 };
}
