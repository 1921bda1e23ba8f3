//! Runs the vectors as a stranger would: from the files alone.

use auditlog::anchor::AnchorLine;
use auditlog::bundle::{Bundle, Trust, verify};
use auditlog::checkpoint::Checkpoint;
use auditlog::disclosure::disclose;
use auditlog::encoding::{from_base64, to_base64};
use auditlog::field::{Fields, Salt, Secret, commitment, field_leaf};
use auditlog::hash::{Hash, LeafIndex, TreeSize, leaf_hash, root_in_place};
use auditlog::json;
use auditlog::note::{SignedNote, Verifier, fingerprint};
use auditlog::proof::{TreeHead, verify_consistency, verify_inclusion};
use auditlog::statement::{Statement, StatementParts, signed_message};
use auditlog::story::StoryNote;
use auditlog::tile::{TilePath, entries_from_bundle, entry_bundle, partial_tiles};
use auditlog::{Entry, Timestamp};
use serde_json::Value;

use crate::bundles::summary;

pub fn list<'a>(file: &'a Value, key: &str) -> &'a [Value] {
    file[key].as_array().expect(key)
}

pub fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {case}"))
}

pub fn number(case: &Value, key: &str) -> u64 {
    case[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key} of {case}"))
}

pub fn hash(case: &Value, key: &str) -> Hash {
    Hash::from_base64(text(case, key)).unwrap()
}

fn hashes(case: &Value, key: &str) -> Vec<Hash> {
    let hash = |value: &Value| Hash::from_base64(value.as_str().unwrap()).unwrap();
    list(case, key).iter().map(hash).collect()
}

fn secret(case: &Value, key: &str) -> Secret {
    Secret(from_base64(text(case, key)).unwrap().try_into().unwrap())
}

/// Whether an answer is what a case's member `error` says: null, or the reason for the refusal.
pub fn answers<T, E: ToString>(case: &Value, answer: &Result<T, E>) {
    let reason = answer.as_ref().err().map(ToString::to_string);
    assert_eq!(reason.as_deref(), case["error"].as_str(), "{case}");
}

pub fn fields(file: &Value) {
    for case in list(file, "cases") {
        let (fields, secret) = (
            Fields::of(&json::parse(text(case, "json")).unwrap()),
            secret(case, "secret"),
        );
        let leaves = list(case, "leaves");
        assert_eq!(fields.len(), leaves.len(), "{case}");
        let mut hashes = Vec::new();
        for (field, leaf) in fields.iter().zip(leaves) {
            assert_eq!(field.pointer, text(leaf, "p"));
            assert_eq!(field.value, text(leaf, "v"));
            let c = commitment(&Salt::from_base64(text(leaf, "s")).unwrap(), field.value);
            assert_eq!(c, hash(leaf, "c"));
            hashes.push(field_leaf(field.pointer, &c));
            assert_eq!(hashes.last(), Some(&hash(leaf, "leaf")));
        }
        assert_eq!(root_in_place(&mut hashes), hash(case, "root"));
        let opened = disclose(&fields, &secret.into(), |_| true).open().unwrap();
        assert_eq!(opened.root, hash(case, "root"));
    }
}

pub fn json_refused(file: &Value) {
    for case in list(file, "refused") {
        let error = json::parse(text(case, "json")).unwrap_err();
        assert_eq!(error.to_string(), text(case, "reason"));
    }
    for case in list(file, "accepted") {
        let value = json::parse(text(case, "json")).unwrap();
        assert_eq!(value.to_compact(), text(case, "compact"));
    }
}

pub fn statements(file: &Value) {
    for case in list(file, "cases") {
        let statement = Statement::read(&StatementParts {
            content: text(case, "content"),
            receipt: text(case, "receipt"),
            content_salts: secret(case, "content_secret").into(),
            receipt_secret: secret(case, "receipt_secret"),
        })
        .unwrap();
        let content_root = statement.content.root(&statement.content_salts);
        let receipt_root = statement.receipt.root(&statement.receipt_secret.into());
        assert_eq!(content_root, hash(case, "content_root"));
        assert_eq!(receipt_root, hash(case, "receipt_root"));
        assert_eq!(statement.digest(), hash(case, "digest"));
        let entry = Entry::parse(text(case, "entry")).unwrap();
        assert_eq!(entry.digest, statement.digest());
        assert_eq!(entry.leaf_hash(), hash(case, "leaf_hash"));
        if let Some(message) = case["signed_message"].as_str() {
            assert_eq!(signed_message(&content_root), message);
            let receipt: Value = serde_json::from_str(text(case, "receipt")).unwrap();
            let signature = from_base64(text(&receipt, "signature")).unwrap();
            let signer = Verifier::parse(text(&receipt, "signer")).unwrap();
            signer.check(message.as_bytes(), &signature).unwrap();
        }
    }
}

pub fn entries(file: &Value) {
    for case in list(file, "valid") {
        let entry = Entry::parse(text(case, "entry")).unwrap();
        assert_eq!(
            Timestamp::parse(text(case, "recorded")),
            Some(entry.recorded)
        );
        assert_eq!(entry.digest, hash(case, "digest"));
        assert_eq!(entry.leaf_hash(), hash(case, "leaf_hash"));
    }
    for case in list(file, "invalid") {
        assert_eq!(Entry::parse(text(case, "entry")), None, "{case}");
    }
}

pub fn tree(file: &Value) {
    for case in list(file, "roots") {
        let leaf = |i: u64| leaf_hash(format!("entry {i}").as_bytes());
        let mut leaves: Vec<Hash> = (0..number(case, "size")).map(leaf).collect();
        assert_eq!(root_in_place(&mut leaves), hash(case, "root"));
    }
    for case in list(file, "inclusion") {
        let (index, size) = (
            LeafIndex(number(case, "index")),
            TreeSize(number(case, "size")),
        );
        let (leaf, root) = (hash(case, "leaf"), hash(case, "root"));
        let path = hashes(case, "path");
        answers(case, &verify_inclusion(leaf, index, size, &path, root));
    }
    for case in list(file, "consistency") {
        let head = |size: &str, root: &str| TreeHead {
            size: TreeSize(number(case, size)),
            root: hash(case, root),
        };
        let (old, new) = (head("old_size", "old_root"), head("new_size", "new_root"));
        answers(case, &verify_consistency(old, new, &hashes(case, "path")));
    }
    for case in list(file, "right_edges") {
        let tiles = partial_tiles(TreeSize(number(case, "size")));
        let paths: Vec<String> = tiles
            .map(|tile| TilePath::Hashes(tile).to_string())
            .collect();
        assert_eq!(Value::from(paths), case["partial_tiles"]);
    }
    for case in list(file, "tile_paths") {
        let path = TilePath::parse(text(case, "path")).unwrap();
        let tile = path.tile();
        assert_eq!(case["entries"], matches!(path, TilePath::Entries(_)));
        assert_eq!(u64::from(tile.level), number(case, "level"));
        assert_eq!(tile.index, number(case, "index"));
        assert_eq!(u64::from(tile.width), number(case, "width"));
    }
    for path in list(file, "not_tile_paths") {
        assert_eq!(TilePath::parse(path.as_str().unwrap()), None, "{path}");
    }
    let entries = list(&file["entry_bundle"], "entries").iter();
    let entries: Vec<Entry> = entries
        .map(|entry| Entry::parse(entry.as_str().unwrap()).unwrap())
        .collect();
    let bundle = entry_bundle(&entries);
    assert_eq!(to_base64(&bundle), text(&file["entry_bundle"], "base64"));
    assert_eq!(entries_from_bundle(&bundle), Some(entries));
}

pub fn notes(file: &Value) {
    for case in list(file, "keys") {
        answers(case, &Verifier::parse(text(case, "vkey")));
    }
    for case in list(file, "notes") {
        let verifier = Verifier::parse(text(case, "vkey")).unwrap();
        let note = SignedNote::parse(text(case, "note"));
        let verified = note.and_then(|note| note.verify(&verifier).map(str::to_owned));
        answers(case, &verified);
        assert_eq!(verified.ok().as_deref(), case["text"].as_str());
    }
    for case in list(file, "checkpoints") {
        let verifier = Verifier::parse(text(case, "vkey")).unwrap();
        let note = SignedNote::parse(text(case, "note")).unwrap();
        let checkpoint = Checkpoint::open(&note, &verifier);
        answers(case, &checkpoint);
        if let Ok(checkpoint) = checkpoint {
            assert_eq!(checkpoint.head.size.0, number(case, "size"));
            assert_eq!(checkpoint.head.root, hash(case, "root"));
        }
    }
    for case in list(file, "fingerprints") {
        let key = |member| Verifier::parse(text(case, member)).unwrap();
        let found = fingerprint(&key("vkey"), &key("story_vkey"));
        assert_eq!(found, text(case, "fingerprint"));
    }
    for case in list(file, "index_hashes") {
        let indexes = list(case, "indexes").iter();
        let indexes = indexes.map(|index| LeafIndex(index.as_u64().unwrap()));
        assert_eq!(StoryNote::hash_indexes(indexes), hash(case, "hash"));
    }
}

/// The keys that a file of bundles trusts.
fn keys(file: &Value) -> (Verifier, Verifier) {
    let key = |member| Verifier::parse(text(file, member)).unwrap();
    (key("vkey"), key("story_vkey"))
}

pub fn anchors(file: &Value, bundles: &Value) {
    let (log, story) = keys(bundles);
    for case in list(file, "files") {
        let anchors = edited(text(bundles, "anchors"), case);
        let trust = Trust {
            log: Some(&log),
            story: Some(&story),
            anchors: Some(&anchors),
            ..Trust::default()
        };
        answers(
            case,
            &verify(text(&bundles["bases"], "sample").as_bytes(), &trust),
        );
    }
    for case in list(file, "lines") {
        let line = AnchorLine::parse(&edited(text(file, "line"), case));
        answers(case, &line.and_then(|line| line.open(&log)));
    }
}

pub fn bundles(file: &Value) {
    let (log, story) = keys(file);
    for case in list(file, "cases") {
        let bundle = edited(text(&file["bases"], text(case, "base")), case);
        let trust = match text(case, "has") {
            "nothing" => Trust::default(),
            has => Trust {
                log: Some(&log),
                story: Some(&story),
                anchors: has.ends_with("anchors").then_some(text(file, "anchors")),
                ..Trust::default()
            },
        };
        let answer = verify(bundle.as_bytes(), &trust);
        answers(case, &answer);
        if let Ok(verified) = answer {
            let found = crate::writer::file("", [("verified", summary(&verified))]);
            let found: Value = serde_json::from_str(&found).unwrap();
            assert_eq!(found["verified"], case["verified"], "{case}");
            assert_eq!(Bundle::parse(&bundle).unwrap().format(), bundle);
        }
    }
}

/// A base with the edits of a case: `[at, remove, insert]`, ascending, in bytes of the base.
fn edited(base: &str, case: &Value) -> String {
    let (mut out, mut at) = (String::new(), 0);
    for edit in list(case, "edits") {
        let from = edit[0].as_u64().unwrap() as usize;
        out.push_str(&base[at..from]);
        out.push_str(edit[2].as_str().unwrap());
        at = from + edit[1].as_u64().unwrap() as usize;
    }
    out + &base[at..]
}
