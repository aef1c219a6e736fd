// Log of page errors, which fail the test even if it checks none of them.
import { expect, type Page } from '@playwright/test';

/** The page's console messages, uncaught errors, and failed requests to the test server. */
export class PageLog {
  /** Console messages of any level. */
  readonly messages: string[] = [];
  private readonly complaints: string[] = [];
  private readonly allowed: RegExp[] = [];

  /** Accepts complaints that this test provokes on purpose. */
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns);
  }

  watch(page: Page, origin: string): void {
    // Violations of the content security policy, in the same words for every browser.
    void page.addInitScript(() => {
      addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile, lineNumber }) => {
        console.error(`content security policy: ${effectiveDirective} refused ${blockedURI} (${sourceFile}:${lineNumber})`);
      });
    });
    page.on('console', (message) => {
      const line = `console ${message.type()}: ${message.text()} (${message.location().url})`;
      this.messages.push(line);
      // Leptos reports a hydration mismatch as an error or a warning, depending on its kind.
      const serious = ['error', 'warning', 'assert'].includes(message.type()) || /hydrat|mismatch/i.test(message.text());
      if (serious) this.complaints.push(line);
    });
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.stack ?? error.message}`));
    page.on('crash', () => this.complaints.push('the page crashed'));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? 'no reason given';
      // Chromium's error for a request that the page canceled: by navigating away, by closing an EventSource.
      const givenUp = why === 'net::ERR_ABORTED';
      if (request.url().startsWith(origin) && !givenUp) this.complaints.push(`failed: ${request.url()} ${why}`);
    });
    page.on('response', (response) => {
      if (response.url().startsWith(origin) && response.status() >= 400)
        this.complaints.push(`status ${response.status()}: ${response.request().method()} ${response.url()}`);
    });
  }

  check(): void {
    // Chromium cancels its loads when the machine's network changes, which happens whenever a container joins a bridge, even
    // some time after its start. The page requests the canceled resource again, or when it needs it.
    const hasChanged = this.complaints.some((line) => line.includes('net::ERR_NETWORK_CHANGED'));
    const ofTheMachine = (line: string) =>
      hasChanged && (line.includes('net::ERR_NETWORK_CHANGED') || /TypeError: Failed to fetch[^]*\/pkg\//.test(line));
    const unexpected = this.complaints.filter((line) => !ofTheMachine(line) && !this.allowed.some((pattern) => pattern.test(line)));
    expect(unexpected, 'the page has nothing to complain about').toEqual([]);
  }
}
