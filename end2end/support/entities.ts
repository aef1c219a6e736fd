// Locators for entity attributes beyond those of the row contract.
import type { Locator } from '@playwright/test';

/** `data-usage="running/all"` on an image's, a volume's or a network's row, or in it. */
export function usage(row: Locator): Locator {
  return row.locator('xpath=descendant-or-self::*[@data-usage]');
}

/** `data-restarts="2"` on a container's row, or in it. */
export function restarts(row: Locator): Locator {
  return row.locator('xpath=descendant-or-self::*[@data-restarts]');
}
