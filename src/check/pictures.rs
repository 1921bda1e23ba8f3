//! Pictures against their digests, and against the descriptions that name them. None is unpacked again: what a picture
//! must be may change, and what was taken stays.

use auditlog::Hash;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{CheckError, Report, Tally};
use crate::store::picture::{NamedPicture, named_pictures_after, pictures_after};

/// Rows read at a time; a picture has at most 24 KiB.
const ROWS: i64 = 100;

pub(super) async fn check(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
) -> Result<(), CheckError> {
    check_bytes(conn, report).await?;
    check_names(conn, report, tally).await
}

/// Each is what it is named by.
async fn check_bytes(conn: &mut PgConnection, report: &mut Report) -> Result<(), CheckError> {
    let mut after = (Uuid::nil(), Hash([0; 32]));
    loop {
        let page = pictures_after(conn, after, ROWS).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = (last.merchant_id, last.sha256);
        for owned in &page {
            if Hash::of(&[&owned.bytes]) != owned.sha256 {
                report.add(format!(
                    "picture {}: its bytes have another digest",
                    owned.sha256.to_hex()
                ));
            }
        }
    }
}

/// What descriptions name is there, and nothing else is said to be named.
async fn check_names(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &Tally,
) -> Result<(), CheckError> {
    let mut after: NamedPicture = (Uuid::nil(), String::new(), Hash([0; 32]));
    let mut found = 0;
    loop {
        let page = named_pictures_after(conn, &after, ROWS).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        for (named, stored) in &page {
            let (_, gtin, sha256) = named;
            let sha256 = sha256.to_hex();
            let name = format!("product_picture {gtin} {sha256}");
            let Some(described) = tally.pictures.get(named) else {
                report.add(format!("{name}: no description of the product names it"));
                continue;
            };
            found += 1;
            match stored {
                Some(stored) if stored == described => {}
                Some(_) => report.add(format!(
                    "picture {sha256}: its row says another of it than a description of {gtin}"
                )),
                None => report.add(format!(
                    "picture {sha256}: is missing, and a description of {gtin} names it"
                )),
            }
        }
    }
    if found != tally.pictures.len() {
        report.add(format!(
            "product_picture: {found} rows for {} pictures that descriptions name",
            tally.pictures.len()
        ));
    }
    Ok(())
}
