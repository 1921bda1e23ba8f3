//! The steps of a journey, as the page tells them.

use std::collections::BTreeMap;

use time::format_description::well_known::Rfc3339;

use super::view::{
    DocumentView, FlowKind, FlowLine, FlowView, HttpsLink, PartyView, PlaceView, SensorView,
    Source, StepView, Words, gap, region_in_country,
};
use crate::domain::epcis::{Event, EventType, PartyKind, PartyRef};
use crate::domain::gs1::Identity;
use crate::domain::master::{Bilingual, Party};
use crate::domain::statement::Role;
use crate::domain::story::{Step, Story};
use crate::web::text::{Lang, Text};

/// Days without a record that are worth a line of their own. A ship takes four weeks.
const GAP_DAYS: i64 = 35;

/// The steps in order.
pub(super) fn steps(text: &'static Text, story: &Story, public_size: u64) -> Vec<StepView> {
    let mut views: Vec<StepView> = Vec::with_capacity(story.steps.len());
    for (position, step) in story.steps.iter().enumerate() {
        let mut view = step_view(text, story, step, public_size);
        if let Some(before) = position.checked_sub(1).map(|i| &story.steps[i]) {
            let days = (step.event.event_time - before.event.event_time).whole_days();
            view.gap = (days >= GAP_DAYS).then(|| gap(text, days.unsigned_abs()));
        }
        views.push(view);
    }
    views
}

fn step_view(text: &'static Text, story: &Story, step: &Step, public_size: u64) -> StepView {
    let event = &step.event;
    let place = event.biz_location.as_ref().or(event.read_point.as_ref());
    let place = place.and_then(|place| story.parties.get(&place.canonical()));
    let sealed = story
        .statement_of(step)
        .and_then(|statement| statement.stored.leaf_index);
    let at = event.event_time.format(&Rfc3339).unwrap_or_default();
    StepView {
        stage: stage(text, event),
        time: text.local_time(&at, &event.offset),
        place: place.map(|party| place_view(text, party)),
        parties: parties(text, story, event, place),
        disposition: None,
        flows: flows(text, story, event),
        sensors: sensors(text, event),
        documents: documents(text, story, event),
        notes: if step.is_retracted {
            vec![text.get("journey.retracted").to_owned()]
        } else {
            Vec::new()
        },
        source: Source::Merchant,
        signer: None,
        entry: sealed
            .filter(|index| index.0 < public_size)
            .map(|index| text.number(index.0)),
        leg: None,
        gap: None,
    }
}

fn stage(text: &Text, event: &Event) -> String {
    match &event.biz_step {
        Some(step) => text.term("bizStep", step).to_owned(),
        None => text.term("eventType", event.event_type.name()).to_owned(),
    }
}

fn place_view(text: &Text, party: &Party) -> PlaceView {
    let country = party.country.as_deref();
    let region = party
        .region
        .as_ref()
        .map(|region| said(region, text.lang()).to_owned());
    PlaceView {
        name: Some(named(&party.name, text.lang())),
        region: region.or_else(|| country.map(|c| region_in_country(text, None, c))),
        country: country.map(|country| text.country(country).to_owned()),
    }
}

/// Who handed over to whom; a party whose place is already named is not named again.
fn parties(text: &Text, story: &Story, event: &Event, place: Option<&Party>) -> Vec<PartyView> {
    let mut views: Vec<PartyView> = Vec::new();
    let possessors = |list: &[PartyRef]| {
        list.iter()
            .filter(|p| p.kind == PartyKind::Possessor)
            .cloned()
            .collect()
    };
    let sides: [(Vec<PartyRef>, &str); 2] = [
        (possessors(&event.sources), "journey.from"),
        (possessors(&event.destinations), "journey.to"),
    ];
    for (list, label) in sides {
        for party in list {
            let Some(known) = story.parties.get(&party.identity.canonical()) else {
                continue;
            };
            if place.is_some_and(|place| place.name == known.name) {
                continue;
            }
            let role = match label {
                "journey.from" => text.get("journey.from"),
                _ => text.get("journey.to"),
            };
            views.push(PartyView {
                role: role.to_owned(),
                name: named(&known.name, text.lang()),
            });
        }
    }
    views
}

/// What went in and what came out; for other events, how much of a lot was handled.
fn flows(text: &'static Text, story: &Story, event: &Event) -> Vec<FlowView> {
    let flow = |kind: FlowKind, role: Role| {
        let lines: Vec<FlowLine> = event
            .what
            .iter()
            .filter(|what| what.role == role)
            .filter_map(|what| {
                let quantity = what.quantity.as_ref()?;
                let value = quantity.value.as_deref()?;
                Some(FlowLine {
                    name: product_name(text, story, &what.identity),
                    amount: text.amount(value, quantity.uom.as_deref()),
                })
            })
            .collect();
        (!lines.is_empty()).then(|| FlowView {
            label: kind.label(text).to_owned(),
            lines,
        })
    };
    let found = match event.event_type {
        EventType::Transformation => [
            flow(FlowKind::Inputs, Role::Input),
            flow(FlowKind::Outputs, Role::Output),
        ],
        _ => [
            flow(FlowKind::Handled, Role::Epc),
            flow(FlowKind::Handled, Role::Child),
        ],
    };
    found.into_iter().flatten().collect()
}

fn product_name(text: &Text, story: &Story, identity: &Identity) -> Option<Words> {
    let product = story.products.get(&identity.gtin()?)?;
    Some(named(&product.name, text.lang()))
}

/// One curve for each kind of measurement and unit.
fn sensors(text: &Text, event: &Event) -> Vec<SensorView> {
    let mut groups: BTreeMap<(&str, &str), Vec<(i64, f64)>> = BTreeMap::new();
    for reading in &event.readings {
        let key = (reading.kind.as_str(), reading.uom.as_deref().unwrap_or(""));
        groups
            .entry(key)
            .or_default()
            .push((reading.at.unix_timestamp(), reading.value));
    }
    groups
        .into_iter()
        .filter_map(|((kind, uom), readings)| SensorView::from_readings(text, kind, uom, &readings))
        .collect()
}

fn documents(text: &Text, story: &Story, event: &Event) -> Vec<DocumentView> {
    let cited = event
        .biz_transactions
        .iter()
        .map(|t| (t.uri.as_str(), t.kind.as_deref()));
    let certified = event
        .certifications
        .iter()
        .map(|uri| (uri.as_str(), Some("cert")));
    cited
        .chain(certified)
        .map(|(uri, kind)| document(text, story, uri, kind))
        .collect()
}

fn document(text: &Text, story: &Story, uri: &str, kind: Option<&str>) -> DocumentView {
    let lang = text.lang();
    let Some(known) = story.documents.get(uri) else {
        // Cited, and never described: its kind and its own name are all there is to say.
        return DocumentView {
            title: Words::plain(text.term("document", kind.unwrap_or("other"))),
            number: uri.rsplit(['/', ':']).next().map(str::to_owned),
            issuer: None,
            issued: None,
            source: Source::Merchant,
            check: None::<HttpsLink>,
        };
    };
    DocumentView {
        title: named(&known.title, lang),
        number: known.number.clone(),
        issuer: known.issued_by.as_ref().map(|issuer| named(issuer, lang)),
        issued: known.issued.as_deref().and_then(|date| text.date(date)),
        source: Source::Merchant,
        check: None,
    }
}

/// A name in the reader's language.
pub(super) fn named(name: &Bilingual, lang: Lang) -> Words {
    Words::plain(said(name, lang))
}

fn said(name: &Bilingual, lang: Lang) -> &str {
    match lang {
        Lang::ZhCn => &name.zh_cn,
        Lang::En => &name.en,
    }
}
