//! What is offered about a code, as links: our own pages and what the merchant added. RFC 9264 in JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::forward::Certainty;
use crate::domain::gs1::{DigitalLink, Identity};
use crate::domain::link::{Link, VOCABULARY};
use crate::domain::recall::Status;
use crate::domain::statement::{About, Kind, Role};
use crate::domain::story::{StandingRecall, Story};
use crate::web::Service;
use crate::web::text::{Lang, Text};

/// The media type of RFC 9264 §4.2.
pub(super) const LINKSET_JSON: &str = "application/linkset+json";

/// One thing that can be named, with all that is offered about it. RFC 9264 §4.2.2: a context object.
#[derive(Debug, Serialize)]
pub(super) struct Level {
    /// Its address here.
    pub anchor: String,
    /// By relation type.
    #[serde(flatten)]
    pub links: BTreeMap<String, Vec<Offer>>,
}

/// One target. RFC 9264 §4.2.3 and §4.2.4: `hreflang` is a list, and so is every extension.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Offer {
    pub href: String,
    pub title: String,
    #[serde(rename = "title*", skip_serializing_if = "Vec::is_empty")]
    pub titles: Vec<TitleIn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hreflang: Vec<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<String>,
    /// Whether it is a page of this service.
    #[serde(skip)]
    pub is_own: bool,
}

/// A title in a language.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TitleIn {
    value: String,
    language: &'static str,
}

#[derive(Serialize)]
struct Linkset<'a> {
    linkset: &'a [Level],
}

/// The text of a linkset.
pub(super) fn json(levels: &[Level]) -> String {
    serde_json::to_string(&Linkset { linkset: levels }).unwrap_or_default()
}

/// A linkset of nothing but some targets of one relation type.
pub(super) fn choice(anchor: &str, relation: &str, offers: Vec<Offer>) -> String {
    let level = Level {
        anchor: anchor.to_owned(),
        links: BTreeMap::from([(relation.to_owned(), offers)]),
    };
    json(&[level])
}

/// A relation type of GS1's vocabulary.
pub(super) fn relation(name: &str) -> String {
    format!("{VOCABULARY}{name}")
}

/// What is offered about a story's subject, and about the lot and the product above it as far as they
/// have a page of their own. The subject comes first.
pub(super) fn of_story(story: &Story, service: &Service) -> Vec<Level> {
    let subject = &story.subject;
    let mut levels = vec![level(story, service, subject)];
    let Some(gtin) = subject.gtin() else {
        return levels;
    };
    if let (Some(lot), Some(_)) = (subject.lot(), subject.serial())
        && names_lot(story, &Identity::LotOf { gtin, lot })
    {
        let lot = DigitalLink::from_parts(gtin, Some(lot), None);
        levels.push(level(story, service, &lot));
    }
    let class = DigitalLink::from_parts(gtin, None, None);
    if class != *subject && story.product.is_some() {
        levels.push(level(story, service, &class));
    }
    levels
}

/// Whether the record names a lot otherwise than in the address that was asked for: then it has a page.
fn names_lot(story: &Story, lot: &Identity) -> bool {
    let issued = About::new(Role::Lot, lot.canonical()).to_string();
    let in_receipt = format!("\"{issued}\"");
    let is_issued = |receipt: &str| receipt.contains(&in_receipt);
    story
        .statements
        .iter()
        .any(|statement| statement.kind == Kind::Issuance && is_issued(&statement.stored.receipt))
        || story
            .steps
            .iter()
            .any(|step| step.event.what.iter().any(|what| what.identity == *lot))
}

fn level(story: &Story, service: &Service, link: &DigitalLink) -> Level {
    let base = &service.public_url;
    let is_subject = *link == story.subject;
    let address = if is_subject { story.address() } else { *link };
    let page = format!("{base}{}", address.path());
    let mut links = BTreeMap::new();
    let trace = |text: &Text| text.get("link.trace").to_owned();
    links.insert(relation("traceability"), vec![own_page(&page, trace)]);
    links.insert(relation("pip"), vec![own_page(&page, trace)]);
    // Of what is coarser than the subject it is not known here whether one proof would hold it.
    let is_proven = service.state.borrow().published.is_some() && !story.truncated;
    if is_proven && is_subject {
        let proof = Offer {
            media_type: Some("application/json".to_owned()),
            hreflang: Vec::new(),
            ..own_page(&format!("{base}/proof{}", link.path()), |text| {
                text.get("link.proof").to_owned()
            })
        };
        links.insert(relation("verificationService"), vec![proof]);
    }
    let mut given: BTreeMap<String, Vec<Offer>> = BTreeMap::new();
    for link in story.links_of(&link.finest()) {
        let offers = given.entry(link.link_type.uri()).or_default();
        offers.extend(merchants(link, base));
    }
    // What the merchant says of its product comes before our own page about it.
    links.extend(given);
    // Before any page of the merchant's: whoever asks for it must not be told by the merchant alone.
    if is_subject && let Some(status) = recall_status(story, &page) {
        let offers: &mut Vec<Offer> = links.entry(relation("recallStatus")).or_default();
        offers.insert(0, status);
    }
    links.insert(relation("defaultLink"), vec![default_link(&page, trace)]);
    Level {
        anchor: page,
        links,
    }
}

/// Our page, as what tells of recalls: where there is, or was, one.
fn recall_status(story: &Story, page: &str) -> Option<Offer> {
    let title = |recall: &StandingRecall| -> fn(&Text) -> String {
        match (recall.recall.status, recall.certainty) {
            (Status::Closed, _) => |text| text.get("link.was_recalled").to_owned(),
            (Status::Open, Certainty::Affected) => |text| text.get("link.recalled").to_owned(),
            (Status::Open, Certainty::Possibly) => {
                |text| text.get("link.perhaps_recalled").to_owned()
            }
        }
    };
    let gravity = |recall: &&StandingRecall| {
        let is_closed = recall.recall.status == Status::Closed;
        (is_closed, recall.certainty)
    };
    let first = story.recalls.iter().min_by_key(gravity)?;
    Some(own_page(page, title(first)))
}

/// What is offered about a place or a party: its page.
pub(super) fn of_place(identity: &Identity, service: &Service) -> Vec<Level> {
    let path = identity.path().unwrap_or_default();
    let page = format!("{}{path}", service.public_url);
    let title = |text: &Text| text.get("link.place").to_owned();
    let mut links = BTreeMap::from([(relation("defaultLink"), vec![default_link(&page, title)])]);
    if matches!(identity, Identity::Place { .. }) {
        links.insert(relation("locationInfo"), vec![own_page(&page, title)]);
    }
    vec![Level {
        anchor: page,
        links,
    }]
}

/// A page of ours, which is in both languages.
fn own_page(href: &str, title: impl Fn(&Text) -> String) -> Offer {
    let in_language = |lang: Lang| TitleIn {
        value: title(Text::of(lang)),
        language: lang.code(),
    };
    Offer {
        href: href.to_owned(),
        title: title(Text::of(Lang::En)),
        titles: Lang::ALL.map(in_language).to_vec(),
        hreflang: Lang::ALL.map(|lang| lang.code().to_owned()).to_vec(),
        media_type: Some("text/html".to_owned()),
        context: Vec::new(),
        is_own: true,
    }
}

/// GS1-Conformant Resolver §2.7: exactly one, with a title and no other attribute.
fn default_link(href: &str, title: impl Fn(&Text) -> String) -> Offer {
    Offer {
        titles: Vec::new(),
        hreflang: Vec::new(),
        media_type: None,
        ..own_page(href, title)
    }
}

/// What the merchant gave. It may lead to a page of ours, as another type of link.
fn merchants(link: &Link, base: &str) -> Option<Offer> {
    let target = link.target.as_ref()?;
    Some(Offer {
        href: target.href.clone(),
        title: target.title.clone(),
        titles: Vec::new(),
        hreflang: link.hreflang.clone(),
        media_type: link.media_type.clone(),
        context: link.context.iter().cloned().collect(),
        is_own: target
            .href
            .strip_prefix(base)
            .is_some_and(|rest| rest.starts_with('/')),
    })
}
