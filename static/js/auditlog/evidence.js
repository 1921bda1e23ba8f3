// Evidence of two histories (format, §26): two checkpoints that one key signed, and a path that shows that the smaller
// tree is not the beginning of the larger one. Nobody need be believed for it but the key.

import {
  equal, fail, fromUtf8, hashFromBase64, quoted, toBase64, validUtf8Length, within, withinAsync,
} from "./bytes.js";
import { JsonObject, parseJson, writeString } from "./json.js";
import { LogKeys } from "./keys.js";
import { parseKey, parseNote } from "./note.js";
import { consistencyRoots, EMPTY_ROOT } from "./tree.js";

const EVIDENCE_FORMAT = "rootmark-evidence/v1";

/** The text of a file of evidence: a vkey, the checkpoints of the smaller and of the larger tree, and a path. */
export function writeEvidence({ vkey, old, now, path }) {
  const hashes = path.map(hash => `"${toBase64(hash)}"`).join(",");
  return `{"format":${quoted(EVIDENCE_FORMAT)},"vkey":${writeString(vkey)},"old":${writeString(old)},`
    + `"new":${writeString(now)},"path":[${hashes}]}`;
}

function parseEvidence(text) {
  const malformed = message => fail(`not evidence: ${message}`);
  const value = within("the evidence is not JSON", () => parseJson(text));
  const member = key => (value instanceof JsonObject ? value.get(key) : undefined);
  const note = key => (typeof member(key) === "string" ? member(key) : malformed(key));
  if (member("format") !== EVIDENCE_FORMAT) {
    malformed("format");
  }
  const evidence = { vkey: note("vkey"), old: note("old"), now: note("new"), path: null };
  const list = member("path");
  evidence.path = Array.isArray(list) ? list.map(hashFromBase64) : [null];
  if (evidence.path.includes(null)) {
    malformed("path");
  }
  return writeEvidence(evidence) === text
    ? evidence
    : malformed("extra, missing or reordered members, or another spelling");
}

/** What a file shows: the two heads, and the root with which the new tree begins in the place of the old one. */
export async function judgeEvidence(bytes, trust = {}) {
  const text = fromUtf8(bytes);
  if (text === null) {
    fail(`the evidence is not UTF-8 text: byte ${validUtf8Length(bytes)}`);
  }
  const evidence = parseEvidence(text);
  const keys = evidenceKeys(evidence.vkey, trust);
  const old = await withinAsync("/old", () => keys.open(parseNote(evidence.old)));
  const now = await withinAsync("/new", () => keys.open(parseNote(evidence.now)));
  const beginsWith = beginningOf(old, now, evidence.path);
  if (equal(beginsWith, old.root)) {
    fail("the two trees agree: this shows nothing against the log");
  }
  return { origin: now.origin, old, now, beginsWith };
}

function evidenceKeys(vkey, trust) {
  const stated = within("/vkey", () => parseKey(vkey));
  const keys = trust.keys ? trust.keys.log : new LogKeys(stated);
  const believed = trust.policy ? trust.policy.logs : [];
  const isTrusted = keys.contains(stated)
    && (!trust.log || keys.contains(trust.log))
    && (believed.length === 0 || believed.some(({ key }) => keys.contains(key)));
  return isTrusted ? keys : fail("/vkey is not the key that you trust");
}

function beginningOf(old, now, path) {
  if (old.size.compare(now.size) > 0) {
    fail("/old is of a larger tree than /new");
  }
  if (old.size.isZero() || old.size.equals(now.size)) {
    return path.length === 0
      ? (old.size.isZero() ? EMPTY_ROOT : now.root)
      : fail("/path: the path has the wrong length");
  }
  const roots = within("/path", () => consistencyRoots(old.size, now.size, path));
  // What leads to another tree than the one that was signed says nothing of this one.
  return equal(roots.new, now.root) ? roots.old : fail("/path: the path leads to another root");
}
