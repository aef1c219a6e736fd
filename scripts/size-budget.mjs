// How much does a first visit load? Prints raw and brotli sizes of the site's code, and fails above the budget.
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

/** Bytes of wasm, JavaScript and CSS together, in brotli. The page itself comes on top: 11 KB with a hundred containers. */
const budget = 217_500;

const pkg = join("target", "site", "pkg");
const files = readdirSync(pkg)
  .filter((name) => [".wasm", ".js", ".css"].includes(extname(name)))
  .sort()
  .map((name) => measure(name, readFileSync(join(pkg, name))));
for (const kind of [".wasm", ".js", ".css"]) {
  if (!files.some(({ name }) => name.endsWith(kind))) throw new Error(`There is no ${kind} file in ${pkg}.`);
}

const total = {
  name: "together",
  raw: files.reduce((sum, { raw }) => sum + raw, 0),
  brotli: files.reduce((sum, { brotli }) => sum + brotli, 0),
};
const row = (name, raw, brotli) => console.log(`${name.padEnd(24)}${raw.padStart(12)}${brotli.padStart(12)}`);
row("", "raw", "brotli");
for (const { name, raw, brotli } of [...files, total]) row(name, bytes(raw), bytes(brotli));
row("budget", "", bytes(budget));
if (total.brotli > budget) {
  console.error(`The site is ${bytes(total.brotli - budget)} bytes over its budget.`);
  process.exitCode = 1;
}

/** As build.rs compresses: quality 11, a window of 4 MB. */
function measure(name, content) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  return { name, raw: content.length, brotli: brotliCompressSync(content, { params }).length };
}

function bytes(count) {
  return count.toLocaleString("en-GB");
}
