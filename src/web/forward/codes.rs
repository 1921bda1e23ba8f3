//! A recall by its codes alone: for whoever blocks sales, and need not know where each item is.

use std::collections::HashSet;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::start::{Origin, StartError, any_of};
use super::table::Columns;
use crate::domain::epcis::query::{Condition, Span};
use crate::domain::forward::{Names, Reached, Start};
use crate::domain::gs1::{Gtin, Identity};
use crate::domain::statement::Role;
use crate::query::QueryError;
use crate::trace::{self, Expected, Leading, Pace, Trail};

/// A forward trace that is told part by part: of each thing all that is known, or of the items of lots their codes.
pub struct Followed {
    trail: Trail,
    /// Of codes: where to look for what leads on.
    codes: Option<Codes>,
}

struct Codes {
    origin: Origin,
    /// What went into processes, and since when that was asked for.
    used: Option<(Option<OffsetDateTime>, HashSet<Identity>)>,
    /// Whether it is looked at each item, since too many lead on.
    gave_up: bool,
}

impl Followed {
    /// With all that is known of each thing.
    pub fn whole(starts: &[Start], origin: &Origin, pace: Pace) -> Followed {
        let of = (origin.merchant_id, &origin.codes);
        Followed {
            trail: Trail::from(starts, of, origin.known_at, pace),
            codes: None,
        }
    }

    /// With the codes of the items.
    pub fn codes(starts: &[Start], origin: &Origin, pace: Pace) -> Followed {
        let of = (origin.merchant_id, &origin.codes);
        Followed {
            trail: Trail::of_codes(starts, of, origin.known_at, pace),
            codes: Some(Codes {
                origin: origin.clone(),
                used: None,
                gave_up: false,
            }),
        }
    }

    /// See [`Trail::without_unused_codes`].
    pub fn without_unused_codes(self) -> Followed {
        Followed {
            trail: self.trail.without_unused_codes(),
            ..self
        }
    }

    /// See [`Trail::next`]; the transaction must see one moment.
    pub async fn next(
        &mut self,
        conn: &mut PgConnection,
    ) -> Result<Option<Vec<Reached>>, StartError> {
        let kinds = self.trail.unknown_kinds();
        if let Some(codes) = &mut self.codes
            && !kinds.is_empty()
            && !codes.gave_up
        {
            let since = self.trail.wrong_since();
            match codes.leading(conn, kinds, since).await? {
                Some(leading) => self.trail.learn(leading),
                None => codes.gave_up = true,
            }
        }
        Ok(self.trail.next(conn).await?)
    }

    /// What a table of it says of each thing.
    pub fn columns(&self) -> Columns {
        match self.codes {
            Some(_) => Columns::Codes,
            None => Columns::All,
        }
    }

    /// See [`Trail::expected`].
    pub async fn expected(&self, conn: &mut PgConnection) -> Result<Expected, StartError> {
        Ok(self.trail.expected(conn).await?)
    }

    /// See [`Trail::names`].
    pub fn names(&self) -> &Names {
        self.trail.names()
    }

    /// See [`Trail::is_truncated`].
    pub fn is_truncated(&self) -> bool {
        self.trail.is_truncated()
    }
}

impl Codes {
    /// Which items of some products may lead on since a time: whatever went into a process by itself or in something,
    /// and whatever held something. `None` if that is more than is looked through.
    async fn leading(
        &mut self,
        conn: &mut PgConnection,
        kinds: HashSet<Gtin>,
        since: Option<OffsetDateTime>,
    ) -> Result<Option<Leading>, StartError> {
        let origin = &self.origin;
        let classes = kinds.iter().map(|gtin| Identity::Class { gtin: *gtin });
        let classes: Vec<Identity> = classes.collect();
        let mut events = origin.events(Condition {
            parameter: String::new(),
            any: vec![any_of(&["parent:class"], &classes)],
        });
        let mut things: HashSet<Identity> = HashSet::new();
        let read = events.read(conn, Span::default(), "", |event| {
            let parents = event.what.iter().filter(|what| what.role == Role::Parent);
            things.extend(parents.map(|what| what.identity.clone()));
            things.len() <= origin.most.starts
        });
        match read.await {
            Ok(()) => {}
            Err(StartError::TooMuch(..) | StartError::TooMany(..)) => return Ok(None),
            Err(StartError::Query(QueryError::TooComplex | QueryError::IndexBehind)) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        if self.used.as_ref().is_none_or(|(asked, _)| since < *asked) {
            let (known_at, most) = (origin.known_at, origin.most.events);
            let used = trace::used_since(conn, origin.merchant_id, since, known_at, most).await?;
            let Some(used) = used else { return Ok(None) };
            self.used = Some((since, used));
        }
        things.extend(self.used.iter().flat_map(|(_, used)| used.iter().cloned()));
        Ok(Some(Leading { kinds, things }))
    }
}
