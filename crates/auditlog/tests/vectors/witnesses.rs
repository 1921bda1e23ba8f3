//! Vectors of cosignatures and of the requests that a witness answers.

use auditlog::add_checkpoint::AddCheckpoint;
use auditlog::checkpoint::Checkpoint;
use auditlog::cosignature::{WitnessKey, WitnessSigner};
use auditlog::hash::{Hash, TreeSize};
use auditlog::note::{NoteSigner, SignedNote, Verifier};
use auditlog::proof::TreeHead;

use crate::notes::{LOG_NOTE, LOG_VKEY, W1_VKEY};
use crate::tree::{consistency_path, head_of};
use crate::writer::{Json, object};

/// The log of these vectors, signed with the key of this seed.
pub fn log(seed: u8) -> NoteSigner {
    NoteSigner::from_seed("log.example", &[seed; 32]).unwrap()
}

pub fn witness(seed: u8) -> WitnessSigner {
    WitnessSigner::from_seed(&format!("w{seed}.example"), &[seed; 32]).unwrap()
}

/// The checkpoint of the tree of `size` leaves of tree.json.
pub fn checkpoint(size: usize) -> SignedNote {
    checkpoint_of("log.example", head_of(size))
}

/// A checkpoint of whatever tree by the key of this seed.
pub fn signed(seed: u8, head: TreeHead) -> SignedNote {
    let checkpoint = Checkpoint {
        origin: "log.example".into(),
        head,
    };
    checkpoint.sign(&log(seed)).unwrap()
}

fn checkpoint_of(origin: &str, head: TreeHead) -> SignedNote {
    let TreeHead { size, root } = head;
    let text = format!("{origin}\n{size}\n{}\n", root.to_base64());
    SignedNote::sign(text, &log(1)).unwrap()
}

pub fn file() -> String {
    crate::writer::file(
        "witnessing.md §20, §24: keys of witnesses, cosignatures, requests to cosign. A witness \
         trusts the keys of `logs`, has cosigned the tree of `last` (null: none), and is asked \
         `body`; where there is an `error`, it answers with `status`. The leaves are tree.json's.",
        [
            ("keys", keys().into()),
            ("cosignatures", cosignatures().into()),
            (
                "logs",
                vec![log(1).verifier().format(), log(2).verifier().format()].into(),
            ),
            ("requests", requests().into()),
        ],
    )
}

fn keys() -> Vec<Json> {
    let w1 = witness(11).key().format();
    [
        W1_VKEY.to_owned(),
        w1.clone(),
        LOG_VKEY.to_owned(),
        w1.replacen("w11", "w12", 1),
        w1[..w1.len() - 4].to_owned(),
        "w11.example".to_owned(),
    ]
    .map(|vkey| {
        let error = WitnessKey::parse(&vkey)
            .err()
            .map(|error| error.to_string());
        object([("vkey", vkey.into()), ("error", error.into())])
    })
    .into()
}

fn cosignatures() -> Vec<Json> {
    let cosigned = |times: &[u64]| {
        let mut note = checkpoint(7);
        for time in times {
            note.add_signature(witness(11).cosign(note.unverified_text(), *time));
        }
        note
    };
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut note = cosigned(&[1_700_000_100]);
        let mut line = witness(11).cosign(note.unverified_text(), 1_700_000_000);
        change(&mut line.signature);
        note.add_signature(line);
        note.format()
    };
    let key = witness(11).key().format();
    [
        ("the conformance vector", W1_VKEY, LOG_NOTE.to_owned()),
        ("a witness that did not cosign", &key, LOG_NOTE.to_owned()),
        ("nobody cosigned", &key, cosigned(&[]).format()),
        ("at the first second", &key, cosigned(&[0]).format()),
        (
            "at the last second",
            &key,
            cosigned(&[i64::MAX as u64]).format(),
        ),
        (
            "twice: the newest counts",
            &key,
            cosigned(&[1_700_000_050, 1_700_000_000]).format(),
        ),
        (
            "a right one and one of another time",
            &key,
            changed(|bytes| bytes[7] ^= 1),
        ),
        (
            "a right one and one of another signature",
            &key,
            changed(|bytes| bytes[9] ^= 1),
        ),
        (
            "a right one and one cut short",
            &key,
            changed(|bytes| bytes.truncate(71)),
        ),
        (
            "a right one and one without a time",
            &key,
            changed(|bytes| bytes.truncate(7)),
        ),
        (
            "a right one and one beyond 2^63 - 1",
            &key,
            changed(|bytes| bytes[0] = 0x80),
        ),
    ]
    .map(|(name, vkey, note)| {
        let key = WitnessKey::parse(vkey).unwrap();
        let answer = key.verify(&SignedNote::parse(&note).unwrap());
        object([
            ("name", name.into()),
            ("vkey", vkey.into()),
            ("note", note.into()),
            (
                "time",
                answer
                    .as_ref()
                    .ok()
                    .map(|cosignature| cosignature.time)
                    .into(),
            ),
            ("error", answer.err().map(|error| error.to_string()).into()),
        ])
    })
    .into()
}

/// What a witness that trusts `logs` and cosigned `last` says to `body`.
pub fn decide(
    body: &str,
    logs: &[Verifier],
    last: Option<TreeHead>,
) -> Result<TreeHead, auditlog::add_checkpoint::Refusal> {
    let request = AddCheckpoint::parse(body)?;
    let checkpoint = request.open(logs)?;
    request.follow(last, checkpoint.head)?;
    Ok(checkpoint.head)
}

fn request(old: usize, new: usize) -> AddCheckpoint {
    AddCheckpoint {
        old: TreeSize(old as u64),
        proof: consistency_path(old.min(new), new),
        checkpoint: checkpoint(new),
    }
}

fn requests() -> Vec<Json> {
    let shapes = right().into_iter().chain(malformed()).chain(refused());
    let logs = [1, 2].map(|seed| log(seed).verifier().clone());
    shapes
        .map(|(name, last, body)| {
            let last = last.map(head_of);
            let refusal = decide(&body, &logs, last).err();
            let known = last.map(|head| {
                object([
                    ("size", head.size.0.into()),
                    ("root", head.root.to_base64().into()),
                ])
            });
            object([
                ("name", name.into()),
                ("last", known.unwrap_or(Json::Null)),
                ("body", body.into()),
                (
                    "status",
                    refusal
                        .as_ref()
                        .map(|refusal| u64::from(refusal.status()))
                        .into(),
                ),
                ("error", refusal.map(|refusal| refusal.to_string()).into()),
            ])
        })
        .collect()
}

/// A request's name, the size that was cosigned last, and the body.
type Case = (&'static str, Option<usize>, String);

fn right() -> Vec<Case> {
    let mut with_stranger = request(6, 7);
    let stranger = NoteSigner::from_seed("spam.example", &[9; 32]).unwrap();
    with_stranger.checkpoint.add_signature_by(&stranger);
    let mut second_key = request(6, 7);
    let text = second_key.checkpoint.unverified_text().to_owned();
    second_key.checkpoint = SignedNote::sign(text, &log(2)).unwrap();
    vec![
        ("the first of a log", None, request(0, 7).format()),
        ("the empty tree", None, request(0, 0).format()),
        ("a tree that grew", Some(6), request(6, 7).format()),
        ("the same tree again", Some(7), request(7, 7).format()),
        ("from a complete tree", Some(4), request(4, 7).format()),
        (
            "a signature by an unknown key more",
            Some(6),
            with_stranger.format(),
        ),
        ("by the other key of the log", Some(6), second_key.format()),
    ]
}

fn malformed() -> Vec<Case> {
    let good = request(6, 7).format();
    let hash = request(6, 7).proof[0].to_base64();
    let with = |from: &str, to: &str| good.replacen(from, to, 1);
    let hashes = |count: usize| with(&format!("{hash}\n"), &format!("{hash}\n").repeat(count));
    let extended = format!("{}more\n", checkpoint(7).unverified_text());
    let extended = SignedNote::sign(extended, &log(1)).unwrap().format();
    let note = checkpoint(7).format();
    vec![
        (
            "an old size with a zero before it",
            Some(6),
            with("old 6", "old 06"),
        ),
        ("two spaces", Some(6), with("old 6", "old  6")),
        ("another word", Some(6), with("old 6", "Old 6")),
        ("no old size", Some(6), with("old 6\n", "")),
        ("a hash cut short", Some(6), with(&hash, &hash[1..])),
        ("64 hashes", Some(6), hashes(64)),
        ("no empty line", Some(6), with("\n\nlog", "\nlog")),
        ("carriage returns", Some(6), good.replace('\n', "\r\n")),
        ("no checkpoint", Some(6), "old 6\n\n".to_owned()),
        ("a newline more", Some(6), format!("{good}\n")),
        (
            "an extension line",
            Some(6),
            good.replacen(&note, &extended, 1),
        ),
    ]
}

fn refused() -> Vec<Case> {
    let of = |origin, head| AddCheckpoint {
        checkpoint: checkpoint_of(origin, head),
        ..request(6, 7)
    };
    let unsigned = |signer: &NoteSigner| {
        let text = checkpoint(7).unverified_text().to_owned();
        let checkpoint = SignedNote::sign(text, signer).unwrap();
        AddCheckpoint {
            checkpoint,
            ..request(6, 7)
        }
    };
    let mut wrong = request(6, 7);
    let mut line = wrong.checkpoint.signatures()[0].clone();
    line.signature[0] ^= 1;
    wrong.checkpoint.add_signature(line);
    let fork = TreeHead {
        root: Hash([5; 32]),
        ..head_of(7)
    };
    let same_size = AddCheckpoint {
        proof: Vec::new(),
        old: TreeSize(7),
        ..of("log.example", fork)
    };
    let rooted = TreeHead {
        size: TreeSize(0),
        root: Hash([5; 32]),
    };
    let empty = AddCheckpoint {
        proof: Vec::new(),
        old: TreeSize(0),
        checkpoint: checkpoint_of("log.example", rooted),
    };
    let from_nothing = AddCheckpoint {
        proof: vec![head_of(7).root],
        ..request(0, 7)
    };
    let no_proof = AddCheckpoint {
        proof: Vec::new(),
        ..request(6, 7)
    };
    let mut longer = request(6, 7);
    longer.proof.push(Hash([0; 32]));
    vec![
        (
            "another log",
            Some(6),
            of("other.example", head_of(7)).format(),
        ),
        ("a key of nobody", Some(6), unsigned(&log(3)).format()),
        ("a right and a wrong signature", Some(6), wrong.format()),
        (
            "a tree smaller than the old one",
            Some(7),
            request(7, 6).format(),
        ),
        (
            "an old size that was cosigned before the last",
            Some(7),
            request(6, 7).format(),
        ),
        ("an old size of nothing", Some(6), request(0, 7).format()),
        ("63 hashes", Some(6), {
            let mut long = request(6, 7);
            long.proof.resize(63, Hash([0; 32]));
            long.format()
        }),
        ("no proof", Some(6), no_proof.format()),
        ("a hash too many", Some(6), longer.format()),
        ("another tree", Some(6), of("log.example", fork).format()),
        ("one size, another root", Some(7), same_size.format()),
        ("a proof from nothing", None, from_nothing.format()),
        ("no leaves, and a root", None, empty.format()),
    ]
}
