// Statements and what the log holds of them: entries (format, §5, §6), and the operator's story notes (§11).

import { hashFromBase64, toBase64, toUtf8, U64 } from "./bytes.js";
import { leafHash, nodeHash } from "./tree.js";
import { sha256 } from "./sha256.js";

const ENTRY = "rootmark-entry/v1";

/** Whether a text is a time that the log makes: `YYYY-MM-DDTHH:MM:SS.mmmZ`, of a date that exists. */
export function isTime(text) {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.\d{3}Z$/.exec(text);
  if (!parts) {
    return false;
  }
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] && hour < 24 && minute < 60 && second < 60;
}

/** `{ recorded, digest, leaf }` of a text that is exactly an entry; else null. */
export function parseEntry(text) {
  const lines = text.split("\n");
  const [header, recorded, digest] = lines;
  const isWhole = lines.length === 4 && lines[3] === "" && header === ENTRY && isTime(recorded);
  const hash = isWhole ? hashFromBase64(digest) : null;
  return hash && { recorded, digest: hash, leaf: leafHash(toUtf8(text)) };
}

/** The text of an entry. */
export function writeEntry(recorded, digest) {
  return `${ENTRY}\n${recorded}\n${toBase64(digest)}\n`;
}

/** A statement's digest: what an entry holds. */
export const digestOf = (contentRoot, receiptRoot) => nodeHash(contentRoot, receiptRoot);

/** What a party's key signs. */
export const signedMessage = contentRoot => `rootmark-content/v1\n${toBase64(contentRoot)}\n`;

export const storyKeyName = origin => `${origin}/story`;

/** Over the indexes of a story's statements, in their order. */
export function hashIndexes(indexes) {
  return sha256(toUtf8(indexes.map(index => `${index}\n`).join("")));
}

/** `{ keyName, subject, size, indexesHash }` of the text of a story note, or null. */
export function parseStory(text) {
  const lines = text.split("\n");
  if (lines.length !== 5 || lines[4] !== "") {
    return null;
  }
  const [keyName, subject] = lines;
  const size = U64.parse(lines[2]);
  const indexesHash = hashFromBase64(lines[3]);
  return size && indexesHash && subject !== "" ? { keyName, subject, size, indexesHash } : null;
}
