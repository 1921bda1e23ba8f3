//! Derived tables: nothing missing was found among the statements; now nothing may be too much.

use sqlx::PgConnection;
use uuid::Uuid;

use super::statements::product_gtin;
use super::{CheckError, Report, Tally, pictures};
use crate::domain::epcis::{self, Event};
use crate::domain::statement::{About, Batch, Kind};
use crate::domain::turn::Turns;
use crate::store::code_range::{OwnedCodeRange, code_ranges_page};
use crate::store::event_key::{count_event_keys, stray_event_keys};
use crate::store::gtin_owner::gtin_owners_after;
use crate::store::lost_entry::count_lost_entries;
use crate::store::party_description::descriptions_after;
use crate::store::scan::{count_scans, stray_scans};
use crate::store::statement::{statements_of_batch, stray_statements};
use crate::store::trace_index::stray_reveals;
use crate::store::trace_index::{WholeIndexRow, count_index_rows, index_rows, index_rows_page};

/// Rows read at a time.
const ROWS: i64 = 1_000;
/// Rows named of one kind.
const NAMED: i64 = 10;

pub(super) async fn check(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
    total: u64,
) -> Result<(), CheckError> {
    if tally.statements != total {
        report.add(format!(
            "statement: {total} rows, and {} in batches",
            tally.statements
        ));
        for id in stray_statements(conn, NAMED).await? {
            report.add(format!(
                "statement {}/{}: is in no batch",
                id.batch_id, id.position
            ));
        }
    }
    let lost = count_lost_entries(conn).await?.max(0) as u64;
    if lost != tally.lost {
        report.add(format!(
            "lost_entry: {lost} rows, and {} where no statement stands",
            tally.lost
        ));
    }
    check_event_keys(conn, report, tally).await?;
    check_trace_index(conn, report, tally).await?;
    check_owners(conn, report, tally).await?;
    check_parties(conn, report, tally).await?;
    pictures::check(conn, report, tally).await?;
    check_scans(conn, report, tally).await?;
    check_reveals(conn, report).await?;
    check_code_ranges(conn, report, tally).await
}

/// Look-ups of an item are numbered from 1, in the order in which they were recorded, and each has its statement.
async fn check_scans(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
) -> Result<(), CheckError> {
    let count = count_scans(conn).await?.max(0) as u64;
    if count != tally.scans {
        report.add(format!("scan: {count} rows for {} look-ups", tally.scans));
    }
    for (code, number) in stray_scans(conn, NAMED).await? {
        report.add(format!(
            "scan {code} {number}: it does not follow the look-up before it"
        ));
    }
    Ok(())
}

/// Uses of hidden codes count up: which was the first is what they are stated for.
async fn check_reveals(conn: &mut PgConnection, report: &mut Report) -> Result<(), CheckError> {
    for (batch, position) in stray_reveals(conn, NAMED).await? {
        report.add(format!(
            "statement {batch} {position}: a use of a hidden code that does not follow the one before it"
        ));
    }
    Ok(())
}

async fn check_event_keys(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
) -> Result<(), CheckError> {
    let count = count_event_keys(conn).await?.max(0) as u64;
    if count == tally.events {
        return Ok(());
    }
    report.add(format!(
        "event_key: {count} rows for {} events",
        tally.events
    ));
    for stray in stray_event_keys(conn, NAMED).await? {
        let id = stray.id;
        report.add(format!(
            "event_key: a row names {}/{}, no such event",
            id.batch_id, id.position
        ));
    }
    Ok(())
}

async fn check_trace_index(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
) -> Result<(), CheckError> {
    let count = count_index_rows(conn).await?.max(0) as u64;
    if count == tally.index_rows {
        return Ok(());
    }
    report.add(format!(
        "trace_index: {count} rows, the statements have {}",
        tally.index_rows
    ));
    let mut offset = 0;
    let mut named = 0;
    while named < NAMED {
        let page = index_rows_page(conn, offset, ROWS).await?;
        if page.is_empty() {
            break;
        }
        offset += ROWS;
        for whole in &page {
            if named < NAMED && is_stray(conn, whole).await? {
                named += 1;
                let id = whole.row.id;
                report.add(format!(
                    "trace_index: the row of {}/{} with identity_key {} and role {} is too much",
                    id.batch_id, id.position, whole.row.identity_key, whole.row.role
                ));
            }
        }
    }
    Ok(())
}

/// Whether no statement has this row.
async fn is_stray(conn: &mut PgConnection, whole: &WholeIndexRow) -> Result<bool, CheckError> {
    let id = whole.row.id;
    let batch = Batch {
        id: id.batch_id,
        merchant_id: whole.merchant_id,
        recorded_at: whole.recorded_at,
        statement_count: 0,
    };
    let found = statements_of_batch(conn, &batch, id.position, 1).await?;
    let Some(checked) = found.first().filter(|found| found.statement.id == id) else {
        return Ok(true);
    };
    let about = about_of(&checked.statement.receipt).unwrap_or_default();
    let (happened, turns) = match event_of(&checked.statement.content) {
        Some(event) => (event.event_time, event.turns()),
        None => {
            let kind = Kind::parse(&checked.kind);
            let turns = kind.map(|kind| Turns::of_kind(kind, &about));
            (whole.recorded_at, turns.unwrap_or_default())
        }
    };
    Ok(!index_rows(id, happened, &about, turns).contains(&whole.row))
}

fn event_of(content: &str) -> Option<Event> {
    let value = auditlog::json::parse(content).ok()?;
    epcis::read_event(value.get("body")?).ok()
}

fn about_of(receipt: &str) -> Option<Vec<About>> {
    let value = auditlog::json::parse(receipt).ok()?;
    let about = value.get("about")?.as_array()?;
    about
        .iter()
        .map(|text| About::parse(text.as_str()?))
        .collect()
}

/// A GTIN is owned by the merchant that described it, and every product described is owned.
async fn check_owners(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
) -> Result<(), CheckError> {
    let mut after = String::new();
    let mut found = 0;
    loop {
        let page = gtin_owners_after(conn, &after, ROWS).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        found += page.len();
        for (gtin, merchant) in page {
            if tally.described.get(&gtin) != Some(&merchant) {
                report.add(format!("gtin_owner {gtin}: its owner never described it"));
            }
        }
    }
    if found != tally.described.len() {
        report.add(format!(
            "gtin_owner: {found} rows for {} products described",
            tally.described.len()
        ));
    }
    Ok(())
}

/// Whoever describes a place or a party is found under it, and nobody else.
async fn check_parties(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
) -> Result<(), CheckError> {
    let mut after = (i64::MIN, Uuid::nil());
    let mut found = 0;
    loop {
        let page = descriptions_after(conn, after, ROWS).await?;
        let Some(last) = page.last() else { break };
        after = *last;
        found += page.len();
        for row in page.iter().filter(|row| !tally.parties.contains(row)) {
            let (key, merchant) = row;
            report.add(format!(
                "party_description: the row of identity_key {key} names {merchant}, who says \
                 nothing of it"
            ));
        }
    }
    if found != tally.parties.len() {
        report.add(format!(
            "party_description: {found} rows for {} places and parties described",
            tally.parties.len()
        ));
    }
    Ok(())
}

/// Every code range has its public statement, which says the same.
async fn check_code_ranges(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
) -> Result<(), CheckError> {
    let mut offset = 0;
    let mut found = 0u64;
    let mut end: Option<OwnedCodeRange> = None;
    loop {
        let page = code_ranges_page(conn, offset, ROWS).await?;
        if page.is_empty() {
            break;
        }
        offset += ROWS;
        for owned in page {
            found += 1;
            let name = format!(
                "code_range {} from {}",
                owned.gtin, owned.range.first_number
            );
            if !is_stated(conn, &owned).await? {
                report.add(format!(
                    "{name}: its issuance statement is missing or says another"
                ));
            }
            let expected = match &end {
                Some(last) if last.merchant_id == owned.merchant_id && last.gtin == owned.gtin => {
                    last.range.first_number + last.range.quantity
                }
                _ => 0,
            };
            if owned.range.first_number != expected {
                report.add(format!("{name}: it does not follow the range before it"));
            }
            end = Some(owned);
        }
    }
    if found != tally.issuances {
        report.add(format!(
            "code_range: {found} rows for {} issuances",
            tally.issuances
        ));
    }
    Ok(())
}

async fn is_stated(conn: &mut PgConnection, owned: &OwnedCodeRange) -> Result<bool, CheckError> {
    let id = owned.range.id;
    let batch = Batch {
        id: id.batch_id,
        merchant_id: owned.merchant_id,
        recorded_at: time::OffsetDateTime::UNIX_EPOCH,
        statement_count: 0,
    };
    let found = statements_of_batch(conn, &batch, id.position, 1).await?;
    let Some(checked) = found.first().filter(|found| found.statement.id == id) else {
        return Ok(false);
    };
    let stated = || {
        let content = auditlog::json::parse(&checked.statement.content).ok()?;
        let body = content.get("body")?;
        let number = |key: &str| body.get(key)?.as_number()?.parse::<i64>().ok();
        let (first, quantity) = (number("firstNumber")?, number("quantity")?);
        let lot = match body.get("lot") {
            Some(lot) => {
                let link = crate::domain::gs1::DigitalLink::parse(lot.as_str()?).ok()?;
                Some(link.lot()?.to_string())
            }
            None => None,
        };
        let has_hidden = body.get("hidden") == Some(&auditlog::json::Value::Bool(true));
        let about = about_of(&checked.statement.receipt)?;
        let same = checked.kind == Kind::Issuance.as_str()
            && first == owned.range.first_number
            && quantity == owned.range.quantity
            && lot == owned.range.lot
            && has_hidden == owned.range.has_hidden
            && product_gtin(&about).as_deref() == Some(owned.gtin.as_str());
        Some(same)
    };
    Ok(stated().unwrap_or(false))
}
