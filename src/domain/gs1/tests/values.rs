//! Lots and serials.

use super::super::text::is_cset82;
use super::super::{Ai, Lot, Serial, ValueError};

#[test]
fn cset82_has_eighty_two_characters() {
    let count = ('\0'..=char::MAX)
        .filter(|&character| is_cset82(character))
        .count();
    assert_eq!(count, 82);
}

#[test]
fn a_lot_keeps_its_case_and_its_leading_zeros() {
    assert_eq!(Lot::parse("007a").unwrap().to_string(), "007a");
    assert_ne!(Lot::parse("007"), Lot::parse("7"));
    assert_ne!(Lot::parse("ab"), Lot::parse("AB"));
}

#[test]
fn a_lot_has_one_to_twenty_characters() {
    assert!(Lot::parse("L").is_ok());
    assert!(Lot::parse(&"L".repeat(20)).is_ok());
    assert_eq!(Lot::parse(""), Err(ValueError::Empty { of: Ai::Lot }));
    for found in [21, 256, 276, 100_000] {
        let error = ValueError::TooLong {
            of: Ai::Lot,
            max: 20,
            found,
        };
        assert_eq!(Lot::parse(&"L".repeat(found)), Err(error));
    }
}

#[test]
fn a_lot_with_a_character_outside_cset82_is_refused_with_that_character_named() {
    for found in [
        ' ', '#', '$', '@', '[', '\\', ']', '^', '`', '{', '|', '}', '~', '奶',
    ] {
        let error = Lot::parse(&format!("L1{found}")).unwrap_err();
        assert_eq!(
            error,
            ValueError::NotCset82 {
                of: Ai::Lot,
                position: 3,
                found
            }
        );
    }
    assert_eq!(
        Serial::parse("奶粉").unwrap_err().to_string(),
        "character 1 of the serial number (21) is '奶', which GS1 does not allow (CSET 82)"
    );
}

#[test]
fn a_control_character_is_named_by_its_code_point_and_never_shown() {
    for (text, code) in [
        ("\0", "U+0000"),
        ("A\u{1B}[2J", "U+001B"),
        ("A\u{85}", "U+0085"),
    ] {
        let message = Lot::parse(text).unwrap_err().to_string();
        assert!(message.contains(code), "{message}");
        assert!(!message.contains(char::is_control), "{message}");
    }
}
