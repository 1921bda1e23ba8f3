//! The steps of a journey, who vouches for each fact, and what sensors recorded.

use super::{SensorView, Words};
use crate::domain::official::OfficialCheck;
use crate::web::text::{LocalDate, LocalTime, Text};

/// One step of the journey. Facts that are withheld are simply absent.
#[derive(Debug)]
pub struct StepView {
    /// What happened: `text.term("bizStep", …)`, or `text.term("eventType", …)` without a step.
    pub stage: String,
    /// When, on the clock of the place.
    pub time: Option<LocalTime>,
    /// Where.
    pub place: Option<PlaceView>,
    /// Who took part.
    pub parties: Vec<PartyView>,
    /// What state it left the goods in: `text.term("disposition", …)`.
    pub disposition: Option<String>,
    /// Inputs and outputs, or one plain quantity.
    pub flows: Vec<FlowView>,
    /// Summaries of what sensors recorded.
    pub sensors: Vec<SensorView>,
    /// Documents that go with the step.
    pub documents: Vec<DocumentView>,
    /// Who vouches for the step.
    pub source: Source,
    /// The signer's name where a third party signed.
    pub signer: Option<Words>,
    /// The log entry's index, as shown; `None` while the step is not sealed.
    pub entry: Option<String>,
    /// The same as a number, for scripts.
    pub index: Option<u64>,
    /// A heading where the journey enters another country; [`mark_legs`] sets it.
    pub leg: Option<String>,
    /// A gap before this step that is worth telling, from [`gap`].
    pub gap: Option<String>,
    /// What of it contradicts something, one sentence each.
    pub doubts: Vec<String>,
    /// Papers that should go with it and that no step cites, by name.
    pub lacking: Vec<String>,
    /// What should have come next and is not on record.
    pub then_missing: Vec<MissingView>,
}

/// A step that should be on record and is not.
#[derive(Debug)]
pub struct MissingView {
    /// What it is called on its route.
    pub name: String,
    /// The papers that are missing with it, by name.
    pub papers: Vec<String>,
}

/// Where a step happened.
#[derive(Debug)]
pub struct PlaceView {
    /// The place's own name.
    pub name: Option<Words>,
    /// Region and country, from [`region_in_country`].
    pub region: Option<String>,
    /// The country's name alone, for the headings of the journey.
    pub country: Option<String>,
}

/// A party and its role in a step.
#[derive(Debug)]
pub struct PartyView {
    /// `text.term("role", …)`
    pub role: String,
    /// The party's name.
    pub name: Words,
}

/// Quantities under one label: what went in, what came out, or simply how much.
#[derive(Debug)]
pub struct FlowView {
    /// From [`FlowKind::label`].
    pub label: String,
    /// One line each.
    pub lines: Vec<FlowLine>,
}

/// One quantity.
#[derive(Debug)]
pub struct FlowLine {
    /// What, where it is not the product itself.
    pub name: Option<Words>,
    /// How much, from [`Text::amount`].
    pub amount: String,
    /// Whether nobody recorded of which lot it was, though it went into something.
    pub is_lotless: bool,
}

/// What a list of quantities stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowKind {
    /// Consumed by a transformation.
    Inputs,
    /// Made by a transformation.
    Outputs,
    /// Handled.
    Handled,
    /// Handled, and nobody says how much of it.
    Named,
}

impl FlowKind {
    /// The label of the list.
    pub fn label(self, text: &'static Text) -> &'static str {
        match self {
            FlowKind::Inputs => text.get("journey.inputs"),
            FlowKind::Outputs => text.get("journey.outputs"),
            FlowKind::Handled => text.get("journey.quantity"),
            FlowKind::Named => text.get("journey.goods"),
        }
    }
}

/// A document that goes with a step.
#[derive(Debug)]
pub struct DocumentView {
    /// `text.term("document", …)`, or the title recorded.
    pub title: Words,
    /// Its number.
    pub number: Option<String>,
    /// Who issued it.
    pub issuer: Option<Words>,
    /// When it was issued.
    pub issued: Option<LocalDate>,
    /// Who vouches for it; [`Source::Missing`] for one that should be there.
    pub source: Source,
    /// The signer's name where a third party signed; it may be another than who issued it.
    pub signer: Option<Words>,
    /// Where its number can be checked officially.
    pub check: Option<CheckView>,
}

/// How something can be checked with the authority that issued it.
#[derive(Debug)]
pub struct CheckView {
    /// Where.
    pub href: HttpsLink,
    /// What to do there.
    pub how: String,
}

impl CheckView {
    /// Of a check.
    pub fn of(text: &Text, check: &OfficialCheck) -> Option<CheckView> {
        Some(CheckView {
            href: HttpsLink::parse(check.address)?,
            how: text.term("official", check.name).to_owned(),
        })
    }
}

/// A link that leaves this site. Only `https:` is let through, since the address is recorded data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsLink(String);

impl HttpsLink {
    /// `None` unless `raw` is an `https:` address without spaces or controls.
    pub fn parse(raw: &str) -> Option<HttpsLink> {
        let is_plain = raw.chars().all(|c| !c.is_whitespace() && !c.is_control());
        let has_host = raw
            .strip_prefix("https://")
            .is_some_and(|rest| !rest.is_empty());
        (is_plain && has_host).then(|| HttpsLink(raw.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who vouches for a fact (design: each fact carries its source).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Issued by an authority and checkable there.
    Official,
    /// Signed by a party other than the merchant with its own key.
    ThirdParty,
    /// The merchant says so.
    Merchant,
    /// Expected, and no record of it.
    Missing,
}

impl Source {
    /// In the order of the legend.
    pub const ALL: [Source; 4] = [
        Source::Official,
        Source::ThirdParty,
        Source::Merchant,
        Source::Missing,
    ];

    /// The mark's words.
    pub fn label(self, text: &'static Text) -> &'static str {
        match self {
            Source::Official => text.get("source.official"),
            Source::ThirdParty => text.get("source.third_party"),
            Source::Merchant => text.get("source.merchant"),
            Source::Missing => text.get("source.missing"),
        }
    }

    /// What the mark means.
    pub fn note(self, text: &'static Text) -> &'static str {
        match self {
            Source::Official => text.get("source.official_note"),
            Source::ThirdParty => text.get("source.third_party_note"),
            Source::Merchant => text.get("source.merchant_note"),
            Source::Missing => text.get("source.missing_note"),
        }
    }

    /// The name in the style sheets.
    pub fn class(self) -> &'static str {
        match self {
            Source::Official => " official",
            Source::ThirdParty => " third",
            // What most facts of a page are needs no word of its own.
            Source::Merchant => "",
            Source::Missing => " missing",
        }
    }
}

/// A region and its country in the order the language has it: `新西兰怀卡托`, `Waikato, New Zealand`.
pub fn region_in_country(text: &Text, region: Option<&str>, alpha2: &str) -> String {
    let country = text.country(alpha2);
    match region {
        Some(region) => text.with("region.within", &[("region", region), ("country", country)]),
        None => country.to_owned(),
    }
}

/// How long and how far: `15 steps, 8 places, over 64 days`.
pub fn journey_summary(text: &Text, steps: u64, places: u64, days: u64) -> String {
    let steps = text.count("journey.steps", steps, &[]);
    let places = text.count("journey.places", places, &[]);
    let days = text.count("journey.days", days, &[]);
    text.with(
        "journey.summary",
        &[("steps", &steps), ("places", &places), ("days", &days)],
    )
}

/// How long after they happened the steps were recorded, given the days of each, a part of one counted as one; `None`
/// without steps.
pub fn recorded_after(text: &Text, days: &[u64]) -> Option<String> {
    let most = *days.iter().max()?;
    Some(match days.iter().min() {
        _ if most <= 1 => text.get("journey.recorded_soon").to_owned(),
        Some(0..=1) => text.count("journey.recorded_mixed", most, &[]),
        _ => text.count("journey.recorded_late", most, &[]),
    })
}

/// The line between two steps that lie `days` apart.
pub fn gap(text: &Text, days: u64) -> String {
    text.count("journey.gap", days, &[])
}

/// The note under a step that corrects the entry at `index`.
pub fn correction(text: &Text, index: &str) -> String {
    text.with("journey.corrected", &[("index", index)])
}

/// Sets a heading on every step whose country differs from that of the step before it. A step
/// without a country, such as one at sea, does not break a leg.
pub fn mark_legs(steps: &mut [StepView]) {
    let mut current: Option<String> = None;
    for step in steps {
        let country = step.place.as_ref().and_then(|place| place.country.clone());
        if country.is_some() && country != current {
            step.leg.clone_from(&country);
            current = country;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::text::Lang;

    fn step_in(country: Option<&str>) -> StepView {
        StepView {
            stage: "Stored".into(),
            time: None,
            place: Some(PlaceView {
                name: None,
                region: None,
                country: country.map(Into::into),
            }),
            parties: Vec::new(),
            disposition: None,
            flows: Vec::new(),
            sensors: Vec::new(),
            documents: Vec::new(),
            source: Source::Merchant,
            signer: None,
            entry: None,
            index: None,
            leg: None,
            gap: None,
            doubts: Vec::new(),
            lacking: Vec::new(),
            then_missing: Vec::new(),
        }
    }

    #[test]
    fn a_leg_begins_where_the_country_changes_and_nowhere_else() {
        let countries = [
            Some("NZ"),
            Some("NZ"),
            None,
            Some("NZ"),
            Some("CN"),
            Some("CN"),
        ];
        let mut steps: Vec<_> = countries.into_iter().map(step_in).collect();
        mark_legs(&mut steps);
        let legs: Vec<_> = steps.iter().map(|step| step.leg.as_deref()).collect();
        assert_eq!(legs, [Some("NZ"), None, None, None, Some("CN"), None]);
    }

    #[test]
    fn a_region_is_named_in_the_order_of_the_language() {
        let place = |lang| region_in_country(Text::of(lang), Some("Waikato"), "NZ");
        assert_eq!(place(Lang::En), "Waikato, New Zealand");
        assert_eq!(place(Lang::ZhCn), "新西兰Waikato");
        assert_eq!(region_in_country(Text::of(Lang::En), None, "ZZ"), "ZZ");
    }

    #[test]
    fn how_late_steps_were_recorded_is_said_of_the_latest_and_of_those_that_were_not_late() {
        let said = |days: &[u64]| recorded_after(Text::of(Lang::En), days);
        assert_eq!(said(&[]), None);
        for (days, words) in [
            (
                &[0, 1][..],
                "Each step was recorded within a day of happening.",
            ),
            (
                &[1, 2],
                "Some steps were recorded later: the longest delay was 2 days.",
            ),
            (
                &[0, 9, 2],
                "Some steps were recorded later: the longest delay was 9 days.",
            ),
            (
                &[2, 1_200],
                "No step was recorded within a day of happening; the longest delay was 1,200 days.",
            ),
        ] {
            assert_eq!(said(days).as_deref(), Some(words), "{days:?}");
        }
    }

    #[test]
    fn a_journey_is_summed_up_in_one_sentence() {
        let sum = |lang| journey_summary(Text::of(lang), 15, 1, 64);
        assert_eq!(sum(Lang::En), "15 steps, 1 place, over 64 days");
        assert_eq!(sum(Lang::ZhCn), "15 个环节，1 处地点，历时 64 天");
    }

    #[test]
    fn only_an_https_address_becomes_a_link() {
        assert!(HttpsLink::parse("https://example.org/check?no=1").is_some());
        for raw in [
            "javascript:alert(1)",
            "http://example.org/",
            "https://",
            "https://a b",
            "//a",
        ] {
            assert_eq!(HttpsLink::parse(raw), None, "{raw}");
        }
    }
}
