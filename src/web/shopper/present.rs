//! From a story to its page. It says what was checked, never more.

use auditlog::TreeSize;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::hidden;
use super::history::{corrections, history};
use super::journey::{named, readable, said, step_names, steps};
use super::lookup::Found;
use super::map::journey_map;
use super::picture;
use super::recalls;
use super::route::{lacking, mark_missing, route};
use super::view::{
    BestBefore, CheckView, LinkView, PictureView, ProductView, ProofView, ReviewView, Row,
    ScansView, SealView, Shell, Source, StepView, Tone, TracePage, VerdictView, Words,
    journey_summary, mark_legs, recorded_after,
};
use crate::domain::epcis::Event;
use crate::domain::finding::{Contradiction, Finding, Severity};
use crate::domain::gs1::DigitalLink;
use crate::domain::link::{Link, MAX_LINKS};
use crate::domain::master::Product;
use crate::domain::review::{Outcome, Review};
use crate::domain::statement::{Kind, StatementId};
use crate::domain::story::{Described, Step, Story, StoryStatement, Via};
use crate::domain::time::timestamp;
use crate::domain::told::Told;
use crate::proof::count_shown;
use crate::scan::ScanCount;
use crate::web::Service;
use crate::web::findings::{self, StepNames};
use crate::web::negotiate::language_rank;
use crate::web::text::{LocalDate, READERS_OFFSET, Text};

/// Shoppers are in China: "today", and the times of the log, are on their clock.
const CHINA: UtcOffset = match UtcOffset::from_hms(8, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};
/// Contradictions that a page tells, the gravest; a record that is wrong throughout says so after a few.
const MAX_TOLD: usize = 12;

/// The page of a story.
pub(super) fn trace_page(shell: Shell, found: &Found, service: &Service) -> TracePage {
    let text = shell.text;
    let told = &found.told;
    let story = &told.story;
    let public_size = found.public_size;
    let now = (service.clock)();
    let best_before = best_before(text, story, now);
    let completeness = told.completeness.as_ref();
    let names = step_names(text, story);
    let mut steps = steps(text, story, &names, public_size);
    mark_legs(&mut steps);
    let sentences = Sentences::of(text, told, &names);
    sentences.mark(told, &mut steps);
    let first_missing = completeness
        .map(|found| mark_missing(text, story, found, &mut steps))
        .unwrap_or_default();
    let (map, draws) = (journey_map(text, story), service.serving.maps);
    let (history, untold) = history(text, story, &names, public_size);
    let scans = scans(text, found);
    TracePage {
        verdict: verdict(text, found, &sentences, best_before.as_ref())
            .with_scans(scans)
            .with_notes(
                completeness
                    .and_then(|found| lacking(text, found))
                    .into_iter()
                    .collect(),
            )
            .with_limits(),
        hidden: found.has_hidden.then(|| hidden::view(&shell, story)),
        report_href: (story.subject.gtin()).map(|_| shell.report_href(&story.subject)),
        recalls: recalls::recalls(text, story),
        reviews: reviews(text, story, public_size),
        product: product(text, story, best_before),
        attributes: attributes(
            text,
            story.product.as_ref().map(|described| &described.value),
        ),
        route: completeness.map(|found| route(text, story, found)),
        history,
        untold_changes: (untold > 0).then(|| text.count("history.untold", untold, &[])),
        links: links(text, story),
        summary: summary(text, story),
        recorded: recorded(text, story),
        way: map
            .as_ref()
            .filter(|_| !draws)
            .map(|map| map.summary.clone()),
        map: map.filter(|_| draws),
        first_missing,
        journey_none: match (story.subject.lot(), story.subject.serial()) {
            (None, None) => text.get("journey.none_of_product"),
            _ => text.get("journey.none"),
        },
        steps,
        proof: ProofView {
            seal: found.sealed_in.as_ref().and_then(|sealed_in| {
                let head = sealed_in.head;
                Some(SealView {
                    tree_size: SealView::size_in_words(text, head.size.0),
                    sealed_at: text.local_time(sealed_in.sealed_at.as_str(), READERS_OFFSET)?,
                    root: head.root.to_base64(),
                    origin: service.log.origin.clone(),
                })
            }),
            bundle_href: format!("/proof{}", story.subject.path()),
            kept_back: (told.kept_back > 0)
                .then(|| text.count("proof.kept_back", told.kept_back as u64, &[])),
            qr_href: format!("/qr{}.svg", story.subject.path()),
            address: format!("{}{}", service.public_url, story.subject.path()),
            verify_href: shell.href("/verify"),
        },
        shell,
    }
}

fn verdict(
    text: &Text,
    found: &Found,
    sentences: &Sentences,
    best_before: Option<&BestBefore>,
) -> VerdictView {
    let (told, public_size) = (&found.told, found.public_size);
    let story = &told.story;
    let is_sealed =
        |s: &&StoryStatement| s.stored.leaf_index.is_some_and(|i| public_size.contains(i));
    let sealed = count_shown(told, public_size) as u64;
    let unsealed = story
        .statements
        .iter()
        .filter(|said| !is_sealed(said))
        .count() as u64;
    // Descriptions of the product and the parties are shared by every item: a record of this one
    // begins with its codes or its first event.
    let names_goods = recalls::names_goods(story);
    let is_own =
        |s: &&StoryStatement| !names_goods || matches!(s.kind, Kind::Event | Kind::Issuance);
    let has_own = story
        .statements
        .iter()
        .filter(is_own)
        .any(|s| is_sealed(&s));
    let since = story
        .statements
        .iter()
        .filter(is_sealed)
        .map(|s| s.stored.recorded_at)
        .min()
        .filter(|_| has_own)
        .and_then(|at| china_date(text, at));
    let mut view = match (&since, &story.subject) {
        (None, _) => VerdictView::pending(text),
        (
            Some(since),
            DigitalLink::Product {
                serial: Some(_), ..
            },
        ) => VerdictView::genuine(text, sealed, since, unsealed),
        (Some(since), DigitalLink::Product { lot: None, .. }) => {
            VerdictView::product(text).with_sealed(text, sealed, since)
        }
        (Some(since), _) => VerdictView::lot(text).with_sealed(text, sealed, since),
    };
    let copies = found.copies.iter();
    let copies = copies.map(|sign| findings::copy_sentence(text, sign));
    let copies: Vec<String> = copies.collect();
    let count = sentences.doubt_count;
    let doubts = sentences.doubts.iter();
    let doubts: Vec<String> = doubts.map(|(_, sentence)| sentence.clone()).collect();
    let worse = match recalls::recalled(text, story) {
        // A recall outranks all doubts, and hides none.
        Some(recalled) => Some(recalled.with_doubts([copies, doubts].concat())),
        // What does not add up is counted by itself: a code that was copied is no fault of the record.
        None if count > 0 => {
            let lead = (!copies.is_empty()).then(|| VerdictView::copied_lead(text, &found.copies));
            let copies = copies.into_iter().chain(lead.map(str::to_owned)).collect();
            Some(VerdictView::doubts(text, count, doubts).with_notes(copies))
        }
        None if !copies.is_empty() => Some(VerdictView::copied(text, &found.copies, copies)),
        None => None,
    };
    let is_worse = worse.is_some();
    view = worse.unwrap_or(view);
    if since.is_some() && unsealed > 0 {
        view = view.with_unsealed(text, unsealed);
    }
    if story.truncated {
        view = view.with_truncated(text);
    }
    view = view.with_notes(sentences.notes.clone());
    if let Some(best_before) = best_before.filter(|best_before| best_before.past) {
        view = view.with_expired(text, &best_before.date);
    }
    // That the entries are unchanged is no comfort where something is wrong: it comes last, and beside a recall it would
    // stand between the reason and what to do.
    if view.tone != Tone::Stop {
        view = view.with_notes(reviewed(text, story).into_iter().collect());
        if let Some(since) = since.as_ref().filter(|_| is_worse) {
            view = view.with_sealed(text, sealed, since);
        }
        view = view.with_changes(text, corrections(story));
    }
    let product = story.product.as_ref();
    match product.map(|product| readable(said(&product.value.name, text.lang()))) {
        Some(name) => {
            let lot = story.subject.lot();
            view.about(text, &name, lot.as_ref().map(|lot| lot.as_str()))
        }
        None => view,
    }
}

/// What does not add up, each in one sentence, the gravest first, and no more than a page tells.
struct Sentences {
    notes: Vec<String>,
    /// Of what makes the record doubtful, each with its place among the findings.
    doubts: Vec<(usize, String)>,
    /// How many of these there are.
    doubt_count: u64,
}

impl Sentences {
    fn of(text: &Text, told: &Told, names: &StepNames) -> Sentences {
        let findings = told.findings.iter().enumerate();
        let (notes, doubts): (Vec<_>, Vec<_>) =
            findings.partition(|(_, finding)| finding.severity < Severity::Doubt);
        let sentence = |(place, finding): (usize, &Finding)| {
            let sentence = findings::sentence_with(text, &told.story, names, finding);
            (place, readable(&sentence))
        };
        let notes_told = notes.into_iter().take(MAX_TOLD).map(sentence);
        Sentences {
            notes: notes_told.map(|(_, sentence)| sentence).collect(),
            doubt_count: doubts.len() as u64,
            doubts: doubts.into_iter().take(MAX_TOLD).map(sentence).collect(),
        }
    }

    /// Says each contradiction once more where it is: at the first of the steps that it is about, and a seal that is
    /// another one, or a thing in another box, where that was seen.
    fn mark(&self, told: &Told, steps: &mut [StepView]) {
        let place = |id: &StatementId| told.story.standing().position(|step| step.id == *id);
        for (place_of_finding, sentence) in &self.doubts {
            let finding = &told.findings[*place_of_finding];
            let places = finding.evidence.iter().filter_map(place);
            let at = match finding.what {
                // Where it was seen, not where all was well yet.
                Contradiction::SealMismatch { .. } | Contradiction::InTwoParents { .. } => {
                    places.max()
                }
                _ => places.min(),
            };
            if let Some(place) = at {
                steps[place].doubts.push(sentence.clone());
            }
        }
    }
}

fn product(text: &Text, story: &Story, best_before: Option<BestBefore>) -> ProductView {
    let lang = text.lang();
    let product = story.product.as_ref().map(|described| &described.value);
    let subject = &story.subject;
    let unnamed = || Words::plain(subject.gtin().map(|g| g.to_string()).unwrap_or_default());
    ProductView {
        name: product.map_or_else(unnamed, |product| named(&product.name, lang)),
        other_name: product.map(|product| {
            let words = readable(said(&product.name, lang.other()));
            Words::tagged(words, lang.other().code(), lang)
        }),
        brand: product.and_then(|product| Some(named(product.brand.as_ref()?, lang))),
        picture: product.and_then(|product| {
            let picture = product.picture.as_ref()?;
            let name = readable(said(&product.name, lang));
            Some(PictureView {
                src: picture::path(product.gtin, picture),
                width: picture.width,
                height: picture.height,
                alt: text.with("product.picture_of", &[("name", &name)]),
            })
        }),
        origin: product.and_then(|p| Some(text.country(p.country.as_deref()?).to_owned())),
        net_content: product.and_then(|product| {
            let (amount, unit) = product.net_content.as_ref()?;
            Some(text.amount(amount, Some(unit)))
        }),
        produced: own_date(story, |event| event.production_date.as_deref())
            .and_then(|day| text.date(day)),
        best_before,
        lot: subject.lot().map(|lot| lot.to_string()),
        serial: subject.serial().map(|serial| serial.to_string()),
        elements: elements(subject),
    }
}

/// The code in GS1 form, element by element.
pub(super) fn elements(subject: &DigitalLink) -> Vec<String> {
    let element = |ai: &str, value: String| format!("({ai}){value}");
    let parts = [
        subject.sscc().map(|sscc| element("00", sscc.to_string())),
        subject.gtin().map(|gtin| element("01", gtin.to_string())),
        subject.lot().map(|lot| element("10", lot.to_string())),
        subject
            .serial()
            .map(|serial| element("21", serial.to_string())),
    ];
    parts.into_iter().flatten().collect()
}

fn attributes(text: &Text, product: Option<&Product>) -> Vec<Row> {
    let Some(product) = product else {
        return Vec::new();
    };
    let lang = text.lang();
    let row = |label: String, value: Words| Row {
        label,
        value,
        is_code: false,
        source: None,
        check: None,
    };
    let mut rows = Vec::new();
    if let Some(regime) = &product.regime {
        let name = match regime.as_str() {
            "bondedCrossBorder" => text.get("attribute.regime_bonded"),
            _ => text.get("attribute.regime_general"),
        };
        rows.push(row(
            text.get("attribute.regime").to_owned(),
            Words::plain(name),
        ));
    }
    for attribute in &product.attributes {
        let label = readable(said(&attribute.label, lang));
        let check = attribute.check.and_then(|check| CheckView::of(text, check));
        rows.push(Row {
            source: check.is_some().then_some(Source::Official),
            check,
            ..row(label, named(&attribute.value, lang))
        });
    }
    if let Some(storage) = product
        .storage
        .as_ref()
        .and_then(|storage| storage.text.as_ref())
    {
        rows.push(row(
            text.get("attribute.storage").to_owned(),
            named(storage, lang),
        ));
    }
    rows
}

/// What the merchant found of the very code, the last first.
fn reviews(text: &Text, story: &Story, public_size: TreeSize) -> Vec<ReviewView> {
    let view = |said: &Described<Review>| {
        let review = &said.value;
        let index = story.statement(said.id)?.stored.leaf_index;
        let index = index.filter(|index| public_size.contains(*index));
        let through = (review.through > 0).then(|| text.number(review.through.into()));
        Some(ReviewView {
            found: match review.outcome {
                Outcome::Explained => text.get("review.explained").to_owned(),
                Outcome::Copied => text.get("review.copied").to_owned(),
            },
            day: china_date(text, said.recorded_at)?,
            reason: named(&review.reason, text.lang()),
            through: through.map(|n| text.with("review.through", &[("n", &n)])),
            entry: index.map(|index| text.number(index.0)),
        })
    };
    story.reviews.iter().rev().filter_map(view).collect()
}

/// That the code was looked into and no copy was found: what restores a verdict is seen beside it.
fn reviewed(text: &Text, story: &Story) -> Option<String> {
    let last = story.reviews.last()?;
    let day = china_date(text, last.recorded_at)?;
    let is_explained = last.value.outcome == Outcome::Explained;
    is_explained.then(|| text.with("review.noted", &[("date", &day.text)]))
}

/// How often an item on record was looked up before.
fn scans(text: &Text, found: &Found) -> Option<ScansView> {
    let story = &found.told.story;
    let item = story.subject.item().filter(|_| story.is_on_record)?;
    Some(ScansView {
        said: match &found.scans {
            Some(count) => scans_in_words(text, count),
            None => text.get("verdict.scans_none").to_owned(),
        },
        item: item.path()?,
        times: found.scans.map_or(0, |count| count.times),
    })
}

/// How often an item was looked up, and when first.
pub(super) fn scans_in_words(text: &Text, count: &ScanCount) -> String {
    let first = timestamp(count.first_at);
    let first = text.local_time(first.as_str(), READERS_OFFSET);
    let first = first.map(|time| time.text).unwrap_or_default();
    text.count("verdict.scans", count.times.into(), &[("time", &first)])
}

/// The best-before date that the item's or its lot's own events give.
fn best_before(text: &Text, story: &Story, now: OffsetDateTime) -> Option<BestBefore> {
    let day = own_date(story, |event| event.expiration_date.as_deref())?;
    Some(BestBefore {
        date: text.date(day)?,
        past: day < china_day(now)?.as_str(),
    })
}

/// The last date of a kind that the item's or its lot's own events give. Some write a time behind it.
fn own_date(story: &Story, date: impl Fn(&Event) -> Option<&str>) -> Option<&str> {
    let own = story
        .standing()
        .filter(|step| step.via <= Via::Lot && step.via != Via::Container);
    own.filter_map(|step| date(&step.event)).last()?.get(..10)
}

/// The date in China, as ISO 8601 has it: it sorts as time does.
fn china_day(at: OffsetDateTime) -> Option<String> {
    let form = time::macros::format_description!("[year]-[month]-[day]");
    at.to_offset(CHINA).format(form).ok()
}

pub(super) fn china_date(text: &Text, at: OffsetDateTime) -> Option<LocalDate> {
    text.date(&china_day(at)?)
}

/// The merchant's links, the nearest of each type; of several in different languages the reader's.
fn links(text: &Text, story: &Story) -> Vec<LinkView> {
    let found = story.links_of(&story.subject.finest());
    let rank = |link: &&Link| language_rank(text.lang().code(), &link.hreflang);
    let is_best = |link: &&Link| {
        let others = found
            .iter()
            .filter(|other| other.link_type == link.link_type);
        others.map(rank).max() == Some(rank(link))
    };
    let shown = found.iter().copied().filter(is_best).take(MAX_LINKS);
    let view = |link: &Link| {
        let target = link.target.as_ref()?;
        let (kind, title) = (link.link_type.name(), readable(&target.title));
        Some(LinkView::new(
            text,
            kind,
            &title,
            &link.hreflang,
            &target.href,
        ))
    };
    shown.filter_map(view).collect()
}

fn summary(text: &Text, story: &Story) -> Option<String> {
    let standing: Vec<&Step> = story.standing().collect();
    let first = standing.first()?.event.event_time;
    let last = standing.last()?.event.event_time;
    let places: std::collections::HashSet<String> = standing
        .iter()
        .filter_map(|step| {
            step.event
                .read_point
                .as_ref()
                .or(step.event.biz_location.as_ref())
        })
        .map(|place| place.canonical())
        .collect();
    // A part of a day is told as one.
    let days = (last - first).whole_days().unsigned_abs().max(1);
    Some(journey_summary(
        text,
        standing.len() as u64,
        places.len() as u64,
        days,
    ))
}

/// How long after they happened the steps were recorded; nothing where one is said to have happened later.
fn recorded(text: &Text, story: &Story) -> Option<String> {
    let days = |step: &Step| {
        let recorded_at = story.statement_of(step)?.stored.recorded_at;
        let late = recorded_at - step.event.event_time;
        // Clocks differ by a little.
        let is_before = late < -Duration::HOUR;
        (!is_before).then(|| (late.whole_seconds().max(0).unsigned_abs()).div_ceil(86_400))
    };
    let days: Option<Vec<u64>> = story.standing().map(days).collect();
    recorded_after(text, &days?)
}
