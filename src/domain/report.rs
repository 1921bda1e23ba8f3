//! What a shopper reports of a pack, and the number under which the answer is found.

use auditlog::Hash;
use auditlog::json::Value;
use thiserror::Error;
use time::Duration;

use super::crockford;
use super::fields::{At, Fault, FaultKind};
use super::master::{Bilingual, bilingual};

/// Characters of what is told in words.
pub const MAX_WORDS: usize = 1_000;
/// How long reports are kept once their case is closed.
pub const KEPT: Duration = Duration::days(180);
/// Characters of a number: 60 bits, which nobody guesses.
const NUMBER_CHARS: usize = 12;
/// Of these, how many stand together.
const GROUP: usize = 4;

/// What is wrong, as a form offers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// `pack`: the pack is damaged, or looks otherwise than it should.
    Pack,
    /// `lookedUp`: the code had been looked up, or its hidden code used, before the pack was opened.
    LookedUp,
    /// `quality`: taste, smell, a foreign body, or somebody who fell ill.
    Quality,
    /// `record`: what the page says does not agree with the pack.
    Record,
    /// `other`
    Other,
}

impl Matter {
    /// All of them, in the order of the form.
    pub const ALL: [Matter; 5] = [
        Matter::Pack,
        Matter::LookedUp,
        Matter::Quality,
        Matter::Record,
        Matter::Other,
    ];

    /// Its name in forms, answers and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Matter::Pack => "pack",
            Matter::LookedUp => "lookedUp",
            Matter::Quality => "quality",
            Matter::Record => "record",
            Matter::Other => "other",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Matter> {
        Matter::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// What is wrong with words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WordsFault {
    /// More than [`MAX_WORDS`] characters.
    #[error("more than {MAX_WORDS} characters: {0}")]
    TooLong(usize),
    /// A character that no keyboard writes.
    #[error("a control character")]
    Control,
}

/// Words of a person: without what surrounds them, lines ended as in a text file. None where nothing is left.
pub fn read_words(text: &str) -> Result<Option<String>, WordsFault> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let chars = text.chars().count();
    if chars > MAX_WORDS {
        return Err(WordsFault::TooLong(chars));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
    {
        return Err(WordsFault::Control);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// What a merchant does with a case.
#[derive(Debug, Clone, PartialEq)]
pub enum CaseChange {
    /// `closed`, with what whoever reported is told.
    Close(Option<Bilingual>),
    /// `open`
    Reopen,
}

/// Reads `{"status":"closed","answer":{"zh-CN":…,"en":…}}`, without `answer`, or `{"status":"open"}`.
///
/// # Errors
/// The first fault.
pub fn read_change(body: &Value<'_>) -> Result<CaseChange, Fault> {
    let at = At::root(body);
    at.only(&[&["status", "answer"]])?;
    let status = at.required("status")?;
    let answer = at.get("answer");
    match (status.text()?, answer) {
        ("closed", answer) => {
            let answer = answer.map(|at| bilingual(&at)).transpose()?;
            Ok(CaseChange::Close(answer))
        }
        ("open", None) => Ok(CaseChange::Reopen),
        ("open", Some(answer)) => {
            let rule = "is for a case that is closed";
            Err(answer.fault(FaultKind::Rule(rule)))
        }
        _ => Err(status.fault(FaultKind::MustBe("open or closed"))),
    }
}

/// The number of a report. Whoever has it may ask what became of the report, so it is kept only as its [digest](ReportNumber::digest).
#[derive(Clone, PartialEq, Eq)]
pub struct ReportNumber(String);

impl ReportNumber {
    /// The number of what a form reports of a code: a form that is sent twice has one.
    pub fn of_form(form: &[u8; 16], code: &str) -> ReportNumber {
        let Hash(hash) = Hash::of(&[b"rootmark-report/v1 number", form, code.as_bytes()]);
        let mut bits = [0; 16];
        bits.copy_from_slice(&hash[..16]);
        ReportNumber(crockford::encode(u128::from_be_bytes(bits), NUMBER_CHARS))
    }

    /// Reads one as a person types it.
    pub fn parse(typed: &str) -> Option<ReportNumber> {
        let text = crockford::meant(typed);
        let is_number = text.len() == NUMBER_CHARS && crockford::decode(&text).is_some();
        is_number.then_some(ReportNumber(text))
    }

    /// What is kept of it.
    pub fn digest(&self) -> [u8; 16] {
        let Hash(hash) = Hash::of(&[b"rootmark-report/v1 digest", self.0.as_bytes()]);
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash[..16]);
        digest
    }

    /// As it is shown, and can be copied by hand: `4F7K-9QXA-0MZC`.
    pub fn shown(&self) -> String {
        let groups = self.0.as_bytes().chunks(GROUP);
        let groups = groups.map(|group| String::from_utf8_lossy(group));
        groups.collect::<Vec<_>>().join("-")
    }
}

/// It opens something, and stays out of logs.
impl std::fmt::Debug for ReportNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_was_shown_and_as_people_type_it() {
        let number = ReportNumber::of_form(&[7; 16], "c");
        let shown = number.shown();
        assert_eq!(shown.len(), 14);
        for typed in [
            shown.clone(),
            shown.to_lowercase(),
            format!(" {} ", shown.replace('-', " ")),
            shown.replace('-', ""),
        ] {
            assert_eq!(ReportNumber::parse(&typed), Some(number.clone()), "{typed}");
        }
        for wrong in ["", "ABCD", "4F7K-9QXA-0MZC1", "4F7K-9QXA-0MZU", "一二三四"] {
            assert_eq!(ReportNumber::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn another_form_and_another_code_have_another_number_and_none_is_printed() {
        let number = ReportNumber::of_form(&[7; 16], "c");
        assert_eq!(number, ReportNumber::of_form(&[7; 16], "c"));
        assert_ne!(number, ReportNumber::of_form(&[8; 16], "c"));
        assert_ne!(number, ReportNumber::of_form(&[7; 16], "d"));
        assert_ne!(
            number.digest(),
            ReportNumber::of_form(&[8; 16], "c").digest()
        );
        assert_eq!(format!("{number:?}"), "ReportNumber(…)");
    }

    #[test]
    fn words_are_taken_as_they_were_meant_up_to_their_limit() {
        assert_eq!(read_words(" a\r\nb\t "), Ok(Some("a\nb".to_owned())));
        assert_eq!(read_words(" \r\n "), Ok(None));
        let most = "罐".repeat(MAX_WORDS);
        assert_eq!(read_words(&most), Ok(Some(most.clone())));
        assert_eq!(
            read_words(&format!("{most}罐")),
            Err(WordsFault::TooLong(1_001))
        );
        assert_eq!(read_words("a\u{0}b"), Err(WordsFault::Control));
        assert_eq!(read_words("a\u{1b}[2J"), Err(WordsFault::Control));
    }

    #[test]
    fn a_change_of_a_case_is_read_and_everything_else_refused() {
        let read = |text: &str| {
            let value = auditlog::json::parse(text).unwrap();
            read_change(&value).map_err(|fault| fault.to_string())
        };
        assert_eq!(read(r#"{"status":"open"}"#), Ok(CaseChange::Reopen));
        assert_eq!(read(r#"{"status":"closed"}"#), Ok(CaseChange::Close(None)));
        let answered = read(r#"{"status":"closed","answer":{"zh-CN":"已换货","en":"Replaced"}}"#);
        let Ok(CaseChange::Close(Some(words))) = answered else {
            panic!("{answered:?}");
        };
        assert_eq!(
            (words.zh_cn.as_str(), words.en.as_str()),
            ("已换货", "Replaced")
        );
        for (text, pointer) in [
            ("{}", "/status"),
            (r#"{"status":"gone"}"#, "/status"),
            (r#"{"status":7}"#, "/status"),
            (
                r#"{"status":"open","answer":{"zh-CN":"一","en":"a"}}"#,
                "/answer",
            ),
            (
                r#"{"status":"closed","answer":{"en":"a"}}"#,
                "/answer/zh-CN",
            ),
            (
                r#"{"status":"closed","answer":{"zh-CN":"一","en":" "}}"#,
                "/answer/en",
            ),
            (r#"{"status":"closed","note":"x"}"#, "/note"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(
                fault.starts_with(&format!("{pointer}: ")),
                "{text}: {fault}"
            );
        }
    }

    #[test]
    fn every_matter_has_its_name() {
        for matter in Matter::ALL {
            assert_eq!(Matter::parse(matter.as_str()), Some(matter));
        }
        assert_eq!(Matter::parse("Pack"), None);
    }
}
