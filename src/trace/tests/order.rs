//! Retractions, cycles, and the order in which events come.

use proptest::prelude::*;

use super::*;

#[test]
fn a_retracted_event_leads_nowhere_and_stays_visible() {
    let wrong = pack(2, "case:9", &["tin:A"]);
    let record = Record::of([
        ("commissioned", commission(1, &["tin:A"], "L")),
        ("wrong case", with_id(&wrong, "urn:x:1")),
        ("declaration", declared_error(&wrong, "urn:x:1")),
        (
            "right case",
            with_id(&pack(2, "case:1", &["tin:A"]), "urn:x:2"),
        ),
        ("wrong case seen", see(3, &["case:9"])),
        ("right case seen", see(3, &["case:1"])),
    ]);
    let reach = record.reach(&["tin:A"]);
    let own = [
        "commissioned",
        "wrong case",
        "declaration",
        "right case",
        "right case seen",
    ];
    assert_eq!(record.story(&["tin:A"]), own);
    let marked = |label| reach.is_retracted(record.id(label));
    assert!(marked("wrong case") && marked("declaration"));
    assert!(!marked("right case") && !marked("commissioned"));
}

#[test]
fn a_retracted_event_of_a_lot_or_holder_is_visible_only_while_that_is_in_the_story() {
    let of_id = |text: String, id: &str| (with_id(&text, id), declared_error(&text, id));
    let (lot_test, lot_error) = of_id(see(2, &["lot:L"]), "urn:x:1");
    let (case_seen, case_error) = of_id(see(3, &["case:1"]), "urn:x:2");
    let (case_after, after_error) = of_id(see(6, &["case:1"]), "urn:x:3");
    let record = Record::of([
        ("commissioned", commission(1, &["tin:A"], "L")),
        ("packed", pack(2, "case:1", &["tin:A"])),
        ("unpacked", unpack(5, "case:1", &["tin:A"])),
        ("lot test", lot_test),
        ("lot error", lot_error),
        ("case seen", case_seen),
        ("case error", case_error),
        ("case after", case_after),
        ("after error", after_error),
    ]);
    assert_eq!(record.story(&["tin:A"]), record.labels[..7]);
    assert!(
        record
            .reach(&["tin:A"])
            .is_retracted(record.id("lot error"))
    );
    let neighbour = record.story(&["tin:B", "lot:L"]);
    assert_eq!(neighbour, ["lot test", "lot error"]);
}

#[test]
fn an_unpacking_that_is_retracted_did_not_happen() {
    let out = unpack(2, "case:1", &["tin:A"]);
    let record = Record::of([
        ("packed", pack(1, "case:1", &["tin:A"])),
        ("out", with_id(&out, "urn:x:1")),
        ("error", declared_error(&out, "urn:x:1")),
        ("case seen", see(3, &["case:1"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), record.labels);
}

#[test]
fn things_that_hold_each_other_have_an_end() {
    let record = Record::of([
        ("A in B", pack(1, "case:2", &["case:1"])),
        ("B in A", pack(1, "case:1", &["case:2"])),
        ("A in itself", pack(2, "case:1", &["case:1"])),
        ("B seen", see(3, &["case:2"])),
    ]);
    assert_eq!(record.story(&["case:1"]), record.labels);
}

#[test]
fn a_lot_made_from_itself_has_an_end() {
    let record = Record::of([
        ("mixed", make(1, &["lot:L", "milk:M"], &["lot:L"])),
        ("mixed again", make(2, &["lot:L"], &["lot:L", "powder:P"])),
        ("milk", see(1, &["milk:M"])),
    ]);
    assert_eq!(record.story(&["lot:L"]), record.labels);
    assert_eq!(record.story(&["powder:P"]), record.labels);
}

#[test]
fn records_that_know_only_the_day_lose_nothing() {
    // One instant for all, and the document lists the pallet before the case.
    let record = Record::of([
        ("palletised", pack(1, "pallet:1", &["case:1"])),
        ("packed", pack(1, "case:1", &["tin:A"])),
        ("filled", make(1, &["milk:M"], &["lot:L"])),
        ("milk", see(1, &["milk:M"])),
        ("commissioned", commission(1, &["tin:A"], "L")),
        ("unpalletised", unpack(2, "pallet:1", &[])),
        ("unpacked", unpack(2, "case:1", &[])),
    ]);
    assert_eq!(record.story(&["tin:A"]), record.labels);
}

#[test]
fn within_one_instant_the_order_of_the_record_decides() {
    let refilled = Record::of([
        ("emptied", unpack(1, "tote:1", &[])),
        ("packed", pack(1, "tote:1", &["tin:A"])),
        ("seen", see(2, &["tote:1"])),
    ]);
    assert_eq!(refilled.story(&["tin:A"]), ["packed", "seen"]);
    let emptied = Record::of([
        ("packed", pack(1, "tote:1", &["tin:A"])),
        ("emptied", unpack(1, "tote:1", &[])),
        ("seen", see(2, &["tote:1"])),
    ]);
    assert_eq!(emptied.story(&["tin:A"]), ["packed", "emptied"]);
    let loaded_after = Record::of([
        ("packed", pack(1, "tote:1", &["tin:A"])),
        ("unpacked", unpack(2, "tote:1", &["tin:A"])),
        ("tote loaded", pack(2, "truck:1", &["tote:1"])),
        ("truck", see(2, &["truck:1"])),
    ]);
    assert_eq!(loaded_after.story(&["tin:A"]), ["packed", "unpacked"]);
}

/// A record of few things and many events, most of them senseless.
fn any_record() -> impl Strategy<Value = Vec<String>> {
    let tins = ["tin:A", "tin:B", "carton:1"];
    let holders = ["case:1", "case:2", "pallet:1", "tote:1"];
    let lots = ["lot:L", "lot:X", "powder:P", "milk:M"];
    let things = ["tin:A", "case:1", "case:2", "lot:L", "milk:M", "carton:1"];
    let one = (0u32..12, 0usize..7, 0usize..4, 0usize..6);
    let event = one.prop_map(move |(hours, kind, a, b)| match kind {
        0 | 1 => pack(hours, holders[a], &[things[b]]),
        2 => unpack(hours, holders[a], &[things[b]]),
        3 => unpack(hours, holders[a], &[]),
        4 => make(hours, &[things[b], lots[a]], &[lots[(a + 1) % 4]]),
        5 => commission(hours, &[tins[b % 3]], ["L", "X", "K", "L"][a]),
        _ => see(
            hours,
            &[things[b], ["pallet:1", "tote:1", "powder:P", "lot:X"][a]],
        ),
    });
    prop::collection::vec(event, 1..40)
}

proptest! {
    #[test]
    fn the_order_in_which_events_are_loaded_changes_nothing(
        (record, shuffled) in any_record().prop_flat_map(|texts| {
            let events = numbered(texts.iter().map(|text| read(text)));
            (Just(events.clone()), Just(events).prop_shuffle())
        })
    ) {
        for names in [["tin:A", "lot:L"].as_slice(), &["case:1"], &["lot:L"]] {
            let seeds: Vec<Identity> = names.iter().map(|name| identity(name)).collect();
            prop_assert_eq!(compute(&seeds, &record), compute(&seeds, &shuffled));
        }
    }

    #[test]
    fn an_event_in_a_story_is_about_something_of_that_story(texts in any_record()) {
        let events = numbered(texts.iter().map(|text| read(text)));
        let reach = compute(&[identity("tin:A"), identity("lot:L")], &events);
        for (id, _) in reach.events() {
            let event = &events[id.position as usize].1;
            let mut names = event.what.iter().map(|what| what.identity.canonical());
            prop_assert!(names.any(|name| reach.contains(&name)));
        }
    }
}

impl Record {
    fn id(&self, label: &str) -> StatementId {
        let position = self.labels.iter().position(|known| *known == label);
        place(position.expect(label) as i32)
    }
}
