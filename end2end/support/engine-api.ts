// Client for the engine's API, for measurements that a CLI process per call would disturb.
import { Agent, request } from 'node:http';

/** Calls over kept-alive connections. */
export class EngineApi {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(readonly socketPath: string) {}

  /** Resolves with the parsed response; rejects on any status from 400. */
  call(method: string, path: string, body?: unknown): Promise<any> {
    return callSocket(this.socketPath, method, path, body, this.agent);
  }

  async createContainer(name: string, image: string, labels: Record<string, string> = {}): Promise<string> {
    const { Id } = await this.call('POST', `/containers/create?name=${name}`, {
      Image: image,
      Labels: labels,
      // As process 1, its sleep ignores SIGTERM: a stop would take 10 s.
      StopSignal: 'SIGKILL',
      HostConfig: { NetworkMode: 'none' },
    });
    return Id;
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Sends one request; an `agent` keeps connections alive. Resolves with the parsed response; rejects on any status from 400. */
export function callSocket(socketPath: string, method: string, path: string, body?: unknown, agent: Agent | false = false): Promise<any> {
  const json = body === undefined ? '' : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath,
        agent,
        method,
        path,
        headers: { host: 'engine', 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if ((response.statusCode ?? 500) >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
          else resolve(text === '' ? null : JSON.parse(text));
        });
      },
    );
    sent.on('error', reject);
    sent.end(json);
  });
}
