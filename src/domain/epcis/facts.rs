//! What a query can ask an event for: its facts. A fact is a field's name and a value, brought to one
//! form: identities canonical, words of the CBV bare, names of extensions with their whole namespace,
//! measured values in the base unit of what they measure.
//!
//! The same facts decide whether an event answers a query and under which terms it is indexed, so that
//! the index cannot disagree with the answer.

use std::borrow::Cow;

use auditlog::json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::event::{Event, What};
use super::fact::{Fact, FactValue, Field};
use super::names::{Names, Vocabulary};
use crate::domain::gs1::Identity;
use crate::domain::statement::Role;
use crate::domain::unit::{self, Dimension};

/// Extensions nested deeper than this are not asked for; the reader of JSON refuses far deeper ones.
const MAX_DEPTH: usize = 32;

/// Bytes of the names and words of an event that are written out with their namespaces, the name of an
/// extension once for each time that it stands there. An event of 1 MiB in which all is extensions under a usual
/// namespace has some 6 MiB of them; under one of 2,048 bytes it would have 200.
pub const MAX_WRITTEN_BYTES: usize = 16 * 1024 * 1024;

/// The facts of an event's body; `names` are those of its effective `@context`.
pub fn facts<'v>(body: &'v Value<'v>, names: Names<'v>) -> Vec<Fact<'v>> {
    // What is stored was let in; all of it is told.
    let mut found = Facts::under(&names, usize::MAX);
    found.event(body);
    found.what(body);
    found.facts
}

/// Those of [`facts`] under which an event is indexed: all but its identities, which the trace index
/// holds. They are read, in `event`, and not read again. `None` where more bytes of names and words are written out.
pub(super) fn indexed_facts<'v>(
    body: &'v Value<'v>,
    event: &Event,
    names: &Names<'v>,
    written_bytes: usize,
) -> Option<Vec<Fact<'v>>> {
    let mut found = Facts::under(names, written_bytes);
    found.event(body);
    found.quantities(body);
    found.classes(&event.what);
    found.facts.retain(|fact| &*fact.field != "eventID");
    found.bytes_left.map(|_| found.facts)
}

struct Facts<'n, 'v> {
    names: &'n Names<'v>,
    facts: Vec<Fact<'v>>,
    /// Bytes that may still be written out; `None` once there were too many.
    bytes_left: Option<usize>,
}

/// Lists of instances, with the field of each.
const EPC_LISTS: [(&str, &str, &str); 4] = [
    ("epcList", "epc", "epc:class"),
    ("childEPCs", "epc", "epc:class"),
    ("inputEPCList", "input", "input:class"),
    ("outputEPCList", "output", "output:class"),
];

/// Lists of classes, with the field of each.
const QUANTITY_LISTS: [(&str, &str, &str); 4] = [
    ("quantityList", "epcClass", "epcClass:class"),
    ("childQuantityList", "epcClass", "epcClass:class"),
    ("inputQuantityList", "inputClass", "inputClass:class"),
    ("outputQuantityList", "outputClass", "outputClass:class"),
];

/// Attributes of sensor metadata and reports that a query compares as texts.
const SENSOR_TEXTS: [&str; 12] = [
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
    "microorganism",
    "chemicalSubstance",
    "coordinateReferenceSystem",
    "stringValue",
    "hexBinaryValue",
    "uriValue",
    "component",
];

/// Attributes of a sensor report that hold a value in its unit.
const SENSOR_VALUES: [&str; 6] = [
    "value",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percValue",
];

impl<'n, 'v> Facts<'n, 'v> {
    fn under(names: &'n Names<'v>, written_bytes: usize) -> Facts<'n, 'v> {
        Facts {
            names,
            facts: Vec::with_capacity(32),
            bytes_left: Some(written_bytes),
        }
    }

    fn push(&mut self, field: impl Into<Field>, value: FactValue<'v>) {
        if let FactValue::Text(Cow::Owned(text)) = &value {
            self.pay(text.len());
        }
        if self.bytes_left.is_some() {
            let field = field.into();
            self.facts.push(Fact { field, value });
        }
    }

    fn text(&mut self, field: impl Into<Field>, text: impl Into<Cow<'v, str>>) {
        self.push(field, FactValue::Text(text.into()));
    }

    /// A name that was written out.
    fn written(&mut self, name: String) -> Field {
        self.pay(name.len());
        Field::Written(name.into())
    }

    fn pay(&mut self, bytes: usize) {
        self.bytes_left = self.bytes_left.and_then(|left| left.checked_sub(bytes));
    }

    fn event(&mut self, body: &'v Value<'v>) {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        // Every event has one, so that "all events" is a term too.
        self.push("event", FactValue::Present);
        if let Some(kind) = text("type") {
            self.text("eventType", kind);
        }
        for (key, field) in [("action", "action"), ("eventID", "eventID")] {
            if let Some(value) = text(key) {
                self.text(field, value);
            }
        }
        if let Some(id) = text("transformationID") {
            self.text("transformationID", canonical(id));
        }
        self.words(body);
        self.places(body);
        self.parties(body);
        if let Some(declaration) = body.get("errorDeclaration") {
            self.error_declaration(declaration);
        }
        if let Some(list) = body.get("sensorElementList") {
            self.push("sensorElementList", FactValue::Present);
            for element in list.as_array().unwrap_or_default() {
                self.sensor_element(element);
            }
        }
        if let Some(ilmd) = body.get("ilmd") {
            self.extensions("ILMD", ilmd);
        }
        self.extensions("", body);
    }

    fn words(&mut self, body: &'v Value<'v>) {
        for (key, field, vocabulary) in [
            ("bizStep", "bizStep", Vocabulary::BizStep),
            ("disposition", "disposition", Vocabulary::Disposition),
        ] {
            if let Some(text) = body.get(key).and_then(Value::as_str) {
                let word = self.names.word(vocabulary, text);
                self.text(field, word);
            }
        }
        let Some(persistent) = body.get("persistentDisposition") else {
            return;
        };
        for (key, field) in [
            ("set", "persistentDisposition_set"),
            ("unset", "persistentDisposition_unset"),
        ] {
            let list = persistent.get(key).and_then(Value::as_array);
            for text in list.unwrap_or_default().iter().filter_map(Value::as_str) {
                let word = self.names.word(Vocabulary::Disposition, text);
                self.text(field, word);
            }
        }
    }

    fn places(&mut self, body: &'v Value<'v>) {
        for (key, field, within) in [
            ("readPoint", "readPoint", "readPoint:within"),
            ("bizLocation", "bizLocation", "bizLocation:within"),
        ] {
            let Some(place) = body.get(key) else { continue };
            if let Some(id) = place.get("id").and_then(Value::as_str) {
                let identity = Identity::parse(id).ok();
                // A place with a GLN extension lies within the place of the GLN.
                if let Some(Identity::Place {
                    gln,
                    extension: Some(_),
                }) = identity
                {
                    let whole = Identity::Place {
                        gln,
                        extension: None,
                    };
                    self.text(within, whole.canonical());
                }
                let canonical = canonical_of(identity, id);
                self.text(within, canonical.clone());
                self.text(field, canonical);
            }
            self.extensions(key, place);
        }
    }

    fn parties(&mut self, body: &'v Value<'v>) {
        for (list, member, field, vocabulary) in [
            (
                "bizTransactionList",
                "bizTransaction",
                "bizTransaction",
                Vocabulary::BizTransactionType,
            ),
            ("sourceList", "source", "source", Vocabulary::SourceDestType),
            (
                "destinationList",
                "destination",
                "destination",
                Vocabulary::SourceDestType,
            ),
        ] {
            let elements = body.get(list).and_then(Value::as_array);
            for element in elements.unwrap_or_default() {
                let Some(id) = element.get(member).and_then(Value::as_str) else {
                    continue;
                };
                let kind = element.get("type").and_then(Value::as_str).unwrap_or("");
                let kind = self.names.word(vocabulary, kind);
                let field = self.written(format!("{field}_{kind}"));
                self.text(field, canonical(id));
            }
        }
    }

    fn what(&mut self, body: &'v Value<'v>) {
        if let Some(parent) = body.get("parentID").and_then(Value::as_str) {
            self.identity("parent", "parent:class", parent);
        }
        for (list, field, class) in EPC_LISTS {
            let elements = body.get(list).and_then(Value::as_array);
            for epc in elements
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
            {
                self.identity(field, class, epc);
            }
        }
        for (list, field, class) in QUANTITY_LISTS {
            let elements = body.get(list).and_then(Value::as_array);
            for element in elements.unwrap_or_default() {
                if let Some(epc_class) = element.get("epcClass").and_then(Value::as_str) {
                    self.identity(field, class, epc_class);
                }
            }
        }
        self.quantities(body);
    }

    fn quantities(&mut self, body: &'v Value<'v>) {
        for (list, ..) in QUANTITY_LISTS {
            let elements = body.get(list).and_then(Value::as_array);
            for element in elements.unwrap_or_default() {
                let number = element.get("quantity").and_then(number);
                let Some(number) = number else { continue };
                self.push("quantity", FactValue::Number(number));
                if let Some(uom) = element.get("uom").and_then(Value::as_str) {
                    let (field, base) = in_base("quantity", uom, number);
                    let field = self.written(field);
                    self.push(field, FactValue::Number(base));
                }
            }
        }
    }

    /// The classes of what an event is about, which the trace index does not hold.
    fn classes(&mut self, what: &[What]) {
        let mut last = None;
        for what in what {
            let Some(class) = what.identity.without_qualifiers() else {
                continue;
            };
            let found = (class_field(what), class);
            // A pallet of a thousand tins is of one class.
            if last.as_ref() != Some(&found) {
                self.text(found.0, found.1.canonical());
                last = Some(found);
            }
        }
    }

    /// An identity, and the class of which it is an instance or a lot, by which patterns find it.
    fn identity(&mut self, field: &'static str, class_field: &'static str, text: &'v str) {
        let Ok(identity) = Identity::parse(text) else {
            return self.text(field, text);
        };
        if let Some(class) = identity.without_qualifiers() {
            self.text(class_field, class.canonical());
        }
        self.text(field, identity.canonical());
    }

    fn error_declaration(&mut self, declaration: &'v Value<'v>) {
        self.push("errorDeclaration", FactValue::Present);
        let text = |key: &str| declaration.get(key).and_then(Value::as_str);
        if let Some(at) = text("declarationTime").and_then(instant) {
            self.push("errorDeclarationTime", FactValue::Time(at));
        }
        if let Some(reason) = text("reason") {
            let word = self.names.word(Vocabulary::ErrorReason, reason);
            self.text("errorReason", word);
        }
        let ids = declaration
            .get("correctiveEventIDs")
            .and_then(Value::as_array);
        for id in ids.unwrap_or_default().iter().filter_map(Value::as_str) {
            self.text("correctiveEventID", id);
        }
        self.extensions("ERROR_DECLARATION", declaration);
    }

    fn sensor_element(&mut self, element: &'v Value<'v>) {
        self.extensions("SENSORELEMENT", element);
        if let Some(metadata) = element.get("sensorMetadata") {
            self.sensor_attributes(metadata);
            self.extensions("SENSORMETADATA", metadata);
        }
        let reports = element.get("sensorReport").and_then(Value::as_array);
        for report in reports.unwrap_or_default() {
            self.sensor_attributes(report);
            self.sensor_report(report);
            self.extensions("SENSORREPORT", report);
        }
    }

    fn sensor_attributes(&mut self, attributes: &'v Value<'v>) {
        for key in SENSOR_TEXTS {
            if let Some(value) = attributes.get(key).and_then(Value::as_str) {
                let text = match key {
                    "deviceID" => canonical(value),
                    "stringValue" => value.into(),
                    "hexBinaryValue" => value.to_ascii_uppercase().into(),
                    "component" => self.names.word(Vocabulary::Component, value),
                    _ => self.names.expand(value),
                };
                self.text(key, text);
            }
        }
        for key in ["time", "startTime", "endTime"] {
            let at = attributes.get(key).and_then(Value::as_str);
            if let Some(at) = at.and_then(instant) {
                self.push(key, FactValue::Time(at));
            }
        }
    }

    fn sensor_report(&mut self, report: &'v Value<'v>) {
        if let Some(kind) = report.get("type").and_then(Value::as_str) {
            let kind = self.names.word(Vocabulary::MeasurementType, kind);
            self.text("type", kind);
        }
        if let Some(exception) = report.get("exception").and_then(Value::as_str) {
            let word = self.names.word(Vocabulary::SensorException, exception);
            self.text("exception", word);
        }
        if let Some(Value::Bool(value)) = report.get("booleanValue") {
            self.text("booleanValue", if *value { "true" } else { "false" });
        }
        if let Some(rank) = report.get("percRank").and_then(number) {
            self.push("percRank", FactValue::Number(rank));
        }
        let uom = report.get("uom").and_then(Value::as_str);
        for key in SENSOR_VALUES {
            let Some(number) = report.get(key).and_then(number) else {
                continue;
            };
            let Some(uom) = uom else { continue };
            let (field, base) = in_base(key, uom, number);
            let field = self.written(field);
            self.push(field, FactValue::Number(base));
        }
    }

    /// The members of an object that carry a namespace, and what is inside them.
    fn extensions(&mut self, scope: &str, object: &'v Value<'v>) {
        for (key, value) in object.as_object().unwrap_or_default() {
            // The standard's own members have none.
            if !key.contains(':') {
                continue;
            }
            if self.bytes_left.is_none() {
                return;
            }
            let name = self.names.expand(key.as_ref());
            let field = self.written(extension_field(scope, false, &name));
            self.extension(&field, value, 0);
            self.inside(&extension_scope(scope, true), value, 0);
        }
    }

    /// A value under its own name.
    fn extension(&mut self, field: &Field, value: &'v Value<'v>, depth: usize) {
        if depth == 0 {
            self.push(field.clone(), FactValue::Present);
        }
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(elements) => {
                for element in elements {
                    self.extension(field, element, depth + 1);
                }
            }
            // JSON-LD 1.1 §4.2.1: a typed value.
            Value::Object(_) => {
                if let Some(value) = value.get("@value") {
                    self.extension(field, value, depth + 1);
                }
            }
            Value::String(text) => {
                if let Some(at) = instant(text) {
                    self.push(field.clone(), FactValue::Time(at));
                }
                self.text(field.clone(), text.as_ref());
            }
            Value::Number(text) => {
                if number(value).is_some() {
                    self.push(field.clone(), FactValue::Decimal(text));
                }
                self.text(field.clone(), *text);
            }
            Value::Bool(value) => {
                self.text(field.clone(), if *value { "true" } else { "false" });
            }
            Value::Null => {}
        }
    }

    /// Whatever lies inside an extension, at any depth.
    fn inside(&mut self, scope: &str, value: &'v Value<'v>, depth: usize) {
        if depth > MAX_DEPTH || self.bytes_left.is_none() {
            return;
        }
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    if !key.starts_with('@') {
                        let name = self.names.expand(key.as_ref());
                        let field = self.written(format!("{scope}{name}"));
                        self.extension(&field, value, 0);
                    }
                    self.inside(scope, value, depth + 1);
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    self.inside(scope, element, depth + 1);
                }
            }
            _ => {}
        }
    }
}

/// The field of the class of an identity, as [`EPC_LISTS`] and [`QUANTITY_LISTS`] have it.
fn class_field(what: &What) -> &'static str {
    match (what.role, what.quantity.is_some()) {
        (Role::Parent, _) => "parent:class",
        (Role::Input, false) => "input:class",
        (Role::Input, true) => "inputClass:class",
        (Role::Output, false) => "output:class",
        (Role::Output, true) => "outputClass:class",
        (_, false) => "epc:class",
        (_, true) => "epcClass:class",
    }
}

/// The field of an extension `name` in `scope`, or of what is inside one.
pub(super) fn extension_field(scope: &str, inner: bool, name: &str) -> String {
    let mut field = extension_scope(scope, inner);
    field.push_str(name);
    field
}

fn extension_scope(scope: &str, inner: bool) -> String {
    format!("{}{scope}/", if inner { "INNER_" } else { "" })
}

/// The field and the value of a measurement in the base unit of what it measures; where the unit is not
/// known, in the unit itself, which the field then names.
pub(super) fn in_base(key: &str, uom: &str, number: f64) -> (String, f64) {
    let base = match key {
        // A deviation is a difference: it has no zero of any scale.
        "sDev" => unit::difference_to_base(number, uom),
        _ => unit::to_base(number, uom),
    };
    match base {
        Some((dimension, base)) => (measured(key, dimension), base),
        None => (format!("{key} {uom}"), number),
    }
}

fn measured(key: &str, dimension: Dimension) -> String {
    format!("{key} of {dimension:?}")
}

/// An identity's one form; what is none stays as it is.
pub(super) fn canonical(text: &str) -> Cow<'_, str> {
    canonical_of(Identity::parse(text).ok(), text)
}

fn canonical_of(identity: Option<Identity>, text: &str) -> Cow<'_, str> {
    match identity {
        None | Some(Identity::Other(_)) => text.into(),
        Some(identity) => identity.canonical().into(),
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    let number: f64 = value.as_number()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// An RFC 3339 date and time.
pub fn instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
