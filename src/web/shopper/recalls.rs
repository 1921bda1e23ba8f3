//! From the recalls of a story to the first thing that its page says.

use super::journey::{named, readable, said};
use super::present::china_date;
use super::view::{RecallView, VerdictView, host_of};
use crate::domain::forward::Certainty;
use crate::domain::gs1::Identity;
use crate::domain::story::{StandingRecall, Story};
use crate::web::text::Text;

/// The verdict, where a recall stands: it outranks every other.
pub(super) fn recalled(text: &Text, story: &Story) -> Option<VerdictView> {
    let first = story.recalls.first().filter(|recall| recall.is_open())?;
    let on = china_date(text, first.opened_at)?;
    let issuer = issuer(text, story, first);
    let reason = readable(said(&first.recall.reason, text.lang()));
    let view = match first.certainty {
        Certainty::Affected => VerdictView::recalled(text, &issuer, &on, Some(&reason)),
        Certainty::Possibly if names_goods(story) => {
            VerdictView::maybe_recalled(text, &issuer, &on, &reason)
        }
        Certainty::Possibly => VerdictView::partly_recalled(text, &issuer, &on, &reason),
    };
    let is_item = story.subject.serial().is_some();
    Some(match story.is_on_record {
        true => view,
        false => view.with_notes(vec![VerdictView::not_on_record(text, is_item)]),
    })
}

/// Every recall with what to do, those that stand first.
pub(super) fn recalls(text: &Text, story: &Story) -> Vec<RecallView> {
    let views = story.recalls.iter().enumerate();
    let views = views.map(|(place, recall)| {
        let mut view = view(text, recall, place == 0 && recall.is_open())?;
        // Of a product as a whole nobody asks which batch it is of.
        view.is_doubtful &= names_goods(story);
        Some(view)
    });
    views.flatten().collect()
}

/// Whether the code names goods, and no product alone.
pub(super) fn names_goods(story: &Story) -> bool {
    story.subject.lot().is_some() || story.subject.serial().is_some()
}

fn view(text: &Text, standing: &StandingRecall, is_verdict: bool) -> Option<RecallView> {
    let (recall, lang) = (&standing.recall, text.lang());
    let title = match (standing.is_open(), standing.certainty) {
        (false, _) => text.get("recall.closed"),
        (true, Certainty::Affected) => text.get("recall.open"),
        (true, Certainty::Possibly) => text.get("recall.possible"),
    };
    let class = match recall.class.number() {
        1 => text.get("recall.class_1"),
        2 => text.get("recall.class_2"),
        _ => text.get("recall.class_3"),
    };
    let contact = &recall.contact;
    let dialled = |phone: &String| {
        let digits = phone.chars().filter(|c| c.is_ascii_digit() || *c == '+');
        (phone.clone(), format!("tel:{}", digits.collect::<String>()))
    };
    let host = |url: &String| (url.clone(), host_of(url).to_owned());
    let changed = (standing.recorded_at != standing.opened_at).then_some(standing.recorded_at);
    Some(RecallView {
        uri: recall.uri.clone(),
        title: title.to_owned(),
        is_open: standing.is_open(),
        is_doubtful: standing.certainty == Certainty::Possibly,
        class: class.to_owned(),
        opened: china_date(text, standing.opened_at)?,
        changed: changed.and_then(|at| china_date(text, at)),
        reason: (!is_verdict).then(|| named(&recall.reason, lang)),
        instructions: named(&recall.instructions, lang),
        contact: named(&contact.name, lang),
        phone: contact.phone.as_ref().map(dialled),
        email: contact.email.clone(),
        url: contact.url.as_ref().map(host),
    })
}

/// Who announced it: by the brand's name where it is theirs, which every page of the product has; by the name that the
/// story has for them, else by that of whom to ask.
fn issuer(text: &Text, story: &Story, standing: &StandingRecall) -> String {
    let party = story.parties.get(&standing.issuer).map(|party| &party.name);
    let product = story.product.as_ref().map(|described| &described.value);
    let is_theirs = |owner: &Identity| owner.canonical() == standing.issuer;
    let own = product.filter(|product| product.brand_owner.as_ref().is_some_and(is_theirs));
    let brand = own.and_then(|product| product.brand.as_ref());
    let name = brand.or(party).unwrap_or(&standing.recall.contact.name);
    readable(said(name, text.lang()))
}
