//! Master data that travels with events: `epcisHeader`, and `vocabularyList` of a query's answer.
//! It is checked as the EPCIS 2.0 JSON schema has it; its members are open to extensions.

use auditlog::json::Value;

use crate::domain::fields::{At, Fault, FaultKind};

/// Checks `epcisHeader`.
pub(super) fn check_header(header: &At<'_>) -> Result<(), Fault> {
    header.only(&[&["epcisMasterData"]])?;
    let Some(master) = header.get("epcisMasterData") else {
        return Ok(());
    };
    master.object()?;
    master
        .get("vocabularyList")
        .map_or(Ok(()), |list| check_vocabularies(&list))
}

/// Checks `vocabularyList`.
pub(super) fn check_vocabularies(list: &At<'_>) -> Result<(), Fault> {
    for vocabulary in list.elements()? {
        vocabulary.object()?;
        vocabulary.required("type")?.uri()?;
        each(&vocabulary, "vocabularyElementList", check_element)?;
    }
    Ok(())
}

fn check_element(element: &At<'_>) -> Result<(), Fault> {
    element.object()?;
    element.required("id")?.uri()?;
    each(element, "attributes", check_attribute)?;
    each(element, "children", |child| child.uri().map(|_| ()))
}

fn check_attribute(attribute: &At<'_>) -> Result<(), Fault> {
    attribute.object()?;
    attribute.required("id")?.uri()?;
    let Some(value) = attribute.get("attribute") else {
        return Ok(());
    };
    match value.value {
        Value::Number(_) | Value::String(_) | Value::Object(_) => Ok(()),
        _ => Err(value.fault(FaultKind::MustBe("a number, a string or an object"))),
    }
}

fn each(at: &At<'_>, key: &str, check: impl Fn(&At<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
    match at.get(key) {
        Some(list) => list.elements()?.iter().try_for_each(check),
        None => Ok(()),
    }
}
