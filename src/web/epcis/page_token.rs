//! `nextPageToken`: where an answer goes on, signed so that it cannot be made up, bound to the merchant
//! and the query that it continues. Nothing of it is kept here: any number of them cost no memory, and
//! they outlive a restart.

use auditlog::Hash;
use auditlog::field::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::epcis::query::Parameter;
use crate::domain::statement::StatementId;
use crate::query::Cursor;

/// How long an answer can be continued.
pub(super) const LIFETIME: Duration = Duration::minutes(30);

const BODY: usize = 8 + 8 + 16 + 4 + 4;
const TAG: usize = 16;
const NO_LIMIT: u32 = u32::MAX;

/// Why a token does not continue anything.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TokenFault {
    /// It is none of ours, or continues another query.
    Foreign,
    /// Its time is over.
    Expired,
}

/// What a token is bound to.
pub(super) struct Binding {
    key: Secret,
    query: Hash,
}

impl Binding {
    /// A merchant's secret, and the query without its place and page.
    pub fn new(key: Secret, resource: &str, parameters: &[Parameter]) -> Binding {
        let mut parts: Vec<&[u8]> = vec![resource.as_bytes()];
        for parameter in parameters {
            parts.extend([b"\0\0".as_slice(), parameter.name.as_bytes()]);
            let values = parameter.values.iter();
            parts.extend(values.flat_map(|value| [b"\0".as_slice(), value.as_bytes()]));
        }
        Binding {
            key,
            query: Hash::of(&parts),
        }
    }

    fn tag(&self, body: &[u8]) -> [u8; TAG] {
        let Secret(key) = self.key;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
        // The same key makes eventIDs, over texts that begin otherwise.
        mac.update(b"rootmark-next-page/v1\n");
        mac.update(&self.query.0);
        mac.update(body);
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; TAG];
        tag.copy_from_slice(&whole[..TAG]);
        tag
    }

    /// The token that continues after `cursor` until `expires`.
    pub fn write(&self, cursor: Cursor, expires: OffsetDateTime) -> String {
        let mut bytes = Vec::with_capacity(BODY + TAG);
        bytes.extend(expires.unix_timestamp().to_be_bytes());
        bytes.extend(cursor.at_ms.to_be_bytes());
        bytes.extend(cursor.id.batch_id.as_bytes());
        bytes.extend(cursor.id.position.to_be_bytes());
        bytes.extend(cursor.left.unwrap_or(NO_LIMIT).to_be_bytes());
        let tag = self.tag(&bytes);
        bytes.extend(tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The token that continues a list after `text` until `expires`.
    pub fn write_text(&self, text: &str, expires: OffsetDateTime) -> String {
        let mut bytes = expires.unix_timestamp().to_be_bytes().to_vec();
        bytes.extend(text.as_bytes());
        let tag = self.tag(&bytes);
        bytes.extend(tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token that [`Binding::write_text`] made for the same merchant and list.
    pub fn read_text(&self, token: &str, now: OffsetDateTime) -> Result<String, TokenFault> {
        let bytes = self.signed(token)?;
        let mut rest = bytes.as_slice();
        let expires = i64::from_be_bytes(take(&mut rest)?);
        if now.unix_timestamp() > expires {
            return Err(TokenFault::Expired);
        }
        String::from_utf8(rest.to_vec()).map_err(|_| TokenFault::Foreign)
    }

    /// What a token says, if its tag is right.
    fn signed(&self, token: &str) -> Result<Vec<u8>, TokenFault> {
        let mut bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| TokenFault::Foreign)?;
        let body = bytes.len().checked_sub(TAG).ok_or(TokenFault::Foreign)?;
        let tag = bytes.split_off(body);
        // A tag that is guessed byte by byte is guessed in no time; hash both to compare blindly.
        if Hash::of(&[&tag]) != Hash::of(&[&self.tag(&bytes)]) {
            return Err(TokenFault::Foreign);
        }
        Ok(bytes)
    }

    /// Reads a token that [`Binding::write`] made for the same merchant and query.
    pub fn read(&self, token: &str, now: OffsetDateTime) -> Result<Cursor, TokenFault> {
        let bytes = self.signed(token)?;
        let mut rest = bytes.as_slice();
        if rest.len() != BODY {
            return Err(TokenFault::Foreign);
        }
        let expires = i64::from_be_bytes(take(&mut rest)?);
        let at_ms = i64::from_be_bytes(take(&mut rest)?);
        let batch_id = Uuid::from_bytes(take(&mut rest)?);
        let position = i32::from_be_bytes(take(&mut rest)?);
        let left = u32::from_be_bytes(take(&mut rest)?);
        if now.unix_timestamp() > expires {
            return Err(TokenFault::Expired);
        }
        Ok(Cursor {
            at_ms,
            id: StatementId { batch_id, position },
            left: (left != NO_LIMIT).then_some(left),
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], TokenFault> {
    let (head, tail) = rest.split_first_chunk().ok_or(TokenFault::Foreign)?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn binding(key: u8, value: &str) -> Binding {
        let parameter = Parameter {
            name: "EQ_bizStep".into(),
            values: vec![value.into()],
        };
        Binding::new(Secret([key; 32]), "/events", &[parameter])
    }

    #[test]
    fn a_token_continues_its_own_query_until_it_expires() {
        let cursor = Cursor {
            at_ms: -5,
            id: StatementId {
                batch_id: Uuid::from_u128(7),
                position: 3,
            },
            left: Some(2),
        };
        let token = binding(1, "shipping").write(cursor, NOW + LIFETIME);
        assert_eq!(binding(1, "shipping").read(&token, NOW), Ok(cursor));
        let late = NOW + LIFETIME + Duration::seconds(1);
        let read = |key, value, token: &str, now| binding(key, value).read(token, now);
        assert_eq!(read(1, "shipping", &token, late), Err(TokenFault::Expired));
        assert_eq!(read(2, "shipping", &token, NOW), Err(TokenFault::Foreign));
        assert_eq!(read(1, "packing", &token, NOW), Err(TokenFault::Foreign));
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(
                read(1, "shipping", &other, NOW),
                Err(TokenFault::Foreign),
                "{at}"
            );
        }
        assert_eq!(read(1, "shipping", "", NOW), Err(TokenFault::Foreign));
        assert_eq!(
            read(1, "shipping", &token[..20], NOW),
            Err(TokenFault::Foreign)
        );
    }
}
