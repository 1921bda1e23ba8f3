//! Runs the vectors of what witnesses, policies and keys add, from the files alone.

use auditlog::add_checkpoint::AddCheckpoint;
use auditlog::bundle::Trust;
use auditlog::cosignature::WitnessKey;
use auditlog::encoding::{from_base64, to_base64};
use auditlog::evidence::{Evidence, judge};
use auditlog::hash::TreeSize;
use auditlog::keys::{KeyHistory, Rotation};
use auditlog::note::{SignedNote, Verifier};
use auditlog::policy::Policy;
use auditlog::proof::TreeHead;
use auditlog::tlog_proof::TlogProof;
use serde_json::Value;

use crate::run::{answers, hash, list, number, text};
use crate::witnesses::decide;

fn note(case: &Value) -> SignedNote {
    SignedNote::parse(text(case, "note")).unwrap()
}

pub fn witnesses(file: &Value) {
    for case in list(file, "keys") {
        answers(case, &WitnessKey::parse(text(case, "vkey")));
    }
    for case in list(file, "cosignatures") {
        let key = WitnessKey::parse(text(case, "vkey")).unwrap();
        let answer = key.verify(&note(case));
        answers(case, &answer);
        assert_eq!(answer.ok().map(|found| found.time), case["time"].as_u64());
    }
    let logs = list(file, "logs").iter();
    let logs: Vec<Verifier> = logs
        .map(|vkey| Verifier::parse(vkey.as_str().unwrap()).unwrap())
        .collect();
    for case in list(file, "requests") {
        let last = case["last"].as_object().map(|_| TreeHead {
            size: TreeSize(number(&case["last"], "size")),
            root: hash(&case["last"], "root"),
        });
        let answer = decide(text(case, "body"), &logs, last);
        answers(case, &answer);
        let status = answer.err().map(|refusal| u64::from(refusal.status()));
        assert_eq!(status, case["status"].as_u64(), "{case}");
        if let Ok(request) = AddCheckpoint::parse(text(case, "body")) {
            assert_eq!(request.format(), text(case, "body"));
        }
    }
}

pub fn policies(file: &Value) {
    for case in list(file, "policies") {
        let octets = from_base64(text(case, "policy")).unwrap();
        answers(case, &Policy::parse(&octets));
    }
    let policy = Policy::parse(text(file, "two_levels").as_bytes()).unwrap();
    for case in list(file, "quorums") {
        let has_cosigned = |i: usize| {
            let name = policy.witnesses[i].name.as_str();
            list(case, "cosigned")
                .iter()
                .any(|cosigned| *cosigned == name)
        };
        assert_eq!(policy.is_quorum(has_cosigned), case["met"], "{case}");
    }
    for case in list(file, "notes") {
        let answer = policy.witnessed(&note(case));
        answers(case, &answer);
        let witnessed = answer.unwrap_or_default().into_iter();
        let found: Vec<(String, u64)> = witnessed.map(|w| (w.name, w.time)).collect();
        let told = list(case, "witnessed").iter();
        let told: Vec<(String, u64)> = told
            .map(|witness| (text(witness, "name").to_owned(), number(witness, "time")))
            .collect();
        assert_eq!(found, told, "{case}");
    }
}

pub fn keys(file: &Value) {
    for case in list(file, "rotations") {
        answers(case, &Rotation::open(&note(case)));
    }
    for case in list(file, "histories") {
        answers(case, &KeyHistory::parse(text(case, "file")));
    }
    let keys = KeyHistory::parse(text(file, "history")).unwrap().log;
    for case in list(file, "checkpoints") {
        answers(case, &keys.open(&note(case)));
    }
}

pub fn proofs(file: &Value) {
    for case in list(file, "proofs") {
        let (proof, entry) = (text(case, "proof"), text(case, "entry"));
        answers(case, &crate::proofs::verify(proof, entry));
        if let Ok(parsed) = TlogProof::parse(proof) {
            assert_eq!(parsed.format(), proof);
            let extra = parsed.extra.as_deref().map(to_base64);
            assert_eq!(extra.as_deref(), case["extra"].as_str());
        }
    }
}

pub fn evidence(file: &Value) {
    let key = Verifier::parse(text(file, "vkey")).unwrap();
    for case in list(file, "cases") {
        let trust = Trust {
            log: case["trusts"].as_bool().unwrap().then_some(&key),
            ..Trust::default()
        };
        let answer = judge(text(case, "evidence").as_bytes(), &trust);
        answers(case, &answer);
        let begins_with = answer.ok().map(|two| two.begins_with.to_base64());
        assert_eq!(begins_with.as_deref(), case["begins_with"].as_str());
        if let Ok(evidence) = Evidence::parse(text(case, "evidence")) {
            assert_eq!(evidence.format(), text(case, "evidence"));
        }
    }
}
