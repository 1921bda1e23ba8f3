//! From a thing to its lot, and to what it was made from.

use super::*;
use crate::trace::found::Walked;

#[test]
fn ingredients_are_followed_back_as_far_as_they_go() {
    let record = Record::of([
        ("milk collected", see(1, &["milk:M1", "milk:M2"])),
        (
            "powder made",
            make(2, &["milk:M1", "milk:M2"], &["powder:P"]),
        ),
        ("powder seen", see(3, &["powder:P"])),
        ("filled", make(4, &["powder:P"], &["lot:L"])),
        ("commissioned", commission(5, &["tin:A"], "L")),
    ]);
    assert_eq!(record.story(&["tin:A"]), record.labels);
    let reach = record.reach(&["tin:A"]);
    assert!(
        ["milk:M1", "milk:M2", "powder:P", "lot:L"]
            .iter()
            .all(|name| has(&reach, name))
    );
    // The other way there is nothing: what became of a lot is another product's story.
    assert_eq!(record.story(&["milk:M1"]), ["milk collected"]);
    assert_eq!(
        record.story(&["powder:P"])[..2],
        ["milk collected", "powder made"]
    );
    assert!(!record.story(&["powder:P"]).contains(&"filled"));
}

#[test]
fn an_ingredient_has_no_story_after_it_was_used() {
    let record = Record::of([
        ("powder seen", see(1, &["powder:P"])),
        ("filled", make(2, &["powder:P"], &["lot:L"])),
        ("powder after", see(3, &["powder:P"])),
        ("lot seen", see(3, &["lot:L"])),
    ]);
    assert_eq!(
        record.story(&["lot:L"]),
        ["powder seen", "filled", "lot seen"]
    );
}

#[test]
fn other_uses_of_an_ingredient_are_other_products_stories() {
    let record = Record::of([
        ("earlier use", make(1, &["powder:P", "milk:M"], &["lot:X"])),
        ("filled", make(2, &["powder:P", "milk:N"], &["lot:L"])),
        ("later use", make(3, &["lot:L", "milk:O"], &["lot:Y"])),
        ("other ingredient", see(1, &["milk:M"])),
        ("later ingredient", see(1, &["milk:O"])),
        ("our other ingredient", see(1, &["milk:N"])),
    ]);
    for names in [["tin:A", "lot:L"].as_slice(), &["lot:L"]] {
        assert_eq!(record.story(names), ["filled", "our other ingredient"]);
    }
    let reach = record.reach(&["lot:L"]);
    for other in ["lot:X", "lot:Y", "milk:M", "milk:O"] {
        assert!(!has(&reach, other), "{other}");
    }
}

#[test]
fn that_an_item_was_used_up_is_its_own_story_and_what_it_became_is_not() {
    let record = Record::of([
        ("used", make(1, &["tin:A"], &["tin:Z"])),
        ("result seen", see(2, &["tin:Z"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["used"]);
    assert!(!has(&record.reach(&["tin:A"]), "tin:Z"));
    assert_eq!(record.story(&["tin:Z"]), ["used", "result seen"]);
}

#[test]
fn the_lot_named_at_commissioning_is_the_items_lot() {
    let record = Record::of([
        ("commissioned", commission(1, &["tin:A"], "L")),
        ("tested", see(2, &["lot:L"])),
        ("other lot tested", see(2, &["lot:X"])),
    ]);
    assert_eq!(record.story(&["tin:A"]), ["commissioned", "tested"]);
    // Anybody can write another lot into the address; the record stands.
    assert_eq!(
        record.story(&["tin:A", "lot:X"]),
        ["commissioned", "tested"]
    );
    assert!(!has(&record.reach(&["tin:A", "lot:X"]), "lot:X"));
    // Of a tin without a record the address is all that says its lot.
    assert_eq!(record.story(&["tin:B", "lot:X"]), ["other lot tested"]);
    assert_eq!(record.story(&["tin:B"]), Vec::<&str>::new());
}

#[test]
fn a_code_of_a_lot_brings_the_lots_events_and_a_code_of_the_product_does_not() {
    let class = "class:09521041001012";
    let record = Record::of([
        ("lot seen", see(1, &["lot:L"])),
        ("product seen", see(1, &[class])),
    ]);
    assert_eq!(record.story(&["lot:L", class]), ["lot seen"]);
    assert_eq!(record.story(&[class]), ["product seen"]);
}

#[test]
fn packing_some_of_a_lot_says_nothing_of_our_tin() {
    let record = Record::of([
        ("commissioned", commission(1, &["tin:A"], "L")),
        ("some packed", pack(2, "case:1", &["lot:L"])),
        ("case seen", see(3, &["case:1"])),
    ]);
    assert_eq!(record.story(&["tin:A", "lot:L"]), ["commissioned"]);
    // It is an event of the lot, though the case is not followed even then.
    assert_eq!(record.story(&["lot:L"]), ["some packed"]);
}

#[test]
fn a_carton_that_is_used_up_brings_what_was_in_it_and_what_carried_it() {
    let record = Record::of([
        ("lot made", see(1, &["milk:M"])),
        ("carton packed", pack(2, "case:1", &["milk:M"])),
        ("other carton packed", pack(2, "case:2", &["milk:M"])),
        ("palletised", pack(3, "pallet:1", &["case:1", "case:2"])),
        ("pallet seen", see(4, &["pallet:1"])),
        ("unpalletised", unpack(5, "pallet:1", &["case:1"])),
        ("pallet after", see(6, &["pallet:1"])),
        ("other carton seen", see(6, &["case:2"])),
        ("cut", make(7, &["case:1"], &["lot:L"])),
    ]);
    let own = [
        "lot made",
        "carton packed",
        "palletised",
        "pallet seen",
        "unpalletised",
        "cut",
    ];
    assert_eq!(record.story(&["lot:L"]), own);
    let reach = record.reach(&["lot:L"]);
    assert!(has(&reach, "milk:M") && !has(&reach, "case:2"));
}

#[test]
fn only_what_was_in_the_carton_when_it_was_used_up_is_an_ingredient() {
    let record = |unpacked: String| {
        Record::of([
            ("first filling", pack(1, "tote:1", &["milk:M", "carton:1"])),
            ("first filling out", unpacked),
            ("second filling", pack(3, "tote:1", &["milk:N", "carton:2"])),
            ("cut", make(4, &["tote:1"], &["lot:L"])),
            ("milk M", see(1, &["milk:M"])),
            ("milk N", see(1, &["milk:N"])),
            ("carton 1", see(1, &["carton:1"])),
            ("carton 2", see(1, &["carton:2"])),
        ])
    };
    let own = ["second filling", "cut", "milk N", "carton 2"];
    let emptied = record(unpack(2, "tote:1", &[]));
    // That the tote was emptied before is part of the tote's life until it was used up.
    assert_eq!(emptied.story(&["lot:L"])[0], "first filling out");
    assert_eq!(emptied.story(&["lot:L"])[1..], own);
    let moved = record(pack(2, "tote:2", &["carton:1"]));
    let story = moved.story(&["lot:L"]);
    assert!(
        story.contains(&"milk M") && !story.contains(&"carton 1"),
        "{story:?}"
    );
}

#[test]
fn what_came_back_into_a_box_after_its_use_was_not_in_what_was_made_of_it() {
    let record = |back: u32| {
        Record::of([
            ("carton seen", see(1, &["carton:1"])),
            ("filled", pack(1, "tote:1", &["carton:1"])),
            ("moved", pack(2, "tote:2", &["carton:1"])),
            ("cut", make(4, &["tote:1"], &["lot:L"])),
            ("back", pack(back, "tote:1", &["carton:1"])),
        ])
    };
    assert_eq!(record(5).story(&["lot:L"]), ["cut"]);
    // Before its use, or in the same moment, it was.
    for back in [3, 4] {
        assert!(record(back).story(&["lot:L"]).contains(&"carton seen"));
    }
}

#[test]
fn taking_out_a_part_of_a_lot_leaves_the_rest_inside() {
    let record = |quantity: &str| {
        let part = unpack(2, "case:1", &["milk:M"])
            .replace("\"quantity\":10", &format!("\"quantity\":{quantity}"));
        Record::of([
            ("milk", see(1, &["milk:M"])),
            ("packed", pack(1, "case:1", &["milk:M"])),
            ("part out", part),
            ("cut", make(3, &["case:1"], &["lot:L"])),
        ])
    };
    assert_eq!(record("9.5").story(&["lot:L"]), ["milk", "packed", "cut"]);
    assert_eq!(record("10.0").story(&["lot:L"]), ["cut"]);
}

#[test]
fn an_ingredient_without_a_lot_is_named_and_not_followed() {
    let salt = "class:09521041000022";
    let record = Record::of([
        ("some salt", see(1, &[salt])),
        ("other salt made", make(1, &["milk:M"], &[salt])),
        ("filled", make(2, &[salt, "powder:P"], &["lot:L"])),
    ]);
    assert_eq!(record.story(&["lot:L"]), ["filled"]);
    let reach = record.reach(&["lot:L"]);
    let salt = identity(salt);
    assert!(reach.contains(&salt.canonical()));
    assert!(!reach.asks().any(|(asked, _)| *asked == salt));
}

#[test]
fn the_lot_of_an_ingredient_ends_when_the_ingredient_does() {
    let record = Record::of([
        ("carcass tagged", commission(1, &["carton:1"], "K")),
        ("carcass lot tested", see(2, &["carton-lot:K"])),
        ("cut", make(3, &["carton:1"], &["lot:L"])),
        ("carcass lot after", see(4, &["carton-lot:K"])),
    ]);
    assert_eq!(
        record.story(&["lot:L"]),
        ["carcass tagged", "carcass lot tested", "cut"]
    );
}
