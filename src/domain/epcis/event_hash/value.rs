//! The canonical form of one value, and of one name.

use auditlog::json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::super::names::{Names, Vocabulary, bare_word, word_uri};
use crate::domain::gs1::constrained_link;

/// The zeros that an exponent may add. A double has no more than 308 places before its point and
/// 324 after; beyond that a number stays as it was received, so that `1e999999999` costs nothing.
const MAX_EXPONENT: i64 = 400;

/// The vocabularies whose words rule 14 recognises by their URN wherever they stand.
const URN_WORDS: [Vocabulary; 5] = [
    Vocabulary::BizStep,
    Vocabulary::Disposition,
    Vocabulary::BizTransactionType,
    Vocabulary::SourceDestType,
    Vocabulary::ErrorReason,
];

/// Canonical forms under the names of one context.
pub(super) struct Canon<'c> {
    names: Names<'c>,
}

impl<'c> Canon<'c> {
    pub(super) fn new(names: Names<'c>) -> Canon<'c> {
        Canon { names }
    }

    /// A scalar; `None` for what is no value.
    pub(super) fn text(&self, value: &Value<'_>) -> Option<String> {
        match value {
            Value::String(text) => Some(self.string(text.trim())),
            Value::Number(text) => Some(decimal(text)),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Rules 14, 15, 17 and 18.
    fn string(&self, text: &str) -> String {
        let text = self.names.expand(text);
        if text.starts_with("urn:epcglobal:cbv:")
            && let Some(kind) = URN_WORDS
                .into_iter()
                .find(|&kind| bare_word(kind, &text) != text)
        {
            return word_uri(kind, &text).into_owned();
        }
        constrained_link(&text).unwrap_or_else(|| text.into_owned())
    }

    /// Rule 16: a word in a field of its vocabulary.
    pub(super) fn word(&self, kind: Vocabulary, value: &Value<'_>) -> Option<String> {
        match value.as_str().map(str::trim) {
            Some(word) if !word.is_empty() && !word.contains(':') => {
                Some(word_uri(kind, word).into_owned())
            }
            _ => self.text(value),
        }
    }

    /// Rules 8 and 9; what is no time stays as any other text.
    pub(super) fn time(&self, value: &Value<'_>) -> Option<String> {
        let time = value.as_str().and_then(|text| utc(text.trim()));
        time.or_else(|| self.text(value))
    }

    /// Rules 19 and 20: `{namespace}local`.
    pub(super) fn name(&self, name: &str) -> String {
        self.names.member(name).expanded()
    }
}

/// A time in UTC to the millisecond, half of one rounded up.
fn utc(text: &str) -> Option<String> {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    // The form cuts after the millisecond.
    let rounded = at.checked_add(Duration::microseconds(500))?;
    rounded.checked_to_offset(UtcOffset::UTC)?.format(form).ok()
}

/// Rule 6: a JSON number without exponent and without a superfluous zero, and every digit kept.
fn decimal(text: &str) -> String {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.parse::<i64>().ok();
    let Some(exponent) = exponent.filter(|exponent| exponent.abs() <= MAX_EXPONENT) else {
        return text.to_owned();
    };
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // As if the point stood before the first digit, and then moved.
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let leading = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let point = whole.len() as i64 + exponent - leading as i64;
    match usize::try_from(point) {
        Err(_) | Ok(0) => {
            let zeros = "0".repeat(point.unsigned_abs() as usize);
            format!("{sign}0.{zeros}{significant}")
        }
        Ok(point) if point >= significant.len() => {
            let zeros = "0".repeat(point - significant.len());
            format!("{sign}{significant}{zeros}")
        }
        Ok(point) => {
            let (whole, fraction) = significant.split_at(point);
            format!("{sign}{whole}.{fraction}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_every_digit_and_loses_every_superfluous_zero() {
        for (received, canonical) in [
            ("1.0", "1"),
            ("1.50", "1.5"),
            ("0.3434000", "0.3434"),
            ("-0.0", "0"),
            ("0", "0"),
            ("100", "100"),
            ("1e3", "1000"),
            ("1.25E+1", "12.5"),
            ("-12.5e-3", "-0.0125"),
            ("0.00001", "0.00001"),
            ("0.001e3", "1"),
            ("120e-1", "12"),
            ("12345678901234567890", "12345678901234567890"),
            ("0.12345678901234567890", "0.1234567890123456789"),
        ] {
            assert_eq!(decimal(received), canonical, "{received}");
        }
    }

    #[test]
    fn an_exponent_may_add_four_hundred_zeros_and_no_more() {
        assert_eq!(decimal("1e400").len(), 401);
        assert_eq!(decimal("1e-400").len(), 402);
        for far in ["1e401", "1e-401", "1e999999999", "-1E99999999999999999999"] {
            assert_eq!(decimal(far), far);
        }
    }

    #[test]
    fn a_time_is_in_utc_and_rounded_to_the_millisecond() {
        for (received, canonical) in [
            ("2020-03-04T11:00:30+01:00", "2020-03-04T10:00:30.000Z"),
            ("2020-03-04T11:00:30.1Z", "2020-03-04T11:00:30.100Z"),
            ("2020-03-04T11:00:30.0004999Z", "2020-03-04T11:00:30.000Z"),
            ("2020-03-04T11:00:30.0005Z", "2020-03-04T11:00:30.001Z"),
            ("2019-12-31T23:59:59.9995Z", "2020-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(received).as_deref(), Some(canonical), "{received}");
        }
        assert_eq!(utc("yesterday"), None);
        assert_eq!(
            utc("9999-12-31T23:59:59.9999Z"),
            None,
            "no year has five digits"
        );
    }
}
