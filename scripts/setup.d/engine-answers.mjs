// Checks for a Docker engine at an address. Prints yes, no or forbidden; the exit code is 0 for yes.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { join } from 'node:path';

const timeoutMs = 5_000;
const address = new URL(process.argv[2]);

if (address.protocol === 'unix:') ping(http, { socketPath: address.pathname });
else if (address.protocol === 'ssh:') askTheCli();
else {
  const secure = address.protocol === 'https:' || Boolean(process.env.DOCKER_TLS_VERIFY);
  const where = { host: address.hostname, port: address.port || (secure ? 2376 : 2375) };
  if (secure) ping(https, { ...where, ...certificates(process.env.DOCKER_CERT_PATH) });
  else ping(http, where);
}

function ping(request, where) {
  const asked = request({ ...where, path: '/_ping', timeout: timeoutMs }, (response) => {
    response.resume();
    answer(response.statusCode === 200 ? 'yes' : 'no');
  });
  asked.on('timeout', () => asked.destroy());
  asked.on('error', (error) => answer(error.code === 'EACCES' ? 'forbidden' : 'no'));
  asked.end();
}

// Only the docker command supports ssh.
function askTheCli() {
  const args = ['--host', address.href, 'version', '--format', '{{.Server.Version}}'];
  execFile('docker', args, { timeout: timeoutMs }, (error) => answer(error ? 'no' : 'yes'));
}

function certificates(dir) {
  if (!dir) return {};
  return {
    ca: readFileSync(join(dir, 'ca.pem')),
    cert: readFileSync(join(dir, 'cert.pem')),
    key: readFileSync(join(dir, 'key.pem')),
  };
}

function answer(word) {
  console.log(word);
  process.exitCode = word === 'yes' ? 0 : 1;
}
