// Image builds from a folder, and warnings about Dockerfile features that the engine's builder lacks.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { button, dialog, submit, task } from '../support/acting';
import { expectAccessible } from '../support/axe';
import { testImage, type Docker } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { expectDone, open } from '../support/page';

/** Available since Docker 23 and Podman 5. */
async function knowsHeredocs(docker: Docker): Promise<boolean> {
  const version = parseInt(await docker.cli('version', '--format', '{{.Server.Version}}'), 10);
  return version >= (docker.isPodman ? 5 : 23);
}

function folder(path: string, files: Record<string, string>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

const plain = (docker: Docker) => `FROM --platform=$BUILDPLATFORM ${testImage} AS first
LABEL ${docker.label}
ARG WORD=none
COPY . /context
COPY --chmod=750 app/run.sh /run.sh
RUN --mount=type=cache,target=/cache echo "$WORD" > /word
`;

const heredoc = `RUN <<EOT
set -e
echo "here $WORD" >> /word
EOT
`;

const lastStage = `FROM ${testImage}
RUN exit 7
`;

test('a folder builds without its ignored files, and the dialog warns about unsupported Dockerfile features', async ({ page, docker }, testInfo) => {
  const name = docker.name('folder:1');
  const hasHeredocs = await knowsHeredocs(docker);
  const long = `${'deep/'.repeat(30)}한글 file.txt`;
  const path = folder(testInfo.outputPath('context'), {
    'docker/Web.dockerfile': `${plain(docker)}${heredoc}${lastStage}`,
    '.dockerignore': '# noise\n**/*.log\n!keep.log\nnode_modules\ndocker\n',
    'app/run.sh': '#!/bin/sh\necho ran\n',
    'app/debug.log': 'out',
    'keep.log': 'kept',
    'node_modules/a/b.js': 'out',
    [long]: 'deep',
  });
  mkdirSync(join(path, 'empty'));
  symlinkSync('app/run.sh', join(path, 'link'));
  await open(page, '/images');
  await button(page, 'Build').click();
  await dialog(page).getByLabel('Name').fill(name);
  await dialog(page).getByLabel('Or upload a folder that contains a Dockerfile', { exact: true }).setInputFiles(path);
  await expect(dialog(page)).toContainText('Dockerfile not found in this folder');
  await submit(page, 'Build');
  await expect(dialog(page).getByRole('alert')).toContainText('Dockerfile not found in this folder');

  await dialog(page).getByLabel('Dockerfile path in the build context').fill('docker/Web.dockerfile');
  await expect(dialog(page)).toContainText(/[56] files · .*2 files excluded by .dockerignore/);
  await expect(dialog(page)).toContainText("Browsers don't report file permissions");
  await expect(dialog(page).getByText('heredocs (<<)')).toHaveCount(hasHeredocs ? 0 : 1);
  await expectAccessible(page);
  if (!hasHeredocs) {
    await expect(dialog(page)).toContainText(/(Docker|Podman) [\d.]+.* doesn't support this syntax:.*Line 7: heredocs/);
    folder(path, { 'docker/Web.dockerfile': `${plain(docker)}${lastStage}` });
    await dialog(page).getByLabel('Or upload a folder that contains a Dockerfile', { exact: true }).setInputFiles(path);
    await expect(dialog(page).getByText('heredocs (<<)')).toHaveCount(0);
  }
  await dialog(page).getByLabel('Target stage').fill('first');
  await dialog(page).getByLabel('Build arguments').fill('WORD=said');
  await submit(page, 'Build');
  await expectDone(task(page, name));

  const run = (...command: string[]) =>
    docker.cli('run', '--rm', '--label', docker.label, '--network', 'none', name, ...command);
  expect(await run('cat', '/word')).toBe(hasHeredocs ? 'said\nhere said' : 'said');
  expect(await run('/run.sh')).toBe('ran');
  expect(await run('ls', '-l', '/run.sh')).toMatch(/^-rwxr-x---/);
  expect(await run('cat', `/context/${long}`)).toBe('deep');
  const sent = (await run('find', '/context', '-type', 'f')).split('\n');
  expect(sent).toEqual(expect.arrayContaining(['/context/keep.log', '/context/app/run.sh']));
  expect(sent.filter((it) => /debug|node_modules/.test(it))).toEqual([]);
});

test('a build lists its steps, and a failed step shows its line of the Dockerfile', { tag: '@docker' }, async ({ page, docker }) => {
  const name = docker.name('steps:1');
  await open(page, '/images');
  await button(page, 'Build').click();
  await dialog(page).getByLabel('Name').fill(name);
  const dockerfile = dialog(page).getByLabel('Dockerfile', { exact: true });
  await dockerfile.fill(`FROM ${testImage}\nRUN <<EOT\ntrue\nEOT`);
  await expect(dialog(page).getByText('Line 2: heredocs (<<)')).toHaveCount((await knowsHeredocs(docker)) ? 0 : 1);
  await dockerfile.fill(`FROM ${testImage}\nLABEL ${docker.label}\n\nRUN echo almost there && \\\n  exit 7`);
  await expect(dialog(page).getByText('heredocs (<<)')).toHaveCount(0);
  await submit(page, 'Build');
  await expect(task(page, name)).toHaveAttribute('data-state', 'failed');
  await expect(task(page, name)).toContainText('Line 4 of the Dockerfile: RUN echo almost there');
  await task(page, name).getByText('Details').click();
  await expect(task(page, name).locator('li').filter({ hasText: 'RUN echo almost there' })).toContainText('Failed');
});
