// Playwright configuration: one worker, the system's Chromium, no retries.
import { defineConfig } from '@playwright/test';
import { join } from 'node:path';
import { chromiumLaunch } from './support/chromium';
import { root } from './support/paths';

/** Tests that depend on the engine: Quaylight's own connection behaves the same with any engine. */
const onAnyEngine = new RegExp(
  `/(${[
    'actions',
    'broken-off',
    'builds',
    'bulk',
    'containers-live',
    'engine',
    'events',
    'files',
    'images-live',
    'inside',
    'logs',
    'manage-containers',
    'manage-lists',
    'manage-more',
    'networks-live',
    'recipes',
    'refusals',
    'tasks',
    'terminal',
    'usage',
    'volumes-live',
  ].join('|')})\\.spec`,
);

/** Concurrent runs need separate folders. */
const results = join(root, 'target', process.env.QUAYLIGHT_TEST_RESULTS ?? 'end2end');

export default defineConfig<object, { on: 'docker' | 'podman' }>({
  testDir: join(root, 'end2end', 'tests'),
  outputDir: join(results, 'results'),
  // One engine, whose objects several tests count: two workers would see each other's containers.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 45_000,
  expect: { timeout: 5_000 },
  reporter: [
    ['list'],
    ['html', { outputFolder: join(results, 'report'), open: 'never' }],
    [join(root, 'end2end', 'support', 'failures.ts')],
  ],
  projects: [
    // On a newer engine (scripts/test-engines) only the tests that depend on it.
    { name: 'docker', ...(process.env.QUAYLIGHT_TEST_SCOPE === 'engine' ? { testMatch: onAnyEngine, grepInvert: /@performance/ } : {}) },
    // User workflows, run again on another engine. What it can't do is tagged.
    { name: 'podman', use: { on: 'podman' }, testMatch: onAnyEngine, grepInvert: /@docker|@performance/ },
  ],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    launchOptions: chromiumLaunch,
    // Recording a trace takes a quarter of a test's time. `--trace retain-on-failure` records one.
    trace: 'off',
    screenshot: 'only-on-failure',
    actionTimeout: 5_000,
    navigationTimeout: 15_000,
    locale: 'en-GB',
    timezoneId: 'UTC',
  },
});
