//! The documents that steps cite by names which not everybody may see. A URI that has a document's hidden number in it
//! tells the number, and is hidden with it, whoever cites it and however it is written.

use std::collections::{HashMap, HashSet};

use auditlog::json;

use super::{Hiders, Setting};
use crate::domain::disclosure::{Field, Hidden, Hiding, masked};
use crate::domain::epcis::Event;
use crate::domain::statement::{About, Kind, StatementId};
use crate::domain::story::{Story, StoryStatement};

/// What is shorter may stand in a URI by chance.
const MIN_TELLING_CHARS: usize = 6;
/// Hidden numbers that URIs are compared with. Where a story has more, every URI counts as telling one.
const MAX_NUMBERS: usize = 256;

/// Which documents are cited how.
#[derive(Default)]
pub(super) struct Citations {
    /// Hidden numbers, as [`plain`] has them.
    numbers: Vec<(String, Hiding)>,
    /// What is hidden of each document, by its URI: all that was ever said of it is as hidden as the most hidden of it.
    documents: HashMap<String, OfDocument>,
    /// Which document each description is of.
    described: HashMap<StatementId, String>,
    /// Whether what may be telling is hidden, since nobody can know.
    is_in_doubt: bool,
    /// Which URIs tell a number.
    known: HashMap<String, Option<Hiding>>,
    /// What stands in a story instead of URIs that are hidden at some step or at all.
    aliases: HashMap<String, Alias>,
    /// URIs that some step cites by themselves.
    shown: HashSet<String>,
}

#[derive(Default, Clone, Copy)]
struct OfDocument {
    number: Option<Hiding>,
    issuer: Option<Hiding>,
}

struct Alias {
    name: String,
    /// Whether some step cites the document by this name.
    is_cited: bool,
    /// What becomes of the document's number under this name.
    number: Option<Hiding>,
}

impl Citations {
    /// The documents of a story, before anything of it is hidden.
    pub fn of(story: &Story, setting: &Setting) -> Citations {
        let mut citations = Citations {
            is_in_doubt: story.truncated,
            ..Citations::default()
        };
        let mut numbers: Vec<(String, String)> = Vec::new();
        let documents = story.statements.iter();
        for document in documents.filter(|statement| statement.kind == Kind::Document) {
            numbers.extend(citations.read(document, setting));
        }
        // As hidden as the most hidden of each: known once all that was said of it was read.
        for (uri, number) in numbers {
            let [hiding, _] = citations.of_document(&uri);
            let number = plain(&number);
            if let Some(hiding) = hiding
                && number.chars().count() >= MIN_TELLING_CHARS
            {
                citations.numbers.push((number, hiding));
            }
        }
        citations.is_in_doubt |= citations.numbers.len() > MAX_NUMBERS;
        citations
    }

    /// Reads a description; gives the document's URI and its number, if it has one.
    fn read(&mut self, document: &StoryStatement, setting: &Setting) -> Option<(String, String)> {
        let content = json::parse(&document.stored.content).ok()?;
        let text = |key: &str| content.get("body")?.get(key)?.as_str();
        let (uri, of) = (text("document")?.to_owned(), text("documentType"));
        let rated = self.documents.entry(uri.clone()).or_default();
        rated.number = rated.number.max(setting.hiding(Field::DocumentNumber, of));
        rated.issuer = rated.issuer.max(setting.hiding(Field::DocumentIssuer, of));
        self.described.insert(document.stored.id, uri.clone());
        Some((uri, text("number")?.to_owned()))
    }

    /// Whether a URI tells what is hidden.
    fn telling(&mut self, uri: &str) -> Option<Hiding> {
        if let Some(known) = self.known.get(uri) {
            return *known;
        }
        let plain_uri = plain(uri);
        let numbers = self.numbers.iter().take(MAX_NUMBERS);
        let told = numbers.filter(|(number, _)| plain_uri.contains(number));
        let mut hiding = told.map(|(_, hiding)| *hiding).max();
        if self.is_in_doubt && !self.documents.contains_key(uri) {
            hiding = Some(Hiding::Whole);
        }
        self.known.insert(uri.to_owned(), hiding);
        hiding
    }

    /// What is hidden of a description of a document: what is hidden of it in any, and its URI where that tells it.
    pub fn hide_in_document(&mut self, statement: &mut StoryStatement, hidden: &mut Hiders) {
        let Some(uri) = self.described.get(&statement.stored.id).cloned() else {
            return;
        };
        let [number, issuer] = self.of_document(&uri);
        for (key, field, hiding) in [
            ("number", Field::DocumentNumber, number),
            ("issuedBy", Field::DocumentIssuer, issuer),
        ] {
            if let Some(hiding) = hiding {
                hidden.add(Hidden {
                    pointer: format!("/{key}"),
                    field,
                    hiding,
                });
            }
        }
        if let Some(hiding) = self.telling(&uri) {
            hidden.add(Hidden {
                pointer: "/document".to_owned(),
                field: Field::DocumentNumber,
                hiding,
            });
            let about = 0..About::list(&statement.stored.receipt).len();
            let about = about.map(|place| format!("/about/{place}"));
            statement.withheld.receipt.extend(about);
        }
    }

    /// Takes the hidden citations out of an event. Those that tell a number are added to what is hidden.
    pub fn hide_in_event(&mut self, event: &mut Event, hidden: &mut Hiders) {
        let mut place = 0;
        event.biz_transactions.retain_mut(|cited| {
            let pointer = format!("/bizTransactionList/{place}");
            place += 1;
            if let Some(hiding) = hidden.at(&pointer) {
                if hiding == Hiding::Masked {
                    // Of what kind it is may be seen.
                    hidden.move_below(&pointer, "/bizTransaction");
                }
                let is_cited = hiding == Hiding::Masked;
                self.cite(&mut cited.uri, hiding, is_cited);
                return is_cited;
            }
            if let Some(hiding) = self.telling(&cited.uri) {
                hidden.add(Hidden {
                    pointer: format!("{pointer}/bizTransaction"),
                    field: Field::DocumentNumber,
                    hiding,
                });
                self.cite(&mut cited.uri, hiding, true);
            }
            true
        });
        let count = event.certifications.len();
        for (place, uri) in event.certifications.iter_mut().enumerate() {
            let Some(hiding) = self.telling(uri) else {
                continue;
            };
            // One URI may stand there without a list around it, and is hidden either way.
            let pointer = match count {
                1 => "/certificationInfo".to_owned(),
                _ => format!("/certificationInfo/{place}"),
            };
            hidden.add(Hidden {
                pointer,
                field: Field::DocumentNumber,
                hiding,
            });
            self.cite(uri, hiding, true);
        }
        let cited = event.biz_transactions.iter().map(|cited| &cited.uri);
        let cited: Vec<&String> = cited.chain(&event.certifications).collect();
        self.shown.extend(cited.into_iter().cloned());
    }

    /// Gives a hidden URI another name.
    fn cite(&mut self, uri: &mut String, hiding: Hiding, is_cited: bool) {
        let next = self.aliases.len();
        let alias = self.aliases.entry(uri.clone()).or_insert_with(|| {
            // What stands behind the last colon is what a page calls a document that nobody described.
            let last = uri.rsplit(['/', ':']).next().unwrap_or_default();
            Alias {
                name: match hiding {
                    Hiding::Masked => format!("masked:{next}:{}", masked(last)),
                    Hiding::Whole => format!("withheld:{next}:{}", masked("")),
                },
                is_cited: false,
                number: None,
            }
        });
        alias.is_cited |= is_cited;
        alias.number = alias.number.max(Some(hiding));
        uri.clone_from(&alias.name);
    }

    /// Whether a document stands under its own URI: no step hides it, or some step shows it.
    pub fn is_shown(&self, uri: &str) -> bool {
        self.shown.contains(uri) || !self.aliases.contains_key(uri)
    }

    /// Whether anybody may know that the record has it.
    pub fn is_cited(&self, uri: &str) -> bool {
        self.is_shown(uri) || self.aliases.get(uri).is_some_and(|alias| alias.is_cited)
    }

    /// By what it is cited where it is not, and what becomes of its number there.
    pub fn alias(&self, uri: &str) -> Option<(&str, Option<Hiding>)> {
        let alias = self.aliases.get(uri)?;
        Some((alias.name.as_str(), alias.number))
    }

    /// What becomes of the number and of the issuer of a document.
    pub fn of_document(&self, uri: &str) -> [Option<Hiding>; 2] {
        let rated = self.documents.get(uri).copied().unwrap_or_default();
        [rated.number, rated.issuer]
    }

    /// The name of a document for whoever may not see its URI.
    pub fn name_of<'n>(&'n self, uri: &'n str) -> &'n str {
        match self.aliases.get(uri) {
            Some(alias) if !self.is_shown(uri) => &alias.name,
            _ => uri,
        }
    }
}

/// Whether a document is cited by another name than its own.
pub fn is_alias(uri: &str) -> bool {
    uri.starts_with("masked:") || uri.starts_with("withheld:")
}

/// Letters and digits alone, as one writes them without a thought: percent-escapes read, small, and without what one
/// puts between them.
fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let digits = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_in_a_uri_however_both_are_written() {
        for (uri, number) in [
            (
                "https://x.example/doc/222020261234567890#p2",
                "222020261234567890",
            ),
            (
                "https://x.example/doc/222020261234567890",
                "2220-2026 1234567890",
            ),
            ("https://x.example/doc/AB%2F12-34", "ab/12-34"),
            ("urn:x:ab1234", "AB 1234"),
            ("https://x.example/%E6%8A%A5123456", "报123456"),
            ("urn:x:100%", "100%"),
        ] {
            assert!(plain(uri).contains(&plain(number)), "{uri} {number}");
        }
        assert!(!plain("https://x.example/doc/22202").contains(&plain("222020")));
    }
}
