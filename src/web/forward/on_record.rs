//! Whether there is a record of what somebody recalls or reviews: of a misspelled lot there is none.

use sqlx::PgConnection;

use super::start::{Events, KINDS, Origin, StartError, any_of};
use crate::domain::epcis::query::Condition;
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::query::QueryError;
use crate::store::members::on_record;
use crate::trace::TraceError;

impl Origin {
    /// Those of some things of which there is no record: no event names them or anything of theirs, no codes were issued
    /// for them, and they are no described products. The transaction must act for the merchant and see one moment.
    pub async fn not_on_record(
        &self,
        conn: &mut PgConnection,
        things: Vec<Identity>,
    ) -> Result<Vec<Identity>, StartError> {
        let key = |thing: &Identity| identity_key(&thing.canonical());
        let keys: Vec<i64> = things.iter().map(key).collect();
        let named = on_record(conn, self.merchant_id, &keys, self.known_at.0).await;
        let named = named.map_err(TraceError::from)?;
        // What was captured last is read once for all.
        let mut events = self.events(named_of(&[]));
        let mut unknown = Vec::new();
        for (thing, key) in things.into_iter().zip(keys) {
            let is_known = named.contains(&key)
                || match thing {
                    Identity::Class { .. } => {
                        is_kind_named(conn, &mut events, thing.clone()).await?
                    }
                    _ => self.is_issued(conn, &thing).await?,
                };
            if !is_known {
                unknown.push(thing);
            }
        }
        Ok(unknown)
    }
}

/// Whether an event names anything of a product; taken for so where the index of events does not know yet.
async fn is_kind_named(
    conn: &mut PgConnection,
    events: &mut Events,
    kind: Identity,
) -> Result<bool, StartError> {
    match events.any(conn, named_of(&[kind])).await {
        Err(StartError::Query(QueryError::IndexBehind)) => Ok(true),
        told => told,
    }
}

fn named_of(kinds: &[Identity]) -> Condition {
    Condition {
        parameter: String::new(),
        any: vec![any_of(&KINDS, kinds)],
    }
}
