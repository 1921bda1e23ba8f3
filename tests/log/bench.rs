//! The stages without the service: nothing is sealed or published unless a test says so.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use auditlog::anchor::AnchorLine;
use rootmark::anchor::{PublicLog, PublishError, Published};
use rootmark::app::merchants::{acting, add_merchant};
use rootmark::app::rotation::{Rotated, RotationOrder, rotate};
use rootmark::app::{Core, OpenAs};
use rootmark::capture::{Submitter, capture_document, record_master};
use rootmark::check::{CheckError, Report, check};
use rootmark::codes::{CodeOrder, IssuedCodes, issue};
use rootmark::config::Settings;
use rootmark::domain::capture_fault::ErrorBehaviour;
use rootmark::domain::gs1::Identity;
use rootmark::domain::gs1::{Gtin, Lot};
use rootmark::domain::region::Region;
use rootmark::domain::statement::Kind;
use rootmark::query::merge;
use rootmark::scan::{Look, count};
use rootmark::seal::{SealError, Sealed, seal};
use rootmark::store::log_head::{LogHead, log_head};
use rootmark::store::scan::Looker;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::support::{ISSUER, document, fresh_database, owner, settings};

/// What the clock of a bench shows first.
pub const FIRST: OffsetDateTime = datetime!(2026-06-01 08:00:00 UTC);

/// A log with one merchant, and a clock that a test moves.
pub struct Bench {
    pub core: Core,
    pub settings: Settings,
    pub merchant: Submitter,
    seconds: AtomicI64,
    data_dir: TempDir,
}

impl Bench {
    pub async fn new() -> Bench {
        Bench::in_folder(tempfile::tempdir().unwrap()).await
    }

    /// The same in a folder that may have keys already.
    pub async fn in_folder(data_dir: TempDir) -> Bench {
        let settings = settings(data_dir.path(), fresh_database().await);
        let core = Core::open(&settings, OpenAs::Founder).await.unwrap();
        let merchant = enter(&core, "Larkmere Demo", ISSUER).await;
        Bench {
            core,
            settings,
            merchant,
            seconds: AtomicI64::new(0),
            data_dir,
        }
    }

    /// The next second.
    pub fn tick(&self) -> OffsetDateTime {
        FIRST + Duration::seconds(self.seconds.fetch_add(1, Ordering::Relaxed))
    }

    pub fn folder(&self) -> &Path {
        self.core.public_log.folder()
    }

    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// Enters another merchant.
    pub async fn enter(&self, name: &str, issuer: &str) -> Submitter {
        enter(&self.core, name, issuer).await
    }

    /// Merges all that queries find events by.
    pub async fn merge_index(&self) {
        let mut conn = self.core.database.indexer.acquire().await.unwrap();
        while merge(&mut conn, Uuid::now_v7(), &[]).await.unwrap().batches > 0 {}
    }

    pub async fn capture(&self, events: &[String]) {
        self.capture_as(&self.merchant, events).await;
    }

    pub async fn capture_as(&self, submitter: &Submitter, events: &[String]) {
        let mut conn = self.core.database.capture.acquire().await.unwrap();
        let text = document::document(events);
        let captured = capture_document(
            &mut conn,
            submitter,
            text,
            ErrorBehaviour::Rollback,
            self.tick(),
        )
        .await
        .unwrap();
        assert_eq!(
            captured.job.stored_count as usize,
            events.len(),
            "every event is new"
        );
    }

    pub async fn describe(&self, submitter: &Submitter, kind: Kind, body: &str) {
        let mut conn = self.core.database.capture.acquire().await.unwrap();
        let recorded = record_master(&mut conn, submitter, kind, body, self.tick())
            .await
            .unwrap();
        assert!(recorded.is_new, "{body}");
    }

    pub async fn issue(
        &self,
        submitter: &Submitter,
        gtin: &str,
        lot: Option<&str>,
        quantity: u32,
    ) -> IssuedCodes {
        let order = CodeOrder {
            has_hidden: false,
            merchant_id: submitter.merchant_id,
            issuer: &submitter.issuer,
            gtin: Gtin::parse(gtin).unwrap(),
            lot: lot.map(|lot| Lot::parse(lot).unwrap()),
            quantity,
        };
        let mut conn = self.core.database.capture.acquire().await.unwrap();
        issue(&mut conn, &order, self.tick()).await.unwrap()
    }

    /// A phone looks at an item.
    pub async fn look(&self, of: &Submitter, item: &str, phone: u8, place: Option<&str>) {
        let look = Look {
            merchant_id: of.merchant_id,
            item: Identity::parse(item).unwrap(),
            looker: Looker {
                phone: [phone; 16],
                network: [phone; 8],
            },
            place: place.map(|place| Region::parse(place).unwrap()),
        };
        let mut conn = self.core.database.capture.acquire().await.unwrap();
        assert!(count(&mut conn, &look, self.tick()).await.unwrap().is_new);
    }

    /// Seals what is pending, a second later.
    pub async fn seal(&self) -> Result<Option<Sealed>, SealError> {
        self.seal_at(self.tick(), false).await
    }

    pub async fn seal_at(
        &self,
        now: OffsetDateTime,
        heartbeat: bool,
    ) -> Result<Option<Sealed>, SealError> {
        let mut conn = self.core.database.sealer.acquire().await.unwrap();
        seal(&mut conn, &self.core.keys.log, now, heartbeat).await
    }

    /// Changes the log's key, and takes up the new one.
    pub async fn rotate(&mut self, overlap: u64) -> Rotated {
        let order = RotationOrder {
            overlap,
            new_key: None,
        };
        let rotated = rotate(&self.core, order).await.unwrap();
        self.take_up_keys().await;
        rotated
    }

    /// What a service does that finds its key replaced.
    pub async fn take_up_keys(&mut self) {
        let signers = self.core.key_places.log_signers(&self.head().await).await;
        self.core.keys.log = Arc::new(signers.unwrap());
    }

    pub async fn head(&self) -> LogHead {
        let mut conn = self.core.database.sealer.acquire().await.unwrap();
        log_head(&mut conn).await.unwrap().unwrap()
    }

    /// Seals what must be pending.
    pub async fn sealed(&self) -> Sealed {
        self.seal().await.unwrap().expect("something is pending")
    }

    pub async fn publish(&self) -> Option<Published> {
        self.publish_to(&self.core.public_log).await.unwrap()
    }

    pub async fn publish_to(&self, log: &PublicLog) -> Result<Option<Published>, PublishError> {
        let mut conn = self.core.database.sealer.acquire().await.unwrap();
        log.publish(&mut conn).await
    }

    /// Seals what must be pending, and publishes it.
    pub async fn sealed_and_public(&self) -> Sealed {
        let sealed = self.sealed().await;
        self.publish().await.unwrap();
        sealed
    }

    pub async fn check(&self) -> Result<Report, CheckError> {
        let mut conn = self.core.database.checker.acquire().await.unwrap();
        check(&mut conn, self.core.public_log.folder(), |_, _| {}).await
    }

    /// Asserts that a check finds nothing.
    pub async fn assert_clean(&self, when: &str) {
        let report = self.check().await.unwrap();
        assert!(report.is_clean(), "{when}: {:#?}", report.findings);
    }

    /// A connection of the database's owner, for tampering.
    pub async fn owner(&self) -> PgConnection {
        owner(&self.settings).await
    }

    /// A connection of its own in the sealer's role, as another process has one.
    pub async fn sealer(&self) -> PgConnection {
        let mut conn = self.owner().await;
        run(&mut conn, "SET ROLE rootmark_sealer").await;
        conn
    }

    /// The anchor lines of all seals in the database.
    pub async fn lines(&self) -> Vec<AnchorLine> {
        let mut conn = self.owner().await;
        let lines: Vec<String> =
            rows(&mut conn, "SELECT anchor_line FROM seal ORDER BY number").await;
        conn.close().await.unwrap();
        lines
            .iter()
            .map(|line| AnchorLine::parse(line).unwrap())
            .collect()
    }

    /// Everything that sealing changes, as one text: equal only if nothing was sealed.
    pub async fn standing(&self) -> String {
        let mut conn = self.owner().await;
        let standing = standing(&mut conn).await;
        conn.close().await.unwrap();
        standing
    }
}

/// Every row of the tables that sealing writes to.
pub async fn standing(conn: &mut PgConnection) -> String {
    let mut all = String::new();
    for table in ["log_head", "seal", "tile", "pending_batch", "sealed_batch"] {
        let query = format!("SELECT t::text FROM {table} t ORDER BY t::text");
        all.push_str(&format!(
            "{table}: {}\n",
            rows(conn, &query).await.join("\n")
        ));
    }
    all
}

/// Runs SQL that changes something.
pub async fn run(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(conn)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Runs SQL that must change exactly one row.
pub async fn change_one(conn: &mut PgConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(conn)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

/// The rows of a query of one text column.
pub async fn rows(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(conn)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The number that a query gives.
pub async fn number(conn: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(conn)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn enter(core: &Core, name: &str, issuer: &str) -> Submitter {
    let (database, codes) = (&core.database, &core.keys.codes);
    add_merchant(database, codes, name, issuer).await.unwrap();
    let submitter = acting(database, codes, Some(name), None);
    submitter.await.unwrap()
}
