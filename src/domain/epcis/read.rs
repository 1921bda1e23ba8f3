//! Reading one event.

use auditlog::json::Value;

use super::document::check_context;
use super::event::{Action, Event, EventType, What};
use super::list::{biz_transactions, certifications, epcs, parties, quantities};
use super::sensor;
use super::vocabulary::{BIZ_STEPS, DISPOSITIONS, ERROR_REASONS};
use crate::domain::fields::{At, Fault, FaultKind};
use crate::domain::gs1::Identity;
use crate::domain::statement::Role;

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
    let kind = at.required("type")?;
    let event_type = EventType::parse(kind.text()?)
        .ok_or_else(|| kind.fault(FaultKind::MustBe("one of the five EPCIS event types")))?;
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
        is_error_declaration: read_error_declaration(&at)?,
        what: read_what(&at, event_type, action)?,
        transformation_id: at.get("transformationID").map(text).transpose()?,
        biz_step: read_word(&at, "bizStep", BIZ_STEPS)?,
        disposition: read_word(&at, "disposition", DISPOSITIONS)?,
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
    };
    check_persistent_disposition(&at)?;
    check_subject(&at, &event)?;
    Ok(event)
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

fn read_word(at: &At<'_>, key: &str, words: &[&str]) -> Result<Option<String>, Fault> {
    at.get(key)
        .map(|word| word.word(words).map(str::to_owned))
        .transpose()
}

fn read_place(at: &At<'_>, key: &str) -> Result<Option<Identity>, Fault> {
    let Some(place) = at.get(key) else {
        return Ok(None);
    };
    place.only(&[&["id"]])?;
    place.required("id")?.identity().map(Some)
}

fn read_error_declaration(at: &At<'_>) -> Result<bool, Fault> {
    let Some(declaration) = at.get("errorDeclaration") else {
        return Ok(false);
    };
    declaration.only(&[&["declarationTime", "reason", "correctiveEventIDs"]])?;
    declaration.required("declarationTime")?.time()?;
    declaration
        .get("reason")
        .map(|reason| reason.word(ERROR_REASONS))
        .transpose()?;
    if let Some(ids) = declaration.get("correctiveEventIDs") {
        for id in super::list::bounded(&ids)? {
            id.uri()?;
        }
    }
    // A retraction speaks of an event by its ID; without one it would retract nothing.
    at.required("eventID")?;
    Ok(true)
}

fn check_persistent_disposition(at: &At<'_>) -> Result<(), Fault> {
    let Some(disposition) = at.get("persistentDisposition") else {
        return Ok(());
    };
    for (key, _) in disposition.object()? {
        if key != "set" && key != "unset" {
            return Err(disposition.fault_in(key, FaultKind::UnknownMember));
        }
    }
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
        for word in words {
            word.word(DISPOSITIONS)?;
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
            epcs(at, "epcList", Role::Epc, &mut what)?;
            quantities(at, "quantityList", Role::Epc, &mut what)?;
        }
        EventType::Aggregation | EventType::Association => {
            // The schema does not say so, the standard does: only an observation may leave out
            // what was opened or closed.
            let needed = action != Some(Action::Observe) || event_type == EventType::Association;
            if !read_parent(at, &mut what)? && needed {
                return Err(at.fault_in("parentID", FaultKind::Missing));
            }
            epcs(at, "childEPCs", Role::Child, &mut what)?;
            quantities(at, "childQuantityList", Role::Child, &mut what)?;
        }
        EventType::Transformation => {
            epcs(at, "inputEPCList", Role::Input, &mut what)?;
            quantities(at, "inputQuantityList", Role::Input, &mut what)?;
            epcs(at, "outputEPCList", Role::Output, &mut what)?;
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
            let sensed = at.get("sensorElementList").is_some() && event.read_point.is_some();
            if sensed || at.get("epcList").is_some() {
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
            Err(at.fault_in("bizTransactionList", FaultKind::Missing))
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

/// What we need of `ilmd`.
#[derive(Default)]
struct Ilmd {
    lot_number: Option<String>,
    expiration_date: Option<String>,
    production_date: Option<String>,
}

impl Ilmd {
    fn read(at: &At<'_>, kind: EventType, action: Option<Action>) -> Result<Ilmd, Fault> {
        let Some(ilmd) = at.get("ilmd") else {
            return Ok(Ilmd::default());
        };
        if kind == EventType::Object && action != Some(Action::Add) {
            return Err(ilmd.fault(FaultKind::Rule("is allowed only where action is ADD")));
        }
        ilmd.only(&[])?;
        let value = |names: &[&str]| {
            names.iter().find_map(|wanted| {
                let member = ilmd
                    .value
                    .as_object()?
                    .iter()
                    .find(|(k, _)| local_name(k) == *wanted);
                member?.1.as_str().map(str::to_owned)
            })
        };
        Ok(Ilmd {
            lot_number: value(&["lotNumber"]),
            expiration_date: value(&["itemExpirationDate", "bestBeforeDate", "expirationDate"]),
            production_date: value(&["productionDate"]),
        })
    }
}

/// The name without its namespace, whether that is a prefix or a whole URI.
fn local_name(name: &str) -> &str {
    name.rsplit([':', '/', '#']).next().unwrap_or(name)
}
