// Empties wasm functions that no page ever runs, so that the splitter and wasm-opt drop the code that only they call. Usage:
// node snip.mjs FILE, changed in place: the linker's output, with its relocations. Its functions must have their names, and
// none may be merged with a similar one (release.toml configures both).
//
// If one were called, the page would stop with "unreachable executed", which every browser test detects.
import { readFileSync, writeFileSync } from 'node:fs';
import { CODE, CUSTOM, FUNCTION, IMPORTS, Reader, bytesOf, importsIn, leb, sections } from './module.mjs';

const never = [
  // Every view contains a second way of hydration, for pages that the server streams in pieces. These pages arrive whole
  // (SsrMode::Async, no Suspense around what is rendered), and the code can't be disabled. Its futures are removed with it.
  /hydrate_async/,
  // A third, for views from <template> elements.
  /hydrate_from_template/,
  // The list of routes, which only the server requests.
  /^(?=.*leptos_router).*generate_routes/,
  // Streams that Rust feeds and JavaScript reads: exported by wasm-streams, never created. (wasm-bindgen runs their
  // describe functions, and then drops them.)
  /^(?!.*describe).*into_?underlying/i,
];

const FUNCTION_NAMES = 1;
const UNREACHABLE = 0x00, NOP = 0x01, END = 0x0b;
/** Relocation types with an addend, such as R_WASM_MEMORY_ADDR_LEB, by their numbers in WebAssembly's Linking.md. */
const withAddend = new Set([3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25]);

/** Indexes of the functions whose names match. */
function named(body, wanted) {
  const reader = new Reader(body);
  const found = new Set();
  if (reader.text() !== 'name') return found;
  while (reader.at < body.length) {
    const id = reader.byte();
    const part = new Reader(reader.take(reader.number()));
    if (id !== FUNCTION_NAMES) continue;
    for (let left = part.number(); left > 0; left--) {
      const number = part.number();
      if (wanted.test(part.text())) found.add(number);
    }
  }
  return found;
}

/** Empties functions without moving bytes, since relocations are offsets into the section. Also returns the emptied ranges. */
function snip(body, numbers, imported) {
  const reader = new Reader(Buffer.from(body));
  const ranges = [];
  const count = reader.number();
  for (let at = 0; at < count; at++) {
    const code = reader.take(reader.number());
    if (!numbers.has(at + imported) || code.length < 3) continue;
    // First byte: no locals.
    code.fill(NOP).set([0, UNREACHABLE]);
    code[code.length - 1] = END;
    ranges.push([reader.at - code.length, reader.at]);
  }
  return { body: reader.bytes, ranges };
}

/** Drops the relocations inside the ranges: an emptied function calls nothing. */
function relocations(body, ranges) {
  const reader = new Reader(body);
  reader.text();
  reader.number();
  const head = body.subarray(0, reader.at);
  const kept = [];
  let range = 0;
  for (let left = reader.number(); left > 0; left--) {
    const start = reader.at;
    const kind = reader.byte();
    const offset = reader.number();
    reader.number();
    if (withAddend.has(kind)) while (reader.byte() & 0x80);
    while (range < ranges.length && ranges[range][1] <= offset) range++;
    if (range === ranges.length || offset < ranges[range][0]) kept.push(body.subarray(start, reader.at));
  }
  if (reader.at !== body.length) throw new Error('There are relocations of an unknown kind.');
  return Buffer.concat([head, leb(kept.length), ...kept]);
}

const isRelocations = ({ id, body }) => id === CUSTOM && new Reader(body).text() === 'reloc.CODE';

const path = process.argv[2];
const file = readFileSync(path);
const all = sections(file);
const imported = all.filter(({ id }) => id === IMPORTS).flatMap(({ body }) => importsIn(body)).filter(({ kind }) => kind === FUNCTION).length;
const numbers = new Set();
for (const wanted of never) {
  const found = all.filter(({ id }) => id === CUSTOM).flatMap(({ body }) => [...named(body, wanted)]);
  if (found.length === 0) throw new Error(`${path} has no function that is named ${wanted}: has it lost its names?`);
  for (const number of found) numbers.add(number);
}
const code = all.find(({ id }) => id === CODE);
const snipped = snip(code.body, numbers, imported);
code.body = snipped.body;
const ofCode = all.find(isRelocations);
if (ofCode === undefined) throw new Error(`${path} has no relocations: has the linker been asked for them?`);
ofCode.body = relocations(ofCode.body, snipped.ranges);
writeFileSync(path, bytesOf(all));
console.log(`${numbers.size} functions emptied that no page runs.`);
