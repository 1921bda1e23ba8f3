//! The documents that steps cite by names which not everybody may see. A URI that has a document's number in it
//! tells the number, and is hidden with it.

use std::collections::{HashMap, HashSet};

use auditlog::json;

use super::Setting;
use crate::domain::disclosure::{Field, Hidden, Hiding, masked};
use crate::domain::epcis::Event;
use crate::domain::statement::Kind;
use crate::domain::story::{Story, StoryStatement};

/// What is shorter may stand in a URI by chance.
const MIN_TELLING_CHARS: usize = 6;

/// Which documents are cited how.
#[derive(Default)]
pub(super) struct Citations {
    /// URIs that tell a number which is hidden.
    telling: HashMap<String, Hiding>,
    /// What stands in a story instead of URIs that are hidden at some step or at all.
    aliases: HashMap<String, String>,
    /// URIs that are hidden at every step that cites them.
    hidden: HashSet<String>,
}

impl Citations {
    /// The documents of a story, before anything of it is hidden.
    pub fn of(story: &Story, setting: &Setting) -> Citations {
        let mut citations = Citations::default();
        for statement in &story.statements {
            if statement.kind == Kind::Document {
                citations.read(statement, setting);
            }
        }
        citations
    }

    fn read(&mut self, document: &StoryStatement, setting: &Setting) -> Option<()> {
        let content = json::parse(&document.stored.content).ok()?;
        let text = |key: &str| content.get("body")?.get(key)?.as_str();
        let hiding = setting.hiding(Field::DocumentNumber, text("documentType"))?;
        let (uri, number) = (text("document")?, text("number")?);
        if tells(uri, number) {
            self.telling.insert(uri.to_owned(), hiding);
        }
        None
    }

    /// Whether a statement describes a document whose URI tells what is hidden.
    pub fn is_telling(&self, statement: &StoryStatement) -> bool {
        if statement.kind != Kind::Document || self.telling.is_empty() {
            return false;
        }
        let content = json::parse(&statement.stored.content).ok();
        let body = content.as_ref().and_then(|content| content.get("body"));
        let uri = body.and_then(|body| body.get("document")?.as_str());
        uri.is_some_and(|uri| self.telling.contains_key(uri))
    }

    /// Takes the hidden citations out of an event. Those that tell a number are added to what is hidden.
    pub fn hide_in(&mut self, event: &mut Event, hidden: &mut Vec<Hidden>) {
        let mut place = 0;
        event.biz_transactions.retain_mut(|cited| {
            let pointer = format!("/bizTransactionList/{place}");
            place += 1;
            let ruled = hidden.iter_mut().find(|hidden| hidden.pointer == pointer);
            let hiding = match (ruled, self.telling.get(&cited.uri)) {
                (Some(ruled), _) => {
                    if ruled.hiding == Hiding::Masked {
                        ruled.pointer.push_str("/bizTransaction");
                    }
                    ruled.hiding
                }
                (None, Some(hiding)) => {
                    hidden.push(Hidden {
                        pointer: format!("{pointer}/bizTransaction"),
                        field: Field::DocumentNumber,
                        hiding: *hiding,
                    });
                    *hiding
                }
                (None, None) => return true,
            };
            self.cite(&mut cited.uri, hiding)
        });
        let mut place = 0;
        let count = event.certifications.len();
        event.certifications.retain_mut(|uri| {
            place += 1;
            let Some(hiding) = self.telling.get(uri).copied() else {
                return true;
            };
            // One URI may stand there without a list around it, and is hidden either way.
            let pointers = match count {
                1 => vec!["/certificationInfo".to_owned()],
                _ => vec![format!("/certificationInfo/{}", place - 1)],
            };
            hidden.extend(pointers.into_iter().map(|pointer| Hidden {
                pointer,
                field: Field::DocumentNumber,
                hiding,
            }));
            self.cite(uri, hiding)
        });
    }

    /// Gives a hidden URI another name. Whether it is still cited, by that.
    fn cite(&mut self, uri: &mut String, hiding: Hiding) -> bool {
        self.hidden.insert(uri.clone());
        let next = self.aliases.len();
        let alias = self.aliases.entry(uri.clone()).or_insert_with(|| {
            // What stands behind the last colon is what a page calls a document that nobody described.
            let last = uri.rsplit(['/', ':']).next().unwrap_or_default();
            match hiding {
                Hiding::Masked => format!("masked:{next}:{}", masked(last)),
                Hiding::Whole => format!("withheld:{next}:{}", masked("")),
            }
        });
        uri.clone_from(alias);
        hiding == Hiding::Masked
    }

    /// Looks which URIs are cited still, once all events were gone through.
    pub fn settle(&mut self, story: &Story) {
        for step in &story.steps {
            let transactions = step.event.biz_transactions.iter();
            let cited = transactions.map(|cited| &cited.uri);
            for uri in cited.chain(&step.event.certifications) {
                self.hidden.remove(uri);
            }
        }
    }

    /// Whether a document stands under its own URI.
    pub fn is_shown(&self, uri: &str) -> bool {
        !self.hidden.contains(uri)
    }

    /// By what it is cited where it is not.
    pub fn alias(&self, uri: &str) -> Option<&str> {
        self.aliases.get(uri).map(String::as_str)
    }

    /// The name of a document for whoever may not see its URI.
    pub fn name_of<'n>(&'n self, uri: &'n str) -> &'n str {
        match self.alias(uri) {
            Some(alias) if !self.is_shown(uri) => alias,
            _ => uri,
        }
    }
}

/// Whether a URI has a number in it, however its letters are written.
fn tells(uri: &str, number: &str) -> bool {
    let number = number.trim().to_lowercase();
    number.chars().count() >= MIN_TELLING_CHARS && uri.to_lowercase().contains(&number)
}
