// Launch options for Chromium.
import { existsSync } from 'node:fs';

const system = process.env.QUAYLIGHT_CHROMIUM ?? '/usr/bin/chromium';

export const chromiumLaunch = {
  // Without the system's Chromium, Playwright uses its own.
  ...(existsSync(system) ? { executablePath: system } : {}),
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
