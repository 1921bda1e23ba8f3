//! From an address to a story: whose record it is, whether the code was ever issued, what is held.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use auditlog::TreeSize;
use auditlog::anchor::AnchorLine;
use sqlx::PgConnection;

use crate::codes::CodeError;
use crate::codes::hidden::has_hidden;
use crate::domain::copies::{CopySign, Standing};
use crate::domain::disclosure::Audience;
use crate::domain::gs1::{DigitalLink, Identity, LinkError};
use crate::domain::scope::Scope;
use crate::domain::told::Told;
use crate::scan::{ScanCount, count_of, signs_of};
use crate::store;
use crate::store::gtin_owner::gtin_owner;
use crate::store::seal::seal_of;
use crate::trace::TraceError;
use crate::web::Service;
use crate::web::auth::{bearer, submitter};
use crate::web::error::Problem;
use crate::web::lookup::{StoryError, story_of};

/// Why there is no story to show.
#[derive(Debug)]
pub(super) enum LookupError {
    /// Not a code.
    Link(LinkError),
    /// A code of which there is no record.
    Unknown(DigitalLink),
    /// A code of a product that no merchant here has.
    NoMerchant(DigitalLink),
    /// A place or party of which there is no record.
    UnknownPlace(Identity),
    /// There is a record, and no link of the type that was asked for.
    NoSuchLink,
    /// There is a record, and no checkpoint yet.
    NotSealed,
    /// There is more than one proof may hold: a part of it must not pass for all.
    TooLong,
    /// A form of proof that there is not.
    Form,
    /// The proof holds no statement with the index that was asked for.
    NoSuchIndex,
    /// A key was presented that opens nothing here.
    Key(Problem),
    /// The database is away; the cause is for the log.
    Unavailable(String),
    /// Something is broken; the cause is for the log.
    Internal(String),
}

impl LookupError {
    /// What a machine is told; none where only pages speak of it. Causes of failures are for the log.
    pub fn detail(&self) -> Option<String> {
        let words = match self {
            LookupError::Link(fault) => return Some(fault.to_string()),
            LookupError::Unknown(_) | LookupError::UnknownPlace(_) => "there is no such record",
            LookupError::NoSuchLink => "there is no link of this type",
            LookupError::Unavailable(_) => "the service cannot read anything at this moment",
            LookupError::Internal(_) => "the service failed; the fault is ours and was logged",
            _ => return None,
        };
        Some(words.to_owned())
    }
}

/// A story, and where it is sealed.
pub(super) struct Found {
    pub told: Told,
    /// How much of the log was public when it was looked up.
    pub public_size: TreeSize,
    /// The first checkpoint that covers all of it that is public. It stays the same as long as the story does,
    /// whatever else the log goes on to hold.
    pub sealed_in: Option<AnchorLine>,
    /// How often it was looked up; `None` for what is no item, and for an item that never was.
    pub scans: Option<ScanCount>,
    /// What in these shows that the code was copied.
    pub copies: Vec<CopySign>,
    /// Whether the pack bears a hidden code.
    pub has_hidden: bool,
}

/// The story of the code at a path, as whoever asks may see it, or that there is none. The path is raw as it came: an
/// escaped slash belongs to a lot, not to the path.
pub(super) async fn find_story(
    service: &Service,
    request: &HttpRequest,
    raw_path: &str,
) -> Result<Found, LookupError> {
    let inspector = match bearer(request) {
        None => None,
        Some(_) => {
            let key = submitter(request, service, Scope::Inspect).await;
            Some(key.map_err(LookupError::Key)?)
        }
    };
    let link = DigitalLink::parse_path(raw_path).map_err(LookupError::Link)?;
    let unknown = || LookupError::Unknown(link);
    let gtin = link.gtin().ok_or_else(unknown)?;
    let mut conn = service.database.reader.acquire().await?;
    let merchant_id = gtin_owner(&mut conn, gtin).await?.ok_or_else(unknown)?;
    let audience = match inspector {
        None => Audience::Shopper,
        Some(key) if key.merchant_id == merchant_id => Audience::Regulator,
        Some(_) => return Err(LookupError::Key(foreign_key())),
    };
    let mut tx = store::begin_for(&mut conn, merchant_id).await?;
    let key = &service.code_key;
    let story = story_of(&mut tx, key, merchant_id, link, audience).await?;
    let told = story.ok_or_else(unknown)?;
    let public_size = service.public_size();
    let sealed_in = sealed_in(&mut tx, &told, public_size).await?;
    let item = told.story.subject.item();
    let scans = match &item {
        Some(item) => count_of(&mut tx, merchant_id, item).await?,
        None => None,
    };
    let copies = match &item {
        Some(item) => {
            let (now, standing) = ((service.clock)(), Standing::of(&told.story));
            let times = scans.map_or(0, |count| count.times);
            signs_of(&mut tx, (merchant_id, item), times, &standing, now).await?
        }
        None => Vec::new(),
    };
    let has_hidden = match link.gtin().zip(link.serial()) {
        Some(item) => has_hidden(&mut tx, key, merchant_id, item).await?,
        None => false,
    };
    tx.rollback().await?;
    Ok(Found {
        has_hidden,
        told,
        public_size,
        sealed_in,
        scans,
        copies,
    })
}

async fn sealed_in(
    conn: &mut PgConnection,
    told: &Told,
    public_size: TreeSize,
) -> Result<Option<AnchorLine>, LookupError> {
    let entries = told.story.statements.iter();
    let entries = entries.filter_map(|statement| statement.stored.leaf_index);
    let Some(last) = entries.filter(|entry| public_size.contains(*entry)).max() else {
        return Ok(None);
    };
    let Some(seal) = seal_of(conn, last).await? else {
        return Ok(None);
    };
    let line = AnchorLine::parse(&seal.anchor_line);
    line.map(Some)
        .map_err(|error| LookupError::Internal(error.to_string()))
}

fn foreign_key() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "epcisException:SecurityException",
        "this key is for the record of another merchant",
    )
}

/// The name under which a proof is saved, without its extension: plain characters only.
pub(super) fn file_stem(subject: &DigitalLink) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let parts = [
        subject.gtin().map(|gtin| gtin.to_string()),
        subject.lot().map(|lot| lot.to_string()),
        subject.serial().map(|serial| serial.to_string()),
    ];
    let name: Vec<String> = parts.into_iter().flatten().collect();
    format!(
        "rootmark-{}",
        name.join("-").chars().map(plain).collect::<String>()
    )
}

impl From<sqlx::Error> for LookupError {
    fn from(error: sqlx::Error) -> LookupError {
        if store::is_unavailable(&error) {
            LookupError::Unavailable(error.to_string())
        } else {
            LookupError::Internal(error.to_string())
        }
    }
}

impl From<StoryError> for LookupError {
    fn from(error: StoryError) -> LookupError {
        match error {
            StoryError::Trace(error) => error.into(),
            StoryError::Code(error) => error.into(),
        }
    }
}

impl From<TraceError> for LookupError {
    fn from(error: TraceError) -> LookupError {
        match error {
            TraceError::Store(error) => error.into(),
            other => LookupError::Internal(other.to_string()),
        }
    }
}

impl From<CodeError> for LookupError {
    fn from(error: CodeError) -> LookupError {
        match error {
            CodeError::Store(error) => error.into(),
            other => LookupError::Internal(other.to_string()),
        }
    }
}
