//! Hidden codes: what stands on a pack under a layer that is scratched off, so that whoever buys it can be the first to know it.
//! Each is made from the serial number's own number and the code key, as serials are: there is no list that could leak.

use auditlog::json::{Value, write_string};

use super::crockford;
use super::fields::{At, Fault, FaultKind};
use super::gs1::Identity;
use super::statement::{About, Role};

/// Characters of a hidden code; 40 bits.
pub const HIDDEN_CHARS: usize = 8;
/// Uses of one hidden code that are stated: it is for one.
pub const MAX_REVEALS: u32 = 10;
/// From so many uses on, each by another network or on another day, somebody else has had the pack open, or has copied it. A family
/// enters its code twice.
pub const TOO_MANY_REVEALS: u32 = 3;

/// A hidden code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HiddenCode(pub(super) [u8; 5]);

impl HiddenCode {
    /// Reads one as a person types it; none where it has another form.
    pub fn parse(typed: &str) -> Option<HiddenCode> {
        let text = crockford::meant(typed);
        if text.len() != HIDDEN_CHARS {
            return None;
        }
        let [.., a, b, c, d, e] = crockford::decode(&text)?.to_be_bytes();
        Some(HiddenCode([a, b, c, d, e]))
    }

    /// As it is printed: `7KQ4-0ZXP`.
    pub fn shown(&self) -> String {
        let bits = self
            .0
            .iter()
            .fold(0, |bits, byte| bits << 8 | u128::from(*byte));
        let text = crockford::encode(bits, HIDDEN_CHARS);
        let (first, second) = text.split_at(HIDDEN_CHARS / 2);
        format!("{first}-{second}")
    }
}

/// It opens something, and stays out of logs.
impl std::fmt::Debug for HiddenCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HiddenCode(…)")
    }
}

/// What a statement says of one use: that somebody knew the hidden code, and never the code itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reveal {
    /// `code`: the item.
    pub item: Identity,
    /// `number`: 1 for the first, then one more each.
    pub number: u32,
}

impl Reveal {
    /// The body of the statement.
    pub fn body(&self) -> String {
        let mut body = String::from("{\"code\":");
        write_string(&self.item.canonical(), &mut body);
        body.push_str(&format!(",\"number\":{}}}", self.number));
        body
    }

    /// What it is about.
    pub fn about(&self) -> Vec<About> {
        vec![About::new(Role::Revealed, self.item.canonical())]
    }
}

/// Reads `{"code":…,"number":…}`.
///
/// # Errors
/// The first fault.
pub fn read_reveal(body: &Value<'_>) -> Result<Reveal, Fault> {
    let at = At::root(body);
    at.only(&[&["code", "number"]])?;
    let item = at.required("code")?.item()?;
    let number = at.required("number")?;
    let count: Option<u32> = number.number()?.parse().ok();
    Ok(Reveal {
        item,
        number: count
            .filter(|count| (1..=MAX_REVEALS).contains(count))
            .ok_or_else(|| number.fault(FaultKind::MustBe("a number from 1 to 10")))?,
    })
}

#[cfg(test)]
mod tests {
    use auditlog::json;

    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_printed_and_as_people_type_it() {
        let code = HiddenCode([0x3f, 0x00, 0xff, 0x81, 0x20]);
        let shown = code.shown();
        assert_eq!(shown.len(), 9);
        for typed in [
            shown.clone(),
            shown.to_lowercase(),
            format!(" {} ", shown.replace('-', " ")),
            shown.replace('0', "O"),
        ] {
            assert_eq!(HiddenCode::parse(&typed), Some(code), "{typed}");
        }
        for wrong in ["", "7KQ4-0ZX", "7KQ4-0ZXPA", "7KQ4-0ZXU", "七"] {
            assert_eq!(HiddenCode::parse(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{code:?}"), "HiddenCode(…)");
    }

    #[test]
    fn a_statement_is_read_as_it_is_made_and_everything_else_refused() {
        let read = |body: &str| {
            let value = json::parse(body).unwrap();
            read_reveal(&value).map_err(|fault| fault.to_string())
        };
        let code = "https://id.gs1.org/01/09521041001012/21/A1";
        let made = Reveal {
            item: Identity::parse(code).unwrap(),
            number: 2,
        };
        assert_eq!(read(&made.body()), Ok(made.clone()));
        assert_eq!(made.about()[0].to_string(), format!("revealed {code}"));
        for (body, pointer) in [
            (format!(r#"{{"code":"{code}"}}"#), "/number"),
            (format!(r#"{{"code":"{code}","number":0}}"#), "/number"),
            (format!(r#"{{"code":"{code}","number":11}}"#), "/number"),
            (
                format!(r#"{{"code":"{code}","number":1,"hidden":"x"}}"#),
                "/hidden",
            ),
            (
                r#"{"code":"https://id.gs1.org/01/09521041001012","number":1}"#.into(),
                "/code",
            ),
        ] {
            let fault = read(&body).unwrap_err();
            assert!(
                fault.starts_with(&format!("{pointer}: ")),
                "{body}: {fault}"
            );
        }
    }
}
