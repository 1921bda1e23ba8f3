//! What does not add up in a story: rules over what its statements say together. Each is a pure function; none
//! rejects anything, and no merchant can switch one off. A rule speaks only where the record contradicts
//! itself or a product's own limits: what is merely missing is another matter.

mod balance;
mod date;
mod measure;
mod order;
mod papers;
mod place;

pub use measure::Band;

use time::{Date, OffsetDateTime};

use super::epcis::Event;
use super::gs1::{Identity, Lot};
use super::statement::StatementId;
use super::story::{OtherLot, Step, Story, Via};
use super::unit::Dimension;

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is, with its figures.
    pub what: Contradiction,
    /// How grave it is.
    pub severity: Severity,
    /// The statements that contradict each other.
    pub evidence: Vec<StatementId>,
}

/// How grave a finding is. The gravest comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// It can be a slip of whoever recorded it; until that is clear, it is a doubt.
    Doubt,
    /// One of the statements is wrong, or the food is.
    Serious,
}

/// What contradicts what. Times are the events' own.
#[derive(Debug, Clone, PartialEq)]
pub enum Contradiction {
    /// The address that was scanned says another lot than the record.
    OtherLot {
        /// What the address says.
        written: OtherLot,
        /// What is on record.
        recorded: Lot,
    },
    /// Something happened to goods before these were made.
    BeforeMade {
        /// What happened.
        step: StepName,
        /// When it happened.
        at: OffsetDateTime,
        /// When they were made.
        made: OffsetDateTime,
    },
    /// Something happened to an item after it was destroyed or sold.
    AfterEnd {
        /// What happened.
        step: StepName,
        /// When it happened.
        at: OffsetDateTime,
        /// What ended it.
        end: StepName,
        /// When it ended.
        ended: OffsetDateTime,
    },
    /// A step still finds the item in a container that it had been taken from, by being put into another.
    InTwoParents {
        /// Where it is found.
        first: Identity,
        /// Where it was put.
        second: Identity,
        /// When it is found.
        at: OffsetDateTime,
    },
    /// It went from one place to another faster than an aeroplane.
    TooFast {
        /// From where.
        from: Identity,
        /// To where.
        to: Identity,
        /// The distance on the globe.
        km: f64,
        /// The time between.
        minutes: i64,
    },
    /// It was at two places at one moment.
    TwoPlaces {
        /// One.
        first: Identity,
        /// The other.
        second: Identity,
        /// When.
        at: OffsetDateTime,
    },
    /// It expires before it was made.
    ExpiresBeforeMade {
        /// The date after which it should not be used.
        expires: Date,
        /// The date on which it was made.
        made: Date,
    },
    /// It was sold after it had expired.
    SoldAfterExpiry {
        /// The date on which it was sold, there.
        sold: Date,
        /// The date after which it should not be used.
        expires: Date,
    },
    /// A step cites a document of another way of import than its product's.
    OtherRegime {
        /// Its URI.
        document: String,
        /// Its type.
        document_type: String,
    },
    /// A document was issued after the step that cites it.
    IssuedTooLate {
        /// Its URI.
        document: String,
        /// The date on which it was issued.
        issued: Date,
        /// The date of the step, there.
        needed: Date,
    },
    /// It was warmer or colder than the product may be.
    OutOfBand {
        /// The furthest reading, in degrees Celsius.
        celsius: f64,
        /// The lowest that is allowed.
        min: Option<f64>,
        /// The highest that is allowed.
        max: Option<f64>,
        /// For how long all in all, as far as readings tell.
        minutes: i64,
    },
    /// A container came with another seal than it left with.
    SealMismatch {
        /// The container.
        container: Identity,
        /// The seal that it left with.
        first: String,
        /// The seal that it came with.
        second: String,
    },
    /// More came out of a process than went into it.
    WeightGained {
        /// What went in, in kilograms.
        input: f64,
        /// What came out at least, in kilograms.
        output: f64,
    },
    /// A process gave more or less of its product than its merchant says that it does.
    YieldOutOfBand {
        /// What went in, in kilograms.
        input: f64,
        /// What came out, in kilograms.
        output: f64,
        /// The least that a kilogram gives, in kilograms.
        min: f64,
        /// The most.
        max: f64,
    },
    /// More of a lot was used than was made of it.
    LotOverdrawn {
        /// Which.
        lot: Identity,
        /// What the amounts are, in its SI unit: a mass, a volume, or a number of pieces.
        dimension: Dimension,
        /// How much was made.
        made: f64,
        /// How much was used, at least.
        used: f64,
    },
    /// Many more codes were issued for a lot than it has pieces.
    CodesToSpare {
        /// Which.
        lot: Identity,
        /// Its pieces.
        made: u64,
        /// Its codes.
        issued: u64,
    },
    /// More items of a lot got numbers of their own than codes were issued for it.
    ItemsBeyondCodes {
        /// Which.
        lot: Identity,
        /// Its codes.
        issued: u64,
        /// The items.
        items: u64,
    },
}

/// A step, and what a reader knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepName {
    /// Which step.
    pub id: StatementId,
    /// `bizStep`, where it has one.
    pub biz_step: Option<String>,
    /// Where it happened, as far as it says.
    pub place: Option<Identity>,
}

impl StepName {
    fn of(step: &Step) -> StepName {
        let event = &step.event;
        StepName {
            id: step.id,
            biz_step: event.biz_step.clone(),
            place: event.place().cloned(),
        }
    }
}

/// A rule: what it finds in a story.
type Rule = fn(&Story) -> Vec<Finding>;

/// All of them.
const RULES: [Rule; 16] = [
    other_lot,
    order::before_made,
    order::after_end,
    order::in_two_parents,
    place::impossible_ways,
    date::expires_before_made,
    date::sold_after_expiry,
    papers::other_regime,
    date::issued_too_late,
    measure::out_of_band,
    measure::seal_mismatch,
    balance::weight_gained,
    balance::yield_out_of_band,
    balance::lot_overdrawn,
    balance::codes_to_spare,
    balance::items_beyond_codes,
];

/// What does not add up, the gravest first.
pub fn findings(story: &Story) -> Vec<Finding> {
    let mut found: Vec<Finding> = RULES.iter().flat_map(|rule| rule(story)).collect();
    // Within a severity in the order of the rules, and each rule in the order of time.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

/// Whoever prints another lot on a pack makes it younger than it is, or hides what is recalled.
fn other_lot(story: &Story) -> Vec<Finding> {
    let lots = story.other_lot.zip(story.subject.lot());
    let finding = lots.map(|(written, recorded)| Finding {
        what: Contradiction::OtherLot { written, recorded },
        severity: match written.is_as_issued {
            true => Severity::Doubt,
            false => Severity::Serious,
        },
        evidence: Vec::new(),
    });
    finding.into_iter().collect()
}

/// Those of the item and of what held it: where it was.
fn physical(story: &Story) -> impl Iterator<Item = &Step> + Clone {
    story.standing().filter(|step| is_physical(step))
}

fn is_physical(step: &Step) -> bool {
    matches!(step.via, Via::Item | Via::Container)
}

/// The thing itself, where it is one: not a lot, and not a product.
fn item(story: &Story) -> Option<Identity> {
    let is_one = story.subject.serial().is_some() || story.subject.sscc().is_some();
    is_one.then(|| story.subject.finest())
}

/// A moment on the clocks where an event happened.
fn local(event: &Event, at: OffsetDateTime) -> Option<OffsetDateTime> {
    let form = time::macros::format_description!("[offset_hour sign:mandatory]:[offset_minute]");
    let offset = time::UtcOffset::parse(&event.offset, form).ok()?;
    Some(at.to_offset(offset))
}

/// The date of an event there.
fn local_date(event: &Event) -> Option<Date> {
    local(event, event.event_time).map(OffsetDateTime::date)
}

/// Whether an event says only on which day it happened.
fn is_a_day(event: &Event) -> bool {
    let is_midnight = |at: OffsetDateTime| at.time() == time::Time::MIDNIGHT;
    is_midnight(event.event_time) || local(event, event.event_time).is_some_and(is_midnight)
}

/// A date of ISO 8601, without a time behind it; what is none contradicts nothing.
fn date(text: &str) -> Option<Date> {
    let form = time::macros::format_description!("[year]-[month]-[day]");
    Date::parse(text.get(..10)?, form).ok()
}
