//! Valid events with something changed. Whatever it is: reading ends, and a refusal points at what
//! is there, or at the missing member of something that is there.

use auditlog::json;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::valid::{ALL, document, query_document};

/// What may stand in the place of any value.
pub(super) fn substitutes() -> Vec<Value> {
    let mut all: Vec<Value> = [
        "",
        "x",
        "shipping",
        "in_transit",
        "po",
        "location",
        "Temperature",
        "latitude",
        "KGM",
        "CEL",
        "kg",
        "ex:thing",
        "urn:epcglobal:cbv:bizstep:shipping",
        "cbv:BizStep-shipping",
        "https://ns.gs1.org/cbv/BizStep-shipping",
        "https://gs1.org/voc/Temperature",
        "gs1:Mass",
        "https://id.gs1.org/01/09521041001012",
        "https://id.gs1.org/01/09521041001013",
        "https://id.gs1.org/01/09521041001012/21/S1",
        "urn:epc:id:gdti:9521041.00001.",
        "2026-02-29",
        "2026-02-28",
        "2026-02-29T00:00:00Z",
        "2026-02-28T00:00:00Z",
        "+14:01",
        "OBSERVE",
        "DELETE",
        "EPCISDocument",
        "TransactionEvent",
        "not a uri: x",
        "f0",
    ]
    .map(Value::from)
    .into();
    all.extend([
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5),
        json!([]),
        json!({}),
    ]);
    all.extend([
        json!([""]),
        json!([{}]),
        json!({"id": "urn:x:1"}),
        json!([[]]),
    ]);
    all
}

/// JSON Pointers of every value, the root first.
pub(super) fn pointers(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, inner)| (key.replace('~', "~0").replace('/', "~1"), inner))
            .collect(),
        Value::Array(elements) => (0..).map(|i: usize| i.to_string()).zip(elements).collect(),
        _ => Vec::new(),
    };
    for (token, inner) in inner {
        found.extend(pointers(inner).iter().map(|rest| format!("/{token}{rest}")));
    }
    found
}

/// Changes one place in the `how`-th way; `None` where that changes nothing.
pub(super) fn mutated(value: &Value, pointer: &str, how: usize) -> Option<Value> {
    let substitutes = substitutes();
    let mut changed = value.clone();
    if let Some(substitute) = substitutes.get(how) {
        *changed.pointer_mut(pointer)? = substitute.clone();
        return (changed != *value).then_some(changed);
    }
    let (parent, token) = pointer.rsplit_once('/')?;
    match how - substitutes.len() {
        // The member or element is gone.
        0 => match changed.pointer_mut(parent)? {
            Value::Object(members) => {
                members.remove(&token.replace("~1", "/").replace("~0", "~"))?;
            }
            Value::Array(elements) => {
                elements.remove(token.parse().ok()?);
            }
            _ => return None,
        },
        // A member more, without a namespace and with one.
        more @ (1 | 2) => {
            let name = if more == 1 { "strange" } else { "ex:strange" };
            let members = changed.pointer_mut(pointer)?.as_object_mut()?;
            members.insert(name.to_owned(), json!("x"));
        }
        // The last element twice.
        3 => {
            let elements = changed.pointer_mut(pointer)?.as_array_mut()?;
            elements.push(elements.last()?.clone());
        }
        _ => return None,
    }
    Some(changed)
}

/// In how many ways a place can be changed.
pub(super) fn ways() -> usize {
    substitutes().len() + 4
}

/// The pointer exists, or its parent does and the fault is that it is missing.
fn assert_names_a_place(value: &Value, fault: &Fault) {
    let parent = fault.pointer.rsplit_once('/').map(|(parent, _)| parent);
    let there = match (&fault.kind, parent) {
        (FaultKind::Missing, Some(parent)) => {
            value.pointer(parent).is_some_and(Value::is_object)
                && value.pointer(&fault.pointer).is_none()
        }
        _ => value.pointer(&fault.pointer).is_some(),
    };
    assert!(there, "{fault} names nothing in {value}");
}

#[test]
fn every_change_of_a_valid_event_is_taken_or_told_where_it_is_wrong() {
    let (mut taken, mut refused) = (0, 0);
    for text in ALL {
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(read_event(&json::parse(text).unwrap()).is_ok(), "{text}");
        for pointer in pointers(&value) {
            for changed in (0..ways()).filter_map(|how| mutated(&value, &pointer, how)) {
                let text = changed.to_string();
                match read_event(&json::parse(&text).unwrap()) {
                    Ok(event) => {
                        about(&event);
                        taken += 1;
                    }
                    Err(fault) => {
                        assert_names_a_place(&changed, &fault);
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(
        taken > 1_000 && refused > 1_000,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn every_change_of_an_envelope_is_taken_or_told_where_it_is_wrong() {
    for text in [document("{}"), query_document("{}")] {
        let value: Value = serde_json::from_str(&text).unwrap();
        for pointer in pointers(&value) {
            for changed in (0..ways()).filter_map(|how| mutated(&value, &pointer, how)) {
                let text = changed.to_string();
                let parsed = json::parse(&text).unwrap();
                match read_document(&parsed) {
                    Err(DocumentFault::Envelope(fault)) => assert_names_a_place(&changed, &fault),
                    other => assert!(other.is_ok(), "{other:?}"),
                }
            }
        }
    }
}

proptest! {
    /// Several changes at once, in places that the changes before may have made.
    #[test]
    fn several_changes_are_taken_or_told_where_they_are_wrong(
        which in 0..ALL.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..ways()), 1..6),
    ) {
        let mut value: Value = serde_json::from_str(ALL[which]).unwrap();
        for (place, how) in changes {
            let places = pointers(&value);
            let pointer = place.get(&places);
            value = mutated(&value, pointer, how).unwrap_or(value);
        }
        let text = value.to_string();
        let parsed = json::parse(&text).unwrap();
        match read_event(&parsed) {
            Ok(event) => drop(about(&event)),
            Err(fault) => assert_names_a_place(&value, &fault),
        }
        if let Err(DocumentFault::Envelope(fault)) = read_single_event_document(&parsed) {
            assert_names_a_place(&value, &fault);
        }
    }
}
