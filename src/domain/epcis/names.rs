//! Names and words in their one form: what a prefix stands for, and the CBV's words without their URIs.

use std::borrow::Cow;

use auditlog::json::Value;

/// Vocabularies of the CBV whose words stand bare in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vocabulary {
    /// `bizStep`
    BizStep,
    /// `disposition` and `persistentDisposition`
    Disposition,
    /// `type` of a business transaction
    BizTransaction,
    /// `type` of a source or destination
    SourceDest,
    /// `reason` of an error declaration
    ErrorReason,
    /// `type` of a sensor report
    Measurement,
    /// `component` of a sensor report
    Component,
    /// `exception` of a sensor report
    SensorAlert,
}

impl Vocabulary {
    /// CBV 2.0: what stands before a word in its web URI, in the namespace's own short form, and in
    /// the URN that CBV 1 had.
    fn heads(self) -> &'static [&'static str] {
        match self {
            Vocabulary::BizStep => &["BizStep-", "bizstep:"],
            Vocabulary::Disposition => &["Disp-", "disp:"],
            Vocabulary::BizTransaction => &["BTT-", "btt:"],
            Vocabulary::SourceDest => &["SDT-", "sdt:"],
            Vocabulary::ErrorReason => &["ER-", "er:"],
            Vocabulary::Component => &["Comp-"],
            Vocabulary::Measurement => &[],
            Vocabulary::SensorAlert => &["SensorAlertType-"],
        }
    }
}

const CBV: [&str; 5] = [
    "https://ref.gs1.org/cbv/",
    "http://ref.gs1.org/cbv/",
    "https://ns.gs1.org/cbv/",
    "http://ns.gs1.org/cbv/",
    "cbv:",
];
const CBV_URN: &str = "urn:epcglobal:cbv:";
const GS1_VOCABULARY: [&str; 5] = [
    "https://gs1.org/voc/",
    "http://gs1.org/voc/",
    "https://www.gs1.org/voc/",
    "https://ref.gs1.org/voc/",
    "gs1:",
];

/// A word of a vocabulary without the URI before it; anything else as it is.
pub fn bare_word(vocabulary: Vocabulary, text: &str) -> Cow<'_, str> {
    let web = CBV.iter().find_map(|head| text.strip_prefix(head));
    let word = web.or_else(|| text.strip_prefix(CBV_URN)).and_then(|rest| {
        let heads = vocabulary.heads().iter();
        heads.filter_map(|head| rest.strip_prefix(head)).next()
    });
    if let Some(word) = word {
        return word.into();
    }
    if matches!(
        vocabulary,
        Vocabulary::Measurement | Vocabulary::SensorAlert
    ) {
        let mut heads = GS1_VOCABULARY.iter();
        if let Some(word) = heads.find_map(|head| text.strip_prefix(head)) {
            let word = vocabulary
                .heads()
                .iter()
                .find_map(|h| word.strip_prefix(h))
                .unwrap_or(word);
            return word.into();
        }
    }
    text.into()
}

/// Prefixes that the standard's own context declares.
const STANDARD_PREFIXES: [(&str, &str); 8] = [
    ("cbv", "https://ref.gs1.org/cbv/"),
    ("cbvmda", "urn:epcglobal:cbv:mda:"),
    ("epcis", "https://ref.gs1.org/epcis/"),
    ("gs1", "https://gs1.org/voc/"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
];

/// What prefixes stand for where an event was written.
#[derive(Debug, Clone, Default)]
pub struct Names<'v> {
    declared: Vec<(&'v str, &'v str)>,
}

impl<'v> Names<'v> {
    /// Those of several contexts, of which the later extend the earlier.
    pub fn of(contexts: impl IntoIterator<Item = &'v Value<'v>>) -> Names<'v> {
        let mut names = Names::default();
        for context in contexts {
            match context {
                Value::Array(parts) => parts.iter().for_each(|part| names.declare(part)),
                part => names.declare(part),
            }
        }
        names
    }

    fn declare(&mut self, part: &'v Value<'v>) {
        for (prefix, namespace) in part.as_object().unwrap_or_default() {
            // JSON-LD 1.1 §4.1: a term may be defined by an object with `@id`.
            let id = namespace
                .as_str()
                .or_else(|| namespace.get("@id")?.as_str());
            if let Some(namespace) = id.filter(|_| !prefix.starts_with('@')) {
                self.declared.push((prefix.as_ref(), namespace));
            }
        }
    }

    /// The prefixes that were declared, with their namespaces.
    pub fn declared(&self) -> &[(&'v str, &'v str)] {
        &self.declared
    }

    /// A CURIE as the whole URI it stands for; anything else as it is.
    pub fn whole<'t>(&self, text: impl Into<Cow<'t, str>>) -> Cow<'t, str> {
        let text = text.into();
        let whole = text.split_once(':').and_then(|(prefix, local)| {
            // `https://…` is no CURIE, whatever `https` was declared to be.
            let namespace = (!local.starts_with("//")).then(|| self.namespace(prefix))??;
            Some(format!("{namespace}{local}"))
        });
        whole.map_or(text, Cow::Owned)
    }

    /// What a prefix stands for; the last declaration counts.
    pub fn namespace(&self, prefix: &str) -> Option<&str> {
        let declared = self.declared.iter().rev().find(|(p, _)| *p == prefix);
        declared.map(|(_, namespace)| *namespace).or_else(|| {
            let standard = STANDARD_PREFIXES.iter().find(|(p, _)| *p == prefix);
            standard.map(|(_, namespace)| *namespace)
        })
    }
}
