// Crowd of client sockets in a separate process; measures how soon each one receives a change.
//
// Started with fork(); argv: the server's URL, the number of sockets that read, the number that never do. The sockets are
// bare TCP with a manual upgrade: a library's work per message, times a thousand, would exceed what is measured.
// Sends `{ready}` when all sockets are upgraded. `{marker}` asks when each reader first receives these bytes: the process
// answers `{watching}`, then `{arrived}` with the times by the system clock. `{calibrate}` makes it compare its clocks again.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { clockOffset, fineNow } from './clock';

export type ToCrowd = { marker: string } | { calibrate: true };
export type FromCrowd = { ready: true } | { watching: string } | { arrived: number[] } | { offset: number };

const [url, readers, mutes] = process.argv.slice(2) as [string, string, string];
const { hostname, port, host } = new URL(url);
const send = (message: FromCrowd) => process.send!(message);

let offset = clockOffset();
let marker: Buffer | null = null;
let arrived: number[] = [];

process.on('disconnect', () => process.exit());
process.on('message', (message: ToCrowd) => {
  if ('marker' in message) {
    [marker, arrived] = [Buffer.from(message.marker), []];
    send({ watching: message.marker });
  } else {
    offset = clockOffset();
    send({ offset });
  }
});

/** Number of full states that fill all kernel buffers of a socket that is never read. */
const statesForMute = 400;

/** An empty ping, and an empty pong, masked as the protocol requires of clients. */
const [ping, pong] = [Buffer.from([0x89, 0x00]), Buffer.from([0x8a, 0x80, 0, 0, 0, 0])];

for (let number = 0; number < Number(readers); number++) {
  const [socket, read] = [await upgrade(), reader()];
  socket.on('data', (chunk: Buffer) => {
    read(chunk);
    // Two payload bytes may look like a ping: a surplus pong is allowed.
    if (chunk.includes(ping)) socket.write(pong);
  });
}
for (let number = 0; number < Number(mutes); number++) {
  const socket = await upgrade();
  socket.pause();
  const again = textFrame(JSON.stringify({ type: 'resume', epoch: 0, revision: 0 }));
  socket.write(Buffer.concat(Array.from({ length: statesForMute }, () => again)));
}
send({ ready: true });

/** Records when the marker arrives; it may be split across two chunks. */
function reader(): (chunk: Buffer) => void {
  let tail = Buffer.alloc(0);
  let seen: Buffer | null = null;
  return (chunk) => {
    if (marker === null || seen === marker) return;
    const bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    if (!bytes.includes(marker)) {
      tail = Buffer.from(bytes.subarray(-marker.length + 1));
      return;
    }
    arrived.push(fineNow() - offset);
    [seen, tail] = [marker, Buffer.alloc(0)];
    if (arrived.length === Number(readers)) send({ arrived });
  };
}

/** Resolves with the socket once the server has accepted the upgrade; the messages that follow are still unread. */
function upgrade(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `GET /ws HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${url}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: quaylight.v1.postcard\r\n` +
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      ),
    );
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('close', () => process.exit(1));
    socket.once('data', (head: Buffer) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 101')) reject(new Error(head.toString().split('\r\n')[0]));
      else resolve(socket);
    });
  });
}

function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, payload.map((byte, at) => byte ^ mask[at % 4]!)]);
}
