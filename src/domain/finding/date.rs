//! Dates that contradict each other.

use super::{Contradiction, Finding, Severity, item, local_date, standing};
use crate::domain::statement::Role;
use crate::domain::story::{Step, Story, Via};

/// Steps that speak of the goods themselves: their dates are these goods' dates.
fn own(story: &Story) -> impl Iterator<Item = &Step> + Clone {
    standing(story).filter(|step| matches!(step.via, Via::Item | Via::Lot))
}

/// The date of `ilmd`, without a time behind it.
fn day(date: &str) -> Option<&str> {
    date.get(..10)
}

/// A best-before date before the date of production, or before the goods were made known.
pub(super) fn expires_before_made(story: &Story) -> Vec<Finding> {
    let finding = |step: &Step| {
        let event = &step.event;
        let expires = day(event.expiration_date.as_deref()?)?.to_owned();
        let told = event.production_date.as_deref().and_then(day);
        let made = match told {
            Some(told) => told.to_owned(),
            None => local_date(event, event.event_time)?,
        };
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
    let dated =
        own(story).filter_map(|step| Some((step, day(step.event.expiration_date.as_deref()?)?)));
    let Some((dating, expires)) = dated.last() else {
        return Vec::new();
    };
    let sale = |step: &&Step| {
        let is_sale = step.event.biz_step.as_deref() == Some("retail_selling");
        let mut what = step.event.what.iter();
        is_sale && what.any(|what| what.role == Role::Epc && what.identity == item)
    };
    let finding = |step: &Step| {
        let sold = local_date(&step.event, step.event.event_time)?;
        (sold.as_str() > expires).then(|| Finding {
            what: Contradiction::SoldAfterExpiry {
                sold,
                expires: expires.to_owned(),
            },
            severity: Severity::Serious,
            evidence: vec![dating.id, step.id],
        })
    };
    own(story).filter(sale).filter_map(finding).collect()
}

/// Documents that are written after the goods have moved on: they prove no need.
const WRITTEN_LATER: [&str; 4] = ["inv", "recadv", "rma", "testres"];

/// A certificate or a declaration that is dated after the step that cites it.
pub(super) fn issued_too_late(story: &Story) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for step in standing(story) {
        let event = &step.event;
        let transactions = event.biz_transactions.iter();
        let needed = transactions.filter(|transaction| {
            let kind = transaction.kind.as_deref();
            !kind.is_some_and(|kind| WRITTEN_LATER.contains(&kind))
        });
        let cited = needed.map(|transaction| &transaction.uri);
        for uri in cited.chain(&event.certifications) {
            let document = story.documents.get(uri);
            let issued = document.and_then(|document| document.issued.as_deref());
            let needed = local_date(event, event.event_time);
            let Some((issued, needed)) = issued.zip(needed) else {
                continue;
            };
            let is_known = found.iter().any(|known| {
                matches!(&known.what, Contradiction::IssuedTooLate { document, .. } if document == uri)
            });
            if issued > needed.as_str() && !is_known {
                found.push(Finding {
                    what: Contradiction::IssuedTooLate {
                        document: uri.clone(),
                        issued: issued.to_owned(),
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
