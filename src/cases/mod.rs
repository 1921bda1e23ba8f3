//! Cases: what shoppers report of a code, or its look-ups show, waits for its merchant, and ends with what the merchant found.
//!
//! A report changes no verdict: whoever wants to spoil genuine goods could write one. What the merchant finds of a code does,
//! as a statement of kind review; it closes the case.

use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::gs1::Identity;
use crate::domain::master::Bilingual;
use crate::domain::report::{KEPT, Matter, ReportNumber};
use crate::domain::time::to_millisecond;
use crate::store::problem_case::{
    CaseRow, Closing, case_by_id, close_case, count_reported_cases, hold_cases, open_case,
    open_case_for_signs, open_case_of, reopen_case,
};
use crate::store::report::{
    NewReport, ReportRow, case_of_report, empty_reports, insert_report, report_tally, reports_of,
};
use crate::store::{begin_for, limit_waiting};

/// Reports of one code from one network, under its name of one day.
pub const MAX_OF_NETWORK_AND_CODE: i64 = 3;
/// Reports of all codes of a merchant from one network.
pub const MAX_OF_NETWORK: i64 = 20;
/// Reports of one case.
pub const MAX_OF_CASE: i64 = 50;
/// Cases of one merchant that are open because of reports.
pub const MAX_OPEN: i64 = 1_000;
/// Pictures of one merchant that are kept.
pub const MAX_PICTURES: i64 = 1_000;

/// A report.
#[derive(Debug, Clone)]
pub struct Report {
    /// Of what: an item, a lot or a product. Whether it is on record does not matter.
    pub code: Identity,
    /// The number that its reader gets.
    pub number: ReportNumber,
    /// A network, under a name of one day.
    pub network: [u8; 8],
    /// What is wrong.
    pub matter: Matter,
    /// In words.
    pub words: Option<String>,
    /// A photograph as it is kept.
    pub picture: Option<Vec<u8>>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// All of it is kept.
    Whole,
    /// The merchant has as many pictures as are kept: this one is not.
    WithoutPicture,
}

/// Why a report is not taken, or a case not changed.
#[derive(Debug, Error)]
pub enum CaseError {
    /// The network has sent as many today as are taken.
    #[error("too many reports from one network on one day")]
    TooManyOfNetwork,
    /// As many wait as are taken.
    #[error("too many reports are waiting for this merchant")]
    TooManyWaiting,
    /// There is none.
    #[error("there is no such case")]
    Unknown,
    /// It stands on what the record shows, and only a statement answers that.
    #[error("this case was opened by signs of a copy: send a review of its code, which closes it")]
    NeedsReview,
    /// Another one of the same code is open.
    #[error("another case of the same code is open")]
    OtherIsOpen,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Takes a report, and opens a case if none is open; a report that is here already is not taken twice.
pub async fn report(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    report: &Report,
    now: OffsetDateTime,
) -> Result<Taken, CaseError> {
    let now = to_millisecond(now);
    let code = report.code.canonical();
    let mut tx = begin_held(conn, merchant_id).await?;
    let digest = report.number.digest();
    if case_of_report(&mut tx, merchant_id, digest)
        .await?
        .is_some()
    {
        tx.rollback().await?;
        return Ok(Taken::Whole);
    }
    let has_room = room(&mut tx, merchant_id, &code, report.network).await?;
    let kept = report.picture.as_deref().filter(|_| has_room);
    let new = NewReport {
        case_id: open_case(&mut tx, merchant_id, &code, "report", now).await?,
        digest,
        network: report.network,
        recorded_at: now,
        matter: report.matter.as_str(),
        words: report.words.as_deref(),
        picture: kept,
    };
    insert_report(&mut tx, merchant_id, &new).await?;
    tx.commit().await?;
    Ok(match report.picture.is_some() && kept.is_none() {
        true => Taken::WithoutPicture,
        false => Taken::Whole,
    })
}

/// Whether a report would be taken, or is here already, before anything is done for it.
pub async fn may_report(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    (code, number): (&Identity, &ReportNumber),
    network: [u8; 8],
) -> Result<(), CaseError> {
    let mut tx = begin_for(conn, merchant_id).await?;
    let known = case_of_report(&mut tx, merchant_id, number.digest()).await?;
    if known.is_none() {
        room(&mut tx, merchant_id, &code.canonical(), network).await?;
    }
    tx.rollback().await?;
    Ok(())
}

/// Refuses a report that is one too many; else, whether there is room for its picture.
async fn room(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
    network: [u8; 8],
) -> Result<bool, CaseError> {
    let tally = report_tally(conn, merchant_id, code, network, MAX_PICTURES).await?;
    if tally.of_network_and_code >= MAX_OF_NETWORK_AND_CODE || tally.of_network >= MAX_OF_NETWORK {
        return Err(CaseError::TooManyOfNetwork);
    }
    let is_open = open_case_of(conn, merchant_id, code).await?.is_some();
    let is_full = !is_open && count_reported_cases(conn, merchant_id, MAX_OPEN).await? >= MAX_OPEN;
    if tally.of_case >= MAX_OF_CASE || is_full {
        return Err(CaseError::TooManyWaiting);
    }
    Ok(tally.pictures < MAX_PICTURES)
}

/// Begins a transaction that acts for a merchant and holds its cases.
async fn begin_held(
    conn: &mut PgConnection,
    merchant_id: Uuid,
) -> Result<sqlx::Transaction<'_, sqlx::Postgres>, sqlx::Error> {
    let mut tx = begin_for(conn, merchant_id).await?;
    limit_waiting(&mut tx).await?;
    hold_cases(&mut tx, merchant_id).await?;
    Ok(tx)
}

/// Whether a case of a code is open that signs are the cause of. The transaction must act for its merchant.
pub async fn is_open_for_signs(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &Identity,
) -> Result<bool, sqlx::Error> {
    let open = open_case_for_signs(conn, merchant_id, &code.canonical()).await?;
    Ok(open.is_some())
}

/// Opens a case of a code that its record or its look-ups put in doubt. One that is open already is then for that, too.
pub async fn open_for_signs(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &Identity,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let mut tx = begin_held(conn, merchant_id).await?;
    let now = to_millisecond(now);
    open_case(&mut tx, merchant_id, &code.canonical(), "signs", now).await?;
    tx.commit().await
}

/// The case of a report, and when that was recorded; none where the code has no report of this number.
pub async fn case_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &Identity,
    number: &ReportNumber,
) -> Result<Option<(CaseRow, OffsetDateTime)>, sqlx::Error> {
    let found = case_of_report(conn, merchant_id, number.digest()).await?;
    let Some((id, recorded_at)) = found else {
        return Ok(None);
    };
    let case = case_by_id(conn, merchant_id, id).await?;
    let case = case.filter(|case| case.code == code.canonical());
    Ok(case.map(|case| (case, recorded_at)))
}

/// One case with its reports.
pub async fn case_with_reports(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
) -> Result<(CaseRow, Vec<ReportRow>), CaseError> {
    let case = case_by_id(conn, merchant_id, id).await?;
    let case = case.ok_or(CaseError::Unknown)?;
    let reports = reports_of(conn, merchant_id, id, MAX_OF_CASE).await?;
    Ok((case, reports))
}

/// Closes a case with an answer to whoever reported, or with none; of one that is closed, changes the answer.
pub async fn close(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
    answer: Option<&Bilingual>,
    now: OffsetDateTime,
) -> Result<(), CaseError> {
    let mut tx = begin_held(conn, merchant_id).await?;
    let case = case_by_id(&mut tx, merchant_id, id).await?;
    let case = case.ok_or(CaseError::Unknown)?;
    if case.cause == "signs" && case.closed_at.is_none() {
        return Err(CaseError::NeedsReview);
    }
    let now = to_millisecond(now);
    let closing = Closing {
        at: now,
        outcome: None,
        answer: answer.map(|words| (words.zh_cn.as_str(), words.en.as_str())),
        kept_until: now + KEPT,
    };
    close_case(&mut tx, merchant_id, id, closing).await?;
    tx.commit().await?;
    Ok(())
}

/// Opens a case again; one that is open stays so. A review that closed it stays on record.
pub async fn reopen(conn: &mut PgConnection, merchant_id: Uuid, id: Uuid) -> Result<(), CaseError> {
    let mut tx = begin_held(conn, merchant_id).await?;
    let case = case_by_id(&mut tx, merchant_id, id).await?;
    let case = case.ok_or(CaseError::Unknown)?;
    if case.closed_at.is_none() {
        return Ok(());
    }
    if open_case_of(&mut tx, merchant_id, &case.code)
        .await?
        .is_some()
    {
        return Err(CaseError::OtherIsOpen);
    }
    reopen_case(&mut tx, merchant_id, id).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes words and pictures out of the reports of a case.
pub async fn empty(conn: &mut PgConnection, merchant_id: Uuid, id: Uuid) -> Result<(), CaseError> {
    let mut tx = begin_for(conn, merchant_id).await?;
    let case = case_by_id(&mut tx, merchant_id, id).await?;
    case.ok_or(CaseError::Unknown)?;
    empty_reports(&mut tx, merchant_id, id).await?;
    tx.commit().await?;
    Ok(())
}
