// Checking Ed25519 signatures: by WebCrypto where the browser has it, and by our own arithmetic where it does not.

import { fromBase64, toBase64, toUtf8 } from "./bytes.js";
import { isStrictSignature, verifyEd25519 } from "./ed25519.js";

const ALGORITHM = { name: "Ed25519" };

// Two signatures of `notes.json` by one key, to which a point of order 8 was added. A library that accepts the second
// forgives the cofactor, and would contradict other verifiers: it is not asked.
const PROBE_KEY = fromBase64("nqPxH1vTTwzXFH/QpDbAiPYkxhAMHfalPAop4F1gzqA=");
const PROBES = [
  ["m.example\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "4QsVdGxq6Rv/5cw0mRv/GinqOH4rDW0W3QbQXn58uNGgqDo/rRdwQAXnE6bgdBtC5rwZr7dD940llNVAZ3I8Cw==", true],
  ["m.example\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "ZzB471zFBhqUCoIq1UOxEKl88JRA9+tnUudQptA/vPkiY+5WqEDsP9LiR/hk/7WIWRgiE+KubJGKMGg1xXpdAg==", false],
];

async function importKey(key) {
  return crypto.subtle.importKey("raw", key, ALGORITHM, false, ["verify"]);
}

async function isUsable() {
  try {
    const key = await importKey(PROBE_KEY);
    for (const [text, signature, holds] of PROBES) {
      if (await crypto.subtle.verify(ALGORITHM, key, fromBase64(signature), toUtf8(text)) !== holds) {
        return false;
      }
    }
    return true;
  } catch (error) {
    return false;
  }
}

let usable = null;

/** Which of the two does it here: "WebCrypto" or "own". */
export async function ed25519Engine() {
  if (usable === null) {
    usable = isUsable();
  }
  return (await usable) ? "WebCrypto" : "own";
}

// The same checkpoint stands in a bundle twice.
const known = new Map();
const MAX_KNOWN = 256;

/** Whether a signature over a message is that of a key, which is a point and not of small order. */
export async function checkSignature(key, message, signature) {
  if (!isStrictSignature(signature)) {
    return false;
  }
  const name = `${toBase64(key)}${toBase64(signature)}${toBase64(message)}`;
  if (!known.has(name)) {
    if (known.size >= MAX_KNOWN) {
      known.clear();
    }
    known.set(name, holds(key, message, signature));
  }
  return known.get(name);
}

async function holds(key, message, signature) {
  if (await ed25519Engine() === "own") {
    return verifyEd25519(key, message, signature);
  }
  try {
    return await crypto.subtle.verify(ALGORITHM, await importKey(key), signature, message);
  } catch (error) {
    // A key that this library does not take, though it is one.
    return verifyEd25519(key, message, signature);
  }
}
