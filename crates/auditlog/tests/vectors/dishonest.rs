//! Bundles of a log that signs what no honest log signs: each is whole in every hash and signature,
//! and only what it says is wrong.

use auditlog::Entry;
use auditlog::encoding::to_base64;
use auditlog::field::Secret;
use auditlog::note::NoteSigner;
use auditlog::statement::{
    Signed, Statement, StatementParts, content_text, receipt_text, signed_message,
};

use crate::bundles::{Has, case_of};
use crate::support::{FARM, LogShape, SUBJECT, Sample, Seeds, Told, sample_of, time};
use crate::writer::Json;

/// A vkey whose point has order 4: a signature by it proves nothing.
const WEAK_SIGNER: &str = "s.example+8a2a41c7+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What makes a statement that may not stand as it is said.
struct Said {
    content: String,
    receipt: String,
}

/// The bundle that the cases of this file differ from.
pub fn valid_bundle() -> String {
    bundle(&plain())
}

fn plain() -> Said {
    Said {
        content: content_text("{}", FARM, "event"),
        receipt: receipt(&format!("epc {SUBJECT}"), None),
    }
}

pub fn cases(sample: &Sample, small: &str) -> Vec<Json> {
    let case = |(name, said): (&str, Said)| {
        case_of(name, sample, ("small", small), &bundle(&said), Has::Keys)
    };
    let mut cases: Vec<Json> = signatures().into_iter().map(case).collect();
    cases.extend(fields().into_iter().map(case));
    cases.extend(connections().into_iter().map(case));
    cases
}

fn signatures() -> Vec<(&'static str, Said)> {
    let Said { content, receipt } = plain();
    let root = statement(&content, &receipt)
        .content
        .root(&Secret([1; 32]).into());
    let farm = NoteSigner::from_seed("farm.example", &[3; 32]).unwrap();
    let right = to_base64(&farm.sign(signed_message(&root).as_bytes()));
    let other = to_base64(&farm.sign(b"rootmark-content/v1\n"));
    let farm = farm.verifier().format();
    let signed = |signature: &str, signer: &str| Said {
        content: content.clone(),
        receipt: self::receipt(&format!("epc {SUBJECT}"), Some((signature, signer))),
    };
    let without = |member: String| {
        let mut said = signed(&right, &farm);
        said.receipt = said.receipt.replace(&member, "");
        said
    };
    vec![
        ("signed by a party: valid", signed(&right, &farm)),
        (
            "a party's signature over something else",
            signed(&other, &farm),
        ),
        ("a party's signature that is no base64", signed("x", &farm)),
        ("a party's signature cut short", signed(&right[4..], &farm)),
        ("a party's key that is none", signed(&right, "x")),
        ("a party's key of small order", signed(&right, WEAK_SIGNER)),
        (
            "a signature without its signer",
            without(format!(",\"signer\":\"{farm}\"")),
        ),
        (
            "a signer without a signature",
            without(format!(",\"signature\":\"{right}\"")),
        ),
    ]
}

fn fields() -> Vec<(&'static str, Said)> {
    let receipt = |from: &str, to: &str| {
        let mut said = plain();
        assert!(said.receipt.contains(from));
        said.receipt = said.receipt.replacen(from, to, 1);
        said
    };
    let content = |content: &str| Said {
        content: content.into(),
        ..plain()
    };
    let about = format!("\"about\":[\"epc {SUBJECT}\"],");
    let recorded = ",\"recorded\":\"2026-11-23T01:02:00.007Z\"";
    vec![
        ("the small base: valid", plain()),
        ("another time in the receipt", receipt("00.007Z", "00.008Z")),
        (
            "a time that is no string",
            receipt("\"2026-11-23T01:02:00.007Z\"", "7"),
        ),
        (
            "an unknown field in the receipt",
            receipt("{", "{\"remark\":1,"),
        ),
        ("a receipt without /about", receipt(&about, "")),
        (
            "an /about that is no list",
            receipt(&about, "\"about\":{\"0\":\"epc x\"},"),
        ),
        (
            "an /about that is a string",
            receipt(&about, "\"about\":\"epc x\","),
        ),
        ("a receipt without /recorded", receipt(recorded, "")),
        (
            "a kind that is no string",
            content(r#"{"body":{},"issuer":"i","kind":5}"#),
        ),
        (
            "an issuer that is an object",
            content(r#"{"body":{},"issuer":{"i":1},"kind":"event"}"#),
        ),
        ("no issuer", content(r#"{"body":{},"kind":"event"}"#)),
        (
            "a field after /kind",
            content(r#"{"body":{},"issuer":"i","kind":"event","last":1}"#),
        ),
        (
            "a field before /body",
            content(r#"{"a":1,"body":{},"issuer":"i","kind":"k"}"#),
        ),
    ]
}

fn connections() -> Vec<(&'static str, Said)> {
    let lot = "https://id.gs1.org/01/09521234543213/10/L1";
    let about = |about: &str| Said {
        receipt: receipt(about, None),
        ..plain()
    };
    vec![
        ("about another thing", about("epc https://id.gs1.org/00/1")),
        ("about the subject, without a role", about(SUBJECT)),
        (
            "about the lot of the subject: valid",
            about(&format!("lot {lot}")),
        ),
        (
            "about the lot and another serial",
            about(&format!("epc {lot}/21/S2")),
        ),
        (
            "about the product of the subject: valid",
            about(&format!("epc {}", &lot[..36])),
        ),
        (
            "about the beginning of a name",
            about(&format!("epc {}", &lot[..35])),
        ),
    ]
}

fn receipt(about: &str, signed: Option<(&str, &str)>) -> String {
    let signed = signed.map(|(signature, signer)| Signed { signature, signer });
    receipt_text(&[about.to_owned()], time("00.007"), signed.as_ref())
}

fn statement(content: &str, receipt: &str) -> Statement {
    Statement::read(&StatementParts {
        content,
        receipt,
        content_salts: Secret([1; 32]).into(),
        receipt_secret: Secret([2; 32]),
    })
    .unwrap()
}

/// A bundle of the statement alone, at index 1 of a log of two entries.
fn bundle(said: &Said) -> String {
    let statement = statement(&said.content, &said.receipt);
    let told = Told {
        entry: Entry {
            recorded: time("00.007"),
            digest: statement.digest(),
        },
        statement,
        hidden: |_| false,
    };
    let shape = LogShape {
        size: 2,
        first_seal_size: 1,
    };
    sample_of(Seeds { log: 1, story: 2 }, shape, &[(1, told)])
        .bundle
        .format()
}
