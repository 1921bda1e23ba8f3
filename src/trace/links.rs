//! Adding to a story where its merchant says that more is to be found.

use sqlx::PgConnection;
use uuid::Uuid;

use super::found::Loaded;
use super::{KnownAt, TraceError};
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::domain::link::{self, Link, MAX_LINKS_EVER};
use crate::domain::story::{Described, Story, Withheld};
use crate::store::statement::links_of;

/// Loads every link that was said of the subject, its lot and its product, and keeps what stands.
/// Replaced and withdrawn links stay among the statements: a proof tells them too.
pub(super) async fn add_links(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    story: &mut Story,
    known_at: KnownAt,
) -> Result<(), TraceError> {
    let ladder = story.subject.identities();
    if story.subject.gtin().is_none() {
        return Ok(());
    }
    let keys: Vec<i64> = ladder
        .iter()
        .map(|identity| identity_key(&identity.canonical()))
        .collect();
    // A link and its withdrawal; capture lets nothing more in.
    let limit = 2 * MAX_LINKS_EVER as i64;
    let mut said: Vec<Described<Link>> = Vec::new();
    for stored in links_of(conn, merchant_id, &keys, limit).await? {
        // There are so few that those said later may be read too.
        if stored.recorded_at > known_at.0 {
            continue;
        }
        let loaded = Loaded::read(stored)?;
        let link = loaded.body(link::read_link)?;
        if !ladder.contains(&link.anchor) {
            // Keys are eight bytes of a hash: this one merely collides.
            continue;
        }
        said.push(loaded.described(link));
        story.statements.push(loaded.told(Withheld::default()));
    }
    for level in &ladder {
        story.links.extend(standing_of(level, &said));
    }
    Ok(())
}

fn standing_of(level: &Identity, said: &[Described<Link>]) -> Vec<Described<Link>> {
    let of_level: Vec<&Described<Link>> = said
        .iter()
        .filter(|described| described.value.anchor == *level)
        .collect();
    let standing = link::standing(&of_level, |described| &described.value);
    standing
        .into_iter()
        .map(|described| (*described).clone())
        .collect()
}
