//! The steps of a journey, as the page tells them.

use std::collections::{BTreeMap, HashSet};

use auditlog::TreeSize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::view::{
    CheckView, DocumentView, FlowKind, FlowLine, FlowView, Limits, PartyView, PlaceView, Reading,
    Readings, SensorView, Source, StepView, Words, gap, region_in_country,
};
use crate::domain::disclosure::is_masked;
use crate::domain::epcis::{Event, EventType, PartyKind, SensorReading, What};
use crate::domain::erasure::ERASED;
use crate::domain::finding::Band;
use crate::domain::gs1::Identity;
use crate::domain::master::{Bilingual, Party};
use crate::domain::official;
use crate::domain::route;
use crate::domain::statement::Role;
use crate::domain::story::{Step, Story, StoryStatement};
use crate::web::findings::{self, StepNames};
use crate::web::text::{Lang, Text};

/// Days without a record that are worth a line of their own. A ship takes four weeks.
const GAP_DAYS: i64 = 35;

/// Dispositions that judge the goods. The others say where in the process they are, as the step
/// itself does.
const JUDGEMENTS: [&str; 15] = [
    "conformant",
    "damaged",
    "destroyed",
    "disposed",
    "expired",
    "mismatch_class",
    "mismatch_instance",
    "mismatch_quantity",
    "needs_replacement",
    "no_pedigree_match",
    "non_conformant",
    "non_sellable_other",
    "recalled",
    "returned",
    "stolen",
];

/// The steps in order. What was an error is no step; the history tells of it.
pub(super) fn steps(
    text: &'static Text,
    story: &Story,
    names: &StepNames,
    public_size: TreeSize,
) -> Vec<StepView> {
    let mut views: Vec<StepView> = Vec::with_capacity(story.steps.len());
    let mut told: HashSet<&str> = HashSet::new();
    let mut before: Option<&Step> = None;
    let band = Band::of(story);
    for step in story.standing() {
        let mut view = step_view(text, story, step, band.as_ref(), public_size);
        view.documents = documents(text, story, &step.event, &mut told);
        if let Some(name) = names.get(&step.id) {
            view.stage.clone_from(name);
        }
        if let Some(before) = before {
            let days = (step.event.event_time - before.event.event_time).whole_days();
            view.gap = (days >= GAP_DAYS).then(|| gap(text, days.unsigned_abs()));
        }
        before = Some(step);
        views.push(view);
    }
    views
}

/// Where it was read is where it happened; a dock or a gate may be described only as its site.
pub(super) fn place_of<'s>(story: &'s Story, event: &Event) -> Option<&'s Party> {
    let places = [&event.read_point, &event.biz_location].into_iter();
    let mut places = places.flatten();
    places.find_map(|place| story.parties.get(&place.canonical()))
}

fn step_view(
    text: &'static Text,
    story: &Story,
    step: &Step,
    band: Option<&Band>,
    public_size: TreeSize,
) -> StepView {
    let event = &step.event;
    let place = place_of(story, event);
    let sealed = story
        .statement_of(step)
        .and_then(|statement| statement.stored.leaf_index);
    let at = event.event_time.format(&Rfc3339).unwrap_or_default();
    let signed = story.signed_by_another(step.id);
    let (source, signer) = voucher(text, story, signed);
    // Whoever signs where he works is named once.
    let works_here = place.and_then(|party| party.party.as_ref());
    let works_here = works_here.map(Identity::canonical);
    let is_named = signed.is_some_and(|signed| works_here.as_ref() == Some(&signed.issuer));
    let public = sealed.filter(|index| public_size.contains(*index));
    StepView {
        stage: stage(text, event),
        time: text.local_time(&at, &event.offset),
        parties: parties(text, story, event, place),
        place: place.map(|party| place_view(text, party)),
        disposition: judgement(text, event),
        flows: flows(text, story, event),
        sensors: sensors(text, step, band),
        documents: Vec::new(),
        source,
        signer: signer.filter(|_| !is_named),
        entry: public.map(|index| text.number(index.0)),
        index: public.map(|index| index.0),
        leg: None,
        gap: None,
        doubts: Vec::new(),
        lacking: Vec::new(),
        then_missing: Vec::new(),
    }
}

/// What steps are called where something says more than their `bizStep`: a route of ours, or that they made these very goods.
pub(super) fn step_names(text: &Text, story: &Story) -> StepNames {
    let name = |step: &Step| match route::heading(story, step) {
        Some(heading) => Some(readable(text.said(heading))),
        None => makes_goods(story, &step.event).then(|| text.get("journey.made").to_owned()),
    };
    let steps = story.standing();
    steps
        .filter_map(|step| Some((step.id, name(step)?)))
        .collect()
}

/// Whether goods of the product that the story is of came out of a process.
fn makes_goods(story: &Story, event: &Event) -> bool {
    let gtin = story.subject.gtin();
    let is_made = |what: &What| what.role == Role::Output && what.identity.gtin() == gtin;
    gtin.is_some()
        && event.event_type == EventType::Transformation
        && event.what.iter().any(is_made)
}

/// What happened, in a word.
pub(super) fn stage(text: &Text, event: &Event) -> String {
    // What makes one product of another is better called by its event than "creating an instance".
    let is_processing = event.event_type == EventType::Transformation
        && event.biz_step.as_deref().map(word) == Some("creating_class_instance");
    match &event.biz_step {
        Some(step) if !is_processing => text.term("bizStep", step).to_owned(),
        _ => text.term("eventType", event.event_type.name()).to_owned(),
    }
}

fn judgement(text: &Text, event: &Event) -> Option<String> {
    let disposition = event.disposition.as_deref()?;
    let judges = JUDGEMENTS.contains(&word(disposition));
    judges.then(|| text.term("disposition", disposition).to_owned())
}

/// The bare word of a CBV term in any of its spellings (CBV 2.0 §7).
fn word(spelling: &str) -> &str {
    spelling.rsplit([':', '-', '/']).next().unwrap_or(spelling)
}

fn place_view(text: &Text, party: &Party) -> PlaceView {
    let country = party.country.as_deref();
    let region = party
        .region
        .as_ref()
        .map(|region| readable(said(region, text.lang())));
    PlaceView {
        name: Some(named(&party.name, text.lang())),
        region: region.or_else(|| country.map(|c| region_in_country(text, None, c))),
        country: country.map(|country| text.country(country).to_owned()),
    }
}

/// Who handed over to whom; a party whose place is already named is not named again.
fn parties(text: &Text, story: &Story, event: &Event, place: Option<&Party>) -> Vec<PartyView> {
    let sides = [
        (text.get("journey.from"), &event.sources),
        (text.get("journey.to"), &event.destinations),
    ];
    let mut views = Vec::new();
    for (role, side) in sides {
        let possessors = side.iter().filter(|p| p.kind == PartyKind::Possessor);
        let known = possessors.filter_map(|p| story.parties.get(&p.identity.canonical()));
        let others = known.filter(|party| place.is_none_or(|place| place.name != party.name));
        views.extend(others.map(|party| PartyView {
            role: role.to_owned(),
            name: named(&party.name, text.lang()),
        }));
    }
    views
}

/// What went in and what came out; for other events, how much of a lot was handled.
fn flows(text: &'static Text, story: &Story, event: &Event) -> Vec<FlowView> {
    let sides: &[(FlowKind, Role)] = match event.event_type {
        EventType::Transformation => &[
            (FlowKind::Inputs, Role::Input),
            (FlowKind::Outputs, Role::Output),
        ],
        _ => &[
            (FlowKind::Handled, Role::Epc),
            (FlowKind::Handled, Role::Child),
        ],
    };
    let flow = |&(kind, role): &(FlowKind, Role)| {
        let side: Vec<&What> = event.what.iter().filter(|what| what.role == role).collect();
        let lines: Vec<FlowLine> = side
            .iter()
            .filter_map(|what| flow_line(text, story, what, &side))
            .collect();
        let has_amount = lines.iter().any(|line| !line.amount.is_empty());
        let kind = match kind {
            FlowKind::Handled if !has_amount => FlowKind::Named,
            kind => kind,
        };
        (!lines.is_empty()).then(|| FlowView {
            label: kind.label(text).to_owned(),
            lines,
        })
    };
    sides.iter().filter_map(flow).collect()
}

/// One quantity; its lot is named where another lot of the same product stands beside it.
fn flow_line(text: &Text, story: &Story, what: &What, side: &[&What]) -> Option<FlowLine> {
    let quantity = what.quantity.as_ref()?;
    let gtin = what.identity.gtin();
    let product = gtin.and_then(|gtin| story.products.get(&gtin));
    let is_one_of_several = side.iter().filter(|w| w.identity.gtin() == gtin).count() > 1;
    let lot = match &what.identity {
        Identity::LotOf { lot, .. } if is_one_of_several => format!(" · {lot}"),
        _ => String::new(),
    };
    if quantity.value.is_none() && product.is_none() {
        return None;
    }
    Some(FlowLine {
        name: product.map(|p| {
            let name = readable(said(&p.name, text.lang()));
            Words::plain(name + &lot)
        }),
        amount: match &quantity.value {
            Some(value) => text.amount(without_trailing_zeros(value), quantity.uom.as_deref()),
            // How much it was is not told, and that it was is.
            None => String::new(),
        },
        is_lotless: what.role == Role::Input && matches!(what.identity, Identity::Class { .. }),
    })
}

/// `4600.0` is how an event may write it; a shopper reads 4,600.
fn without_trailing_zeros(number: &str) -> &str {
    let is_plain = number
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    if is_plain && number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

/// One curve for each kind of measurement and unit; what a device read while it did not work is none.
fn sensors(text: &Text, step: &Step, band: Option<&Band>) -> Vec<SensorView> {
    let event = &step.event;
    let mut groups: BTreeMap<(&str, &str), Vec<&SensorReading>> = BTreeMap::new();
    for reading in event.readings.iter().filter(|reading| !reading.is_faulty) {
        let key = (reading.kind.as_str(), reading.uom.as_deref().unwrap_or(""));
        groups.entry(key).or_default().push(reading);
    }
    let band = band.filter(|band| band.judges(step));
    let when = |at: i64| {
        let at = OffsetDateTime::from_unix_timestamp(at).ok()?;
        let at = at.format(&Rfc3339).ok()?;
        Some(text.local_time(&at, &event.offset)?.text)
    };
    let view = |((kind, uom), readings): ((&str, &str), Vec<&SensorReading>)| {
        let band = band.filter(|_| kind == "Temperature");
        let limits = band.map(|band| Limits {
            words: findings::band(text, band.min, band.max),
            // The band is in degrees Celsius: beside other degrees it is told in words alone.
            min: band.min.filter(|_| uom == "CEL"),
            max: band.max.filter(|_| uom == "CEL"),
        });
        let reading = |reading: &&SensorReading| Reading {
            at: reading.at.unix_timestamp(),
            value: reading.value,
            lowest: reading.lowest,
            highest: reading.highest,
            is_kept: band.and_then(|band| band.is_kept_by(reading)),
        };
        let readings = readings.iter().map(reading).collect();
        let told = Readings {
            kind,
            uom,
            readings,
            limits,
            when: &when,
        };
        SensorView::of(text, told)
    };
    groups.into_iter().filter_map(view).collect()
}

/// The documents of a step, each once. One that an earlier step has told all about keeps its title.
fn documents<'a>(
    text: &Text,
    story: &'a Story,
    event: &'a Event,
    told: &mut HashSet<&'a str>,
) -> Vec<DocumentView> {
    let cited = event
        .biz_transactions
        .iter()
        .map(|t| (t.uri.as_str(), t.kind.as_deref()));
    let certified = event
        .certifications
        .iter()
        .map(|uri| (uri.as_str(), Some("cert")));
    let mut here: HashSet<&str> = HashSet::new();
    let mut views = Vec::new();
    for (uri, kind) in cited.chain(certified) {
        if !here.insert(uri) {
            continue;
        }
        let mut view = document(text, story, uri, kind);
        if !told.insert(uri) {
            (view.number, view.issuer, view.issued) = (None, None, None);
            view.check = None;
        }
        views.push(view);
    }
    views
}

fn document(text: &Text, story: &Story, uri: &str, kind: Option<&str>) -> DocumentView {
    let lang = text.lang();
    let Some(known) = story.documents.get(uri) else {
        // Cited, and never described: its kind and its own name are all there is to say.
        return DocumentView {
            title: Words::plain(text.term("document", kind.unwrap_or("other"))),
            number: uri.rsplit(['/', ':']).next().map(|own| number(text, own)),
            issuer: None,
            issued: None,
            source: Source::Merchant,
            signer: None,
            check: None,
        };
    };
    let (source, signer) = voucher(text, story, story.signed_by_another(known.id));
    let known = &known.value;
    // Of a number that is not told nobody can check anything.
    let is_told = |number: &str| number != ERASED && !is_masked(number);
    let is_told = known.number.as_deref().is_some_and(is_told);
    let check = official::by_name(&known.document_type).filter(|_| is_told);
    let check = check.and_then(|check| CheckView::of(text, check));
    // Whoever issues it and signs for it is named once.
    let issuer = known.issued_by.as_ref().map(|issuer| named(issuer, lang));
    let signed_by = signer.as_ref().map(|signer| signer.text.as_str());
    let issuer = issuer.filter(|issuer| Some(issuer.text.as_str()) != signed_by);
    DocumentView {
        title: named(&known.title, lang),
        number: known.number.as_deref().map(|known| number(text, known)),
        issuer,
        issued: known.issued.as_deref().and_then(|date| text.date(date)),
        source: match source {
            Source::Merchant if check.is_some() => Source::Official,
            source => source,
        },
        signer,
        check,
    }
}

/// A number as far as it is told.
fn number(text: &Text, number: &str) -> String {
    let told = readable(number);
    match is_masked(number) {
        true => text.with("journey.masked", &[("number", &told)]),
        false => told,
    }
}

/// Who vouches for a statement, given it if another than the merchant signed it, and by which name.
fn voucher(text: &Text, story: &Story, signed: Option<&StoryStatement>) -> (Source, Option<Words>) {
    let Some(statement) = signed else {
        return (Source::Merchant, None);
    };
    let name = match story.parties.get(&statement.issuer) {
        Some(party) => named(&party.name, text.lang()),
        None => Words::plain(readable(&statement.issuer)),
    };
    (Source::ThirdParty, Some(name))
}

/// A name in the reader's language.
pub(super) fn named(name: &Bilingual, lang: Lang) -> Words {
    Words::plain(readable(said(name, lang)))
}

/// The words for readers of `lang`, as recorded.
pub(super) fn said(name: &Bilingual, lang: Lang) -> &str {
    Text::of(lang).said(name)
}

/// Recorded words without the marks that turn around the direction of what stands beside them
/// (Unicode's Bidi_Control): a name must not rearrange the words of this page.
pub(super) fn readable(recorded: &str) -> String {
    let is_mark = |c: char| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    recorded.chars().filter(|c| !is_mark(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_behind_the_point_are_not_read_out_and_all_others_are() {
        for (recorded, shown) in [
            ("4600.0", "4600"),
            ("21.60", "21.6"),
            ("-0.50", "-0.5"),
            ("100", "100"),
            ("0.05", "0.05"),
            ("1.5e10", "1.5e10"),
        ] {
            assert_eq!(without_trailing_zeros(recorded), shown);
        }
    }

    #[test]
    fn marks_of_direction_are_left_out_and_every_other_character_stays() {
        assert_eq!(readable("a\u{202E}b\u{2066}c\u{200F}"), "abc");
        let kept = "Fonterra™ 奶粉 “é” 👩\u{200D}🌾 <b>";
        assert_eq!(readable(kept), kept);
    }

    #[test]
    fn a_vocabulary_word_is_found_in_each_of_its_spellings() {
        for spelling in [
            "conformant",
            "https://ref.gs1.org/cbv/Disp-conformant",
            "urn:epcglobal:cbv:disp:conformant",
        ] {
            assert_eq!(word(spelling), "conformant");
        }
    }
}
