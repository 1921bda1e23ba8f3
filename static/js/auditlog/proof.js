// Proofs of one entry (C2SP tlog-proof; format, §23), and of one statement alone (one-statement.md).

import {
  Fault, fail, fromBase64, fromUtf8, hashFromBase64, quoted, toUtf8, U64, validUtf8Length, within, withinAsync,
} from "./bytes.js";
import { openTrees, readOpened, shownText } from "./bundle.js";
import { readNode } from "./disclosure.js";
import { parseJson, writeJson } from "./json.js";
import { LogKeys } from "./keys.js";
import { parseNote } from "./note.js";
import { digestOf, isTime, parseEntry, writeEntry } from "./statement.js";
import { verifyInclusion } from "./tree.js";

const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const MAX_PATH = 64;

/** Whether a file is a proof of one entry: it begins so. */
export function isTlogProof(bytes) {
  const begin = toUtf8(`${PROOF_HEADER}\n`);
  return begin.every((byte, i) => bytes[i] === byte);
}

/** `{ extra, index, path, checkpoint }`; the checkpoint is a note that is not verified yet. */
export function parseTlogProof(text) {
  const end = text.indexOf("\n\n");
  if (end < 0) {
    fail("there is no empty line before the checkpoint");
  }
  const lines = text.slice(0, end).split("\n");
  if (lines.shift() !== PROOF_HEADER) {
    fail(`the first line is not ${PROOF_HEADER}`);
  }
  let extra = null;
  if (lines.length > 0 && lines[0].startsWith("extra ")) {
    extra = fromBase64(lines.shift().slice("extra ".length)) || fail("the extra line is not base64");
  }
  const line = lines.shift() || "";
  const index = (line.startsWith("index ") && U64.parse(line.slice("index ".length)))
    || fail("the index line is missing or bad");
  const path = lines.map((hash, i) => {
    if (i === MAX_PATH) {
      fail(`the path is longer than ${MAX_PATH} hashes`);
    }
    return hashFromBase64(hash) || fail(`hash ${i + 1} of the path is not base64 of 32 bytes`);
  });
  return { extra, index, path, checkpoint: within("the checkpoint", () => parseNote(text.slice(end + 2))) };
}

/** The statement that a file proves. `trust` is that of a bundle; it must name the log. */
export async function verifyStatementProof(bytes, trust) {
  const text = fromUtf8(bytes);
  if (text === null) {
    fail(`the proof is not UTF-8 text: byte ${validUtf8Length(bytes)}`);
  }
  const proof = parseTlogProof(text);
  const checkpoint = await openByTrusted(proof.checkpoint, trust);
  const witnesses = trust.policy ? await trust.policy.witnessed(proof.checkpoint) : null;
  const trees = readDisclosure(proof.extra || fail("there is no extra line: the statement is not in the proof"));
  const [content, receipt] = openTrees(trees);
  const recorded = shownText(receipt, "/recorded");
  if (!isTime(recorded)) {
    fail("its entry is not in the form of an entry");
  }
  const entry = parseEntry(writeEntry(recorded, digestOf(content.root, receipt.root)));
  within("its path", () => verifyInclusion(entry.leaf, proof.index, checkpoint.size, proof.path, checkpoint.root));
  const statement = await readOpened(proof.index, recorded, content, receipt);
  return { origin: checkpoint.origin, checkpoint, witnesses, statement };
}

async function openByTrusted(note, trust) {
  const origin = note.text.split("\n", 1)[0];
  let refusal = new Fault(`the checkpoint is of ${quoted(origin)}, of which you trust no key`);
  for (const keys of candidates(trust).filter(one => one.origin === origin)) {
    try {
      return await withinAsync("the checkpoint", () => keys.open(note));
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

/** The logs that are trusted, each with its keys. */
function candidates({ log, keys, policy }) {
  const believed = policy ? policy.logs : [];
  if (!log && believed.length === 0) {
    fail("no key of a log is trusted, and the proof has none of its own");
  }
  const named = keys ? [keys.log] : log ? [new LogKeys(log)] : believed.map(({ key }) => new LogKeys(key));
  const found = named
    .filter(one => !log || one.contains(log))
    .filter(one => believed.length === 0 || believed.some(({ key }) => one.contains(key)));
  return found.length > 0 ? found : fail("the keys that you trust are not of one log");
}

function readDisclosure(extra) {
  const spelling = "the extra line is not a pair of trees in its canonical form";
  const text = fromUtf8(extra);
  if (text === null) {
    fail(spelling);
  }
  const value = within("the extra line is not JSON", () => parseJson(text));
  if (!Array.isArray(value) || value.length !== 2 || writeJson(value) !== text) {
    fail(spelling);
  }
  return within("its disclosure", () => ({ content: readNode(value[0]), receipt: readNode(value[1]) }));
}
