//! A forward trace as a table for a spreadsheet: a row for each thing, sortable by any column.

use csv::Writer;

use super::json::way;
use super::{fate, kind, word};
use crate::domain::forward::{Forward, Reached};
use crate::domain::gs1::Identity;
use crate::domain::master::Bilingual;
use crate::domain::time::timestamp;

const COLUMNS: [&str; 18] = [
    "certainty",
    "kind",
    "identity",
    "product",
    "productChinese",
    "since",
    "connection",
    "from",
    "fate",
    "fateTime",
    "seenTime",
    "place",
    "placeName",
    "placeNameChinese",
    "party",
    "partyName",
    "partyNameChinese",
    "inside",
];

/// Without it, spreadsheets take UTF-8 for the encoding of their country.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The table, its names of columns first.
pub fn of(forward: &Forward) -> Result<String, csv::Error> {
    let mut table = Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    table.write_record(COLUMNS)?;
    for reached in &forward.things {
        table.write_record(row(forward, reached).map(|cell| tame(&cell)))?;
    }
    let bytes = table.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8(bytes).expect("all that was written is text"))
}

fn row(forward: &Forward, reached: &Reached) -> [String; 18] {
    let time = |at| timestamp(at).to_string();
    let (fate, fate_time) = fate(reached);
    let product = reached.identity.gtin();
    let product = product.and_then(|gtin| forward.products.get(&gtin));
    let (product, product_chinese) = both(product.map(|product| &product.name));
    let origin = reached.origin.as_ref();
    let seen = reached.seen.as_ref();
    let place = seen.and_then(|seen| seen.place.as_ref());
    let party = seen.and_then(|seen| seen.party.as_ref());
    let named = |identity: Option<&Identity>| {
        let party = identity.and_then(|identity| forward.parties.get(&identity.canonical()));
        both(party.map(|party| &party.name))
    };
    let ((place_name, place_chinese), (party_name, party_chinese)) = (named(place), named(party));
    let canonical = |identity: Option<&Identity>| identity.map(Identity::canonical);
    let inside = seen.map(|seen| seen.inside.iter().map(Identity::canonical));
    let inside: Vec<String> = inside.into_iter().flatten().collect();
    [
        word(reached.certainty).to_owned(),
        kind(&reached.identity).to_owned(),
        reached.identity.canonical(),
        product,
        product_chinese,
        reached.since.map(time).unwrap_or_default(),
        origin.map_or("", |origin| way(origin.how)).to_owned(),
        canonical(origin.map(|origin| &origin.from)).unwrap_or_default(),
        fate.to_owned(),
        fate_time.map(time).unwrap_or_default(),
        seen.map(|seen| time(seen.at)).unwrap_or_default(),
        canonical(place).unwrap_or_default(),
        place_name,
        place_chinese,
        canonical(party).unwrap_or_default(),
        party_name,
        party_chinese,
        inside.join(" "),
    ]
}

fn both(name: Option<&Bilingual>) -> (String, String) {
    let name = name.map(|name| (name.en.clone(), name.zh_cn.clone()));
    name.unwrap_or_default()
}

/// Spreadsheets take what begins so for a formula, and do what it says (OWASP, CSV injection).
fn tame(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_other_is_as_it_was() {
        for formula in ["=1+1", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(tame(formula), format!("'{formula}"));
        }
        for text in ["", "1=1", "红岭 a=b", " =1"] {
            assert_eq!(tame(text), text);
        }
    }
}
