//! Each rule with the event that breaks it and, beside it, the one that does not.

use auditlog::json;

use super::super::*;
use super::valid::{AGGREGATION, ASSOCIATION, OBJECT, TRANSACTION, TRANSFORMATION};

fn read(text: &str) -> Result<Event, Fault> {
    read_event(&json::parse(text).unwrap())
}

/// One replacement in a valid event.
fn with(valid: &str, from: &str, to: &str) -> String {
    assert_eq!(valid.matches(from).count(), 1, "{from}");
    valid.replace(from, to)
}

/// What is replaced: valid with the second text, told `pointer: reason` with the third.
type Rule<'a> = (&'a str, &'a str, &'a str, &'a str);

fn assert_rules(valid: &str, rules: &[Rule<'_>]) {
    for (from, right, wrong, told) in rules {
        let right = with(valid, from, right);
        assert!(read(&right).is_ok(), "{from}: {:?}", read(&right));
        let fault = read(&with(valid, from, wrong)).expect_err(from);
        assert!(fault.to_string().starts_with(told), "{from}: {fault}");
    }
}

#[test]
fn words_are_of_the_vocabulary_or_uris_of_somebody_else() {
    let neither = "neither a word of the Core Business Vocabulary nor a URI";
    let bare = "is written in JSON as the bare word";
    let rules = [
        (
            "\"commissioning\"",
            "\"ex:greening\"",
            "\"greening\"",
            "/bizStep: \"greening\" is ",
        ),
        (
            "\"commissioning\"",
            "\"https://ref.gs1.org/cbv/BizStep-packing\"",
            "\"urn:epcglobal:cbv:bizstep:packing\"",
            "/bizStep: is written in JSON as the bare word, such as shipping",
        ),
        (
            "\"ex:fresh\"",
            "\"in_transit\"",
            "\"https://ns.gs1.org/cbv/Disp-in_transit\"",
            "/disposition: is written in JSON",
        ),
        (
            "\"incorrect_data\"",
            "\"did_not_occur\"",
            "\"changed_my_mind\"",
            "/errorDeclaration/reason: ",
        ),
        (
            "\"type\":\"inv\"",
            "\"type\":\"bol\"",
            "\"type\":\"bill\"",
            "/bizTransactionList/0/type",
        ),
        (
            "owning_party",
            "possessing_party",
            "owner",
            "/sourceList/0/type: ",
        ),
        ("ex:agent", "location", "agent", "/destinationList/0/type: "),
        (
            "[\"completeness_verified\"]",
            "[\"recalled\"]",
            "[\"verified\"]",
            "/persistentDisposition/set/0: ",
        ),
    ];
    assert_rules(OBJECT, &rules);
    let fault = |text: &str| {
        read(&with(OBJECT, "\"commissioning\"", text))
            .unwrap_err()
            .to_string()
    };
    assert!(fault("\"greening\"").contains(neither));
    assert!(fault("\"urn:epcglobal:cbv:bizstep:packing\"").contains(bare));
}

#[test]
fn a_word_that_is_written_out_is_that_word() {
    for written in [
        "packing",
        "cbv:BizStep-packing",
        "https://ref.gs1.org/cbv/BizStep-packing",
    ] {
        let event = read(&with(
            OBJECT,
            "\"commissioning\"",
            &format!("\"{written}\""),
        ))
        .unwrap();
        assert_eq!(event.biz_step.as_deref(), Some("packing"));
    }
    for other in ["ex:packing", "cbv:BizStep-greening", "cbv:Disp-active"] {
        let event = read(&with(OBJECT, "\"commissioning\"", &format!("\"{other}\""))).unwrap();
        assert_eq!(event.biz_step.as_deref(), Some(other));
    }
}

#[test]
fn master_data_is_for_what_comes_into_being() {
    assert!(read(OBJECT).is_ok());
    for action in ["OBSERVE", "DELETE"] {
        let other = with(OBJECT, "\"ADD\"", &format!("\"{action}\""));
        let fault = read(&other).unwrap_err();
        assert_eq!(fault.pointer, "/ilmd");
        assert!(fault.to_string().contains("only where action is ADD"));
        let none = other.replace("\"ilmd\":{", "\"ex:ilmd\":{");
        assert!(read(&none).is_ok());
    }
}

#[test]
fn dates_of_gs1_are_real() {
    let date = "\"cbvmda:itemExpirationDate\":\"2028-06-23\"";
    let told = "/ilmd/cbvmda:itemExpirationDate: is not a date that exists";
    let written = |value: &str| format!("\"cbvmda:itemExpirationDate\":{value}");
    for (right, wrong) in [
        ("\"2028-02-29\"", "\"2027-02-29\""),
        ("\"2028-06-23Z\"", "\"2028-06-23X\""),
        ("\"2028-06-23+08:00\"", "\"2028-06-23+25:00\""),
        ("\"2028-06-23T10:00:00Z\"", "\"2028-06-23T24:01:00Z\""),
        ("\"2028-06-23T10:00:00\"", "\"2028-06-23T\""),
        ("\"2028-12-01\"", "\"23.06.2028\""),
        ("\"2028-12-31\"", "\"\""),
    ] {
        assert_rules(OBJECT, &[(date, &written(right), &written(wrong), told)]);
    }
    let inside = "/ilmd/cbvmda:itemExpirationDate/@value: is not a date";
    let object = |text: &str| written(&format!(r#"{{"@value":"{text}","@type":"xsd:date"}}"#));
    assert_rules(
        OBJECT,
        &[(date, &object("2028-06-23"), &object("2028-13-23"), inside)],
    );
    let second = "/ilmd/cbvmda:itemExpirationDate/1: is not a date";
    let listed = |text: &str| written(&format!(r#"["2028-06-23","{text}"]"#));
    assert_rules(
        OBJECT,
        &[(date, &listed("2028-06-24"), &listed("soon"), second)],
    );
    // What GS1 did not define is its maker's to read.
    let own = with(OBJECT, date, "\"ex:itemExpirationDate\":\"soon\"");
    assert!(read(&own).is_ok());
}

#[test]
fn what_has_a_time_has_one_that_exists() {
    let time = "is not an RFC 3339 date and time that exists";
    let real = "2024-02-29T00:00:00Z";
    let unreal = "2023-02-29T00:00:00Z";
    for (member, pointer) in [
        ("\"recordTime\":\"2026-06-05T00:00:00Z\"", "/recordTime"),
        (
            "\"declarationTime\":\"2026-06-06T00:00:00Z\"",
            "/errorDeclaration/declarationTime",
        ),
        (
            "\"CEL\",\"time\":\"2026-06-05T00:00:00Z\"",
            "/sensorElementList/0/sensorReport/0/time",
        ),
    ] {
        let start = member.find("2026").unwrap();
        let replaced = |time: &str| format!("{}{time}\"", &member[..start]);
        let told = format!("{pointer}: {time}");
        assert_rules(
            OBJECT,
            &[(member, &replaced(real), &replaced(unreal), &told)],
        );
    }
    let offset = "\"eventTimeZoneOffset\":\"+12:00\"";
    let told = "/eventTimeZoneOffset: must be such as +08:00";
    for (right, wrong) in [
        ("-00:00", "00:00"),
        ("+13:59", "+13:60"),
        ("-14:00", "-14:01"),
    ] {
        let written = |text: &str| format!("\"eventTimeZoneOffset\":\"{text}\"");
        assert_rules(OBJECT, &[(offset, &written(right), &written(wrong), told)]);
    }
}

#[test]
fn extensions_have_a_namespace_and_stand_where_the_standard_has_them() {
    let unknown = "there is no such member; an extension needs a namespace";
    let closed = "there is no such member here, and no extensions are allowed";
    let note = "\"ex:note\":{\"deep\"";
    let rules: &[Rule<'_>] = &[
        (
            note,
            "\"https://x.example/n\":{\"deep\"",
            "\"note\":{\"deep\"",
            &format!("/note: {unknown}"),
        ),
        (
            "\"ex:door\"",
            "\"own:door\"",
            "\"door\"",
            &format!("/readPoint/door: {unknown}"),
        ),
        (
            "\"ex:by\"",
            "\"own:by\"",
            "\"by\"",
            &format!("/errorDeclaration/by: {unknown}"),
        ),
        (
            "\"ex:x\":[1",
            "\"own:x\":[1",
            "\"x\":[1",
            &format!("/ilmd/x: {unknown}"),
        ),
        (
            "\"ex:more\"",
            "\"own:more\"",
            "\"more\"",
            &format!("/sensorElementList/0/more: {unknown}"),
        ),
        (
            "{\"bizTransaction\":\"urn:ex:po:1\"}",
            "{\"bizTransaction\":\"urn:ex:po:2\"}",
            "{\"bizTransaction\":\"urn:ex:po:1\",\"ex:a\":1}",
            &format!("/bizTransactionList/1/ex:a: {closed}"),
        ),
        (
            "\"quantity\":1.50,",
            "\"quantity\":-0,",
            "\"quantity\":1.50,\"ex:a\":1,",
            &format!("/quantityList/0/ex:a: {closed}"),
        ),
        (
            "{\"set\":[\"completeness_verified\"],",
            "{",
            "{\"ex:a\":1,",
            &format!("/persistentDisposition/ex:a: {closed}"),
        ),
    ];
    assert_rules(OBJECT, rules);
    for (valid, stray) in [
        (AGGREGATION, "persistentDisposition"),
        (AGGREGATION, "ilmd"),
        (AGGREGATION, "epcList"),
        (ASSOCIATION, "ilmd"),
        (TRANSACTION, "childEPCs"),
        (TRANSACTION, "ilmd"),
        (TRANSFORMATION, "action"),
        (TRANSFORMATION, "parentID"),
        (OBJECT, "transformationID"),
    ] {
        let event = valid.replacen('{', &format!("{{\"{stray}\":[],"), 1);
        assert_eq!(read(&event).unwrap_err().pointer, format!("/{stray}"));
    }
}

#[test]
fn a_list_of_epcs_names_things_and_a_list_of_quantities_classes() {
    let item = "urn:epc:id:sgtin:9521041.000101.S1";
    let told = "/childEPCs/0: names a class of things";
    for (right, wrong) in [
        (
            "https://id.gs1.org/01/09521041001012/21/A",
            "https://id.gs1.org/01/09521041001012",
        ),
        (
            "https://id.gs1.org/01/09521041001012/10/B/21/A",
            "https://id.gs1.org/01/09521041001012/10/B",
        ),
        (
            "urn:epc:id:grai:9521041.00001.1",
            "urn:epc:idpat:grai:9521041.00001.*",
        ),
        ("urn:ex:anything", "urn:epc:idpat:sgtin:9521041.000101.*"),
    ] {
        assert_rules(AGGREGATION, &[(item, right, wrong, told)]);
    }
    let class = "urn:epc:idpat:sgtin:9521041.000101.*";
    let told = "/childQuantityList/0/epcClass: names one thing";
    for (right, wrong) in [
        (
            "https://id.gs1.org/01/09521041001012/10/B",
            "https://id.gs1.org/01/09521041001012/21/A",
        ),
        (
            "urn:epc:idpat:gdti:9521041.00001.*",
            "urn:epc:id:gdti:9521041.00001.7",
        ),
        ("urn:ex:anything", "urn:epc:id:sscc:9521041.0000000001"),
    ] {
        assert_rules(AGGREGATION, &[(class, right, wrong, told)]);
    }
}

#[test]
fn a_thing_stands_in_a_list_of_epcs_once_where_the_schema_has_it_so() {
    let item = "\"urn:epc:id:sgtin:9521041.000101.S1\"";
    let link = "\"https://id.gs1.org/01/09521041001012/21/S1\"";
    let twice = format!("{item},{item}");
    for valid in [OBJECT, TRANSFORMATION] {
        let fault = read(&with(valid, item, &twice)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Repeated);
        assert!(fault.pointer.ends_with("/1"));
    }
    for valid in [AGGREGATION, TRANSACTION] {
        let once = read(valid).unwrap();
        assert_eq!(read(&with(valid, item, &twice)).unwrap().what, once.what);
    }
    // Two texts of one thing are two items to the schema, and one thing to us.
    let once = read(OBJECT).unwrap();
    let both = read(&with(OBJECT, item, &format!("{item},{link}"))).unwrap();
    assert_eq!(both.what.len(), once.what.len());
    assert_eq!(about(&both), about(&once));
    let set = "[\"completeness_verified\"]";
    let repeated = "[\"unknown\",\"unknown\"]";
    let fault = read(&with(OBJECT, set, repeated)).unwrap_err();
    assert_eq!(fault.pointer, "/persistentDisposition/set/1");
}

#[test]
fn keys_have_their_check_digit_wherever_a_thing_is_named() {
    let party = "https://id.gs1.org/417/9521041000008";
    let place = "https://id.gs1.org/414/9521041000008";
    let wrong = |text: &str| text.replace("0008", "0009");
    assert_rules(
        OBJECT,
        &[
            (
                party,
                party,
                &wrong(party),
                "/sourceList/0/source: the check digit of the GLN",
            ),
            (
                place,
                place,
                &wrong(place),
                "/readPoint/id: the check digit of the GLN",
            ),
            (
                "geo:-41.3,174.7",
                "urn:epc:id:sgln:9521041.00000.0",
                "urn:epc:id:sgln:9521041.0000.0",
                "/bizLocation/id: the GLN without its check digit has 12 digits",
            ),
        ],
    );
    let parent = "urn:epc:id:sscc:9521041.0000000001";
    let told = "/parentID: the SSCC without its check digit has 17 digits";
    assert_rules(
        AGGREGATION,
        &[(parent, "urn:ex:crate:1", "urn:epc:id:sscc:9521041.1", told)],
    );
}

#[test]
fn each_type_says_what_it_is_about() {
    let head = |kind: &str, rest: &str| {
        format!(
            r#"{{"type":"{kind}","eventTime":"2026-06-05T10:20:00Z","eventTimeZoneOffset":"+00:00"{rest}}}"#
        )
    };
    let sensed = r#","action":"OBSERVE","sensorElementList":[{"sensorReport":[{"type":"Count"}]}]"#;
    let place = r#","readPoint":{"id":"urn:ex:1"}"#;
    let object = |rest: &str| read(&head("ObjectEvent", rest));
    let needs = "an ObjectEvent needs epcList, quantityList, or sensorElementList and readPoint";
    assert!(object(&format!("{sensed}{place}")).is_ok());
    assert!(object(r#","action":"OBSERVE","epcList":[]"#).is_ok());
    for rest in [
        sensed.to_owned(),
        format!(r#","action":"OBSERVE"{place}"#),
        format!(r#","action":"OBSERVE","sensorElementList":[]{place}"#),
        r#","action":"OBSERVE","quantityList":[]"#.to_owned(),
    ] {
        assert_eq!(
            object(&rest).unwrap_err().kind,
            FaultKind::Rule(needs),
            "{rest}"
        );
    }
    let bill = r#","bizTransactionList":[{"bizTransaction":"urn:ex:1"}]"#;
    let transaction = |action: &str, rest: &str| {
        read(&head(
            "TransactionEvent",
            &format!(r#","action":"{action}"{rest}"#),
        ))
    };
    assert!(transaction("DELETE", bill).is_ok());
    assert!(transaction("ADD", &format!(r#"{bill},"epcList":[]"#)).is_ok());
    assert!(transaction("ADD", bill).is_err());
    assert!(transaction("ADD", &format!(r#"{bill},"quantityList":[]"#)).is_err());
    let none = transaction("DELETE", "").unwrap_err();
    assert_eq!(
        (none.pointer.as_str(), none.kind),
        ("/bizTransactionList", FaultKind::Missing)
    );
    let empty = transaction("DELETE", r#","bizTransactionList":[]"#).unwrap_err();
    assert_eq!(empty.to_string(), "/bizTransactionList: must not be empty");
    for valid in [AGGREGATION, ASSOCIATION] {
        let parent = valid.find("\"parentID\"").unwrap();
        let end = parent + valid[parent..].find(',').unwrap() + 1;
        let orphan = format!("{}{}", &valid[..parent], &valid[end..]);
        assert_eq!(
            read(&orphan).unwrap_err().to_string(),
            "/parentID: is missing"
        );
        // Only an aggregation may be seen without knowing into what.
        let seen = orphan
            .replace("\"ADD\"", "\"OBSERVE\"")
            .replace("\"DELETE\"", "\"OBSERVE\"");
        assert_eq!(read(&seen).is_ok(), valid == AGGREGATION);
    }
}

#[test]
fn a_list_holds_at_most_ten_thousand_elements() {
    let items = |n: usize| {
        let list: Vec<String> = (0..n).map(|i| format!("\"urn:ex:{i}\"")).collect();
        with(
            AGGREGATION,
            "\"urn:epc:id:sgtin:9521041.000101.S1\"",
            &list.join(","),
        )
    };
    assert!(read(&items(10_000)).is_ok());
    let fault = read(&items(10_001)).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "/childEPCs: has more than 10000 elements"
    );
}

#[test]
fn certifications_are_one_uri_or_several() {
    let one = "\"https://c.example/1\"";
    let told = "/certificationInfo/1: is not a URI";
    let list = |text: &str| format!("[\"urn:ex:1\",\"{text}\"]");
    assert_rules(
        OBJECT,
        &[(one, &list("urn:ex:2"), &list("certified"), told)],
    );
    assert_rules(
        OBJECT,
        &[(one, "[]", "7", "/certificationInfo: must be a string")],
    );
    let event = read(&with(OBJECT, one, &list("urn:ex:2"))).unwrap();
    assert_eq!(event.certifications, ["urn:ex:1", "urn:ex:2"]);
}
