//! Queries that have a name.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Result, hold_identity};
use crate::domain::identity_key::identity_key;

/// A query that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQuery {
    /// Among the merchant's.
    pub name: String,
    /// The query: a JSON object as it came.
    pub query: String,
    /// When it was named.
    pub created_at: OffsetDateTime,
}

/// Holds a merchant's queries and subscriptions until the transaction ends, so that two that are made
/// together are counted one after the other.
pub async fn hold_queries(conn: &mut PgConnection, merchant_id: Uuid) -> Result<()> {
    hold_identity(conn, merchant_id, identity_key("rootmark:queries")).await
}

/// How many queries of a merchant have names.
pub async fn count_named_queries(conn: &mut PgConnection, merchant_id: Uuid) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM named_query WHERE merchant_id = $1"#,
        merchant_id,
    )
    .fetch_one(conn)
    .await
}

/// Stores a query; false if its name is taken. The transaction must act for the merchant already.
pub async fn insert_named_query(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query: &NamedQuery,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO named_query (merchant_id, name, query, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        merchant_id,
        query.name,
        query.query,
        query.created_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A merchant's query.
pub async fn named_query(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    name: &str,
) -> Result<Option<NamedQuery>> {
    sqlx::query_as!(
        NamedQuery,
        "SELECT name, query, created_at FROM named_query WHERE merchant_id = $1 AND name = $2",
        merchant_id,
        name,
    )
    .fetch_optional(conn)
    .await
}

/// A merchant's queries after the name `after`, by name.
pub async fn named_queries_after(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    after: &str,
    limit: i64,
) -> Result<Vec<NamedQuery>> {
    sqlx::query_as!(
        NamedQuery,
        "SELECT name, query, created_at FROM named_query
         WHERE merchant_id = $1 AND name > $2 ORDER BY name LIMIT $3",
        merchant_id,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Removes a query, and its subscriptions with it; false if there is none.
pub async fn delete_named_query(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    name: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM named_query WHERE merchant_id = $1 AND name = $2",
        merchant_id,
        name,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
