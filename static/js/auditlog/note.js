// Keys, signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint): format, §8 and §9.

import {
  concat, equal, fail, fromBase64, fromHex, hashFromBase64, quoted, toBase64, toHex, toUtf8, U64, utf8Length,
} from "./bytes.js";
import { hasSmallOrder, isPoint } from "./ed25519.js";
import { sha256 } from "./sha256.js";
import { checkSignature } from "./signature.js";

const MAX_NOTE_BYTES = 65536;
const MAX_SIGNATURES = 64;
const NEWLINE = Uint8Array.of(0x0a);

/** What a key's signatures mean: the numbers of C2SP signed-note. */
export const NOTES = 0x01;
export const COSIGNATURES = 0x04;
const REFUSALS = {
  [NOTES]: "only Ed25519 keys are known",
  [COSIGNATURES]: "only Ed25519 keys for cosignatures are known",
};

/** Unicode's White_Space, its control characters, and the sign that parts a key's text. */
const NOT_IN_NAMES =
  /[\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]/;

const isKeyName = name => name !== "" && !NOT_IN_NAMES.test(name);

/** A public key with a name. */
export class Key {
  constructor(vkey, name, id, bytes) {
    this.vkey = vkey;
    this.name = name;
    this.id = id;
    this.bytes = bytes;
  }

  equals(other) {
    return this.vkey === other.vkey;
  }

  /** That a signature over bytes is this key's. */
  async check(message, signature) {
    if (!await checkSignature(this.bytes, message, signature)) {
      fail(`the signature by ${this.name} is wrong`);
    }
  }
}

/** Reads a vkey whose signatures mean one thing: `NOTES` or `COSIGNATURES`. */
export function parseKey(vkey, algorithm = NOTES) {
  const refuse = message => fail(`not a usable key: ${message}`);
  const shape = "a vkey is name+id+key";
  const first = vkey.indexOf("+");
  const second = vkey.indexOf("+", first + 1);
  if (first < 0 || second < 0) {
    refuse(shape);
  }
  const name = vkey.slice(0, first);
  const id = fromHex(vkey.slice(first + 1, second), 4);
  const typed = fromBase64(vkey.slice(second + 1));
  if (id === null || typed === null || typed.length === 0) {
    refuse(shape);
  }
  if (typed[0] !== algorithm) {
    refuse(REFUSALS[algorithm]);
  }
  if (typed.length !== 33) {
    refuse(shape);
  }
  const bytes = typed.subarray(1);
  if (!isKeyName(name)) {
    refuse("a name has no space, no + and is not empty");
  }
  if (!isPoint(bytes)) {
    refuse("not on the curve");
  }
  if (hasSmallOrder(bytes)) {
    refuse("of small order");
  }
  if (!equal(sha256(concat(toUtf8(name), NEWLINE, typed)).subarray(0, 4), id)) {
    refuse("its id does not fit its key");
  }
  return new Key(vkey, name, id, bytes);
}

/** A text and its signature lines; nothing of it is verified yet. */
export class Note {
  constructor(text, signatures) {
    this.text = text;
    this.signatures = signatures;
  }

  signaturesBy(key) {
    return this.signatures.filter(line => line.name === key.name && equal(line.id, key.id));
  }

  isSignedBy(key) {
    return this.signaturesBy(key).length > 0;
  }

  /** The text, if every line of this key is right and there is one. */
  async verify(key) {
    const lines = this.signaturesBy(key);
    for (const line of lines) {
      await key.check(toUtf8(this.text), line.signature);
    }
    return lines.length > 0 ? this.text : fail(`no signature by ${key.name}`);
  }

  format() {
    const lines = this.signatures.map(line => `— ${line.name} ${toBase64(concat(line.id, line.signature))}\n`);
    return `${this.text}\n${lines.join("")}`;
  }
}

export function parseNote(note) {
  const refuse = message => fail(`not a signed note: ${message}`);
  if (utf8Length(note) > MAX_NOTE_BYTES) {
    refuse("too long");
  }
  const split = note.lastIndexOf("\n\n");
  if (split < 0) {
    refuse("no empty line");
  }
  const text = note.slice(0, split + 1);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) {
    refuse("control character");
  }
  const lines = note.slice(split + 2);
  if (!lines.endsWith("\n")) {
    refuse("no final newline");
  }
  const signatures = lines.slice(0, -1).split("\n").map(line => signatureLine(line) || refuse("bad signature line"));
  if (signatures.length > MAX_SIGNATURES) {
    refuse("too many signatures");
  }
  return new Note(text, signatures);
}

function signatureLine(line) {
  const space = line.indexOf(" ", 2);
  if (!line.startsWith("— ") || space < 0) {
    return null;
  }
  const name = line.slice(2, space);
  const bytes = fromBase64(line.slice(space + 1));
  if (!isKeyName(name) || bytes === null || bytes.length < 5) {
    return null;
  }
  return { name, id: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

/** `{ origin, size, root }` of the text of a checkpoint. */
export function parseCheckpoint(text) {
  const refuse = message => fail(`not a checkpoint: ${message}`);
  const lines = text.slice(0, -1).split("\n");
  const line = i => (i < lines.length ? lines[i] : refuse("fewer than three lines"));
  const origin = line(0);
  const size = U64.parse(line(1)) || refuse("bad tree size");
  const root = hashFromBase64(line(2)) || refuse("bad root");
  if (lines.length > 3) {
    refuse("extension lines");
  }
  if (origin === "") {
    refuse("no origin");
  }
  return { origin, size, root };
}

/** The checkpoint of the log whose key it is. */
export async function openCheckpoint(note, key) {
  const checkpoint = parseCheckpoint(await note.verify(key));
  if (checkpoint.origin !== key.name) {
    fail(`the checkpoint is of ${quoted(checkpoint.origin)}, not of ${quoted(key.name)}`);
  }
  return checkpoint;
}

export function isSameHead(a, b) {
  return a.size.equals(b.size) && equal(a.root, b.root);
}

/** What a person compares with a key on a pack or in a paper: 80 bits of both keys of a log, in groups of hexadecimal. */
export function fingerprintOf(vkey, storyVkey) {
  const hash = sha256(toUtf8(`rootmark-fingerprint/v1\n${vkey}\n${storyVkey}\n`));
  return toHex(hash.subarray(0, 10)).match(/..../g).join(" ");
}
