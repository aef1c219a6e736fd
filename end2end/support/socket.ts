// JSON client of /ws for protocol tests.
import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import { Inbox } from './inbox';

export type Message = { type: string } & Record<string, any>;

/** Keeps every message, in order. */
export class Socket {
  readonly inbox = new Inbox<Message>('message');
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(readonly raw: WebSocket) {
    raw.on('message', (data) => this.inbox.put(JSON.parse(data.toString())));
    this.closed = new Promise((resolve) =>
      raw.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }

  /** Connects; rejects with `refused with <status>` when the upgrade is refused. */
  static async open(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<Socket> {
    const { protocols = [], ...rest } = options;
    const raw = new WebSocket(url, protocols, { perMessageDeflate: false, ...rest });
    const socket = new Socket(raw);
    raw.once('unexpected-response', (_request, response) => {
      raw.emit('error', new Error(`refused with ${response.statusCode}`));
      response.destroy();
    });
    await once(raw, 'open');
    return socket;
  }

  send(message: unknown): void {
    this.raw.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Waits for the first message of a type not yet taken; drops the messages before it. */
  next(type: string, where: (message: Message) => boolean = () => true): Promise<Message> {
    return this.inbox.take((message) => message.type === type && where(message), type);
  }

  /** The next message of any type. */
  any(): Promise<Message> {
    return this.inbox.take(() => true, 'anything');
  }

  /** Waits for the first diff not yet taken with a change for which `where` holds; returns the change. */
  async change(where: (change: any) => boolean): Promise<any> {
    const diff = await this.next('engine_state_diff', (message) => message.data.changes.some(where));
    return diff.data.changes.find(where);
  }

  async close(): Promise<void> {
    if (this.raw.readyState === WebSocket.CLOSED) return;
    this.raw.close(1000);
    await this.closed;
  }
}

/** Filter for `change`: a put of the container with this id, with further conditions. */
export const containerPut =
  (id: string, also: (value: any) => boolean = () => true) =>
  (change: any): boolean =>
    change.op === 'put' && change.kind === 'container' && change.value.id === id && also(change.value);
