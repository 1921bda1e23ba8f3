//! One name, many ways to write it: CURIEs, bare words of the CBV, URNs and web addresses.
//!
//! - [`Names`] is a JSON-LD `@context` as far as names need it: prefixes and what they stand for.
//!   It expands a CURIE to its URI, and an extension's name to namespace and local name.
//! - [`bare_word`] takes every form of a vocabulary's word to the bare word, [`word_uri`] to the
//!   URI. Two texts are the same word if and only if either gives the same text for both.
//!
//! A query for `EQ_bizStep` compares `bare_word(Vocabulary::BizStep, …)` of its value and of the
//! event's; a query for `EQ_ILMD_https://ns.example/#field` compares [`Member::uri`] of its name
//! with that of each member. No context is fetched: EPCIS's own is known, others say what they
//! mean where they stand, and a prefix that only a foreign context could explain stays as it is.

use std::borrow::Cow;
use std::collections::HashMap;

use auditlog::json::Value;

/// What the EPCIS 2.0 context declares. It is `@protected` there: an event's own context may not
/// give these another meaning (JSON-LD 1.1 §4.1.11), so that nobody's `cbv:` is somebody's trick.
const PROTECTED: &[(&str, &str)] = &[
    ("epcis", "https://ref.gs1.org/epcis/"),
    ("cbv", "https://ref.gs1.org/cbv/"),
    ("cbvmda", "urn:epcglobal:cbv:mda:"),
    ("gs1", "https://gs1.org/voc/"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ("dcterms", "http://purl.org/dc/terms/"),
];

/// Bytes of the longest namespace that is taken. A longer one is no address of anything, and would
/// be copied with each of the names that use it.
pub const MAX_NAMESPACE_BYTES: usize = 2_048;

/// How many prefixes may stand for each other before a URI comes. Real contexts have none; a circle
/// ends here.
const MAX_STEPS: usize = 8;

/// The prefixes of an effective `@context`.
#[derive(Debug, Clone, Default)]
pub struct Names<'c> {
    declared: HashMap<&'c str, &'c str>,
}

impl<'c> Names<'c> {
    /// The names of a context: a URI, an object of terms, or a list of these, of which a later one
    /// overrides an earlier (JSON-LD 1.1 §4.1). `None` and what is no context declare nothing, nor
    /// does a term that stands for more than [`MAX_NAMESPACE_BYTES`].
    pub fn of(context: Option<&'c Value<'c>>) -> Names<'c> {
        Names::of_all(context)
    }

    /// The names of several contexts, of which a later one extends and overrides the earlier: a
    /// document's and its event's own.
    pub fn of_all(contexts: impl IntoIterator<Item = &'c Value<'c>>) -> Names<'c> {
        let mut names = Names::default();
        for context in contexts {
            match context {
                Value::Array(parts) => parts.iter().for_each(|part| names.declare(part)),
                single => names.declare(single),
            }
        }
        names
    }

    /// The prefixes that were declared, with what they stand for, in no order.
    pub fn declared(&self) -> impl Iterator<Item = (&'c str, &'c str)> {
        self.declared.iter().map(|(prefix, uri)| (*prefix, *uri))
    }

    fn declare(&mut self, part: &'c Value<'c>) {
        for (term, meaning) in part.as_object().unwrap_or_default() {
            // JSON-LD 1.1 §9.15.1: a term is its URI, or an object that has it as its @id.
            let uri = meaning
                .as_str()
                .or_else(|| meaning.get("@id").and_then(Value::as_str));
            let is_taken = |uri: &&str| !term.starts_with('@') && uri.len() <= MAX_NAMESPACE_BYTES;
            if let Some(uri) = uri.filter(is_taken) {
                self.declared.insert(term, uri);
            }
        }
    }

    /// The URI that a CURIE stands for; any other text as it is.
    pub fn expand<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.split(text) {
            Some((namespace, local)) => Cow::Owned(format!("{namespace}{local}")),
            None => Cow::Borrowed(text),
        }
    }

    /// A word in the form in which it is compared: bare where it is the vocabulary's, else a whole URI.
    pub fn word<'t>(&self, vocabulary: Vocabulary, text: &'t str) -> Cow<'t, str> {
        match self.expand(text) {
            Cow::Borrowed(text) => Cow::Borrowed(bare_word(vocabulary, text)),
            Cow::Owned(whole) => Cow::Owned(bare_word(vocabulary, &whole).to_owned()),
        }
    }

    /// A member's name, taken apart into namespace and local name.
    pub fn member<'t>(&self, name: &'t str) -> Member<'t> {
        if let Some((namespace, local)) = self.split(name) {
            let namespace = Cow::Owned(namespace);
            return Member { namespace, local };
        }
        // A whole URI is cut where a namespace usually ends, but never into a scheme and the rest.
        // A bare name has no namespace, nor has one whose prefix nobody declared.
        let scheme = name.find(':').unwrap_or(name.len());
        let end = name.rfind(['#', '/', ':']).filter(|&at| at > scheme);
        let end = end.map_or(0, |at| at + 1);
        let (namespace, local) = name.split_at(end);
        let namespace = Cow::Borrowed(namespace);
        Member { namespace, local }
    }

    /// The namespace of a CURIE and what follows its prefix.
    fn split<'t>(&self, text: &'t str) -> Option<(String, &'t str)> {
        let (prefix, local) = prefixed(text)?;
        let mut namespace = self.meaning(prefix)?.to_owned();
        for _ in 0..MAX_STEPS {
            let next = prefixed(&namespace)
                .and_then(|(prefix, rest)| Some(format!("{}{rest}", self.meaning(prefix)?)));
            match next {
                Some(next) if next.len() <= MAX_NAMESPACE_BYTES => namespace = next,
                _ => break,
            }
        }
        Some((namespace, local))
    }

    fn meaning(&self, prefix: &str) -> Option<&str> {
        let protected = PROTECTED.iter().find(|(name, _)| *name == prefix);
        match protected {
            Some((_, uri)) => Some(uri),
            None => self.declared.get(prefix).copied(),
        }
    }
}

/// JSON-LD 1.1 API §5.2.2: what has `//` after its first colon is a URI whatever the prefixes.
fn prefixed(text: &str) -> Option<(&str, &str)> {
    let (prefix, local) = text.split_once(':')?;
    (!local.starts_with("//")).then_some((prefix, local))
}

/// The name of a member: an extension's, or without namespace one of EPCIS itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'t> {
    /// Such as `https://ns.example/#`, its last sign included; empty for a bare name.
    pub namespace: Cow<'t, str>,
    /// What follows it.
    pub local: &'t str,
}

impl Member<'_> {
    /// The whole URI, or the bare name.
    pub fn uri(&self) -> String {
        format!("{}{}", self.namespace, self.local)
    }

    /// `{namespace}local`, or the bare name.
    pub fn expanded(&self) -> String {
        if self.namespace.is_empty() {
            return self.local.to_owned();
        }
        format!("{{{}}}{}", self.namespace, self.local)
    }
}

/// Which vocabulary a word is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vocabulary {
    /// `bizStep`
    BizStep,
    /// `disposition` and the members of `persistentDisposition`
    Disposition,
    /// `type` in `bizTransactionList`
    BizTransactionType,
    /// `type` in `sourceList` and `destinationList`
    SourceDestType,
    /// `reason` in `errorDeclaration`
    ErrorReason,
    /// `component` in `sensorReport`
    Component,
    /// `type` in `sensorReport`
    MeasurementType,
    /// `exception` in `sensorReport`
    SensorException,
}

/// The URN and the web form of a vocabulary, each up to the word.
struct Forms {
    urn: Option<&'static str>,
    namespace: &'static str,
    web: &'static str,
}

impl Vocabulary {
    fn forms(self) -> Forms {
        let cbv = |urn, web| Forms {
            urn,
            namespace: "cbv",
            web,
        };
        match self {
            Vocabulary::BizStep => cbv(Some("bizstep:"), "BizStep-"),
            Vocabulary::Disposition => cbv(Some("disp:"), "Disp-"),
            Vocabulary::BizTransactionType => cbv(Some("btt:"), "BTT-"),
            Vocabulary::SourceDestType => cbv(Some("sdt:"), "SDT-"),
            Vocabulary::ErrorReason => cbv(Some("er:"), "ER-"),
            Vocabulary::Component => cbv(None, "Comp-"),
            Vocabulary::MeasurementType | Vocabulary::SensorException => Forms {
                urn: None,
                namespace: "gs1",
                web: "",
            },
        }
    }
}

/// What a URN of the CBV begins with.
const CBV_URN: &str = "urn:epcglobal:cbv:";

/// Where a vocabulary stands on the web, by the prefix of its CURIEs. The first is the one that the
/// EPCIS 2.0 context expands to; the others are older or later addresses of the same vocabulary.
fn homes(namespace: &str) -> &'static [&'static str] {
    match namespace {
        "cbv" => &[
            "ref.gs1.org/cbv/",
            "ns.gs1.org/cbv/",
            "ns.gs1.org/voc/",
            "cbv:",
        ],
        _ => &[
            "gs1.org/voc/",
            "www.gs1.org/voc/",
            "ref.gs1.org/voc/",
            "gs1:",
        ],
    }
}

/// The bare word that `text` means in the vocabulary: `shipping` for `shipping` itself, for
/// `cbv:BizStep-shipping`, for `urn:epcglobal:cbv:bizstep:shipping` and for
/// `https://ref.gs1.org/cbv/BizStep-shipping` and its older addresses. Any other text, such as a
/// company's own URI or a word of another vocabulary, is given back as it is.
///
/// Expand a CURIE with a prefix of the event's own by [`Names::expand`] first.
pub fn bare_word(kind: Vocabulary, text: &str) -> &str {
    let forms = kind.forms();
    let urn = || text.strip_prefix(CBV_URN)?.strip_prefix(forms.urn?);
    let web = || {
        let address = text
            .strip_prefix("https://")
            .or(text.strip_prefix("http://"));
        let homes = homes(forms.namespace).iter();
        let mut words = homes.filter_map(|home| address.unwrap_or(text).strip_prefix(home));
        strip_ignoring_case(words.next()?, forms.web)
    };
    let is_word = |word: &&str| {
        let letters = word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        letters && !word.is_empty()
    };
    urn().or_else(web).filter(is_word).unwrap_or(text)
}

/// The URI of a word in any of its forms, as the EPCIS 2.0 context has it:
/// `https://ref.gs1.org/cbv/BizStep-shipping`, `https://gs1.org/voc/Temperature`. What is no word
/// of the vocabulary, such as a company's own URI, is given back as it is.
pub fn word_uri(kind: Vocabulary, text: &str) -> Cow<'_, str> {
    let word = bare_word(kind, text);
    if word.contains(':') || word.is_empty() {
        return Cow::Borrowed(text);
    }
    let forms = kind.forms();
    let home = homes(forms.namespace)[0];
    Cow::Owned(format!("https://{home}{}{word}", forms.web))
}

/// Drafts of CBV 2.0 wrote `Bizstep-`.
fn strip_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use auditlog::json;

    use super::super::BIZ_STEPS;
    use super::*;

    /// What `name` expands to in `context`.
    fn expanded(context: &str, name: &str) -> [String; 3] {
        let context = json::parse(context).unwrap();
        let names = Names::of(Some(&context));
        let member = names.member(name);
        [
            names.expand(name).into_owned(),
            member.uri(),
            member.expanded(),
        ]
    }

    #[test]
    fn a_prefix_of_any_form_of_context_is_expanded() {
        for context in [
            r#"{"ex":"https://ns.example/#"}"#,
            r#"["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                {"ex":"https://old.example/"},
                {"ex":{"@id":"https://ns.example/#","@prefix":true}}]"#,
        ] {
            assert_eq!(
                expanded(context, "ex:field"),
                [
                    "https://ns.example/#field",
                    "https://ns.example/#field",
                    "{https://ns.example/#}field"
                ]
            );
        }
    }

    #[test]
    fn a_whole_uri_is_the_same_member_as_its_curie() {
        let context =
            r#"{"ex":"https://ns.example/epcis/","h":"https://h.example/#","u":"urn:x:"}"#;
        for (curie, uri) in [
            ("ex:a", "https://ns.example/epcis/a"),
            ("h:a", "https://h.example/#a"),
            ("u:a", "urn:x:a"),
        ] {
            let [value, ..] = expanded(context, curie);
            assert_eq!(value, uri);
            assert_eq!(expanded(context, curie), expanded(context, uri));
        }
        assert_ne!(
            expanded(context, "ex:a"),
            expanded(context, "https://ns.example/epcis/A")
        );
    }

    #[test]
    fn what_is_no_curie_stays() {
        let context =
            r#"{"https":"urn:trick:","@vocab":"https://v.example/","n":7,"":"urn:none:"}"#;
        for text in [
            "https://a.example/b",
            "@vocab:x",
            "n:x",
            "foo:x",
            "eventTime",
            "",
        ] {
            assert_eq!(expanded(context, text)[0], text);
            assert_eq!(expanded("7", text)[0], text);
        }
        assert_eq!(expanded(context, ":x")[0], "urn:none:x");
        assert_eq!(expanded(context, "eventTime")[2], "eventTime");
        assert_eq!(expanded(context, "foo:x")[2], "foo:x");
    }

    #[test]
    fn the_prefixes_of_epcis_mean_what_they_mean_whatever_a_context_says() {
        for context in [
            r#""https://c.example/""#,
            r#"[{"cbv":"https://evil.example/"}]"#,
        ] {
            assert_eq!(
                expanded(context, "cbv:BizStep-shipping")[0],
                "https://ref.gs1.org/cbv/BizStep-shipping"
            );
        }
        assert_eq!(
            expanded("{}", "cbvmda:lotNumber")[1],
            "urn:epcglobal:cbv:mda:lotNumber"
        );
        assert_eq!(
            Names::of(None).expand("gs1:Mass"),
            "https://gs1.org/voc/Mass"
        );
    }

    #[test]
    fn prefixes_may_stand_for_each_other_and_a_circle_ends() {
        let chain = r#"{"a":"b:sub/","b":"https://b.example/"}"#;
        assert_eq!(expanded(chain, "a:x")[2], "{https://b.example/sub/}x");
        let circle = r#"{"a":"b:1","b":"a:2"}"#;
        assert!(expanded(circle, "a:x")[0].len() < 40);
    }

    #[test]
    fn a_namespace_has_at_most_two_thousand_and_forty_eight_bytes() {
        let context = |bytes: usize| format!(r#"{{"a":"u:{}","b":"a:b"}}"#, "n".repeat(bytes - 2));
        let expanded = |bytes, name| expanded(&context(bytes), name)[0].len();
        assert_eq!(
            expanded(MAX_NAMESPACE_BYTES, "a:x"),
            MAX_NAMESPACE_BYTES + 1
        );
        assert_eq!(expanded(MAX_NAMESPACE_BYTES + 1, "a:x"), "a:x".len());
        assert_eq!(
            expanded(MAX_NAMESPACE_BYTES, "b:x"),
            "a:bx".len(),
            "together too long"
        );
        assert_eq!(
            expanded(MAX_NAMESPACE_BYTES - 1, "b:x"),
            MAX_NAMESPACE_BYTES + 1
        );
    }

    #[test]
    fn every_form_of_a_word_is_the_bare_word() {
        for word in BIZ_STEPS {
            for form in [
                word.to_string(),
                format!("cbv:BizStep-{word}"),
                format!("urn:epcglobal:cbv:bizstep:{word}"),
                format!("https://ref.gs1.org/cbv/BizStep-{word}"),
                format!("https://ns.gs1.org/cbv/BizStep-{word}"),
                format!("http://ns.gs1.org/voc/Bizstep-{word}"),
            ] {
                assert_eq!(bare_word(Vocabulary::BizStep, &form), *word, "{form}");
                assert_eq!(
                    word_uri(Vocabulary::BizStep, &form),
                    format!("https://ref.gs1.org/cbv/BizStep-{word}")
                );
            }
        }
    }

    #[test]
    fn each_vocabulary_has_its_own_forms() {
        use Vocabulary::*;
        for (kind, urn, uri, word) in [
            (
                Disposition,
                "disp:",
                "https://ref.gs1.org/cbv/Disp-",
                "active",
            ),
            (
                BizTransactionType,
                "btt:",
                "https://ref.gs1.org/cbv/BTT-",
                "po",
            ),
            (
                SourceDestType,
                "sdt:",
                "https://ref.gs1.org/cbv/SDT-",
                "location",
            ),
            (
                ErrorReason,
                "er:",
                "https://ref.gs1.org/cbv/ER-",
                "did_not_occur",
            ),
            (Component, "", "https://ref.gs1.org/cbv/Comp-", "x"),
            (MeasurementType, "", "https://gs1.org/voc/", "Temperature"),
            (
                SensorException,
                "",
                "https://gs1.org/voc/",
                "ALARM_CONDITION",
            ),
        ] {
            let uri = format!("{uri}{word}");
            assert_eq!(word_uri(kind, word), uri);
            assert_eq!(bare_word(kind, &uri), word);
            let urn = format!("{CBV_URN}{urn}{word}");
            let same_by_urn = bare_word(kind, &urn) == word;
            assert_eq!(
                same_by_urn,
                !matches!(kind, Component | MeasurementType | SensorException)
            );
            assert_eq!(bare_word(BizStep, &uri), uri, "not a business step");
        }
        assert_eq!(bare_word(MeasurementType, "gs1:Mass"), "Mass");
        assert_eq!(
            bare_word(MeasurementType, "https://ref.gs1.org/voc/Mass"),
            "Mass"
        );
    }

    #[test]
    fn a_companys_own_word_stays_its_own() {
        for text in [
            "https://a.example/BizStep-shipping",
            "ex:shipping",
            "urn:epcglobal:cbv:disp:active",
            "https://ref.gs1.org/cbv/Disp-active",
            "https://ref.gs1.org/cbv/BizStep-",
            "https://ref.gs1.org/cbv/BizStep-a:b",
            "",
        ] {
            assert_eq!(bare_word(Vocabulary::BizStep, text), text);
            assert_eq!(word_uri(Vocabulary::BizStep, text), text);
        }
    }
}
