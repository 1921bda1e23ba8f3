// What this phone remembers of a log: its keys and the last checkpoint, each signed. Whoever rewrites history later, or shows
// this phone another one than others, cannot show a path from what is remembered to what he shows now.

import { equal, Fault } from "../auditlog/bytes.js";
import { writeEvidence } from "../auditlog/evidence.js";
import { LogKeys, parseKeyHistory } from "../auditlog/keys.js";
import { isSameHead, parseKey, parseNote } from "../auditlog/note.js";
import { consistencyRoots, EMPTY_ROOT } from "../auditlog/tree.js";
import { tilePath, TreeReader } from "../auditlog/tile.js";

const PREFIX = "rootmark.log/v1 ";
const WHOLE_TILE = 256;

/** `{ vkey, storyVkey, checkpoint, since, seen }` of the log with this name; null where nothing is remembered. */
export function remembered(origin) {
  try {
    const kept = JSON.parse(localStorage.getItem(PREFIX + origin));
    const members = ["vkey", "storyVkey", "checkpoint", "since", "seen"];
    return kept && members.every(name => typeof kept[name] === "string") ? kept : null;
  } catch (error) {
    // Storage that is switched off, or that somebody else has written to.
    return null;
  }
}

/** The names of all logs of this site that are remembered. */
export function rememberedOrigins() {
  try {
    return Object.keys(localStorage)
      .filter(name => name.startsWith(PREFIX))
      .map(name => name.slice(PREFIX.length));
  } catch (error) {
    return [];
  }
}

/** Remembers a log; false where this browser keeps nothing. */
export function remember(origin, entry) {
  try {
    localStorage.setItem(PREFIX + origin, JSON.stringify(entry));
    return true;
  } catch (error) {
    return false;
  }
}

/** The service did not answer, or not now: nothing is proven by that. */
export class Unreachable extends Error {}

/** The log cannot show that it only grew. */
export class Split extends Error {
  /** `reason` is "forked", "shrunk" or "unproven"; `evidence` is the text of a file. */
  constructor(reason, evidence) {
    super(reason);
    this.reason = reason;
    this.evidence = evidence;
  }
}

/** The bytes of an address of this site; null where there is nothing. */
export async function fetched(address, cache = "default") {
  try {
    const answer = await fetch(address, { credentials: "omit", cache });
    if (answer.status === 404) {
      return null;
    }
    if (answer.ok) {
      return new Uint8Array(await answer.arrayBuffer());
    }
  } catch (error) {
    // No connection, or none any more.
  }
  throw new Unreachable(address);
}

export async function fetchedText(address) {
  const bytes = await fetched(address);
  return bytes && new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Loads tiles; `cache` is that of `fetch`. */
const tileLoader = cache => async (level, index, width) => {
  // A partial tile goes once the whole one is there.
  const bytes = await fetched(`/log/${tilePath(level, index, width)}`, cache)
    || (width < WHOLE_TILE && await fetched(`/log/${tilePath(level, index, WHOLE_TILE)}`, cache));
  if (!bytes) {
    throw new Fault(`${tilePath(level, index, width)} is not there`);
  }
  return bytes;
};

/** The path between two trees by the tiles of the larger one, and the roots that it leads to. */
async function pathBetween(old, now, cache) {
  const sizes = [old.size.toNumber(), now.size.toNumber()];
  if (sizes.includes(null)) {
    throw new Fault("a tree of more leaves than can be counted here");
  }
  const path = await new TreeReader(sizes[1], tileLoader(cache)).consistencyPath(sizes[0]);
  return { path, roots: consistencyRoots(old.size, now.size, path) };
}

/**
 * The keys that may have signed, for whoever remembers one of them: with the history of keys where the log has another
 * by now. Null where nothing leads from what is remembered to what is shown.
 */
export async function trustFor(kept, vkey, storyVkey) {
  const trust = { log: parseKey(kept.vkey), story: parseKey(kept.storyVkey) };
  if (vkey === kept.vkey && storyVkey === kept.storyVkey) {
    return trust;
  }
  const text = await fetchedText("/log/keys.jsonl");
  const keys = text && await parseKeyHistory(text);
  const isKnown = keys && keys.log.contains(trust.log) && keys.log.contains(parseKey(vkey))
    && keys.story.equals(trust.story) && storyVkey === kept.storyVkey;
  return isKnown ? Object.assign(trust, { keys }) : null;
}

/** `LogKeys` of a trust. */
export const keysOf = ({ log, keys }) => (keys ? keys.log : new LogKeys(log));

/**
 * How the log that is shown follows from the one that is remembered: "same", "grown", or "older", which is a beginning
 * of what is remembered. Throws `Split` where it does not follow. Both are notes; the one that is kept may be of an
 * older key of the history.
 */
export async function follow(vkey, keptNote, shownNote, keys) {
  const kept = await keys.open(parseNote(keptNote));
  const shown = await keys.open(parseNote(shownNote));
  if (isSameHead(kept, shown)) {
    return { kind: "same", kept, shown };
  }
  const isOlder = shown.size.compare(kept.size) < 0;
  const [old, now] = isOlder ? [shown, kept] : [kept, shown];
  const [oldNote, nowNote] = isOlder ? [shownNote, keptNote] : [keptNote, shownNote];
  const evidence = path => writeEvidence({ vkey, old: oldNote, now: nowNote, path });
  if (old.size.equals(now.size)) {
    throw new Split("forked", evidence([]));
  }
  if (old.size.isZero()) {
    if (!equal(old.root, EMPTY_ROOT)) {
      throw new Split("forked", evidence([]));
    }
    return { kind: isOlder ? "older" : "grown", kept, shown };
  }
  let found = null;
  // Tiles are kept for ever, and of a log that was rewritten those of before may be: the second time all are fetched anew.
  for (const cache of ["default", "reload"]) {
    try {
      found = await pathBetween(old, now, cache);
    } catch (error) {
      if (!(error instanceof Fault)) {
        throw error;
      }
    }
    if (found && equal(found.roots.new, now.root) && equal(found.roots.old, old.root)) {
      return { kind: isOlder ? "older" : "grown", kept, shown };
    }
  }
  if (!found) {
    // What was signed must be there. Of a log that has become smaller it cannot be.
    throw new Split(isOlder ? "shrunk" : "unproven", evidence([]));
  }
  const { path, roots } = found;
  if (!equal(roots.new, now.root)) {
    throw new Split(isOlder ? "shrunk" : "unproven", evidence(path));
  }
  throw new Split("forked", evidence(path));
}
