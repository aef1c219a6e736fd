// Which code is in the wasm file that no page ever runs? Empties those functions, so that wasm-opt drops them and all
// that only they call. Usage: node snip.mjs FILE, changed in place; its functions must still have their names, and none
// may stand for another that happens to be like it (release.toml asks for both).
//
// Were one called all the same, the page would stop with "unreachable executed", which every browser test sees.
import { readFileSync, writeFileSync } from 'node:fs';

const never = [
  // Every view brings a second way of hydrating, for pages whose server streams them in pieces. Ours come whole
  // (SsrMode::Async, no Suspense around what is rendered), and the code can't be switched off. With it go its futures.
  /hydrate_async/,
  // A third, for views made of <template> elements.
  /hydrate_from_template/,
  // The list of routes, which the server asks for.
  /^(?=.*leptos_router).*generate_routes/,
  // Streams that Rust feeds and JavaScript reads: exported by wasm-streams, made by nobody.
  /into_?underlying/i,
];

const CUSTOM = 0, IMPORTS = 2, CODE = 10;
const FUNCTION_NAMES = 1;
/** No locals; unreachable; end. */
const emptied = Buffer.from([0x00, 0x00, 0x0b]);

class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** LEB128, unsigned. */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text() {
    return this.take(this.number()).toString('utf8');
  }
}

function leb(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return Buffer.from(bytes);
}

/** The sections of a module, in order. */
function sections(file) {
  const reader = new Reader(file, 8);
  const all = [];
  while (reader.at < file.length) {
    const id = reader.byte();
    all.push({ id, body: reader.take(reader.number()) });
  }
  return all;
}

function importedFunctions(body) {
  const reader = new Reader(body);
  let functions = 0;
  const limits = () => {
    const hasMaximum = reader.number() & 1;
    reader.number();
    if (hasMaximum) reader.number();
  };
  for (let left = reader.number(); left > 0; left--) {
    reader.text();
    reader.text();
    const kind = reader.byte();
    if (kind === 0) {
      reader.number();
      functions++;
    } else if (kind === 1) {
      reader.byte();
      limits();
    } else if (kind === 2) {
      limits();
    } else if (kind === 3) {
      reader.take(2);
    } else {
      reader.byte();
      reader.number();
    }
  }
  return functions;
}

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

function snip(body, numbers, imported) {
  const reader = new Reader(body);
  const count = reader.number();
  const functions = [leb(count)];
  for (let at = 0; at < count; at++) {
    const code = reader.take(reader.number());
    const kept = numbers.has(at + imported) ? emptied : code;
    functions.push(leb(kept.length), kept);
  }
  return Buffer.concat(functions);
}

const path = process.argv[2];
const file = readFileSync(path);
const all = sections(file);
const imported = all.filter(({ id }) => id === IMPORTS).reduce((sum, { body }) => sum + importedFunctions(body), 0);
const numbers = new Set();
for (const wanted of never) {
  const found = all.filter(({ id }) => id === CUSTOM).flatMap(({ body }) => [...named(body, wanted)]);
  if (found.length === 0) throw new Error(`${path} has no function that is named ${wanted}: has it lost its names?`);
  for (const number of found) numbers.add(number);
}
const written = all.flatMap(({ id, body }) => {
  const kept = id === CODE ? snip(body, numbers, imported) : body;
  return [Buffer.from([id]), leb(kept.length), kept];
});
writeFileSync(path, Buffer.concat([file.subarray(0, 8), ...written]));
console.log(`${numbers.size} functions emptied that no page runs.`);
