// Paths of the checkout, the server binary and the scripts.
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** The checkout: the nearest folder, upward from the working directory, that contains `end2end/playwright.config.ts`. */
export const root: string = findRoot(process.cwd());

/** Folder for results and reports, also when CARGO_TARGET_DIR points elsewhere. */
export const reports = join(root, 'target');

/** The server under test: $QUAYLIGHT_BIN, else the release build. */
export function serverBinary(): string {
  const binary = process.env.QUAYLIGHT_BIN ?? join(targetDir(), 'release', 'quaylight');
  const path = isAbsolute(binary) ? binary : join(root, binary);
  if (!existsSync(path)) throw new Error(`There is no server at ${path}: build it first, or set QUAYLIGHT_BIN.`);
  return path;
}

export const script = (name: string): string => join(root, 'scripts', name);

function targetDir(): string {
  const dir = process.env.CARGO_TARGET_DIR ?? 'target';
  return isAbsolute(dir) ? dir : join(root, dir);
}

function findRoot(from: string): string {
  if (existsSync(join(from, 'end2end', 'playwright.config.ts'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('Start this from inside the checkout.');
  return findRoot(parent);
}
