// Tiles (C2SP tlog-tiles; format, §7): the tree in files of 256 hashes. Whoever has them proves for himself that one
// tree of the log is the beginning of another.

import { fail, fromUtf8, U64 } from "./bytes.js";
import { parseEntry } from "./statement.js";
import { nodeHash } from "./tree.js";

const WIDTH = 256;
const MAX_LEVEL = 63;

/** `tile/<level>/<index>[.p/<width>]`; of entries the level is "entries". */
export function tilePath(level, index, width) {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const groups = padded.match(/.../g);
  const last = groups.pop();
  const path = `tile/${level}/${groups.map(group => `x${group}/`).join("")}${last}`;
  return width < WIDTH ? `${path}.p/${width}` : path;
}

/** `{ level, index, width, isEntries }` of the one path that names a tile; else null. */
export function parseTilePath(path) {
  const parts = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path);
  if (!parts) {
    return null;
  }
  const isEntries = parts[1] === "entries";
  const level = isEntries ? 0 : Number(parts[1]);
  const index = U64.parse(parts[2].replace(/[x/]/g, "").replace(/^0+(?=.)/, ""));
  const width = parts[3] ? Number(parts[3]) : WIDTH;
  if (level > MAX_LEVEL || width > WIDTH || index === null) {
    return null;
  }
  return tilePath(parts[1], index, width) === path ? { level, index, width, isEntries } : null;
}

/** The hashes in a tile's bytes, or null where these are no multiple of 32. */
export function tileHashes(bytes) {
  if (bytes.length % 32 !== 0) {
    return null;
  }
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
}

/** The entries of an entry bundle, each after its length as two bytes; null where something is cut off or no entry. */
export function entriesOf(bundle) {
  const entries = [];
  let at = 0;
  while (at < bundle.length) {
    const end = at + 2 + ((bundle[at] << 8) | bundle[at + 1]);
    const text = end <= bundle.length ? fromUtf8(bundle.subarray(at + 2, end)) : null;
    const entry = text === null ? null : parseEntry(text);
    if (!entry) {
      return null;
    }
    entries.push(entry);
    at = end;
  }
  return entries;
}

/** The paths of the partial tiles at the right edge of a tree, from level 0 up. */
export function rightEdge(size) {
  const paths = [];
  let hashes = size;
  for (let level = 0; level < 8; level++) {
    const width = hashes.low & 0xff;
    if (width > 0) {
      let index = hashes;
      for (let i = 0; i < 8; i++) {
        index = index.half();
      }
      paths.push(tilePath(level, index, width));
    }
    for (let i = 0; i < 8; i++) {
      hashes = hashes.half();
    }
  }
  return paths;
}

/** The largest power of two that is smaller than a number above 1. */
function splitAt(width) {
  let split = 1;
  while (split * 2 < width) {
    split *= 2;
  }
  return split;
}

/**
 * Reads a tree of `size` leaves, a number below 2^53, through its tiles. `load(level, index, width)` gives the bytes of
 * a tile that is at least so wide, or throws; each is asked for once. What it gives is believed by nobody: a path made
 * of it leads to the signed root or to another.
 */
export class TreeReader {
  constructor(size, load) {
    this.size = size;
    this.load = load;
    this.tiles = new Map();
  }

  /**
   * RFC 6962 §2.1.2: the path from the tree of `old` leaves to this one, where 0 < old < size, with the node that the
   * old tree ends in before it, of a complete old tree too.
   */
  async consistencyPath(old) {
    let low = 0;
    let high = this.size;
    const path = [];
    while (old < high) {
      const middle = low + splitAt(high - low);
      if (old <= middle) {
        path.push(await this.range(middle, high));
        high = middle;
      } else {
        path.push(await this.range(low, middle));
        low = middle;
      }
    }
    path.push(await this.range(low, high));
    return path.reverse();
  }

  /** The root of the leaves from `low` to before `high`, one node of RFC 6962's recursion. */
  async range(low, high) {
    const width = high - low;
    const height = Math.round(Math.log2(width));
    if (2 ** height === width && low % width === 0) {
      return this.node(height, low / width);
    }
    const middle = low + splitAt(width);
    return nodeHash(await this.range(low, middle), await this.range(middle, high));
  }

  async node(height, position) {
    const level = Math.floor(height / 8);
    const row = height % 8;
    const first = position * 2 ** row;
    const index = Math.floor(first / WIDTH);
    const rows = await this.tile(level, index);
    return rows[row][(first % WIDTH) / 2 ** row];
  }

  /** A tile's hashes, and above them each complete node inside it. */
  async tile(level, index) {
    const name = `${level}/${index}`;
    if (!this.tiles.has(name)) {
      const width = Math.min(WIDTH, Math.floor(this.size / WIDTH ** level) - index * WIDTH);
      const hashes = tileHashes(await this.load(level, index, width));
      if (hashes === null || hashes.length < width) {
        fail(`${tilePath(level, index, width)} is not a tile`);
      }
      const rows = [hashes.slice(0, width)];
      for (let row = rows[0]; row.length > 1; row = rows[rows.length - 1]) {
        const above = [];
        for (let i = 0; i + 1 < row.length; i += 2) {
          above.push(nodeHash(row[i], row[i + 1]));
        }
        rows.push(above);
      }
      this.tiles.set(name, rows);
    }
    return this.tiles.get(name);
  }
}
