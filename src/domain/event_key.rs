//! The key by which a repeated event is recognised.

use auditlog::Hash;

use super::identity_key::identity_key;

/// How many of [`event_hold`] there are.
const HOLDS: i64 = 64;

/// 16 bytes of SHA-256 over the eventID and whether the event is an error declaration.
pub type EventKey = [u8; 16];

/// By what whoever declares an event an error, and whoever erases fields of it, hold it. Few keys, shared by many
/// events, since a document may declare thousands and the database has no room for as many locks.
pub fn event_hold(event_id: &str) -> i64 {
    let key = identity_key(event_id);
    identity_key(&format!("rootmark:events:{}", key.rem_euclid(HOLDS)))
}

/// EPCIS: a retraction bears the ID of the event it retracts, so the ID alone is not unique.
pub fn event_key(event_id: &str, is_error_declaration: bool) -> EventKey {
    let kind: &[u8] = if is_error_declaration {
        b"\x01"
    } else {
        b"\x00"
    };
    let hash = Hash::of(&[kind, event_id.as_bytes()]).0;
    let mut key = [0; 16];
    key.copy_from_slice(&hash[..16]);
    key
}
