// The tree (format, §7): RFC 6962's hashes, and its proofs as RFC 9162 verifies them.

import { concat, equal, fail } from "./bytes.js";
import { sha256 } from "./sha256.js";

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

export function leafHash(data) {
  return sha256(concat(LEAF, data));
}

export function nodeHash(left, right) {
  return sha256(concat(NODE, left, right));
}

/** The root of a tree without leaves. */
export const EMPTY_ROOT = sha256(new Uint8Array(0));

/** The root of leaves that are hashed already. Neighbours in pairs, an odd last one carried up: RFC 6962's tree. */
export function rootOf(leaves) {
  let row = leaves;
  while (row.length > 1) {
    const above = [];
    for (let i = 0; i + 1 < row.length; i += 2) {
      above.push(nodeHash(row[i], row[i + 1]));
    }
    if (row.length % 2 === 1) {
      above.push(row[row.length - 1]);
    }
    row = above;
  }
  return row.length === 1 ? row[0] : EMPTY_ROOT;
}

const WRONG_LENGTH = "the path has the wrong length";
const OTHER_ROOT = "the path leads to another root";

/** Walks a path from the node at `first` in a row whose last is `last`; `onSibling` hashes each step. */
function walkUp(first, last, path, onSibling) {
  let f = first;
  let s = last;
  for (const sibling of path) {
    if (s.isZero()) {
      fail(WRONG_LENGTH);
    }
    const isRight = f.isOdd() || f.equals(s);
    onSibling(sibling, isRight);
    if (isRight) {
      while (!f.isOdd() && !f.isZero()) {
        f = f.half();
        s = s.half();
      }
    }
    f = f.half();
    s = s.half();
  }
  if (!s.isZero()) {
    fail(WRONG_LENGTH);
  }
}

/** That a leaf is at an index of the tree with that size and root; sizes and indexes are `U64`. */
export function verifyInclusion(leaf, index, size, path, root) {
  if (index.compare(size) >= 0) {
    fail(`leaf ${index} is beyond the tree of ${size} leaves`);
  }
  let hash = leaf;
  walkUp(index, size.before(), path, (sibling, isRight) => {
    hash = isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  });
  if (!equal(hash, root)) {
    fail(OTHER_ROOT);
  }
}

/**
 * The roots of the trees of the old and of the new size that a consistency path leads to, where 0 < old < new. `path`
 * begins with the node that the old tree ends in, of a complete old tree too.
 */
export function consistencyRoots(oldSize, newSize, path) {
  const start = path.length > 0 ? path[0] : fail(WRONG_LENGTH);
  let f = oldSize.before();
  let s = newSize.before();
  while (f.isOdd()) {
    f = f.half();
    s = s.half();
  }
  let x = start;
  let y = start;
  walkUp(f, s, path.slice(1), (sibling, isRight) => {
    x = isRight ? nodeHash(sibling, x) : x;
    y = isRight ? nodeHash(sibling, y) : nodeHash(y, sibling);
  });
  return { old: x, new: y };
}

/** That the tree of the old head is a prefix of the new one's; a head is `{ size, root }`. */
export function verifyConsistency(old, now, path) {
  if (old.size.compare(now.size) > 0) {
    fail("the old tree is larger than the new one");
  }
  if (old.size.isZero() || old.size.equals(now.size)) {
    if (path.length > 0) {
      fail(WRONG_LENGTH);
    }
    if (!equal(old.root, old.size.isZero() ? EMPTY_ROOT : now.root)) {
      fail(OTHER_ROOT);
    }
    return;
  }
  // A complete old tree is itself the first node of the path.
  const whole = old.size.isPowerOfTwo() ? [old.root].concat(path) : path;
  const roots = consistencyRoots(old.size, now.size, whole);
  if (!equal(roots.old, old.root) || !equal(roots.new, now.root)) {
    fail(OTHER_ROOT);
  }
}
