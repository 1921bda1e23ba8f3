// The anchor file (format, §10): one line per seal, each naming the hash of the line before it.

import {
  equal, fail, fromHex, hashFromBase64, orNull, toBase64, toHex, toUtf8, U64, within, withinAsync,
} from "./bytes.js";
import { JsonNumber, JsonObject, parseJson, writeString } from "./json.js";
import { isSameHead, parseNote } from "./note.js";
import { isTime } from "./statement.js";
import { sha256 } from "./sha256.js";

/** A line without its newline; the checkpoint in it is not verified yet. */
export function parseAnchorLine(line) {
  const malformed = message => fail(`not an anchor line: ${message}`);
  const value = orNull(() => [parseJson(line)]) || malformed("not JSON");
  const read = (key, parse) => {
    const member = value[0] instanceof JsonObject ? value[0].get(key) : undefined;
    const parsed = member === undefined ? null : parse(member);
    return parsed === null ? malformed(key) : parsed;
  };
  const integer = member => (member instanceof JsonNumber ? U64.parse(member.text) : null);
  const text = parse => member => (typeof member === "string" ? parse(member) : null);
  const anchor = {
    line,
    seal: read("seal", integer),
    size: read("tree_size", integer),
    root: read("root", text(hashFromBase64)),
    sealedAt: read("sealed_at", text(time => (isTime(time) ? time : null))),
    previous: read("previous", text(hex => fromHex(hex, 32))),
    checkpoint: read("checkpoint", text(note => note)),
  };
  const { seal, size, root, sealedAt, previous, checkpoint } = anchor;
  const written = `{"seal":${seal},"tree_size":${size},"root":"${toBase64(root)}","sealed_at":"${sealedAt}",`
    + `"previous":"${toHex(previous)}","checkpoint":${writeString(checkpoint)}}`;
  return written === line ? anchor : malformed("extra, missing or reordered members, or another spelling");
}

/** The checkpoint in a line, by the log's keys: the line must say the same. */
export async function openAnchorLine(anchor, logKeys) {
  const checkpoint = await withinAsync("the line's checkpoint", () => logKeys.open(parseNote(anchor.checkpoint)));
  return isSameHead(checkpoint, anchor)
    ? checkpoint
    : fail("the line's tree_size or root is not its checkpoint's");
}

/** That a line follows the one before it, which is null before the first line of all. */
function follows(line, last) {
  const expected = last === null ? U64.of(1) : last.seal.after();
  if (!line.seal.equals(expected)) {
    fail(`seal ${line.seal} stands where ${expected} should`);
  }
  const previous = last === null ? new Uint8Array(32) : sha256(toUtf8(last.line));
  if (!equal(line.previous, previous)) {
    fail(`seal ${line.seal}: previous is not the hash of the line before`);
  }
  if (last !== null && line.size.compare(last.size) <= 0 && !isSameHead(line, last)) {
    fail(`seal ${line.seal}: the tree does not extend the one before`);
  }
  if (last !== null && line.sealedAt < last.sealedAt) {
    fail(`seal ${line.seal}: sealed_at is earlier than the line before`);
  }
}

/** Follows an anchor file's chain, and says whether it holds exactly this line. */
export function isInAnchorFile(file, wanted) {
  const lines = file.split("\n");
  if (lines[lines.length - 1] === "") {
    lines.pop();
  }
  let last = null;
  let isFound = false;
  lines.forEach((text, i) => {
    within(`the anchor file, line ${i + 1}`, () => {
      const line = parseAnchorLine(text);
      isFound = isFound || line.line === wanted.line;
      // A later segment's first line points back to one that is not at hand.
      if (i > 0 || line.seal.compare(U64.of(1)) <= 0) {
        follows(line, last);
      }
      last = line;
    });
  });
  return isFound;
}
