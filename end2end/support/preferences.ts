// Reset of the server's stored preferences, so that they don't leak into the next test.
import { expect } from '@playwright/test';
import type { Server } from './server';

/** An integer in postcard's encoding: zigzag, then seven bits per byte. */
function varint(number: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = number < 0n ? -2n * number - 1n : 2n * number; ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return bytes;
  }
}

/** Serialized default `Preferences` (src/model/preferences.rs), all marked as changed and read at a time in milliseconds. */
function defaults(at: number): number[] {
  const time = varint(BigInt(at) * 1000n);
  const [theme, layout, density, hidden, units, isUtc, offsets, language, alerts, ends] = [0, 0, 0, 0, 0, 0, 0, 0, [1, 0], 1];
  return [...time, theme, layout, density, hidden, units, isUtc, offsets, language, ...alerts, ends, ...time];
}

/** Replaces the stored preferences with the defaults: the server accepts a client's preferences if they are newer. */
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
