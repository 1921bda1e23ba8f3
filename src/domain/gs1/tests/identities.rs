//! What EPCIS events name: links on any host, EPC URNs, other URIs.

use super::super::{
    Ai, DigitalLink, Identity, IdentityError, LinkError, OtherUri, UrnError, ValueError,
};

/// What was received, and what it is. The URNs cover the examples of the CBV 2.0 event hash rules.
const SAME_THING: [(&str, &str); 26] = [
    (
        "urn:epc:id:sgtin:4012345.011111.98%22",
        "/01/04012345111118/21/98%22",
    ),
    (
        "urn:epc:id:sgtin:415056789012.0.987654",
        "/01/04150567890128/21/987654",
    ),
    (
        "urn:epc:id:sgtin:0614141.812345.6789%2F%26%25%22!%3F()",
        "/01/80614141123458/21/6789%2F%26%25%22%21%3F%28%29",
    ),
    (
        "urn:epc:id:sgtin:952001.1012345.2.3",
        "/01/19520010123455/21/2.3",
    ),
    (
        "URN:EPC:id:sgtin:4012345.011111.a",
        "/01/04012345111118/21/a",
    ),
    (
        "urn:epc:class:lgtin:4012345.012345.Lot987",
        "/01/04012345123456/10/Lot987",
    ),
    ("urn:epc:idpat:sgtin:4012345.012345.*", "/01/04012345123456"),
    (
        "urn:epc:id:sscc:4012345.3111111111",
        "/00/340123451111111111",
    ),
    (
        "urn:epc:id:sgln:4012345.00005.122",
        "/414/4012345000054/254/122",
    ),
    ("urn:epc:id:sgln:4012345.00005.0", "/414/4012345000054"),
    (
        "urn:epc:id:sgln:4012345.00005.00",
        "/414/4012345000054/254/00",
    ),
    (
        "urn:epc:id:sgln:4012345.00005.A%2F1",
        "/414/4012345000054/254/A%2F1",
    ),
    ("urn:epc:id:pgln:4000001.00000", "/417/4000001000005"),
    ("urn:epc:id:pgln:999999999999.", "/417/9999999999994"),
    (
        "urn:epc:id:grai:4012345.00022.334455",
        "/8003/04012345000221334455",
    ),
    ("urn:epc:idpat:grai:4012345.99999.*", "/8003/04012345999990"),
    ("urn:epc:id:giai:4012345.ABC345", "/8004/4012345ABC345"),
    ("urn:epc:id:giai:4012345.A.B%2FC", "/8004/4012345A.B%2FC"),
    (
        "https://example.org/01/9780345418913/21/765tz?11=221109",
        "/01/09780345418913/21/765tz",
    ),
    (
        "https://example.org/01/9780345418913/22/344/10/1223/21/7",
        "/01/09780345418913/21/7",
    ),
    (
        "http://example.org/01/9780345418913/22/344#frag",
        "/01/09780345418913",
    ),
    (
        "https://gs1.test.example.org/x/y/01/9780345418913/10/12/",
        "/01/09780345418913/10/12",
    ),
    (
        "HTTPS://ID.GS1.ORG/414/4280000000002/254/12",
        "/414/4280000000002/254/12",
    ),
    (
        "https://example.co.uk/417/4226350800008",
        "/417/4226350800008",
    ),
    (
        "https://example.com/8003/03870585000552987",
        "/8003/03870585000552987",
    ),
    (
        "https://example.com/8004/0180451111ABC987?a=b",
        "/8004/0180451111ABC987",
    ),
];

#[test]
fn whatever_way_a_thing_is_written_it_has_one_canonical_text() {
    for (received, path) in SAME_THING {
        let expected = format!("https://id.gs1.org{path}");
        assert_eq!(canonical(received), expected, "{received}");
        assert_eq!(canonical(&expected), expected, "canonical text is stable");
        assert_eq!(received.parse::<Identity>(), expected.parse::<Identity>());
    }
}

#[test]
fn with_lot_and_serial_the_item_is_named_and_without_a_serial_the_lot() {
    let item = parse("https://a.example/01/09521234543213/10/L/21/S");
    assert!(matches!(item, Identity::Item { serial, .. } if serial.as_str() == "S"));
    let lot = parse("https://a.example/01/09521234543213/10/L");
    assert!(matches!(lot, Identity::LotOf { lot, .. } if lot.as_str() == "L"));
}

#[test]
fn the_class_of_an_item_or_lot_is_its_gtin_and_nothing_else_has_one() {
    let class = parse("https://id.gs1.org/01/09521234543213");
    for finer in ["/10/L", "/21/S", "/10/L/21/S"] {
        let finer = parse(&format!("https://id.gs1.org/01/09521234543213{finer}"));
        assert_eq!(finer.without_qualifiers(), Some(class.clone()));
        assert_eq!(finer.gtin(), class.gtin());
    }
    assert_eq!(class.without_qualifiers(), None);
    for other in [
        "/00/340123453111111115",
        "/414/4012345000054/254/1",
        "/8003/04012345000221",
    ] {
        let other = parse(&format!("https://id.gs1.org{other}"));
        assert_eq!((other.without_qualifiers(), other.gtin()), (None, None));
    }
}

#[test]
fn a_uri_that_is_no_gs1_identity_is_kept_as_received() {
    for text in [
        "https://example.com/x",
        "https://example.com",
        "https://example.com/01/about",
        "https://example.com/01",
        "https://example.com/01/",
        "https://example.com/8004/truck-7",
        "https://example.com/gtin/9359502000041/3101/000195/21/7",
        "https://ref.gs1.org/cbv/BizStep-shipping",
        "https://example.com/?q=/01/09521234543213",
        "urn:uuid:1f3c4e0a-6f0b-4b1c-9d5e-3b0f6f1d2a34",
        "urn:epc:id:adi:35962.PQ7VZ4.M37GXB92",
        "urn:epc:tag:sgtin-96:3.4012345.011111.7",
        "urn:epcglobal:cbv:btt:po",
        "ni:///sha-256;00?ver=CBV2.0",
        "https://例え.example/物",
    ] {
        let Identity::Other(uri) = parse(text) else {
            panic!("{text} is read as a GS1 identity")
        };
        assert_eq!(uri.as_str(), text);
        assert_eq!(canonical(text), text);
    }
}

#[test]
fn a_key_with_a_fault_is_refused_and_never_passes_for_another_uri() {
    for (path, fault) in [
        (
            "/01/09521234543214",
            ValueError::CheckDigit {
                of: Ai::Gtin,
                expected: 3,
                found: 4,
            },
        ),
        (
            "/01/12345",
            ValueError::Length {
                of: Ai::Gtin,
                accepted: &[8, 12, 13, 14],
                found: 5,
            },
        ),
        (
            "/a/00/340123453111111116",
            ValueError::CheckDigit {
                of: Ai::Sscc,
                expected: 5,
                found: 6,
            },
        ),
        (
            "/414/4012345000055",
            ValueError::CheckDigit {
                of: Ai::Gln,
                expected: 4,
                found: 5,
            },
        ),
        (
            "/417/4226350800009",
            ValueError::CheckDigit {
                of: Ai::Gln,
                expected: 8,
                found: 9,
            },
        ),
        (
            "/8003/04012345000222X",
            ValueError::CheckDigit {
                of: Ai::Grai,
                expected: 1,
                found: 2,
            },
        ),
        (
            "/8004/4012345%20",
            ValueError::NotCset82 {
                of: Ai::Giai,
                position: 8,
                found: ' ',
            },
        ),
    ] {
        let error = refusal(&format!("https://example.com{path}"));
        assert_eq!(
            error,
            IdentityError::Link(LinkError::Value(fault)),
            "{path}"
        );
    }
}

#[test]
fn what_follows_a_key_must_qualify_it() {
    for (path, key) in [
        ("/01/09521234543213/3103/000195", Ai::Gtin),
        ("/00/340123453111111115/10/L", Ai::Sscc),
        ("/414/4012345000054/10/L", Ai::Gln),
        ("/414/4012345000054/254/1/254/1", Ai::Gln),
        ("/417/4226350800008/254/1", Ai::Party),
        ("/8003/04012345000221/21/1", Ai::Grai),
        ("/8004/4012345ABC345/21/1", Ai::Giai),
    ] {
        let error = refusal(&format!("https://example.com{path}"));
        let IdentityError::Link(LinkError::UnknownQualifier { key: named, .. }) = error else {
            panic!("{path} gave {error:?}");
        };
        assert_eq!(named, key);
    }
    let order = refusal("https://example.com/01/09521234543213/21/S/10/L");
    assert!(matches!(
        order,
        IdentityError::Link(LinkError::OutOfOrder { .. })
    ));
}

#[test]
fn the_first_key_in_a_path_begins_the_link() {
    // A lot or serial that looks like a key stays a lot or serial.
    let lot = canonical("https://a.example/01/09521234543213/10/00/21/414");
    assert_eq!(lot, "https://id.gs1.org/01/09521234543213/21/414");
    // A segment that merely resembles a key is part of the prefix.
    let prefixed = canonical("https://a.example/01/shop/1414/01/09521234543213");
    assert_eq!(prefixed, "https://id.gs1.org/01/09521234543213");
}

#[test]
fn a_urn_with_a_wrong_body_is_refused() {
    let sgtin = |body: &str| urn_refusal(&format!("urn:epc:id:sgtin:{body}"));
    assert!(matches!(sgtin(""), UrnError::Parts { .. }));
    assert!(matches!(sgtin("4012345.011111"), UrnError::Parts { .. }));
    assert!(matches!(
        urn_refusal("urn:epc:id:sgtin"),
        UrnError::Parts { .. }
    ));
    assert_eq!(sgtin("40123.01111111.7"), UrnError::CompanyPrefix);
    assert_eq!(sgtin("4012345678901..7"), UrnError::CompanyPrefix);
    assert_eq!(sgtin("401234X.011111.7"), UrnError::CompanyPrefix);
    assert_eq!(
        sgtin("401234567890..7"),
        UrnError::EmptyReference {
            part: "item reference"
        }
    );
    let short = ValueError::BodyLength {
        of: Ai::Gtin,
        expected: 13,
        found: 12,
    };
    assert_eq!(sgtin("4012345.01111.7"), UrnError::Value(short));
    let letter = ValueError::NotADigit {
        of: Ai::Gtin,
        position: 13,
        found: '*',
    };
    assert_eq!(sgtin("4012345.01111*.7"), UrnError::Value(letter));
    let empty = ValueError::Empty { of: Ai::Serial };
    assert_eq!(sgtin("4012345.011111."), UrnError::Value(empty));
    assert_eq!(
        sgtin("4012345.011111.a/b"),
        UrnError::NotEscaped { found: '/' }
    );
    assert!(matches!(sgtin("4012345.011111.%2"), UrnError::Escape(_)));
    assert!(matches!(
        sgtin("4012345.011111.%0A"),
        UrnError::Value(ValueError::Control { .. })
    ));
}

#[test]
fn each_scheme_of_urn_counts_its_digits() {
    for (urn, of, expected, found) in [
        ("urn:epc:class:lgtin:4012345.0123456.L", Ai::Gtin, 13, 14),
        ("urn:epc:idpat:sgtin:4012345.01234.*", Ai::Gtin, 13, 12),
        ("urn:epc:id:sscc:4012345.311111111", Ai::Sscc, 17, 16),
        ("urn:epc:id:sgln:4012345.0005.0", Ai::Gln, 12, 11),
        ("urn:epc:id:pgln:4012345.000055", Ai::Gln, 12, 13),
        ("urn:epc:id:grai:4012345.0022.7", Ai::Grai, 12, 11),
    ] {
        let fault = ValueError::BodyLength {
            of,
            expected,
            found,
        };
        assert_eq!(urn_refusal(urn), UrnError::Value(fault), "{urn}");
    }
    // A dot too many where nothing but digits may stand.
    assert!(matches!(
        urn_refusal("urn:epc:id:pgln:4012345.0000.5"),
        UrnError::Value(ValueError::NotADigit { found: '.', .. })
    ));
    let empty = UrnError::EmptyReference {
        part: "asset reference",
    };
    assert_eq!(urn_refusal("urn:epc:id:giai:4012345."), empty);
}

#[test]
fn a_pattern_must_stand_for_one_class() {
    for urn in [
        "urn:epc:idpat:sgtin:4012345.012345.7",
        "urn:epc:idpat:sgtin:4012345.012345.[1-9]",
        "urn:epc:idpat:grai:4012345.00022.7",
    ] {
        assert_eq!(urn_refusal(urn), UrnError::NotAClass);
    }
    assert!(
        refusal("urn:epc:idpat:sgtin:4012345.*.*")
            .to_string()
            .contains("digits")
    );
}

#[test]
fn a_text_that_is_no_uri_is_refused() {
    for text in [
        "",
        "42",
        "shipping",
        "Hello World!",
        "1a:b",
        ":x",
        "urn:",
        "/01/09521234543213",
    ] {
        assert_eq!(refusal(text), IdentityError::NotAUri, "{text:?}");
    }
    for text in ["https:", "https:x", "https:///x", "http://", "https://?q"] {
        assert_eq!(
            refusal(text),
            IdentityError::Link(LinkError::NoHost),
            "{text:?}"
        );
    }
}

#[test]
fn a_uri_that_hides_a_character_is_refused() {
    for hidden in [
        ' ', '\n', '\0', '\u{A0}', '\u{200B}', '\u{202E}', '\u{FEFF}',
    ] {
        let error = refusal(&format!("urn:x:a{hidden}b"));
        assert_eq!(
            error,
            IdentityError::Invisible {
                position: 8,
                found: hidden
            }
        );
        assert!(!error.to_string().contains(hidden) || hidden == ' ');
    }
}

#[test]
fn a_uri_is_kept_up_to_the_limit_and_refused_beyond_it() {
    let uri = |bytes: usize| format!("urn:x:{}", "a".repeat(bytes - 6));
    assert_eq!(
        canonical(&uri(OtherUri::MAX_BYTES)).len(),
        OtherUri::MAX_BYTES
    );
    let found = OtherUri::MAX_BYTES + 1;
    assert_eq!(refusal(&uri(found)), IdentityError::TooLong { found });
}

#[test]
fn an_identity_is_small_and_a_link_is_copied() {
    const fn is_copy<T: Copy>() {}
    is_copy::<DigitalLink>();
    assert!(size_of::<Identity>() <= 48, "{}", size_of::<Identity>());
}

fn parse(text: &str) -> Identity {
    match Identity::parse(text) {
        Ok(identity) => identity,
        Err(error) => panic!("{text} was refused: {error}"),
    }
}

fn canonical(text: &str) -> String {
    parse(text).canonical()
}

fn refusal(text: &str) -> IdentityError {
    match Identity::parse(text) {
        Ok(identity) => panic!("{text} was accepted as {identity:?}"),
        Err(error) => error,
    }
}

fn urn_refusal(text: &str) -> UrnError {
    match refusal(text) {
        IdentityError::Urn(error) => error,
        other => panic!("{text} was refused as {other:?}"),
    }
}
