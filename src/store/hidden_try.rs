//! What was entered as hidden codes, as far as it limits guesses.

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::Result;

/// What was entered as the hidden code of an item on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryTally {
    /// Wrongly, by this network.
    pub wrong_of_network: i64,
    /// Wrongly, by all.
    pub wrong: i64,
    /// Whether rightly, by this network.
    pub is_right: bool,
}

/// Of which item, on which day, by which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryKey<'a> {
    /// Whose.
    pub merchant_id: Uuid,
    /// Canonical Digital Link of the item.
    pub code: &'a str,
    /// A day of UTC.
    pub day: Date,
    /// A network, under its name of that day.
    pub network: [u8; 8],
}

/// What was entered already.
pub async fn try_tally(conn: &mut PgConnection, key: TryKey<'_>) -> Result<TryTally> {
    sqlx::query_as!(
        TryTally,
        r#"SELECT coalesce(sum(wrong) FILTER (WHERE network = $4), 0) AS "wrong_of_network!",
                  coalesce(sum(wrong), 0) AS "wrong!",
                  coalesce(bool_or(is_right) FILTER (WHERE network = $4), false) AS "is_right!"
           FROM hidden_try WHERE merchant_id = $1 AND code = $2 AND day = $3"#,
        key.merchant_id,
        key.code,
        key.day,
        key.network.as_slice(),
    )
    .fetch_one(conn)
    .await
}

/// Notes a try. Whoever asks holds the item.
pub async fn note_try(conn: &mut PgConnection, key: TryKey<'_>, is_right: bool) -> Result<()> {
    sqlx::query!(
        "INSERT INTO hidden_try AS t (merchant_id, code, day, network, wrong, is_right)
         VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN 0 ELSE 1 END, $5)
         ON CONFLICT (merchant_id, code, day, network)
         DO UPDATE SET wrong = t.wrong + excluded.wrong, is_right = t.is_right OR excluded.is_right",
        key.merchant_id,
        key.code,
        key.day,
        key.network.as_slice(),
        is_right,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes what was noted before yesterday, of all merchants, in the eraser's role; how many rows there were.
pub async fn delete_past_tries(conn: &mut PgConnection) -> Result<u64> {
    let done =
        sqlx::query!("DELETE FROM hidden_try WHERE day < (now() AT TIME ZONE 'UTC')::date - 1")
            .execute(conn)
            .await?;
    Ok(done.rows_affected())
}
