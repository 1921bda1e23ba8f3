// The history of a log's keys, `keys.jsonl` (format, §22): whoever trusts one of them can go on to the others.

import { fail, orNull, quoted, toHex, U64, utf8Length, withinAsync } from "./bytes.js";
import { JsonNumber, JsonObject, parseJson, writeString } from "./json.js";
import { openCheckpoint, parseKey, parseNote } from "./note.js";
import { storyKeyName } from "./statement.js";

const MAX_HISTORY_BYTES = 1048576;

const malformedKeyLine = message => fail(`not a line of keys.jsonl: ${message}`);

/** `{ old, next, from, until }` of a signed rotation, both of whose signatures are right. */
export async function openRotation(note) {
  const lines = note.text.split("\n");
  if (lines.length !== 6 || lines[5] !== "") {
    malformedKeyLine("rotation");
  }
  const old = parseKey(lines[1]);
  const next = parseKey(lines[2]);
  const from = U64.parse(lines[3]);
  const until = U64.parse(lines[4]);
  if (!from || !until || lines[0] !== `${old.name}/keys`) {
    malformedKeyLine("rotation");
  }
  await note.verify(old);
  await note.verify(next);
  return { old, next, from, until };
}

/** The keys with which one log has signed its checkpoints, oldest first. */
export class LogKeys {
  constructor(first) {
    this.all = [{ key: first, from: new U64(0, 0), until: null }];
  }

  get newest() {
    return this.all[this.all.length - 1];
  }

  get origin() {
    return this.newest.key.name;
  }

  contains(key) {
    return this.all.some(known => known.key.equals(key));
  }

  rotate({ old, next, from, until }) {
    const last = this.newest;
    if (!old.equals(last.key)) {
      fail("the rotation's old key is not that of the history");
    }
    if (next.name !== last.key.name) {
      fail(`the key is named ${quoted(next.name)}: a log keeps its name`);
    }
    if (until.after().compare(from) < 0 || from.compare(last.from) < 0 || until.compare(last.from) < 0) {
      fail("the sizes leave a gap, or go backwards");
    }
    if (this.all.some(known => toHex(known.key.bytes) === toHex(next.bytes))) {
      fail("this key was used before");
    }
    last.until = until;
    this.all.push({ key: next, from, until: null });
  }

  /** A signed checkpoint, by a key that signs trees of its size; no line by a key of the log may be wrong. */
  async open(note) {
    const signed = [];
    for (const known of this.all) {
      if (note.isSignedBy(known.key)) {
        await note.verify(known.key);
        signed.push(known);
      }
    }
    if (signed.length === 0) {
      fail(`no signature by ${this.origin}`);
    }
    const checkpoint = await openCheckpoint(note, signed[0].key);
    const { size } = checkpoint;
    const signs = ({ from, until }) => from.compare(size) <= 0 && (until === null || size.compare(until) <= 0);
    if (!signed.some(signs)) {
      fail(`the checkpoint is signed by a key that does not sign trees of ${size} leaves`);
    }
    return checkpoint;
  }
}

/** `{ log, story }` of the text of `keys.jsonl`: `LogKeys`, and the key of story notes. */
export async function parseKeyHistory(text) {
  if (utf8Length(text) > MAX_HISTORY_BYTES) {
    fail(`the history of keys is longer than ${MAX_HISTORY_BYTES} bytes`);
  }
  const history = { log: null, story: null };
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) || [];
  for (let i = 0; i < lines.length; i++) {
    await withinAsync(`the history of keys, line ${i + 1}`, () => readKeyLine(lines[i], history));
  }
  const missing = !history.log ? "checkpoints" : !history.story ? "story notes" : null;
  return missing ? fail(`the history of keys has no key for ${missing}`) : history;
}

async function readKeyLine(line, history) {
  const value = orNull(() => [parseJson(line.replace(/\n+$/, ""))]) || malformedKeyLine("not JSON");
  const member = key => (value[0] instanceof JsonObject ? value[0].get(key) : undefined);
  const text = key => (typeof member(key) === "string" ? member(key) : null);
  const purpose = text("purpose");
  if (purpose === null) {
    malformedKeyLine("purpose");
  }
  if (text("vkey") === null) {
    malformedKeyLine("vkey");
  }
  const key = parseKey(text("vkey"));
  const size = member("from_tree_size");
  const from = size instanceof JsonNumber ? U64.parse(size.text) : null;
  if (from === null) {
    malformedKeyLine("from_tree_size");
  }
  const rotation = text("rotation");
  if (line !== writeKeyLine(purpose, key, from, rotation)) {
    malformedKeyLine("extra, missing or reordered members, or another spelling");
  }
  if (purpose === "log" && rotation !== null) {
    await followRotation(history, key, from, rotation);
  } else if (purpose === "log" && !history.log && from.isZero()) {
    history.log = new LogKeys(key);
  } else if (purpose === "story" && rotation === null && !history.story && from.isZero()) {
    if (!history.log || key.name !== storyKeyName(history.log.origin)) {
      fail(`the key is named ${quoted(key.name)}: a log keeps its name`);
    }
    history.story = key;
  } else {
    malformedKeyLine("a key that follows from nothing");
  }
}

async function followRotation(history, key, from, text) {
  if (!history.log) {
    malformedKeyLine("a rotation before the first key");
  }
  const rotation = await openRotation(parseNote(text));
  if (!rotation.next.equals(key)) {
    fail("the rotation's new key is not that of the history");
  }
  if (!rotation.from.equals(from)) {
    fail("the rotation's first size is not that of the history");
  }
  history.log.rotate(rotation);
}

function writeKeyLine(purpose, key, from, rotation) {
  const last = rotation === null ? "" : `,"rotation":${writeString(rotation)}`;
  return `{"purpose":${writeString(purpose)},"vkey":${writeString(key.vkey)},"from_tree_size":${from}${last}}\n`;
}
