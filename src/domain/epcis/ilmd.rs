//! `ilmd`: what is said of instances and lots at the moment they come into being.

use auditlog::json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::event::{Action, EventType};
use crate::domain::fields::{At, Fault, FaultKind};

/// Members that GS1 defines as dates (CBV 2.0, instance and lot master data; GS1 Web Vocabulary).
const DATES: &[&str] = &[
    "bestBeforeDate",
    "expirationDate",
    "firstFreezeDate",
    "harvestDate",
    "harvestEndDate",
    "harvestStartDate",
    "itemExpirationDate",
    "packagingDate",
    "productionDate",
    "sellByDate",
];
/// What stands before the name of a member that is GS1's.
const NAMESPACES: &[&str] = &[
    "cbvmda:",
    "gs1:",
    "urn:epcglobal:cbv:mda:",
    "urn:epcglobal:cbv:mda#",
    "https://gs1.org/voc/",
    "https://www.gs1.org/voc/",
    "https://ref.gs1.org/cbv/",
    "https://ref.gs1.org/voc/",
];

/// What we need of `ilmd`.
#[derive(Default)]
pub(super) struct Ilmd {
    pub lot_number: Option<String>,
    pub expiration_date: Option<String>,
    pub production_date: Option<String>,
}

impl Ilmd {
    pub fn read(at: &At<'_>, kind: EventType, action: Option<Action>) -> Result<Ilmd, Fault> {
        let Some(ilmd) = at.get("ilmd") else {
            return Ok(Ilmd::default());
        };
        if kind == EventType::Object && action != Some(Action::Add) {
            return Err(ilmd.fault(FaultKind::Rule("is allowed only where action is ADD")));
        }
        ilmd.only(&[])?;
        for (name, _) in ilmd.object()? {
            if is_date(name) {
                check_date(&ilmd.required(name)?)?;
            }
        }
        let value = |names: &[&str]| {
            names.iter().find_map(|wanted| {
                let mut members = ilmd.value.as_object()?.iter();
                let member = members.find(|(name, _)| local_name(name) == *wanted);
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

fn is_date(name: &str) -> bool {
    let mut local = NAMESPACES
        .iter()
        .filter_map(|namespace| name.strip_prefix(namespace));
    local.any(|local| DATES.contains(&local))
}

/// A date, or a list of dates, or either as a JSON-LD value object (JSON-LD 1.1 §4.2.1).
fn check_date(at: &At<'_>) -> Result<(), Fault> {
    match at.value {
        Value::Array(_) => at.elements()?.iter().try_for_each(check_date),
        Value::Object(_) => check_date(&at.required("@value")?),
        _ if is_real_date(at.text()?) => Ok(()),
        _ => Err(at.fault(FaultKind::Date)),
    }
}

/// `xsd:date`: year, month and day, with or without an offset. A time of that day says more than
/// is asked, and nothing wrong.
fn is_real_date(text: &str) -> bool {
    let form = format_description!("[year]-[month]-[day]");
    let Some((day, rest)) = text.split_at_checked(10) else {
        return false;
    };
    let zoned = match rest.as_bytes() {
        [] => return Date::parse(day, form).is_ok(),
        [b'T' | b't', ..] if rest.contains(['Z', 'z', '+', '-']) => text.to_owned(),
        [b'T' | b't', ..] => format!("{text}Z"),
        _ => format!("{day}T00:00:00{rest}"),
    };
    OffsetDateTime::parse(&zoned, &Rfc3339).is_ok()
}

/// The name without its namespace, whether that is a prefix or a whole URI.
fn local_name(name: &str) -> &str {
    name.rsplit([':', '/', '#']).next().unwrap_or(name)
}
