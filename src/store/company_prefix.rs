//! Company prefixes that merchants declare.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Result, hold_identity};
use crate::domain::gs1::{CompanyPrefix, MAX_DECLARED_PREFIXES};
use crate::domain::identity_key::identity_key;

/// A company prefix that a merchant declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredPrefix {
    /// The prefix.
    pub company_prefix: CompanyPrefix,
    /// Since when.
    pub declared_at: OffsetDateTime,
}

/// Holds a merchant's company prefixes until the transaction ends, so that two that are declared together
/// are compared one after the other.
pub async fn hold_company_prefixes(conn: &mut PgConnection, merchant_id: Uuid) -> Result<()> {
    hold_identity(conn, merchant_id, identity_key("rootmark:companyPrefixes")).await
}

/// All company prefixes that a merchant declares, in the order of their digits. The transaction must act
/// for the merchant already.
pub async fn company_prefixes(
    conn: &mut PgConnection,
    merchant_id: Uuid,
) -> Result<Vec<DeclaredPrefix>> {
    let rows = sqlx::query!(
        r#"SELECT company_prefix, declared_at FROM company_prefix WHERE merchant_id = $1
           ORDER BY company_prefix COLLATE "C" LIMIT $2"#,
        merchant_id,
        MAX_DECLARED_PREFIXES as i64,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let prefix = CompanyPrefix::parse(&row.company_prefix);
            Ok(DeclaredPrefix {
                company_prefix: prefix.map_err(|error| sqlx::Error::Decode(error.into()))?,
                declared_at: row.declared_at,
            })
        })
        .collect()
}

/// Declares a company prefix; nothing changes if it is declared already.
pub async fn insert_company_prefix(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    declared: &DeclaredPrefix,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO company_prefix (merchant_id, company_prefix, declared_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        merchant_id,
        declared.company_prefix.as_str(),
        declared.declared_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a declaration back; false if there is none.
pub async fn delete_company_prefix(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    prefix: &CompanyPrefix,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM company_prefix WHERE merchant_id = $1 AND company_prefix = $2",
        merchant_id,
        prefix.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
