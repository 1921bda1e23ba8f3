//! A forward trace as a table for a spreadsheet: a row for each thing, sortable by any column.

use std::fmt::Write as _;
use std::io::Write;

use csv::Writer;
use time::OffsetDateTime;

use super::json::way;
use super::{fate, kind, word};
use crate::domain::forward::{Names, Reached};
use crate::domain::gs1::Identity;
use crate::domain::master::Bilingual;
use crate::domain::time::timestamp;
use crate::web::spreadsheet::{BYTE_ORDER_MARK, tamed};
use crate::web::text::{Lang, Text};

/// Of codes, those up to what led to them.
const COLUMNS_OF_CODES: usize = 8;
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

/// What a table says of each thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// All that is known of it.
    All,
    /// What it is, that it is affected, and by what.
    Codes,
}

/// A table that is written as its rows come.
pub struct Table<W: Write> {
    columns: Columns,
    out: Writer<W>,
}

impl<W: Write> Table<W> {
    /// With the names of the columns.
    pub fn begin(mut out: W, columns: Columns) -> Result<Table<W>, csv::Error> {
        out.write_all(BYTE_ORDER_MARK.as_bytes())?;
        let mut table = Table::go_on(out, columns);
        let count = match columns {
            Columns::All => COLUMNS.len(),
            Columns::Codes => COLUMNS_OF_CODES,
        };
        table.out.write_record(&COLUMNS[..count])?;
        Ok(table)
    }

    /// A row for each thing.
    pub fn write(&mut self, things: &[Reached], names: &Names) -> Result<(), csv::Error> {
        let mut same = Same::default();
        for reached in things {
            let cells = same.code_of(names, reached);
            for cell in cells {
                self.out.write_field(tamed(cell).as_ref())?;
            }
            if self.columns == Columns::All {
                for cell in whereabouts_of(names, reached) {
                    self.out.write_field(tamed(&cell).as_ref())?;
                }
            }
            self.out.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    /// More rows of a table that has begun elsewhere.
    pub fn go_on(out: W, columns: Columns) -> Table<W> {
        let out = Writer::from_writer(out);
        Table { columns, out }
    }

    /// Hands on what was written.
    pub fn finish(self) -> Result<W, csv::Error> {
        let out = self.out.into_inner();
        Ok(out.map_err(|error| error.into_error())?)
    }
}

/// What many rows after each other have in common is written out once.
#[derive(Default)]
struct Same {
    identity: String,
    since: (Option<OffsetDateTime>, String),
    from: (Option<Identity>, String),
}

impl Same {
    /// What a thing is, that it is affected, and by what.
    fn code_of<'s>(
        &'s mut self,
        names: &'s Names,
        reached: &Reached,
    ) -> [&'s str; COLUMNS_OF_CODES] {
        self.identity.clear();
        let written = write!(self.identity, "{}", reached.identity);
        written.expect("a string takes all that is written to it");
        if self.since.0 != reached.since {
            let text = reached.since.map(|since| timestamp(since).to_string());
            self.since = (reached.since, text.unwrap_or_default());
        }
        let origin = reached.origin.as_ref();
        let from = origin.map(|origin| &origin.from);
        if self.from.0.as_ref() != from {
            let text = from.map(Identity::canonical);
            self.from = (from.cloned(), text.unwrap_or_default());
        }
        let product = reached.identity.gtin();
        let product = product.and_then(|gtin| names.products.get(&gtin));
        let name = product.map(|product| &product.name);
        [
            word(reached.certainty),
            kind(&reached.identity),
            &self.identity,
            name.map_or("", |name| Text::of(Lang::En).said(name)),
            name.map_or("", |name| Text::of(Lang::ZhCn).said(name)),
            &self.since.1,
            origin.map_or("", |origin| way(origin.how)),
            &self.from.1,
        ]
    }
}

/// What became of it, and where it is.
fn whereabouts_of(names: &Names, reached: &Reached) -> [String; COLUMNS.len() - COLUMNS_OF_CODES] {
    let time = |at| timestamp(at).to_string();
    let (fate, fate_time) = fate(reached);
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
    let said = |lang, name| Text::of(lang).said(name).to_owned();
    let name = name.map(|name| (said(Lang::En, name), said(Lang::ZhCn, name)));
    name.unwrap_or_default()
}
