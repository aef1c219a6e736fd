// HTTP requests without a browser, with full control of the headers.
import { request, type IncomingHttpHeaders } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** As received: still compressed if the response was. */
  body: Buffer;
  text: string;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

export function ask(url: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // A new connection for each request: tests share nothing.
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole, text: whole.toString() });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export async function askJson(url: string, options: Ask = {}): Promise<any> {
  const answer = await ask(url, options);
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.text.slice(0, 300)}`);
  return JSON.parse(answer.text);
}

/** The container's state as the server knows it, which follows the engine's. Undefined if it lists no such container. */
export async function knownState(server: { url: string }, name: string): Promise<string | undefined> {
  const { data } = await askJson(`${server.url}/api/state`);
  return data.containers.find((it: { name: string }) => it.name === name)?.state;
}
