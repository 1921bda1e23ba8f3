// The field tree (format, §4): every scalar, array and empty object of a text is one leaf with a name and a salt.

import { concat, orNull, toUtf8, U64 } from "./bytes.js";
import { JsonObject, parseJson, writeJson } from "./json.js";
import { leafHash } from "./tree.js";
import { sha256 } from "./sha256.js";

const SEPARATOR = Uint8Array.of(0x00);
const COMMITMENT = Uint8Array.of(0x02);

/** HMAC-SHA-256 (RFC 2104) of a name by the tree's secret of 32 bytes, cut to 16: the field's salt. */
export function saltOf(secret, name) {
  const pad = mask => Uint8Array.from({ length: 64 }, (_, i) => (i < 32 ? secret[i] : 0) ^ mask);
  return sha256(concat(pad(0x5c), sha256(concat(pad(0x36), toUtf8(name))))).subarray(0, 16);
}

/** What the tree holds in place of a value. */
export function commitment(salt, value) {
  return sha256(concat(COMMITMENT, salt, toUtf8(value)));
}

export function fieldLeaf(name, committed) {
  return leafHash(concat(toUtf8(name), SEPARATOR, committed));
}

/** The leaves of an object as pairs of name and value text, in no order. */
export function flatten(value, name = "", out = []) {
  if (value instanceof JsonObject && value.members.length > 0) {
    for (const [key, member] of value.members) {
      flatten(member, `${name}/${key.replace(/~/g, "~0").replace(/\//g, "~1")}`, out);
    }
  } else if (Array.isArray(value)) {
    out.push([name, `[${value.length}]`]);
    value.forEach((element, i) => flatten(element, `${name}/${i}`, out));
  } else {
    out.push([name, writeJson(value)]);
  }
  return out;
}

/** Whether a text is a JSON Pointer to something inside an object (RFC 6901). */
export function isPointer(text) {
  return text.startsWith("/") && !text.includes("\0") && !/~(?![01])/.test(text);
}

/** The length in an array's value text `[n]`, or null. */
export function arrayLength(value) {
  return value.startsWith("[") && value.endsWith("]") ? U64.parse(value.slice(1, -1)) : null;
}

/** Whether a text is a leaf's value in its one form. */
export function isValueText(text) {
  if (text === "{}" || arrayLength(text) !== null) {
    return true;
  }
  const value = orNull(() => [parseJson(text)]);
  return value !== null && !Array.isArray(value[0]) && !(value[0] instanceof JsonObject) && writeJson(value[0]) === text;
}

/** What a value text says, where it is a string; else null. */
export function stringValue(text) {
  return typeof text === "string" && text.startsWith("\"") ? orNull(() => parseJson(text)) : null;
}
