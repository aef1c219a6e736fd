// Theme: the system's color scheme, and a choice that overrides it.
import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures';
import { open, waitLive } from '../support/page';

const html = (page: Page) => page.locator('html');
const toggle = (page: Page) => page.getByRole('button', { name: /^Theme/ });

/** Lightness of the background, 0 to 255, in whatever color notation the browser reports. */
async function lightness(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    for (const element of [document.documentElement, document.body]) {
      canvas.fillStyle = getComputedStyle(element).backgroundColor;
      canvas.fillRect(0, 0, 1, 1);
    }
    const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
    return (red + green + blue) / 3;
  });
}

test('the theme follows the system by default', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await open(page, '/containers');
  await expect(html(page)).not.toHaveAttribute('data-theme');
  await expect.poll(() => lightness(page)).toBeGreaterThan(200);
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => lightness(page)).toBeLessThan(60);
});

test('the button cycles through light, dark and system, and the choice persists', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page, '/containers');
  await toggle(page).click();
  await expect(html(page)).toHaveAttribute('data-theme', 'light');
  await expect.poll(() => lightness(page)).toBeGreaterThan(200);

  const response = await page.reload();
  expect(await response!.text(), 'the server renders the choice').toMatch(/<html[^>]*data-theme="light"/);
  await waitLive(page);
  await expect(html(page)).toHaveAttribute('data-theme', 'light');

  await toggle(page).click();
  await expect(html(page)).toHaveAttribute('data-theme', 'dark');
  await toggle(page).click();
  await expect(html(page)).not.toHaveAttribute('data-theme');
});
