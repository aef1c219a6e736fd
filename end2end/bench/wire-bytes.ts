// Bytes that the page's socket receives, headers included.
import type { Page } from '@playwright/test';

/** The first byte of a binary `stats` message: its index in `ServerFrame`, src/wire/frame.rs. */
const stats = 6;

export class FrameCounter {
  /** Bytes since the last reset, without stats messages, which are not part of a change. A pong in between counts. */
  bytes = 0;

  /** Call it before the page opens its socket. */
  constructor(page: Page) {
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        if (typeof payload !== 'string' && payload[0] === stats) return;
        const size = Buffer.byteLength(payload);
        this.bytes += size + (size < 126 ? 2 : size < 65_536 ? 4 : 10);
      }),
    );
  }

  reset(): void {
    this.bytes = 0;
  }
}
