//! A story: all that is held about a scanned code, in order, and which of its fields a shopper may
//! see.

pub mod tree;

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use super::balance::{Account, Process};
use super::disclosure::Disclosure;
use super::epcis::Event;
use super::forward::Certainty;
use super::gs1::{DigitalLink, Gtin, Identity, Lot};
use super::hidden::Reveal;
use super::history::Change;
use super::link::{self, Link};
use super::master::{Document, Issuance, Party, Product};
use super::recall::{Recall, RecallClass, Status};
use super::review::Review;
use super::statement::{Kind, StatementId, StoredStatement};

/// All that is held about a subject.
#[derive(Debug, Clone)]
pub struct Story {
    /// What was scanned.
    pub subject: DigitalLink,
    /// Every statement of the story, by the time it was recorded.
    pub statements: Vec<StoryStatement>,
    /// The events among them, by the time they happened.
    pub steps: Vec<Step>,
    /// How everything that the story is about came into it, where that was asked for.
    pub leads: Vec<Lead>,
    /// The subject's product, as described last.
    pub product: Option<Described<Product>>,
    /// Products of the steps, as described last.
    pub products: HashMap<Gtin, Product>,
    /// Parties and places by canonical identity, as described last.
    pub parties: HashMap<String, Party>,
    /// Documents by URI, as described last.
    pub documents: HashMap<String, Described<Document>>,
    /// Of each document the earliest date of issue that was ever stated, since papers are renewed: `issued`.
    pub first_issued: HashMap<String, String>,
    /// What stands of the links of everything that the subject names, as the merchant gave them.
    pub links: Vec<Described<Link>>,
    /// The recalls that concern the subject, those that stand first; the gravest first.
    pub recalls: Vec<StandingRecall>,
    /// What its merchant found when it looked into doubts about the subject, in the order in which it was recorded.
    pub reviews: Vec<Described<Review>>,
    /// Each use of the hidden code of the subject, in the order in which they were recorded.
    pub reveals: Vec<Described<Reveal>>,
    /// What was changed in the descriptions, in the order in which it was recorded.
    pub history: Vec<Change>,
    /// How many codes were issued for its product and its lots, in the order in which they were.
    pub issued: Vec<Described<Issuance>>,
    /// The products of all that went into processes and came out, neighbours' included, as far as all that was said
    /// of them agrees: for sums, and never to be shown.
    pub weighed: HashMap<Gtin, Product>,
    /// The processes among the steps, with all that went in and came out: for sums.
    pub processes: Vec<Process>,
    /// The lots that led to the subject, each as a whole: for sums.
    pub accounts: Vec<Account>,
    /// Who may see what of it, as its merchant said last.
    pub disclosure: Option<Described<Disclosure>>,
    /// Whether what was scanned is on record itself. A code that nobody issued and no event names has a story only
    /// while its lot or its product is recalled.
    pub is_on_record: bool,
    /// The lot that the scanned address says, where the record says another.
    pub other_lot: Option<OtherLot>,
    /// Whether there was more than a story may hold.
    pub truncated: bool,
}

/// A lot that an address says, and that is not the one on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherLot {
    /// Which.
    pub lot: Lot,
    /// Whether the code was issued for it: then the label is as it was ordered, and what was recorded later differs.
    pub is_as_issued: bool,
}

/// A recall that concerns a subject, as it was said last.
#[derive(Debug, Clone, PartialEq)]
pub struct StandingRecall {
    /// What it says.
    pub recall: Recall,
    /// Whether the record leads to what is recalled, or only does not rule it out.
    pub certainty: Certainty,
    /// Where its last statement is stored.
    pub id: StatementId,
    /// Who says it: a canonical Digital Link.
    pub issuer: String,
    /// When it was recorded first.
    pub opened_at: OffsetDateTime,
    /// When it was recorded last.
    pub recorded_at: OffsetDateTime,
}

impl StandingRecall {
    /// Whether it stands.
    pub fn is_open(&self) -> bool {
        self.recall.status == Status::Open
    }

    /// What is to be read first comes first.
    pub fn rank(
        &self,
    ) -> (
        bool,
        Certainty,
        RecallClass,
        std::cmp::Reverse<OffsetDateTime>,
    ) {
        let newest = std::cmp::Reverse(self.recorded_at);
        (!self.is_open(), self.certainty, self.recall.class, newest)
    }
}

/// A statement in a story.
#[derive(Debug, Clone)]
pub struct StoryStatement {
    /// As stored.
    pub stored: StoredStatement,
    /// What kind of statement it is.
    pub kind: Kind,
    /// Who says it: a canonical Digital Link.
    pub issuer: String,
    /// The key under which that party signed it, a vkey, where it did.
    pub signer: Option<String>,
    /// What of it is not for the shopper: other items of the same case, other lots of the same
    /// pallet.
    pub withheld: Withheld,
}

/// Fields that stay hidden, by what they name.
#[derive(Debug, Clone, Default)]
pub struct Withheld {
    /// JSON Pointers within the content; what lies below them is hidden too.
    pub content: HashSet<String>,
    /// JSON Pointers within the receipt.
    pub receipt: HashSet<String>,
}

impl Withheld {
    /// Whether a field of the content may be shown.
    pub fn shows_content(&self, pointer: &str) -> bool {
        !above(pointer).any(|pointer| self.content.contains(pointer))
    }

    /// Whether a field of the receipt may be shown.
    pub fn shows_receipt(&self, pointer: &str) -> bool {
        !self.receipt.contains(pointer)
    }
}

/// A JSON Pointer, and before it those of all that it lies below.
pub(super) fn above(pointer: &str) -> impl Iterator<Item = &str> {
    let ends = pointer.match_indices('/').map(|(at, _)| at).skip(1);
    ends.map(|end| &pointer[..end]).chain([pointer])
}

/// An event in a story.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which of the story's statements.
    pub id: StatementId,
    /// What happened; only identities that belong to the story are left in its `what`.
    pub event: Event,
    /// Why it belongs to the story.
    pub via: Via,
    /// Whether a later statement declares it an error.
    pub is_retracted: bool,
}

/// How an event concerns the scanned item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// It is about the item itself.
    Item,
    /// It is about something that held the item at that time.
    Container,
    /// It is about the item's lot.
    Lot,
    /// It is about what the item was made from.
    Ingredient,
}

/// How one thing of a story led to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lead {
    /// What was in the story before.
    pub from: Identity,
    /// What is in it because of that.
    pub to: Identity,
    /// How they are connected.
    pub how: Connection,
    /// The event that says so; `None` where the code itself does, or what was issued.
    pub by: Option<StatementId>,
    /// For how long, where they did not stay together.
    pub stay: Option<Stay>,
}

/// How two things of a story are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Connection {
    /// It is an item of the lot.
    Lot,
    /// It was inside.
    PackedIn,
    /// It was part of it for a while, or fastened to it.
    FastenedTo,
    /// What was fastened to it, to measure.
    MeasuredBy,
    /// It was made from it.
    MadeFrom,
    /// Some of the product went into it, nobody knows of which lot: it may be of any.
    MayContain,
    /// What was inside it when it was used up.
    Contained,
}

/// A time during which one thing was in or on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stay {
    /// From when.
    pub from: OffsetDateTime,
    /// Until when; `None` if nothing ended it.
    pub until: Option<OffsetDateTime>,
    /// Whether no event says that it ended: the thing was elsewhere by then, or no more.
    pub is_end_inferred: bool,
}

/// A description and when it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Described<T> {
    /// The description.
    pub value: T,
    /// Where it is stored.
    pub id: StatementId,
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
}

impl Story {
    /// The steps that stand, in the order of time.
    pub fn standing(&self) -> impl Iterator<Item = &Step> + Clone {
        self.steps.iter().filter(|step| !step.is_retracted)
    }

    /// One of its steps.
    pub fn step(&self, id: StatementId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The statement of a step.
    pub fn statement_of(&self, step: &Step) -> Option<&StoryStatement> {
        self.statement(step.id)
    }

    /// One of its statements.
    pub fn statement(&self, id: StatementId) -> Option<&StoryStatement> {
        let mut statements = self.statements.iter();
        statements.find(|statement| statement.stored.id == id)
    }

    /// Who describes the product: a canonical Digital Link.
    pub fn merchant(&self) -> Option<&str> {
        let product = self.product.as_ref()?;
        Some(self.statement(product.id)?.issuer.as_str())
    }

    /// The statement under which another party than the one that describes the product put its own signature.
    pub fn signed_by_another(&self, id: StatementId) -> Option<&StoryStatement> {
        let merchant = self.merchant()?;
        let statement = self.statement(id)?;
        (statement.signer.is_some() && statement.issuer != merchant).then_some(statement)
    }

    /// The links of the subject, or of something coarser that it names: the nearest of each type.
    pub fn links_of(&self, level: &Identity) -> Vec<&Link> {
        let ladder = self.subject.identities();
        let from = ladder.iter().position(|identity| identity == level);
        let ladder = from.map_or(&[][..], |from| &ladder[from..]);
        let found = link::nearest(ladder, &self.links, |described| &described.value);
        found
            .into_iter()
            .map(|described| &described.value)
            .collect()
    }

    /// The address that was scanned: what is told of it by its lot must not be lost on the way to its page.
    pub fn address(&self) -> DigitalLink {
        match self.other_lot.zip(self.subject.gtin()) {
            Some((other, gtin)) => {
                DigitalLink::from_parts(gtin, Some(other.lot), self.subject.serial())
            }
            None => self.subject,
        }
    }

    /// Whether an event or an issuance of codes names the subject's own lot. An issuance for no lot in
    /// particular says nothing of this one.
    pub fn names_subject_lot(&self) -> bool {
        let Some((gtin, lot)) = self.subject.gtin().zip(self.subject.lot()) else {
            return false;
        };
        let about = format!("\"lot {}\"", Identity::LotOf { gtin, lot });
        let issued = self.statements.iter().any(|statement| {
            statement.kind == Kind::Issuance && statement.stored.receipt.contains(&about)
        });
        issued
            || self
                .steps
                .iter()
                .any(|step| matches!(step.via, Via::Item | Via::Lot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_a_withheld_field_is_withheld() {
        let withheld = Withheld {
            content: HashSet::from(["/body/quantityList/1".to_owned()]),
            receipt: HashSet::from(["/about/1".to_owned()]),
        };
        assert!(!withheld.shows_content("/body/quantityList/1"));
        assert!(!withheld.shows_content("/body/quantityList/1/epcClass"));
        assert!(withheld.shows_content("/body/quantityList/10"));
        assert!(withheld.shows_content("/body/quantityList"));
        assert!(!withheld.shows_receipt("/about/1"));
        assert!(withheld.shows_receipt("/about/10"));
    }
}
