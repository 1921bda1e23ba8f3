//! Dates that contradict each other.

use std::collections::HashSet;

use time::Duration;

use super::{Contradiction, Finding, Severity, date, item, local_date};
use crate::domain::statement::Role;
use crate::domain::story::{Step, Story, Via};

/// Steps that speak of the goods themselves: their dates are these goods' dates.
fn own(story: &Story) -> impl Iterator<Item = &Step> + Clone {
    story
        .standing()
        .filter(|step| matches!(step.via, Via::Item | Via::Lot))
}

/// A best-before date before the date of production, or before the goods were made known.
pub(super) fn expires_before_made(story: &Story) -> Vec<Finding> {
    let finding = |step: &Step| {
        let event = &step.event;
        let expires = date(event.expiration_date.as_deref()?)?;
        let told = event.production_date.as_deref().and_then(date);
        let made = told.or_else(|| local_date(event))?;
        (expires < made).then(|| Finding {
            what: Contradiction::ExpiresBeforeMade { expires, made },
            severity: Severity::Serious,
            evidence: vec![step.id],
        })
    };
    own(story).filter_map(finding).collect()
}

/// An item that was sold after its date.
pub(super) fn sold_after_expiry(story: &Story) -> Vec<Finding> {
    let Some(item) = item(story) else {
        return Vec::new();
    };
    // The last that says so stands, as on the page.
    let dated = own(story).filter_map(|step| {
        let expires = date(step.event.expiration_date.as_deref()?)?;
        Some((step, expires))
    });
    let Some((dating, expires)) = dated.last() else {
        return Vec::new();
    };
    let sale = |step: &&Step| {
        let mut what = step.event.what.iter();
        step.event.is_sale() && what.any(|what| what.role == Role::Epc && what.identity == item)
    };
    let finding = |step: &Step| {
        let sold = local_date(&step.event)?;
        (sold > expires).then(|| Finding {
            what: Contradiction::SoldAfterExpiry { sold, expires },
            severity: Severity::Serious,
            evidence: vec![dating.id, step.id],
        })
    };
    own(story).filter(sale).filter_map(finding).collect()
}

/// Documents that are written while the goods move on, or after: they prove no need. A bill of lading is dated when
/// the ship has sailed.
const WRITTEN_LATER: [&str; 7] = [
    "bol", "desadv", "inv", "recadv", "rma", "testprd", "testres",
];
/// Of one day to the next, the sun decides: a date says nothing of the clock that it was taken from.
const ONE_DAY: Duration = Duration::days(1);

/// A certificate or a declaration that is dated after the step that cites it.
pub(super) fn issued_too_late(story: &Story) -> Vec<Finding> {
    let mut known: HashSet<&str> = HashSet::new();
    let mut found: Vec<Finding> = Vec::new();
    for step in story.standing() {
        let event = &step.event;
        let transactions = event.biz_transactions.iter();
        let needed = transactions.filter(|transaction| {
            let kind = transaction.kind.as_deref();
            !kind.is_some_and(|kind| WRITTEN_LATER.contains(&kind))
        });
        let cited = needed.map(|transaction| &transaction.uri);
        for uri in cited.chain(&event.certifications) {
            // Papers are renewed under one name: the one that there was then is enough.
            let issued = story.first_issued.get(uri).and_then(|first| date(first));
            let Some((issued, needed)) = issued.zip(local_date(event)) else {
                continue;
            };
            if issued > needed.saturating_add(ONE_DAY) && known.insert(uri) {
                found.push(Finding {
                    what: Contradiction::IssuedTooLate {
                        document: uri.clone(),
                        issued,
                        needed,
                    },
                    severity: Severity::Doubt,
                    evidence: vec![step.id],
                });
            }
        }
    }
    found
}
