//! The shopper's pages as typed values, each with its template.
//!
//! Fields hold words already in the reader's language; templates decide only how they look. The
//! constructors keep the wording of verdicts and faults in one place, so that no handler can claim
//! more than was checked: "unchanged since it was recorded", and never "genuine".

mod hidden;
mod history;
mod journey;
mod links;
mod map;
mod message;
mod place;
mod recall;
mod report;
mod review;
mod route;
mod saved;
mod sensor;
mod verdict;

use askama::Template;
use askama::filters::HtmlSafe;

use crate::domain::gs1::DigitalLink;
use crate::web::text::{Lang, LocalDate, LocalTime, Text};

pub use hidden::{HiddenPage, HiddenView};
pub use history::{ChangeView, FieldView};
pub use journey::{
    CheckView, DocumentView, FlowKind, FlowLine, FlowView, MissingView, PartyView, PlaceView,
    Source, StepView, correction, gap, journey_summary, mark_legs, recorded_after,
    region_in_country,
};
pub use links::{ChoicePage, LinkView, host_of};
pub use map::{MAP_WIDTH, MapView, Stop};
pub use message::MessagePage;
pub use place::{PlacePage, RecordView};
pub use recall::RecallView;
pub use report::{MatterChoice, ReportPage, ReportedPage};
pub use review::ReviewView;
pub use route::{Mark, RouteView, StageView};
pub use saved::SavedPage;
pub use sensor::{
    BandView, CURVE_HEIGHT, CURVE_WIDTH, CurveView, LimitView, Limits, PLOT_WIDTH, Reading,
    Readings, SensorView,
};
pub use verdict::{Icon, ScansView, Tone, VerdictView};

/// The story of one code: `/01/…`, `/00/…`.
#[derive(Debug, Template)]
#[template(path = "shopper/trace.html", whitespace = "minimize")]
pub struct TracePage {
    /// What surrounds every page.
    pub shell: Shell,
    /// The answer, first on the page.
    pub verdict: VerdictView,
    /// The hidden code of the pack, where it bears one.
    pub hidden: Option<HiddenView>,
    /// Where a problem with the product is told; nowhere where no product is named.
    pub report_href: Option<String>,
    /// The recalls that concern the product, those that stand first.
    pub recalls: Vec<RecallView>,
    /// What the merchant found when it looked into doubts about the code, the last first; empty hides the section.
    pub reviews: Vec<ReviewView>,
    /// What the code names.
    pub product: ProductView,
    /// Label and registration rows of the product's import route; empty hides the table.
    pub attributes: Vec<Row>,
    /// One line above the journey, from [`journey_summary`]; `None` hides it.
    pub summary: Option<String>,
    /// How long after they happened the steps were recorded, from [`recorded_after`].
    pub recorded: Option<String>,
    /// Where the journey went; `None` where that is not known, or only one place.
    pub map: Option<MapView>,
    /// The same in words, where no map is drawn.
    pub way: Option<String>,
    /// What is said where there are no steps.
    pub journey_none: &'static str,
    /// What should have come before the first step and is not on record.
    pub first_missing: Vec<MissingView>,
    /// The journey, oldest step first.
    pub steps: Vec<StepView>,
    /// What should be on record, and which of it is; `None` hides the section.
    pub route: Option<RouteView>,
    /// What was changed in what is said of all this, the last first; empty hides the section.
    pub history: Vec<ChangeView>,
    /// How many changes before these are not told.
    pub untold_changes: Option<String>,
    /// Where the merchant says that more is to be found; empty hides the section.
    pub links: Vec<LinkView>,
    /// Where the record is sealed and how to check it.
    pub proof: ProofView,
}

/// The home page `/`, and `/find` when the code typed could not be read.
#[derive(Debug, Template)]
#[template(path = "shopper/find.html", whitespace = "minimize")]
pub struct FindPage {
    /// What surrounds every page.
    pub shell: Shell,
    /// What the reader typed, given back for correction; empty at first.
    pub code: String,
    /// What is wrong with `code`, as a sentence for the reader.
    pub fault: Option<String>,
    /// Scheme and host of this service as a reader sees them in the address bar:
    /// `https://example.org`. Readers are told to compare it.
    pub address: String,
}

/// What surrounds every page: its language, the language switch, the version of the style sheets.
#[derive(Debug)]
pub struct Shell {
    /// The words of the page's language.
    pub text: &'static Text,
    /// Where the switch leads: a reference of the query alone, so it stays on this path. Nowhere where it is empty.
    pub switch_href: String,
    /// The same in the page's own language: this page once more.
    pub again_href: String,
    /// Appended to the addresses of style sheets and images so that they may be cached for ever:
    /// any short text that changes when they do.
    pub asset_tag: &'static str,
}

impl Shell {
    /// `query` is the request's raw query string, kept by the switch except for `lang`.
    pub fn new(lang: Lang, query: &str, asset_tag: &'static str) -> Shell {
        let mut kept = String::from("?");
        for pair in query.split('&') {
            if !pair.is_empty() && pair != "lang" && !pair.starts_with("lang=") {
                kept.push_str(pair);
                kept.push('&');
            }
        }
        let href = |lang: Lang| format!("{kept}lang={}", lang.code());
        Shell {
            text: Text::of(lang),
            switch_href: href(lang.other()),
            again_href: href(lang),
            asset_tag,
        }
    }

    /// A page of ours, by its path, in the page's language.
    pub fn href(&self, path: &str) -> String {
        format!("{path}?lang={}", self.text.lang().code())
    }

    /// The home page.
    pub fn home_href(&self) -> String {
        self.href("/")
    }

    /// Where the codes that a phone keeps are listed.
    pub fn saved_href(&self) -> String {
        self.href("/saved")
    }

    /// The page of a code.
    pub fn story_href(&self, link: &DigitalLink) -> String {
        self.href(&link.path())
    }

    /// Where a code's problems are told.
    pub fn report_href(&self, link: &DigitalLink) -> String {
        self.href(&format!("/report{}", link.path()))
    }
}

/// Words as someone recorded them, with their language where it is not the page's.
///
/// Names of places and parties seldom exist in both languages; the tag lets a screen reader and the
/// font choice follow the words.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/words.html", whitespace = "suppress")]
pub struct Words {
    /// The words.
    pub text: String,
    /// BCP 47 tag; `None` for the page's own language.
    pub lang: Option<String>,
}

impl Words {
    /// Words of the page's own language.
    pub fn plain(text: impl Into<String>) -> Words {
        Words {
            text: text.into(),
            lang: None,
        }
    }

    /// Words recorded in the language `tag`.
    pub fn tagged(text: impl Into<String>, tag: &str, page: Lang) -> Words {
        let is_own = tag.eq_ignore_ascii_case(page.code());
        Words {
            text: text.into(),
            lang: (!is_own).then(|| tag.to_owned()),
        }
    }
}

// `Words` is rendered by its own escaping template, so a page may place it as it stands.
impl HtmlSafe for Words {}

/// What the code names. An absent field is not shown.
#[derive(Debug)]
pub struct ProductView {
    /// The product's name.
    pub name: Words,
    /// The name in the other language, smaller.
    pub other_name: Option<Words>,
    /// The brand.
    pub brand: Option<Words>,
    /// What it looks like, by whoever describes it.
    pub picture: Option<PictureView>,
    /// Country, or region and country from [`region_in_country`].
    pub origin: Option<String>,
    /// `900 g`
    pub net_content: Option<String>,
    /// When it was produced.
    pub produced: Option<LocalDate>,
    /// The best-before date.
    pub best_before: Option<BestBefore>,
    /// The batch or lot.
    pub lot: Option<String>,
    /// The serial number of the item.
    pub serial: Option<String>,
    /// The code in GS1 form, one element per application identifier: `["(01)0952…", "(10)L26"]`.
    pub elements: Vec<String>,
}

/// A picture of the product.
#[derive(Debug)]
pub struct PictureView {
    /// `/picture/…`, named by its digest.
    pub src: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// What is said in its place.
    pub alt: String,
}

/// A best-before date and whether it has passed.
#[derive(Debug)]
pub struct BestBefore {
    /// The date.
    pub date: LocalDate,
    /// Whether it lies before today where the reader is.
    pub past: bool,
}

/// A row of the attributes table.
#[derive(Debug)]
pub struct Row {
    /// From the section `attribute` of the text files.
    pub label: String,
    /// The value as recorded.
    pub value: Words,
    /// Set for numbers and codes a reader may have to compare digit by digit.
    pub is_code: bool,
    /// Who vouches for it; `None` shows no mark.
    pub source: Option<Source>,
    /// Where it can be checked officially.
    pub check: Option<CheckView>,
}

/// Where the record is sealed and how to check it.
#[derive(Debug)]
pub struct ProofView {
    /// The newest checkpoint that covers the story; `None` while nothing is sealed.
    pub seal: Option<SealView>,
    /// `/proof/01/…`
    pub bundle_href: String,
    /// How many fields the merchant keeps to itself, in words.
    pub kept_back: Option<String>,
    /// `/qr/01/….svg`
    pub qr_href: String,
    /// The page's full address, printed under the QR code.
    pub address: String,
    /// The verifier page.
    pub verify_href: String,
}

/// The checkpoint a story is sealed in.
#[derive(Debug)]
pub struct SealView {
    /// `1,234,567 entries`, from [`SealView::size_in_words`].
    pub tree_size: String,
    /// When it was sealed.
    pub sealed_at: LocalTime,
    /// The root, whole: a part of it proves nothing.
    pub root: String,
    /// The log's origin, as in its checkpoints.
    pub origin: String,
}

impl SealView {
    /// The number of entries a checkpoint covers.
    pub fn size_in_words(text: &Text, tree_size: u64) -> String {
        text.count("proof.tree_size_value", tree_size, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &Text) -> MapView {
        let stop = |latitude: f64, longitude: f64, country: &str| Stop {
            latitude,
            longitude,
            region: None,
            country: Some(text.country(country).to_owned()),
        };
        let stops: Vec<Stop> = (0..12)
            .map(|n| f64::from(n) / 10.0)
            .map(|n| match n < 0.6 {
                true => stop(-38.0 + n, 174.0 + n * 3.0, "NZ"),
                false => stop(31.0 - n, 120.0 + n * 2.0, "CN"),
            })
            .collect();
        let ways: Vec<(usize, usize)> = (1..12).map(|n| (n - 1, n)).collect();
        MapView::draw(text, &stops, &ways).expect("two places")
    }

    /// A page as full as real ones get: fifteen steps, twenty-two documents, three curves.
    fn full_page(lang: Lang) -> TracePage {
        let text = Text::of(lang);
        let date = text.date("2026-06-12").expect("a date");
        let time = text
            .local_time("2026-06-12T00:00:00Z", "+12:00")
            .expect("a time");
        let reading = |at: i64| Reading {
            at,
            value: (at % 50) as f64,
            lowest: (at % 50) as f64,
            highest: (at % 50) as f64,
            is_kept: Some(at % 50 <= 45),
        };
        let curve = || {
            let told = Readings {
                kind: "Temperature",
                uom: "CEL",
                readings: (0..900).map(reading).collect(),
                limits: Some(Limits {
                    words: "0 to 45".to_owned(),
                    min: Some(0.0),
                    max: Some(45.0),
                }),
                when: &|_| Some(date.text.clone()),
            };
            SensorView::of(text, told)
        };
        let document = |number: usize| DocumentView {
            title: Words::plain(text.term("document", "healthCertificate")),
            number: Some(format!("DEMO-2026-{number:06}")),
            issuer: Some(Words::tagged("Larkmere Demo Laboratories", "en", lang)),
            issued: Some(date.clone()),
            source: Source::ThirdParty,
            signer: None,
            check: None,
        };
        let step = |number: usize| StepView {
            stage: text.term("bizStep", "inspecting").to_owned(),
            time: Some(time.clone()),
            place: Some(PlaceView {
                name: Some(Words::tagged("Demo Southern Blend Co.", "en", lang)),
                region: Some(region_in_country(text, Some("Waikato"), "NZ")),
                country: Some(text.country("NZ").to_owned()),
            }),
            parties: vec![PartyView {
                role: text.term("role", "laboratory").to_owned(),
                name: Words::tagged("Larkmere Demo Laboratories", "en", lang),
            }],
            disposition: None,
            flows: Vec::new(),
            // A real journey has a few curves, not one at every step.
            sensors: if number.is_multiple_of(5) {
                curve().into_iter().collect()
            } else {
                Vec::new()
            },
            documents: (0..1 + number % 2).map(document).collect(),
            source: Source::ThirdParty,
            signer: None,
            entry: (number < 14).then(|| number.to_string()),
            index: (number < 14).then_some(number as u64),
            leg: None,
            gap: None,
            doubts: Vec::new(),
            lacking: Vec::new(),
            then_missing: Vec::new(),
        };
        TracePage {
            recalls: Vec::new(),
            hidden: None,
            report_href: None,
            reviews: Vec::new(),
            route: None,
            history: Vec::new(),
            untold_changes: None,
            shell: Shell::new(lang, "", "t"),
            verdict: VerdictView::genuine(text, 14, &date, 1).with_unsealed(text, 1),
            product: ProductView {
                name: Words::plain("Larkmere"),
                other_name: None,
                brand: None,
                picture: Some(PictureView {
                    src: "/picture/09520000417004/0".into(),
                    width: 480,
                    height: 480,
                    alt: "Larkmere".into(),
                }),
                origin: Some(text.country("NZ").to_owned()),
                net_content: None,
                produced: None,
                best_before: Some(BestBefore {
                    date: date.clone(),
                    past: true,
                }),
                lot: Some("L1".into()),
                serial: Some("<S1>".into()),
                elements: vec!["(01)09520000417004".into()],
            },
            attributes: Vec::new(),
            summary: Some(journey_summary(text, 15, 9, 64)),
            recorded: recorded_after(text, &[0; 15]),
            map: Some(map(text)),
            way: None,
            first_missing: Vec::new(),
            journey_none: text.get("journey.none"),
            steps: (0..15).map(step).collect(),
            links: Vec::new(),
            proof: ProofView {
                seal: Some(SealView {
                    tree_size: SealView::size_in_words(text, 1_204_377),
                    sealed_at: time.clone(),
                    root: "q3Zp8vJ0dXk1mT5cUo7yB2nRfL9sGhWeA4tKiDzMxEw=".into(),
                    origin: "log.example/1".into(),
                }),
                bundle_href: "/proof/01/1".into(),
                kept_back: Some(text.count("proof.kept_back", 12, &[])),
                qr_href: "/qr/01/1.svg".into(),
                address: "https://example.org/01/1".into(),
                verify_href: "/verify".into(),
            },
        }
    }

    #[test]
    fn a_page_of_fifteen_steps_stays_under_thirty_kilobytes() {
        for lang in Lang::ALL {
            let html = full_page(lang).render().expect("renders");
            assert!(html.len() < 30_000, "{} bytes", html.len());
        }
    }

    #[test]
    fn the_answer_comes_first_then_the_product_the_journey_and_the_proof() {
        let html = full_page(Lang::En).render().expect("renders");
        let order = [
            "On record, unchanged</h1>",
            "Larkmere</h2>",
            "Journey</h2>",
            "Proof</h2>",
        ];
        let places: Vec<_> = order
            .iter()
            .map(|words| html.find(words).expect(words))
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        assert_eq!(html.matches("Not sealed yet").count(), 1);
        assert!(
            html.contains("&#60;S1&#62;") && !html.contains("<S1>"),
            "escaped"
        );
    }

    #[test]
    fn nothing_on_a_page_needs_more_than_the_policy_allows() {
        let html = full_page(Lang::ZhCn).render().expect("renders");
        assert_eq!(html.matches("<script").count(), 1);
        assert!(html.contains("<script type=\"module\" src=\"/static/trace.js?v=t\"></script>"));
        for forbidden in [" style=", "<style", "src=\"http", "href=\"http", "onclick"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn without_a_seal_there_is_no_proof_to_download() {
        let mut page = full_page(Lang::En);
        page.proof.seal = None;
        let html = page.render().expect("renders");
        assert!(!html.contains("/proof/01/1") && html.contains("waiting to be sealed"));
    }

    #[test]
    fn the_language_switch_keeps_the_rest_of_the_query() {
        let href = |query| Shell::new(Lang::ZhCn, query, "t").switch_href;
        assert_eq!(href(""), "?lang=en");
        assert_eq!(href("lang=zh-CN"), "?lang=en");
        assert_eq!(
            href("17=261112&lang=zh&code=a%26b"),
            "?17=261112&code=a%26b&lang=en"
        );
    }

    #[test]
    fn a_page_that_failed_leads_to_itself_once_more() {
        let shell = Shell::new(Lang::ZhCn, "17=261112&lang=zh", "t");
        assert_eq!(shell.again_href, "?17=261112&lang=zh-CN");
        let page = MessagePage::failed(shell).render().expect("renders");
        assert!(
            page.contains("href=\"?17=261112&#38;lang=zh-CN\">再试一次"),
            "{page}"
        );
        let page = MessagePage::no_such_page(Shell::new(Lang::En, "", "t"));
        assert!(!page.render().expect("renders").contains("Try again"));
    }

    #[test]
    fn the_language_switch_never_leaves_this_site() {
        let shell = Shell::new(Lang::En, "//evil.example/?x", "t");
        assert!(shell.switch_href.starts_with('?'));
    }

    #[test]
    fn words_of_another_language_carry_their_tag_and_are_escaped() {
        let html = |w: Words| w.render().expect("renders");
        assert_eq!(
            html(Words::tagged("A & B", "en", Lang::ZhCn)),
            "<span lang=\"en\">A &#38; B</span>"
        );
        assert_eq!(html(Words::tagged("A", "EN", Lang::En)), "A");
        assert_eq!(html(Words::plain("<b>")), "&#60;b&#62;");
    }

    #[test]
    fn the_home_page_gives_back_what_was_typed_and_names_the_fault() {
        let page = FindPage {
            shell: Shell::new(Lang::En, "", "t"),
            code: "\"><b>".into(),
            fault: Some("too short".into()),
            address: "https://example.org".into(),
        };
        let html = page.render().expect("renders");
        assert!(html.contains("aria-invalid=\"true\"") && html.contains("too short"));
        assert!(!html.contains("<b>"), "escaped");
        let clean = FindPage {
            fault: None,
            ..page
        }
        .render()
        .expect("renders");
        assert!(!clean.contains("aria-invalid"));
    }
}
