//! A thing in what held it, for as long as it did.

use super::*;

#[test]
fn what_happens_to_every_holder_happens_to_the_tin_while_it_is_inside() {
    let record = Record::of([
        ("commissioned", commission(1, &["tin:A", "tin:B"], "L")),
        ("packed", pack(2, "case:1", &["tin:A", "tin:B"])),
        ("palletised", pack(3, "pallet:1", &["case:1", "case:2"])),
        ("loaded", pack(4, "truck:1", &["pallet:1", "pallet:2"])),
        ("truck seen", see(5, &["truck:1"])),
        ("unloaded", unpack(6, "truck:1", &["pallet:1"])),
        ("pallet seen", see(7, &["pallet:1"])),
        ("unpalletised", unpack(8, "pallet:1", &["case:1"])),
        ("case seen", see(9, &["case:1"])),
        ("unpacked", unpack(10, "case:1", &["tin:A"])),
        ("sold", step(11, "retail_selling", &["tin:A"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), record.labels);
    let reach = record.reach(&["tin:A"]);
    assert!(
        ["lot:L", "case:1", "pallet:1", "truck:1"]
            .iter()
            .all(|name| has(&reach, name))
    );
    for neighbour in ["tin:B", "case:2", "pallet:2"] {
        assert!(!has(&reach, neighbour), "{neighbour}");
    }
}

#[test]
fn what_happens_to_a_holder_before_and_after_is_not_the_tins_story() {
    let record = Record::of([
        ("truck before", see(1, &["truck:1"])),
        ("case before", see(1, &["case:1"])),
        ("packed", pack(2, "case:1", &["tin:A"])),
        ("truck while the case is elsewhere", see(3, &["truck:1"])),
        ("loaded", pack(4, "truck:1", &["case:1"])),
        ("truck on the road", see(5, &["truck:1"])),
        ("unloaded", unpack(6, "truck:1", &["case:1"])),
        ("truck after", see(7, &["truck:1"])),
        ("unpacked", unpack(8, "case:1", &["tin:A"])),
        ("case after", see(9, &["case:1"])),
        ("case loaded again", pack(10, "truck:2", &["case:1"])),
        ("second truck", see(11, &["truck:2"])),
    ]);
    let own = [
        "packed",
        "loaded",
        "truck on the road",
        "unloaded",
        "unpacked",
    ];
    assert_eq!(record.story(&["tin:A"]), own);
    assert!(!has(&record.reach(&["tin:A"]), "truck:2"));
}

#[test]
fn unpacking_without_names_takes_out_everything() {
    let record = |children: &[&str]| {
        Record::of([
            ("packed", pack(1, "case:1", &["tin:A", "tin:B"])),
            ("unpacked", unpack(2, "case:1", children)),
            ("case after", see(3, &["case:1"])),
        ])
    };
    assert_eq!(record(&[]).story(&["tin:A"]), ["packed", "unpacked"]);
    assert_eq!(record(&["tin:A"]).story(&["tin:A"]), ["packed", "unpacked"]);
    // Only the neighbour came out: ours is still inside.
    assert_eq!(
        record(&["tin:B"]).story(&["tin:A"]),
        ["packed", "case after"]
    );
}

#[test]
fn the_first_emptying_after_the_packing_ends_it_and_none_before() {
    let record = Record::of([
        ("emptied before", unpack(1, "tote:1", &[])),
        ("packed", pack(2, "tote:1", &["tin:A"])),
        ("seen", see(3, &["tote:1"])),
        ("emptied", unpack(4, "tote:1", &[])),
        ("seen empty", see(5, &["tote:1"])),
        ("emptied later", unpack(6, "tote:1", &[])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["packed", "seen", "emptied"]);
}

#[test]
fn a_tote_used_again_carries_each_tins_story_apart() {
    let record = Record::of([
        ("A in", pack(1, "tote:1", &["tin:A"])),
        ("A on the way", see(2, &["tote:1"])),
        ("A out", unpack(3, "tote:1", &[])),
        ("B in", pack(4, "tote:1", &["tin:B"])),
        ("B on the way", see(5, &["tote:1"])),
        ("B out", unpack(6, "tote:1", &["tin:B"])),
        ("A in again", pack(7, "tote:1", &["tin:A"])),
        ("A on the way again", see(8, &["tote:1"])),
    ]);
    let first = ["A in", "A on the way", "A out"];
    assert_eq!(record.story(&["tin:A"])[..3], first);
    assert_eq!(
        record.story(&["tin:A"])[3..],
        ["A in again", "A on the way again"]
    );
    assert_eq!(record.story(&["tin:B"]), ["B in", "B on the way", "B out"]);
}

#[test]
fn being_packed_elsewhere_ends_what_nobody_unpacked() {
    let record = |second: &str| {
        Record::of([
            ("first", pack(1, "case:1", &["tin:A"])),
            ("second", pack(2, second, &["tin:A"])),
            ("case after", see(3, &["case:1"])),
        ])
    };
    assert_eq!(record("case:2").story(&["tin:A"]), ["first", "second"]);
    // Packed twice into the same case is in that case all along.
    assert_eq!(
        record("case:1").story(&["tin:A"]),
        ["first", "second", "case after"]
    );
}

#[test]
fn a_tin_that_is_sold_or_used_up_has_left_its_tote() {
    let record = |ending: String| {
        Record::of([
            ("packed", pack(1, "tote:1", &["tin:A"])),
            ("ending", ending),
            ("tote after", see(3, &["tote:1"])),
        ])
    };
    for ending in [
        step(2, "retail_selling", &["tin:A"]),
        step(2, "destroying", &["tin:A"]),
        object(2, "DELETE", &["tin:A"], &[]),
        make(2, &["tin:A"], &["tin:Z"]),
    ] {
        assert_eq!(record(ending).story(&["tin:A"]), ["packed", "ending"]);
    }
    let all = ["packed", "ending", "tote after"];
    assert_eq!(
        record(step(2, "inspecting", &["tin:A"])).story(&["tin:A"]),
        all
    );
    let neighbour = record(step(2, "retail_selling", &["tin:B"]));
    assert_eq!(neighbour.story(&["tin:A"]), ["packed", "tote after"]);
}

#[test]
fn a_holder_that_was_already_on_the_pallet_brings_the_pallets_story() {
    let record = Record::of([
        ("case on pallet", pack(1, "pallet:1", &["case:1"])),
        ("pallet before", see(2, &["pallet:1"])),
        ("packed", pack(3, "case:1", &["tin:A"])),
        ("pallet seen", see(4, &["pallet:1"])),
        ("unpacked", unpack(5, "case:1", &["tin:A"])),
        ("pallet after", see(6, &["pallet:1"])),
    ]);
    let own = ["case on pallet", "packed", "pallet seen", "unpacked"];
    assert_eq!(record.story(&["tin:A"]), own);
}

#[test]
fn a_holder_known_only_by_its_kind_holds_nothing() {
    let record = |pallet: &str| {
        Record::of([
            ("packed", pack(1, pallet, &["tin:A"])),
            ("seen", see(2, &[pallet])),
        ])
    };
    assert_eq!(record("tote:").story(&["tin:A"]), ["packed"]);
    assert_eq!(record("carton-lot:K").story(&["tin:A"]), ["packed"]);
    assert_eq!(record("tote:1").story(&["tin:A"]), ["packed", "seen"]);
}

#[test]
fn the_lot_of_a_box_is_not_the_lot_of_the_tin_in_it() {
    let record = Record::of([
        ("box commissioned", commission(1, &["carton:1"], "K")),
        ("tin commissioned", commission(1, &["tin:A"], "L")),
        ("packed", pack(1, "carton:1", &["tin:A"])),
        ("box lot seen", see(2, &["carton-lot:K"])),
        ("lot seen", see(2, &["lot:L"])),
    ]);
    let own = ["box commissioned", "tin commissioned", "packed", "lot seen"];
    assert_eq!(record.story(&["tin:A"]), own);
}

#[test]
fn a_logger_speaks_for_the_pallet_while_it_is_fastened_to_it() {
    let record = Record::of([
        ("packed", pack(1, "pallet:1", &["tin:A"])),
        ("logger elsewhere", see(2, &["logger:1"])),
        ("fastened", fasten(3, "pallet:1", &["logger:1"])),
        ("read", see(4, &["logger:1"])),
        ("unfastened", unfasten(5, "pallet:1", &["logger:1"])),
        ("read elsewhere", see(6, &["logger:1"])),
        ("fastened elsewhere", fasten(7, "pallet:2", &["logger:1"])),
        ("read there", see(8, &["logger:1"])),
    ]);
    assert_eq!(
        record.story(&["tin:A"]),
        ["packed", "fastened", "read", "unfastened"]
    );
    assert!(!has(&record.reach(&["tin:A"]), "pallet:2"));
}

#[test]
fn a_logger_that_was_there_first_speaks_from_the_loading_on() {
    let record = Record::of([
        ("fastened", fasten(1, "truck:1", &["logger:1"])),
        ("read before", see(2, &["logger:1"])),
        ("loaded", pack(3, "truck:1", &["tin:A"])),
        ("read", see(4, &["logger:1"])),
        ("unloaded", unpack(5, "truck:1", &[])),
        ("read after", see(6, &["logger:1"])),
    ]);
    assert_eq!(
        record.story(&["tin:A"]),
        ["fastened", "loaded", "read", "unloaded"]
    );
}

#[test]
fn a_logger_moved_without_a_word_does_not_lead_to_its_next_pallet() {
    let record = Record::of([
        ("packed", pack(1, "pallet:1", &["tin:A"])),
        ("fastened", fasten(2, "pallet:1", &["logger:1"])),
        ("moved", fasten(3, "pallet:2", &["logger:1"])),
        ("second pallet", see(3, &["pallet:2"])),
        ("read there", see(4, &["logger:1"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["packed", "fastened"]);
}

#[test]
fn cargo_associated_with_the_same_truck_is_a_neighbour_and_no_instrument() {
    let record = Record::of([
        ("ours", fasten(1, "truck:1", &["pallet:1", "pallet:2"])),
        ("theirs", fasten(2, "truck:1", &["pallet:3"])),
        ("packed", pack(1, "pallet:1", &["tin:A"])),
        ("truck", see(3, &["truck:1"])),
        ("second pallet", see(3, &["pallet:2"])),
        ("third pallet", see(3, &["pallet:3"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["ours", "packed", "truck"]);
}

#[test]
fn what_is_installed_is_an_instrument_whatever_its_key_unless_it_is_cargo() {
    let record = |child: &str, step: &str| {
        let install =
            fasten(2, "truck:1", &[child]).replacen('{', &format!(r#"{{"bizStep":"{step}","#), 1);
        Record::of([
            ("packed", pack(1, "truck:1", &["tin:A"])),
            ("installed", install),
            ("read", see(3, &[child])),
        ])
    };
    let installed = record("carton:9", "installing");
    assert_eq!(installed.story(&["tin:A"]), installed.labels);
    let logger = record("logger:9", "loading");
    assert_eq!(logger.story(&["tin:A"]), logger.labels);
    assert_eq!(record("carton:9", "loading").story(&["tin:A"]), ["packed"]);
    assert_eq!(
        record("pallet:9", "installing").story(&["tin:A"]),
        ["packed"]
    );
}

#[test]
fn a_tin_moved_from_case_to_case_was_on_their_pallet_all_along() {
    let cases: Vec<String> = (0..200).map(|n| format!("case:{n}")).collect();
    let names: Vec<&str> = cases.iter().map(String::as_str).collect();
    let moves = names
        .iter()
        .zip(1..)
        .map(|(case, hours)| pack(hours, case, &["tin:A"]));
    let texts = [pack(0, "pallet:1", &names)]
        .into_iter()
        .chain(moves)
        .chain([see(100, &["pallet:1"]), see(300, &["pallet:1"])]);
    let events = numbered(texts.map(|text| read(&text)));
    let reach = compute(&[identity("tin:A")], &events);
    assert!(!reach.is_cut_off());
    assert_eq!(reach.events().count(), events.len());
}

#[test]
fn neighbours_are_never_reached_through_what_they_share() {
    let record = Record::of([
        ("commissioned", commission(1, &["tin:A", "tin:B"], "L")),
        ("case 1", pack(2, "case:1", &["tin:A"])),
        ("case 2", pack(2, "case:2", &["tin:B"])),
        ("pallet", pack(3, "pallet:1", &["case:1", "case:2"])),
        ("second case out", unpack(4, "pallet:1", &["case:2"])),
        ("second case seen", see(5, &["case:2"])),
        ("neighbour sold", step(6, "retail_selling", &["tin:B"])),
        ("both seen", see(7, &["tin:A", "tin:B"])),
    ]);
    let own = ["commissioned", "case 1", "pallet", "both seen"];
    assert_eq!(record.story(&["tin:A"]), own);
    let reach = record.reach(&["tin:A"]);
    assert!(!has(&reach, "tin:B") && !has(&reach, "case:2"));
}

#[test]
fn a_case_that_the_tin_has_left_is_a_neighbour_on_their_common_pallet() {
    let record = Record::of([
        ("first case", pack(1, "case:1", &["tin:A"])),
        ("second case", pack(2, "case:2", &["tin:A"])),
        ("pallet", pack(3, "pallet:1", &["case:1", "case:2"])),
        ("first case out", unpack(4, "pallet:1", &["case:1"])),
        ("second case out", unpack(5, "pallet:1", &["case:2"])),
    ]);
    let own = ["first case", "second case", "pallet", "second case out"];
    assert_eq!(record.story(&["tin:A"]), own);
}
