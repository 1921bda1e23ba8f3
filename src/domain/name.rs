//! Names that people enter: of themselves, of products, of places. What is shown to others must read as it is.

use thiserror::Error;
use unicode_security::RestrictionLevel;
use unicode_security::RestrictionLevelDetection as _;

/// Why a name is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameFault {
    /// Nothing was entered.
    #[error("a name is missing")]
    Empty,
    /// Too long.
    #[error("at most {0} characters")]
    TooLong(usize),
    /// A word of letters that look alike and are not.
    #[error("a word mixes letters of several scripts")]
    MixedScripts,
    /// A character that is not seen, or turns others around.
    #[error("an invisible character (U+{0:04X})")]
    Invisible(u32),
}

/// A name without what surrounds it, of 1 to `most` characters that are all seen.
pub fn name(typed: &str, most: usize) -> Result<String, NameFault> {
    let name = typed.trim();
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    if name.chars().count() > most {
        return Err(NameFault::TooLong(most));
    }
    match name.chars().find(|c| is_invisible(*c)) {
        Some(c) => Err(NameFault::Invisible(c as u32)),
        None => Ok(name.to_owned()),
    }
}

/// Controls; marks that change the direction of what stands beside them (Unicode Standard Annex 9), with which a name can be made
/// to read as another; spaces of no width; and what no font draws.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether one word of a name mixes scripts that no writing mixes, as `Lаrkmere` with a Cyrillic а does: Unicode Technical
/// Standard 39, beyond "highly restrictive". Chinese beside Latin letters is what names here look like.
pub fn mixes_scripts(name: &str) -> bool {
    let words = name.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .any(|word| word.detect_restriction_level() > RestrictionLevel::HighlyRestrictive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_is_seen_of_it() {
        assert_eq!(name("  李娜 Na Li ", 10).unwrap(), "李娜 Na Li");
        assert_eq!(name(" \n", 10), Err(NameFault::Empty));
        assert_eq!(name("abcde", 4), Err(NameFault::TooLong(4)));
        assert_eq!(name("奶粉奶粉", 4).unwrap(), "奶粉奶粉");
        for c in [
            '\u{202E}',
            '\u{2066}',
            '\u{200B}',
            '\u{7}',
            '\u{FEFF}',
            '\u{E0041}',
            '\u{2028}',
        ] {
            assert_eq!(
                name(&format!("a{c}b"), 10),
                Err(NameFault::Invisible(c as u32))
            );
        }
    }

    #[test]
    fn a_word_of_two_scripts_that_nobody_mixes_is_seen() {
        for honest in [
            "云雀原婴儿配方奶粉 1 段",
            "Larkmere Demo Infant Formula, Stage 1",
            "A2 β-酪蛋白奶粉",
            "Молоко 牛奶 Milk",
            "カルピス Calpis 可尔必思",
            "Île-de-France, crème 5 %",
        ] {
            assert!(!mixes_scripts(honest), "{honest}");
        }
        for mixed in [
            "L\u{430}rkmere",
            "云雀原 \u{39F}rganic",
            "F\u{43E}nterra 奶粉",
        ] {
            assert!(mixes_scripts(mixed), "{mixed}");
        }
    }
}
