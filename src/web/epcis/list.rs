//! Lists of what a merchant has, told a page at a time.

use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use super::events::{Asked, say_next};
use super::page_token::{Binding, LIFETIME};
use crate::capture::Submitter;
use crate::domain::epcis::EpcFormat;
use crate::web::Service;
use crate::web::error::Problem;

/// A page of a list, as a request asks for it.
pub(super) struct List {
    asked: Asked,
    binding: Binding,
    path: String,
    now: OffsetDateTime,
}

impl List {
    /// Reads what is asked. A list takes no query.
    pub fn read(
        request: &HttpRequest,
        service: &Service,
        submitter: &Submitter,
    ) -> Result<List, Problem> {
        let asked = Asked::read(request)?;
        asked.refuse_parameters()?;
        Ok(List {
            asked,
            binding: Binding::new(submitter.event_id_key, request.path(), &[]),
            path: request.path().to_owned(),
            now: (service.clock)(),
        })
    }

    /// The place of the last member of the page before; empty at the beginning.
    pub fn after(&self) -> Result<String, Problem> {
        self.asked.after_text(&self.binding, self.now)
    }

    /// In which form its answer is.
    pub fn format(&self) -> EpcFormat {
        self.asked.format
    }

    /// How many members to look for: one more than are told, for whether any follow.
    pub fn limit(&self) -> u32 {
        self.asked.per_page + 1
    }

    /// Cuts what was found to the page, and says whether any follow.
    pub fn cut<T>(&self, found: &mut Vec<T>) -> bool {
        let told = self.asked.per_page as usize;
        let goes_on = found.len() > told;
        found.truncate(told);
        goes_on
    }

    /// Says where the list goes on: after the place of the last member that is told.
    pub fn say_next(&self, response: &mut HttpResponse, last: &str) {
        let token = self.binding.write_text(last, self.now + LIFETIME);
        say_next(response, &self.path, &self.asked, &token, self.now);
    }
}
