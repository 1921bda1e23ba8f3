// Verifying Ed25519 (RFC 8032 §5.1.7) in the strict form of the format (§8): all verifiers give one answer, also for
// what can be signed in two ways and for keys of small order. Nothing here is secret, so nothing takes the same time.

import { concat, equal, fromHex } from "./bytes.js";
import { sha512 } from "./sha512.js";

// A number modulo p = 2^255 - 19: 16 limbs of 16 bits, the lowest first, in doubles. Sums of products of limbs stay
// below 2^53, and limbs may be negative for a while.

const LIMBS = 16;

const zero = () => new Float64Array(LIMBS);

function small(number) {
  const out = zero();
  out[0] = number;
  return out;
}

const PER_LIMB = 1 / 0x10000;

/** Carries twice: what leaves the highest limb is worth 38 = 2 · 19 in the lowest. */
function carryLimbs(a) {
  for (let round = 0; round < 2; round++) {
    let over = 0;
    for (let i = 0; i < LIMBS; i++) {
      const limb = a[i] + over;
      over = Math.floor(limb * PER_LIMB);
      a[i] = limb - over * 0x10000;
    }
    a[0] += 38 * over;
  }
  return a;
}

function add(a, b) {
  const out = zero();
  for (let i = 0; i < LIMBS; i++) {
    out[i] = a[i] + b[i];
  }
  return out;
}

function subtract(a, b) {
  const out = zero();
  for (let i = 0; i < LIMBS; i++) {
    out[i] = a[i] - b[i];
  }
  return out;
}

function multiply(a, b) {
  const out = zero();
  for (let k = 0; k < LIMBS; k++) {
    let own = 0;
    for (let i = 0; i <= k; i++) {
      own += a[i] * b[k - i];
    }
    let above = 0;
    for (let i = k + 1; i < LIMBS; i++) {
      above += a[i] * b[k + LIMBS - i];
    }
    out[k] = own + 38 * above;
  }
  return carryLimbs(out);
}

const square = a => multiply(a, a);

/** `a` to the power of an exponent whose bits are given, the highest first. */
function power(a, bits) {
  let out = small(1);
  for (const bit of bits) {
    out = square(out);
    if (bit === "1") {
      out = multiply(out, a);
    }
  }
  return out;
}

// p - 2 = 2^255 - 21, (p - 5) / 8 = 2^252 - 3.
const INVERSE = "1".repeat(250) + "01011";
const ROOT = "1".repeat(250) + "01";

/** 32 bytes, the lowest first; fully reduced. */
function toBytes(a) {
  const limbs = carryLimbs(carryLimbs(Float64Array.from(a)));
  // Below 2^256 now: p may still have to go, at most twice.
  for (let round = 0; round < 2; round++) {
    const less = zero();
    let borrow = 0;
    for (let i = 0; i < LIMBS; i++) {
      const modulus = i === 0 ? 0xffed : i === LIMBS - 1 ? 0x7fff : 0xffff;
      const difference = limbs[i] - modulus - borrow;
      borrow = difference < 0 ? 1 : 0;
      less[i] = difference + borrow * 0x10000;
    }
    if (borrow === 0) {
      limbs.set(less);
    }
  }
  const out = new Uint8Array(32);
  for (let i = 0; i < LIMBS; i++) {
    out[2 * i] = limbs[i] & 0xff;
    out[2 * i + 1] = limbs[i] >> 8;
  }
  return out;
}

function fromBytes(bytes) {
  const out = zero();
  for (let i = 0; i < LIMBS; i++) {
    out[i] = bytes[2 * i] | (bytes[2 * i + 1] << 8);
  }
  out[LIMBS - 1] &= 0x7fff;
  return out;
}

const constant = hex => fromBytes(fromHex(hex, 32).reverse());

/** d and the square root of -1 (RFC 8032 §5.1, §5.1.3). */
const D = constant("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
const ROOT_OF_MINUS_ONE = constant("2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0");
const TWICE_D = carryLimbs(add(D, D));

// A point has x = X/Z, y = Y/Z and T = XY/Z (RFC 8032 §5.1.4): [X, Y, Z, T].

const NEUTRAL = [small(0), small(1), small(1), small(0)];

function addPoints(p, q) {
  const a = multiply(subtract(p[1], p[0]), subtract(q[1], q[0]));
  const b = multiply(add(p[1], p[0]), add(q[1], q[0]));
  const c = multiply(multiply(p[3], TWICE_D), q[3]);
  const d = multiply(add(p[2], p[2]), q[2]);
  return fromQuarters(subtract(b, a), subtract(d, c), add(d, c), add(b, a));
}

function doublePoint(p) {
  const a = square(p[0]);
  const b = square(p[1]);
  const z = square(p[2]);
  const h = add(a, b);
  const g = subtract(a, b);
  const e = subtract(h, square(add(p[0], p[1])));
  return fromQuarters(e, add(add(z, z), g), g, h);
}

const fromQuarters = (e, f, g, h) => [multiply(e, f), multiply(g, h), multiply(f, g), multiply(e, h)];

const negated = p => [subtract(zero(), p[0]), p[1], p[2], subtract(zero(), p[3])];

function encodePoint(p) {
  const inverse = power(p[2], INVERSE);
  const x = toBytes(multiply(p[0], inverse));
  const out = toBytes(multiply(p[1], inverse));
  out[31] |= (x[0] & 1) << 7;
  return out;
}

/** RFC 8032 §5.1.3, with an x of zero whatever its sign bit says; null for what is no point. */
function decodePoint(bytes) {
  const y = fromBytes(bytes);
  const canonical = toBytes(y);
  canonical[31] |= bytes[31] & 0x80;
  if (!equal(canonical, bytes)) {
    return null;
  }
  const yy = square(y);
  const u = subtract(yy, small(1));
  const v = add(multiply(D, yy), small(1));
  const v3 = multiply(square(v), v);
  let x = multiply(multiply(u, v3), power(multiply(multiply(square(v3), v), u), ROOT));
  const check = toBytes(multiply(v, square(x)));
  if (equal(check, toBytes(subtract(zero(), u)))) {
    x = multiply(x, ROOT_OF_MINUS_ONE);
  } else if (!equal(check, toBytes(u))) {
    return null;
  }
  if ((toBytes(x)[0] & 1) !== bytes[31] >> 7) {
    x = subtract(zero(), x);
  }
  return [x, y, small(1), multiply(x, y)];
}

const BASE = decodePoint(fromHex("58" + "66".repeat(31), 32));

/** The order of the base point, L, the lowest byte first. */
const ORDER = fromHex("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 32).reverse();

/** Encodings of small order, without the highest bit of the last byte (format, §8). */
const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(hex => fromHex(hex, 32));

export function hasSmallOrder(bytes) {
  const unsigned = Uint8Array.from(bytes);
  unsigned[31] &= 0x7f;
  return SMALL_ORDER.some(point => equal(point, unsigned));
}

/** Whether 32 bytes are a point of the curve. */
export function isPoint(bytes) {
  return decodePoint(bytes) !== null;
}

/** Whether the number of 32 bytes, the lowest first, is less than L. */
function isBelowOrder(bytes) {
  for (let i = 31; i >= 0; i--) {
    if (bytes[i] !== ORDER[i]) {
      return bytes[i] < ORDER[i];
    }
  }
  return false;
}

/** 64 bytes, the lowest first, modulo L: bit by bit from the highest, which is short and quick enough. */
function modOrder(bytes) {
  let rest = new Uint8Array(32);
  for (let bit = 511; bit >= 0; bit--) {
    let carried = (bytes[bit >> 3] >> (bit & 7)) & 1;
    for (let i = 0; i < 32; i++) {
      const next = (rest[i] << 1) | carried;
      rest[i] = next;
      carried = next >> 8;
    }
    if (!isBelowOrder(rest)) {
      let borrow = 0;
      for (let i = 0; i < 32; i++) {
        const difference = rest[i] - ORDER[i] - borrow;
        rest[i] = difference;
        borrow = difference < 0 ? 1 : 0;
      }
    }
  }
  return rest;
}

/** What of a signature every verifier must look at, whatever its library does: its length, S < L, the order of R. */
export function isStrictSignature(signature) {
  return signature.length === 64
    && isBelowOrder(signature.subarray(32))
    && !hasSmallOrder(signature.subarray(0, 32));
}

/** Whether a strict signature over a message is that of a key, which is a point: R = [S]B - [k]A, byte for byte. */
export function verifyEd25519(key, message, signature) {
  const r = signature.subarray(0, 32);
  const s = signature.subarray(32);
  const k = modOrder(sha512(concat(r, key, message)));
  const minusA = negated(decodePoint(key));
  const sums = [NEUTRAL, BASE, minusA, addPoints(BASE, minusA)];
  let point = NEUTRAL;
  for (let bit = 252; bit >= 0; bit--) {
    point = doublePoint(point);
    const choice = ((s[bit >> 3] >> (bit & 7)) & 1) + 2 * ((k[bit >> 3] >> (bit & 7)) & 1);
    if (choice > 0) {
      point = addPoints(point, sums[choice]);
    }
  }
  return equal(encodePoint(point), r);
}
