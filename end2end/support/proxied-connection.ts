// One connection through the chaos proxy. It carries one request, so that every connection is of one kind.
import { connect, type Socket } from 'node:net';

export const routes = ['websocket', 'sse', 'polling', 'other'] as const;
export type Route = (typeof routes)[number];

/** Current condition of the network. */
export interface Weather {
  /** No bytes pass, and closes do not either. */
  stalled: boolean;
  delayMs: number;
  blocked: ReadonlySet<Route>;
  /** The body of an event stream is held back until the stream ends, as a buffering proxy does. */
  buffersStreams: boolean;
}

export interface Counts {
  /** Forwarded requests, by kind. */
  passed: Record<Route, number>;
  /** Requests that the proxy answered itself. */
  blocked: Record<Route, number>;
  bytesUp: number;
  bytesDown: number;
}

const headEnd = '\r\n\r\n';

export class ProxiedConnection {
  route: Route | null = null;
  private readonly up: Lane;
  private readonly down: Lane;
  private server: Socket | null = null;
  /** Bytes from the client, received before its request is forwarded. */
  private said = Buffer.alloc(0);
  /** The buffered part of the response; null when nothing is buffered. */
  private kept: Buffer | null = null;
  private answerHeadPassed = false;
  private forgotten = false;

  constructor(
    private readonly client: Socket,
    private readonly target: { host: string; port: number },
    private readonly weather: () => Weather,
    private readonly counts: Counts,
    private readonly over: () => void,
  ) {
    const isHeld = () => this.isHeld();
    const delayMs = () => this.weather().delayMs;
    this.up = new Lane(() => this.server, isHeld, delayMs);
    this.down = new Lane(() => this.client, isHeld, delayMs);
    client.setNoDelay(true);
    client.on('data', (bytes: Buffer) => this.hear(bytes));
    client.on('end', () => {
      // The client closed before its request was forwarded: there is nothing to answer.
      if (this.server === null) client.destroySoon();
      else this.up.put(null);
    });
    this.endWith(client);
  }

  /** Call it after a change of the weather: releases what may pass now. */
  settle(): void {
    if (this.isHeld()) return;
    if (this.client.destroyed || this.server?.destroyed) return this.end();
    if (this.server === null) this.begin();
    this.up.flush();
    this.down.flush();
  }

  /** Silences the connection for good, as when a router has lost its table. */
  forget(): void {
    this.forgotten = true;
  }

  /** Resets both sides. */
  cut(): void {
    for (const socket of [this.client, this.server]) if (socket?.destroyed === false) socket.resetAndDestroy();
    this.over();
  }

  private isHeld(): boolean {
    return this.forgotten || this.weather().stalled;
  }

  private hear(bytes: Buffer): void {
    this.counts.bytesUp += bytes.length;
    if (this.server !== null) return this.up.put(bytes);
    this.said = Buffer.concat([this.said, bytes]);
    if (!this.isHeld()) this.begin();
  }

  /** Forwards or answers the request as soon as its head is complete. */
  private begin(): void {
    const end = this.said.indexOf(headEnd);
    if (end < 0 || this.route !== null) return;
    const head = this.said.subarray(0, end).toString('latin1');
    this.route = routeOf(head);
    if (this.weather().blocked.has(this.route)) return this.block(this.route);
    this.counts.passed[this.route] += 1;
    if (this.route === 'sse' && this.weather().buffersStreams) this.kept = Buffer.alloc(0);
    this.server = this.connect();
    this.up.put(Buffer.concat([Buffer.from(asOnlyRequest(head, this.route), 'latin1'), this.said.subarray(end)]));
  }

  private connect(): Socket {
    const server = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    server.on('data', (bytes: Buffer) => this.answer(bytes));
    server.on('end', () => {
      if (this.kept !== null) this.down.put(this.kept);
      this.down.put(null);
    });
    this.endWith(server);
    return server;
  }

  private answer(bytes: Buffer): void {
    this.counts.bytesDown += bytes.length;
    if (this.kept === null) return this.down.put(bytes);
    this.kept = Buffer.concat([this.kept, bytes]);
    const end = this.kept.indexOf(headEnd);
    if (this.answerHeadPassed || end < 0) return;
    this.answerHeadPassed = true;
    this.down.put(this.kept.subarray(0, end + headEnd.length));
    this.kept = this.kept.subarray(end + headEnd.length);
  }

  private block(route: Route): void {
    this.counts.blocked[route] += 1;
    const status = route === 'websocket' ? '403 Forbidden' : '502 Bad Gateway';
    const body = 'Not through this proxy.';
    const head = [`HTTP/1.1 ${status}`, 'Content-Type: text/plain', `Content-Length: ${body.length}`, 'Connection: close'];
    this.client.end(`${head.join('\r\n')}${headEnd}${body}`);
  }

  private endWith(socket: Socket): void {
    // `close` follows and is handled.
    socket.on('error', () => {});
    // While nothing passes, the other side doesn't learn of it: that is what makes a connection half-open.
    socket.on('close', () => {
      if (!this.isHeld()) this.end();
    });
  }

  private end(): void {
    this.client.destroySoon();
    this.server?.destroySoon();
    this.over();
  }
}

/** One direction: bytes and finally the end (null), in order, each after the delay. */
class Lane {
  private readonly queue: { bytes: Buffer | null; due: number }[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly to: () => Socket | null,
    private readonly isHeld: () => boolean,
    private readonly delayMs: () => number,
  ) {}

  put(bytes: Buffer | null): void {
    this.queue.push({ bytes, due: performance.now() + this.delayMs() });
    this.flush();
  }

  flush(): void {
    const to = this.to();
    if (to === null || this.isHeld()) return;
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      const wait = next.due - performance.now();
      if (wait > 0) return this.flushIn(wait);
      this.queue.shift();
      if (!to.writable) continue;
      if (next.bytes === null) to.end();
      else to.write(next.bytes);
    }
  }

  private flushIn(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.flush();
    }, ms);
  }
}

function routeOf(head: string): Route {
  const path = /^\S+ ([^\s?]*)/.exec(head)?.[1] ?? '';
  if (path.endsWith('/ws') && /^upgrade:\s*websocket/im.test(head)) return 'websocket';
  if (path.endsWith('/api/stream')) return 'sse';
  if (path.endsWith('/api/state')) return 'polling';
  return 'other';
}

/** Asks the server to close after its response, so that the next request uses a new connection. */
function asOnlyRequest(head: string, route: Route): string {
  if (route === 'websocket') return head;
  return `${head.replace(/\r\n(connection|keep-alive):[^\r]*/gi, '')}\r\nConnection: close`;
}
