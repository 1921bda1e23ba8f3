// SHA-512 (RFC 6234), which Ed25519 signs by. Words of 64 bits are two of 32: old browsers have no larger integers.

import { paddedEnd } from "./sha256.js";

/** Fractional parts of the cube roots of the first 80 primes, high and low half in turn (RFC 6234 §5.2). */
const SHA512_WORDS = new Int32Array([
  0x428a2f98, 0xd728ae22, 0x71374491, 0x23ef65cd, 0xb5c0fbcf, 0xec4d3b2f, 0xe9b5dba5, 0x8189dbbc,
  0x3956c25b, 0xf348b538, 0x59f111f1, 0xb605d019, 0x923f82a4, 0xaf194f9b, 0xab1c5ed5, 0xda6d8118,
  0xd807aa98, 0xa3030242, 0x12835b01, 0x45706fbe, 0x243185be, 0x4ee4b28c, 0x550c7dc3, 0xd5ffb4e2,
  0x72be5d74, 0xf27b896f, 0x80deb1fe, 0x3b1696b1, 0x9bdc06a7, 0x25c71235, 0xc19bf174, 0xcf692694,
  0xe49b69c1, 0x9ef14ad2, 0xefbe4786, 0x384f25e3, 0x0fc19dc6, 0x8b8cd5b5, 0x240ca1cc, 0x77ac9c65,
  0x2de92c6f, 0x592b0275, 0x4a7484aa, 0x6ea6e483, 0x5cb0a9dc, 0xbd41fbd4, 0x76f988da, 0x831153b5,
  0x983e5152, 0xee66dfab, 0xa831c66d, 0x2db43210, 0xb00327c8, 0x98fb213f, 0xbf597fc7, 0xbeef0ee4,
  0xc6e00bf3, 0x3da88fc2, 0xd5a79147, 0x930aa725, 0x06ca6351, 0xe003826f, 0x14292967, 0x0a0e6e70,
  0x27b70a85, 0x46d22ffc, 0x2e1b2138, 0x5c26c926, 0x4d2c6dfc, 0x5ac42aed, 0x53380d13, 0x9d95b3df,
  0x650a7354, 0x8baf63de, 0x766a0abb, 0x3c77b2a8, 0x81c2c92e, 0x47edaee6, 0x92722c85, 0x1482353b,
  0xa2bfe8a1, 0x4cf10364, 0xa81a664b, 0xbc423001, 0xc24b8b70, 0xd0f89791, 0xc76c51a3, 0x0654be30,
  0xd192e819, 0xd6ef5218, 0xd6990624, 0x5565a910, 0xf40e3585, 0x5771202a, 0x106aa070, 0x32bbd1b8,
  0x19a4c116, 0xb8d2d0c8, 0x1e376c08, 0x5141ab53, 0x2748774c, 0xdf8eeb99, 0x34b0bcb5, 0xe19b48a8,
  0x391c0cb3, 0xc5c95a63, 0x4ed8aa4a, 0xe3418acb, 0x5b9cca4f, 0x7763e373, 0x682e6ff3, 0xd6b2b8a3,
  0x748f82ee, 0x5defb2fc, 0x78a5636f, 0x43172f60, 0x84c87814, 0xa1f0ab72, 0x8cc70208, 0x1a6439ec,
  0x90befffa, 0x23631e28, 0xa4506ceb, 0xde82bde9, 0xbef9a3f7, 0xb2c67915, 0xc67178f2, 0xe372532b,
  0xca273ece, 0xea26619c, 0xd186b8c7, 0x21c0c207, 0xeada7dd6, 0xcde0eb1e, 0xf57d4f7f, 0xee6ed178,
  0x06f067aa, 0x72176fba, 0x0a637dc5, 0xa2c898a6, 0x113f9804, 0xbef90dae, 0x1b710b35, 0x131c471b,
  0x28db77f5, 0x23047d84, 0x32caab7b, 0x40c72493, 0x3c9ebe0a, 0x15c9bebc, 0x431d67c4, 0x9c100d4c,
  0x4cc5d4be, 0xcb3e42b6, 0x597f299c, 0xfc657e2a, 0x5fcb6fab, 0x3ad6faec, 0x6c44198c, 0x4a475817,
]);

/** Fractional parts of the square roots of the first 8 primes (RFC 6234 §6.3). */
const SHA512_START = new Int32Array([
  0x6a09e667, 0xf3bcc908, 0xbb67ae85, 0x84caa73b, 0x3c6ef372, 0xfe94f82b, 0xa54ff53a, 0x5f1d36f1,
  0x510e527f, 0xade682d1, 0x9b05688c, 0x2b3e6c1f, 0x1f83d9ab, 0xfb41bd6b, 0x5be0cd19, 0x137e2179,
]);

const schedule512 = new Int32Array(160);
const work512 = new Int32Array(16);

/** How often 2^32 is exceeded by two low halves whose sum, cut to 32 bits, is given. */
const carry = (sum, part) => ((sum >>> 0) < (part >>> 0) ? 1 : 0);

function compress512(state, view, at) {
  const w = schedule512;
  for (let i = 0; i < 32; i++) {
    w[i] = view.getInt32(at + 4 * i);
  }
  for (let i = 32; i < 160; i += 2) {
    const xh = w[i - 30];
    const xl = w[i - 29];
    const yh = w[i - 4];
    const yl = w[i - 3];
    const s0h = ((xh >>> 1) | (xl << 31)) ^ ((xh >>> 8) | (xl << 24)) ^ (xh >>> 7);
    const s0l = ((xl >>> 1) | (xh << 31)) ^ ((xl >>> 8) | (xh << 24)) ^ ((xl >>> 7) | (xh << 25));
    const s1h = ((yh >>> 19) | (yl << 13)) ^ ((yl >>> 29) | (yh << 3)) ^ (yh >>> 6);
    const s1l = ((yl >>> 19) | (yh << 13)) ^ ((yh >>> 29) | (yl << 3)) ^ ((yl >>> 6) | (yh << 26));
    let low = (w[i - 31] + s0l) | 0;
    let high = w[i - 32] + s0h + carry(low, s0l);
    low = (low + w[i - 13]) | 0;
    high += w[i - 14] + carry(low, w[i - 13]);
    low = (low + s1l) | 0;
    w[i] = (high + s1h + carry(low, s1l)) | 0;
    w[i + 1] = low;
  }
  // a to h: high and low half of each in turn.
  const v = work512;
  v.set(state);
  for (let i = 0; i < 160; i += 2) {
    const eh = v[8];
    const el = v[9];
    const s1h = ((eh >>> 14) | (el << 18)) ^ ((eh >>> 18) | (el << 14)) ^ ((el >>> 9) | (eh << 23));
    const s1l = ((el >>> 14) | (eh << 18)) ^ ((el >>> 18) | (eh << 14)) ^ ((eh >>> 9) | (el << 23));
    const chh = (eh & v[10]) ^ (~eh & v[12]);
    const chl = (el & v[11]) ^ (~el & v[13]);
    let t1l = (v[15] + s1l) | 0;
    let t1h = v[14] + s1h + carry(t1l, s1l);
    t1l = (t1l + chl) | 0;
    t1h += chh + carry(t1l, chl);
    t1l = (t1l + SHA512_WORDS[i + 1]) | 0;
    t1h += SHA512_WORDS[i] + carry(t1l, SHA512_WORDS[i + 1]);
    t1l = (t1l + w[i + 1]) | 0;
    t1h = (t1h + w[i] + carry(t1l, w[i + 1])) | 0;

    const ah = v[0];
    const al = v[1];
    const s0h = ((ah >>> 28) | (al << 4)) ^ ((al >>> 2) | (ah << 30)) ^ ((al >>> 7) | (ah << 25));
    const s0l = ((al >>> 28) | (ah << 4)) ^ ((ah >>> 2) | (al << 30)) ^ ((ah >>> 7) | (al << 25));
    const majh = (ah & v[2]) ^ (ah & v[4]) ^ (v[2] & v[4]);
    const majl = (al & v[3]) ^ (al & v[5]) ^ (v[3] & v[5]);
    const t2l = (s0l + majl) | 0;
    const t2h = (s0h + majh + carry(t2l, majl)) | 0;

    v.copyWithin(2, 0, 14);
    // What was d is e now, and takes t1.
    v[9] = (v[9] + t1l) | 0;
    v[8] = (v[8] + t1h + carry(v[9], t1l)) | 0;
    v[1] = (t1l + t2l) | 0;
    v[0] = (t1h + t2h + carry(v[1], t2l)) | 0;
  }
  for (let i = 0; i < 16; i += 2) {
    state[i + 1] += v[i + 1];
    state[i] += v[i] + carry(state[i + 1], v[i + 1]);
  }
}

/** The digest of a message: 64 bytes. */
export function sha512(message) {
  const state = new Int32Array(SHA512_START);
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  let at = 0;
  for (; at + 128 <= message.length; at += 128) {
    compress512(state, view, at);
  }
  const end = paddedEnd(message, 128);
  const endView = new DataView(end.buffer);
  for (let i = 0; i < end.length; i += 128) {
    compress512(state, endView, i);
  }
  const digest = new Uint8Array(64);
  const digestView = new DataView(digest.buffer);
  state.forEach((word, i) => digestView.setInt32(4 * i, word));
  return digest;
}
