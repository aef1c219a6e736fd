// Which code is in the wasm file that no page ever runs? Empties those functions, so that the splitter and wasm-opt drop
// what only they call. Usage: node snip.mjs FILE, changed in place: as the linker left it, with its relocations. Its
// functions must have their names, and none may stand for another that happens to be like it (release.toml asks for both).
//
// Were one called all the same, the page would stop with "unreachable executed", which every browser test sees.
import { readFileSync, writeFileSync } from 'node:fs';
import { CODE, CUSTOM, FUNCTION, IMPORTS, Reader, bytesOf, importsIn, leb, sections } from './module.mjs';

const never = [
  // Every view brings a second way of hydrating, for pages whose server streams them in pieces. Ours come whole
  // (SsrMode::Async, no Suspense around what is rendered), and the code can't be switched off. With it go its futures.
  /hydrate_async/,
  // A third, for views made of <template> elements.
  /hydrate_from_template/,
  // The list of routes, which the server asks for.
  /^(?=.*leptos_router).*generate_routes/,
  // Streams that Rust feeds and JavaScript reads: exported by wasm-streams, made by nobody. (wasm-bindgen runs what
  // describes them, and then drops it.)
  /^(?!.*describe).*into_?underlying/i,
];

const FUNCTION_NAMES = 1;
const UNREACHABLE = 0x00, NOP = 0x01, END = 0x0b;
/** The relocations that have an addend: R_WASM_MEMORY_ADDR_LEB and so on, by the numbers of WebAssembly's Linking.md. */
const withAddend = new Set([3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25]);

/** The numbers of the functions with such names. */
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

/** Empties functions. No byte moves: relocations say where in the section something is. Where those emptied are, too. */
function snip(body, numbers, imported) {
  const reader = new Reader(Buffer.from(body));
  const ranges = [];
  const count = reader.number();
  for (let at = 0; at < count; at++) {
    const code = reader.take(reader.number());
    if (!numbers.has(at + imported) || code.length < 3) continue;
    // Its first byte: no locals.
    code.fill(NOP).set([0, UNREACHABLE]);
    code[code.length - 1] = END;
    ranges.push([reader.at - code.length, reader.at]);
  }
  return { body: reader.bytes, ranges };
}

/** Without those that lie in one of the ranges: what an emptied function called is no longer called. */
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
