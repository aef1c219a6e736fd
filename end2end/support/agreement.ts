// Comparison of the page's containers with `docker ps --all`.
import { expect, type Page } from '@playwright/test';
import type { Docker } from './docker';

/** Waits until the rows of this test's containers match the CLI: exactly the same ids, names and states. */
export async function expectAgreement(page: Page, docker: Docker, timeoutMs = 5_000): Promise<void> {
  await expect
    .poll(async () => differences(await onPage(page, docker.prefix), await byCli(docker)), {
      message: 'where the page and docker ps --all differ',
      timeout: timeoutMs,
    })
    .toEqual([]);
}

function onPage(page: Page, prefix: string): Promise<string[]> {
  // One evaluation: rows could change between finding and reading them.
  return page.evaluate(
    (start) =>
      [...document.querySelectorAll('[data-entity="container"]')]
        .map((row) => ['data-name', 'data-state', 'data-id'].map((name) => row.getAttribute(name)).join(' '))
        .filter((line) => line.startsWith(start)),
    prefix,
  );
}

function byCli(docker: Docker): Promise<string[]> {
  const format = ['--format', '{{.Names}} {{.State}} {{.ID}}'];
  return docker.lines('ps', '--all', '--no-trunc', '--filter', `label=${docker.label}`, ...format);
}

function differences(page: string[], cli: string[]): string[] {
  const twice = page.filter((line, at) => page.indexOf(line) !== at);
  return [
    ...twice.map((line) => `twice on the page: ${line}`),
    ...cli.filter((line) => !page.includes(line)).map((line) => `only docker has: ${line}`),
    ...page.filter((line) => !cli.includes(line)).map((line) => `only the page has: ${line}`),
  ];
}
