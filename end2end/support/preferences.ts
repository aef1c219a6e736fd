// A server keeps what its user chose: the next test must not find it.
import { expect } from '@playwright/test';
import type { Server } from './server';

/** A number as postcard writes it: zigzag, then seven bits to a byte. */
function varint(number: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = number < 0n ? -2n * number - 1n : 2n * number; ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return bytes;
  }
}

/** The defaults, `Preferences` in src/model/preferences.rs, changed and all read at a time in milliseconds. */
function defaults(at: number): number[] {
  const time = varint(BigInt(at) * 1000n);
  const [theme, layout, density, hidden, units, isUtc, offsets, language, alerts, ends] = [0, 0, 0, 0, 0, 0, 0, 0, [1, 0], 1];
  return [...time, theme, layout, density, hidden, units, isUtc, offsets, language, ...alerts, ends, ...time];
}

/** Puts the defaults in place of whatever was chosen: who begins with something newer than the server has is believed. */
export async function forgetPreferences(server: Server): Promise<void> {
  const now = Date.now();
  const body = [...defaults(now + 60_000), ...defaults(now)];
  const answer = await fetch(`${server.url}/actions/preferences`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-postcard', accept: 'application/x-postcard', origin: server.url },
    body: Buffer.from(body),
  });
  expect(answer.status, 'preferences are forgotten').toBe(200);
}
