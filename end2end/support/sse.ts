// Reader of Server-Sent Events for protocol tests.
import { request, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { Inbox } from './inbox';

export interface SseEvent {
  id: string | null;
  event: string;
  data: any;
}

export class EventStream {
  readonly inbox = new Inbox<SseEvent>('event');
  /** Comment lines, including heartbeats. */
  readonly comments = new Inbox<string>('comment');
  private rest = '';

  private constructor(
    private readonly sent: ClientRequest,
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
  ) {}

  static open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { headers: { accept: 'text/event-stream', ...headers }, agent: false }, (response) => {
        const stream = new EventStream(sent, response.statusCode ?? 0, response.headers);
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => stream.read(chunk));
        response.on('error', (error) => stream.inbox.end(error.message));
        response.on('end', () => stream.inbox.end('the server ended the stream'));
        resolve(stream);
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  next(where: (event: SseEvent) => boolean = () => true, wanted = 'anything', timeoutMs?: number): Promise<SseEvent> {
    return this.inbox.take(where, wanted, timeoutMs);
  }

  /** The first diff not yet taken with a change for which `where` holds. */
  diffWith(where: (change: any) => boolean, timeoutMs?: number): Promise<SseEvent> {
    const fits = ({ data }: SseEvent) => data.type === 'engine_state_diff' && data.data.changes.some(where);
    return this.next(fits, 'a diff', timeoutMs);
  }

  close(): void {
    this.sent.destroy();
  }

  private read(chunk: string): void {
    const blocks = (this.rest + chunk).split(/\r?\n\r?\n/);
    this.rest = blocks.pop()!;
    for (const block of blocks) {
      const event: SseEvent = { id: null, event: 'message', data: null };
      const data: string[] = [];
      for (const line of block.split(/\r?\n/)) {
        if (line.startsWith(':')) this.comments.put(line.slice(1).trim());
        else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
        else if (line.startsWith('id:')) event.id = line.slice(3).trim();
        else if (line.startsWith('event:')) event.event = line.slice(6).trim();
      }
      if (data.length > 0) this.inbox.put({ ...event, data: JSON.parse(data.join('\n')) });
    }
  }
}
