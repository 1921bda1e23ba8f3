//! What should be on record of a product: the steps and papers of the way that it comes to its country, and
//! which of them are.
//!
//! The routes that come with the service are data files beside this one; a merchant can write their own, of the
//! same form. The two ways in which China lets goods in from abroad, general trade and bonded cross-border
//! trade, have papers of their own, and no route has those of both.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use auditlog::json::{self, Value};

use super::epcis::{Event, EventType};
use super::fields::{At, Fault, FaultKind};
use super::master::{Bilingual, bilingual, country, regime};
use super::statement::{Role, StatementId};
use super::story::{Step, Story, Via};
use super::turn::Turn;

/// Stages of one route.
const MAX_STAGES: usize = 40;
/// Words of one list of a stage.
const MAX_WORDS: usize = 10;

/// The routes that come with the service, by the name that a product gives.
const FILES: [(&str, &str); 5] = [
    (
        "formulaGeneralTrade",
        include_str!("route/formula_general_trade.toml"),
    ),
    ("formulaBonded", include_str!("route/formula_bonded.toml")),
    (
        "chilledBeefAir",
        include_str!("route/chilled_beef_air.toml"),
    ),
    (
        "chilledBeefSea",
        include_str!("route/chilled_beef_sea.toml"),
    ),
    ("frozenBeef", include_str!("route/frozen_beef.toml")),
];

static ROUTES: LazyLock<Vec<(&str, Route)>> = LazyLock::new(|| {
    let read = |(name, text): (&'static str, &str)| Some((name, from_toml(text).ok()?));
    FILES.into_iter().filter_map(read).collect()
});

/// The steps and papers that are expected of a product.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// `name`
    pub name: Bilingual,
    /// `regime`: `generalTrade` or `bondedCrossBorder`.
    pub regime: Option<String>,
    /// `stages`, in their order.
    pub stages: Vec<Stage>,
    /// `never`: types of documents that belong to another way of import.
    pub never: Vec<String>,
}

/// A step that is expected, and its papers.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// `name`
    pub name: Bilingual,
    /// `optional`: whether goods may do without it.
    pub is_optional: bool,
    /// `type` of the event; none says any.
    pub event_type: Option<EventType>,
    /// `bizStep`: what it may be called. Where there is none, only papers are expected.
    pub biz_steps: Vec<String>,
    /// `role` of the place, such as `farm`; none says any.
    pub roles: Vec<String>,
    /// `country` of the place; none says any.
    pub countries: Vec<String>,
    /// `about`
    pub about: Option<Subject>,
    /// `documents`: types of documents, such as `healthCertificate`. All of them are expected.
    pub documents: Vec<String>,
    /// `heading`: what a step is called that is of this stage, and no more than its `bizStep` and its place say. Only
    /// those of routes that come with the service count: a merchant's would be taken for what was checked.
    pub heading: Option<Bilingual>,
}

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `ingredient`: what the goods were made from.
    Ingredient,
    /// `goods`: themselves, their lot, or what held them.
    Goods,
}

/// Whether something that is expected is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Present,
    /// It is not, and what comes after it is.
    Missing,
    /// It is not, and neither is anything that comes after it.
    ToCome,
    /// It is not, and goods may do without it.
    NotApplicable,
}

/// A route, held against a story.
#[derive(Debug, Clone)]
pub struct Completeness {
    /// The route.
    pub route: Route,
    /// Its stages, in their order.
    pub stages: Vec<Found>,
}

/// What of a stage is on record.
#[derive(Debug, Clone)]
pub struct Found {
    /// The stage.
    pub stage: Stage,
    /// Of the step; of its papers, where only these are expected.
    pub state: State,
    /// The step, where it is there; of several the first.
    pub step: Option<StatementId>,
    /// Its papers.
    pub documents: Vec<(String, State)>,
}

/// What a step is called by the route of the story's product.
pub fn heading<'s>(story: &'s Story, step: &Step) -> Option<&'s Bilingual> {
    let route = story.product.as_ref()?.value.route.as_ref()?;
    let stages = route.stages.iter();
    let mut named = stages.filter_map(|stage| Some((stage, stage.heading.as_ref()?)));
    let found = named.find(|(stage, _)| is_of(story, stage, step));
    found.map(|(_, heading)| heading)
}

/// A route that comes with the service.
pub fn built_in(name: &str) -> Option<&'static Route> {
    let route = ROUTES.iter().find(|(known, _)| *known == name);
    route.map(|(_, route)| route)
}

/// The names of these.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.into_iter().map(|(name, _)| name)
}

/// The file of one.
pub fn file(name: &str) -> Option<&'static str> {
    let file = FILES.into_iter().find(|(known, _)| *known == name);
    file.map(|(_, text)| text)
}

/// Reads a route from a TOML file.
pub fn from_toml(text: &str) -> Result<Route, String> {
    let text = toml_as_json(text)?;
    let value = json::parse(&text).map_err(|error| error.to_string())?;
    read_route(&At::root(&value)).map_err(|fault| fault.to_string())
}

/// A TOML file as the JSON that a product's `route` takes.
pub fn toml_as_json(text: &str) -> Result<String, String> {
    let value: serde_json::Value = toml::from_str(text).map_err(|error| error.to_string())?;
    Ok(value.to_string())
}

/// Reads a product's `route`: the name of one that comes with the service, or one of the merchant's own.
pub(super) fn read_choice(at: &At<'_>) -> Result<Route, Fault> {
    match at.value {
        Value::String(name) => built_in(name).cloned().ok_or_else(|| {
            at.fault(FaultKind::MustBe(
                "formulaGeneralTrade, formulaBonded, chilledBeefAir, chilledBeefSea, frozenBeef, or a route of your own",
            ))
        }),
        _ => {
            let mut route = read_route(at)?;
            for stage in &mut route.stages {
                stage.heading = None;
            }
            Ok(route)
        }
    }
}

fn read_route(at: &At<'_>) -> Result<Route, Fault> {
    at.only(&[&["name", "regime", "stages", "never"]])?;
    let stages_at = at.required("stages")?;
    let stages = stages_at.elements()?;
    if stages.is_empty() {
        return Err(stages_at.fault(FaultKind::Rule("a route has at least one stage")));
    }
    if stages.len() > MAX_STAGES {
        return Err(stages_at.fault(FaultKind::TooMany(MAX_STAGES)));
    }
    Ok(Route {
        name: bilingual(&at.required("name")?)?,
        regime: at.get("regime").map(|at| regime(&at)).transpose()?,
        stages: stages.iter().map(read_stage).collect::<Result<_, _>>()?,
        never: words(at, "never")?,
    })
}

fn read_stage(at: &At<'_>) -> Result<Stage, Fault> {
    at.only(&[&[
        "name",
        "optional",
        "type",
        "bizStep",
        "role",
        "country",
        "about",
        "documents",
        "heading",
    ]])?;
    let countries = match at.get("country") {
        None => Vec::new(),
        Some(list) => {
            let codes = list.elements()?;
            codes.iter().map(country).collect::<Result<_, _>>()?
        }
    };
    let stage = Stage {
        name: bilingual(&at.required("name")?)?,
        is_optional: at
            .get("optional")
            .map(|at| at.boolean())
            .transpose()?
            .unwrap_or_default(),
        event_type: at.get("type").map(|at| event_type(&at)).transpose()?,
        biz_steps: words(at, "bizStep")?,
        roles: words(at, "role")?,
        countries,
        about: at.get("about").map(|at| subject(&at)).transpose()?,
        documents: words(at, "documents")?,
        heading: at.get("heading").map(|at| bilingual(&at)).transpose()?,
    };
    if stage.biz_steps.is_empty() && stage.documents.is_empty() {
        return Err(at.fault(FaultKind::Rule("needs bizStep, documents, or both")));
    }
    Ok(stage)
}

fn event_type(at: &At<'_>) -> Result<EventType, Fault> {
    EventType::parse(at.text()?)
        .ok_or_else(|| at.fault(FaultKind::MustBe("a type of event, such as ObjectEvent")))
}

fn subject(at: &At<'_>) -> Result<Subject, Fault> {
    match at.text()? {
        "ingredient" => Ok(Subject::Ingredient),
        "goods" => Ok(Subject::Goods),
        _ => Err(at.fault(FaultKind::MustBe("ingredient or goods"))),
    }
}

/// A list of words, as bizSteps, roles and types of documents are.
fn words(at: &At<'_>, key: &str) -> Result<Vec<String>, Fault> {
    let Some(list) = at.get(key) else {
        return Ok(Vec::new());
    };
    let elements = list.elements()?;
    if elements.len() > MAX_WORDS {
        return Err(list.fault(FaultKind::TooMany(MAX_WORDS)));
    }
    let word = |at: &At<'_>| {
        let word = at.text()?;
        let is_one = (1..=64).contains(&word.len())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match is_one {
            true => Ok(word.to_owned()),
            false => Err(at.fault(FaultKind::MustBe("a word of 1 to 64 letters and digits"))),
        }
    };
    elements.iter().map(word).collect()
}

/// What of its product's route is on record. `None` where nobody chose a route, where the story is about no item, where
/// nothing of the route is there yet, or where it is cut off: what was not looked at is not missing.
pub fn completeness(story: &Story) -> Option<Completeness> {
    let route = story.product.as_ref()?.value.route.as_ref()?;
    // A lot goes many ways: what befell the containers of its items is not its own story.
    if story.truncated || story.subject.serial().is_none() {
        return None;
    }
    let cited = cited(story);
    let stages = route.stages.iter().map(|stage| found(story, stage, &cited));
    let mut stages: Vec<Found> = stages.collect();
    let last = stages.iter().rposition(Found::is_there);
    let is_over = is_over(story);
    if last.is_none() && !is_over {
        return None;
    }
    for (place, found) in stages.iter_mut().enumerate() {
        let is_to_come = Some(place) > last && !is_over;
        // Goods that did without a step need none of its papers.
        let is_spared = found.stage.is_optional && !found.is_there();
        let settle = |state: &mut State| {
            *state = match state {
                State::Present => State::Present,
                _ if is_to_come => State::ToCome,
                _ if is_spared => State::NotApplicable,
                _ => State::Missing,
            };
        };
        settle(&mut found.state);
        found
            .documents
            .iter_mut()
            .for_each(|(_, state)| settle(state));
    }
    Some(Completeness {
        route: route.clone(),
        stages,
    })
}

impl Found {
    /// Whether the step, or one of its papers, is on record.
    fn is_there(&self) -> bool {
        let papers = self.documents.iter().map(|(_, state)| *state);
        papers
            .chain([self.state])
            .any(|state| state == State::Present)
    }
}

impl Completeness {
    /// How many of the steps and papers are in a state.
    pub fn count(&self, state: State) -> usize {
        let of_stage = |found: &Found| {
            let papers = found
                .documents
                .iter()
                .filter(|(_, of)| *of == state)
                .count();
            let is_step = !found.stage.biz_steps.is_empty() && found.state == state;
            papers + usize::from(is_step)
        };
        self.stages.iter().map(of_stage).sum()
    }
}

/// For people at a terminal: one line, and one for each that is missing.
impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [present, missing, to_come] =
            [State::Present, State::Missing, State::ToCome].map(|state| self.count(state));
        writeln!(
            f,
            "ROUTE  {}: {present} on record, {missing} missing, {to_come} to come",
            self.route.name.en
        )?;
        for found in &self.stages {
            let name = &found.stage.name.en;
            if !found.stage.biz_steps.is_empty() && found.state == State::Missing {
                writeln!(f, "MISSING  {name}")?;
            }
            let papers = found.documents.iter();
            for (document, _) in papers.filter(|(_, state)| *state == State::Missing) {
                writeln!(f, "MISSING  {name}: {document}")?;
            }
        }
        Ok(())
    }
}

/// What of a stage is there; the rest is missing until it is known what comes after it.
fn found(story: &Story, stage: &Stage, cited: &HashSet<&str>) -> Found {
    let step = story.standing().find(|step| is_of(story, stage, step));
    let state = |is_there: bool| {
        if is_there {
            State::Present
        } else {
            State::Missing
        }
    };
    let documents = stage.documents.iter().cloned();
    let documents = documents.map(|document| {
        let is_cited = cited.contains(document.as_str());
        (document, state(is_cited))
    });
    let documents: Vec<(String, State)> = documents.collect();
    let is_there = if stage.biz_steps.is_empty() {
        documents.iter().all(|(_, state)| *state == State::Present)
    } else {
        step.is_some()
    };
    Found {
        stage: stage.clone(),
        state: state(is_there),
        step: step.map(|step| step.id),
        documents,
    }
}

fn is_of(story: &Story, stage: &Stage, step: &Step) -> bool {
    let is_called = |event: &Event| {
        let word = event.biz_step.as_ref();
        word.is_some_and(|word| stage.biz_steps.contains(word))
            && stage.event_type.is_none_or(|of| of == event.event_type)
    };
    let is_about = stage.about.is_none_or(|about| match about {
        Subject::Ingredient => step.via == Via::Ingredient,
        Subject::Goods => step.via != Via::Ingredient,
    });
    is_called(&step.event) && is_about && is_at(story, stage, &step.event)
}

fn is_at(story: &Story, stage: &Stage, event: &Event) -> bool {
    if stage.roles.is_empty() && stage.countries.is_empty() {
        return true;
    }
    // A dock or a gate may be described only as its site.
    let places = [&event.read_point, &event.biz_location]
        .into_iter()
        .flatten();
    let mut described = places.filter_map(|place| story.parties.get(&place.canonical()));
    described.next().is_some_and(|place| {
        let is_one = |wanted: &[String], said: &Option<String>| {
            wanted.is_empty() || said.as_ref().is_some_and(|said| wanted.contains(said))
        };
        is_one(&stage.roles, &place.role) && is_one(&stage.countries, &place.country)
    })
}

/// The types of all documents that standing steps cite.
fn cited(story: &Story) -> HashSet<&str> {
    story
        .standing()
        .flat_map(|step| citations(story, step))
        .map(|(kind, _)| kind)
        .collect()
}

/// The documents that a step cites, each with its type: by its description, else by what the step calls it.
pub(super) fn citations<'s>(
    story: &'s Story,
    step: &'s Step,
) -> impl Iterator<Item = (&'s str, &'s str)> {
    let transactions = step.event.biz_transactions.iter();
    let transactions = transactions.map(|paper| (paper.kind.as_deref(), &paper.uri));
    let certificates = step.event.certifications.iter().map(|uri| (None, uri));
    transactions.chain(certificates).filter_map(|(kind, uri)| {
        let kind = match story.documents.get(uri) {
            Some(document) => Some(document.value.document_type.as_str()),
            None => kind.and_then(|kind| kind.rsplit([':', '-', '/', '#']).next()),
        };
        Some((kind?, uri.as_str()))
    })
}

/// Whether nothing more can be recorded of the goods: they were sold, used up or destroyed.
fn is_over(story: &Story) -> bool {
    let mut own = story.standing().filter(|step| step.via == Via::Item);
    let subject = story.subject.finest();
    own.any(|step| {
        let mut what = step.event.what.iter();
        let is_used = what.any(|what| what.role == Role::Input && what.identity == subject);
        is_used || step.event.turns().epc == Turn::Ended
    })
}
