// Engine page: disk usage that matches docker's, and pruning.
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { expect, test } from '../support/fixtures';
import { open, rowOf } from '../support/page';

/** "1.234GB" in bytes. */
function bytesOf(text: string): number {
  const [, number, unit] = /^([\d.]+)\s*([kMGT]?)B/.exec(text)!;
  return Number(number) * 1_000 ** ['', 'k', 'M', 'G', 'T'].indexOf(unit!);
}

const line = (page: Page, what: string) => page.locator(`[data-disk="${what}"]`);

test('the disk usage matches docker system df', { tag: '@docker' }, async ({ page, docker }) => {
  const [volume, stopped] = [docker.name('data'), docker.name('stopped')];
  await docker.volume(volume);
  await docker.start(stopped, {
    options: ['--volume', `${volume}:/v`],
    command: ['sh', '-c', 'dd if=/dev/zero of=/layer bs=1k count=2000; dd if=/dev/zero of=/v/file bs=1k count=3000'],
  });
  await docker.cli('wait', stopped);
  await open(page, '/engine');
  await page.getByRole('button', { name: 'Calculate', exact: true }).click();
  await expect(line(page, 'images')).toBeVisible({ timeout: 20_000 });
  const theirs = (await docker.lines('system', 'df', '--format', '{{json .}}')).map((it) => JSON.parse(it));
  for (const [what, type] of [['images', 'Images'], ['containers', 'Containers'], ['volumes', 'Local Volumes'], ['build-cache', 'Build Cache']]) {
    const it = theirs.find((one) => one.Type === type);
    for (const [ours, printed] of [['data-bytes', it.Size], ['data-reclaimable', it.Reclaimable]]) {
      const bytes = Number(await line(page, what!).getAttribute(ours));
      // docker prints four digits.
      expect(Math.abs(bytes - bytesOf(printed)), `${what} ${ours}: ${bytes}, docker: ${printed}`).toBeLessThanOrEqual(bytes / 1_000 + 1);
    }
    if (what !== 'build-cache') await expect(line(page, what!)).toContainText(`${it.Active} of ${it.TotalCount}`);
  }
  await expectAccessible(page);
});

test('prune all lists the unused objects before it removes them', async ({ page, docker }) => {
  const [stopped, kept, network] = [docker.name('stopped'), docker.name('kept'), docker.name('front')];
  await docker.create(stopped);
  await docker.create(kept, { options: ['--label', 'quaylight.protect=true'] });
  await docker.network(network);
  // Podman emits no event for it.
  await open(page, '/networks');
  await expect(rowOf(page, 'network', network)).toBeVisible();
  await open(page, '/engine');
  await page.getByRole('button', { name: 'Prune all' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('checkbox', { name: stopped })).toBeChecked();
  await expect(dialog.getByRole('checkbox', { name: kept })).toHaveCount(0);
  await expect(dialog.getByRole('status')).toContainText('freeing at least', { timeout: 20_000 });
  await expectAccessible(page);
  // Selects only this test's own objects.
  for (const box of await dialog.getByRole('checkbox').all()) await box.uncheck();
  await dialog.getByRole('checkbox', { name: stopped }).check();
  await dialog.getByRole('checkbox', { name: network }).check();
  await expect(dialog.getByRole('status')).toContainText('1 container, 1 network');
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(page.getByText('2 removed')).toBeVisible();
  expect(Object.keys(await docker.states())).toEqual([kept]);
  await open(page, '/networks');
  await expect(rowOf(page, 'network', network)).toHaveCount(0);
});
