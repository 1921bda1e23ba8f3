//! From what merchants say of a place or a party to its page.

use auditlog::TreeSize;

use super::journey::{named, readable, said};
use super::present::china_date;
use super::view::{PlacePage, RecordView, Row, Shell, VerdictView, Words};
use crate::domain::gs1::Identity;
use crate::trace::PartyRecord;
use crate::web::text::Text;

/// The page of a place or a party.
pub(super) fn place_page(
    shell: Shell,
    identity: &Identity,
    records: &[PartyRecord],
    public_size: TreeSize,
) -> PlacePage {
    let text = shell.text;
    let verdict = match identity {
        Identity::Party { .. } => VerdictView::party(text),
        _ => VerdictView::place(text),
    };
    PlacePage {
        verdict,
        records: records
            .iter()
            .map(|record| view(text, record, public_size))
            .collect(),
        elements: elements(identity),
        shell,
    }
}

/// The code in GS1 form, element by element.
pub(super) fn elements(identity: &Identity) -> Vec<String> {
    match identity {
        Identity::Place { gln, extension } => {
            let extension = extension
                .iter()
                .map(|extension| format!("(254){extension}"));
            std::iter::once(format!("(414){gln}"))
                .chain(extension)
                .collect()
        }
        Identity::Party { pgln } => vec![format!("(417){pgln}")],
        _ => Vec::new(),
    }
}

fn view(text: &Text, record: &PartyRecord, public_size: TreeSize) -> RecordView {
    let party = &record.party;
    let lang = text.lang();
    let row = |label: &str, value: String| Row {
        label: label.to_owned(),
        value: Words::plain(value),
        is_code: false,
        source: None,
        check: None,
    };
    let mut rows = Vec::new();
    if let Some(role) = &party.role {
        let role = text.term("role", role).to_owned();
        rows.push(row(text.get("place.role"), role));
    }
    // As on a step of a journey: the region as it was recorded, which may name the country already.
    let region = party
        .region
        .as_ref()
        .map(|region| readable(said(region, lang)));
    let country = party.country.as_deref();
    let address = region.or_else(|| country.map(|country| text.country(country).to_owned()));
    if let Some(address) = address {
        rows.push(row(text.get("place.address"), address));
    }
    if let Some(date) = china_date(text, record.recorded_at) {
        rows.push(row(text.get("place.recorded"), date.text));
    }
    let other = readable(said(&party.name, lang.other()));
    let public = record
        .leaf_index
        .filter(|index| public_size.contains(*index));
    RecordView {
        name: named(&party.name, lang),
        other_name: Words::tagged(other, lang.other().code(), lang),
        rows,
        entry: public.map(|index| text.number(index.0)),
    }
}
