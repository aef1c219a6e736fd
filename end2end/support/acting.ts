// Buttons, menus and dialogs of a page, and the results they show.
import type { Locator, Page } from '@playwright/test';
import { rowOf, type Kind } from './page';

export const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });

export const dialog = (page: Page): Locator => page.locator('dialog.dialog');

/** Presses a button of the dialog. */
export const submit = (page: Page, name: string): Promise<void> => dialog(page).getByRole('button', { name, exact: true }).click();

/** Error toasts. */
export const failures = (page: Page): Locator => page.locator('.toast[data-level="error"]');

export const tasks = (page: Page): Locator => page.getByRole('dialog', { name: 'Tasks' });

/** A task in the task list, which must be open. */
export const task = (page: Page, subject: string): Locator => tasks(page).locator('[data-task]').filter({ hasText: subject });

/** Hovers first: the row's actions may be hidden until then. */
export async function press(page: Page, kind: Kind, name: string, action: string): Promise<void> {
  await rowOf(page, kind, name).hover();
  await button(page, `${action} ${name}`).click();
}

/** An entry of the row's menu, by its full text. */
export async function choose(page: Page, kind: Kind, name: string, entry: string): Promise<void> {
  await press(page, kind, name, 'More actions for');
  await page.getByRole('menu').getByRole('menuitem', { name: entry, exact: true }).click();
}

/** Call it before the page is opened. Once the returned function is called, the page receives no more updates. */
export async function deafness(page: Page): Promise<() => void> {
  let isDeaf = false;
  await page.routeWebSocket(/\/ws/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (!isDeaf) socket.send(message);
    });
  });
  return () => {
    isDeaf = true;
  };
}
