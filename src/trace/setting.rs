//! A merchant's setting of who may see what of its record.

use sqlx::PgConnection;
use uuid::Uuid;

use super::TraceError;
use super::found::{Found, Loaded, Name};
use crate::domain::disclosure::{self, Disclosure};
use crate::domain::statement::{Kind, Role};
use crate::domain::story::Described;
use crate::domain::turn::Turn;
use crate::store::walk::last_setting;

/// By what the setting is found.
pub(super) fn name() -> Name {
    (disclosure::NAME.to_owned(), Role::Disclosure, Turn::Seen)
}

/// The last setting among what was said.
pub(super) fn among(said: &Found) -> Result<Option<Described<Disclosure>>, TraceError> {
    let mut settings = said.in_order().into_iter().rev();
    let last = settings.find(|loaded| loaded.kind == Kind::Disclosure);
    last.map(read).transpose()
}

/// The setting of a merchant, as it said last. The transaction must act for it.
pub async fn setting_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
) -> Result<Option<Described<Disclosure>>, TraceError> {
    let last = last_setting(conn, merchant_id).await?;
    let last = last.map(Loaded::read).transpose()?;
    last.as_ref().map(read).transpose()
}

/// What cannot be read hides nothing, and so nothing may be shown.
fn read(loaded: &Loaded) -> Result<Described<Disclosure>, TraceError> {
    let setting = loaded.body(disclosure::read_disclosure)?;
    Ok(loaded.described(setting))
}
