//! Lots that links write beside the serials of items.

use auditlog::json;

use super::super::*;
use crate::domain::gs1::Lot;

fn event(members: &str) -> Event {
    let text = format!(
        r#"{{"type":"ObjectEvent","action":"OBSERVE","eventTime":"2026-06-05T10:20:00Z",
        "eventTimeZoneOffset":"+00:00",{members}}}"#
    );
    read_event(&json::parse(&text).unwrap()).unwrap()
}

fn epcs(paths: &[&str]) -> String {
    let links = paths
        .iter()
        .map(|path| format!("\"https://shop.example/01/09521041001012/{path}\""));
    format!("\"epcList\":[{}]", Vec::from_iter(links).join(","))
}

/// Of each thing that the event names, its lot.
fn lots(paths: &[&str]) -> Vec<Option<Lot>> {
    let event = event(&epcs(paths));
    event.what.into_iter().map(|what| what.lot).collect()
}

#[test]
fn the_lot_beside_a_serial_is_kept_and_the_item_is_the_same_with_and_without_it() {
    let lot = |text| Some(Lot::parse(text).unwrap());
    assert_eq!(
        lots(&[
            "10/L/21/A",
            "22/V/10/A%2FB/21/B",
            "21/C",
            "22/V/21/D",
            "21/E?10=L"
        ]),
        [lot("L"), lot("A/B"), None, None, None]
    );
    assert_eq!(
        event(&epcs(&["10/L/21/A"])).what[0].identity,
        event(&epcs(&["21/A"])).what[0].identity
    );
}

#[test]
fn an_item_that_is_named_as_of_two_lots_is_of_neither() {
    let lot = Some(Lot::parse("L").unwrap());
    let same = [&["10/L/21/A", "21/A"][..], &["21/A", "22/V/10/L/21/A"]];
    for paths in same {
        assert_eq!(lots(paths), [lot], "{paths:?}");
    }
    let contradicting = ["10/L/21/A", "10/X/21/A", "22/V/10/L/21/A"];
    assert_eq!(lots(&contradicting), [None]);
    assert_eq!(lots(&contradicting[1..]), [None]);
}

#[test]
fn a_receipt_names_the_lot_of_every_link_and_an_old_one_did_not() {
    let event = event(&epcs(&["10/L/21/A", "21/B"]));
    let texts = |about: Vec<_>| Vec::from_iter(about.iter().map(ToString::to_string));
    let items =
        ["A", "B"].map(|serial| format!("epc https://id.gs1.org/01/09521041001012/21/{serial}"));
    let lot = "lot https://id.gs1.org/01/09521041001012/10/L".to_owned();
    assert_eq!(texts(before_lots_of_links(&event)), items);
    assert_eq!(texts(about(&event)), [&items[..], &[lot]].concat());
}
