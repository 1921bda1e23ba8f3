//! Tiles, as the sealer left them.

use auditlog::Hash;
use auditlog::tile::{Tile, TileContent, hashes_from_bytes, hashes_to_bytes};
use sqlx::PgConnection;

use super::Result;

/// The first `tile.width` hashes of a tile; `None` if it is not there or not so wide.
pub async fn tile_hashes(conn: &mut PgConnection, tile: Tile) -> Result<Option<Vec<Hash>>> {
    let hashes = sqlx::query_scalar!(
        r#"SELECT substring(hashes FOR $3) AS "hashes!" FROM tile
           WHERE level = $1 AND tile_index = $2"#,
        i16::from(tile.level),
        tile.index as i64,
        i32::from(tile.width) * 32,
    )
    .fetch_optional(conn)
    .await?;
    let hashes = hashes.as_deref().and_then(hashes_from_bytes);
    Ok(hashes.filter(|hashes| hashes.len() == usize::from(tile.width)))
}

/// Stores tiles, each in place of its narrower form.
pub async fn put_tiles(conn: &mut PgConnection, tiles: &[TileContent]) -> Result<()> {
    let levels: Vec<i16> = tiles.iter().map(|t| i16::from(t.tile.level)).collect();
    let indexes: Vec<i64> = tiles.iter().map(|t| t.tile.index as i64).collect();
    let hashes: Vec<Vec<u8>> = tiles.iter().map(|t| hashes_to_bytes(&t.hashes)).collect();
    sqlx::query!(
        "INSERT INTO tile (level, tile_index, hashes)
         SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
         ON CONFLICT (level, tile_index) DO UPDATE SET hashes = EXCLUDED.hashes",
        &levels,
        &indexes,
        &hashes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All tiles with their bytes, in order, a page at a time; in the checker's role.
pub async fn tiles_after(
    conn: &mut PgConnection,
    after: (i16, i64),
    limit: i64,
) -> Result<Vec<(i16, i64, Vec<u8>)>> {
    let rows = sqlx::query!(
        "SELECT level, tile_index, hashes FROM tile WHERE (level, tile_index) > ($1, $2)
         ORDER BY level, tile_index LIMIT $3",
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.level, row.tile_index, row.hashes))
        .collect())
}
