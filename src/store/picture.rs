//! Pictures, and which products name them.

use auditlog::Hash;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Result, hash};
use crate::domain::gs1::Gtin;
use crate::domain::picture::{MediaType, Picture};

/// A picture with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPicture {
    /// Whose.
    pub merchant_id: Uuid,
    /// What it is named by.
    pub sha256: Hash,
    /// The picture itself.
    pub bytes: Vec<u8>,
}

/// A product that names a picture: the merchant, the GTIN and the picture's digest.
pub type NamedPicture = (Uuid, String, Hash);

/// Stores a picture; nothing changes if it is there already.
pub async fn insert_picture(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    picture: &Picture,
    bytes: &[u8],
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO picture (merchant_id, sha256, media_type, width, height, bytes, sent_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT DO NOTHING",
        merchant_id,
        &picture.sha256.0,
        picture.media_type.as_str(),
        side(picture.width),
        side(picture.height),
        bytes,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is known of a picture, if a merchant sent it.
pub async fn sent_picture(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    sha256: &Hash,
) -> Result<Option<Picture>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT sha256, media_type, width, height FROM picture
         WHERE merchant_id = $1 AND sha256 = $2",
        merchant_id,
        &sha256.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::read).transpose()
}

/// How many pictures no product names, counted up to a limit.
pub async fn count_unnamed(conn: &mut PgConnection, merchant_id: Uuid, limit: i64) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM picture AS p
               WHERE merchant_id = $1 AND NOT EXISTS (
                   SELECT FROM product_picture AS named
                   WHERE named.merchant_id = $1 AND named.sha256 = p.sha256)
               LIMIT $2) AS unnamed"#,
        merchant_id,
        limit,
    )
    .fetch_one(conn)
    .await
}

/// Pictures that no product names, the first ones sent first.
pub async fn unnamed_pictures(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    limit: i64,
) -> Result<Vec<Picture>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT sha256, media_type, width, height FROM picture AS p
         WHERE merchant_id = $1 AND NOT EXISTS (
             SELECT FROM product_picture AS named
             WHERE named.merchant_id = $1 AND named.sha256 = p.sha256)
         ORDER BY sent_at, sha256 LIMIT $2",
        merchant_id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Notes that the descriptions of a product name a picture; what is known stays.
pub async fn name_picture(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    gtin: Gtin,
    sha256: &Hash,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO product_picture (merchant_id, gtin, sha256) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        merchant_id,
        gtin.as_str(),
        &sha256.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes, in the eraser's role, that the descriptions of a product name a picture no more.
pub async fn unname_picture(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    gtin: Gtin,
    sha256: &Hash,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM product_picture WHERE merchant_id = $1 AND gtin = $2 AND sha256 = $3",
        merchant_id,
        gtin.as_str(),
        &sha256.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a picture that no product names; whether it did. Whoever asks holds the picture.
pub async fn delete_unnamed(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    sha256: &Hash,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM picture WHERE merchant_id = $1 AND sha256 = $2 AND NOT EXISTS (
             SELECT FROM product_picture WHERE merchant_id = $1 AND sha256 = $2)",
        merchant_id,
        &sha256.0,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A picture that a product's descriptions name, or named: how it is packed, and its bytes.
pub async fn picture_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    gtin: Gtin,
    sha256: &Hash,
) -> Result<Option<(MediaType, Vec<u8>)>> {
    let row = sqlx::query!(
        "SELECT p.media_type, p.bytes FROM product_picture AS named
         JOIN picture AS p ON p.merchant_id = named.merchant_id AND p.sha256 = named.sha256
         WHERE named.merchant_id = $1 AND named.gtin = $2 AND named.sha256 = $3",
        merchant_id,
        gtin.as_str(),
        &sha256.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((read_type(&row.media_type)?, row.bytes)))
        .transpose()
}

/// Pictures of all merchants after `after`, in order; in the checker's role.
pub async fn pictures_after(
    conn: &mut PgConnection,
    after: (Uuid, Hash),
    limit: i64,
) -> Result<Vec<OwnedPicture>> {
    let rows = sqlx::query!(
        "SELECT merchant_id, sha256, bytes FROM picture
         WHERE (merchant_id, sha256) > ($1, $2) ORDER BY merchant_id, sha256 LIMIT $3",
        after.0,
        &after.1.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let owned = rows.into_iter().map(|row| {
        Ok(OwnedPicture {
            merchant_id: row.merchant_id,
            sha256: hash("picture.sha256", &row.sha256)?,
            bytes: row.bytes,
        })
    });
    owned.collect()
}

/// Which products of all merchants name which pictures, after `after`, in order, and what is known of those that are
/// there; in the checker's role.
pub async fn named_pictures_after(
    conn: &mut PgConnection,
    after: &NamedPicture,
    limit: i64,
) -> Result<Vec<(NamedPicture, Option<Picture>)>> {
    let rows = sqlx::query!(
        r#"SELECT named.merchant_id, named.gtin, named.sha256,
                  p.media_type AS "media_type?", p.width AS "width?", p.height AS "height?"
           FROM product_picture AS named
           LEFT JOIN picture AS p
             ON p.merchant_id = named.merchant_id AND p.sha256 = named.sha256
           WHERE (named.merchant_id, named.gtin, named.sha256) > ($1, $2, $3)
           ORDER BY named.merchant_id, named.gtin, named.sha256 LIMIT $4"#,
        after.0,
        after.1,
        &after.2.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let named = rows.into_iter().map(|row| {
        let sha256 = hash("product_picture.sha256", &row.sha256)?;
        let stored = match (row.media_type, row.width, row.height) {
            (Some(media_type), Some(width), Some(height)) => {
                Some(facts(sha256, &media_type, (width, height))?)
            }
            _ => None,
        };
        Ok(((row.merchant_id, row.gtin, sha256), stored))
    });
    named.collect()
}

struct Row {
    sha256: Vec<u8>,
    media_type: String,
    width: i32,
    height: i32,
}

impl Row {
    fn read(self) -> Result<Picture> {
        let sha256 = hash("picture.sha256", &self.sha256)?;
        facts(sha256, &self.media_type, (self.width, self.height))
    }
}

fn facts(sha256: Hash, media_type: &str, (width, height): (i32, i32)) -> Result<Picture> {
    let pixels = |side: i32| u32::try_from(side).map_err(|error| sqlx::Error::Decode(error.into()));
    Ok(Picture {
        sha256,
        media_type: read_type(media_type)?,
        width: pixels(width)?,
        height: pixels(height)?,
    })
}

fn read_type(text: &str) -> Result<MediaType> {
    MediaType::parse(text).ok_or_else(|| sqlx::Error::Decode("picture.media_type: unknown".into()))
}

/// The domain holds it within four digits.
fn side(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}
