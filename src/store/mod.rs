//! Every SQL statement, one file per table. A function takes a connection, never a pool, and gives
//! domain types; what it reads is bounded and ordered.
//!
//! Queries are checked against the schema when the code is compiled. After changing one, or a
//! migration, run `make prepare`.

pub mod account;
pub mod act;
pub mod api_key;
pub mod batch;
pub mod capture_job;
pub mod code_key;
pub mod code_range;
pub mod company_prefix;
mod database;
pub mod erasure;
pub mod event_index;
pub mod event_key;
pub mod gtin_owner;
pub mod hidden_try;
pub mod invitation;
pub mod key_rotation;
pub mod log_head;
pub mod lost_entry;
pub mod members;
pub mod membership;
pub mod merchant;
pub mod named_query;
pub mod party_description;
pub mod password_reset;
pub mod picture;
pub mod problem_case;
pub mod recall;
pub mod recovery_code;
pub mod report;
pub mod scan;
pub mod seal;
pub mod sent_form;
pub mod session;
pub mod statement;
pub mod subscription;
pub mod tile;
pub mod trace_index;
pub mod walk;

pub use database::{
    Database, MIGRATOR, OpenError, Pool, embedded_options, has_log, missing_migration,
};

/// What every function here gives.
pub type Result<T> = sqlx::Result<T>;

/// Acts for one merchant until the transaction ends: row-level security shows and takes only that
/// merchant's rows.
pub async fn act_for(conn: &mut sqlx::PgConnection, merchant_id: uuid::Uuid) -> Result<()> {
    sqlx::query!(
        "SELECT set_config('rootmark.merchant_id', $1, true)",
        merchant_id.to_string()
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Begins a transaction that acts for one merchant: see [`act_for`].
pub async fn begin_for(
    conn: &mut sqlx::PgConnection,
    merchant_id: uuid::Uuid,
) -> Result<sqlx::Transaction<'_, sqlx::Postgres>> {
    let mut tx = sqlx::Connection::begin(conn).await?;
    act_for(&mut tx, merchant_id).await?;
    Ok(tx)
}

/// The same for one who waits for what is read: the transaction sees one moment, writes nothing, and no
/// statement of it takes longer than [`limit_time`] allows.
pub async fn read_for(
    conn: &mut sqlx::PgConnection,
    merchant_id: uuid::Uuid,
) -> Result<sqlx::Transaction<'_, sqlx::Postgres>> {
    let mut tx = sqlx::Connection::begin(conn).await?;
    see_one_moment(&mut tx).await?;
    limit_time(&mut tx).await?;
    act_for(&mut tx, merchant_id).await?;
    Ok(tx)
}

/// Holds one identity of a merchant until the transaction ends, so that two descriptions of it that
/// arrive together are compared one after the other.
pub async fn hold_identity(
    conn: &mut sqlx::PgConnection,
    merchant_id: uuid::Uuid,
    identity_key: i64,
) -> Result<()> {
    let (high, low) = merchant_id.as_u64_pair();
    let lock = identity_key ^ (high ^ low) as i64;
    sqlx::query!(r#"SELECT pg_advisory_xact_lock($1)::text AS "held""#, lock)
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Lets the transaction wait for what others hold for two seconds at the most.
pub async fn limit_waiting(conn: &mut sqlx::PgConnection) -> Result<()> {
    sqlx::query!("SET LOCAL lock_timeout = '2s'")
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes the transaction see one moment of the database, and write nothing. Its first statement.
pub async fn see_one_moment(conn: &mut sqlx::PgConnection) -> Result<()> {
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(conn)
        .await?;
    Ok(())
}

/// Lets Postgres end any statement of the transaction that takes more than ten seconds: who waits for it
/// has gone by then.
pub async fn limit_time(conn: &mut sqlx::PgConnection) -> Result<()> {
    sqlx::query!("SET LOCAL statement_timeout = 10000")
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether the database answers.
pub async fn answers(conn: &mut sqlx::PgConnection) -> bool {
    sqlx::query_scalar!(r#"SELECT true AS "yes!""#)
        .fetch_one(conn)
        .await
        .unwrap_or(false)
}

/// Whether an error means that the database cannot be reached or is going away, so that trying again
/// later is the right advice.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // PostgreSQL's error classes: 08 connection, 40 deadlock and the like, 53 out of resources,
        // 57 operator intervention; and, while an operator moves or restores the database, 3D000 no
        // such database and 55000 not admitting anybody. 55P03 is what others hold longer than is waited for.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            let codes = ["08", "3D000", "40", "53", "55000", "55P03", "57"];
            codes.iter().any(|c| code.starts_with(c))
        }),
        _ => false,
    }
}

/// Whether a statement was ended for taking longer than [`limit_time`] allows.
pub fn is_too_slow(error: &sqlx::Error) -> bool {
    // query_canceled
    matches!(error, sqlx::Error::Database(error) if error.code().is_some_and(|code| code == "57014"))
}

/// A digest column; the schema holds its length at 32.
fn hash(column: &str, bytes: &[u8]) -> Result<auditlog::Hash> {
    Ok(auditlog::Hash(array(column, bytes)?))
}

/// A secret column; the schema holds its length at 32.
fn secret(column: &str, bytes: &[u8]) -> Result<auditlog::field::Secret> {
    Ok(auditlog::field::Secret(array(column, bytes)?))
}

/// The salts of a content, or what is left of them.
fn salts(column: &str, bytes: &[u8]) -> Result<auditlog::salts::Salts> {
    auditlog::salts::Salts::from_bytes(bytes)
        .map_err(|error| sqlx::Error::Decode(format!("{column}: {error}").into()))
}

fn array<const N: usize>(column: &str, bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| {
        sqlx::Error::Decode(format!("{column}: has {} bytes, not {N}", bytes.len()).into())
    })
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}
