//! The addresses that shoppers scan.

use super::super::{
    Ai, DigitalLink, EscapeError, Gtin, Identity, LinkError, Lot, Serial, Sscc, ValueError,
};
use super::GTIN;

#[test]
fn every_combination_of_qualifiers_in_gs1_order_is_read() {
    for (path, lot, serial) in [
        ("/01/09521234543213", None, None),
        ("/01/09521234543213/10/ABC", Some("ABC"), None),
        ("/01/09521234543213/21/7", None, Some("7")),
        ("/01/09521234543213/10/ABC/21/7", Some("ABC"), Some("7")),
        ("/01/09521234543213/22/2A", None, None),
        (
            "/01/09521234543213/22/2A/10/ABC/21/7",
            Some("ABC"),
            Some("7"),
        ),
    ] {
        let link = link(path);
        assert_eq!(link.gtin(), Some(Gtin::parse(GTIN).unwrap()));
        assert_eq!(link.lot().as_ref().map(Lot::as_str), lot);
        assert_eq!(link.serial().as_ref().map(Serial::as_str), serial);
        assert_eq!(link.sscc(), None);
    }
    let unit = link("/00/340123453111111115");
    assert_eq!(
        unit.sscc(),
        Some(Sscc::parse("340123453111111115").unwrap())
    );
    assert_eq!((unit.gtin(), unit.lot(), unit.serial()), (None, None, None));
}

#[test]
fn identities_run_from_finest_to_coarsest() {
    let names = |path| -> Vec<String> {
        link(path)
            .identities()
            .iter()
            .map(Identity::canonical)
            .collect()
    };
    assert_eq!(
        names("/01/09521234543213/22/2A/10/ABC/21/7"),
        [
            "https://id.gs1.org/01/09521234543213/21/7",
            "https://id.gs1.org/01/09521234543213/10/ABC",
            "https://id.gs1.org/01/09521234543213",
        ]
    );
    assert_eq!(
        names("/01/09521234543213"),
        ["https://id.gs1.org/01/09521234543213"]
    );
    assert_eq!(
        names("/00/340123453111111115"),
        ["https://id.gs1.org/00/340123453111111115"]
    );
}

#[test]
fn the_canonical_form_keeps_lot_and_serial_and_drops_the_variant() {
    let link = link("/01/9521234543213/22/2A/10/A%2fB/21/x(1)/");
    assert_eq!(link.path(), "/01/09521234543213/10/A%2FB/21/x%281%29");
    assert_eq!(
        link.canonical(),
        format!("https://id.gs1.org{}", link.path())
    );
}

#[test]
fn a_segment_is_split_before_it_is_decoded_and_decoded_once() {
    let lot = |path| link(path).lot().unwrap().as_str().to_owned();
    assert_eq!(lot("/01/09521234543213/10/A%2FB"), "A/B");
    assert_eq!(lot("/01/09521234543213/10/A%252FB"), "A%2FB");
    assert_eq!(lot("/01/09521234543213/10/A+B"), "A+B");
    assert_eq!(lot("/01/09521234543213/10/..%2F..%2F21"), "../../21");
}

#[test]
fn only_letters_digits_and_three_signs_of_cset82_are_written_unescaped() {
    for (lot, escaped) in [
        ("!\"%&'()*+,", "%21%22%25%26%27%28%29%2A%2B%2C"),
        ("/:;<=>?", "%2F%3A%3B%3C%3D%3E%3F"),
        ("-._AZaz09", "-._AZaz09"),
    ] {
        let lot = Lot::parse(lot).unwrap();
        let link = DigitalLink::from_parts(Gtin::parse(GTIN).unwrap(), Some(lot), None);
        assert_eq!(link.path(), format!("/01/{GTIN}/10/{escaped}"));
    }
}

#[test]
fn one_trailing_slash_is_tolerated_and_two_are_not() {
    assert_eq!(link("/01/09521234543213/"), link("/01/09521234543213"));
    assert_eq!(
        link("/01/09521234543213/10/A/"),
        link("/01/09521234543213/10/A")
    );
    assert!(DigitalLink::parse_path("/01/09521234543213//").is_err());
    assert!(DigitalLink::parse_path("/01/09521234543213/10/A//").is_err());
    assert!(DigitalLink::parse_path("//01/09521234543213").is_err());
    assert!(DigitalLink::parse_path("/01//09521234543213").is_err());
}

#[test]
fn qualifiers_out_of_order_are_refused() {
    for (tail, qualifier, after) in [
        ("/21/7/10/ABC", Ai::Lot, Ai::Serial),
        ("/10/ABC/22/2A", Ai::Cpv, Ai::Lot),
        ("/21/7/22/2A", Ai::Cpv, Ai::Serial),
    ] {
        let error = link_refusal(&format!("/01/{GTIN}{tail}"));
        assert_eq!(error, LinkError::OutOfOrder { qualifier, after });
    }
    assert_eq!(
        link_refusal("/01/09521234543213/21/7/10/ABC").to_string(),
        "the lot (10) comes after the serial number (21), but the order is 22, 10, 21"
    );
}

#[test]
fn a_qualifier_given_twice_is_refused_wherever_the_second_stands() {
    for tail in ["/10/A/10/A", "/10/A/21/7/10/A"] {
        let error = link_refusal(&format!("/01/{GTIN}{tail}"));
        assert_eq!(error, LinkError::Repeated { qualifier: Ai::Lot });
    }
}

#[test]
fn what_does_not_qualify_the_key_is_refused() {
    for (path, key, code) in [
        ("/01/09521234543213/3103/000195", Ai::Gtin, "3103"),
        ("/01/09521234543213/lot/ABC", Ai::Gtin, "lot"),
        ("/01/09521234543213/010/ABC", Ai::Gtin, "010"),
        ("/00/340123453111111115/10/ABC", Ai::Sscc, "10"),
    ] {
        let expected = LinkError::UnknownQualifier {
            key,
            found: code.into(),
        };
        assert_eq!(link_refusal(path), expected);
    }
    let flood = link_refusal(&format!("/01/{GTIN}/{}/x", "9".repeat(100_000)));
    assert!(
        flood.to_string().len() < 80,
        "a message never repeats a stranger's flood"
    );
}

#[test]
fn an_empty_or_missing_value_is_refused() {
    for tail in ["/10", "/10/", "/10//21/7"] {
        let error = link_refusal(&format!("/01/{GTIN}{tail}"));
        assert_eq!(error, LinkError::Value(ValueError::Empty { of: Ai::Lot }));
    }
    let error = link_refusal("/01/09521234543213/22//10/A");
    assert_eq!(error, LinkError::Value(ValueError::Empty { of: Ai::Cpv }));
    assert!(matches!(
        link_refusal("/01/"),
        LinkError::Value(ValueError::Length { .. })
    ));
}

#[test]
fn a_value_that_cannot_be_decoded_is_refused() {
    for (raw, fault) in [
        ("A%", EscapeError::NotHex { position: 2 }),
        ("A%2", EscapeError::NotHex { position: 2 }),
        ("%G0", EscapeError::NotHex { position: 1 }),
        ("%+1", EscapeError::NotHex { position: 1 }),
        ("%2奶", EscapeError::NotHex { position: 1 }),
        ("%FF", EscapeError::NotUtf8),
        ("%C0%AF", EscapeError::NotUtf8),
    ] {
        let error = link_refusal(&format!("/01/{GTIN}/10/{raw}"));
        assert_eq!(error, LinkError::Escape { of: Ai::Lot, fault });
    }
}

#[test]
fn a_value_outside_its_rules_is_refused_after_decoding() {
    let fault = |tail: &str| link_refusal(&format!("/01/{GTIN}{tail}"));
    let control = ValueError::Control {
        of: Ai::Lot,
        position: 2,
        found: '\0',
    };
    assert_eq!(fault("/10/A%00"), LinkError::Value(control));
    let space = ValueError::NotCset82 {
        of: Ai::Serial,
        position: 1,
        found: ' ',
    };
    assert_eq!(fault("/21/%20"), LinkError::Value(space));
    let chinese = ValueError::NotCset82 {
        of: Ai::Lot,
        position: 1,
        found: '奶',
    };
    assert_eq!(fault("/10/%E5%A5%B6"), LinkError::Value(chinese));
    let variant = ValueError::TooLong {
        of: Ai::Cpv,
        max: 20,
        found: 21,
    };
    assert_eq!(
        fault(&format!("/22/{}", "v".repeat(21))),
        LinkError::Value(variant)
    );
}

#[test]
fn a_path_that_begins_with_another_key_or_none_is_refused() {
    for path in [
        "/414/4012345000054",
        "/gtin/09521234543213",
        "/02/09521234543213",
        "/",
    ] {
        let error = link_refusal(path);
        assert!(
            matches!(error, LinkError::UnknownKey { .. } | LinkError::NoKey),
            "{path}"
        );
    }
    assert_eq!(link_refusal(""), LinkError::NoKey);
    assert_eq!(link_refusal("01/09521234543213"), LinkError::NoKey);
}

#[test]
fn a_query_is_dropped_from_a_url_and_refused_in_a_path() {
    let url = "https://shop.example/p/01/09521234543213/10/A?17=261231&x=/21/7#y";
    assert_eq!(
        DigitalLink::parse(url).unwrap(),
        link("/01/09521234543213/10/A")
    );
    let error = link_refusal("/01/09521234543213/10/A?B");
    assert_eq!(error, LinkError::NotOnlyAPath { found: '?' });
}

#[test]
fn a_whole_url_or_a_prefixed_path_is_read() {
    let expected = link("/01/09521234543213/21/7");
    for text in [
        "https://id.gs1.org/01/09521234543213/21/7",
        "HTTPS://ID.GS1.ORG/01/9521234543213/21/7",
        "http://shop.example:8080/a/b/01/09521234543213/21/7/",
        "/proof/01/09521234543213/21/7?format=json",
    ] {
        assert_eq!(DigitalLink::parse(text), Ok(expected));
        assert_eq!(text.parse(), Ok(expected));
    }
    assert_eq!(
        DigitalLink::parse("https://shop.example/about"),
        Err(LinkError::NoKey)
    );
    assert_eq!(
        DigitalLink::parse("urn:epc:id:sscc:4012345.3111111111"),
        Err(LinkError::NoKey)
    );
    assert_eq!(
        DigitalLink::parse("https:///01/09521234543213"),
        Err(LinkError::NoHost)
    );
}

#[test]
fn only_products_and_logistic_units_have_a_link() {
    let place = Identity::parse("https://id.gs1.org/414/4012345000054").unwrap();
    assert_eq!(DigitalLink::for_identity(&place), None);
}

fn link(path: &str) -> DigitalLink {
    match DigitalLink::parse_path(path) {
        Ok(link) => link,
        Err(error) => panic!("{path} was refused: {error}"),
    }
}

fn link_refusal(path: &str) -> LinkError {
    match DigitalLink::parse_path(path) {
        Ok(link) => panic!("{path} was accepted as {link:?}"),
        Err(error) => error,
    }
}
