//! Reading a query: what its prefixes mean is for the merchant's own events to say.

use std::collections::BTreeSet;

use auditlog::json;
use sqlx::PgConnection;

use super::{QueryError, Recent, words};
use crate::domain::epcis::Names;
use crate::domain::epcis::query::named::Wanted;
use crate::domain::epcis::query::{
    EventQuery, MAX_PREFIXES, MAX_VALUES, Parameter, QueryFault, read_query,
};
use crate::domain::posting::WordKind;

/// Namespaces that one prefix may stand for in a merchant's events. One of a company's own has one or two.
const MAX_NAMESPACES: usize = 1_000;

/// Reads what is wanted into a query. The transaction must act for the merchant and see one moment.
pub async fn read(
    conn: &mut PgConnection,
    recent: &mut Recent,
    wanted: &Wanted,
) -> Result<EventQuery, QueryError> {
    let mut namespaces = Vec::new();
    for prefix in prefixes_of(&wanted.parameters)? {
        // Words of one prefix stand beside each other: those of all others are not read.
        let start = format!("{prefix}=");
        let words = words(conn, recent, WordKind::Namespace, &start, MAX_NAMESPACES).await?;
        let of_prefix = words
            .into_iter()
            .take_while(|word| word.starts_with(&start));
        namespaces.extend(of_prefix);
    }
    let context = wanted.context.as_deref().map(json::parse).transpose()?;
    let own = Names::of(context.as_ref());
    let names = |name: &str| match said(&wanted.extensions, name) {
        Some(whole) => vec![whole],
        None => whole_names(&own, &namespaces, name),
    };
    let parameters = with_whole_values(&names, &wanted.parameters);
    Ok(read_query(&parameters, &names)?)
}

/// The prefixes whose meaning decides what a query asks for: those of the names of extensions, and those
/// of the values of `EQ_` parameters.
fn prefixes_of(parameters: &[Parameter]) -> Result<BTreeSet<&str>, QueryFault> {
    let mut prefixes = BTreeSet::new();
    for parameter in parameters {
        if let Some((start, _)) = parameter.name.split_once(':') {
            // `EQ_ILMD_ex:a`. A prefix may hold a line itself, so it may begin after each.
            let begins = start.match_indices('_').map(|(at, _)| &start[at + 1..]);
            prefixes.extend(begins);
        }
        if parameter.name.starts_with("EQ_") {
            let values = parameter.values.iter();
            prefixes.extend(values.filter_map(|value| Some(curie(value)?.0)));
        }
        if prefixes.len() > MAX_PREFIXES {
            return Err(QueryFault::TooManyPrefixes);
        }
    }
    // No JSON that is taken has one of these, and no text in Postgres can.
    prefixes.retain(|prefix| !prefix.contains('\0'));
    Ok(prefixes)
}

/// What may be a prefix and a name: a web address is none (JSON-LD 1.1 API §5.2.2), nor is a URN or a time.
fn curie(value: &str) -> Option<(&str, &str)> {
    let (prefix, local) = value.split_once(':')?;
    let begins = prefix.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_address = local.starts_with("//") || prefix.eq_ignore_ascii_case("urn");
    (begins && !is_address).then_some((prefix, local))
}

/// The same parameters, where each `EQ_` asks beside a value with a prefix for what that means.
fn with_whole_values(
    names: &impl Fn(&str) -> Vec<String>,
    parameters: &[Parameter],
) -> Vec<Parameter> {
    let whole = |parameter: &Parameter| {
        let mut parameter = parameter.clone();
        if parameter.name.starts_with("EQ_") {
            let known = &parameter.values;
            let values = known.iter().filter(|value| curie(value).is_some());
            let more = values.flat_map(|value| names(value));
            let more: Vec<String> = more.filter(|whole| !known.contains(whole)).collect();
            let room = MAX_VALUES.saturating_sub(known.len());
            parameter.values.extend(more.into_iter().take(room));
        }
        parameter
    };
    parameters.iter().map(whole).collect()
}

/// What a prefixed name stands for by the word of whoever asks.
fn said(extensions: &[String], name: &str) -> Option<String> {
    let (prefix, local) = name.split_once(':')?;
    let mut meanings = extensions.iter().filter_map(|pair| {
        let namespace = pair.strip_prefix(prefix)?.strip_prefix('=')?;
        Some(format!("{namespace}{local}"))
    });
    meanings.next()
}

/// The whole names that a prefixed one may stand for: the standard's and those that the query itself
/// declares, those of the merchant's events, and, where an event declared nothing, the name as it is.
fn whole_names(own: &Names<'_>, namespaces: &[String], name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned(), own.expand(name).into_owned()];
    if let Some((prefix, local)) = name.split_once(':') {
        let of_events = namespaces.iter().filter_map(|declared| {
            let namespace = declared.strip_prefix(prefix)?.strip_prefix('=')?;
            Some(format!("{namespace}{local}"))
        });
        names.extend(of_events);
    }
    names.sort();
    names.dedup();
    names
}
