//! The lists of an event: EPCs, quantities, business transactions, sources and destinations.

use std::collections::HashSet;

use super::event::{BizTransaction, PartyKind, PartyRef, Quantity, What};
use super::vocabulary::{PARTY_TYPES, TRANSACTION_TYPES};
use crate::domain::fields::{At, Fault, FaultKind};
use crate::domain::gs1::Identity;
use crate::domain::statement::Role;

/// Elements of one list. A pallet of a thousand tins fits ten times over.
pub(super) const MAX_LIST: usize = 10_000;

/// Reads a list of EPCs into `what`; an absent list is an empty one.
pub(super) fn epcs(
    event: &At<'_>,
    key: &str,
    role: Role,
    what: &mut Vec<What>,
) -> Result<(), Fault> {
    let Some(list) = event.get(key) else {
        return Ok(());
    };
    let mut seen: HashSet<Identity> = HashSet::new();
    for element in bounded(&list)? {
        let identity = element.identity()?;
        if !seen.insert(identity.clone()) {
            return Err(element.fault(FaultKind::Repeated));
        }
        let pointer = element.pointer().to_owned();
        what.push(What {
            role,
            identity,
            pointer,
            quantity: None,
        });
    }
    Ok(())
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
        for (name, _) in element.object()? {
            if !["epcClass", "quantity", "uom"].contains(&name.as_ref()) {
                return Err(element.fault_in(name, FaultKind::UnknownMember));
            }
        }
        let identity = element.required("epcClass")?.identity()?;
        let value = element.get("quantity").map(|at| at.number()).transpose()?;
        let uom = element.get("uom").map(|at| unit(&at)).transpose()?;
        let quantity = Quantity {
            value: value.map(Into::into),
            uom: uom.map(Into::into),
        };
        let pointer = element.pointer().to_owned();
        what.push(What {
            role,
            identity,
            pointer,
            quantity: Some(quantity),
        });
    }
    Ok(())
}

/// UN/ECE Rec 20, by its form: two or three capitals and digits.
fn unit<'v>(at: &At<'v>) -> Result<&'v str, Fault> {
    let text = at.text()?;
    let fits = (2..=3).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if fits {
        Ok(text)
    } else {
        Err(at.fault(FaultKind::MustBe("a UN/ECE Rec 20 unit code")))
    }
}

/// Reads `bizTransactionList`.
pub(super) fn biz_transactions(event: &At<'_>) -> Result<Vec<BizTransaction>, Fault> {
    let Some(list) = event.get("bizTransactionList") else {
        return Ok(Vec::new());
    };
    let read = |element: &At<'_>| {
        element.only(&[&["type", "bizTransaction"]])?;
        let kind = element
            .get("type")
            .map(|at| at.word(TRANSACTION_TYPES))
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
        element.only(&[&["type", member]])?;
        let kind = match element.required("type")?.word(PARTY_TYPES)? {
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
