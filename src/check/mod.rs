//! Check: everything against everything. Stored statements against their digests, digests against
//! the tiles, tiles against the signed checkpoints, checkpoints against the public files, and every
//! derived row against what it is derived from.
//!
//! It reads one moment of the database and writes nothing. Memory grows with the number of seals, not
//! with that of statements.

mod derived;
mod erasures;
mod event_index;
mod log;
mod pictures;
mod public;
mod statements;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use auditlog::LeafIndex;
use auditlog::policy::Policy;
use sqlx::{Connection, PgConnection};
use thiserror::Error;
use uuid::Uuid;

use erasures::Erasures;
use event_index::IndexTally;

use crate::domain::picture::Picture;
use crate::public::PublicError;
use crate::store::log_head::log_head;
use crate::store::picture::NamedPicture;
use crate::store::see_one_moment;
use crate::store::statement::count_statements;

/// Findings reported unless more are asked for; a log that is wrong everywhere need not be listed whole.
pub const MAX_FINDINGS: usize = 100;

/// What a check looked at and found.
#[derive(Debug)]
pub struct Report {
    max_findings: usize,
    /// What is wrong, each named.
    pub findings: Vec<String>,
    /// Statements compared.
    pub statements: u64,
    /// How many of them wait to be sealed.
    pub waiting: u64,
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
    fn new(max_findings: usize) -> Report {
        Report {
            max_findings,
            findings: Vec::new(),
            statements: 0,
            waiting: 0,
            lost: 0,
            seals: 0,
            public_seals: 0,
            tree_size: 0,
        }
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, finding: impl Into<String>) {
        if self.findings.len() < self.max_findings {
            self.findings.push(finding.into());
        }
    }

    /// How many findings there is room for.
    fn room(&self) -> i64 {
        let room = self.max_findings.saturating_sub(self.findings.len());
        i64::try_from(room).unwrap_or(i64::MAX)
    }

    fn is_full(&self) -> bool {
        self.findings.len() >= self.max_findings
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
    /// Look-ups.
    scans: u64,
    /// What queries find events by, where all of it is compared.
    index: Option<IndexTally>,
    /// Which pictures products name, or named, and what they say of these.
    pictures: BTreeMap<NamedPicture, Picture>,
    /// Which merchants describe a place or party, by the key of its identity.
    parties: BTreeSet<(i64, Uuid)>,
    /// What is gone from statements, and what was said of it.
    erasures: Erasures,
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
    let mut report = Report::new(MAX_FINDINGS);
    let mut tx = conn.begin().await?;
    see_one_moment(&mut tx).await?;
    let next = statements::check_some(&mut tx, &mut report, from).await?;
    tx.rollback().await?;
    Ok((report, next.unwrap_or(LeafIndex(0))))
}

/// What a check is to look at.
#[derive(Debug, Clone, Copy)]
pub struct CheckOrder<'a> {
    /// The public folder of the log.
    pub folder: &'a Path,
    /// The witnesses that are asked, if any are: the public checkpoint has no other signatures.
    pub witnesses: Option<&'a Policy>,
    /// Findings reported before it ends.
    pub max_findings: usize,
}

impl CheckOrder<'_> {
    /// A log beside this public folder, of which no witness is asked.
    pub fn new(folder: &Path) -> CheckOrder<'_> {
        CheckOrder {
            folder,
            witnesses: None,
            max_findings: MAX_FINDINGS,
        }
    }
}

/// Checks everything; in the checker's role. `progress` is told how many more statements were
/// compared, of how many.
pub async fn check(
    conn: &mut PgConnection,
    folder: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<Report, CheckError> {
    check_with(conn, CheckOrder::new(folder), progress).await
}

/// The same as it is ordered.
pub async fn check_with(
    conn: &mut PgConnection,
    order: CheckOrder<'_>,
    progress: impl FnMut(u64, u64),
) -> Result<Report, CheckError> {
    let mut report = Report::new(order.max_findings);
    match check_all(conn, &mut report, order, progress).await {
        // A column that cannot even be read is a finding; it names the column.
        Err(CheckError::Store(sqlx::Error::Decode(error))) => report.add(error.to_string()),
        other => other?,
    }
    Ok(report)
}

async fn check_all(
    conn: &mut PgConnection,
    report: &mut Report,
    order: CheckOrder<'_>,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), CheckError> {
    // Read before the database, which the service may move on meanwhile: what is public was
    // committed before.
    let public = public::read(order.folder)?;
    let mut tx = conn.begin().await?;
    see_one_moment(&mut tx).await?;
    let Some(head) = log_head(&mut tx).await? else {
        report.add("log_head: the log has no head");
        return Ok(());
    };
    let keys = match head.log_keys() {
        Ok(keys) => keys,
        Err(error) => {
            report.add(format!("log_head, key_rotation: {error}"));
            return Ok(());
        }
    };
    let total = count_statements(&mut tx).await?.max(0) as u64;
    progress(0, total);
    let mut tally = Tally {
        index: Some(IndexTally::read(&mut tx).await?),
        ..Tally::default()
    };
    let sizes = log::sealed_sizes(&mut tx).await?;
    let edge = statements::check_sealed(&mut tx, report, &mut tally, &sizes, &mut |n| {
        progress(n, total)
    })
    .await?;
    let sealed = tally.statements;
    statements::check_pending(&mut tx, report, &mut tally, &mut |n| progress(n, total)).await?;
    tally.erasures.finish(report);
    log::check_seals(&mut tx, report, &head, &keys, &edge).await?;
    log::check_edge(&mut tx, report, &edge).await?;
    log::check_tiles(&mut tx, report, head.tree.size).await?;
    if let Some(index) = tally.index.take() {
        index.finish(&mut tx, report).await?;
    }
    derived::check(&mut tx, report, &tally, total).await?;
    public::check(&mut tx, report, order, &public, &head).await?;
    report.statements = tally.statements;
    report.waiting = tally.statements - sealed;
    report.lost = tally.lost;
    report.tree_size = head.tree.size.0;
    tx.rollback().await?;
    Ok(())
}
