//! Statements that come with their party's own signature: made in the party's system, before the log has seen
//! anything (the log's README, section 5).

use auditlog::Hash;
use auditlog::encoding::{from_base64, to_base64};
use auditlog::field::{Fields, Secret};
use auditlog::json::{self, Value, write_string};
use auditlog::note::{NoteSigner, Verifier};
use auditlog::statement::signed_message;

use super::fields::{At, Fault, FaultKind};
use super::statement::Kind;

/// The file's format.
pub const FORMAT: &str = "rootmark-signed/v1";
/// Statements of one file.
pub const MAX_STATEMENTS: usize = 500;

/// A statement with its party's signature.
#[derive(Debug, Clone)]
pub struct SignedStatement {
    /// What is said.
    pub kind: Kind,
    /// Compact JSON of an object.
    pub body: String,
    /// Who says it: a canonical Digital Link.
    pub issuer: String,
    /// The signature over all of that.
    pub signature: PartySignature,
}

/// A party's signature over the content of one statement.
#[derive(Debug, Clone)]
pub struct PartySignature {
    /// Salts the content; the party chose it.
    pub secret: Secret,
    /// 64 bytes of Ed25519, as base64.
    pub signature: String,
    /// The party's key, a vkey.
    pub signer: String,
}

impl PartySignature {
    /// Signs a content.
    pub fn of(
        content: &str,
        secret: Secret,
        signer: &NoteSigner,
    ) -> Result<PartySignature, json::JsonError> {
        let root = Fields::of(&json::parse(content)?).root(&secret.into());
        Ok(PartySignature {
            secret,
            signature: to_base64(&signer.sign(signed_message(&root).as_bytes())),
            signer: signer.verifier().format(),
        })
    }

    /// Whether it is its signer's over the content with this root.
    pub fn is_over(&self, content_root: &Hash) -> bool {
        is_signature(content_root, &self.signature, &self.signer)
    }
}

/// Whether a signature is the signer's over the content with this root.
pub fn is_signature(content_root: &Hash, signature: &str, signer: &str) -> bool {
    let message = signed_message(content_root);
    let signer = Verifier::parse(signer);
    let bytes = from_base64(signature);
    signer
        .ok()
        .zip(bytes)
        .is_some_and(|(signer, bytes)| signer.check(message.as_bytes(), &bytes).is_ok())
}

/// Reads a file of signed statements. Signatures are checked where a statement is recorded, over what is stored.
pub fn read_signed(value: &Value<'_>) -> Result<Vec<SignedStatement>, Fault> {
    let at = At::root(value);
    at.exactly(&["format", "statements"])?;
    let format = at.required("format")?;
    if format.text()? != FORMAT {
        return Err(format.fault(FaultKind::MustBe(FORMAT)));
    }
    let list = at.required("statements")?;
    let statements = list.elements()?;
    if statements.is_empty() {
        return Err(list.fault(FaultKind::Rule("there is no statement")));
    }
    if statements.len() > MAX_STATEMENTS {
        return Err(list.fault(FaultKind::TooMany(MAX_STATEMENTS)));
    }
    statements.iter().map(read_one).collect()
}

/// The kinds of statement that a party makes. Look-ups, codes, and what stands only beside what the service knows of them,
/// nobody can sign beforehand.
const PARTYS: [Kind; 6] = [
    Kind::Event,
    Kind::Product,
    Kind::Party,
    Kind::Document,
    Kind::Link,
    Kind::Recall,
];

fn read_one(at: &At<'_>) -> Result<SignedStatement, Fault> {
    at.exactly(&["content", "secret", "signature", "signer"])?;
    let content = at.required("content")?;
    content.exactly(&["body", "issuer", "kind"])?;
    let body = content.required("body")?;
    body.object()?;
    let kind_at = content.required("kind")?;
    let kind = Kind::parse(kind_at.text()?).filter(|kind| PARTYS.contains(kind));
    let secret_at = at.required("secret")?;
    let secret = from_base64(secret_at.text()?).and_then(|bytes| bytes.try_into().ok());
    let signature = at.required("signature")?;
    let is_signature = from_base64(signature.text()?).is_some_and(|bytes| bytes.len() == 64);
    let signer = at.required("signer")?;
    if Verifier::parse(signer.text()?).is_err() {
        return Err(signer.fault(FaultKind::MustBe("a vkey: <name>+<8 hex digits>+<base64>")));
    }
    if !is_signature {
        return Err(signature.fault(FaultKind::MustBe(
            "base64 of the 64 bytes of an Ed25519 signature",
        )));
    }
    Ok(SignedStatement {
        kind: kind.ok_or_else(|| {
            kind_at.fault(FaultKind::MustBe(
                "a kind of statement that a party makes, such as event",
            ))
        })?,
        body: body.value.to_compact(),
        issuer: content.required("issuer")?.text()?.to_owned(),
        signature: PartySignature {
            secret: Secret(
                secret.ok_or_else(|| secret_at.fault(FaultKind::MustBe("base64 of 32 bytes")))?,
            ),
            signature: signature.text()?.to_owned(),
            signer: signer.text()?.to_owned(),
        },
    })
}

/// The file of signed statements, each with the text of its content.
pub fn write_signed<'s>(statements: impl Iterator<Item = (&'s str, &'s PartySignature)>) -> String {
    let mut out = format!("{{\"format\":\"{FORMAT}\",\"statements\":[");
    for (place, (content, signature)) in statements.enumerate() {
        out.push_str(if place > 0 { ",\n" } else { "\n" });
        out.push_str("{\"content\":");
        out.push_str(content);
        for (name, value) in [
            ("secret", to_base64(&signature.secret.0)),
            ("signature", signature.signature.clone()),
            ("signer", signature.signer.clone()),
        ] {
            out.push_str(&format!(",\"{name}\":"));
            write_string(&value, &mut out);
        }
        out.push('}');
    }
    out.push_str("\n]}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &str =
        r#"{"body":{"n":1.50},"issuer":"https://id.gs1.org/417/9521041000008","kind":"document"}"#;

    fn signed() -> (String, PartySignature) {
        let signer = NoteSigner::from_seed("lab.example", &[7; 32]).unwrap();
        let signature = PartySignature::of(CONTENT, Secret([9; 32]), &signer).unwrap();
        let file = write_signed([(CONTENT, &signature)].into_iter());
        (file, signature)
    }

    fn read(file: &str) -> Result<Vec<SignedStatement>, String> {
        let value = json::parse(file).map_err(|error| error.to_string())?;
        read_signed(&value).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_was_signed_is_read_back_with_every_digit_and_its_signature_holds() {
        let (file, _) = signed();
        let [statement] = &read(&file).unwrap()[..] else {
            panic!("one was written")
        };
        assert_eq!(statement.body, r#"{"n":1.50}"#);
        assert_eq!(statement.kind, Kind::Document);
        let root = |content: &str, secret: [u8; 32]| {
            Fields::of(&json::parse(content).unwrap()).root(&Secret(secret).into())
        };
        let signature = &statement.signature;
        assert!(signature.is_over(&root(CONTENT, signature.secret.0)));
        // Another digit, another secret, another signer.
        assert!(!signature.is_over(&root(&CONTENT.replace("1.50", "1.5"), [9; 32])));
        assert!(!signature.is_over(&root(CONTENT, [8; 32])));
        let mut other = statement.signature.clone();
        let signer = NoteSigner::from_seed("lab.example", &[6; 32]).unwrap();
        other.signer = signer.verifier().format();
        assert!(!other.is_over(&root(CONTENT, [9; 32])));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        let (file, signature) = signed();
        let wrong = |from: &str, to: &str| read(&file.replacen(from, to, 1)).unwrap_err();
        assert!(wrong("/v1", "/v2").starts_with("/format: "));
        // What only the service itself says, or what stands by what else it knows.
        for kind in [
            "issuance",
            "scan",
            "review",
            "reveal",
            "disclosure",
            "erasure",
        ] {
            let fault = wrong("document", kind);
            assert!(fault.starts_with("/statements/0/content/kind: "), "{fault}");
        }
        assert!(wrong("lab.example", "lab example").starts_with("/statements/0/signer: "));
        assert!(wrong(&signature.signature, "AAAA").starts_with("/statements/0/signature: "));
        let secret = to_base64(&signature.secret.0);
        assert!(wrong(&secret, "AAAA").starts_with("/statements/0/secret: "));
        assert!(wrong("\"secret\"", "\"salt\"").starts_with("/statements/0/salt: "));
        let none = format!(r#"{{"format":"{FORMAT}","statements":[]}}"#);
        assert!(read(&none).unwrap_err().starts_with("/statements: "));
        let many = |count: usize| {
            let statements = std::iter::repeat_n((CONTENT, &signature), count);
            read(&write_signed(statements))
        };
        assert_eq!(many(MAX_STATEMENTS).unwrap().len(), MAX_STATEMENTS);
        assert_eq!(
            many(MAX_STATEMENTS + 1).unwrap_err(),
            "/statements: has more than 500 elements"
        );
    }
}
