//! Opening the database: migrations as its owner, everything else in roles that own nothing.

use std::future::poll_fn;
use std::pin::pin;
use std::time::{Duration, Instant};

use prometheus::Histogram;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Postgres};
use thiserror::Error;
use tokio::runtime::Handle;

use crate::metrics::Metrics;
use crate::postgres::Access;

/// The migrations, compiled in.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The database of the embedded cluster.
const EMBEDDED_DATABASE: &str = "rootmark";
/// How long a request waits for a connection before it is told to come back later.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(3);

/// How long a connection may rest before it is asked whether it still lives.
const REST_LIMIT: Duration = Duration::from_secs(1);

/// Pools of connections, one for each role.
#[derive(Debug, Clone)]
pub struct Database {
    /// Captures statements and administers merchants.
    pub capture: Pool,
    /// Reads pages and proofs.
    pub reader: Pool,
    /// Seals, and publishes what was sealed.
    pub sealer: Pool,
    /// Compares everything with everything.
    pub checker: Pool,
    /// Merges what queries find events by.
    pub indexer: Pool,
    /// Sends subscribers what is theirs.
    pub deliverer: Pool,
    /// Lets people into the dashboard.
    pub accounts: Pool,
    /// Replaces what is erased.
    pub eraser: Pool,
    /// What is measured of all of them, and by everybody who works with them.
    pub metrics: Metrics,
}

/// Connections in one role, and how long is waited for one.
#[derive(Debug, Clone)]
pub struct Pool {
    connections: PgPool,
    wait: Histogram,
    /// Where connections live: a web worker that opens one may end before another that uses it.
    home: Handle,
}

impl Pool {
    /// A connection, within three seconds.
    pub async fn acquire(&self) -> sqlx::Result<PoolConnection<Postgres>> {
        let asked = Instant::now();
        let mut acquired = pin!(self.connections.acquire());
        let connection = poll_fn(|context| {
            let _at_home = self.home.enter();
            acquired.as_mut().poll(context)
        });
        let connection = connection.await;
        // In vain too: who waits three seconds for nothing is what an operator wants to see.
        self.wait.observe(asked.elapsed().as_secs_f64());
        connection
    }

    /// Connections that are open now.
    pub fn size(&self) -> u32 {
        self.connections.size()
    }
}

/// Why the database cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It does not answer.
    #[error("the database does not answer: {0}")]
    Connect(#[source] sqlx::Error),
    /// It answers, and its schema cannot be brought up to date.
    #[error("the database cannot be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Database {
    /// Migrates the database and opens a pool for each role. `owner` must be the owner of the
    /// schema, and a member of the roles.
    pub async fn open(owner: PgConnectOptions) -> Result<Database, OpenError> {
        let owner = owner
            .application_name("rootmark")
            .disable_statement_logging();
        let mut connection = PgConnection::connect_with(&owner)
            .await
            .map_err(OpenError::Connect)?;
        MIGRATOR.run(&mut connection).await?;
        connection.close().await.map_err(OpenError::Connect)?;
        let metrics = Metrics::new();
        let home = Handle::current();
        let pool = |name, role, most| Pool {
            home: home.clone(),
            connections: pool(&owner, role, most),
            wait: metrics.db_pool_wait.with_label_values(&[name]),
        };
        Ok(Database {
            capture: pool("capture", "rootmark_capture", 12),
            reader: pool("reader", "rootmark_reader", 12),
            sealer: pool("sealer", "rootmark_sealer", 2),
            checker: pool("checker", "rootmark_checker", 2),
            indexer: pool("indexer", "rootmark_indexer", 1),
            deliverer: pool("deliverer", "rootmark_deliverer", 4),
            accounts: pool("accounts", "rootmark_accounts", 6),
            eraser: pool("eraser", "rootmark_eraser", 1),
            metrics,
        })
    }

    /// Closes every connection.
    pub async fn close(&self) {
        let own = [
            &self.sealer,
            &self.checker,
            &self.indexer,
            &self.deliverer,
            &self.accounts,
            &self.eraser,
        ];
        for pool in [&self.capture, &self.reader].into_iter().chain(own) {
            pool.connections.close().await;
        }
    }
}

/// Whether a database has the table of a log. Nothing is changed.
pub async fn has_log(owner: PgConnectOptions) -> Result<bool, OpenError> {
    let mut connection = PgConnection::connect_with(&owner)
        .await
        .map_err(OpenError::Connect)?;
    let has_log = sqlx::query_scalar!(r#"SELECT to_regclass('log_head') IS NOT NULL AS "yes!""#)
        .fetch_one(&mut connection)
        .await
        .map_err(OpenError::Connect)?;
    connection.close().await.map_err(OpenError::Connect)?;
    Ok(has_log)
}

/// The first migration of this program that the database lacks; in the reader's role. One that is more
/// than this program knows was made by a newer one, for which both must work.
pub async fn missing_migration(conn: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    let done = sqlx::query_scalar!(
        "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version LIMIT 1000"
    )
    .fetch_all(conn)
    .await?;
    let mut known = MIGRATOR.iter().map(|migration| migration.version);
    Ok(known.find(|version| !done.contains(version)))
}

fn pool(owner: &PgConnectOptions, role: &'static str, most: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(ACQUIRE_LIMIT)
        // A check is a round trip and, made every time, halves the rate of look-ups. Under load no
        // connection rests; one that did may have died since, with a Postgres that was restarted.
        .test_before_acquire(false)
        .before_acquire(|connection, rest| {
            Box::pin(async move {
                if rest.idle_for < REST_LIMIT {
                    return Ok(true);
                }
                Ok(connection.ping().await.is_ok())
            })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection
                    .execute(sqlx::AssertSqlSafe(format!("SET ROLE {role}")))
                    .await?;
                Ok(())
            })
        })
        .connect_lazy_with(owner.clone())
}

/// How to reach the embedded cluster's database, which is made if it does not exist.
pub async fn embedded_options(access: &Access) -> Result<PgConnectOptions, OpenError> {
    let server = PgConnectOptions::new_without_pgpass()
        .socket(&access.socket_dir)
        .port(access.port())
        .username(access.user())
        .password(access.password.expose());
    let mut connection = PgConnection::connect_with(&server.clone().database("postgres"))
        .await
        .map_err(OpenError::Connect)?;
    let exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS "exists!""#,
        EMBEDDED_DATABASE
    )
    .fetch_one(&mut connection)
    .await
    .map_err(OpenError::Connect)?;
    if !exists {
        let create = format!("CREATE DATABASE {EMBEDDED_DATABASE}");
        connection
            .execute(sqlx::AssertSqlSafe(create))
            .await
            .map_err(OpenError::Connect)?;
    }
    connection.close().await.map_err(OpenError::Connect)?;
    Ok(server.database(EMBEDDED_DATABASE))
}
