//! Vectors of proofs of one entry.

use auditlog::checkpoint::Checkpoint;
use auditlog::encoding::to_base64;
use auditlog::hash::{Hash, LeafIndex, leaf_hash};
use auditlog::tlog_proof::TlogProof;

use crate::tree::inclusion_path;
use crate::witnesses::{checkpoint, log, witness};
use crate::writer::{Json, object};

pub fn file() -> String {
    crate::writer::file(
        "witnessing.md §23: proofs of one entry; each checkpoint is opened with `vkey`; then the \
         leaf that is the leaf hash of the text `entry` must be where it says.",
        [
            ("vkey", log(1).verifier().format().into()),
            ("proofs", proofs().into()),
        ],
    )
}

fn proof(index: u64, size: usize, extra: Option<&[u8]>) -> TlogProof {
    TlogProof {
        extra: extra.map(<[u8]>::to_vec),
        index: LeafIndex(index),
        path: inclusion_path(index as usize, size),
        checkpoint: checkpoint(size),
    }
}

fn proofs() -> Vec<Json> {
    let whole = proof(5, 7, Some(b"what it is"));
    let text = whole.format();
    let hash = whole.path[0].to_base64();
    let with = |from: &str, to: &str| text.replacen(from, to, 1);
    let lines = |count: usize| with(&format!("{hash}\n"), &format!("{hash}\n").repeat(count));
    let mut cosigned = proof(5, 7, None);
    let line = witness(11).cosign(cosigned.checkpoint.unverified_text(), 1_700_000_000);
    cosigned.checkpoint.add_signature(line);
    let longer = TlogProof {
        path: [whole.path.clone(), vec![Hash([0; 32])]].concat(),
        ..whole.clone()
    };
    let path = whole.path.len();
    [
        ("a proof", text.clone(), "entry 5"),
        ("without extra", proof(5, 7, None).format(), "entry 5"),
        ("an empty extra", proof(5, 7, Some(b"")).format(), "entry 5"),
        ("with a cosignature", cosigned.format(), "entry 5"),
        ("a tree of one leaf", proof(0, 1, None).format(), "entry 0"),
        ("another entry", text.clone(), "entry 6"),
        ("another index", with("index 5", "index 4"), "entry 5"),
        (
            "an index beyond the tree",
            with("index 5", "index 7"),
            "entry 5",
        ),
        ("a hash too many", longer.format(), "entry 5"),
        ("a hash too few", with(&format!("{hash}\n"), ""), "entry 5"),
        ("64 hashes", lines(65 - path), "entry 5"),
        ("65 hashes", lines(66 - path), "entry 5"),
        ("another version", with("@v1", "@v2"), "entry 5"),
        (
            "two spaces before extra",
            with("extra ", "extra  "),
            "entry 5",
        ),
        (
            "extra that is not base64",
            with("extra ", "extra -"),
            "entry 5",
        ),
        (
            "extra twice",
            with("extra ", "extra AAAA\nextra "),
            "entry 5",
        ),
        (
            "an index with a zero before it",
            with("index 5", "index 05"),
            "entry 5",
        ),
        ("no index", with("index 5\n", ""), "entry 5"),
        ("a hash cut short", with(&hash, &hash[..40]), "entry 5"),
        ("no empty line", with("\n\nlog", "\nlog"), "entry 5"),
        ("carriage returns", text.replace('\n', "\r\n"), "entry 5"),
        (
            "something after the checkpoint",
            format!("{text}x"),
            "entry 5",
        ),
        ("another root", with("7\n", "8\n"), "entry 5"),
    ]
    .map(|(name, text, entry)| {
        let parsed = TlogProof::parse(&text);
        let extra = parsed
            .as_ref()
            .ok()
            .and_then(|proof| proof.extra.as_deref());
        let extra = extra.map(to_base64);
        object([
            ("name", name.into()),
            ("proof", text.as_str().into()),
            ("entry", entry.into()),
            ("extra", extra.into()),
            ("error", verify(&text, entry).err().into()),
        ])
    })
    .into()
}

/// Reads a proof, opens its checkpoint with the log's key, and looks for the entry.
pub fn verify(text: &str, entry: &str) -> Result<(), String> {
    let proof = TlogProof::parse(text).map_err(|error| error.to_string())?;
    let opened = Checkpoint::open(&proof.checkpoint, log(1).verifier());
    let checkpoint = opened.map_err(|error| error.to_string())?;
    let leaf = leaf_hash(entry.as_bytes());
    proof
        .verify(leaf, &checkpoint)
        .map_err(|error| error.to_string())
}
