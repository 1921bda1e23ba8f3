// What a witness is asked and what it must check (C2SP tlog-witness; format, §24). A phone that remembers the last
// checkpoint decides by the same rules.

import { equal, Fault, fail, hashFromBase64, quoted, U64, utf8Length, within } from "./bytes.js";
import { parseCheckpoint, parseNote } from "./note.js";
import { EMPTY_ROOT, verifyConsistency } from "./tree.js";

const MAX_PROOF = 63;
const MAX_REQUEST_BYTES = 73728;

/** `{ old, proof, note }` of a request to cosign. */
export function parseAddCheckpoint(body) {
  const malformed = message => fail(`malformed: ${message}`);
  if (utf8Length(body) > MAX_REQUEST_BYTES) {
    malformed("the request is too long");
  }
  const end = body.indexOf("\n\n");
  if (end < 0) {
    malformed("no empty line before the checkpoint");
  }
  const lines = body.slice(0, end).split("\n");
  const first = lines.shift();
  const old = (first.startsWith("old ") && U64.parse(first.slice("old ".length)))
    || malformed("the first line is not an old size");
  const proof = lines.slice(0, MAX_PROOF + 1).map(line =>
    hashFromBase64(line) || malformed("a line of the proof is not a hash"));
  if (proof.length > MAX_PROOF) {
    malformed(`the proof has more than ${MAX_PROOF} hashes`);
  }
  return { old, proof, note: within("malformed", () => parseNote(body.slice(end + 2))) };
}

/** The head that a witness may cosign: it trusts the keys of `logs`, and cosigned `last`, a head or null. */
export async function decide(body, logs, last) {
  const { old, proof, note } = parseAddCheckpoint(body);
  const checkpoint = within("malformed", () => parseCheckpoint(note.text));
  const keys = logs.filter(key => key.name === checkpoint.origin);
  if (keys.length === 0) {
    fail(`the log ${quoted(checkpoint.origin)} is not one that this witness follows`);
  }
  const unsigned = "no valid signature by a trusted key of the log";
  for (const key of keys.filter(one => note.isSignedBy(one))) {
    await note.verify(key).catch(error => (error instanceof Fault ? fail(unsigned) : Promise.reject(error)));
  }
  if (old.compare(checkpoint.size) > 0) {
    fail("the old size is larger than the checkpoint's");
  }
  if (!keys.some(key => note.isSignedBy(key))) {
    fail(unsigned);
  }
  checkFollows(last || { size: U64.of(0), root: EMPTY_ROOT }, old, checkpoint, proof);
  return checkpoint;
}

function checkFollows(last, old, checkpoint, proof) {
  if (!old.equals(last.size)) {
    fail(`the last cosigned tree has ${last.size} leaves`);
  }
  within("the checkpoint does not extend the tree that was cosigned", () => {
    if (checkpoint.size.isZero() && !equal(checkpoint.root, EMPTY_ROOT)) {
      fail("the path leads to another root");
    }
    verifyConsistency(last, checkpoint, proof);
  });
}
