//! The canonical order of an event's fields: rule 1 and the table that it refers to.

use super::super::names::Vocabulary;

/// A field, and how it is written.
pub(super) struct Field {
    pub name: &'static str,
    pub shape: Shape,
}

/// How the value of a field is written.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// `name=value`, for each element of a list.
    Text,
    /// The same with a time.
    Time,
    /// The same with a word of a vocabulary.
    Word(Vocabulary),
    /// `name` and its fields, for each object of a list or for the one.
    Each(&'static [Field]),
    /// `name` once, and then each element under a name of its own.
    List(&'static str, &'static [Field]),
    /// `name` once, and then `epc=…` for each.
    Epcs,
    /// Members that are not the standard's.
    Extensions,
}

/// Members that are no part of what an event says.
pub(super) const IGNORED: &[&str] = &[
    "type",
    "@context",
    "eventID",
    "recordTime",
    "errorDeclaration",
    "comment",
    "rdfs:comment",
];

/// Of these, the members of an object within an event.
pub(super) const COMMENTS: &[&str] = &["comment", "rdfs:comment"];

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

const fn text(name: &'static str) -> Field {
    field(name, Shape::Text)
}

/// The order of the reference's code. Its README has `epcList` before `parentID`, which matters in
/// a transaction event alone, and forgets `certificationInfo`.
pub(super) const EVENT: &[Field] = &[
    field("eventTime", Shape::Time),
    text("eventTimeZoneOffset"),
    text("certificationInfo"),
    text("parentID"),
    field("epcList", Shape::Epcs),
    field("inputEPCList", Shape::Epcs),
    field("childEPCs", Shape::Epcs),
    field("quantityList", QUANTITIES),
    field("childQuantityList", QUANTITIES),
    field("inputQuantityList", QUANTITIES),
    field("outputEPCList", Shape::Epcs),
    field("outputQuantityList", QUANTITIES),
    text("action"),
    text("transformationID"),
    field("bizStep", Shape::Word(Vocabulary::BizStep)),
    field("disposition", Shape::Word(Vocabulary::Disposition)),
    field("persistentDisposition", Shape::Each(PERSISTENT)),
    field("readPoint", Shape::Each(PLACE)),
    field("bizLocation", Shape::Each(PLACE)),
    field("bizTransactionList", Shape::List("", TRANSACTION)),
    field("sourceList", Shape::List("", SOURCE)),
    field("destinationList", Shape::List("", DESTINATION)),
    field(
        "sensorElementList",
        Shape::List("sensorElement", SENSOR_ELEMENT),
    ),
    field("ilmd", Shape::Extensions),
];

const QUANTITIES: Shape = Shape::List(
    "quantityElement",
    &[text("epcClass"), text("quantity"), text("uom")],
);

const PERSISTENT: &[Field] = &[
    field("set", Shape::Word(Vocabulary::Disposition)),
    field("unset", Shape::Word(Vocabulary::Disposition)),
];

const PLACE: &[Field] = &[text("id")];

const TRANSACTION: &[Field] = &[
    field("type", Shape::Word(Vocabulary::BizTransactionType)),
    text("bizTransaction"),
];

const SOURCE: &[Field] = &[
    field("type", Shape::Word(Vocabulary::SourceDestType)),
    text("source"),
];

const DESTINATION: &[Field] = &[
    field("type", Shape::Word(Vocabulary::SourceDestType)),
    text("destination"),
];

const SENSOR_ELEMENT: &[Field] = &[
    field("sensorMetadata", Shape::Each(SENSOR_METADATA)),
    field("sensorReport", Shape::Each(SENSOR_REPORT)),
];

const SENSOR_METADATA: &[Field] = &[
    field("time", Shape::Time),
    field("startTime", Shape::Time),
    field("endTime", Shape::Time),
    text("deviceID"),
    text("deviceMetadata"),
    text("rawData"),
    text("dataProcessingMethod"),
    text("bizRules"),
];

const SENSOR_REPORT: &[Field] = &[
    field("type", Shape::Word(Vocabulary::MeasurementType)),
    field("exception", Shape::Word(Vocabulary::SensorException)),
    text("deviceID"),
    text("deviceMetadata"),
    text("rawData"),
    text("dataProcessingMethod"),
    // The table forgets it; it stands here as it does in the metadata.
    text("bizRules"),
    field("time", Shape::Time),
    text("microorganism"),
    text("chemicalSubstance"),
    text("value"),
    field("component", Shape::Word(Vocabulary::Component)),
    text("stringValue"),
    text("booleanValue"),
    text("hexBinaryValue"),
    text("uriValue"),
    text("minValue"),
    text("maxValue"),
    text("meanValue"),
    text("sDev"),
    text("percRank"),
    text("percValue"),
    text("uom"),
    text("coordinateReferenceSystem"),
];
