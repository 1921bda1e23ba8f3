//! A forward trace as a table for a spreadsheet: a row for each thing, sortable by any column.

use std::io::Write;

use csv::Writer;

use super::json::way;
use super::{fate, kind, word};
use crate::domain::forward::{Names, Reached};
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

/// A table that is written as its rows come.
pub struct Table<W: Write>(Writer<W>);

impl<W: Write> Table<W> {
    /// With the names of the columns.
    pub fn begin(mut out: W) -> Result<Table<W>, csv::Error> {
        out.write_all(BYTE_ORDER_MARK.as_bytes())?;
        let mut table = Writer::from_writer(out);
        table.write_record(COLUMNS)?;
        Ok(Table(table))
    }

    /// A row for each thing.
    pub fn write(&mut self, things: &[Reached], names: &Names) -> Result<(), csv::Error> {
        for reached in things {
            self.0.write_record(row(names, reached).map(tame))?;
        }
        Ok(())
    }

    /// More rows of a table that has begun elsewhere.
    pub fn go_on(out: W) -> Table<W> {
        Table(Writer::from_writer(out))
    }

    /// Hands on what was written.
    pub fn finish(self) -> Result<W, csv::Error> {
        Ok(self.0.into_inner().map_err(|error| error.into_error())?)
    }
}

fn row(names: &Names, reached: &Reached) -> [String; 18] {
    let time = |at| timestamp(at).to_string();
    let (fate, fate_time) = fate(reached);
    let product = reached.identity.gtin();
    let product = product.and_then(|gtin| names.products.get(&gtin));
    let (product, product_chinese) = both(product.map(|product| &product.name));
    let origin = reached.origin.as_ref();
    let seen = reached.seen.as_ref();
    let place = seen.and_then(|seen| seen.place.as_ref());
    let party = seen.and_then(|seen| seen.party.as_ref());
    let named = |identity: Option<&Identity>| {
        let party = identity.and_then(|identity| names.parties.get(&identity.canonical()));
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
fn tame(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_other_is_as_it_was() {
        for formula in ["=1+1", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(tame(formula.to_owned()), format!("'{formula}"));
        }
        for text in ["", "1=1", "红岭 a=b", " =1"] {
            assert_eq!(tame(text.to_owned()), text);
        }
    }
}
