//! What merchants said of one place or party.

use std::collections::{BTreeSet, HashSet};

use auditlog::hash::LeafIndex;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::describe::party_name;
use super::found::{Found, Loaded, Room};
use super::setting::setting_of;
use super::{KnownAt, TraceError};
use crate::domain::disclosure::Audience;
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::domain::master::{self, Party};
use crate::domain::statement::{Kind, Role};
use crate::domain::turn::Turn;
use crate::store::begin_for;
use crate::store::party_description::describing_merchants;
use crate::store::walk::{Described, Descriptions, descriptions_of};

/// Merchants whose words about one place are read: enough for a port, and a bound for a stranger.
const MAX_MERCHANTS: i64 = 8;
/// Statements of one merchant that are read: keys can collide, so more than the last one.
const LAST: Descriptions = Descriptions {
    of_each: 8,
    rows: 16,
    content_bytes: 1 << 20,
};

/// What one merchant said last.
#[derive(Debug, Clone, PartialEq)]
pub struct PartyRecord {
    /// The description.
    pub party: Party,
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
    /// Its place in the log, once sealed.
    pub leaf_index: Option<LeafIndex>,
}

/// The places at which a merchant describes a party, or ever did. The transaction must act for the merchant.
pub async fn places_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    party: &Identity,
    known_at: KnownAt,
) -> Result<Vec<Identity>, TraceError> {
    let mut said = Found::known_at(known_at, Room::STORY);
    let names = HashSet::from([party_name(party)]);
    said.describe(conn, merchant_id, &names).await?;
    let mut places = BTreeSet::new();
    for loaded in said.in_order() {
        if loaded.kind == Kind::Party {
            let described = loaded.body(master::read_party)?;
            if described.party.as_ref() == Some(party) {
                places.extend(described.place);
            }
        }
    }
    Ok(places.into_iter().collect())
}

/// The last description of `identity` by each merchant that describes it, as somebody may see it, newest first. The same words
/// of two merchants are given once, with the older time.
pub async fn party_records(
    conn: &mut PgConnection,
    identity: &Identity,
    audience: Audience,
) -> Result<Vec<PartyRecord>, TraceError> {
    let canonical = identity.canonical();
    let key = identity_key(&canonical);
    let mut records: Vec<PartyRecord> = Vec::new();
    for merchant_id in describing_merchants(conn, key, MAX_MERCHANTS).await? {
        let mut tx = begin_for(conn, merchant_id).await?;
        let roles = [Role::Party, Role::Place].into_iter();
        let wanted = roles.filter_map(|role| Described::of(&canonical, role, Turn::Seen));
        let wanted: Vec<Described> = wanted.collect();
        let until = KnownAt::NOW.0;
        let stored = descriptions_of(&mut tx, merchant_id, &wanted, until, LAST).await?;
        let setting = setting_of(&mut tx, merchant_id).await?;
        tx.rollback().await?;
        let setting = setting.map(|said| said.value).unwrap_or_default();
        let mut last = None;
        for stored in stored.into_iter().rev() {
            let loaded = Loaded::read(stored)?;
            let is_about = loaded.about.iter().any(|about| about.identity == canonical);
            if loaded.kind == Kind::Party && is_about {
                last = Some(PartyRecord {
                    party: loaded.body(master::read_party)?.told_to(&setting, audience),
                    recorded_at: loaded.stored.recorded_at,
                    leaf_index: loaded.stored.leaf_index,
                });
            }
        }
        records.extend(last);
    }
    records.sort_by_key(|record| record.recorded_at);
    let mut told: Vec<PartyRecord> = Vec::new();
    for record in records {
        if !told.iter().any(|known| known.party == record.party) {
            told.push(record);
        }
    }
    told.reverse();
    Ok(told)
}
