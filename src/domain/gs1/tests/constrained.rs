//! Constrained canonical links, of the keys that are traced and of those that are not.

use super::super::{OtherUri, constrained_link};

/// What `uri` becomes, without `https://id.gs1.org`.
fn path(uri: &str) -> Option<String> {
    let link = constrained_link(uri)?;
    Some(link.strip_prefix("https://id.gs1.org").unwrap().to_owned())
}

#[test]
fn a_key_has_one_link_in_whatever_form_it_is_written() {
    for (link, forms) in [
        (
            "/01/04012345111118/21/AB%2F1'",
            [
                "urn:epc:id:sgtin:4012345.011111.AB%2F1'",
                "https://brand.example/p/01/04012345111118/10/L/21/AB%2F1%27/?17=261231",
                "http://id.gs1.org/gtin/04012345111118/ser/AB%2f1'#top",
            ],
        ),
        (
            "/253/4012345000054X.1",
            [
                "urn:epc:id:gdti:4012345.00005.X.1",
                "https://erp.example/2026/253/4012345000054X.1",
                "https://erp.example/gdti/4012345000054X%2E1/",
            ],
        ),
        (
            "/8006/040123451111180204/21/98%2F7",
            [
                "urn:epc:id:itip:4012345.011111.02.04.98%2F7",
                "https://a.example/itip/040123451111180204/22/2A/10/L/21/98%2F7",
                "https://a.example/8006/040123451111180204/cpv/2A/lot/L/ser/98%2F7",
            ],
        ),
        (
            "/01/04012345111118/235/51qIgY",
            [
                "urn:epc:id:upui:4012345.011111.51qIgY",
                "https://a.example/01/04012345111118/235/51qIgY",
                "https://a.example/gtin/04012345111118/22/2A/235/51qIgY",
            ],
        ),
        (
            "/8010/4012345PQ%2F4/8011/37",
            [
                "urn:epc:id:cpi:4012345.PQ%2F4.37",
                "https://a.example/8010/4012345PQ%2F4/8011/37",
                "https://a.example/cpid/4012345PQ%2f4/8011/37",
            ],
        ),
    ] {
        for form in forms {
            assert_eq!(path(form).as_deref(), Some(link), "{form}");
        }
        let again = format!("https://id.gs1.org{link}");
        assert_eq!(constrained_link(&again), Some(again.clone()));
    }
}

#[test]
fn numbers_get_their_check_digit_and_patterns_name_a_class() {
    for (urn, link) in [
        (
            "urn:epc:id:gsrn:4012345.1234567890",
            "/8018/401234512345678900",
        ),
        (
            "urn:epc:id:gsrnp:4012345.1234567890",
            "/8017/401234512345678900",
        ),
        (
            "urn:epc:id:gsin:4012345.222333444",
            "/402/40123452223334442",
        ),
        ("urn:epc:id:ginc:4012345.a.b", "/401/4012345a.b"),
        ("urn:epc:id:sgcn:4012345.55555.17", "/255/401234555555417"),
        ("urn:epc:idpat:gdti:4012345.00005.*", "/253/4012345000054"),
        ("urn:epc:idpat:cpi:4012345.PQ7.*", "/8010/4012345PQ7"),
        (
            "urn:epc:idpat:itip:4012345.011111.02.04.*",
            "/8006/040123451111180204",
        ),
        ("urn:epc:idpat:upui:4012345.011111.*", "/01/04012345111118"),
    ] {
        assert_eq!(path(urn).as_deref(), Some(link), "{urn}");
    }
}

#[test]
fn what_names_no_key_has_no_link() {
    for text in [
        "",
        "shipping",
        "https://x.example/2026/01/15/1",
        "https://x.example/253/401234500005",
        "https://x.example/253/4012345000054123456789012345678",
        "https://x.example/253/401234500005A",
        "https://x.example/8018/401234512345678903/8019/1",
        "https://x.example/8006/040123451111180204/21",
        "https://x.example/8006/0401234511111802041",
        "https://x.example/01/04012345111119",
        "https://x.example/01/04012345111118/7/1",
        "https://x.example/253/%zz",
        "urn:epc:id:gdti:4012345.0005.1",
        "urn:epc:id:gdti:4012345.00005.",
        "urn:epc:id:gdti:40123.0000005.1",
        "urn:epc:id:gsrn:4012345.123456789",
        "urn:epc:id:gsrn:4012345.12345678x0",
        "urn:epc:id:itip:4012345.011111.2.04.1",
        "urn:epc:id:upui:4012345..1",
        "urn:epc:id:gid:1.2.3",
        "urn:epc:class:gdti:4012345.00005.1",
        "urn:epc:idpat:gsrn:4012345.*",
        "urn:epc:idpat:gdti:4012345.00005.1",
        "urn:epc:id",
        "urn:uuid:1",
    ] {
        assert_eq!(constrained_link(text), None, "{text}");
    }
}

#[test]
fn a_link_has_at_most_as_many_bytes_as_any_other_uri() {
    let link = |bytes: usize| {
        let key = "/253/4012345000054";
        let host = "h".repeat(bytes - "https://".len() - key.len());
        constrained_link(&format!("https://{host}{key}"))
    };
    assert!(link(OtherUri::MAX_BYTES).is_some());
    assert!(link(OtherUri::MAX_BYTES + 1).is_none());
}
