//! Check: everything against everything. Stored statements against their digests, digests against
//! the tiles, tiles against the signed checkpoints, checkpoints against the public files, and every
//! derived row against what it is derived from.
//!
//! It reads one moment of the database and writes nothing. Memory grows with the number of seals, not
//! with that of statements.

mod derived;
mod log;
mod public;
mod statements;

use std::collections::HashMap;
use std::path::Path;

use auditlog::LeafIndex;
use auditlog::note::Verifier;
use auditlog::policy::Policy;
use sqlx::{Connection, PgConnection};
use thiserror::Error;
use uuid::Uuid;

use crate::public::PublicError;
use crate::store::log_head::log_head;
use crate::store::see_one_moment;
use crate::store::statement::count_statements;

/// Findings reported; a log that is wrong everywhere need not be listed whole.
const MAX_FINDINGS: usize = 100;

/// What a check looked at and found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong, each named.
    pub findings: Vec<String>,
    /// Statements compared.
    pub statements: u64,
    /// Entries whose statements are lost, since an old database was restored.
    pub lost: u64,
    /// Checkpoints compared.
    pub seals: u64,
    /// How many of them are public.
    pub public_seals: u64,
    /// Leaves under the last checkpoint.
    pub tree_size: u64,
}

/// Why a check could not be made.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A public file cannot be read.
    #[error(transparent)]
    Public(#[from] PublicError),
    /// The database failed.
    #[error("the database: {0}")]
    Store(#[from] sqlx::Error),
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, finding: impl Into<String>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding.into());
        }
    }

    fn is_full(&self) -> bool {
        self.findings.len() >= MAX_FINDINGS
    }
}

/// What the statements add up to: what the derived tables must hold.
#[derive(Debug, Default)]
struct Tally {
    statements: u64,
    /// Entries without a statement, where the log has them.
    lost: u64,
    events: u64,
    index_rows: u64,
    /// Which merchant described a product first, by GTIN.
    described: HashMap<String, Uuid>,
    issuances: u64,
}

/// Checks the next part of the log: statements against their digests, receipts and derived rows. Gives
/// where to go on; the start again after the end. In the checker's role.
///
/// A service does this in the background for ever, so that damage is found while backups still hold
/// what was damaged.
pub async fn scrub(
    conn: &mut PgConnection,
    from: LeafIndex,
) -> Result<(Report, LeafIndex), CheckError> {
    let mut report = Report::default();
    let mut tx = conn.begin().await?;
    see_one_moment(&mut tx).await?;
    let next = statements::check_some(&mut tx, &mut report, from).await?;
    tx.rollback().await?;
    Ok((report, next.unwrap_or(LeafIndex(0))))
}

/// What is public, and who vouches for it.
#[derive(Debug, Clone, Copy)]
pub struct PublicSide<'a> {
    /// The public folder of the log.
    pub folder: &'a Path,
    /// The witnesses that are asked, if any are: the public checkpoint has no other signatures.
    pub witnesses: Option<&'a Policy>,
}

/// Checks everything; in the checker's role. `progress` is told how many more statements were
/// compared, of how many.
pub async fn check(
    conn: &mut PgConnection,
    folder: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<Report, CheckError> {
    let witnesses = None;
    check_with(conn, PublicSide { folder, witnesses }, progress).await
}

/// The same where witnesses are asked.
pub async fn check_with(
    conn: &mut PgConnection,
    public: PublicSide<'_>,
    progress: impl FnMut(u64, u64),
) -> Result<Report, CheckError> {
    let mut report = Report::default();
    match check_all(conn, &mut report, public, progress).await {
        // A column that cannot even be read is a finding; it names the column.
        Err(CheckError::Store(sqlx::Error::Decode(error))) => report.add(error.to_string()),
        other => other?,
    }
    Ok(report)
}

async fn check_all(
    conn: &mut PgConnection,
    report: &mut Report,
    side: PublicSide<'_>,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), CheckError> {
    // Read before the database, which the service may move on meanwhile: what is public was
    // committed before.
    let public = public::read(side.folder)?;
    let mut tx = conn.begin().await?;
    see_one_moment(&mut tx).await?;
    let Some(head) = log_head(&mut tx).await? else {
        report.add("log_head: the log has no head");
        return Ok(());
    };
    let verifier = match Verifier::parse(&head.vkey) {
        Ok(verifier) => verifier,
        Err(error) => {
            report.add(format!("log_head: its vkey: {error}"));
            return Ok(());
        }
    };
    let total = count_statements(&mut tx).await?.max(0) as u64;
    progress(0, total);
    let mut tally = Tally::default();
    let sizes = log::sealed_sizes(&mut tx).await?;
    let edge = statements::check_sealed(&mut tx, report, &mut tally, &sizes, &mut |n| {
        progress(n, total)
    })
    .await?;
    statements::check_pending(&mut tx, report, &mut tally, &mut |n| progress(n, total)).await?;
    log::check_seals(&mut tx, report, &head, &verifier, &edge).await?;
    log::check_edge(&mut tx, report, &edge).await?;
    log::check_tiles(&mut tx, report, head.tree.size).await?;
    derived::check(&mut tx, report, &tally, total).await?;
    public::check(&mut tx, report, side, &public, &head).await?;
    report.statements = tally.statements;
    report.lost = tally.lost;
    report.tree_size = head.tree.size.0;
    tx.rollback().await?;
    Ok(())
}
