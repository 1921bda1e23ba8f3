//! What a form sends.

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;
use std::time::Duration;
use uuid::Uuid;

/// Bytes of a form at most: its largest field is a few sentences.
pub(super) const MAX_FORM_BYTES: usize = 64 * 1024;
const MAX_FIELDS: usize = 200;
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// What stands before the name of a field that is carried through a log-in.
const CARRIED: &str = "carried.";
/// The field that says where a carried form was going.
const CARRIED_TO: &str = "carried_to";

/// The fields of a form, in their order.
/// They may hold passwords, and are never printed.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

/// Why a form cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldsFault {
    /// Too large, or too many fields.
    TooLarge,
    /// Did not arrive.
    Broken,
    /// Not a form.
    NoForm,
}

impl Fields {
    /// Reads the body of a request.
    pub async fn read(
        request: &HttpRequest,
        payload: &mut web::Payload,
    ) -> Result<Fields, FieldsFault> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let is_form = content_type.is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or_default();
            media_type
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        let reading = async {
            let mut body = Vec::new();
            while let Some(part) = payload.next().await {
                let part = part.map_err(|_| FieldsFault::Broken)?;
                if body.len() + part.len() > MAX_FORM_BYTES {
                    return Err(FieldsFault::TooLarge);
                }
                body.extend_from_slice(&part);
            }
            Ok(body)
        };
        let body = tokio::time::timeout(TIME_LIMIT, reading).await;
        let body = body.map_err(|_| FieldsFault::Broken)??;
        // A form without fields has no body, and needs to say nothing of it.
        if !is_form && !body.is_empty() {
            return Err(FieldsFault::NoForm);
        }
        let pairs = form_urlencoded::parse(&body).into_owned();
        let fields: Vec<_> = pairs.take(MAX_FIELDS + 1).collect();
        match fields.len() > MAX_FIELDS {
            true => Err(FieldsFault::TooLarge),
            false => Ok(Fields(fields)),
        }
    }

    /// The first field of a name; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// All fields of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The name of the form, under which it does its work once.
    pub fn form_id(&self) -> Option<Uuid> {
        Uuid::parse_str(self.get("form")).ok()
    }

    /// Everything but secrets.
    pub fn without_secrets(&self) -> Vec<(String, String)> {
        const SECRETS: [&str; 3] = ["password", "code", "csrf"];
        let is_secret = |name: &str| SECRETS.iter().any(|secret| name.contains(secret));
        let fields = self.0.iter().filter(|(name, _)| !is_secret(name));
        fields.cloned().collect()
    }

    /// The same as it is carried through a log-in.
    pub fn carried(&self, to: &str) -> Vec<(String, String)> {
        let fields = self.without_secrets().into_iter();
        let carried = fields.map(|(name, value)| (format!("{CARRIED}{name}"), value));
        let to = (CARRIED_TO.to_owned(), to.to_owned());
        [to].into_iter().chain(carried).collect()
    }

    /// What is carried, handed on once more.
    pub fn still_carried(&self) -> Vec<(String, String)> {
        let is_carried =
            |(name, _): &&(String, String)| name.starts_with(CARRIED) || name == CARRIED_TO;
        self.0.iter().filter(is_carried).cloned().collect()
    }

    /// Where a carried form was going, and its fields.
    pub fn arrived(&self) -> Option<(&str, Vec<(String, String)>)> {
        let to = super::local(self.get(CARRIED_TO))?;
        let fields = self.0.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(CARRIED)?;
            Some((name.to_owned(), value.clone()))
        });
        Some((to, fields.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Fields(owned.collect())
    }

    #[test]
    fn what_is_carried_through_a_log_in_arrives_without_secrets() {
        let sent = fields(&[
            ("email", "a@b.example"),
            ("password", "x"),
            ("csrf", "y"),
            ("scope", "a"),
            ("scope", "b"),
        ]);
        let through = Fields(sent.carried("/admin/keys"));
        let again = Fields(through.still_carried());
        let (to, arrived) = again.arrived().unwrap();
        assert_eq!(to, "/admin/keys");
        let arrived = Fields(arrived);
        assert_eq!(arrived.get("email"), "a@b.example");
        assert_eq!(arrived.all("scope").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((arrived.get("password"), arrived.get("csrf")), ("", ""));
    }

    #[test]
    fn what_is_carried_goes_to_the_dashboard_or_nowhere() {
        let through = Fields(fields(&[("a", "b")]).carried("//evil.example"));
        assert!(through.arrived().is_none());
        assert!(fields(&[("email", "x")]).arrived().is_none());
    }
}
