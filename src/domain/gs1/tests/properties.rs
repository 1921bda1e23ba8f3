//! What holds for every value, not only for the examples.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::text::is_cset82;
use super::super::{
    CompanyPrefixes, DigitalLink, Giai, Gln, GlnExtension, Grai, Gtin, Identity, Lot, Serial, Sscc,
    company_prefix_of_urn,
};

fn cset82() -> Vec<char> {
    (0..=char::from(u8::MAX) as u32)
        .filter_map(char::from_u32)
        .filter(|&c| is_cset82(c))
        .collect()
}

fn chosen_text(max: usize) -> impl Strategy<Value = String> {
    vec(select(cset82()), 1..=max).prop_map(String::from_iter)
}

/// A character outside CSET 82, half of the time an ASCII one.
fn stranger() -> impl Strategy<Value = char> {
    let ascii: Vec<char> = ('\0'..='\x7F').filter(|&c| !is_cset82(c)).collect();
    prop_oneof![select(ascii), proptest::char::range('\u{80}', char::MAX)]
}

fn digits(count: usize) -> impl Strategy<Value = String> {
    vec(select(('0'..='9').collect::<Vec<_>>()), count).prop_map(String::from_iter)
}

fn gtin() -> impl Strategy<Value = Gtin> {
    digits(13).prop_map(|body| Gtin::with_check_digit(&body).unwrap())
}

fn gln() -> impl Strategy<Value = Gln> {
    digits(12).prop_map(|body| Gln::with_check_digit(&body).unwrap())
}

fn sscc() -> impl Strategy<Value = Sscc> {
    digits(17).prop_map(|body| Sscc::with_check_digit(&body).unwrap())
}

fn lot() -> impl Strategy<Value = Lot> {
    chosen_text(20).prop_map(|text| Lot::parse(&text).unwrap())
}

fn serial() -> impl Strategy<Value = Serial> {
    chosen_text(20).prop_map(|text| Serial::parse(&text).unwrap())
}

fn extension() -> impl Strategy<Value = GlnExtension> {
    chosen_text(20).prop_map(|text| GlnExtension::parse(&text).unwrap())
}

fn grai() -> impl Strategy<Value = Grai> {
    (gln(), proptest::option::of(chosen_text(16))).prop_map(|(kind, serial)| {
        Grai::parse(&format!("0{kind}{}", serial.unwrap_or_default())).unwrap()
    })
}

fn giai() -> impl Strategy<Value = Giai> {
    (digits(7), chosen_text(23))
        .prop_map(|(prefix, reference)| Giai::parse(&format!("{prefix}{reference}")).unwrap())
}

fn identity() -> impl Strategy<Value = Identity> {
    prop_oneof![
        gtin().prop_map(|gtin| Identity::Class { gtin }),
        (gtin(), lot()).prop_map(|(gtin, lot)| Identity::LotOf { gtin, lot }),
        (gtin(), serial()).prop_map(|(gtin, serial)| Identity::Item { gtin, serial }),
        sscc().prop_map(Identity::Sscc),
        (gln(), proptest::option::of(extension()))
            .prop_map(|(gln, extension)| Identity::Place { gln, extension }),
        gln().prop_map(|pgln| Identity::Party { pgln }),
        grai().prop_map(Identity::Grai),
        giai().prop_map(Identity::Giai),
    ]
}

fn link() -> impl Strategy<Value = DigitalLink> {
    prop_oneof![
        (
            gtin(),
            proptest::option::of(lot()),
            proptest::option::of(serial())
        )
            .prop_map(|(gtin, lot, serial)| DigitalLink::from_parts(gtin, lot, serial)),
        sscc().prop_map(|sscc| DigitalLink::LogisticUnit { sscc }),
    ]
}

/// The digits of an identity from where its company prefix begins.
fn prefixed(identity: &Identity) -> String {
    let path = identity.canonical();
    let key = path
        .trim_start_matches("https://id.gs1.org/")
        .split('/')
        .nth(1)
        .unwrap();
    let skipped = match identity {
        Identity::Place { .. } | Identity::Party { .. } | Identity::Giai(_) => 0,
        _ => 1,
    };
    let key = &key[skipped..];
    key.chars().take_while(char::is_ascii_digit).collect()
}

/// Text that looks enough like a link or URN to reach every branch of the readers.
fn near_miss() -> impl Strategy<Value = String> {
    let pieces = [
        "https://",
        "http:",
        "urn:epc:",
        "id:",
        "class:",
        "idpat:",
        "sgtin:",
        "lgtin:",
        "sscc:",
        "sgln:",
        "pgln:",
        "grai:",
        "giai:",
        "4012345",
        "011111",
        "/",
        "//",
        "01",
        "00",
        "10",
        "21",
        "22",
        "254",
        "414",
        "417",
        "8003",
        "8004",
        "09521234543213",
        "9521234000006",
        ".",
        "%",
        "%2F",
        "%25",
        "%E5",
        "%00",
        "?",
        "#",
        "*",
        "奶",
        "é",
        "\u{202E}",
        " ",
        "id.gs1.org",
    ];
    vec(
        prop_oneof![4 => select(pieces.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,3}"],
        0..12,
    )
    .prop_map(|pieces| pieces.concat())
}

/// Every character percent-encoded, in lower-case hex: the same URI as far as RFC 3986 goes.
fn escaped_throughout(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

proptest! {
    #[test]
    fn a_canonical_identity_reads_back_as_itself(identity in identity()) {
        let canonical = identity.canonical();
        prop_assert_eq!(Identity::parse(&canonical), Ok(identity));
    }

    #[test]
    fn whatever_is_accepted_has_a_canonical_text_that_is_stable(text in near_miss()) {
        if let Ok(identity) = Identity::parse(&text) {
            let canonical = identity.canonical();
            prop_assert_eq!(identity.to_string(), canonical.as_str());
            let again = Identity::parse(&canonical);
            prop_assert_eq!(again.map(|again| again.canonical()), Ok(canonical));
        }
    }

    #[test]
    fn a_canonical_link_reads_back_as_itself(link in link()) {
        prop_assert_eq!(DigitalLink::parse(&link.canonical()), Ok(link));
        prop_assert_eq!(DigitalLink::parse_path(&link.path()), Ok(link));
        prop_assert_eq!(link.canonical(), format!("https://id.gs1.org{}", link.path()));
        prop_assert_eq!(link.to_string(), link.canonical());
    }

    #[test]
    fn an_identity_and_its_link_have_the_same_canonical_text(identity in identity()) {
        if let Some(link) = DigitalLink::for_identity(&identity) {
            prop_assert_eq!(link.canonical(), identity.canonical());
            prop_assert_eq!(link.finest(), identity);
        }
    }

    #[test]
    fn host_prefix_query_and_slash_do_not_change_what_is_named(
        identity in identity(), prefix in "(/[a-z]{1,8}){0,3}",
        slash in "/?", query in "(\\?17=261231)?",
    ) {
        let canonical = identity.canonical();
        let path = canonical.strip_prefix("https://id.gs1.org").unwrap();
        let received = format!("HTTP://user@shop.example:8080{prefix}{path}{slash}{query}");
        prop_assert_eq!(Identity::parse(&received), Ok(identity));
    }

    #[test]
    fn every_cset82_lot_survives_escaping_and_parsing(gtin in gtin(), text in chosen_text(20)) {
        let lot = Lot::parse(&text).unwrap();
        let path = DigitalLink::from_parts(gtin, Some(lot), None).path();
        prop_assert_eq!(path.matches('/').count(), 4, "an escaped slash never splits a segment");
        let read = DigitalLink::parse_path(&path).unwrap().lot().unwrap();
        prop_assert_eq!(read.as_str(), text.as_str());
    }

    #[test]
    fn a_value_means_the_same_however_much_of_it_is_escaped(gtin in gtin(), lot in lot()) {
        let gtin_escaped = escaped_throughout(gtin.as_str());
        let path = format!("/01/{gtin_escaped}/10/{}", escaped_throughout(lot.as_str()));
        let link = DigitalLink::from_parts(gtin, Some(lot), None);
        prop_assert_eq!(DigitalLink::parse_path(&path), Ok(link));
        prop_assert_eq!(Identity::parse(&format!("https://a.example{path}")), Ok(link.finest()));
    }

    #[test]
    fn a_lot_in_a_urn_equals_the_lot_in_a_link(item in digits(6), text in chosen_text(20)) {
        let urn = format!("urn:epc:class:lgtin:4012345.{item}.{}", escaped_throughout(&text));
        match Identity::parse(&urn) {
            Ok(Identity::LotOf { lot, .. }) => prop_assert_eq!(lot.as_str(), text.as_str()),
            other => prop_assert!(false, "{urn} gave {other:?}"),
        }
    }

    #[test]
    fn an_identity_survives_the_way_to_its_urn_and_back(
        identity in identity(), length in 4_usize..=12,
    ) {
        let key = prefixed(&identity);
        let length = length.min(key.len());
        let prefixes = CompanyPrefixes::of([&key[..length]]).unwrap();
        let Some(urn) = identity.to_urn(&prefixes) else {
            let unwritable = match &identity {
                Identity::Place { extension, .. } => extension.is_some_and(|e| e.as_str() == "0"),
                Identity::Giai(giai) => giai.as_str().len() <= length.max(6),
                _ => false,
            };
            prop_assert!(unwritable, "{identity:?} with {prefixes:?}");
            return Ok(());
        };
        prop_assert_eq!(Identity::parse(&urn), Ok(identity.clone()));
        prop_assert_eq!(company_prefix_of_urn(&urn), Some(&key[..length.max(6)]));
        let learned = CompanyPrefixes::of(company_prefix_of_urn(&urn)).unwrap();
        let through_link = Identity::parse(&identity.canonical()).unwrap();
        prop_assert_eq!(through_link.to_urn(&learned), Some(urn));
    }

    #[test]
    fn changing_one_digit_of_a_gtin_is_always_refused(
        gtin in gtin(), position in 0_usize..14, shift in 1_u8..10,
    ) {
        let mut digits = gtin.as_str().as_bytes().to_vec();
        digits[position] = b'0' + (digits[position] - b'0' + shift) % 10;
        let changed = String::from_utf8(digits).unwrap();
        prop_assert!(Gtin::parse(&changed).is_err());
        let link = format!("https://example.com/01/{changed}");
        prop_assert!(Identity::parse(&link).is_err(), "never Other");
        prop_assert!(DigitalLink::parse(&link).is_err());
    }

    #[test]
    fn a_text_with_one_character_outside_cset82_is_refused(
        text in chosen_text(19), stranger in stranger(), at in 0_usize..20,
    ) {
        let mut text: Vec<char> = text.chars().collect();
        text.insert(at.min(text.len()), stranger);
        let text = String::from_iter(text);
        prop_assert!(Lot::parse(&text).is_err());
        prop_assert!(Serial::parse(&text).is_err());
    }

    #[test]
    fn lots_are_ordered_as_their_texts_are(a in chosen_text(20), b in chosen_text(20)) {
        let ordered = Lot::parse(&a).unwrap().cmp(&Lot::parse(&b).unwrap());
        prop_assert_eq!(ordered, a.cmp(&b));
    }

    #[test]
    fn no_text_makes_any_reader_panic(text in prop_oneof![any::<String>(), near_miss()]) {
        let _ = Identity::parse(&text).map_err(|error| error.to_string());
        let _ = DigitalLink::parse(&text).map_err(|error| error.to_string());
        let _ = DigitalLink::parse_path(&text).map_err(|error| error.to_string());
        let _ = DigitalLink::parse_path(&format!("/01/09521234543213/10/{text}"));
        let _ = Grai::parse(&text).map_err(|error| error.to_string());
        let _ = Giai::parse(&text).map_err(|error| error.to_string());
        let _ = Gtin::parse(&text).map_err(|error| error.to_string());
        let _ = Gtin::with_check_digit(&text).map_err(|error| error.to_string());
        let _ = Sscc::parse(&text).map_err(|error| error.to_string());
        let _ = Gln::parse(&text).map_err(|error| error.to_string());
    }
}
