// How many bytes does our own client's socket bring, headers included?
import type { Page } from '@playwright/test';

/** The first byte of a binary `stats`: by place in `ServerFrame`, src/wire/frame.rs. */
const stats = 6;

export class FrameCounter {
  /** Since the last reset. A pong that happened to fall in between counts too; what containers use is no part of a change. */
  bytes = 0;

  /** Before the page opens its socket. */
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
