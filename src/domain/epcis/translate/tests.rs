//! Each event type on its way from URN to Digital Link and back, and what must not be touched.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::epcis::read_event;
use crate::domain::gs1::company_prefix_of_urn;

/// Members that no translation may touch, whatever they look like.
const UNTOUCHED: &str = r#"
    "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        {"ex": "https://ex.example/ns/"}],
    "eventID": "urn:epc:id:sgtin:4012345.011111.1",
    "eventTime": "2026-06-05T10:20:00.50+12:00", "eventTimeZoneOffset": "+12:00",
    "certificationInfo": ["urn:epc:id:giai:4012345.1", "https://a.example/01/04012345111118"],
    "errorDeclaration": {"declarationTime": "2026-06-06T00:00:00Z", "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:epc:id:sgtin:4012345.011111.2"]},
    "bizStep": "urn:example:step", "disposition": "active",
    "bizTransactionList": [
        {"type": "po", "bizTransaction": "https://erp.example/01/04012345111118"},
        {"bizTransaction": "urn:epc:id:sgtin:4012345.011111.1"}],
    "ex:copy": "urn:epc:id:sgtin:4012345.011111.1",
    "ex:deep": {"epcList": ["urn:epc:id:sgtin:4012345.011111.1"],
        "n": [1.50, -0.0, 1e3, 12345678901234567890]},
    "ex:text": "\"é\\\n\u0001奶""#;

/// Places, parties and sensors, with a URN wherever one may be translated and wherever not.
const WHERE: &str = r#"
    "readPoint": {"id": "urn:epc:id:sgln:4012345.00005.dock%2F3",
        "ex:id": "urn:epc:id:sgln:4012345.00005.0"},
    "bizLocation": {"id": "urn:epc:id:sgln:4012345.00005.0"},
    "sourceList": [{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00005"},
        {"type": "location", "source": "urn:epc:id:sgln:4012345.00005.0"}],
    "destinationList": [
        {"type": "possessing_party", "destination": "urn:epc:id:pgln:952104.100000"}],
    "sensorElementList": [{
        "sensorMetadata": {"time": "2026-06-05T10:20:00Z",
            "deviceID": "urn:epc:id:giai:4012345.32a%2Fb",
            "deviceMetadata": "https://id.gs1.org/8004/401234532a",
            "rawData": "urn:epc:id:giai:4012345.1"},
        "sensorReport": [{"type": "Temperature", "value": 4.20, "uom": "CEL"},
            {"type": "Pressure", "deviceID": "urn:epc:id:grai:4012345.11111.%22keg%22",
                "deviceMetadata": "https://id.gs1.org/8004/401234532a",
                "dataProcessingMethod": "https://id.gs1.org/8004/401234532a",
                "microorganism": "https://id.gs1.org/8004/401234532a", "component": "x",
                "uriValue": "urn:epc:id:giai:4012345.1", "maxValue": 1E2}]}]"#;

const ITEMS: &str = r#"["urn:epc:id:sgtin:4012345.011111.AB%2F1",
    "urn:epc:id:sgtin:952104.1000101.%22a%22", "urn:epc:id:sgtin:4012345.011111.100%25",
    "urn:epc:id:sgtin:4012345.011111.+1", "urn:epc:id:sscc:4012345.1111111111",
    "urn:epc:id:grai:4012345.11111.1"]"#;

const CLASSES: &str = r#"[
    {"epcClass": "urn:epc:class:lgtin:4012345.611111.L%25-7", "quantity": 1.50, "uom": "KGM"},
    {"epcClass": "urn:epc:idpat:sgtin:4012345.011111.*"},
    {"epcClass": "urn:epc:idpat:grai:4012345.11111.*", "quantity": 2}]"#;

/// One event of each type with every field that may hold an identity, as it would be stored.
fn events() -> Vec<String> {
    let event = |kind: &str, what: &str| {
        compact(&format!(
            r#"{{"type":"{kind}",{UNTOUCHED},{what},{WHERE}}}"#
        ))
    };
    let parent = r#""action":"ADD","parentID":"urn:epc:id:sscc:4012345.1111111111""#;
    let what = format!(r#""epcList":{ITEMS},"quantityList":{CLASSES}"#);
    let children = format!(r#"{parent},"childEPCs":{ITEMS},"childQuantityList":{CLASSES}"#);
    let sides = ["input", "output"]
        .map(|side| format!(r#""{side}EPCList":{ITEMS},"{side}QuantityList":{CLASSES}"#));
    let id = r#""transformationID":"urn:epc:id:sgtin:4012345.011111.1""#;
    let ilmd = r#""ilmd":{"ex:from":"urn:epc:id:sgtin:4012345.011111.1"},
        "persistentDisposition":{"set":["active"],"unset":["urn:example:d"]}"#;
    let transformed = format!("{},{id},{ilmd}", sides.join(","));
    vec![
        event("ObjectEvent", &format!(r#""action":"ADD",{what},{ilmd}"#)),
        event("AggregationEvent", &children),
        event("AssociationEvent", &children),
        event("TransactionEvent", &format!("{parent},{what}")),
        event("TransformationEvent", &transformed),
    ]
}

fn compact(text: &str) -> String {
    json::parse(text).unwrap().to_compact()
}

/// [`UNTOUCHED`] as it stands within a stored event.
fn untouched() -> String {
    let object = compact(&format!("{{{UNTOUCHED}}}"));
    object[1..object.len() - 1].to_owned()
}

fn prefixes() -> CompanyPrefixes {
    CompanyPrefixes::of(["4012345", "952104"]).unwrap()
}

fn to(format: EpcFormat, event: &str) -> String {
    translate(event, format, &prefixes()).unwrap().into_owned()
}

/// How often `part` stands in `text`.
fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn each_event_type_comes_back_from_digital_link_as_the_urns_it_went_in_with() {
    for event in events() {
        read_event(&json::parse(&event).unwrap()).unwrap();
        let links = to(EpcFormat::AlwaysDigitalLink, &event);
        read_event(&json::parse(&links).unwrap()).unwrap();
        assert_ne!(links, event);
        assert_eq!(to(EpcFormat::AlwaysUrn, &links), event);
        assert_eq!(to(EpcFormat::AlwaysDigitalLink, &links), links);
        assert_eq!(to(EpcFormat::AlwaysUrn, &event), event);
    }
}

#[test]
fn every_identity_of_the_standards_fields_becomes_a_link_and_nothing_else_does() {
    let untouched = untouched();
    for event in events() {
        let links = to(EpcFormat::AlwaysDigitalLink, &event);
        assert!(links.contains(&untouched), "{links}");
        let kept = |text: &str| {
            let fields = [
                untouched.as_str(),
                "rawData\":\"urn:epc:id:giai:4012345.1",
                "uriValue\":\"urn:epc:id:giai:4012345.1",
                "ex:id\":\"urn:epc:id:sgln:4012345.00005.0",
                "ilmd\":{\"ex:from\":\"urn:epc:id:sgtin:4012345.011111.1",
                "transformationID\":\"urn:epc:id:sgtin:4012345.011111.1",
            ];
            fields
                .iter()
                .map(|field| count(text, field) * count(field, "urn:epc:"))
                .sum::<usize>()
        };
        assert_eq!(count(&links, "urn:epc:"), kept(&event), "{links}");
        assert_eq!(kept(&links), kept(&event), "{links}");
    }
}

#[test]
fn awkward_serials_are_escaped_as_each_form_asks() {
    let links = to(EpcFormat::AlwaysDigitalLink, &events()[0]);
    for part in [
        r#""https://id.gs1.org/01/04012345111118/21/AB%2F1""#,
        r#""https://id.gs1.org/01/19521040001010/21/%22a%22""#,
        r#""https://id.gs1.org/01/04012345111118/21/100%25""#,
        r#""https://id.gs1.org/01/04012345111118/21/%2B1""#,
        r#""https://id.gs1.org/414/4012345000054/254/dock%2F3""#,
        r#""epcClass":"https://id.gs1.org/01/64012345111110/10/L%25-7","quantity":1.50"#,
    ] {
        assert!(links.contains(part), "{part} in {links}");
    }
}

#[test]
fn clients_without_a_wish_get_what_was_captured() {
    for event in events() {
        for format in [EpcFormat::NoPreference, EpcFormat::NeverTranslates] {
            let same = translate(&event, format, &prefixes()).unwrap();
            assert!(matches!(same, Cow::Borrowed(text) if text == event));
        }
    }
}

#[test]
fn a_link_on_a_companys_own_host_stays_until_a_urn_is_wanted() {
    let event =
        r#"{"epcList":["https://brand.example/p/01/04012345111118/10/L1/21/S%2F1?17=261231"]}"#;
    assert_eq!(to(EpcFormat::AlwaysDigitalLink, event), event);
    assert_eq!(
        to(EpcFormat::AlwaysUrn, event),
        r#"{"epcList":["urn:epc:id:sgtin:4012345.011111.S%2F1"]}"#
    );
}

#[test]
fn what_cannot_be_translated_stays() {
    let event = &compact(
        r#"{"parentID": "https://id.gs1.org/00/095210410000000011",
        "epcList": ["https://id.gs1.org/01/04012345111119/21/1", "https://x.example/4012345",
            "urn:uuid:1", "urn:epc:id:gid:1.2.3", "urn:epc:id:sgtin:4012345.1.1", 7, null],
        "readPoint": "urn:epc:id:sgln:4012345.00005.0",
        "bizLocation": {"id": ["urn:epc:id:sgln:4012345.00005.0"]},
        "childEPCs": "urn:epc:id:sscc:4012345.1111111111",
        "quantityList": {"epcClass": "urn:epc:idpat:sgtin:4012345.011111.*"}}"#,
    );
    for format in EpcFormat::ALL {
        let same = translate(event, format, &prefixes()).unwrap();
        assert!(matches!(same, Cow::Borrowed(_)), "{format:?}: {same}");
    }
    let known = r#"{"parentID":"https://id.gs1.org/00/140123451111111117"}"#;
    let unknown = CompanyPrefixes::default();
    assert_ne!(to(EpcFormat::AlwaysUrn, known), known);
    assert_eq!(
        translate(known, EpcFormat::AlwaysUrn, &unknown).unwrap(),
        known
    );
    assert!(translate("{", EpcFormat::AlwaysUrn, &unknown).is_err());
}

#[test]
fn the_header_has_four_values_and_no_fifth() {
    for format in EpcFormat::ALL {
        assert_eq!(EpcFormat::parse(format.name()), Ok(format));
        let small = format.name().to_lowercase();
        assert_eq!(EpcFormat::parse(&small), Err(UnknownEpcFormat));
    }
    assert_eq!(EpcFormat::parse(""), Err(UnknownEpcFormat));
    assert_eq!(EpcFormat::default().name(), "Always_GS1_Digital_Link");
}

/// An EPC URN of a company whose prefix has `digits` digits, with its escapes as the standard asks.
fn urn(digits: usize) -> impl Strategy<Value = String> {
    let value = "([!'()*+,.:;=_a-zA-Z0-9-]|%2[256F]|%3[CEF]){1,16}";
    let value = value.prop_filter("a place's 0 is no extension", |v| v != "0");
    ("4[0-9]{16}", value, 0_usize..9).prop_map(move |(number, value, kind)| {
        let (prefix, reference) = number.split_at(digits);
        let (gln, item) = (&reference[..12 - digits], &reference[..13 - digits]);
        match kind {
            0 => format!("urn:epc:id:sgtin:{prefix}.{item}.{value}"),
            1 => format!("urn:epc:class:lgtin:{prefix}.{item}.{value}"),
            2 => format!("urn:epc:idpat:sgtin:{prefix}.{item}.*"),
            3 => format!("urn:epc:id:sscc:{prefix}.{reference}"),
            4 => format!("urn:epc:id:sgln:{prefix}.{gln}.{value}"),
            5 => format!("urn:epc:id:pgln:{prefix}.{gln}"),
            6 => format!("urn:epc:id:grai:{prefix}.{gln}.{value}"),
            7 => format!("urn:epc:idpat:grai:{prefix}.{gln}.*"),
            _ => format!("urn:epc:id:giai:{prefix}.{value}"),
        }
    })
}

proptest! {
    #[test]
    fn every_urn_of_every_prefix_length_comes_back_byte_for_byte(
        urns in (6_usize..=12).prop_flat_map(|digits| vec(urn(digits), 1..5)),
    ) {
        // One company each: learned from all of them, a longer prefix would win over a shorter.
        for urn in urns {
            let event = format!(r#"{{"epcList":["{urn}"],"parentID":"{urn}","ex:copy":"{urn}"}}"#);
            let prefixes = CompanyPrefixes::of(company_prefix_of_urn(&urn)).unwrap();
            let links = translate(&event, EpcFormat::AlwaysDigitalLink, &prefixes).unwrap();
            prop_assert_eq!(count(&links, "https://id.gs1.org/"), 2, "{}", links);
            prop_assert_eq!(count(&links, &urn), 1, "{}", links);
            let back = translate(&links, EpcFormat::AlwaysUrn, &prefixes).unwrap();
            prop_assert_eq!(back.as_ref(), event.as_str());
        }
    }
}
