//! Which characters may stand in a text.

use crate::error::{Field, TextError};

/// Checks a text of the job that people read, in any script that needs no shaping.
pub(crate) fn check_prose(field: Field, text: &str, limit: usize) -> Result<(), TextError> {
    check_length(field, text, limit)?;
    for character in text.chars() {
        if is_invisible(character) {
            return Err(TextError::InvisibleCharacter { field, character });
        }
        if needs_shaping(character) {
            return Err(TextError::NeedsShaping { field, character });
        }
    }
    Ok(())
}

/// Checks the address of a Digital Link: a URI is written in visible ASCII (RFC 3986, section 2).
pub(crate) fn check_address(text: &str, limit: usize) -> Result<(), TextError> {
    let never = |c: char| "\"<>\\^`{|}".contains(c);
    check_ascii(Field::Address, text, limit, |c| {
        c.is_ascii_graphic() && !never(c)
    })
}

/// Checks an element string: an application identifier of 2 to 4 digits in parentheses, then its data.
///
/// The HRI shows the data characters as they are (GS1 General Specifications, section 4.14).
pub(crate) fn check_element(text: &str, limit: usize) -> Result<(), TextError> {
    check_ascii(Field::Element, text, limit, |c| c.is_ascii_graphic())?;
    let (identifier, data) = text
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .unwrap_or_default();
    let digits = identifier.bytes().all(|b| b.is_ascii_digit());
    if digits && (2..=4).contains(&identifier.len()) && !data.is_empty() {
        return Ok(());
    }
    Err(TextError::NotAnElementString {
        text: text.to_owned(),
    })
}

/// Checks a hidden code: visible ASCII.
pub(crate) fn check_hidden(text: &str, limit: usize) -> Result<(), TextError> {
    check_ascii(Field::Hidden, text, limit, |c| c.is_ascii_graphic())
}

fn check_ascii(
    field: Field,
    text: &str,
    limit: usize,
    may: impl Fn(char) -> bool,
) -> Result<(), TextError> {
    check_length(field, text, limit)?;
    for character in text.chars() {
        if is_invisible(character) {
            return Err(TextError::InvisibleCharacter { field, character });
        }
        if !may(character) {
            return Err(TextError::CharacterNotAllowed { field, character });
        }
    }
    Ok(())
}

fn check_length(field: Field, text: &str, limit: usize) -> Result<(), TextError> {
    if text.trim().is_empty() {
        return Err(TextError::Empty { field });
    }
    // A character has at most four bytes, so a monstrous text is refused without being counted.
    let length = if text.len() > limit * 4 {
        text.len()
    } else {
        text.chars().count()
    };
    if length > limit {
        return Err(TextError::TooLong {
            field,
            length,
            limit,
        });
    }
    Ok(())
}

/// Controls, bidi controls and the other characters that change a text without being seen:
/// on a label they could make one thing be read and another be stored.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Combining marks and the scripts from Hebrew to Myanmar, Khmer and Mongolian: their letters are
/// joined, stacked or run from right to left, which one glyph per character cannot show.
fn needs_shaping(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0590}'..='\u{109F}'
        | '\u{1100}'..='\u{11FF}' | '\u{135D}'..='\u{135F}' | '\u{1700}'..='\u{18AF}'
        | '\u{1900}'..='\u{1CFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{302A}'..='\u{302F}' | '\u{3099}' | '\u{309A}' | '\u{A800}'..='\u{ABFF}'
        | '\u{D7B0}'..='\u{D7FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{FE70}'..='\u{FEFE}' | '\u{10800}'..='\u{11FFF}' | '\u{1E000}'..='\u{1EFFF}')
}

/// Whether a line may break before and after the character, as between ideographs.
pub(crate) fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE4F}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Whether the character closes something, so that no line may begin with it.
pub(crate) fn closes(c: char) -> bool {
    "，。、；：？！）》」』】〕〉〗］｝”’…—·・ー％℃°,.;:?!)]}%»›～".contains(c)
}

/// Whether the character opens something, so that no line may end with it.
pub(crate) fn opens(c: char) -> bool {
    "（《「『【〔〈〖［｛“‘([{«‹￥¥$№".contains(c)
}
