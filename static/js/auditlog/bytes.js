// Bytes and their texts, each read in its one canonical form (format, §2).

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SIX_BITS = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) {
  SIX_BITS[ALPHABET.charCodeAt(i)] = i;
}

/** What is wrong with what was to be verified: its message is one of the format's. */
export class Fault extends Error {}

export function fail(message) {
  throw new Fault(message);
}

/** A step's fault with words before it; what is no fault of the text is ours, and stays what it is. */
function told(words, error) {
  return error instanceof Fault ? new Fault(`${words}: ${error.message}`) : error;
}

export function within(words, step) {
  try {
    return step();
  } catch (error) {
    throw told(words, error);
  }
}

export async function withinAsync(words, step) {
  try {
    return await step();
  } catch (error) {
    throw told(words, error);
  }
}

/** What a step gives, or null where it finds a fault. */
export function orNull(step) {
  try {
    return step();
  } catch (error) {
    if (error instanceof Fault) {
      return null;
    }
    throw error;
  }
}

export function concat(...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const three = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
    text += ALPHABET[three >> 18] + ALPHABET[(three >> 12) & 63];
    text += left > 1 ? ALPHABET[(three >> 6) & 63] : "=";
    text += left > 2 ? ALPHABET[three & 63] : "=";
  }
  return text;
}

/** RFC 4648 §4: padded, nothing but the alphabet, unused bits zero. Null for anything else. */
export function fromBase64(text) {
  if (text.length % 4 !== 0) {
    return null;
  }
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < digits; i++) {
    const code = text.charCodeAt(i);
    const six = code < 128 ? SIX_BITS[code] : -1;
    if (six < 0) {
      return null;
    }
    held = ((held << 6) | six) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = held >> bits;
    }
  }
  return (held & ((1 << bits) - 1)) === 0 ? out : null;
}

export function hashFromBase64(text) {
  const bytes = typeof text === "string" ? fromBase64(text) : null;
  return bytes && bytes.length === 32 ? bytes : null;
}

export function toHex(bytes) {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
}

/** Lowercase hexadecimal of so many bytes, or null. */
export function fromHex(text, length) {
  if (text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) {
    return null;
  }
  return Uint8Array.from({ length }, (_, i) => parseInt(text.substr(2 * i, 2), 16));
}

const ENCODER = new TextEncoder();
// A byte order mark is a character like any other: it is hashed.
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function toUtf8(text) {
  return ENCODER.encode(text);
}

/** How many bytes the text has in UTF-8. */
export function utf8Length(text) {
  return ENCODER.encode(text).length;
}

/** Bytes as text, or null where they are not UTF-8. */
export function fromUtf8(bytes) {
  try {
    return DECODER.decode(bytes);
  } catch (error) {
    return null;
  }
}

/** How many bytes from the start are whole characters of UTF-8 (RFC 3629 §4). */
export function validUtf8Length(bytes) {
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at];
    const more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
    // What follows E0, ED, F0 and F4 is narrower: no overlong form, no surrogate, nothing beyond U+10FFFF.
    const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    const isWhole = more >= 0 && at + more < bytes.length
      && (more === 0 || (bytes[at + 1] >= low && bytes[at + 1] <= high))
      && bytes.subarray(at + 2, at + 1 + more).every(byte => (byte & 0xc0) === 0x80);
    if (!isWhole) {
      return at;
    }
    at += more + 1;
  }
  return at;
}

/** Orders texts as their UTF-8 bytes are: by code points, which UTF-16 alone does not. */
export function compareTexts(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      // Surrogates stand for code points above all others.
      const xIsHigh = x >= 0xd800 && x < 0xe000;
      const yIsHigh = y >= 0xd800 && y < 0xe000;
      return xIsHigh === yIsHigh ? x - y : xIsHigh ? 1 : -1;
    }
  }
  return a.length - b.length;
}

/** A text in quotes, so that a message of one line stays one. */
export function quoted(text) {
  const escapes = { "\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };
  const escape = found => escapes[found] || `\\u{${found.codePointAt(0).toString(16)}}`;
  return `"${text.replace(/["\\\u0000-\u001f\u007f-\u009f]/g, escape)}"`;
}

/** An unsigned integer of 64 bits: a double would lose digits of a tree's size. */
export class U64 {
  constructor(high, low) {
    this.high = high >>> 0;
    this.low = low >>> 0;
  }

  /** ASCII decimal without sign or leading zeros, or null. */
  static parse(text) {
    if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) {
      return null;
    }
    let high = 0;
    let low = 0;
    for (const digit of text) {
      const next = low * 10 + Number(digit);
      low = next % 0x100000000;
      high = high * 10 + Math.floor(next / 0x100000000);
    }
    return high < 0x100000000 ? new U64(high, low) : null;
  }

  static of(number) {
    return new U64(Math.floor(number / 0x100000000), number % 0x100000000);
  }

  toString() {
    let { high, low } = this;
    let digits = "";
    do {
      const rest = (high % 10) * 0x100000000 + low;
      high = Math.floor(high / 10);
      low = Math.floor(rest / 10);
      digits = (rest % 10) + digits;
    } while (high || low);
    return digits;
  }

  /** The number, where a double holds it exactly; else null. */
  toNumber() {
    const number = this.high * 0x100000000 + this.low;
    return Number.isSafeInteger(number) ? number : null;
  }

  isZero() {
    return this.high === 0 && this.low === 0;
  }

  isOdd() {
    return (this.low & 1) === 1;
  }

  isPowerOfTwo() {
    const only = half => half !== 0 && (half & (half - 1)) === 0;
    return this.high === 0 ? only(this.low) : this.low === 0 && only(this.high);
  }

  compare(other) {
    return this.high - other.high || this.low - other.low;
  }

  equals(other) {
    return this.compare(other) === 0;
  }

  half() {
    return new U64(this.high >>> 1, (this.high << 31) | (this.low >>> 1));
  }

  /** What is left of it without a smaller one. */
  minus(other) {
    const low = this.low - other.low;
    return new U64(this.high - other.high - (low < 0 ? 1 : 0), low);
  }

  /** One less, of what is not zero. */
  before() {
    return new U64(this.low === 0 ? this.high - 1 : this.high, this.low - 1);
  }

  /** One more; the greatest stays. */
  after() {
    if (this.low !== 0xffffffff) {
      return new U64(this.high, this.low + 1);
    }
    return this.high === 0xffffffff ? this : new U64(this.high + 1, 0);
  }
}
