//! What `rootmark verify` says of a proof that holds, and what it cannot say.

use std::collections::BTreeMap;

use auditlog::Hash;
use auditlog::bundle::{KeysFrom, Verified, VerifiedStatement};
use auditlog::evidence::{EvidenceError, TwoHistories};
use auditlog::policy::Witnessed;
use auditlog::proof::TreeHead;
use auditlog::statement_proof::VerifiedProof;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Report;

pub(super) fn of_bundle(verified: &Verified) -> Report {
    Report {
        words: bundle_in_words(verified),
        json: bundle_as_json(verified),
    }
}

pub(super) fn of_statement(verified: &VerifiedProof) -> Report {
    Report {
        words: statement_in_words(verified),
        json: statement_as_json(verified),
    }
}

pub(super) fn of_evidence(found: &TwoHistories) -> Report {
    let TwoHistories {
        origin,
        is_trusted,
        old,
        new,
        begins_with,
    } = found;
    let key = if *is_trusted {
        "PROVEN: the key that you gave has signed two histories."
    } else {
        "PROVEN of whoever holds the key in the file: it has signed two histories. Give --vkey from a place that you \
         trust, to know whose it is."
    };
    let root = |hash: &Hash| hash.to_base64();
    let words = format!(
        "{key}\n\
         log         {origin}\n\
         one tree    {} entries, root {}\n\
         another     {} entries, root {}, of which the first {} have the root {}\n",
        old.size,
        root(&old.root),
        new.size,
        root(&new.root),
        old.size,
        root(begins_with),
    );
    let head = |head: &TreeHead| json!({ "tree_size": head.size.0, "root": root(&head.root) });
    let json = json!({
        "two_histories": true,
        "keys_trusted": is_trusted,
        "origin": origin,
        "old": head(old),
        "new": head(new),
        "begins_with": root(begins_with),
    });
    Report { words, json }
}

pub(super) fn of_no_evidence(error: &EvidenceError) -> Report {
    Report {
        words: format!("NOT PROVEN: {error}\n"),
        json: json!({ "two_histories": false, "error": error.to_string() }),
    }
}

fn bundle_in_words(verified: &Verified) -> String {
    let Verified {
        subject,
        origin,
        size,
        sealed_at,
        statements,
        ..
    } = verified;
    let keys = match verified.keys {
        KeysFrom::Verifier => "OK: verified with the keys that you gave.",
        KeysFrom::Bundle => {
            "CONSISTENT, but the keys are the bundle's own: this does not show who made it. Give \
             --vkey and --story-vkey from a place that you trust."
        }
    };
    let sealed = if verified.anchored {
        "the anchor file holds this seal; its time is the operator's word"
    } else {
        "the operator's word, not checked without --anchors"
    };
    let count = statements.len();
    format!(
        "{keys}\n\
         subject     {subject}\n\
         log         {origin}\n\
         fingerprint {}\n\
         statements  {count}: all that the operator claims to hold at size {size}\n\
         sealed at   {sealed_at} ({sealed})\n\
         {}\
         {}\
         {}\
         withheld    {} values named and not shown, {} subtrees not named\n",
        verified.fingerprint,
        signers_in_words(statements),
        erasures_in_words(statements),
        witnesses_in_words(verified.witnesses.as_deref()),
        verified.withheld(),
        verified.unnamed(),
    )
}

/// Parties' own signatures, by key: whose each is, a verifier knows from elsewhere.
fn signers_in_words(statements: &[VerifiedStatement]) -> String {
    let mut signed: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for statement in statements {
        if let Some(signer) = &statement.signer {
            *signed.entry((signer, &statement.issuer)).or_default() += 1;
        }
    }
    let line = |((signer, issuer), count): (&(&str, &str), &usize)| {
        format!(
            "signed by   {signer}\n            {count} of them, said to be the key of {issuer}\n"
        )
    };
    signed.iter().map(line).collect()
}

/// What is missing for good, and why.
fn erasures_in_words(statements: &[VerifiedStatement]) -> String {
    let erasures = statements.iter().filter(|one| one.kind == "erasure");
    let line = |erasure: &VerifiedStatement| {
        let leaves = erasure.content.leaves.iter();
        let fields = leaves
            .filter(|leaf| leaf.pointer.contains("/fields/"))
            .count();
        let reason = erasure.content.value("/body/reason/en").unwrap_or("null");
        format!(
            "erased      {fields} fields, as entry {} says: {reason}\n",
            erasure.index
        )
    };
    erasures.map(line).collect()
}

fn statement_in_words(verified: &VerifiedProof) -> String {
    let VerifiedProof {
        origin,
        size,
        statement,
        witnesses,
    } = verified;
    let signer = match &statement.signer {
        Some(signer) => format!("signed by   {signer}\n"),
        None => String::new(),
    };
    format!(
        "OK: verified with the key that you gave.\n\
         log         {origin}\n\
         index       {} of {size}\n\
         recorded    {} (the operator's word)\n\
         kind        {}\n\
         issuer      {}\n\
         {signer}\
         {}\
         fields      {} shown, {} named and not shown, {} subtrees not named\n\
         not said    whether the log holds more about the same: a .tlog-proof has no story note\n",
        statement.index,
        statement.recorded,
        statement.kind,
        statement.issuer,
        witnesses_in_words(witnesses.as_deref()),
        statement.shown(),
        statement.withheld(),
        statement.unnamed(),
    )
}

/// Who cosigned and when, and on whose word the age rests: what the first of them saw existed then.
fn witnesses_in_words(witnesses: Option<&[Witnessed]>) -> String {
    let Some(witnesses) = witnesses else {
        return "witnesses   not asked for without --policy; the age is the operator's word\n"
            .into();
    };
    let mut said = String::new();
    for witness in witnesses {
        let (name, time) = (&witness.name, time_text(witness.time));
        said.push_str(&format!("witnessed   {time} by {name}\n"));
    }
    said.push_str(&match earliest(witnesses) {
        Some(first) => format!(
            "age         not younger than {}: the age is a witness's word\n",
            time_text(first.time)
        ),
        None => "age         no witness has cosigned: the age is the operator's word\n".into(),
    });
    said
}

fn earliest(witnesses: &[Witnessed]) -> Option<&Witnessed> {
    witnesses.iter().min_by_key(|witness| witness.time)
}

/// RFC 3339; a time beyond the year 9999, which it cannot write, stays a number.
fn time_text(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("second {seconds} since 1970"))
}

fn bundle_as_json(verified: &Verified) -> Value {
    let statements: Vec<_> = verified.statements.iter().map(statement_json).collect();
    let mut said = json!({
        "valid": true,
        "keys_from": match verified.keys {
            KeysFrom::Verifier => "verifier",
            KeysFrom::Bundle => "bundle",
        },
        "subject": verified.subject,
        "origin": verified.origin,
        "fingerprint": verified.fingerprint,
        "tree_size": verified.size.0,
        "sealed_at": verified.sealed_at.as_str(),
        "anchored": verified.anchored,
        "withheld": verified.withheld(),
        "unnamed": verified.unnamed(),
        "statements": statements,
    });
    add_witnesses(&mut said, verified.witnesses.as_deref());
    said
}

fn statement_as_json(verified: &VerifiedProof) -> Value {
    let statement = &verified.statement;
    let mut said = json!({
        "valid": true,
        "keys_from": "verifier",
        "origin": verified.origin,
        "tree_size": verified.size.0,
        "shown": statement.shown(),
        "withheld": statement.withheld(),
        "unnamed": statement.unnamed(),
        "statement": statement_json(statement),
    });
    add_witnesses(&mut said, verified.witnesses.as_deref());
    said
}

fn statement_json(statement: &VerifiedStatement) -> Value {
    json!({
        "index": statement.index.0,
        "recorded": statement.recorded.as_str(),
        "kind": statement.kind,
        "issuer": statement.issuer,
        "signer": statement.signer,
    })
}

/// `witnesses` is null where no policy asked for any.
fn add_witnesses(said: &mut Value, witnesses: Option<&[Witnessed]>) {
    let one = |witness: &Witnessed| json!({ "name": witness.name, "at": time_text(witness.time) });
    said["witnesses"] = match witnesses {
        Some(witnesses) => witnesses.iter().map(one).collect(),
        None => Value::Null,
    };
    let first = witnesses.and_then(earliest);
    let word_of = if first.is_some() {
        "witness"
    } else {
        "operator"
    };
    said["age"] = json!({
        "word_of": word_of,
        "not_younger_than": first.map(|witness| time_text(witness.time)),
    });
}
