//! The words of the pages, in the reader's language.
//!
//! Every sentence lives in `templates/text/zh-CN.toml` and `templates/text/en.toml` or the files of these names in `phone` and `admin`, and every word of a vocabulary in
//! `templates/text/words/`, under the same keys in both languages. Code and templates name a key through a value called `text`:
//! `text.get("site.name")`, `text.with("journey.entry", &[("index", "7")])`,
//! `text.count("journey.steps", 15, &[])`. The tests below read the sources for those calls, so a
//! key that is missing, unused or different between the languages fails the build.

mod lang;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

use crate::domain::erasure::ERASED;
use crate::domain::master::Bilingual;
pub use lang::Lang;
pub(in crate::web) use lang::parse_weight;

/// Readers are in China: dates and times of different places are told on one clock, theirs.
pub const READERS_OFFSET: &str = "+08:00";

/// The words of one language.
#[derive(Debug)]
pub struct Text {
    lang: Lang,
    /// Dotted key (`bizStep.receiving`) to sentence.
    entries: HashMap<String, String>,
}

static TEXTS: LazyLock<[Text; 2]> = LazyLock::new(|| [Lang::ZhCn, Lang::En].map(Text::parse));

impl Text {
    /// The words of `lang`, parsed once per process.
    pub fn of(lang: Lang) -> &'static Text {
        &TEXTS[lang as usize]
    }

    /// The language of these words.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The sentence under `key`. A missing key stops a debug build and shows itself, bare, in a
    /// release: a shopper is better served by one odd word than by no page.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        let found = self.find(key);
        debug_assert!(found.is_some(), "no text for {key} in {}", self.lang.code());
        found.unwrap_or(key)
    }

    /// The sentence under `key`, if there is one.
    pub fn find(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(String::as_str)
    }

    /// All sentences of a section whose keys scripts name, as JSON.
    pub fn section(&self, name: &str) -> String {
        let keys = self.entries.iter();
        let below = keys.filter_map(|(key, sentence)| {
            let key = key.strip_prefix(name)?.strip_prefix('.')?;
            Some((key, sentence))
        });
        let sorted: BTreeMap<&str, &String> = below.collect();
        serde_json::json!(sorted).to_string()
    }

    /// The sentence under `key` with each `{name}` replaced by its value. Values are inserted as
    /// they are and not read again, so a value may itself contain braces.
    pub fn with(&self, key: &str, values: &[(&str, &str)]) -> String {
        fill(self.get(key), values)
    }

    /// The same for a template, with one value.
    pub fn with_one(&self, key: &str, name: &str, value: &str) -> String {
        fill(self.get(key), &[(name, value)])
    }

    /// The same with two.
    pub fn with_two(&self, key: &str, name: &str, value: &str, other: &str, more: &str) -> String {
        fill(self.get(key), &[(name, value), (other, more)])
    }

    /// The sentence for `n` things: `key.one` or `key.other`, with `{n}` as a grouped number.
    pub fn count(&self, key: &str, n: u64, values: &[(&str, &str)]) -> String {
        let form = if n == 1 { "one" } else { "other" };
        let number = self.number(n);
        let mut all = vec![("n", number.as_str())];
        all.extend_from_slice(values);
        fill(self.get(&format!("{key}.{form}")), &all)
    }

    /// The reader's word for a vocabulary term: that under `table.word`, else `table.other`, else
    /// the word itself. `table` is a section of the text files: `bizStep`, `role`, `document`, …
    ///
    /// CBV 2.0 §7 spells one word four ways (`receiving`, `cbv:BizStep-receiving`, a web URI, a
    /// URN); each ends in the bare word, and so does a sensor type such as `gs1:Temperature`.
    pub fn term<'a>(&'a self, table: &str, spelling: &'a str) -> &'a str {
        let word = spelling.rsplit([':', '-', '/']).next().unwrap_or(spelling);
        self.find(&format!("{table}.{word}"))
            .or_else(|| self.find(&format!("{table}.other")))
            .unwrap_or(word)
    }

    /// A word of our own under a table, which may have hyphens; itself, where the files do not name it.
    pub fn word<'a>(&'a self, table: &str, word: &'a str) -> &'a str {
        self.find(&format!("{table}.{word}")).unwrap_or(word)
    }

    /// A type of document, such as `healthCertificate`; one that the files do not name keeps its own word.
    pub fn document_type<'a>(&'a self, word: &'a str) -> &'a str {
        self.find(&format!("document.{word}")).unwrap_or(word)
    }

    /// Words that were recorded in both languages, in the reader's.
    pub fn said<'a>(&'a self, words: &'a Bilingual) -> &'a str {
        self.recorded(match self.lang {
            Lang::ZhCn => &words.zh_cn,
            Lang::En => &words.en,
        })
    }

    /// A text as it was recorded, or that it was erased.
    pub fn recorded<'a>(&'a self, words: &'a str) -> &'a str {
        match words {
            ERASED => self.get("history.erased"),
            words => words,
        }
    }

    /// A country by its ISO 3166-1 alpha-2 code; a country the files do not name keeps its code.
    pub fn country<'a>(&'a self, alpha2: &'a str) -> &'a str {
        self.find(&format!("country.{alpha2}")).unwrap_or(alpha2)
    }

    /// A count with its thousands grouped: `12,000`.
    pub fn number(&self, n: u64) -> String {
        group_thousands(&n.to_string())
    }

    /// A decimal number given as text, digits kept as recorded, thousands grouped, with a true
    /// minus sign. Text that is not a plain decimal (`1e3`) is returned unchanged.
    pub fn decimal(&self, number: &str) -> String {
        let (sign, digits) = match number.strip_prefix('-') {
            Some(rest) => ("\u{2212}", rest),
            None => ("", number),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !fraction.is_none_or(is_digits) {
            return number.to_owned();
        }
        let fraction = fraction.map(|f| format!(".{f}")).unwrap_or_default();
        format!("{sign}{}{fraction}", group_thousands(whole))
    }

    /// A quantity with its UN/ECE Recommendation 20 unit code; EPCIS counts items where there is no
    /// unit. A code the files do not name is shown as it is.
    pub fn amount(&self, number: &str, uom: Option<&str>) -> String {
        let grouped = self.decimal(number);
        match (uom, number.parse::<u64>()) {
            (Some(code), _) => {
                let unit = self.find(&format!("unit.{code}")).unwrap_or(code);
                self.with("quantity.amount", &[("n", &grouped), ("unit", unit)])
            }
            (None, Ok(n)) => self.count("count.item", n, &[]),
            (None, Err(_)) => grouped,
        }
    }

    /// A calendar date `YYYY-MM-DD` in the reader's form; `None` if it is not one.
    pub fn date(&self, iso: &str) -> Option<LocalDate> {
        let date = Date::parse(iso, format_description!("[year]-[month]-[day]")).ok()?;
        Some(LocalDate {
            machine: iso.to_owned(),
            text: self.date_text(date),
        })
    }

    /// The moment `rfc3339` on the clock of the place, whose offset is an EPCIS
    /// `eventTimeZoneOffset` such as `+12:00`; `None` if either is malformed.
    pub fn local_time(&self, rfc3339: &str, offset: &str) -> Option<LocalTime> {
        let moment = OffsetDateTime::parse(rfc3339, &Rfc3339).ok()?;
        let local = moment.checked_to_offset(parse_offset(offset)?)?;
        let clock = format!("{:02}:{:02}", local.hour(), local.minute());
        let machine = local.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()?;
        let date = self.date_text(local.date());
        let text = fill(
            self.get("time.stamp"),
            &[("date", &date), ("clock", &clock)],
        );
        Some(LocalTime {
            machine,
            text,
            date,
            clock,
            zone: zone_name(local.offset()),
        })
    }

    /// A moment with the name of its clock.
    pub fn zoned(&self, local: &LocalTime) -> String {
        let words = [("time", local.text.as_str()), ("zone", &local.zone)];
        self.with("time.zoned", &words)
    }

    fn date_text(&self, date: Date) -> String {
        let month = self
            .find(&format!("month.{}", u8::from(date.month())))
            .unwrap_or_default();
        let (year, day) = (date.year().to_string(), date.day().to_string());
        self.with(
            "time.date",
            &[("year", &year), ("month", month), ("day", &day)],
        )
    }

    /// Reads the text files of one language. They are part of the program and the tests parse them, so a fault
    /// here is a broken build and not an input.
    fn parse(lang: Lang) -> Text {
        let mut entries = HashMap::new();
        for source in lang.files() {
            let table: toml::Table = source.parse().expect("a text file is not TOML");
            flatten("", &table, &mut entries);
        }
        Text { lang, entries }
    }
}

/// A calendar date: `machine` for the `datetime` attribute, `text` for the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDate {
    /// `2026-06-12`
    pub machine: String,
    /// `2026年6月12日`, `12 June 2026`
    pub text: String,
}

/// A moment on the clock of the place where it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTime {
    /// RFC 3339 with the place's offset: `2026-06-12T07:40:00+12:00`
    pub machine: String,
    /// `2026年6月12日 07:40`, `12 June 2026, 07:40`
    pub text: String,
    /// The date alone, in the reader's form.
    pub date: String,
    /// The clock alone: `07:40`
    pub clock: String,
    /// `UTC+12`, `UTC+9:30`, `UTC`
    pub zone: String,
}

/// EPCIS 2.0 `eventTimeZoneOffset`: `+hh:mm` or `-hh:mm`, at most fourteen hours.
fn parse_offset(offset: &str) -> Option<UtcOffset> {
    let sign = match offset.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let two_digits = |s: &str| match s.as_bytes() {
        [a, b] if a.is_ascii_digit() && b.is_ascii_digit() => s.parse::<i8>().ok(),
        _ => None,
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    if minutes > 59 || hours > 14 || (hours == 14 && minutes > 0) {
        return None;
    }
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

fn zone_name(offset: UtcOffset) -> String {
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() {
        '\u{2212}'
    } else {
        '+'
    };
    match (hours.unsigned_abs(), minutes.unsigned_abs()) {
        (0, 0) => "UTC".to_owned(),
        (h, 0) => format!("UTC{sign}{h}"),
        (h, m) => format!("UTC{sign}{h}:{m:02}"),
    }
}

fn group_thousands(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Replaces `{name}` in one pass; a placeholder without a value stays visible.
fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after.split_once('}').and_then(|(name, tail)| {
            values
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value, tail))
        });
        match value {
            Some((value, tail)) => {
                filled.push_str(value);
                rest = tail;
            }
            None => {
                debug_assert!(false, "no value for a placeholder of: {sentence}");
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn flatten(prefix: &str, table: &toml::Table, entries: &mut HashMap<String, String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            toml::Value::String(sentence) => {
                let before = entries.insert(key, sentence.clone());
                assert_eq!(before, None, "a text that stands in both files");
            }
            toml::Value::Table(inner) => flatten(&key, inner, entries),
            other => panic!("{key} is {} and not a sentence", other.type_str()),
        }
    }
}

#[cfg(test)]
mod tests;
