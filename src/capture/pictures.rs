//! Pictures of products. Their bytes are sent first, and are shown once a description names them by their digest: then
//! the log proves what is shown. One that no description names can be taken back; one that a description names goes
//! when that is erased of it.

use std::collections::BTreeSet;

use auditlog::{Hash, json};
use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use super::CaptureError;
use crate::domain::fields::{Fault, FaultKind};
use crate::domain::gs1::Gtin;
use crate::domain::identity_key::identity_key;
use crate::domain::master::{Product, read_product};
use crate::domain::picture::Picture;
use crate::store::picture::{
    count_unnamed, delete_unnamed, insert_picture, name_picture, sent_picture, unname_picture,
    unnamed_pictures,
};
use crate::store::{begin_for, hold_identity};

/// Pictures of one merchant that no product names.
pub const MAX_UNNAMED: i64 = 100;
const NOT_SENT: &str =
    "no such picture was sent: send it to /api/pictures first, which answers with this very member";
const OTHERWISE: &str = "is not what the picture is; the answer of /api/pictures has it right";

/// Why a picture was not stored, or not taken back.
#[derive(Debug, Error)]
pub enum PictureError {
    /// There are [`MAX_UNNAMED`] already.
    #[error(
        "{MAX_UNNAMED} pictures wait for a product to name them: name them in its description, or take some back; \
         GET /api/pictures lists them"
    )]
    TooMany,
    /// Never sent, or taken back.
    #[error("there is no such picture")]
    Unknown,
    /// A product names it.
    #[error(
        "a product's description names this picture, or named it; what was said is not taken back, but /picture can be \
         erased, with a key of the scope erasure: POST /api/erasures"
    )]
    Named,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Stores a picture; whether it is new.
pub async fn keep_picture(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    picture: &Picture,
    bytes: &[u8],
    now: OffsetDateTime,
) -> Result<bool, PictureError> {
    let mut tx = begin_for(conn, merchant_id).await?;
    // One after the other, so that they are counted right.
    hold_identity(&mut tx, merchant_id, identity_key("rootmark:pictures")).await?;
    hold(&mut tx, merchant_id, &picture.sha256).await?;
    if sent_picture(&mut tx, merchant_id, &picture.sha256)
        .await?
        .is_some()
    {
        return Ok(false);
    }
    if count_unnamed(&mut tx, merchant_id, MAX_UNNAMED).await? >= MAX_UNNAMED {
        return Err(PictureError::TooMany);
    }
    insert_picture(&mut tx, merchant_id, picture, bytes, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// The pictures that no product names, the first ones sent first.
pub async fn waiting_pictures(
    conn: &mut PgConnection,
    merchant_id: Uuid,
) -> Result<Vec<Picture>, PictureError> {
    let mut tx = begin_for(conn, merchant_id).await?;
    let waiting = unnamed_pictures(&mut tx, merchant_id, MAX_UNNAMED).await?;
    tx.rollback().await?;
    Ok(waiting)
}

/// Deletes a picture that no product names.
pub async fn take_picture_back(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    sha256: &Hash,
) -> Result<(), PictureError> {
    let mut tx = begin_for(conn, merchant_id).await?;
    hold(&mut tx, merchant_id, sha256).await?;
    if sent_picture(&mut tx, merchant_id, sha256).await?.is_none() {
        return Err(PictureError::Unknown);
    }
    if !delete_unnamed(&mut tx, merchant_id, sha256).await? {
        return Err(PictureError::Named);
    }
    tx.commit().await?;
    Ok(())
}

/// Compares the picture that a description names with what was sent, and notes that it is named.
pub(super) async fn name(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    product: &Product,
) -> Result<(), CaptureError> {
    let Some(named) = &product.picture else {
        return Ok(());
    };
    hold(conn, merchant_id, &named.sha256).await?;
    let Some(sent) = sent_picture(conn, merchant_id, &named.sha256).await? else {
        return Err(fault("sha256", NOT_SENT));
    };
    let members = [
        ("mediaType", named.media_type == sent.media_type),
        ("width", named.width == sent.width),
        ("height", named.height == sent.height),
    ];
    if let Some((member, _)) = members.iter().find(|(_, is_right)| !is_right) {
        return Err(fault(member, OTHERWISE));
    }
    name_picture(conn, merchant_id, product.gtin, &named.sha256).await?;
    Ok(())
}

/// Pictures that a product's descriptions name no more once fields of them are erased.
#[derive(Debug, Default)]
pub(super) struct GonePictures {
    gtin: Option<Gtin>,
    named_before: BTreeSet<Hash>,
    named_after: BTreeSet<Hash>,
}

impl GonePictures {
    /// Adds a statement by its content, before and after.
    pub fn add(&mut self, before: &str, after: &str) {
        if let Some(product) = described(before) {
            self.gtin = Some(product.gtin);
            let picture = product.picture.map(|picture| picture.sha256);
            self.named_before.extend(picture);
        }
        let picture = described(after).and_then(|product| product.picture);
        self.named_after
            .extend(picture.map(|picture| picture.sha256));
    }

    /// Forgets them, in the eraser's role. What another product names stays for that one.
    pub async fn forget(self, conn: &mut PgConnection, merchant_id: Uuid) -> sqlx::Result<()> {
        let Some(gtin) = self.gtin else {
            return Ok(());
        };
        // In the order of their digests, so that two erasures never wait for each other.
        for sha256 in self.named_before.difference(&self.named_after) {
            hold(conn, merchant_id, sha256).await?;
            unname_picture(conn, merchant_id, gtin, sha256).await?;
            delete_unnamed(conn, merchant_id, sha256).await?;
        }
        Ok(())
    }
}

fn described(content: &str) -> Option<Product> {
    let content = json::parse(content).ok()?;
    read_product(content.get("body")?).ok()
}

/// Holds a picture until the transaction ends: it is named, taken back and erased by one at a time.
async fn hold(conn: &mut PgConnection, merchant_id: Uuid, sha256: &Hash) -> sqlx::Result<()> {
    let key = identity_key(&format!("rootmark:picture:{}", sha256.to_hex()));
    hold_identity(conn, merchant_id, key).await
}

fn fault(member: &str, rule: &'static str) -> CaptureError {
    CaptureError::Body(Fault {
        pointer: format!("/picture/{member}"),
        kind: FaultKind::Rule(rule),
    })
}
