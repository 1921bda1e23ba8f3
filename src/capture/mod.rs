//! Capture: what somebody says is checked, given a receipt and stored, before it is acknowledged.
//!
//! A document is stored whole or not at all, and each event once: a repeat is recognised by its
//! eventID, and the same ID with another body is a conflict.

mod body;
mod erase;
mod events;
mod links;
mod master;
mod pictures;
mod prepare;
mod recalls;
mod reviews;
mod settings;
mod signed;

pub use erase::{ErasedStatements, erase};
pub use events::{Captured, CapturedEvent, MAX_STORED_IN, capture_document, capture_event};
pub use master::{Recorded, record_master};
pub use pictures::{MAX_UNNAMED, PictureError, keep_picture, take_picture_back, waiting_pictures};
pub use prepare::content_to_sign;
pub use signed::{CapturedSigned, capture_signed, read_signed_file, sign};

use auditlog::field::Secret;
use auditlog::json::JsonError;
use thiserror::Error;
use uuid::Uuid;

use crate::domain::epcis::{DocumentFault, Fault};
use crate::domain::gs1::Gtin;

/// Bytes of one statement's body. An event here has 650; one with ten thousand EPCs half of this.
const MAX_BODY_BYTES: usize = 1024 * 1024;
const TOO_LARGE: &str = "is larger than 1 MiB";
/// Bytes of the names of all fields of one body: an event with ten thousand EPCs has 200 KB of them.
const MAX_NAME_BYTES: usize = 16 * 1024 * 1024;
const TOO_WIDE: &str = "has long names above many fields: those of all its fields, each with the names of what it lies \
    in, are more than 16 MiB";
const LONG_NAMES: &str = "has many names and words under long namespaces: written out with these, they are more than 16 MiB";

/// On whose behalf something is captured.
#[derive(Debug, Clone)]
pub struct Submitter {
    /// The tenant.
    pub merchant_id: Uuid,
    /// The party in whose name it is said: a canonical Digital Link.
    pub issuer: String,
    /// Makes the eventID of events that come without one.
    pub event_id_key: Secret,
}

/// Why something was not captured. Nothing of it was stored.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The body is not JSON that can be attested.
    #[error("the body is not JSON: {0}")]
    Json(#[from] JsonError),
    /// The envelope is wrong.
    #[error("the document: {0}")]
    Document(#[from] DocumentFault),
    /// Events are wrong; the first fault of each.
    #[error("{} of the document's events are wrong", .0.len())]
    Events(Vec<EventFault>),
    /// A description is wrong.
    #[error("{0}")]
    Body(Fault),
    /// An eventID that is known with another body.
    #[error("event {event}: {event_id} is known with another body")]
    Conflict {
        /// Position in the document, from 0.
        event: usize,
        /// The ID.
        event_id: String,
    },
    /// A GTIN that another merchant describes.
    #[error("the GTIN {0} belongs to another merchant")]
    ForeignGtin(Gtin),
    /// A GTIN that nobody describes.
    #[error("the GTIN {0} is nobody's yet; describe the product first")]
    UndescribedGtin(Gtin),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// What is wrong with one event of a document.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("event {event}, {fault}")]
pub struct EventFault {
    /// Position in the document, from 0.
    pub event: usize,
    /// What and where.
    pub fault: Fault,
}

/// Two fresh secrets for each of `count` statements, in one call to the system.
/// Those of one statement.
fn fresh_pair() -> Result<[Secret; 2], CaptureError> {
    let pairs = fresh_secrets(1)?;
    Ok(pairs[0])
}

fn fresh_secrets(count: usize) -> Result<Vec<[Secret; 2]>, CaptureError> {
    let mut bytes = vec![0; 64 * count];
    getrandom::fill(&mut bytes).map_err(CaptureError::Random)?;
    let pairs = bytes.as_chunks::<64>().0.iter().map(|both| {
        let (first, second) = both.split_at(32);
        let secret = |half: &[u8]| Secret(half.try_into().expect("half of 64 is 32"));
        [secret(first), secret(second)]
    });
    Ok(pairs.collect())
}
