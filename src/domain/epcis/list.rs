//! The lists of an event: EPCs, quantities, business transactions, sources and destinations.

use std::collections::{HashMap, HashSet};

use super::event::{BizTransaction, PartyKind, PartyRef, Quantity, What};
use super::vocabulary::{PARTY_TYPE, TRANSACTION_TYPE};
use crate::domain::fields::{At, Fault, FaultKind};
use crate::domain::gs1::{Identity, Level, Lots};
use crate::domain::statement::Role;

/// Elements of one list. A pallet of a thousand tins fits ten times over.
pub(super) const MAX_LIST: usize = 10_000;

/// Whether a list may hold the same text twice.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Repeats {
    /// EPCIS 2.0 JSON schema, `epcList`: `uniqueItems`.
    Refused,
    /// EPCIS 2.0 JSON schema, an array without `uniqueItems`.
    Allowed,
}

/// Reads a list of EPCs into `what`; an absent list is an empty one. A thing that is named twice
/// is one thing, whether by one text or by two.
pub(super) fn epcs(
    event: &At<'_>,
    key: &str,
    (role, repeats): (Role, Repeats),
    what: &mut Vec<What>,
) -> Result<(), Fault> {
    let Some(list) = event.get(key) else {
        return Ok(());
    };
    let mut texts: HashSet<&str> = HashSet::new();
    let mut seen: HashMap<Identity, Named> = HashMap::new();
    for element in bounded(&list)? {
        let identity = element.identity()?;
        // EPCIS 2.0, fields of the event types: an EPC names a specific object, at the instance
        // level. Of a URI that is not GS1's only its maker knows what it names.
        if identity.level() == Some(Level::Class) {
            return Err(element.fault(FaultKind::Rule(
                "names a class of things, which belongs into a list of quantities",
            )));
        }
        if repeats == Repeats::Refused && !texts.insert(element.text()?) {
            return Err(element.fault(FaultKind::Repeated));
        }
        let lot = Identity::lot_beside_serial(element.text()?);
        let next = what.len();
        let named = Named {
            place: next,
            lots: Lots::default(),
        };
        let named = seen.entry(identity.clone()).or_insert(named);
        named.lots.add(lot);
        if named.place < next {
            what[named.place].lot = named.lots.only();
            continue;
        }
        let pointer = element.pointer().to_owned();
        what.push(What {
            role,
            identity,
            lot,
            pointer,
            quantity: None,
        });
    }
    Ok(())
}

/// A thing that a list names, perhaps several times: where it stands in `what`, and as of which lots.
struct Named {
    place: usize,
    lots: Lots,
}

/// Reads a list of quantity elements into `what`.
pub(super) fn quantities(
    event: &At<'_>,
    key: &str,
    role: Role,
    what: &mut Vec<What>,
) -> Result<(), Fault> {
    let Some(list) = event.get(key) else {
        return Ok(());
    };
    for element in bounded(&list)? {
        element.exactly(&["epcClass", "quantity", "uom"])?;
        let class = element.required("epcClass")?;
        let identity = class.identity()?;
        // EPCIS 2.0, fields of QuantityElement: the class that the objects belong to.
        if identity.level() == Some(Level::Instance) {
            return Err(class.fault(FaultKind::Rule(
                "names one thing, which belongs into a list of EPCs; a quantity is of a class",
            )));
        }
        let value = element.get("quantity").map(|at| at.number()).transpose()?;
        let uom = element.get("uom").map(|at| at.unit()).transpose()?;
        let quantity = Quantity {
            value: value.map(Into::into),
            uom: uom.map(Into::into),
        };
        let pointer = element.pointer().to_owned();
        what.push(What {
            role,
            identity,
            lot: None,
            pointer,
            quantity: Some(quantity),
        });
    }
    Ok(())
}

/// Reads `bizTransactionList`.
pub(super) fn biz_transactions(event: &At<'_>) -> Result<Vec<BizTransaction>, Fault> {
    let Some(list) = event.get("bizTransactionList") else {
        return Ok(Vec::new());
    };
    let read = |element: &At<'_>| {
        element.exactly(&["type", "bizTransaction"])?;
        let kind = element
            .get("type")
            .map(|at| TRANSACTION_TYPE.read(&at))
            .transpose()?;
        let uri = element.required("bizTransaction")?.uri()?;
        Ok(BizTransaction {
            kind: kind.map(Into::into),
            uri: uri.into(),
        })
    };
    bounded(&list)?.iter().map(read).collect()
}

/// Reads `sourceList` or `destinationList`; `member` is the name of the party in an element.
pub(super) fn parties(
    event: &At<'_>,
    key: &str,
    member: &'static str,
) -> Result<Vec<PartyRef>, Fault> {
    let Some(list) = event.get(key) else {
        return Ok(Vec::new());
    };
    let read = |element: &At<'_>| {
        element.exactly(&["type", member])?;
        let kind = match PARTY_TYPE.read(&element.required("type")?)? {
            "owning_party" => PartyKind::Owner,
            "possessing_party" => PartyKind::Possessor,
            "location" => PartyKind::Location,
            other => PartyKind::Other(other.to_owned()),
        };
        Ok(PartyRef {
            kind,
            identity: element.required(member)?.identity()?,
        })
    };
    bounded(&list)?.iter().map(read).collect()
}

/// Reads `certificationInfo`: one URI or several.
pub(super) fn certifications(event: &At<'_>) -> Result<Vec<String>, Fault> {
    let Some(info) = event.get("certificationInfo") else {
        return Ok(Vec::new());
    };
    if info.value.as_array().is_some() {
        return bounded(&info)?
            .iter()
            .map(|at| at.uri().map(str::to_owned))
            .collect();
    }
    Ok(vec![info.uri()?.to_owned()])
}

pub(super) fn bounded<'v>(list: &At<'v>) -> Result<Vec<At<'v>>, Fault> {
    let elements = list.elements()?;
    if elements.len() > MAX_LIST {
        return Err(list.fault(FaultKind::TooMany(MAX_LIST)));
    }
    Ok(elements)
}
