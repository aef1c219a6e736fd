// Shortens the function names shared by wasm and JavaScript. wasm-bindgen puts sixteen random digits into more than two
// hundred names, which appear in both files and don't compress. Here they become short ones, the same in both.
// Usage: node shorten.mjs FOLDER NAME, before the JavaScript is minified and the wasm optimized.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXPORTS, IMPORTS, bytesOf, exportsIn, exportsOf, importsIn, importsOf, sections } from './module.mjs';

const [folder, name] = process.argv.slice(2);
const wasmPath = join(folder, `${name}_bg.wasm`), jsPath = join(folder, `${name}.js`);
// Also Rust's mangled names of a few closures, which are as random and ten times as long.
const hashed = /\b(?:(?!__wasm_split)\w*_h?[0-9a-f]{16}\w*|_R\w{20,})\b/g;

const all = sections(readFileSync(wasmPath));
const js = readFileSync(jsPath, 'utf8');
const said = new Set(js.match(hashed));
const short = new Map();

/** The short name for both files; a name that the JavaScript does not contain stays. */
function shortened(name) {
  if (!said.has(name)) return name;
  if (!short.has(name)) short.set(name, `q${short.size.toString(36)}`);
  return short.get(name);
}

for (const section of all) {
  if (section.id === IMPORTS) {
    const imports = importsIn(section.body);
    section.body = importsOf(imports.map((it) => ({ ...it, name: shortened(it.name) })));
  } else if (section.id === EXPORTS) {
    const exports = exportsIn(section.body);
    section.body = exportsOf(exports.map((it) => ({ ...it, name: shortened(it.name) })));
  }
}
if (short.size === 0) throw new Error(`${jsPath} names nothing of ${wasmPath} by random digits.`);
const taken = [...short.values()].find((it) => new RegExp(`\\b${it}\\b`).test(js));
if (taken !== undefined) throw new Error(`${jsPath} has a ${taken} already.`);
writeFileSync(jsPath, js.replace(hashed, (it) => short.get(it) ?? it));
writeFileSync(wasmPath, bytesOf(all));
console.log(`${short.size} names shortened.`);
