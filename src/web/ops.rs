//! `/livez`, `/readyz`: for whoever runs the service.

use actix_web::{HttpResponse, web};
use auditlog::anchor::AnchorLine;
use serde::Serialize;

use super::{LogState, Service};
use crate::cosign::WitnessState;
use crate::public;
use crate::store::log_head::{LogHead, log_head};
use crate::store::missing_migration;

/// `GET /livez`: the process answers.
pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// Whether the service was told to stop.
    stopping: bool,
    /// Whether the database answers.
    database: bool,
    /// Whether it has the schema that this program works with.
    schema: bool,
    /// Whether it knows whatever is public.
    history: bool,
    /// Whether the public folder can be written.
    folder: bool,
    /// Whether sealing goes on.
    sealing: bool,
    /// Whether what is sealed becomes public.
    publishing: bool,
    /// Why not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Leaves under the last public checkpoint.
    tree_size: u64,
    /// Who is asked to cosign, and how that goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    witnesses: Vec<Witness>,
}

#[derive(Serialize)]
struct Witness {
    name: String,
    /// Leaves of the tree that it cosigned last.
    cosigned: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl Witness {
    fn of(state: WitnessState) -> Witness {
        Witness {
            name: state.name,
            cosigned: state.cosigned.0,
            fault: state.fault,
        }
    }
}

/// `GET /readyz`: 200 if whatever is sent here now will be answered, stored, sealed and published; else
/// 503, with what is missing and the most pressing reason.
pub(super) async fn readyz(service: web::Data<Service>) -> HttpResponse {
    let state = service.state.borrow().clone();
    let stopping = *service.stopping.borrow();
    let stored = ask_database(&service, &state).await;
    let folder = public::check_writable(&service.log.folder);
    let folder = folder.map_err(|error| format!("the public log cannot be written: {error}"));
    let (not_sealing, not_publishing) = (state.not_sealing(), state.not_publishing());
    let body = Readiness {
        ready: false,
        stopping,
        database: stored.answers,
        schema: stored.schema.is_ok(),
        history: stored.history.is_ok(),
        folder: folder.is_ok(),
        sealing: not_sealing.is_none(),
        publishing: not_publishing.is_none(),
        reason: stopping
            .then(|| "the service is stopping".to_owned())
            .or(not_sealing)
            .or(not_publishing)
            .or((!stored.answers).then(|| "the database does not answer".to_owned()))
            .or(stored.schema.err())
            .or(stored.history.err())
            .or(folder.err()),
        witnesses: state.witnesses.into_iter().map(Witness::of).collect(),
        tree_size: state
            .published
            .map_or(0, |published| published.anchor.head.size.0),
    };
    let ready = body.reason.is_none();
    let mut response = if ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response
        .insert_header(("Cache-Control", "no-store"))
        .json(Readiness { ready, ..body })
}

/// What only the database can tell. Of what it could not be asked nothing is held against it.
struct Stored {
    answers: bool,
    schema: Result<(), String>,
    history: Result<(), String>,
}

async fn ask_database(service: &Service, state: &LogState) -> Stored {
    let asked = async {
        let mut conn = service.database.reader.acquire().await?;
        let missing = missing_migration(&mut conn).await?;
        Ok::<_, sqlx::Error>((missing, log_head(&mut conn).await?))
    };
    let Ok((missing, head)) = asked.await else {
        return Stored {
            answers: false,
            schema: Ok(()),
            history: Ok(()),
        };
    };
    let lacks = |migration| {
        Err(format!(
            "the database lacks the migration {migration}: an old one was restored, or another \
             program's; start the service again on the right one"
        ))
    };
    Stored {
        answers: true,
        schema: missing.map_or(Ok(()), lacks),
        history: check_history(state.anchored.as_deref(), head.as_ref()),
    }
}

/// The database must know whatever this service has seen made public (design of sealing: a restored
/// backup must not sign a second history).
fn check_history(public: Option<&AnchorLine>, head: Option<&LogHead>) -> Result<(), String> {
    let Some(public) = public else { return Ok(()) };
    let (seal, tree) = head.map_or((0, None), |head| (head.seal as u64, Some(head.tree)));
    if seal > public.seal || (seal == public.seal && tree == Some(public.head)) {
        return Ok(());
    }
    Err(format!(
        "the database stands at seal {seal}, and seal {} is public: it is an old copy, or another \
         history. Restore a newer backup; never delete the public files",
        public.seal
    ))
}

#[cfg(test)]
mod tests {
    use auditlog::proof::TreeHead;
    use auditlog::{Hash, TreeSize};

    use super::*;

    fn tree(byte: u8) -> TreeHead {
        TreeHead {
            size: TreeSize(u64::from(byte)),
            root: Hash([byte; 32]),
        }
    }

    fn line(seal: u64, byte: u8) -> AnchorLine {
        AnchorLine {
            seal,
            head: tree(byte),
            sealed_at: auditlog::entry::Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap(),
            previous: Hash([0; 32]),
            checkpoint: String::new(),
        }
    }

    fn head(seal: i64, byte: u8) -> LogHead {
        LogHead {
            origin: String::new(),
            vkey: String::new(),
            story_vkey: String::new(),
            seal,
            tree: tree(byte),
            anchor_sha256: Hash([0; 32]),
            sealed_at: None,
            key_rotations: 0,
            rotations: Vec::new(),
        }
    }

    #[test]
    fn a_database_behind_what_is_public_or_beside_it_is_told_from_one_ahead() {
        let public = line(7, 3);
        let check = |head: Option<LogHead>| check_history(Some(&public), head.as_ref());
        assert_eq!(check(Some(head(7, 3))), Ok(()));
        assert_eq!(check(Some(head(8, 4))), Ok(()), "sealed and not public yet");
        assert!(check(Some(head(6, 2))).is_err(), "an old backup");
        assert!(check(Some(head(7, 4))).is_err(), "another history");
        assert!(check(None).is_err(), "an empty database");
        assert_eq!(check_history(None, None), Ok(()), "nothing is public yet");
    }
}
