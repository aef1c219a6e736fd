// What went wrong in the page without anybody looking at it?
import { expect, type Page } from '@playwright/test';

/** Everything the page says to the console, its uncaught errors, and its failed requests to our own server. */
export class PageLog {
  /** Whatever the page wrote to the console, of any level. */
  readonly messages: string[] = [];
  private readonly complaints: string[] = [];
  private readonly allowed: RegExp[] = [];

  /** A complaint this test provokes on purpose. */
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns);
  }

  watch(page: Page, origin: string): void {
    page.on('console', (message) => {
      const line = `console ${message.type()}: ${message.text()} (${message.location().url})`;
      this.messages.push(line);
      // Leptos reports a hydration mismatch as an error or a warning, depending on what it met.
      const serious = ['error', 'warning', 'assert'].includes(message.type()) || /hydrat|mismatch/i.test(message.text());
      if (serious) this.complaints.push(line);
    });
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.stack ?? error.message}`));
    page.on('crash', () => this.complaints.push('the page crashed'));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? 'no reason given';
      // Chromium's word for a request that its own page gave up: by leaving, by closing an EventSource.
      const givenUp = why === 'net::ERR_ABORTED';
      if (request.url().startsWith(origin) && !givenUp) this.complaints.push(`failed: ${request.url()} ${why}`);
    });
    page.on('response', (response) => {
      if (response.url().startsWith(origin) && response.status() >= 400)
        this.complaints.push(`status ${response.status()}: ${response.request().method()} ${response.url()}`);
    });
  }

  check(): void {
    // Chromium gives up what it is loading when the machine's network changes, which each container on a bridge does to it, also a
    // while after its start. What was given up is asked for once more, or when it is wanted.
    const hasChanged = this.complaints.some((line) => line.includes('net::ERR_NETWORK_CHANGED'));
    const ofTheMachine = (line: string) =>
      hasChanged && (line.includes('net::ERR_NETWORK_CHANGED') || /TypeError: Failed to fetch[^]*\/pkg\//.test(line));
    const unexpected = this.complaints.filter((line) => !ofTheMachine(line) && !this.allowed.some((pattern) => pattern.test(line)));
    expect(unexpected, 'the page has nothing to complain about').toEqual([]);
  }
}
