//! Writing EPC URNs: what is written, what cannot be, and the way back.

use super::super::{CompanyPrefix, CompanyPrefixes, Identity, PrefixError, company_prefix_of_urn};

fn known(prefixes: &[&str]) -> CompanyPrefixes {
    CompanyPrefixes::of(prefixes.iter().copied()).unwrap()
}

/// One of each kind, with the prefix lengths 6, 7 and 12, and values that must be escaped.
const URNS: &[&str] = &[
    "urn:epc:id:sgtin:4012345.011111.9876",
    "urn:epc:id:sgtin:401234.5011111.AB%2F1",
    "urn:epc:id:sgtin:401234501111.0.%22%25%26%3C%3E%3F",
    "urn:epc:id:sgtin:4012345.011111.!'()*+,-.:;=_aZ09",
    "urn:epc:class:lgtin:4012345.611111.L%25-7",
    "urn:epc:idpat:sgtin:4012345.011111.*",
    "urn:epc:id:sscc:4012345.1111111111",
    "urn:epc:id:sscc:401234501111.95432",
    "urn:epc:id:sgln:4012345.00005.0",
    "urn:epc:id:sgln:4012345.00005.dock%2F3",
    "urn:epc:id:sgln:401234500005..00",
    "urn:epc:id:pgln:4012345.00005",
    "urn:epc:id:pgln:401234500005.",
    "urn:epc:id:grai:4012345.11111.%22keg%22",
    "urn:epc:id:grai:401234511111..1",
    "urn:epc:idpat:grai:4012345.11111.*",
    "urn:epc:id:giai:4012345.32a%2Fb",
    "urn:epc:id:giai:401234.532",
];

#[test]
fn a_urn_written_with_its_own_prefix_is_the_urn_that_was_read() {
    for urn in URNS {
        let prefix = company_prefix_of_urn(urn).unwrap();
        let identity = Identity::parse(urn).unwrap();
        let written = identity.to_urn(&known(&[prefix]));
        assert_eq!(written.as_deref(), Some(*urn));
        let link = identity.canonical();
        assert!(link.starts_with("https://id.gs1.org/"), "{link}");
        assert_eq!(Identity::parse(&link), Ok(identity), "{link}");
    }
}

#[test]
fn without_the_companys_prefix_nothing_is_guessed() {
    for urn in URNS {
        let identity = Identity::parse(urn).unwrap();
        for prefixes in [known(&[]), known(&["952104", "9521041"])] {
            assert_eq!(identity.to_urn(&prefixes), None, "{urn}");
        }
    }
}

#[test]
fn the_longest_known_prefix_says_where_the_company_ends() {
    let item = Identity::parse("https://id.gs1.org/01/04012345111118/21/1").unwrap();
    let written = |prefixes: &[&str]| item.to_urn(&known(prefixes)).unwrap();
    assert_eq!(written(&["401234"]), "urn:epc:id:sgtin:401234.0511111.1");
    assert_eq!(
        written(&["401234", "40123451", "4012345", "40123452"]),
        "urn:epc:id:sgtin:40123451.01111.1"
    );
}

#[test]
fn a_prefix_of_four_or_five_digits_fills_up_to_six() {
    let item = Identity::parse("https://id.gs1.org/01/04012345111118/21/1").unwrap();
    for prefix in ["4012", "40123", "401234"] {
        assert_eq!(
            item.to_urn(&known(&[prefix])).unwrap(),
            "urn:epc:id:sgtin:401234.0511111.1"
        );
    }
    let asset = |giai: &str| {
        let asset = Identity::parse(&format!("https://id.gs1.org/8004/{giai}")).unwrap();
        asset.to_urn(&known(&["4012"]))
    };
    assert_eq!(
        asset("401234X").as_deref(),
        Some("urn:epc:id:giai:401234.X")
    );
    assert_eq!(asset("40123X7"), None, "the sixth is no digit");
    assert_eq!(asset("401234"), None, "nothing is left for the reference");
    assert_eq!(asset("4012"), None, "fewer than six in all");
}

#[test]
fn what_a_urn_cannot_tell_is_not_written() {
    let prefixes = known(&["4012345"]);
    let urn = |text: &str| Identity::parse(text).unwrap().to_urn(&prefixes);
    let place = "https://id.gs1.org/414/4012345000054";
    assert_eq!(urn(place).unwrap(), "urn:epc:id:sgln:4012345.00005.0");
    assert_eq!(
        urn(&format!("{place}/254/00")).unwrap(),
        "urn:epc:id:sgln:4012345.00005.00"
    );
    assert_eq!(urn(&format!("{place}/254/0")), None);
    assert_eq!(
        urn("urn:epc:id:gdti:4012345.00005.1"),
        None,
        "no key of ours"
    );
    assert_eq!(urn("https://4012345.example/page"), None);
}

#[test]
fn a_prefix_has_four_to_twelve_digits() {
    for good in ["4012", "401234501111"] {
        assert_eq!(CompanyPrefix::parse(good).unwrap().as_str(), good);
    }
    for (bad, error) in [
        ("", PrefixError::Length { found: 0 }),
        ("401", PrefixError::Length { found: 3 }),
        ("4012345011111", PrefixError::Length { found: 13 }),
        (
            "40 2345",
            PrefixError::NotADigit {
                position: 3,
                found: ' ',
            },
        ),
        (
            "4012a45",
            PrefixError::NotADigit {
                position: 5,
                found: 'a',
            },
        ),
        (
            "４012345",
            PrefixError::NotADigit {
                position: 1,
                found: '４',
            },
        ),
    ] {
        assert_eq!(CompanyPrefix::parse(bad), Err(error.clone()), "{bad}");
        assert_eq!(CompanyPrefixes::of(["4012345", bad]), Err(error), "{bad}");
    }
}

#[test]
fn what_is_declared_puts_out_what_contradicts_it() {
    let prefix = |digits| CompanyPrefix::parse(digits).unwrap();
    let seen = known(&[
        "4012", "40123", "401234", "4012345", "40123456", "401235", "952104",
    ]);
    let declared = |digits| {
        let mut prefixes = seen.clone();
        prefixes.declare(prefix(digits));
        prefixes
    };
    let others = ["401235", "952104"];
    assert_eq!(declared("401234"), known(&["401234", others[0], others[1]]));
    assert_eq!(declared("40124"), {
        let mut with = seen.clone();
        with.see(prefix("40124"));
        with.see(prefix("40124"));
        // One of four digits is the beginning of all of them.
        let mut without = known(&["40124"]);
        for kept in [
            "40123", "401234", "4012345", "40123456", others[0], others[1],
        ] {
            without.see(prefix(kept));
        }
        assert_ne!(with, without);
        without
    });
    assert_eq!(declared("4012"), known(&["4012", "952104"]));
    assert_eq!(declared("7300"), {
        let mut with = seen.clone();
        with.see(prefix("7300"));
        with
    });
    for (one, other, are) in [
        ("401234", "4012345", true),
        ("4012345", "401234", true),
        ("401234", "401234", false),
        ("401234", "401235", false),
    ] {
        assert_eq!(
            prefix(one).contradicts(&prefix(other)),
            are,
            "{one} {other}"
        );
    }
}

#[test]
fn a_prefix_is_learned_from_good_urns_only() {
    assert_eq!(
        company_prefix_of_urn("URN:EPC:id:sgtin:4012345.011111.9876"),
        Some("4012345")
    );
    for text in [
        "urn:epc:id:sgtin:4012345.01111.9876",
        "urn:epc:id:sgtin:4012345.011111.",
        "urn:epc:id:sgtin:40123.45011111.1",
        "urn:epc:id:gdti:4012345.0000.1",
        "urn:epcglobal:cbv:bt:4012345000054:1",
        "https://id.gs1.org/01/04012345111118/21/1",
        "4012345",
        "",
    ] {
        assert_eq!(company_prefix_of_urn(text), None, "{text}");
    }
}
