// Launch options for Chromium.
import { existsSync } from 'node:fs';

// The headless shell loads a page with less than half of the CPU time of the full browser.
const candidates = [process.env.QUAYLIGHT_CHROMIUM, '/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const system = candidates.find((path) => path !== undefined && existsSync(path));

export const chromiumLaunch = {
  // Without the system's Chromium, Playwright uses its own.
  ...(system === undefined ? {} : { executablePath: system }),
  args: [
    // The tests may run as root (containers, CI), where the sandbox refuses to start.
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};
