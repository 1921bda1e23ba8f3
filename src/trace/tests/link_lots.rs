//! From an item to the lot that a link writes beside its serial.

use auditlog::json;

use super::super::found::{Loaded, drop_unnamed};
use super::*;
use crate::domain::epcis::{about, abouts_of_old, before_lots_of_links};

/// A tin, named with a lot.
fn tin(which: &str, lot: &str) -> String {
    format!("https://shop.example/01/09521041001012/10/{lot}/21/{which}")
}

#[test]
fn a_link_that_names_lot_and_serial_brings_the_lots_events_and_no_other_lots() {
    let record = Record::of([
        ("seen", see(1, &[&tin("A", "L")])),
        ("lot tested", see(2, &["lot:L"])),
        ("other lot tested", see(2, &["lot:X"])),
        ("neighbour seen", see(3, &[&tin("B", "L")])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["seen", "lot tested"]);
    // A tin of which nothing says the lot has none.
    let record = Record::of([
        ("seen", see(1, &["tin:A"])),
        ("lot tested", see(2, &["lot:L"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["seen"]);
}

#[test]
fn every_event_that_names_an_item_may_name_its_lot() {
    let tin = tin("A", "L");
    for event in [
        pack(1, "case:1", &[&tin]),
        unpack(1, "case:1", &[&tin]),
        make(1, &["milk:M"], &[&tin]),
        object(1, "ADD", &[&tin], &[]),
    ] {
        let record = Record::of([
            ("named", event.clone()),
            ("lot tested", see(0, &["lot:L"])),
            ("other lot tested", see(0, &["lot:X"])),
        ]);
        let story = record.story(&["tin:A"]);
        assert_eq!(story, ["named", "lot tested"], "{event}");
    }
}

#[test]
fn what_the_maker_says_of_the_lot_stands_against_an_address() {
    let record = |first: &str, second: &str| {
        Record::of([
            ("commissioned", commission(0, &["tin:A"], "L")),
            ("seen", see(1, &[&tin("A", first)])),
            ("seen again", see(2, &[&tin("A", second)])),
            ("lot tested", see(3, &["lot:L"])),
            ("other lot tested", see(3, &["lot:X"])),
        ])
    };
    let own = ["commissioned", "seen", "seen again", "lot tested"];
    for (first, second) in [("X", "X"), ("L", "X"), ("X", "L")] {
        assert_eq!(record(first, second).story(&["tin:A"]), own);
    }
}

#[test]
fn links_that_contradict_each_other_join_no_lot() {
    let record = Record::of([
        ("seen", see(1, &[&tin("A", "L")])),
        ("seen otherwise", see(2, &[&tin("A", "X")])),
        ("lot tested", see(3, &["lot:L"])),
        ("other lot tested", see(3, &["lot:X"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["seen", "seen otherwise"]);
    assert!(!has(&record.reach(&["tin:A"]), "lot:L"));
    // What was declared an error contradicts nothing.
    let wrong = see(2, &[&tin("A", "X")]);
    let record = Record::of([
        ("seen", see(1, &[&tin("A", "L")])),
        ("seen otherwise", with_id(&wrong, "urn:uuid:1")),
        ("declared", declared_error(&wrong, "urn:uuid:1")),
        ("lot tested", see(3, &["lot:L"])),
        ("other lot tested", see(3, &["lot:X"])),
    ]);
    let own = ["seen", "seen otherwise", "declared", "lot tested"];
    assert_eq!(record.story(&["tin:A"]), own);
}

#[test]
fn an_ingredient_brings_its_lot_up_to_when_it_was_used() {
    let jar = |lot: &str| format!("https://x.example/01/09521041000114/10/{lot}/21/J");
    let record = Record::of([
        ("powder tested", see(1, &["powder:P"])),
        ("other powder tested", see(1, &["powder:Q"])),
        ("filled", make(2, &[&jar("P")], &["tin:A"])),
        ("powder seen later", see(3, &["powder:P"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["powder tested", "filled"]);
}

#[test]
fn the_lot_of_a_box_named_by_its_link_is_not_the_lot_of_the_tin_in_it() {
    let carton = "https://x.example/01/09521041000022/10/K/21/C";
    let record = Record::of([
        ("packed", pack(1, carton, &["tin:A"])),
        ("box lot seen", see(2, &["carton-lot:K"])),
        ("lot seen", see(2, &["lot:K"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["packed"]);
    // It is the box's own.
    assert!(record.story(&["carton:C"]).contains(&"box lot seen"));
}

#[test]
fn a_receipt_from_before_lots_of_links_were_stored_joins_none() {
    let text = see(1, &[&tin("A", "L")]);
    let lot_by = |about: fn(&Event) -> Vec<About>| {
        let mut event = read(&text);
        let about = about(&event);
        drop_unnamed(&mut event, &about);
        event.what[0].lot.map(|lot| lot.to_string())
    };
    assert_eq!(lot_by(about).as_deref(), Some("L"));
    assert_eq!(lot_by(before_lots_of_links), None);
    // As it is loaded.
    let loaded = Loaded::read(stored(0, &json::parse(&text).unwrap().to_compact())).unwrap();
    assert!(loaded.event.unwrap().what[0].lot.is_some());
}

#[test]
fn a_receipt_from_before_transformations_were_named_joins_none() {
    let mut event = read(&part(1, "output", &["powder:P"], "urn:example:t"));
    let now = about(&event);
    let [before] = &abouts_of_old(&event)[..] else {
        panic!("it was another once");
    };
    drop_unnamed(&mut event, &now);
    let name = event.transformation().map(|name| name.canonical());
    assert_eq!(name.as_deref(), Some("urn:example:t"));
    drop_unnamed(&mut event, before);
    assert_eq!(event.transformation(), None);
    // What names goods, and no transformation, joins nothing.
    let of_goods = read(&part(1, "output", &["powder:P"], &uri("lot:L")));
    assert_eq!(of_goods.transformation(), None);
    assert!(abouts_of_old(&of_goods).is_empty());
}
