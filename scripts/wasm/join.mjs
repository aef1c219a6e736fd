// Joins the loader of the wasm chunks into the main module, which imports it and which it imports: under a URL without the
// page's `?v=`, that import would load a second instance, without wasm. Chunks are then requested with the same `?v=` as the
// module. cargo-leptos can't do this yet: its hashes in file names miss the loader
// (https://github.com/leptos-rs/cargo-leptos/issues/658). Usage: node join.mjs FOLDER NAME
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, name] = process.argv.slice(2);
const loader = join(folder, '__wasm_split.______________________.js');
if (!existsSync(loader)) throw new Error(`There is no ${loader}: was cargo-leptos run with --split?`);

const exported = [];
const body = replaced(replaced(readFileSync(loader, 'utf8'), /^import .*\n/, ''), /^export const (\w+)/gm, (_, it) => {
  exported.push(it);
  return `const ${it}`;
});
const versioned = replaced(body, /new URL\((".*?"), import\.meta\.url\)/g, (_, file) => {
  return `new URL(${file} + new URL(import.meta.url).search, import.meta.url)`;
});
// A fetch has a timeout, up to the last byte, and is retried: one started while the network was stalled may never end, and
// one whose connection broke is likely to succeed.
const fetching = `
const DEADLINE = 8_000;
const TRIES = 3;
async function fetchChunk(url) {
  for (let tries = 1; ; tries++) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE) });
      return response.ok ? new Response(await response.arrayBuffer(), response) : response;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}
`;
// If another chunk fails first, this promise has no handler: its failure must not count as an unhandled rejection.
const quiet = replaced(versioned, /const src = fetch(\(.*\));/g, (_, url) => `const src = fetchChunk${url}; src.catch(() => {});`);
const path = join(folder, `${name}.js`);
// wasm-bindgen imports the loader once per function.
const imported = [];
const main = replaced(readFileSync(path, 'utf8'), /^import \* as (\w+) from "\.\/__wasm_split[^"]*";?\n/gm, (_, it) => {
  imported.push(it);
  return '';
});
const joined = imported.map((it) => `${it} = { ${exported.join(', ')} }`).join(', ');
writeFileSync(path, `${main}\n${fetching}\n${quiet}\nconst ${joined};\n`);
rmSync(loader);

function replaced(text, what, by) {
  if (text.search(what) < 0) throw new Error(`The loader of the split wasm looks different: it has no ${what}.`);
  return text.replace(what, by);
}
