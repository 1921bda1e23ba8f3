// Proof bundles (format, §13 to §15), verified in the order in which trust grows: text, keys, checkpoint, anchor,
// story, statements. The first thing that is wrong is named as every other verifier names it.

import {
  equal, fail, fromBase64, fromUtf8, hashFromBase64, quoted, toUtf8, U64, validUtf8Length, within, withinAsync,
} from "./bytes.js";
import { isInAnchorFile, openAnchorLine, parseAnchorLine } from "./anchor.js";
import { Opened, readNode } from "./disclosure.js";
import { arrayLength, stringValue } from "./field.js";
import { JsonNumber, JsonObject, parseJson, writeJson } from "./json.js";
import { LogKeys } from "./keys.js";
import { isSameHead, parseKey, parseNote } from "./note.js";
import { digestOf, hashIndexes, parseEntry, parseStory, signedMessage, storyKeyName } from "./statement.js";
import { verifyInclusion } from "./tree.js";

const FORMAT = "rootmark-proof/v1";

/** The members of one object, taken in order. */
class Members {
  constructor(value, at) {
    this.at = at;
    this.next = 0;
    this.members = value instanceof JsonObject ? value.members : fail(`${at}: must be an object`);
  }

  take(key) {
    const [name, value] = this.members[this.next] || [];
    if (name !== key) {
      fail(`${this.at}: the member ${quoted(key)} must stand here`);
    }
    this.next += 1;
    return value;
  }

  text(key) {
    const value = this.take(key);
    return typeof value === "string" ? value : this.mustBe(key, "a string");
  }

  mustBe(key, kind) {
    return fail(`${this.at}/${key}: must be ${kind}`);
  }

  end() {
    if (this.next < this.members.length) {
      fail(`${this.at}: there is a member ${quoted(this.members[this.next][0])} too many`);
    }
  }
}

/** Reads a bundle's bytes without verifying what it says. */
export function parseBundle(bytes) {
  const text = fromUtf8(bytes);
  if (text === null) {
    fail(`the bundle is not UTF-8 text: byte ${validUtf8Length(bytes)}`);
  }
  const value = within("the bundle is not JSON", () => parseJson(text));
  const bundle = readBundle(value);
  const written = writeJson(value);
  if (written !== text) {
    const spelled = toUtf8(written);
    const differs = spelled.findIndex((byte, i) => byte !== bytes[i]);
    fail(`the bundle is not in its canonical form: byte ${differs < 0 ? spelled.length : differs} differs`);
  }
  return bundle;
}

function readBundle(value) {
  const members = new Members(value, "");
  if (members.text("format") !== FORMAT) {
    members.mustBe("format", quoted(FORMAT));
  }
  const subject = members.text("subject");
  const log = new Members(members.take("log"), "/log");
  const origin = log.text("origin");
  const vkey = log.text("vkey");
  const storyVkey = log.text("story_vkey");
  log.end();
  const checkpoint = members.text("checkpoint");
  const anchor = members.text("anchor");
  const story = members.text("story");
  const list = members.take("statements");
  if (!Array.isArray(list)) {
    members.mustBe("statements", "an array");
  }
  members.end();
  const statements = list.map(readStatement);
  return { subject, origin, vkey, storyVkey, checkpoint, anchor, story, statements };
}

function readStatement(value, position) {
  const at = `/statements/${position}`;
  const members = new Members(value, at);
  const number = members.take("index");
  const index = number instanceof JsonNumber ? U64.parse(number.text) : null;
  if (index === null) {
    members.mustBe("index", "a whole number");
  }
  const entry = members.text("entry");
  const list = members.take("path");
  const path = Array.isArray(list) ? list.map(hashFromBase64) : [null];
  if (path.includes(null)) {
    members.mustBe("path", "an array of hashes in base64");
  }
  const trees = members.take("disclosure");
  if (!Array.isArray(trees) || trees.length !== 2) {
    members.mustBe("disclosure", "a pair of trees");
  }
  members.end();
  const [content, receipt] = within(`${at}: its disclosure`, () => trees.map(readNode));
  return { index, entry, path, content, receipt };
}

/**
 * Verifies a bundle's bytes. `trust` holds what the verifier knows from a place of its own, each of it or not:
 * `log` and `story`, keys; `anchors`, the anchor file's text; `keys`, a history of keys; `policy`. `passed` is told of
 * each step that holds: its name, and of statements their position.
 */
export async function verifyBundle(bytes, trust = {}, passed = async () => {}) {
  const bundle = parseBundle(bytes);
  await passed("text", bundle);
  const logKeys = logKeysOf(bundle.vkey, trust);
  const storyKey = trustedKey("/log/story_vkey", bundle.storyVkey, trust.story);
  if (bundle.origin !== logKeys.origin || storyKey.name !== storyKeyName(bundle.origin)) {
    fail("/log/origin is not the name of the log's key");
  }
  const note = await withinAsync("/checkpoint", () => parseNote(bundle.checkpoint));
  const checkpoint = await withinAsync("/checkpoint", () => logKeys.open(note));
  const witnesses = trust.policy ? await withinAsync("/checkpoint", () => trust.policy.witnessed(note)) : null;
  await passed("checkpoint", checkpoint);
  const anchor = await verifyAnchor(bundle.anchor, checkpoint, logKeys, trust.anchors);
  await passed("anchor", anchor);
  await withinAsync("/story", () => verifyStory(bundle, checkpoint, storyKey));
  await passed("story", bundle);
  const statements = [];
  for (const [position, statement] of bundle.statements.entries()) {
    const last = statements[position - 1];
    const verified = await withinAsync(`/statements/${position}`, () => verifyStatement(statement, last, checkpoint));
    statements.push(verified);
    await passed("statement", verified);
  }
  checkConnected(bundle.subject, statements);
  return {
    subject: bundle.subject,
    origin: bundle.origin,
    keys: namesLog(trust) && trust.story ? "verifier" : "bundle",
    checkpoint,
    sealedAt: anchor.sealedAt,
    isAnchored: typeof trust.anchors === "string",
    witnesses,
    statements,
  };
}

const namesLog = trust => Boolean(trust.log || (trust.policy && trust.policy.logs.length > 0));

function trustedKey(at, vkey, trusted) {
  const key = within(at, () => parseKey(vkey));
  return !trusted || trusted.equals(key) ? key : fail(`${at} is not the key that you trust`);
}

/** The keys that may have signed: the bundle's own, and with a history of keys all of the same log. */
function logKeysOf(vkey, trust) {
  const at = "/log/vkey";
  const stated = trustedKey(at, vkey, null);
  const keys = trust.keys ? trust.keys.log : new LogKeys(stated);
  const believed = trust.policy ? trust.policy.logs : [];
  const isTrusted = keys.contains(stated)
    && (!trust.log || keys.contains(trust.log))
    && (believed.length === 0 || believed.some(({ key }) => keys.contains(key)));
  return isTrusted ? keys : fail(`${at} is not the key that you trust`);
}

async function verifyAnchor(line, checkpoint, logKeys, file) {
  const anchor = await withinAsync("/anchor", () => parseAnchorLine(line));
  const anchored = await withinAsync("/anchor", () => openAnchorLine(anchor, logKeys));
  // The texts must be equal; the notes need not be, since cosignatures may have come later.
  if (!isSameHead(anchored, checkpoint) || anchored.origin !== checkpoint.origin) {
    fail("/anchor: its checkpoint is not the bundle's");
  }
  if (typeof file === "string" && !isInAnchorFile(file, anchor)) {
    fail("/anchor: this line is not in the anchor file");
  }
  return anchor;
}

async function verifyStory(bundle, checkpoint, storyKey) {
  const note = parseNote(bundle.story);
  const story = parseStory(await note.verify(storyKey));
  if (!story || story.keyName !== storyKey.name) {
    fail("not a story note");
  }
  if (story.subject !== bundle.subject) {
    fail("it is not about the bundle's subject");
  }
  if (!story.size.equals(checkpoint.size)) {
    fail("its tree size is not the checkpoint's");
  }
  if (!equal(story.indexesHash, hashIndexes(bundle.statements.map(({ index }) => index)))) {
    fail("the bundle's statements are not the ones that the operator signed for");
  }
}

async function verifyStatement(statement, last, checkpoint) {
  const { index, path } = statement;
  if (last && index.compare(last.index) <= 0) {
    fail("its index does not come after the one before it");
  }
  const entry = parseEntry(statement.entry) || fail("its entry is not in the form of an entry");
  within("its path", () => verifyInclusion(entry.leaf, index, checkpoint.size, path, checkpoint.root));
  const [content, receipt] = openTrees(statement);
  if (!equal(digestOf(content.root, receipt.root), entry.digest)) {
    fail("what it shows is not what was recorded: the digest differs");
  }
  return readOpened(index, entry.recorded, content, receipt);
}

export function openTrees({ content, receipt }) {
  return within("its disclosure", () => [new Opened(content), new Opened(receipt)]);
}

/** What two opened trees say, whose roots are known to be in the log. */
export async function readOpened(index, recorded, content, receipt) {
  checkReceipt(receipt);
  if (shownText(receipt, "/recorded") !== recorded) {
    fail("/recorded is not the entry's time");
  }
  checkContent(content);
  const signer = await checkParty(content, receipt);
  const kind = shownText(content, "/kind");
  const issuer = shownText(content, "/issuer");
  const leaves = content.leaves.concat(receipt.leaves);
  const withheld = leaves.filter(({ value }) => value === null).length;
  return {
    index,
    recorded,
    kind,
    issuer,
    signer,
    content,
    receipt,
    shown: leaves.length - withheld,
    withheld,
    unnamed: content.unnamed + receipt.unnamed,
  };
}

/** A shown field that must be a string. */
export function shownText(opened, name) {
  const text = stringValue(opened.value(name));
  return text === null ? fail(`${name} must be shown`) : text;
}

const isAboutElement = name => name.startsWith("/about/") && U64.parse(name.slice("/about/".length)) !== null;

/** All of a receipt is shown, but for what it is about. */
function checkReceipt(receipt) {
  const known = ["/about", "/recorded", "/signature", "/signer"];
  for (const { name, value } of receipt.leaves) {
    if (isAboutElement(name)) {
      continue;
    }
    if (!known.includes(name)) {
      fail(`the receipt has an unknown field ${name}`);
    }
    if (value === null) {
      fail(`${name} must be shown`);
    }
  }
  const about = receipt.value("/about");
  if (about === undefined) {
    fail("/about must be shown");
  }
  if (arrayLength(about) === null) {
    fail("/about is not a list");
  }
  if (receipt.value("/recorded") === undefined) {
    fail("/recorded must be shown");
  }
  // A party's signature stands after `/recorded`: unnamed, it would be stripped unseen.
  const recorded = receipt.leaves.findIndex(({ name }) => name === "/recorded");
  if (receipt.namedTail < receipt.leaves.length - recorded) {
    fail("something unnamed follows /recorded in its receipt");
  }
}

/** A body, and `/issuer` and `/kind` as the last two leaves, both shown: nothing may hide behind them. */
function checkContent(content) {
  const isKnown = name => name.startsWith("/body/") || ["/body", "/issuer", "/kind"].includes(name);
  const unknown = content.leaves.find(({ name }) => !isKnown(name));
  if (unknown) {
    fail(`the content has an unknown field ${unknown.name}`);
  }
  const names = content.leaves.slice(-2).map(({ name }) => name);
  if (names[names.length - 1] !== "/kind") {
    fail("/kind must be shown");
  }
  if (names.length < 2 || names[0] !== "/issuer" || content.namedTail < 2) {
    fail("/issuer must be shown");
  }
}

/** The key of the party that signed, as a vkey, or null where none did. */
async function checkParty(content, receipt) {
  const values = [receipt.value("/signature"), receipt.value("/signer")];
  if (values.every(value => value === undefined)) {
    return null;
  }
  if (values.includes(undefined)) {
    fail("the party's signature: it is not whole");
  }
  const signature = shownText(receipt, "/signature");
  const signer = shownText(receipt, "/signer");
  const bytes = fromBase64(signature) || fail("the party's signature: it is not base64");
  await withinAsync("the party's signature", () => parseKey(signer).check(toUtf8(signedMessage(content.root)), bytes));
  return signer;
}

/** What a statement shows to be about, without roles. */
function identitiesAbout({ receipt }) {
  return receipt.leaves
    .filter(({ name }) => isAboutElement(name))
    .map(({ value }) => stringValue(value))
    .filter(about => about !== null && about.includes(" "))
    .map(about => about.slice(about.indexOf(" ") + 1));
}

/** What else is meant where a Digital Link is meant: its key, and its key with each single qualifier. */
function identitiesOf(link) {
  const stem = "https://id.gs1.org/";
  const [ai, value, ...qualifiers] = link.startsWith(stem) ? link.slice(stem.length).split("/") : [];
  if (value === undefined) {
    return [];
  }
  const key = `${stem}${ai}/${value}`;
  const found = [key];
  for (let i = 0; i + 1 < qualifiers.length; i += 2) {
    found.push(`${key}/${qualifiers[i]}/${qualifiers[i + 1]}`);
  }
  return found;
}

/** Each statement waits under what it is about, and each identity is followed once: a chain takes as long as it has links. */
function checkConnected(subject, statements) {
  const about = statements.map(identitiesAbout);
  const waiting = new Map();
  about.forEach((identities, position) => identities.forEach(identity => {
    if (!waiting.has(identity)) {
      waiting.set(identity, []);
    }
    waiting.get(identity).push(position);
  }));
  const isConnected = about.map(() => false);
  const reached = identitiesOf(subject).concat(subject);
  while (reached.length > 0) {
    const identity = reached.pop();
    const found = waiting.get(identity) || [];
    waiting.delete(identity);
    found.filter(position => !isConnected[position]).forEach(position => {
      isConnected[position] = true;
      about[position].forEach(one => reached.push(one, ...identitiesOf(one)));
    });
  }
  const left = isConnected.indexOf(false);
  if (left >= 0) {
    fail(`/statements/${left}: nothing that it shows connects it with the subject`);
  }
}
