// What does every measurement get?
import type { Browser } from '@playwright/test';
import type { Ground } from './ground';
import type { Amounts } from './options';
import type { Report } from './report';

export interface Setting {
  browser: Browser;
  report: Report;
  amounts: Amounts;
  say(line: string): void;
}

/** … where it is made on an engine that others use before and after it. */
export interface SettingOn extends Setting {
  ground: Ground;
}
