// Raw WebSocket frames that a proper library would not send.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** Performs the upgrade manually and returns the bare TCP connection. */
export function upgrade(serverUrl: string): Promise<Socket> {
  const { hostname, port, host } = new URL(serverUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `GET /ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      ),
    );
    socket.once('error', reject);
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', read);
      if (!head.toString().startsWith('HTTP/1.1 101')) {
        reject(new Error(`refused: ${head.toString().split('\r\n')[0]}`));
        return;
      }
      socket.unshift(head.subarray(end + 4));
      resolve(socket);
    };
    socket.on('data', read);
  });
}

/** A masked client frame; short payloads only. */
export function frame(opcode: number, payload: Buffer, { masked = true, reserved = 0 } = {}): Buffer {
  if (payload.length > 125) throw new Error('short payloads only');
  const start = Buffer.from([0x80 | (reserved << 4) | opcode, (masked ? 0x80 : 0) | payload.length]);
  if (!masked) return Buffer.concat([start, payload]);
  const mask = randomBytes(4);
  return Buffer.concat([start, mask, payload.map((byte, at) => byte ^ mask[at % 4]!)]);
}

/** Reads frames until a close frame; returns its code. Rejects when the connection ends without one. */
export function closeCode(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let next = readFrame(bytes); next !== null; next = readFrame(bytes)) {
        bytes = bytes.subarray(next.length);
        if (next.opcode === 8) {
          resolve(next.payload.length >= 2 ? next.payload.readUInt16BE(0) : 1005);
          socket.destroy();
          return;
        }
      }
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection ended without a close frame')));
  });
}

function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | null {
  if (bytes.length < 2) return null;
  const short = bytes[1]! & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return null;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + size) return null;
  return { opcode: bytes[0]! & 0x0f, payload: bytes.subarray(start, start + size), length: start + size };
}
