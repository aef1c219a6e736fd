// How many bytes does our own client's socket bring, headers included?
import type { Page } from '@playwright/test';

export class FrameCounter {
  /** Since the last reset. A pong that happened to fall in between counts too. */
  bytes = 0;

  /** Before the page opens its socket. */
  constructor(page: Page) {
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const size = Buffer.byteLength(payload);
        this.bytes += size + (size < 126 ? 2 : size < 65_536 ? 4 : 10);
      }),
    );
  }

  reset(): void {
    this.bytes = 0;
  }
}
