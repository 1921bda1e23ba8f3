// Cosignatures (C2SP tlog-cosignature) and policies (C2SP tlog-policy): format, §20 and §21.

import { Fault, fail, fromUtf8, quoted, toHex, toUtf8, U64, within } from "./bytes.js";
import { COSIGNATURES, parseKey } from "./note.js";
import { checkSignature } from "./signature.js";

const MAX_POLICY_BYTES = 262144;
const MAX_OF_A_KIND = 256;
const NEWLINE_BYTE = 0x0a;
const NO_QUORUM_LINE = "the policy has no quorum line; `quorum none` asks for no witness";

export const parseWitnessKey = vkey => parseKey(vkey, COSIGNATURES);

/** When a witness cosigned a note: a `U64` of seconds since 1970, or null where it did not. */
async function cosignedAt(note, key) {
  let newest = null;
  for (const { signature } of note.signaturesBy(key)) {
    const view = new DataView(signature.buffer, signature.byteOffset, signature.length);
    if (signature.length !== 72 || view.getUint8(0) > 0x7f) {
      fail(`the cosignature by ${key.name} is not a time and an Ed25519 signature`);
    }
    const time = new U64(view.getUint32(0), view.getUint32(4));
    const message = toUtf8(`cosignature/v1\ntime ${time}\n${note.text}`);
    if (!await checkSignature(key.bytes, message, signature.subarray(8))) {
      fail(`the signature by ${key.name} is wrong`);
    }
    newest = newest === null || time.compare(newest) > 0 ? time : newest;
  }
  return newest;
}

/** The same of a witness that must have cosigned. */
export async function verifyCosignature(note, key) {
  return await cosignedAt(note, key) || fail(`no signature by ${key.name}`);
}

/** Octets as a text that can be shown, and that differs where they do. */
function octetsText(octets) {
  const text = fromUtf8(octets);
  return text === null ? `octets ${toHex(octets)}` : text;
}

function splitBytes(bytes, isBorder) {
  const parts = [];
  let start = 0;
  bytes.forEach((byte, i) => {
    if (isBorder(byte)) {
      parts.push(bytes.subarray(start, i));
      start = i + 1;
    }
  });
  parts.push(bytes.subarray(start));
  return parts;
}

class PolicyReader {
  constructor() {
    this.logs = [];
    this.witnesses = [];
    this.rules = [];
    this.groups = 0;
    // Names are octets: as keys of these maps, in hexadecimal.
    this.names = new Map();
    this.members = new Set();
    this.logKeys = new Set();
    this.witnessKeys = new Set();
    this.quorum = undefined;
  }

  line(bytes) {
    if (bytes.some(byte => (byte < 0x20 && byte !== 0x09) || byte === 0x7f)) {
      fail("a control character");
    }
    const words = splitBytes(bytes, byte => byte === 0x20 || byte === 0x09).filter(word => word.length > 0);
    if (words.length === 0 || words[0][0] === 0x23) {
      return;
    }
    const rest = words.slice(1);
    switch (octetsText(words[0])) {
      case "log": return this.log(rest);
      case "witness": return this.witness(rest);
      case "group": return this.group(rest);
      case "quorum": return this.setQuorum(rest);
      default: return fail("a line begins with log, witness, group or quorum");
    }
  }

  key(word, algorithm, seen) {
    const key = parseKey(octetsText(word), algorithm);
    const hex = toHex(key.bytes);
    if (seen.has(hex)) {
      fail("this key stands in an earlier line");
    }
    seen.add(hex);
    return key;
  }

  log(words) {
    if (words.length < 1 || words.length > 2) {
      fail("must be: log <vkey> [<url>]");
    }
    this.logs.push({ key: this.key(words[0], undefined, this.logKeys) });
    limitOfAKind(this.logs.length);
  }

  witness(words) {
    if (words.length < 2 || words.length > 3) {
      fail("must be: witness <name> <vkey> [<url>]");
    }
    const key = this.key(words[1], COSIGNATURES, this.witnessKeys);
    const place = this.witnesses.length;
    this.define(words[0], met => met.cosigned(place));
    this.witnesses.push({ name: octetsText(words[0]), key });
    limitOfAKind(this.witnesses.length);
  }

  group(words) {
    if (words.length < 3) {
      fail("must be: group <name> all|any|<k> <member>…");
    }
    const threshold = thresholdOf(octetsText(words[1]), words.length - 2);
    const members = words.slice(2).map(word => {
      const place = this.known(word);
      if (this.members.has(place)) {
        fail(`${quoted(octetsText(word))} is a member of a group already`);
      }
      this.members.add(place);
      return place;
    });
    this.define(words[0], met => members.filter(member => met.rules[member]).length >= threshold);
    this.groups += 1;
    limitOfAKind(this.groups);
  }

  setQuorum(words) {
    if (words.length !== 1) {
      fail("must be: quorum <name>|none");
    }
    if (this.quorum !== undefined) {
      fail("there is a quorum line already");
    }
    this.quorum = octetsText(words[0]) === "none" ? null : this.known(words[0]);
  }

  define(word, rule) {
    const name = toHex(word);
    if (octetsText(word) === "none" || this.names.has(name)) {
      fail(`the name ${quoted(octetsText(word))} stands for something already`);
    }
    this.names.set(name, this.rules.length);
    this.rules.push(rule);
  }

  known(word) {
    const place = this.names.get(toHex(word));
    return place === undefined
      ? fail(`the name ${quoted(octetsText(word))} stands for nothing in the lines before`)
      : place;
  }
}

function thresholdOf(word, members) {
  const number = U64.parse(word);
  const threshold = word === "all" ? members : word === "any" ? 1 : number && number.toNumber();
  return threshold >= 1 && threshold <= members
    ? threshold
    : fail("the threshold must be all, any, or a number from 1 to the number of members");
}

function limitOfAKind(count) {
  if (count > MAX_OF_A_KIND) {
    fail(`more than ${MAX_OF_A_KIND} lines of this kind`);
  }
}

class Policy {
  constructor(reader) {
    this.logs = reader.logs;
    this.witnesses = reader.witnesses;
    this.rules = reader.rules;
    this.quorum = reader.quorum;
  }

  /** Whether these witnesses, each said by its place, are a quorum. */
  isQuorum(cosigned) {
    const met = { cosigned, rules: [] };
    // Rules stand after those that they name: one pass decides all of them.
    this.rules.forEach(rule => met.rules.push(rule(met)));
    return this.quorum === null || met.rules[this.quorum];
  }

  /** Names and times of the witnesses that cosigned a note, if they are a quorum and none signed wrongly. */
  async witnessed(note) {
    const times = [];
    let fault = null;
    for (const { key } of this.witnesses) {
      try {
        times.push(await cosignedAt(note, key));
      } catch (error) {
        if (!(error instanceof Fault)) {
          throw error;
        }
        times.push(null);
        fault = fault || error.message;
      }
    }
    if (fault) {
      fail(`a cosignature of the policy's witnesses: ${fault}`);
    }
    const cosigned = this.witnesses
      .map(({ name }, i) => ({ name, time: times[i] }))
      .filter(({ time }) => time !== null);
    if (!this.isQuorum(place => times[place] !== null)) {
      const names = cosigned.map(({ name }) => name).join(", ") || "none of the policy's witnesses";
      fail(`the checkpoint is cosigned by ${names}, which is no quorum of the policy`);
    }
    return cosigned;
  }
}

/** Reads a policy file's bytes. */
export function parsePolicy(bytes) {
  if (bytes.length > MAX_POLICY_BYTES) {
    fail(`the policy is longer than ${MAX_POLICY_BYTES} bytes`);
  }
  if (bytes.length === 0) {
    fail(NO_QUORUM_LINE);
  }
  if (bytes[bytes.length - 1] !== NEWLINE_BYTE) {
    fail("the policy's last line does not end in a newline");
  }
  const reader = new PolicyReader();
  splitBytes(bytes.subarray(0, -1), byte => byte === NEWLINE_BYTE).forEach((line, i) => {
    within(`the policy, line ${i + 1}`, () => reader.line(line));
  });
  return reader.quorum === undefined ? fail(NO_QUORUM_LINE) : new Policy(reader);
}
