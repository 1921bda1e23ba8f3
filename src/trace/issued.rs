//! The lots for which codes were issued. As long as no event gives such an item a lot, it is of that one: whatever was
//! made of it, or holds it, was made of that lot too.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{KnownAt, TraceError};
use crate::domain::code::{CodeKey, SerialCipher};
use crate::domain::gs1::{Gtin, Identity, Lot};
use crate::store::code_range::lots_of_numbers;

/// The lot of each item for which it was issued; `None` of one that was issued for none, or never.
pub(super) type IssuedLots = HashMap<Identity, Option<Lot>>;

/// Adds the lots of more items. The database is asked only for serials that are authentic.
pub(super) async fn add_issued_lots(
    conn: &mut PgConnection,
    (merchant_id, key): (Uuid, &CodeKey),
    known_at: KnownAt,
    items: Vec<Identity>,
    issued: &mut IssuedLots,
) -> Result<(), TraceError> {
    let mut ciphers: HashMap<Gtin, SerialCipher> = HashMap::new();
    let (mut authentic, mut numbers) = (Vec::new(), Vec::new());
    for item in items {
        if let Identity::Item { gtin, serial } = item {
            let cipher = ciphers.entry(gtin).or_insert_with(|| key.cipher(gtin));
            if let Some(number) = cipher.number(serial) {
                authentic.push(item.clone());
                numbers.push((gtin, number));
            }
        }
        issued.insert(item, None);
    }
    if numbers.is_empty() {
        return Ok(());
    }
    let lots = lots_of_numbers(conn, merchant_id, &numbers, known_at.0).await?;
    for (item, lot) in authentic.into_iter().zip(lots) {
        issued.insert(item, lot.and_then(|lot| Lot::parse(&lot).ok()));
    }
    Ok(())
}
