// New page in its own browser context, with an empty cache.
import type { Browser, Page } from '@playwright/test';

export async function newPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  // The TypeScript loader wraps named functions in a helper of this name, which is missing in the page.
  await context.addInitScript({ content: 'globalThis.__name ??= (it) => it;' });
  return context.newPage();
}
