//! Reading one event.

use std::collections::HashSet;

use auditlog::json::Value;

use super::document::{check_context, event_type};
use super::event::{Action, ErrorDeclaration, Event, EventType, What};
use super::ilmd::Ilmd;
use super::list::{Repeats, biz_transactions, certifications, epcs, parties, quantities};
use super::sensor;
use super::vocabulary::{BIZ_STEP, DISPOSITION, ERROR_REASON, Words};
use crate::domain::fields::{At, Fault, FaultKind};
use crate::domain::gs1::Identity;
use crate::domain::statement::Role;

/// Characters of a seal's number.
const MAX_SEAL_CHARS: usize = 64;
const COMMON: &[&str] = &[
    "@context",
    "type",
    "eventTime",
    "recordTime",
    "eventTimeZoneOffset",
    "eventID",
    "certificationInfo",
    "errorDeclaration",
    "bizStep",
    "disposition",
    "readPoint",
    "bizLocation",
    "bizTransactionList",
    "sourceList",
    "destinationList",
    "sensorElementList",
];

impl EventType {
    /// The members that this type has beside the common ones.
    fn members(self) -> &'static [&'static str] {
        match self {
            EventType::Object => &[
                "action",
                "epcList",
                "quantityList",
                "ilmd",
                "persistentDisposition",
            ],
            EventType::Aggregation | EventType::Association => {
                &["action", "parentID", "childEPCs", "childQuantityList"]
            }
            EventType::Transaction => &["action", "parentID", "epcList", "quantityList"],
            EventType::Transformation => &[
                "inputEPCList",
                "outputEPCList",
                "inputQuantityList",
                "outputQuantityList",
                "transformationID",
                "ilmd",
                "persistentDisposition",
            ],
        }
    }
}

/// Reads an event, or names the first field that is wrong.
pub fn read_event(value: &Value<'_>) -> Result<Event, Fault> {
    let at = At::root(value);
    at.object()?;
    let event_type = event_type(&at)?;
    at.only(&[COMMON, event_type.members()])?;
    at.get("@context")
        .map(|context| check_context(&context))
        .transpose()?;
    let event_time = at.required("eventTime")?.time()?;
    at.get("recordTime").map(|time| time.time()).transpose()?;
    let action = read_action(&at, event_type)?;
    let text = |at: At<'_>| at.uri().map(str::to_owned);
    let ilmd = Ilmd::read(&at, event_type, action)?;
    let event = Event {
        event_type,
        event_id: at.get("eventID").map(text).transpose()?,
        event_time,
        offset: read_offset(&at.required("eventTimeZoneOffset")?)?,
        action,
        declaration: read_error_declaration(&at)?,
        what: read_what(&at, event_type, action)?,
        transformation_id: at.get("transformationID").map(text).transpose()?,
        biz_step: read_word(&at, "bizStep", &BIZ_STEP)?,
        disposition: read_word(&at, "disposition", &DISPOSITION)?,
        read_point: read_place(&at, "readPoint")?,
        biz_location: read_place(&at, "bizLocation")?,
        biz_transactions: biz_transactions(&at)?,
        certifications: certifications(&at)?,
        sources: parties(&at, "sourceList", "source")?,
        destinations: parties(&at, "destinationList", "destination")?,
        lot_number: ilmd.lot_number,
        expiration_date: ilmd.expiration_date,
        production_date: ilmd.production_date,
        readings: sensor::readings(&at, event_time)?,
        seal: seal(&at),
    };
    check_persistent_disposition(&at)?;
    check_subject(&at, &event)?;
    Ok(event)
}

/// A short text under the name `sealNumber` of somebody's namespace; whatever else stands there is no seal.
fn seal(at: &At<'_>) -> Option<String> {
    let members = at.value.as_object()?.iter();
    let mut seals = members.filter(|(key, _)| {
        let is_local = |rest: &str| rest.ends_with([':', '/', '#']);
        key.strip_suffix("sealNumber").is_some_and(is_local)
    });
    let seal = seals.find_map(|(_, value)| value.as_str())?;
    let fits = (1..=MAX_SEAL_CHARS).contains(&seal.chars().count());
    fits.then(|| seal.to_owned())
}

fn read_action(at: &At<'_>, event_type: EventType) -> Result<Option<Action>, Fault> {
    if event_type == EventType::Transformation {
        return Ok(None);
    }
    let action = at.required("action")?;
    match action.text()? {
        "ADD" => Ok(Some(Action::Add)),
        "OBSERVE" => Ok(Some(Action::Observe)),
        "DELETE" => Ok(Some(Action::Delete)),
        _ => Err(action.fault(FaultKind::MustBe("ADD, OBSERVE or DELETE"))),
    }
}

/// EPCIS schema: `^([+]|[-])((0[0-9]|1[0-3]):([0-5][0-9])|14:00)$`.
fn read_offset(at: &At<'_>) -> Result<String, Fault> {
    let text = at.text()?;
    let fits = match text.as_bytes() {
        [b'+' | b'-', h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()) =>
        {
            let hours = (h1 - b'0') * 10 + h2 - b'0';
            let minutes = (m1 - b'0') * 10 + m2 - b'0';
            (hours < 14 && minutes < 60) || (hours == 14 && minutes == 0)
        }
        _ => false,
    };
    if fits {
        Ok(text.to_owned())
    } else {
        Err(at.fault(FaultKind::MustBe("such as +08:00")))
    }
}

fn read_word(at: &At<'_>, key: &str, words: &Words) -> Result<Option<String>, Fault> {
    at.get(key)
        .map(|word| words.read(&word).map(str::to_owned))
        .transpose()
}

fn read_place(at: &At<'_>, key: &str) -> Result<Option<Identity>, Fault> {
    let Some(place) = at.get(key) else {
        return Ok(None);
    };
    place.only(&[&["id"]])?;
    place.required("id")?.identity().map(Some)
}

fn read_error_declaration(at: &At<'_>) -> Result<Option<ErrorDeclaration>, Fault> {
    let Some(declaration) = at.get("errorDeclaration") else {
        return Ok(None);
    };
    declaration.only(&[&["declarationTime", "reason", "correctiveEventIDs"]])?;
    declaration.required("declarationTime")?.time()?;
    let reason = declaration.get("reason");
    let reason = reason.map(|reason| ERROR_REASON.read(&reason).map(str::to_owned));
    let reason = reason.transpose()?;
    let mut corrective_ids = Vec::new();
    if let Some(ids) = declaration.get("correctiveEventIDs") {
        for id in super::list::bounded(&ids)? {
            corrective_ids.push(id.uri()?.to_owned());
        }
    }
    Ok(Some(ErrorDeclaration {
        reason,
        corrective_ids,
    }))
}

fn check_persistent_disposition(at: &At<'_>) -> Result<(), Fault> {
    let Some(disposition) = at.get("persistentDisposition") else {
        return Ok(());
    };
    disposition.exactly(&["set", "unset"])?;
    let mut any = false;
    for list in ["set", "unset"]
        .iter()
        .filter_map(|key| disposition.get(key))
    {
        any = true;
        let words = super::list::bounded(&list)?;
        if words.is_empty() {
            return Err(list.fault(FaultKind::Rule("must not be empty")));
        }
        let mut seen = HashSet::new();
        for word in words {
            DISPOSITION.read(&word)?;
            if !seen.insert(word.text()?) {
                return Err(word.fault(FaultKind::Repeated));
            }
        }
    }
    if any {
        Ok(())
    } else {
        Err(disposition.fault(FaultKind::Rule("needs set or unset")))
    }
}

fn read_what(
    at: &At<'_>,
    event_type: EventType,
    action: Option<Action>,
) -> Result<Vec<What>, Fault> {
    let mut what = Vec::new();
    match event_type {
        EventType::Object | EventType::Transaction => {
            if event_type == EventType::Transaction {
                read_parent(at, &mut what)?;
            }
            let repeats = match event_type {
                EventType::Object => Repeats::Refused,
                _ => Repeats::Allowed,
            };
            epcs(at, "epcList", (Role::Epc, repeats), &mut what)?;
            quantities(at, "quantityList", Role::Epc, &mut what)?;
        }
        EventType::Aggregation | EventType::Association => {
            // The schema does not say so, the standard does: only an observation may leave out
            // what was opened or closed.
            let needed = action != Some(Action::Observe) || event_type == EventType::Association;
            if !read_parent(at, &mut what)? && needed {
                return Err(at.fault_in("parentID", FaultKind::Missing));
            }
            epcs(at, "childEPCs", (Role::Child, Repeats::Allowed), &mut what)?;
            quantities(at, "childQuantityList", Role::Child, &mut what)?;
        }
        EventType::Transformation => {
            epcs(
                at,
                "inputEPCList",
                (Role::Input, Repeats::Refused),
                &mut what,
            )?;
            quantities(at, "inputQuantityList", Role::Input, &mut what)?;
            epcs(
                at,
                "outputEPCList",
                (Role::Output, Repeats::Refused),
                &mut what,
            )?;
            quantities(at, "outputQuantityList", Role::Output, &mut what)?;
        }
    }
    Ok(what)
}

fn read_parent(at: &At<'_>, what: &mut Vec<What>) -> Result<bool, Fault> {
    let Some(parent) = at.get("parentID") else {
        return Ok(false);
    };
    let identity = parent.identity()?;
    let pointer = parent.pointer().to_owned();
    what.push(What {
        role: Role::Parent,
        identity,
        lot: Identity::lot_beside_serial(parent.text()?),
        pointer,
        quantity: None,
    });
    Ok(true)
}

/// Each event must be about something.
fn check_subject(at: &At<'_>, event: &Event) -> Result<(), Fault> {
    let has = |role| event.what.iter().any(|what| what.role == role);
    let rule = |text| Err(at.fault(FaultKind::Rule(text)));
    match event.event_type {
        EventType::Object if !has(Role::Epc) => {
            // Schema: an epcList (even an empty one), a quantityList, or a sensor at a read point.
            let sensors = at.get("sensorElementList");
            let sensed =
                sensors.is_some_and(|list| list.value.as_array().is_some_and(|l| !l.is_empty()));
            if (sensed && event.read_point.is_some()) || at.get("epcList").is_some() {
                return Ok(());
            }
            rule("an ObjectEvent needs epcList, quantityList, or sensorElementList and readPoint")
        }
        EventType::Aggregation | EventType::Association
            if !has(Role::Child) && event.action != Some(Action::Delete) =>
        {
            rule("needs childEPCs or childQuantityList; only DELETE may leave them out")
        }
        EventType::Transaction if event.biz_transactions.is_empty() => {
            let list = at.required("bizTransactionList")?;
            Err(list.fault(FaultKind::Rule("must not be empty")))
        }
        // Schema: an epcList, even an empty one, or a quantityList; DELETE alone may name neither.
        EventType::Transaction
            if !has(Role::Epc)
                && at.get("epcList").is_none()
                && event.action != Some(Action::Delete) =>
        {
            rule("needs epcList or quantityList; only DELETE may leave them out")
        }
        EventType::Transformation => {
            let (input, output) = (has(Role::Input), has(Role::Output));
            if (input && output) || (event.transformation_id.is_some() && (input || output)) {
                return Ok(());
            }
            rule("a TransformationEvent needs inputs and outputs, or one side and transformationID")
        }
        _ => Ok(()),
    }
}
