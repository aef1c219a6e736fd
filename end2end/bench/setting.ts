// What does every measurement get?
import type { Browser } from '@playwright/test';
import type { PrivateEngine } from '../support/private-engine';
import type { Report } from './report';

export interface Setting {
  engine: PrivateEngine;
  browser: Browser;
  /** Containers on the engine, and how many of them run. */
  containers: number;
  running: number;
  report: Report;
  say(line: string): void;
}
