//! An event as plain types: what the trace, the page and the index need of it. The event itself, as
//! received, is the statement's body; nothing is lost by what these types leave out.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::domain::gs1::{Identity, Lot};

/// An EPCIS event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Which of the five.
    pub event_type: EventType,
    /// `eventID`; absent only before one is assigned.
    pub event_id: Option<String>,
    /// When it happened.
    pub event_time: OffsetDateTime,
    /// `eventTimeZoneOffset`, such as `+12:00`.
    pub offset: String,
    /// `action`; absent for transformations.
    pub action: Option<Action>,
    /// `errorDeclaration`: then all of it is the declaration that the event of this ID was an error.
    pub declaration: Option<ErrorDeclaration>,
    /// What the event is about, with each identity's place in the body.
    pub what: Vec<What>,
    /// `transformationID`.
    pub transformation_id: Option<String>,
    /// `bizStep`: a CBV word or a URI.
    pub biz_step: Option<String>,
    /// `disposition`: a CBV word or a URI.
    pub disposition: Option<String>,
    /// `readPoint.id`.
    pub read_point: Option<Identity>,
    /// `bizLocation.id`.
    pub biz_location: Option<Identity>,
    /// `bizTransactionList`.
    pub biz_transactions: Vec<BizTransaction>,
    /// `certificationInfo`.
    pub certifications: Vec<String>,
    /// `sourceList`.
    pub sources: Vec<PartyRef>,
    /// `destinationList`.
    pub destinations: Vec<PartyRef>,
    /// The lot named in `ilmd`.
    pub lot_number: Option<String>,
    /// The date in `ilmd` after which the item should not be sold or eaten, as received.
    pub expiration_date: Option<String>,
    /// The date of production in `ilmd`, as received.
    pub production_date: Option<String>,
    /// Sensor reports that have a value and a time.
    pub readings: Vec<SensorReading>,
    /// The number of the seal on what the event is about: an extension `sealNumber` of any namespace, for the
    /// standard has none.
    pub seal: Option<String>,
}

/// What a declaration says of the error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorDeclaration {
    /// `reason`: a CBV word or a URI.
    pub reason: Option<String>,
    /// `correctiveEventIDs`: what stands in its place.
    pub corrective_ids: Vec<String>,
}

impl Event {
    /// Whether it is a declaration that the event of this ID was an error.
    pub fn is_error_declaration(&self) -> bool {
        self.declaration.is_some()
    }

    /// The `transformationID` in the one form that joins the events of a transformation. What names goods, a
    /// place or a party names no transformation: events about it would be joined, and it would be shown.
    pub fn transformation(&self) -> Option<Identity> {
        let identity = Identity::parse(self.transformation_id.as_deref()?).ok()?;
        let names_none = matches!(identity, Identity::Rare(_) | Identity::Other(_));
        names_none.then_some(identity)
    }
}

/// The five event types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// `ObjectEvent`
    Object,
    /// `AggregationEvent`
    Aggregation,
    /// `TransactionEvent`
    Transaction,
    /// `TransformationEvent`
    Transformation,
    /// `AssociationEvent`
    Association,
}

/// `action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `ADD`
    Add,
    /// `OBSERVE`
    Observe,
    /// `DELETE`
    Delete,
}

impl Action {
    /// As EPCIS writes it.
    pub fn name(self) -> &'static str {
        match self {
            Action::Add => "ADD",
            Action::Observe => "OBSERVE",
            Action::Delete => "DELETE",
        }
    }
}

/// One identity an event is about.
#[derive(Debug, Clone, PartialEq)]
pub struct What {
    /// On which side of the event it stands.
    pub role: crate::domain::statement::Role,
    /// The identity.
    pub identity: Identity,
    /// Of an item: the lot that its Digital Link names beside the serial.
    pub lot: Option<Lot>,
    /// JSON Pointer within the event to the list element, or to `parentID`.
    pub pointer: String,
    /// For class-level elements.
    pub quantity: Option<Quantity>,
}

impl Quantity {
    /// That there was some, and not how much.
    pub const UNTOLD: Quantity = Quantity {
        value: None,
        uom: None,
    };
}

impl What {
    /// The lot that the identity's own link names, as an identity.
    pub fn lot_of_link(&self) -> Option<Identity> {
        let (gtin, lot) = self.identity.gtin().zip(self.lot)?;
        Some(Identity::LotOf { gtin, lot })
    }
}

/// `quantity` and `uom`, as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The number's text; absent where the event gives none.
    pub value: Option<String>,
    /// UN/ECE Rec 20 code; absent for a count.
    pub uom: Option<String>,
}

/// An element of `bizTransactionList`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BizTransaction {
    /// `type`: a CBV word or a URI.
    pub kind: Option<String>,
    /// The document.
    pub uri: String,
}

/// An element of `sourceList` or `destinationList`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartyRef {
    /// `type`.
    pub kind: PartyKind,
    /// Who or where.
    pub identity: Identity,
}

/// What a source or destination is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartyKind {
    /// `owning_party`
    Owner,
    /// `possessing_party`
    Possessor,
    /// `location`
    Location,
    /// Any other URI.
    Other(String),
}

/// One measured value.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorReading {
    /// `type`, such as `Temperature`.
    pub kind: String,
    /// When it was measured: the report's time, else the element's, else the event's.
    pub at: OffsetDateTime,
    /// The number: `value`, else the mean, else an extreme.
    pub value: f64,
    /// The least that the report tells of: `minValue`, where it has one.
    pub lowest: f64,
    /// The most: `maxValue`.
    pub highest: f64,
    /// UN/ECE Rec 20 code.
    pub uom: Option<String>,
    /// `deviceID` of the report, else of the element.
    pub device: Option<Arc<str>>,
    /// Whether the device says that it does not work: `exception` is `ERROR_CONDITION`.
    pub is_faulty: bool,
}

impl EventType {
    /// All of them, by name.
    pub const ALL: [EventType; 5] = [
        EventType::Aggregation,
        EventType::Association,
        EventType::Object,
        EventType::Transaction,
        EventType::Transformation,
    ];

    /// The type by its EPCIS name.
    pub fn parse(name: &str) -> Option<EventType> {
        Some(match name {
            "ObjectEvent" => EventType::Object,
            "AggregationEvent" => EventType::Aggregation,
            "TransactionEvent" => EventType::Transaction,
            "TransformationEvent" => EventType::Transformation,
            "AssociationEvent" => EventType::Association,
            _ => return None,
        })
    }

    /// The EPCIS name.
    pub fn name(self) -> &'static str {
        match self {
            EventType::Object => "ObjectEvent",
            EventType::Aggregation => "AggregationEvent",
            EventType::Transaction => "TransactionEvent",
            EventType::Transformation => "TransformationEvent",
            EventType::Association => "AssociationEvent",
        }
    }
}
