// What does a bad network do to the page? A proxy between browser and server that can be told to misbehave.
import { createServer, type Server, type Socket } from 'node:net';
import { Passage, routes, type Counts, type Route, type Weather } from './passage';

const fair: Weather = { stalled: false, delayMs: 0, blocked: new Set(), buffersStreams: false };

/** Everything passes until it is told otherwise; each call takes effect at once. */
export class ChaosProxy {
  /** Connections that were turned away by `refuse`. */
  refused = 0;
  /** Connections that were ended by `cut` or `block`. */
  cuts = 0;
  readonly counts: Counts = { passed: zeroes(), blocked: zeroes(), bytesUp: 0, bytesDown: 0 };
  private weather = fair;
  private refuses = false;
  private readonly passages = new Set<Passage>();
  private readonly listener: Server;

  private constructor(private readonly target: { host: string; port: number }) {
    this.listener = createServer({ allowHalfOpen: true }, (client) => this.accept(client));
  }

  /** On a free port, in front of the server at `target`. */
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

  /** Fair weather again: nothing is refused, blocked, delayed, buffered or held back. */
  pass(): void {
    this.refuses = false;
    this.change(fair);
  }

  /** Ends every open connection; new ones pass. */
  cut(): void {
    this.cutThose(() => true);
  }

  /** Turns new connections away. */
  refuse(): void {
    this.refuses = true;
  }

  /** Nothing passes either way, and nobody is told: every connection is half-open, new ones too. */
  stall(): void {
    this.change({ ...this.weather, stalled: true });
  }

  /** The open connections are silent for good, and nobody is told; new ones pass. */
  forget(): void {
    for (const passage of this.passages) passage.forget();
  }

  /** Each byte takes this long, each way. */
  delay(ms: number): void {
    this.change({ ...this.weather, delayMs: ms });
  }

  /** Answers these with 403 (WebSocket) or 502, and ends those that are open; the others pass. */
  block(which: { websocket?: boolean; sse?: boolean; polling?: boolean }): void {
    const blocked = new Set(routes.filter((route) => route !== 'other' && which[route] === true));
    this.change({ ...this.weather, blocked });
    this.cutThose(({ route }) => route !== null && blocked.has(route));
  }

  /** Holds the body of every new event stream back until the stream ends. */
  bufferStreams(): void {
    this.change({ ...this.weather, buffersStreams: true });
  }

  /** How many connections of a kind are open now. */
  openOf(route: Route): number {
    return [...this.passages].filter((passage) => passage.route === route).length;
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
    const over = () => this.passages.delete(passage);
    const passage = new Passage(client, this.target, () => this.weather, this.counts, over);
    this.passages.add(passage);
  }

  private change(weather: Weather): void {
    this.weather = weather;
    for (const passage of [...this.passages]) passage.settle();
  }

  private cutThose(which: (passage: Passage) => boolean): void {
    for (const passage of [...this.passages].filter(which)) {
      this.cuts += 1;
      passage.cut();
    }
  }
}

function zeroes(): Record<Route, number> {
  return { websocket: 0, sse: 0, polling: 0, other: 0 };
}
