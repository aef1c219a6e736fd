// How many bytes does our own client's socket bring, headers included?
import type { Page } from '@playwright/test';

export class FrameCounter {
  private received: number[] = [];

  /** Before the page opens its socket. */
  constructor(page: Page) {
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const size = Buffer.byteLength(payload);
        this.received.push(size + (size < 126 ? 2 : size < 65_536 ? 4 : 10));
      }),
    );
  }

  reset(): void {
    this.received = [];
  }

  /** Since the last reset. A pong that happened to fall in between counts too. */
  sizes(): { largest: number; all: number } {
    return { largest: Math.max(0, ...this.received), all: this.received.reduce((sum, size) => sum + size, 0) };
  }
}
