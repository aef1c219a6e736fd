// Reader and writer of wasm modules: sections, imports and exports.
export const CUSTOM = 0, IMPORTS = 2, EXPORTS = 7, CODE = 10;

/** Kinds of imports and exports. */
export const FUNCTION = 0, TABLE = 1, MEMORY = 2, GLOBAL = 3;

const header = Buffer.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

export class Reader {
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

export function leb(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return Buffer.from(bytes);
}

/** The sections of a module, in order. */
export function sections(file) {
  const reader = new Reader(file, header.length);
  const all = [];
  while (reader.at < file.length) {
    const id = reader.byte();
    all.push({ id, body: reader.take(reader.number()) });
  }
  return all;
}

/** Serializes a module with these sections. */
export function bytesOf(all) {
  return Buffer.concat([header, ...all.flatMap(({ id, body }) => [Buffer.from([id]), leb(body.length), body])]);
}

/** A module's imports: module, name, kind, and the bytes of the type. */
export function importsIn(body) {
  const reader = new Reader(body);
  const imports = [];
  for (let left = reader.number(); left > 0; left--) {
    const [from, name, start] = [reader.text(), reader.text(), reader.at];
    const kind = reader.byte();
    if (kind === FUNCTION) reader.number();
    else if (kind === GLOBAL) reader.take(2);
    else {
      // In a table the type precedes the limits, in a tag a byte precedes the type.
      if (kind !== MEMORY) reader.byte();
      if (kind === TABLE || kind === MEMORY) limits(reader);
      else reader.number();
    }
    imports.push({ from, name, kind, type: body.subarray(start, reader.at) });
  }
  return imports;
}

export function importsOf(imports) {
  return Buffer.concat([leb(imports.length), ...imports.flatMap(({ from, name, type }) => [text(from), text(name), type])]);
}

/** A module's exports: the name, and the bytes that identify the item. */
export function exportsIn(body) {
  const reader = new Reader(body);
  const exports = [];
  for (let left = reader.number(); left > 0; left--) {
    const [name, start] = [reader.text(), reader.at];
    reader.byte();
    reader.number();
    exports.push({ name, what: body.subarray(start, reader.at) });
  }
  return exports;
}

export function exportsOf(exports) {
  return Buffer.concat([leb(exports.length), ...exports.flatMap(({ name, what }) => [text(name), what])]);
}

function limits(reader) {
  const hasMaximum = reader.number() & 1;
  reader.number();
  if (hasMaximum) reader.number();
}

function text(it) {
  const bytes = Buffer.from(it);
  return Buffer.concat([leb(bytes.length), bytes]);
}
