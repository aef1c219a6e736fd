// Context that every measurement receives.
import type { Browser } from '@playwright/test';
import type { EngineUnderTest } from './engine-under-test';
import type { Amounts } from './options';
import type { Report } from './report';

export interface Setting {
  browser: Browser;
  report: Report;
  amounts: Amounts;
  say(line: string): void;
}

/** Context of a measurement on an engine that other measurements share. */
export interface SettingOn extends Setting {
  testedEngine: EngineUnderTest;
}
