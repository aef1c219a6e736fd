// Private nginx in front of the server, healthy or misconfigured in one way.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { end } from './ended';
import { ask } from './http';
import { freePort } from './ports';

const hostPassed = `
      proxy_set_header Host $http_host;`;

const upgradePassed = `
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;`;

/** The lines of `location /` that differ between variants. */
const variants = {
  healthy: `${hostPassed}${upgradePassed}
      proxy_buffering off;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;`,
  // nginx's defaults: neither header is passed on.
  'upgrade-stripped': `${hostPassed}
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 1h;`,
  // Also ignores the server's header against buffering. Uses HTTP/1.0, nginx's default: with 1.1 and a chunked response,
  // nginx would forward each chunk.
  buffering: `${hostPassed}
      proxy_http_version 1.0;
      proxy_buffering on;
      proxy_ignore_headers X-Accel-Buffering;
      proxy_buffer_size 64k;
      proxy_buffers 16 256k;
      proxy_busy_buffers_size 512k;
      proxy_read_timeout 1h;`,
  'origin-rewritten': `${hostPassed}${upgradePassed}
      proxy_set_header Origin http://elsewhere.example;
      proxy_buffering off;
      proxy_read_timeout 1h;`,
  'idle-cut': `${hostPassed}${upgradePassed}
      proxy_buffering off;
      proxy_read_timeout 5s;
      proxy_send_timeout 5s;`,
  // Decrypts HTTPS, and replaces the Host header, which is nginx's default.
  https: `${upgradePassed}
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffering off;
      proxy_read_timeout 1h;`,
  // Signs users in, with the password of `htpasswd`, and sends their names.
  'signs-in': `${hostPassed}${upgradePassed}
      auth_basic quaylight;
      auth_basic_user_file htpasswd;
      proxy_set_header Remote-User $remote_user;
      proxy_set_header Remote-Groups $groups;
      proxy_buffering off;
      proxy_read_timeout 1h;`,
} as const;

/** The users of the `signs-in` variant with the groups it sends; the password of each is `password`. */
const groups = { anna: 'users,admins', vera: 'users' };

/** The name of the `https` variant. */
export const httpsName = 'docker.localhost';

export type NginxVariant = keyof typeof variants;

export class Nginx {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dir: string,
    readonly url: string,
    private readonly output: { text: string },
  ) {}

  /** Starts an nginx in front of the server at `target`; it writes only to its own folder. */
  static async start(variant: NginxVariant, target: string, httpsPort = 0): Promise<Nginx> {
    const dir = mkdtempSync(join(tmpdir(), 'quaylight-nginx-'));
    const port = await freePort();
    if (variant === 'https') certify(dir);
    if (variant === 'signs-in') writeFileSync(join(dir, 'htpasswd'), Object.keys(groups).map((name) => `${name}:{PLAIN}password\n`).join(''));
    writeFileSync(join(dir, 'nginx.conf'), configuration(variant, port, httpsPort, target));
    const child = spawn(binary(), ['-p', dir, '-c', 'nginx.conf'], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { text: '' };
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (output.text += chunk.toString()));
    child.once('error', (error) => (output.text += error.message));
    // Browsers resolve names under localhost to loopback.
    const signIn: Record<string, string> = variant === 'signs-in' ? { Authorization: `Basic ${btoa('anna:password')}` } : {};
    const url = variant === 'https' ? `https://${httpsName}:${httpsPort}` : `http://127.0.0.1:${port}`;
    const nginx = new Nginx(child, dir, url, output);
    await nginx.untilItAnswers(`http://127.0.0.1:${port}`, signIn);
    return nginx;
  }

  async stop(): Promise<void> {
    if (this.isRunning()) await end(this.child);
    rmSync(this.dir, { recursive: true, force: true });
  }

  private isRunning(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  private async untilItAnswers(url: string, headers: Record<string, string>): Promise<void> {
    const deadline = Date.now() + 5_000;
    for (;;) {
      // As a page from the server requests it: a proxy that changes the Origin would have any other request refused.
      const status = await ask(`${url}/healthz`, { headers: { 'Sec-Fetch-Site': 'same-origin', ...headers } }).then(
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
function configuration(variant: NginxVariant, port: number, httpsPort: number, target: string): string {
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
  map $remote_user $groups { ${Object.entries(groups).map(([name, those]) => `${name} ${those};`).join(' ')} }
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 127.0.0.1:${port};${variant === 'https' ? https(httpsPort) : ''}
    location / {
      proxy_pass ${target};${variants[variant]}
    }
  }
}
`;
}

const https = (port: number) => `
    listen 127.0.0.1:${port} ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;`;

/** Creates a certificate of `httpsName`, which no authority has signed. */
export function certify(dir: string): void {
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', `/CN=${httpsName}`];
  execFileSync('openssl', [...request, '-keyout', 'key.pem', '-out', 'cert.pem'], { cwd: dir, stdio: 'pipe' });
}

function binary(): string {
  // Debian's location is not on every user's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => join(folder, 'nginx')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('There is no nginx: scripts/setup test installs it.');
  return found;
}
