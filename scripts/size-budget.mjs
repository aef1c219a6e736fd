// Size budgets of the first visit and of lazy chunks. Prints raw and brotli sizes of the site's code, and fails above
// the budgets.
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

/**
 * Brotli bytes of wasm, JavaScript and CSS together: for a first visit to the containers, and for all pages.
 * A first visit may need 280 KB with its HTML, which is 11.7 KB with a hundred containers.
 */
const budgets = { first: 268_300, all: 670_000 };

const site = join("target", "site");
const pkg = join(site, "pkg");
/** The lazy style sheet. */
const sheet = "lazy.css";
/** Chunk name → its files, including those shared with other chunks. */
const chunks = JSON.parse(readFileSync(join(pkg, "__wasm_split_manifest.json"), "utf8"));
const later = new Set(Object.values(chunks).flatMap((stems) => stems.map((stem) => `${stem}.wasm`)));
const files = readdirSync(pkg)
  .filter((name) => [".wasm", ".js", ".css"].includes(extname(name)))
  .sort()
  .map((name) => measure(name, readFileSync(join(pkg, name))));
const first = files.filter(({ name }) => !later.has(name));
files.push(measure(sheet, readFileSync(join(site, sheet))));
for (const kind of [".wasm", ".js", ".css"]) {
  if (!first.some(({ name }) => name.endsWith(kind))) throw new Error(`There is no ${kind} file in ${pkg}.`);
}

const row = (name, raw, brotli) => console.log(`${name.padEnd(28)}${raw.padStart(12)}${brotli.padStart(12)}`);
const list = (all) => all.forEach(({ name, raw, brotli }) => row(name, bytes(raw), bytes(brotli)));
row("", "raw", "brotli");
list(first);
judge("first visit", first, budgets.first);
console.log();
list(files.filter((file) => !first.includes(file)));
for (const [chunk, stems] of Object.entries(chunks).sort()) {
  const parts = sum(files.filter(({ name }) => stems.includes(name.replace(/\.wasm$/, ""))));
  row(`${chunk}, all it needs`, bytes(parts.raw), bytes(parts.brotli));
}
judge("every page", files, budgets.all);

function judge(name, of, budget) {
  const { raw, brotli } = sum(of);
  row(name, bytes(raw), bytes(brotli));
  row("budget", "", bytes(budget));
  if (brotli <= budget) return;
  console.error(`${name}: ${bytes(brotli - budget)} bytes over the budget.`);
  process.exitCode = 1;
}

function sum(of) {
  return {
    raw: of.reduce((total, { raw }) => total + raw, 0),
    brotli: of.reduce((total, { brotli }) => total + brotli, 0),
  };
}

/** Compresses as build.rs does: quality 11, a window of 4 MB. */
function measure(name, content) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  return { name, raw: content.length, brotli: brotliCompressSync(content, { params }).length };
}

function bytes(count) {
  return count.toLocaleString("en-GB");
}
