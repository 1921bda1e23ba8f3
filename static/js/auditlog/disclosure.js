// Disclosures (format, §12): a field tree with some leaves shown, some named only, some not even that.

import { compareTexts, fail, fromBase64, hashFromBase64, quoted, U64 } from "./bytes.js";
import { arrayLength, commitment, fieldLeaf, isPointer, isValueText } from "./field.js";
import { JsonObject } from "./json.js";
import { nodeHash } from "./tree.js";

const SALT_BYTES = 16;
const noShape = () => fail("a node is neither a hash, a pair, nor a leaf");

/** A node of JSON as one of `{ hash }`, `{ pair }`, `{ name, committed }`, `{ name, value, salt }`. */
export function readNode(json) {
  if (typeof json === "string") {
    return { hash: readHash(json) };
  }
  if (Array.isArray(json)) {
    return json.length === 2 ? { pair: [readNode(json[0]), readNode(json[1])] } : noShape();
  }
  return json instanceof JsonObject ? readLeaf(json.members) : noShape();
}

function readLeaf(members) {
  const text = (i, key) => {
    const [name, value] = members[i] || [];
    return name === key && typeof value === "string" ? value : noShape();
  };
  const name = text(0, "p");
  if (members.length === 2) {
    return { name, committed: readHash(text(1, "c")) };
  }
  if (members.length !== 3) {
    noShape();
  }
  const value = text(1, "v");
  const salt = text(2, "s");
  const bytes = fromBase64(salt);
  return bytes && bytes.length === SALT_BYTES ? { name, value, salt: bytes } : wrongLength(salt);
}

const readHash = text => hashFromBase64(text) || wrongLength(text);
const wrongLength = text => fail(`${text} is not canonical base64 of the right length`);

/** What a tree says, once its root is known to be right. */
export class Opened {
  constructor(node) {
    /** Named leaves in order, `{ name, value }`; the value is null where it is withheld. */
    this.leaves = [];
    /** How many subtrees are not named. */
    this.unnamed = 0;
    /** How many named leaves stand to the right of the last of these. */
    this.namedTail = 0;
    this.root = this.walk(node);
    checkParents(this.leaves);
    this.byName = new Map(this.leaves.map(({ name, value }) => [name, value]));
  }

  /** The text of a shown value; null where it is withheld, undefined where there is no such leaf. */
  value(name) {
    return this.byName.get(name);
  }

  walk(node) {
    if (node.hash) {
      this.unnamed += 1;
      this.namedTail = 0;
      return node.hash;
    }
    if (node.pair) {
      const left = this.walk(node.pair[0]);
      return nodeHash(left, this.walk(node.pair[1]));
    }
    const { name, value, salt, committed } = node;
    if (committed) {
      this.push(name, null);
      return fieldLeaf(name, committed);
    }
    if (!isValueText(value)) {
      fail(`the value of ${name} is not in its canonical form`);
    }
    this.push(name, value);
    return fieldLeaf(name, commitment(salt, value));
  }

  push(name, value) {
    if (!isPointer(name)) {
      fail(`${quoted(name)} is not a JSON Pointer`);
    }
    const last = this.leaves[this.leaves.length - 1];
    if (last && compareTexts(last.name, name) >= 0) {
      fail(`${name} does not come after the field before it`);
    }
    this.leaves.push({ name, value });
    this.namedTail += 1;
  }
}

/**
 * A shown scalar has nothing below it, and a shown array only its own elements. Names ascend, so that those which
 * begin the name at hand are a stack.
 */
function checkParents(leaves) {
  const above = [];
  for (const leaf of leaves) {
    while (above.length > 0 && !leaf.name.startsWith(above[above.length - 1].name)) {
      above.pop();
    }
    for (const { name, value } of above) {
      const below = leaf.name.slice(name.length);
      if (!below.startsWith("/")) {
        continue;
      }
      const length = arrayLength(value);
      const index = U64.parse(below.slice(1).split("/", 1)[0]);
      if (length === null || index === null || index.compare(length) >= 0) {
        fail(`${leaf.name} cannot exist below the value shown for its parent`);
      }
    }
    if (leaf.value !== null) {
      above.push(leaf);
    }
  }
}
