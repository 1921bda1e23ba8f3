// Runs the log's vectors in a page: `files` are their texts by name, `auditlog` what a verifier exports. What comes back
// is every disagreement, and how many cases there were.

const cases = { count: 0 };
const disagreements = [];

function same(file, name, found, wanted) {
  cases.count += 1;
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    disagreements.push(`${file}: ${name}: ${JSON.stringify(found)} where ${JSON.stringify(wanted)} is right`);
  }
}

/** A case's answer: its error's message, or null. What is no fault of the case is one of the verifier, and ends all. */
async function errorOf(step) {
  try {
    await step();
    return null;
  } catch (error) {
    if (!(error instanceof auditlog.Fault)) {
      throw error;
    }
    return error.message;
  }
}

const bytes = text => auditlog.fromBase64(text);
const u64 = number => auditlog.U64.of(number);
/** An integer of the format as these files are read here: as a double, which is near the greatest. */
const number = one => Number(String(one));
const error = one => one.error || null;
const file = name => JSON.parse(files[name]);

/** A base with the edits of a case, which count its bytes. */
function edited(base, { edits }) {
  const whole = auditlog.toUtf8(base);
  const parts = [];
  let at = 0;
  for (const [from, remove, insert] of edits) {
    parts.push(whole.subarray(at, from), auditlog.toUtf8(insert));
    at = from + remove;
  }
  return auditlog.concat(...parts, whole.subarray(at));
}

const base64 = found => auditlog.toBase64(found);

const runs = {
  async "json-refused"({ refused, accepted }) {
    for (const one of refused) {
      same("json-refused", one.json, await errorOf(() => auditlog.parseJson(one.json)), one.reason);
    }
    for (const one of accepted) {
      same("json-refused", one.json, auditlog.writeJson(auditlog.parseJson(one.json)), one.compact);
    }
  },

  async fields({ cases }) {
    for (const one of cases) {
      const leaves = auditlog.flatten(auditlog.parseJson(one.json))
        .sort(([a], [b]) => auditlog.compareTexts(a, b))
        .map(([p, v]) => {
          const salt = auditlog.saltOf(bytes(one.secret), p);
          const c = auditlog.commitment(salt, v);
          return { p, v, s: base64(salt), c: base64(c), leaf: base64(auditlog.fieldLeaf(p, c)) };
        });
      same("fields", one.name, leaves, one.leaves);
      same("fields", one.name, base64(auditlog.rootOf(leaves.map(({ leaf }) => bytes(leaf)))), one.root);
      const nodes = leaves.map(({ p, v, s }) => ({ name: p, value: v, salt: bytes(s) }));
      const fold = list => {
        if (list.length === 1) {
          return list[0];
        }
        const half = 2 ** Math.ceil(Math.log2(list.length) - 1);
        return { pair: [fold(list.slice(0, half)), fold(list.slice(half))] };
      };
      same("fields", one.name, base64(new auditlog.Opened(fold(nodes)).root), one.root);
    }
  },

  async statements({ cases }) {
    for (const one of cases) {
      const root = (text, secret) => {
        const leaves = auditlog.flatten(auditlog.parseJson(text)).sort(([a], [b]) => auditlog.compareTexts(a, b));
        return auditlog.rootOf(leaves.map(([p, v]) =>
          auditlog.fieldLeaf(p, auditlog.commitment(auditlog.saltOf(bytes(secret), p), v))));
      };
      const content = root(one.content, one.content_secret);
      const receipt = root(one.receipt, one.receipt_secret);
      const digest = auditlog.digestOf(content, receipt);
      same("statements", one.name, [content, receipt, digest].map(base64), [one.content_root, one.receipt_root, one.digest]);
      const { recorded, signature, signer } = JSON.parse(one.receipt);
      same("statements", one.name, auditlog.writeEntry(recorded, digest), one.entry);
      same("statements", one.name, base64(auditlog.parseEntry(one.entry).leaf), one.leaf_hash);
      if (one.signed_message) {
        same("statements", one.name, auditlog.signedMessage(content), one.signed_message);
        const key = auditlog.parseKey(signer);
        const check = () => key.check(auditlog.toUtf8(one.signed_message), bytes(signature));
        same("statements", one.name, await errorOf(check), null);
      }
    }
  },

  async entries({ valid, invalid }) {
    for (const one of valid) {
      const entry = auditlog.parseEntry(one.entry);
      same("entries", one.entry, [entry.recorded, base64(entry.digest), base64(entry.leaf)],
        [one.recorded, one.digest, one.leaf_hash]);
    }
    for (const one of invalid) {
      same("entries", one.why, auditlog.parseEntry(one.entry), null);
    }
  },

  async tree({ roots, inclusion, consistency, right_edges, tile_paths, not_tile_paths, entry_bundle }) {
    for (const { size, root } of roots) {
      const leaves = Array.from({ length: size }, (_, i) => auditlog.leafHash(auditlog.toUtf8(`entry ${i}`)));
      same("tree", `root of ${size}`, base64(auditlog.rootOf(leaves)), root);
    }
    for (const one of inclusion) {
      const verify = () => auditlog.verifyInclusion(
        bytes(one.leaf), u64(one.index), u64(one.size), one.path.map(bytes), bytes(one.root));
      same("tree", one.name, await errorOf(verify), error(one));
    }
    for (const one of consistency) {
      const head = (size, root) => ({ size: u64(size), root: bytes(root) });
      const verify = () => auditlog.verifyConsistency(
        head(one.old_size, one.old_root), head(one.new_size, one.new_root), one.path.map(bytes));
      same("tree", one.name, await errorOf(verify), error(one));
    }
    for (const { size, partial_tiles } of right_edges) {
      same("tree", `right edge of ${size}`, auditlog.rightEdge(u64(size)), partial_tiles);
    }
    for (const one of tile_paths) {
      const found = auditlog.parseTilePath(one.path);
      same("tree", one.path, [found.isEntries, found.level, number(found.index), found.width],
        [one.entries, one.level, one.index, one.width]);
    }
    for (const path of not_tile_paths) {
      same("tree", path, auditlog.parseTilePath(path), null);
    }
    same("tree", "an entry bundle", auditlog.entriesOf(bytes(entry_bundle.base64)).map(({ recorded, digest }) =>
      auditlog.writeEntry(recorded, digest)), entry_bundle.entries);
  },

  async notes({ keys, notes, checkpoints, fingerprints, index_hashes }) {
    for (const one of keys) {
      same("notes", one.vkey, await errorOf(() => auditlog.parseKey(one.vkey)), error(one));
    }
    for (const one of notes) {
      let text = null;
      const verify = async () => {
        text = await auditlog.parseNote(one.note).verify(auditlog.parseKey(one.vkey));
      };
      same("notes", one.name, await errorOf(verify), error(one));
      same("notes", one.name, text, one.text || null);
    }
    for (const one of checkpoints) {
      let found = [null, null];
      const open = async () => {
        const { size, root } = await auditlog.openCheckpoint(auditlog.parseNote(one.note), auditlog.parseKey(one.vkey));
        found = [number(size), base64(root)];
      };
      same("notes", one.name, await errorOf(open), error(one));
      same("notes", one.name, found, error(one) ? [null, null] : [one.size, one.root]);
    }
    for (const { vkey, story_vkey, fingerprint } of fingerprints) {
      same("notes", vkey, auditlog.fingerprintOf(vkey, story_vkey), fingerprint);
    }
    for (const { indexes, hash } of index_hashes) {
      same("notes", indexes, base64(auditlog.hashIndexes(indexes.map(u64))), hash);
    }
  },

  async anchors({ vkey, line, files, lines }) {
    const bundles = file("bundles");
    const keys = { log: auditlog.parseKey(bundles.vkey), story: auditlog.parseKey(bundles.story_vkey) };
    const sample = auditlog.toUtf8(bundles.bases.sample);
    for (const one of files) {
      const anchors = auditlog.fromUtf8(edited(bundles.anchors, one));
      const verify = () => auditlog.verifyBundle(sample, { log: keys.log, story: keys.story, anchors });
      same("anchors", one.name, await errorOf(verify), error(one));
    }
    const logKeys = new auditlog.LogKeys(auditlog.parseKey(vkey));
    for (const one of lines) {
      const text = auditlog.fromUtf8(edited(line, one));
      const open = () => auditlog.openAnchorLine(auditlog.parseAnchorLine(text), logKeys);
      same("anchors", one.name, await errorOf(async () => open()), error(one));
    }
  },

  async bundles({ vkey, story_vkey, anchors, bases, cases }) {
    const keys = { log: auditlog.parseKey(vkey), story: auditlog.parseKey(story_vkey) };
    const trusts = {
      nothing: {},
      keys,
      "keys and anchors": { log: keys.log, story: keys.story, anchors },
    };
    for (const one of cases) {
      let summary = null;
      const verify = async () => {
        const found = await auditlog.verifyBundle(edited(bases[one.base], one), trusts[one.has]);
        summary = {
          subject: found.subject,
          origin: found.origin,
          keys: found.keys,
          size: number(found.checkpoint.size),
          sealed_at: found.sealedAt,
          anchored: found.isAnchored,
          statements: found.statements.map(statement => ({
            index: number(statement.index),
            recorded: statement.recorded,
            kind: statement.kind,
            issuer: statement.issuer,
            signer: statement.signer,
            shown: statement.shown,
            withheld: statement.withheld,
            unnamed: statement.unnamed,
          })),
        };
      };
      same("bundles", one.name, await errorOf(verify), error(one));
      same("bundles", one.name, summary, one.verified || null);
    }
  },

  async witnesses({ keys, cosignatures, logs, requests }) {
    for (const one of keys) {
      same("witnesses", one.vkey, await errorOf(() => auditlog.parseWitnessKey(one.vkey)), error(one));
    }
    for (const one of cosignatures) {
      let time = null;
      const verify = async () => {
        const key = auditlog.parseWitnessKey(one.vkey);
        time = number(await auditlog.verifyCosignature(auditlog.parseNote(one.note), key));
      };
      same("witnesses", one.name, await errorOf(verify), error(one));
      same("witnesses", one.name, time, one.time === undefined ? null : one.time);
    }
    const known = logs.map(vkey => auditlog.parseKey(vkey));
    for (const one of requests) {
      const last = one.last && { size: u64(one.last.size), root: bytes(one.last.root) };
      same("witnesses", one.name, await errorOf(() => auditlog.decide(one.body, known, last)), error(one));
    }
  },

  async policies({ policies, two_levels, quorums, notes }) {
    for (const one of policies) {
      same("policies", one.name, await errorOf(() => auditlog.parsePolicy(bytes(one.policy))), error(one));
    }
    const policy = auditlog.parsePolicy(auditlog.toUtf8(two_levels));
    for (const { cosigned, met } of quorums) {
      same("policies", cosigned, policy.isQuorum(place => cosigned.includes(policy.witnesses[place].name)), met);
    }
    for (const one of notes) {
      let found = [];
      const verify = async () => {
        const witnessed = await policy.witnessed(auditlog.parseNote(one.note));
        found = witnessed.map(({ name, time }) => ({ name, time: number(time) }));
      };
      same("policies", one.name, await errorOf(verify), error(one));
      same("policies", one.name, found, one.witnessed);
    }
  },

  async keys({ rotations, histories, history, checkpoints }) {
    for (const one of rotations) {
      same("keys", one.name, await errorOf(() => auditlog.openRotation(auditlog.parseNote(one.note))), error(one));
    }
    for (const one of histories) {
      same("keys", one.name, await errorOf(() => auditlog.parseKeyHistory(one.file)), error(one));
    }
    const { log } = await auditlog.parseKeyHistory(history);
    for (const one of checkpoints) {
      same("keys", one.note, await errorOf(() => log.open(auditlog.parseNote(one.note))), error(one));
    }
  },

  async "tlog-proofs"({ vkey, proofs }) {
    const key = auditlog.parseKey(vkey);
    for (const one of proofs) {
      const verify = async () => {
        const proof = auditlog.parseTlogProof(one.proof);
        const checkpoint = await auditlog.openCheckpoint(proof.checkpoint, key);
        const leaf = auditlog.leafHash(auditlog.toUtf8(one.entry));
        auditlog.verifyInclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root);
        same("tlog-proofs", one.name, proof.extra && base64(proof.extra), one.extra === undefined ? null : one.extra);
      };
      same("tlog-proofs", one.name, await errorOf(verify), error(one));
    }
  },

  async evidence({ vkey, cases }) {
    const log = auditlog.parseKey(vkey);
    for (const one of cases) {
      let beginsWith = null;
      const judge = async () => {
        const found = await auditlog.judgeEvidence(auditlog.toUtf8(one.evidence), one.trusts ? { log } : {});
        beginsWith = base64(found.beginsWith);
      };
      same("evidence", one.name, await errorOf(judge), error(one));
      same("evidence", one.name, beginsWith, one.begins_with);
    }
  },
};

const unknown = Object.keys(files).filter(name => !runs[name]);
for (const name of Object.keys(files).filter(name => runs[name])) {
  await runs[name](file(name));
}
return { engine: await auditlog.ed25519Engine(), count: cases.count, unknown, disagreements };
