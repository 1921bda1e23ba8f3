//! The form of a report, read within limits.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::{HttpRequest, web};
use auditlog::encoding::from_hex;
use futures_util::StreamExt;
use tokio::sync::Semaphore;

use crate::domain::photo::{MAX_SENT_BYTES, PhotoFault, redrawn};
use crate::domain::report::{Matter, WordsFault, read_words};

/// Forms that are held at a time, until what is kept of them is made.
const MAX_HELD: usize = 8;
/// Of these, from one network.
const MAX_OF_NETWORK: usize = 2;
/// Photographs that are drawn anew at a time: each takes up to 300 MB.
static DRAWING: Semaphore = Semaphore::const_new(1);
/// How long a photograph waits for its turn.
const TURN: Duration = Duration::from_secs(20);
/// How long a form may take to arrive: a photograph over a slow line.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of a field of words: more than is taken, so that what is too long by a little is given back whole.
const FIELD_BYTES: usize = 16 * 1024;
/// Bytes of a form that are read to its end: a browser that is not heard out shows a failure of its own, and not what was
/// wrong.
const HEARD_BYTES: usize = 4 * MAX_SENT_BYTES;
/// Fields of a form.
const MAX_FIELDS: usize = 16;

/// What was sent.
#[derive(Debug, Default)]
pub struct Form {
    /// The form's own name: what is sent twice is one report.
    pub name: [u8; 16],
    /// What is wrong.
    pub matter: Option<Matter>,
    /// In words, as they were typed.
    pub words: String,
    photo: Option<Vec<u8>>,
    /// Its place among those that are held.
    _place: Option<Place>,
}

/// The forms that are held, by the names of their networks.
#[derive(Debug, Clone, Default)]
pub struct Forms(Arc<Mutex<Vec<[u8; 8]>>>);

impl Forms {
    /// A place among them; none where all are taken, or all that one network may have.
    fn take(&self, network: [u8; 8]) -> Option<Place> {
        let mut held = self.held();
        let own = held.iter().filter(|one| **one == network).count();
        (held.len() < MAX_HELD && own < MAX_OF_NETWORK).then(|| {
            held.push(network);
            Place {
                network,
                forms: self.clone(),
            }
        })
    }

    fn held(&self) -> MutexGuard<'_, Vec<[u8; 8]>> {
        let held = self.0.lock();
        held.unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A place among the forms that are held.
#[derive(Debug)]
struct Place {
    network: [u8; 8],
    forms: Forms,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.forms.held();
        if let Some(own) = held.iter().position(|one| *one == self.network) {
            held.swap_remove(own);
        }
    }
}

/// What of it is kept.
#[derive(Debug)]
pub struct Taken {
    /// What is wrong.
    pub matter: Matter,
    /// In words.
    pub words: Option<String>,
    /// A photograph, drawn anew.
    pub picture: Option<Vec<u8>>,
}

/// What is wrong with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormFault {
    /// It is no form of ours, or broke off.
    Incomplete,
    /// Others are read at this moment.
    Busy,
    /// Nothing was chosen.
    NoMatter,
    /// The words are not taken.
    Words(WordsFault),
    /// The photograph has more than [`MAX_SENT_BYTES`].
    PhotoBytes,
    /// The photograph cannot be kept.
    Photo(PhotoFault),
    /// The service failed; the cause was logged.
    Failed,
}

impl Form {
    /// One to be filled in. Its name is drawn.
    pub fn fresh() -> Result<Form, getrandom::Error> {
        let mut form = Form::default();
        form.draw_name_if_it_has_none()?;
        Ok(form)
    }

    /// Draws a name where none was read: two readers whose forms had none must not be taken for one.
    pub fn draw_name_if_it_has_none(&mut self) -> Result<(), getrandom::Error> {
        match self.has_name() {
            true => Ok(()),
            false => getrandom::fill(&mut self.name),
        }
    }

    fn has_name(&self) -> bool {
        self.name != [0; 16]
    }

    /// Reads a form: whatever of it could be read, and what is wrong.
    pub async fn read(
        request: &HttpRequest,
        payload: web::Payload,
        (forms, network): (&Forms, [u8; 8]),
    ) -> (Form, Option<FormFault>) {
        let mut form = Form {
            _place: forms.take(network),
            ..Form::default()
        };
        if form._place.is_none() {
            return (form, Some(FormFault::Busy));
        }
        let parts = Multipart::new(request.headers(), payload);
        let read = tokio::time::timeout(PATIENCE, form.hear(parts)).await;
        let fault = read.unwrap_or(Err(FormFault::Incomplete)).err();
        (form, fault)
    }

    async fn hear(&mut self, mut parts: Multipart) -> Result<(), FormFault> {
        let (mut heard, mut fields, mut fault) = (0, 0, None);
        while let Some(part) = parts.next().await {
            let mut part = part.map_err(|_| FormFault::Incomplete)?;
            fields += 1;
            if fields > MAX_FIELDS {
                return Err(FormFault::Incomplete);
            }
            let name = part.name().unwrap_or_default().to_owned();
            let limit = if name == "photo" {
                MAX_SENT_BYTES
            } else {
                FIELD_BYTES
            };
            let (bytes, is_whole) = bytes_of(&mut part, limit, &mut heard).await?;
            match (name.as_str(), is_whole) {
                ("form", _) => {
                    let text = String::from_utf8_lossy(&bytes);
                    self.name = from_hex(&text).ok_or(FormFault::Incomplete)?;
                }
                ("matter", _) => self.matter = Matter::parse(&String::from_utf8_lossy(&bytes)),
                ("words", is_whole) => {
                    self.words = String::from_utf8_lossy(&bytes).into_owned();
                    if !is_whole {
                        fault = Some(FormFault::Words(WordsFault::TooLong(
                            self.words.chars().count(),
                        )));
                    }
                }
                ("photo", false) => fault = fault.or(Some(FormFault::PhotoBytes)),
                // A form without one sends it empty.
                ("photo", true) if !bytes.is_empty() => self.photo = Some(bytes),
                _ => {}
            }
        }
        // Nobody draws the name that a form without one would have.
        if !self.has_name() {
            return Err(FormFault::Incomplete);
        }
        fault.map_or(Ok(()), Err)
    }

    /// What of it is kept, with the photograph drawn anew.
    pub async fn taken(&mut self) -> Result<Taken, FormFault> {
        let matter = self.matter.ok_or(FormFault::NoMatter)?;
        let words = read_words(&self.words).map_err(FormFault::Words)?;
        let picture = match self.photo.take() {
            None => None,
            Some(photo) => {
                let turn = tokio::time::timeout(TURN, DRAWING.acquire()).await;
                let turn = turn.map_err(|_| FormFault::Busy)?;
                // Whoever goes away meanwhile does not stop it: the turn ends with the work.
                let drawn = web::block(move || {
                    let _turn = turn;
                    redrawn(&photo)
                });
                let drawn = drawn.await.map_err(|error| {
                    tracing::error!(%error, "a photograph was not drawn");
                    FormFault::Failed
                })?;
                Some(drawn.map_err(FormFault::Photo)?)
            }
        };
        Ok(Taken {
            matter,
            words,
            picture,
        })
    }
}

/// The bytes of a field up to a limit, and whether that is all of it.
async fn bytes_of(
    part: &mut Field,
    limit: usize,
    heard: &mut usize,
) -> Result<(Vec<u8>, bool), FormFault> {
    let (mut bytes, mut is_whole) = (Vec::new(), true);
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(|_| FormFault::Incomplete)?;
        *heard += chunk.len();
        if *heard > HEARD_BYTES {
            return Err(FormFault::PhotoBytes);
        }
        let room = limit - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        is_whole &= chunk.len() <= room;
    }
    Ok((bytes, is_whole))
}
