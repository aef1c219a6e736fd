// Private nginx in front of the server, healthy or misconfigured in one way.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { end } from './ended';
import { ask } from './http';
import { freePort } from './ports';

const upgradePassed = `
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;`;

/** The lines of `location /` that differ between variants. */
const variants = {
  healthy: `${upgradePassed}
      proxy_buffering off;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;`,
  // nginx's defaults: neither header is passed on.
  'upgrade-stripped': `
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 1h;`,
  // Also ignores the server's header against buffering. Uses HTTP/1.0, nginx's default: with 1.1 and a chunked response,
  // nginx would forward each chunk.
  buffering: `
      proxy_http_version 1.0;
      proxy_buffering on;
      proxy_ignore_headers X-Accel-Buffering;
      proxy_buffer_size 64k;
      proxy_buffers 16 256k;
      proxy_busy_buffers_size 512k;
      proxy_read_timeout 1h;`,
  'origin-rewritten': `${upgradePassed}
      proxy_set_header Origin http://elsewhere.example;
      proxy_buffering off;
      proxy_read_timeout 1h;`,
  'idle-cut': `${upgradePassed}
      proxy_buffering off;
      proxy_read_timeout 5s;
      proxy_send_timeout 5s;`,
} as const;

export type NginxVariant = keyof typeof variants;

export class Nginx {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dir: string,
    readonly url: string,
    private readonly output: { text: string },
  ) {}

  /** Starts an nginx in front of the server at `target`; it writes only to its own folder. */
  static async start(variant: NginxVariant, target: string): Promise<Nginx> {
    const dir = mkdtempSync(join(tmpdir(), 'quaylight-nginx-'));
    const port = await freePort();
    writeFileSync(join(dir, 'nginx.conf'), configuration(variant, port, target));
    const child = spawn(binary(), ['-p', dir, '-c', 'nginx.conf'], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { text: '' };
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (output.text += chunk.toString()));
    child.once('error', (error) => (output.text += error.message));
    const nginx = new Nginx(child, dir, `http://127.0.0.1:${port}`, output);
    await nginx.untilItAnswers();
    return nginx;
  }

  async stop(): Promise<void> {
    if (this.isRunning()) await end(this.child);
    rmSync(this.dir, { recursive: true, force: true });
  }

  private isRunning(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  private async untilItAnswers(): Promise<void> {
    const deadline = Date.now() + 5_000;
    for (;;) {
      // As a page from the server requests it: a proxy that changes the Origin would have any other request refused.
      const status = await ask(`${this.url}/healthz`, { headers: { 'Sec-Fetch-Site': 'same-origin' } }).then(
        (answer) => answer.status,
        () => null,
      );
      if (status === 200) return;
      if (!this.isRunning() || Date.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.stop();
    throw new Error(`nginx did not answer for the server. It said:\n${this.output.text}`);
  }
}

/** A single foreground process: killing its pid ends it, and as root it needs no other user's folders. */
function configuration(variant: NginxVariant, port: number, target: string): string {
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`);
  return `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
  access_log off;
  ${scratch.join(' ')}
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${target};
      proxy_set_header Host $http_host;${variants[variant]}
    }
  }
}
`;
}

function binary(): string {
  // Debian's location is not on every user's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => join(folder, 'nginx')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('There is no nginx: scripts/setup test installs it.');
  return found;
}
