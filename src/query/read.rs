//! Reading a query: what its prefixes mean is for the merchant's own events to say.

use auditlog::json;
use sqlx::PgConnection;

use super::{QueryError, Recent, words};
use crate::domain::epcis::Names;
use crate::domain::epcis::query::named::Wanted;
use crate::domain::epcis::query::{EventQuery, read_query};
use crate::domain::posting::WordKind;

/// Namespaces that a merchant's events declared, of which a prefix of a query may be one.
const MAX_NAMESPACES: usize = 1_000;

/// Reads what is wanted into a query. The transaction must act for the merchant and see one moment.
pub async fn read(
    conn: &mut PgConnection,
    recent: &mut Recent,
    wanted: &Wanted,
) -> Result<EventQuery, QueryError> {
    let namespaces = match wanted.parameters.iter().any(|p| p.name.contains(':')) {
        true => {
            let kind = WordKind::Namespace;
            words(conn, recent, kind, "", MAX_NAMESPACES).await?
        }
        false => Vec::new(),
    };
    let context = wanted.context.as_deref().map(json::parse).transpose()?;
    let declared = Names::of(context.as_ref());
    let names = |name: &str| whole_names(&declared, &namespaces, name);
    Ok(read_query(&wanted.parameters, &names)?)
}

/// The whole names that a prefixed one may stand for: the standard's and those that the query itself
/// declares, those of the merchant's events, and, where an event declared nothing, the name as it is.
fn whole_names(declared: &Names<'_>, namespaces: &[String], name: &str) -> Vec<String> {
    let expanded = declared.expand(name).into_owned();
    let mut names = vec![name.to_owned(), expanded];
    if let Some((prefix, local)) = name.split_once(':') {
        let of_events = namespaces.iter().filter_map(|declared| {
            let (known, namespace) = declared.split_once('=')?;
            (known == prefix).then(|| format!("{namespace}{local}"))
        });
        names.extend(of_events);
    }
    names.sort();
    names.dedup();
    names
}
