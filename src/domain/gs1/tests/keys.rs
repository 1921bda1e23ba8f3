//! Numbers with a check digit.

use super::super::{Ai, Giai, Gln, Grai, Gtin, Sscc, ValueError, check_digit};
use super::GTIN;

#[test]
fn the_check_digit_follows_from_weights_three_and_one_from_the_right() {
    // 3·1 + 2 + 3·3 + 4 + 3·5 + 6 + 3·7 = 60, so nothing is missing to a multiple of ten.
    assert_eq!(check_digit(b"7654321"), 0);
    assert_eq!(check_digit(b"0952123454321"), 3);
    assert_eq!(check_digit(b""), 0);
    assert_eq!(check_digit(&[b'9'; 100_000]), 0);
}

#[test]
fn a_short_gtin_is_the_same_gtin_padded_to_fourteen_digits() {
    for (short, full) in [
        ("95200002", "00000095200002"),
        ("614141123452", "00614141123452"),
        ("9521234543213", GTIN),
        (GTIN, GTIN),
    ] {
        assert_eq!(Gtin::parse(short).unwrap().as_str(), full);
        assert_eq!(Gtin::parse(short), Gtin::parse(full));
    }
}

#[test]
fn a_gtin_with_a_wrong_check_digit_is_refused_with_the_right_one_named() {
    let error = Gtin::parse("9521234543214").unwrap_err();
    assert_eq!(
        error,
        ValueError::CheckDigit {
            of: Ai::Gtin,
            expected: 3,
            found: 4
        }
    );
    assert_eq!(
        error.to_string(),
        "the check digit of the GTIN should be 3 but is 4"
    );
}

#[test]
fn a_gtin_of_another_length_is_refused() {
    for length in (0..=30).filter(|length| ![8, 12, 13, 14].contains(length)) {
        let error = Gtin::parse(&"0".repeat(length)).unwrap_err();
        assert!(matches!(error, ValueError::Length { found, .. } if found == length));
    }
    let error = Gtin::parse("95212").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the GTIN has 8, 12, 13 or 14 digits, this one has 5"
    );
}

#[test]
fn a_gtin_with_anything_but_ascii_digits_is_refused() {
    for (text, position, found) in [
        ("952123454321X", 13, 'X'),
        (" 9521234543213", 1, ' '),
        ("+521234543213", 1, '+'),
        // ARABIC-INDIC and FULLWIDTH digits are digits to Unicode, not to GS1.
        ("95212345432١3", 12, '١'),
        ("９521234543213", 1, '９'),
    ] {
        let expected = ValueError::NotADigit {
            of: Ai::Gtin,
            position,
            found,
        };
        assert_eq!(Gtin::parse(text), Err(expected));
    }
}

#[test]
fn a_body_is_completed_with_its_check_digit() {
    assert_eq!(
        Gtin::with_check_digit("0952123454321").unwrap().as_str(),
        GTIN
    );
    let sscc = Sscc::with_check_digit("34012345311111111").unwrap();
    assert_eq!(Sscc::parse(sscc.as_str()), Ok(sscc));
    let gln = Gln::with_check_digit("952123400000").unwrap();
    assert_eq!(gln.as_str(), "9521234000006");
    let short = ValueError::BodyLength {
        of: Ai::Gtin,
        expected: 13,
        found: 12,
    };
    assert_eq!(Gtin::with_check_digit("952123454321"), Err(short));
    let letter = ValueError::NotADigit {
        of: Ai::Gln,
        position: 2,
        found: 'x',
    };
    assert_eq!(Gln::with_check_digit("9x2123400000"), Err(letter));
}

#[test]
fn an_sscc_and_a_gln_are_never_padded() {
    assert!(Sscc::parse("340123453111111115").is_ok());
    assert!(matches!(
        Sscc::parse("40123453111111115"),
        Err(ValueError::Length { .. })
    ));
    assert!(Gln::parse("4012345000054").is_ok());
    assert!(matches!(
        Gln::parse("04012345000054"),
        Err(ValueError::Length { .. })
    ));
    let wrong = ValueError::CheckDigit {
        of: Ai::Gln,
        expected: 4,
        found: 5,
    };
    assert_eq!(Gln::parse("4012345000055"), Err(wrong));
}

#[test]
fn a_grai_is_a_filler_zero_thirteen_digits_and_perhaps_a_serial() {
    let one = Grai::parse("04012345000221334455").unwrap();
    assert_eq!(
        (one.kind(), one.serial()),
        ("4012345000221", Some("334455"))
    );
    assert_eq!(one.to_string(), "04012345000221334455");
    let kind = Grai::parse("04012345000221").unwrap();
    assert_eq!((kind.kind(), kind.serial()), ("4012345000221", None));

    let faults = [
        ("14012345000221", ValueError::NoFillerZero { found: '1' }),
        (
            "04012345000222",
            ValueError::CheckDigit {
                of: Ai::Grai,
                expected: 1,
                found: 2,
            },
        ),
        (
            "0401234500022",
            ValueError::Length {
                of: Ai::Grai,
                accepted: &[14],
                found: 13,
            },
        ),
        (
            "0401234500022A",
            ValueError::NotADigit {
                of: Ai::Grai,
                position: 14,
                found: 'A',
            },
        ),
        (
            "0401234500022112345678901234567",
            ValueError::TooLong {
                of: Ai::Grai,
                max: 16,
                found: 17,
            },
        ),
    ];
    for (text, fault) in faults {
        assert_eq!(Grai::parse(text), Err(fault), "{text}");
    }
}

#[test]
fn a_giai_begins_with_a_company_prefix_and_has_at_most_thirty_characters() {
    assert_eq!(
        Giai::parse("4012345ABC345").unwrap().as_str(),
        "4012345ABC345"
    );
    assert!(Giai::parse(&"1".repeat(30)).is_ok());
    let long = ValueError::TooLong {
        of: Ai::Giai,
        max: 30,
        found: 31,
    };
    assert_eq!(Giai::parse(&"1".repeat(31)), Err(long));
    assert_eq!(
        Giai::parse("ABC345"),
        Err(ValueError::NoCompanyPrefix { of: Ai::Giai })
    );
}
