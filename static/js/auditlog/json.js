// JSON without loss (format, §3): what is hashed must be what was received, so a number keeps its digits, a key may not
// stand twice, and what has no single meaning is refused. `JSON.parse` does none of this.

import { Fault, quoted, utf8Length } from "./bytes.js";

const MAX_DEPTH = 64;

/** A number, as the text that it was. */
export class JsonNumber {
  constructor(text) {
    this.text = text;
  }
}

/** An object: pairs of key and value in the order received. */
export class JsonObject {
  constructor(members) {
    this.members = members;
  }

  get(key) {
    const found = this.members.find(([name]) => name === key);
    return found ? found[1] : undefined;
  }
}

const ESCAPES = { "\"": "\"", "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

class JsonReader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fail(message, at = this.at) {
    throw new Fault(`${message} at byte ${utf8Length(this.text.slice(0, at))}`);
  }

  failEarly() {
    this.fail("the text ends too early", this.text.length);
  }

  unexpected() {
    return this.at < this.text.length ? this.fail("unexpected character") : this.failEarly();
  }

  peek() {
    return this.text[this.at];
  }

  take(character) {
    const isThere = this.peek() === character;
    this.at += isThere ? 1 : 0;
    return isThere;
  }

  skipSpace() {
    while (" \t\n\r".includes(this.peek() || "x")) {
      this.at += 1;
    }
  }

  value(depth) {
    this.skipSpace();
    const next = this.peek();
    switch (next) {
      case "{": return this.object(depth + 1);
      case "[": return this.array(depth + 1);
      case "\"": return this.string();
      case "t": return this.word("true", true);
      case "f": return this.word("false", false);
      case "n": return this.word("null", null);
      default: return next === "-" || isDigit(next) ? this.number() : this.unexpected();
    }
  }

  enter(depth) {
    if (depth > MAX_DEPTH) {
      this.fail(`nested deeper than ${MAX_DEPTH} levels`);
    }
    this.at += 1;
    this.skipSpace();
  }

  object(depth) {
    this.enter(depth);
    const members = [];
    const keys = new Set();
    if (this.take("}")) {
      return new JsonObject(members);
    }
    for (;;) {
      this.skipSpace();
      const start = this.at;
      if (this.peek() !== "\"") {
        this.unexpected();
      }
      const key = this.string();
      if (keys.has(key)) {
        this.fail(`the key ${quoted(key)} appears twice in one object`, start);
      }
      keys.add(key);
      this.skipSpace();
      if (!this.take(":")) {
        this.unexpected();
      }
      members.push([key, this.value(depth)]);
      this.skipSpace();
      if (this.take("}")) {
        return new JsonObject(members);
      }
      if (!this.take(",")) {
        this.unexpected();
      }
    }
  }

  array(depth) {
    this.enter(depth);
    const elements = [];
    if (this.take("]")) {
      return elements;
    }
    for (;;) {
      elements.push(this.value(depth));
      this.skipSpace();
      if (this.take("]")) {
        return elements;
      }
      if (!this.take(",")) {
        this.unexpected();
      }
    }
  }

  string() {
    this.at += 1;
    let out = "";
    let cleanFrom = this.at;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x22) {
        out += this.text.slice(cleanFrom, this.at);
        this.at += 1;
        return out;
      }
      if (code === 0x5c) {
        out += this.text.slice(cleanFrom, this.at) + this.escape();
        cleanFrom = this.at;
      } else if (code < 0x20) {
        this.fail("unescaped control character in a string");
      } else if (code >= 0) {
        this.at += 1;
      } else {
        this.failEarly();
      }
    }
  }

  escape() {
    const start = this.at;
    const kind = this.text[start + 1];
    if (kind === undefined) {
      this.failEarly();
    }
    this.at += 2;
    if (kind === "u") {
      return this.unicodeEscape(start);
    }
    if (!ESCAPES.hasOwnProperty(kind)) {
      this.fail("malformed escape in a string", start);
    }
    return ESCAPES[kind];
  }

  unicodeEscape(start) {
    const first = this.hex4(start);
    if (first === 0) {
      this.fail("U+0000 in a string", start);
    }
    if (first < 0xd800 || first > 0xdfff) {
      return String.fromCharCode(first);
    }
    if (first > 0xdbff || !this.text.startsWith("\\u", this.at)) {
      this.fail("unpaired surrogate in a string", start);
    }
    this.at += 2;
    const second = this.hex4(start);
    if (second < 0xdc00 || second > 0xdfff) {
      this.fail("unpaired surrogate in a string", start);
    }
    return String.fromCharCode(first, second);
  }

  hex4(start) {
    const digits = this.text.substr(this.at, 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
      this.fail("malformed escape in a string", start);
    }
    this.at += 4;
    return parseInt(digits, 16);
  }

  number() {
    const start = this.at;
    this.take("-");
    if (!this.take("0")) {
      this.digits();
    }
    if (this.take(".")) {
      this.digits();
    }
    if (this.take("e") || this.take("E")) {
      this.take("+") || this.take("-");
      this.digits();
    }
    if (isDigit(this.peek())) {
      this.fail("malformed number");
    }
    return new JsonNumber(this.text.slice(start, this.at));
  }

  /** One digit or more. */
  digits() {
    if (!isDigit(this.peek())) {
      this.fail("malformed number");
    }
    while (isDigit(this.peek())) {
      this.at += 1;
    }
  }

  word(word, value) {
    if (!this.text.startsWith(word, this.at)) {
      this.fail("unexpected character");
    }
    this.at += word.length;
    return value;
  }
}

function isDigit(character) {
  return character >= "0" && character <= "9";
}

/** Reads one value: a `JsonObject`, an array, a string, a `JsonNumber`, a boolean or null. */
export function parseJson(text) {
  const reader = new JsonReader(text);
  const value = reader.value(0);
  reader.skipSpace();
  if (reader.at < text.length) {
    reader.fail("something follows the value");
  }
  return value;
}

const SHORT_ESCAPES = {
  "\"": "\\\"", "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r",
};

/** A string as RFC 8785 §3.2.2.2 writes it. */
export function writeString(text) {
  const escape = found => SHORT_ESCAPES[found] || `\\u00${found.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return `"${text.replace(/["\\\u0000-\u001f]/g, escape)}"`;
}

/** A value without white space, its members in order, its numbers as they came. */
export function writeJson(value) {
  if (typeof value === "string") {
    return writeString(value);
  }
  if (value instanceof JsonNumber) {
    return value.text;
  }
  if (Array.isArray(value)) {
    return `[${value.map(writeJson).join(",")}]`;
  }
  if (value instanceof JsonObject) {
    return `{${value.members.map(([key, member]) => `${writeString(key)}:${writeJson(member)}`).join(",")}}`;
  }
  return String(value);
}
