// How does the page find the chunks its wasm was split into? Puts the splitter's loader into the module that would import
// it and that it imports: under an address without the page's `?v=` that would be a second instance, with no wasm in it.
// The chunks then come under the same `?v=` as the module. Usage: node join.mjs FOLDER NAME
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, name] = process.argv.slice(2);
const loader = join(folder, '__wasm_split.______________________.js');
if (!existsSync(loader)) throw new Error(`There is no ${loader}: was cargo-leptos told to --split?`);

const exported = [];
const body = replaced(replaced(readFileSync(loader, 'utf8'), /^import .*\n/, ''), /^export const (\w+)/gm, (_, it) => {
  exported.push(it);
  return `const ${it}`;
});
const versioned = replaced(body, /new URL\((".*?"), import\.meta\.url\)/g, (_, file) => {
  return `new URL(${file} + new URL(import.meta.url).search, import.meta.url)`;
});
// Where another chunk fails first nobody looks at this one: its failure is not to count as one that was overlooked.
const quiet = replaced(versioned, /const src = fetch\(.*\);/g, (fetching) => `${fetching} src.catch(() => {});`);
const path = join(folder, `${name}.js`);
// wasm-bindgen imports the loader once for each of its functions.
const imported = [];
const main = replaced(readFileSync(path, 'utf8'), /^import \* as (\w+) from "\.\/__wasm_split[^"]*";?\n/gm, (_, it) => {
  imported.push(it);
  return '';
});
const joined = imported.map((it) => `${it} = { ${exported.join(', ')} }`).join(', ');
writeFileSync(path, `${main}\n${quiet}\nconst ${joined};\n`);
rmSync(loader);

function replaced(text, what, by) {
  if (text.search(what) < 0) throw new Error(`The loader of the split wasm looks different: it has no ${what}.`);
  return text.replace(what, by);
}
