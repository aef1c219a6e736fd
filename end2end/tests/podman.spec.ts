// Podman support: the same container actions as with Docker, and missing features disabled with the reason.
import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures';
import { open } from '../support/page';
import { Podman } from '../support/podman';
import { Server } from '../support/server';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('a Podman container is stopped, started, recreated and inspected', async ({ page, pageLog }) => {
  test.setTimeout(120_000);
  const podman = await Podman.start();
  const server = await Server.start(podman.host);
  try {
    pageLog.watch(page, server.url);
    const make = 'mkdir -p /shelf && printf text > /shelf/file && exec sleep 600';
    await podman.cli('run', '--detach', '--name', 'web', '--network', 'none', '--stop-signal', 'KILL', Podman.image, 'sh', '-c', make);
    await open(page, `${server.url}/containers`);
    await expect(page.getByRole('banner')).toContainText('Podman');
    const row = page.locator('[data-entity="container"][data-name="web"]');
    await row.hover();
    await button(page, 'Stop web').click();
    await expect(row).toHaveAttribute('data-state', 'exited', { timeout: 10_000 });
    await row.hover();
    await button(page, 'Start web').click();
    await expect(row).toHaveAttribute('data-state', 'running', { timeout: 10_000 });

    await button(page, 'More actions for web').click();
    const limits = page.getByRole('menuitem', { name: 'Edit limits of web' });
    await expect(limits).toHaveAttribute('aria-disabled', 'true');
    await expect(limits).toHaveAttribute('title', /can't update limits/);
    await page.getByRole('menuitem', { name: 'Edit web' }).click();
    const dialog = page.locator('dialog.dialog');
    await dialog.getByLabel('Environment').fill('A=1');
    await dialog.getByRole('button', { name: /^(Save|Recreate|Edit)/ }).click();
    await expect(dialog).toHaveCount(0, { timeout: 20_000 });
    await expect.poll(() => podman.cli('inspect', '--format', '{{.Config.Env}}', 'web')).toContain('A=1');

    await expect(row).toHaveAttribute('data-state', 'running', { timeout: 10_000 });
    await row.getByRole('link', { name: 'web', exact: true }).click();
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await page.locator('[data-file][data-name="shelf"]').getByRole('link', { name: 'shelf', exact: true }).click();
    await page.locator('[data-file][data-name="file"]').getByRole('link', { name: 'file', exact: true }).click();
    await expect(page.locator('.files pre')).toHaveText('text');

    await open(page, `${server.url}/engine`);
    await button(page, 'Calculate').click();
    await expect(page.locator('[data-disk="images"]')).not.toContainText('0 B0 B');
    await button(page, 'Prune all').click();
    await expect(page.getByRole('dialog').getByRole('checkbox', { name: /Build cache/ })).toHaveCount(0);
  } finally {
    await page.close();
    await server.stop();
    await podman.remove();
  }
});
