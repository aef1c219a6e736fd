// Inbox for the messages of a stream: waits for a matching one without polling.

/** Buffers what arrives until it is taken; `take` waits for the first match and drops the messages before it. */
export class Inbox<T> {
  /** Everything that was ever received. */
  readonly all: T[] = [];
  private waiting: T[] = [];
  private wake: (() => void) | null = null;
  private ended: string | null = null;

  constructor(private readonly what: string) {}

  put(item: T): void {
    this.all.push(item);
    this.waiting.push(item);
    this.wake?.();
  }

  end(why: string): void {
    this.ended = why;
    this.wake?.();
  }

  async take(fits: (item: T) => boolean, wanted: string, timeoutMs = 5_000): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.wake?.();
    }, timeoutMs);
    try {
      for (;;) {
        const at = this.waiting.findIndex(fits);
        if (at >= 0) {
          const found = this.waiting[at]!;
          this.waiting = this.waiting.slice(at + 1);
          return found;
        }
        if (this.ended !== null) throw new Error(`No ${this.what} (${wanted}) before the end: ${this.ended}`);
        if (late) throw new Error(`No ${this.what} (${wanted}) within ${timeoutMs} ms; the last: ${this.tail()}`);
        await new Promise<void>((resolve) => (this.wake = resolve));
        this.wake = null;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private tail(): string {
    return JSON.stringify(this.all.slice(-3))?.slice(0, 1500) ?? 'none';
  }
}
