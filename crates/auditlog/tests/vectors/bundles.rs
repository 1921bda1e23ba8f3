//! Vectors of whole bundles: the sample of `tests/support`, what can happen to it on the way, and
//! what a dishonest log could sign.

use auditlog::bundle::{Bundle, KeysFrom, Trust, Verified, verify};
use auditlog::note::{NoteSigner, SignedNote};

use crate::support::{Sample, sample};
use crate::writer::{Json, file, object};
use crate::{diff, disclosures, dishonest, resigned};

/// What the verifier of a case holds beside the bundle.
#[derive(Clone, Copy)]
pub enum Has {
    KeysAndAnchors,
    Keys,
    Nothing,
}

pub fn bundles() -> String {
    let sample = sample();
    let small = dishonest::valid_bundle();
    let mut cases = valid(&sample);
    cases.extend(spelled(&sample));
    cases.extend(shapes(&sample));
    cases.extend(resigned::cases(&sample));
    cases.extend(disclosures::cases(&sample));
    cases.extend(dishonest::cases(&sample, &small));
    file(
        "README §13 and §14: bundles, with the keys and the anchor file of their log. A case is a \
         text of `bases`, named by `base`, with `edits`: for each `[at, remove, insert]`, from \
         byte `at` of the base, `remove` bytes are replaced by the text `insert`. It is verified \
         with what the verifier `has`, and gives `error` or `verified`.",
        [
            ("vkey", sample.log_key.format().into()),
            ("story_vkey", sample.story_key.format().into()),
            ("anchors", sample.anchors.as_str().into()),
            (
                "bases",
                object([
                    ("sample", sample.bundle.format().into()),
                    ("small", small.into()),
                ]),
            ),
            ("cases", cases.into()),
        ],
    )
}

/// A case that differs in a few bytes from the sample.
pub fn case(name: &str, sample: &Sample, changed: &str, has: Has) -> Json {
    let base = sample.bundle.format();
    case_of(name, sample, ("sample", &base), changed, has)
}

/// A case that differs in a few bytes from the base that is named.
pub fn case_of(
    name: &str,
    sample: &Sample,
    base: (&'static str, &str),
    changed: &str,
    has: Has,
) -> Json {
    let (words, trust) = match has {
        Has::KeysAndAnchors => ("keys and anchors", sample.trust()),
        Has::Keys => {
            let anchors = None;
            (
                "keys",
                Trust {
                    anchors,
                    ..sample.trust()
                },
            )
        }
        Has::Nothing => ("nothing", Trust::default()),
    };
    let answer = match verify(changed.as_bytes(), &trust) {
        Ok(verified) => ("verified", summary(&verified)),
        Err(error) => ("error", error.to_string().into()),
    };
    object([
        ("name", name.into()),
        ("base", base.0.into()),
        ("edits", diff::edits(base.1, changed)),
        ("has", words.into()),
        answer,
    ])
}

/// A case whose bundle has other members.
pub fn changed(name: &str, sample: &Sample, change: impl FnOnce(&mut Bundle)) -> Json {
    let mut bundle = sample.bundle.clone();
    change(&mut bundle);
    case(name, sample, &bundle.format(), Has::KeysAndAnchors)
}

/// What a verifier must have found, as far as it can be said in a line.
pub fn summary(verified: &Verified) -> Json {
    let keys = match verified.keys {
        KeysFrom::Verifier => "verifier",
        KeysFrom::Bundle => "bundle",
    };
    let statements = verified.statements.iter().map(|statement| {
        let leaves = [&statement.content.leaves[..], &statement.receipt.leaves].concat();
        let shown = leaves.iter().filter(|leaf| leaf.value.is_some()).count();
        let unnamed = statement.content.unnamed + statement.receipt.unnamed;
        object([
            ("index", statement.index.0.into()),
            ("recorded", statement.recorded.as_str().into()),
            ("kind", statement.kind.as_str().into()),
            ("issuer", statement.issuer.as_str().into()),
            ("signer", statement.signer.clone().into()),
            ("shown", (shown as u64).into()),
            ("withheld", ((leaves.len() - shown) as u64).into()),
            ("unnamed", (unnamed as u64).into()),
        ])
    });
    object([
        ("subject", verified.subject.as_str().into()),
        ("origin", verified.origin.as_str().into()),
        ("keys", keys.into()),
        ("size", verified.size.0.into()),
        ("sealed_at", verified.sealed_at.as_str().into()),
        ("anchored", verified.anchored.into()),
        ("statements", statements.collect::<Vec<_>>().into()),
    ])
}

fn valid(sample: &Sample) -> Vec<Json> {
    use Has::{Keys, KeysAndAnchors, Nothing};
    let text = sample.bundle.format();
    let anchor = "\"anchor\":\"{\\\"seal\\\":";
    let later = text.replace(&format!("{anchor}2"), &format!("{anchor}3"));
    let mut cosigned = sample.bundle.clone();
    let stranger = NoteSigner::from_seed("w.example", &[9; 32]).unwrap();
    let line = SignedNote::sign("x\n".into(), &stranger).unwrap().format();
    cosigned.checkpoint.push_str(&line["x\n\n".len()..]);
    let cosigned = cosigned.format();
    [
        ("the sample", &text, KeysAndAnchors),
        ("without the anchor file", &text, Keys),
        ("without anything", &text, Nothing),
        (
            "a signature by an unknown key more",
            &cosigned,
            KeysAndAnchors,
        ),
        (
            "without the anchor file, another seal goes unseen",
            &later,
            Keys,
        ),
        ("with the anchor file, it does not", &later, KeysAndAnchors),
    ]
    .map(|(name, text, has)| case(name, sample, text, has))
    .into()
}

/// Texts that differ from the sample by a replacement of the first match.
pub fn replaced(sample: &Sample, changes: &[(&str, &str, &str)]) -> Vec<Json> {
    let text = sample.bundle.format();
    changes
        .iter()
        .map(|(name, from, to)| {
            assert!(text.contains(from), "{name}");
            let changed = text.replacen(from, to, 1);
            case(name, sample, &changed, Has::KeysAndAnchors)
        })
        .collect()
}

fn spelled(sample: &Sample) -> Vec<Json> {
    let text = sample.bundle.format();
    let mut cases = replaced(
        sample,
        &[
            ("a space", "{\"format\":", "{ \"format\":"),
            ("a needless escape", "\"p\":\"/", "\"p\":\"\\/"),
            (
                "a member twice",
                "\"subject\":",
                "\"format\":\"\",\"subject\":",
            ),
            (
                "an index with a leading zero",
                "\"index\":3,",
                "\"index\":03,",
            ),
        ],
    );
    let newline = format!("{text}\n");
    let (short, half) = (&text[..text.len() - 1], &text[..text.len() / 2]);
    cases.extend([
        case(
            "a newline at the end",
            sample,
            &newline,
            Has::KeysAndAnchors,
        ),
        case("cut off at the end", sample, short, Has::KeysAndAnchors),
        case("cut in half", sample, half, Has::KeysAndAnchors),
    ]);
    cases
}

fn shapes(sample: &Sample) -> Vec<Json> {
    let bundle = &sample.bundle;
    let quoted = |text: &str| {
        let mut out = String::new();
        auditlog::json::write_string(text, &mut out);
        out
    };
    let story = format!(",\"story\":{}", quoted(&bundle.story));
    replaced(
        sample,
        &[
            ("another version", "rootmark-proof/v1", "rootmark-proof/v2"),
            ("a member missing", &story, ""),
            (
                "a member of the wrong kind",
                "\"log\":{",
                "\"log\":[],\"x\":{",
            ),
            ("a member more in front", "\"log\":{", "\"log\":{\"x\":1,"),
            ("a member more at the end", "\"}]]}]}", "\"}]]}],\"x\":1}"),
            (
                "members in another order",
                "\"index\":3,\"entry\"",
                "\"entry\":\"\",\"index\":3,\"x\"",
            ),
            ("an index that is text", "\"index\":3,", "\"index\":\"3\","),
            ("an index with a fraction", "\"index\":3,", "\"index\":3.0,"),
            (
                "an index beyond 64 bits",
                "\"index\":3,",
                "\"index\":18446744073709551616,",
            ),
            ("three trees", "\"disclosure\":[", "\"disclosure\":[\"\","),
            (
                "a hash of the path cut short",
                "\"path\":[\"",
                "\"path\":[\"AAAA\",\"",
            ),
        ],
    )
}
