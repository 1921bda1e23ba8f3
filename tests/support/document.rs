//! Small EPCIS documents.

use super::GTIN;

/// A document of events.
pub fn document(events: &[String]) -> String {
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{{"example":"https://example.org/ns/"}}],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-23T00:00:00Z","epcisBody":{{"eventList":[{}]}}}}"#,
        events.join(",")
    )
}

/// An observation of one lot of the first product; `id` makes its eventID.
pub fn observation(id: u32, lot: &str) -> String {
    observation_of(
        id,
        &format!(
            r#""quantityList":[{{"epcClass":"https://id.gs1.org/01/{GTIN}/10/{lot}","quantity":12.50,"uom":"KGM"}}]"#
        ),
    )
}

/// An observation of one item.
pub fn item_observation(id: u32, serial: &str) -> String {
    observation_of(
        id,
        &format!(r#""epcList":["https://id.gs1.org/01/{GTIN}/21/{serial}"]"#),
    )
}

/// An observation of what `what` says.
pub fn observation_of(id: u32, what: &str) -> String {
    let minute = id % 60;
    let hour = id / 60 % 24;
    format!(
        r#"{{"type":"ObjectEvent","eventID":"urn:uuid:00000000-0000-4000-8000-{id:012}","eventTime":"2026-06-05T{hour:02}:{minute:02}:00+12:00","eventTimeZoneOffset":"+12:00","action":"OBSERVE","bizStep":"inspecting",{what},"readPoint":{{"id":"https://id.gs1.org/414/9521041000008"}},"example:reading":1.0}}"#
    )
}

/// The identity of a lot of the first product.
pub fn lot_link(lot: &str) -> String {
    format!("https://id.gs1.org/01/{GTIN}/10/{lot}")
}
