//! Keys that are checked and named, and never taken apart.

use super::super::{Identity, IdentityError, Level, LinkError, UrnError, ValueError, check_digit};

fn canonical(text: &str) -> String {
    Identity::parse(text).expect(text).canonical()
}

fn value_fault(text: &str) -> ValueError {
    match Identity::parse(text) {
        Err(IdentityError::Link(LinkError::Value(fault)))
        | Err(IdentityError::Urn(UrnError::Value(fault))) => fault,
        other => panic!("{text}: {other:?}"),
    }
}

/// Digits with their check digit.
fn checked(body: &str) -> String {
    format!("{body}{}", check_digit(body.as_bytes()))
}

/// URN, path of the link, level. GS1 Tag Data Standard §6.3: the examples' company prefix.
fn pairs() -> Vec<(&'static str, String, Level)> {
    use Level::{Class, Instance};
    let type_of = checked("061414112345");
    let gtin = checked("1061414112345");
    vec![
        (
            "urn:epc:id:gdti:0614141.12345.400",
            format!("/253/{type_of}400"),
            Instance,
        ),
        (
            "urn:epc:id:gdti:0614141.12345.A%2F1",
            format!("/253/{type_of}A%2F1"),
            Instance,
        ),
        (
            "urn:epc:idpat:gdti:0614141.12345.*",
            format!("/253/{type_of}"),
            Class,
        ),
        (
            "urn:epc:id:sgcn:0614141.12345.04711",
            format!("/255/{type_of}04711"),
            Instance,
        ),
        (
            "urn:epc:idpat:sgcn:0614141.12345.*",
            format!("/255/{type_of}"),
            Class,
        ),
        (
            "urn:epc:id:ginc:0614141.xyz3311cba",
            "/401/0614141xyz3311cba".to_owned(),
            Instance,
        ),
        (
            "urn:epc:id:gsin:0614141.123456789",
            format!("/402/{}", checked("0614141123456789")),
            Instance,
        ),
        (
            "urn:epc:id:gsrn:0614141.0123456789",
            format!("/8018/{}", checked("06141410123456789")),
            Instance,
        ),
        (
            "urn:epc:id:gsrnp:0614141.0123456789",
            format!("/8017/{}", checked("06141410123456789")),
            Instance,
        ),
        (
            "urn:epc:id:itip:0614141.112345.04.04.400",
            format!("/8006/{gtin}0404/21/400"),
            Instance,
        ),
        (
            "urn:epc:idpat:itip:0614141.112345.01.02.*",
            format!("/8006/{gtin}0102"),
            Class,
        ),
        (
            "urn:epc:id:cpi:0614141.5PQ7%2FZ43.12345",
            "/8010/06141415PQ7%2FZ43/8011/12345".to_owned(),
            Instance,
        ),
        (
            "urn:epc:idpat:cpi:0614141.123456.*",
            "/8010/0614141123456".to_owned(),
            Class,
        ),
        (
            "urn:epc:id:upui:0614141.112345.51qIgY)",
            format!("/01/{gtin}/235/51qIgY%29"),
            Instance,
        ),
    ]
}

#[test]
fn urn_and_link_of_one_thing_are_one_identity() {
    for (urn, path, level) in pairs() {
        let expected = format!("https://id.gs1.org{path}");
        assert_eq!(canonical(urn), expected, "{urn}");
        for link in [
            expected.clone(),
            format!("http://brand.example/eu{path}/"),
            format!("{expected}?17=271231"),
        ] {
            assert_eq!(canonical(&link), expected, "{link}");
        }
        assert_eq!(Identity::parse(urn).unwrap().level(), Some(level), "{urn}");
    }
}

#[test]
fn one_wrong_digit_in_a_key_with_a_check_digit_is_refused() {
    let mut tried = 0;
    for (_, path, _) in pairs() {
        if path.starts_with("/401") || path.starts_with("/8010") {
            continue;
        }
        // The first digit of the value: its neighbour makes a wrong check digit.
        let at = path[1..].find('/').unwrap() + 2;
        let digit = path.as_bytes()[at];
        let other = char::from(if digit == b'9' { b'0' } else { digit + 1 });
        let wrong = format!(
            "https://id.gs1.org{}{other}{}",
            &path[..at],
            &path[at + 1..]
        );
        assert!(
            matches!(value_fault(&wrong), ValueError::CheckDigit { .. }),
            "{wrong}"
        );
        tried += 1;
    }
    assert_eq!(tried, 11);
}

#[test]
fn each_rule_of_a_value_is_kept() {
    let gtin = checked("1061414112345");
    let short = "https://id.gs1.org/402/0614141123456";
    assert!(matches!(value_fault(short), ValueError::Length { .. }));
    for pieces in ["0004", "0504"] {
        let link = format!("https://id.gs1.org/8006/{gtin}{pieces}");
        assert_eq!(value_fault(&link), ValueError::Pieces, "{link}");
    }
    let lower = "https://id.gs1.org/8010/0614141abc";
    assert!(matches!(
        value_fault(lower),
        ValueError::NotCset39 { position: 8, .. }
    ));
    let zero = "https://id.gs1.org/8010/0614141ABC/8011/012";
    assert!(matches!(value_fault(zero), ValueError::LeadingZero { .. }));
    let words = "urn:epc:id:cpi:0614141.ABC.S1";
    assert!(matches!(value_fault(words), ValueError::NotADigit { .. }));
    let coupon = format!("https://id.gs1.org/255/{}A1", checked("061414112345"));
    assert!(matches!(value_fault(&coupon), ValueError::NotADigit { .. }));
    let long = format!(
        "https://id.gs1.org/253/{}{}",
        checked("061414112345"),
        "7".repeat(18)
    );
    assert!(matches!(
        value_fault(&long),
        ValueError::TooLong { max: 17, .. }
    ));
    let fits = format!(
        "https://id.gs1.org/253/{}{}",
        checked("061414112345"),
        "7".repeat(17)
    );
    assert!(Identity::parse(&fits).is_ok());
    assert!(Identity::parse("urn:epc:id:gsrn:0614141.012345678").is_err());
    assert!(Identity::parse("urn:epc:idpat:gdti:0614141.12345.4").is_err());
    assert!(Identity::parse("urn:epc:id:gdti:0614141.12345.").is_err());
    let stray = format!(
        "https://id.gs1.org/8018/{}/21/1",
        checked("06141410123456789")
    );
    assert!(Identity::parse(&stray).is_err());
}

#[test]
fn an_everyday_number_in_a_path_is_no_key() {
    for text in [
        "https://shop.example/orders/402/7",
        "https://shop.example/253/2026",
        "https://shop.example/401/12345",
        "https://shop.example/255/",
    ] {
        assert!(
            matches!(Identity::parse(text), Ok(Identity::Other(_))),
            "{text}"
        );
        assert_eq!(Identity::parse(text).unwrap().level(), None);
    }
}
