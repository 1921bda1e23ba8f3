//! Reading a query: what its prefixes mean is for the merchant's own events to say.

use std::collections::{BTreeSet, HashMap, HashSet};

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
    let context = wanted.context.as_deref().map(json::parse).transpose()?;
    let mut meanings = Meanings {
        said: &wanted.extensions,
        own: Names::of(context.as_ref()),
        of_events: HashMap::new(),
    };
    for prefix in prefixes_of(&wanted.parameters)? {
        // Words of one prefix stand beside each other: those of all others are not read.
        let start = format!("{prefix}=");
        let words = words(conn, recent, WordKind::Namespace, &start, MAX_NAMESPACES).await?;
        let namespaces = words.iter().map_while(|word| word.strip_prefix(&start));
        let namespaces = namespaces.map(str::to_owned).collect();
        meanings.of_events.insert(prefix, namespaces);
    }
    let names = |name: &str| meanings.of(name);
    let parameters = with_whole_values(&meanings, &wanted.parameters);
    Ok(read_query(&parameters, &names)?)
}

/// What the prefixes of a query may mean.
struct Meanings<'w> {
    /// By the word of whoever asks, as `prefix=namespace`: these mean nothing else.
    said: &'w [String],
    /// By the query's own context, and by the standard.
    own: Names<'w>,
    /// By the events of the merchant.
    of_events: HashMap<&'w str, Vec<String>>,
}

impl Meanings<'_> {
    /// The whole names that a prefixed one may stand for; where nothing declares its prefix, the name as it
    /// is.
    fn of(&self, name: &str) -> Vec<String> {
        let parts = name.split_once(':');
        let said = parts.and_then(|(prefix, local)| {
            let mut pairs = self.said.iter();
            let namespace = pairs.find_map(|pair| pair.strip_prefix(prefix)?.strip_prefix('='))?;
            Some(format!("{namespace}{local}"))
        });
        if let Some(whole) = said {
            return vec![whole];
        }
        let mut names = vec![name.to_owned(), self.own.expand(name).into_owned()];
        if let Some((prefix, local)) = parts {
            let namespaces = self.of_events.get(prefix).into_iter().flatten();
            names.extend(namespaces.map(|namespace| format!("{namespace}{local}")));
        }
        names.sort();
        names.dedup();
        names
    }
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
fn with_whole_values(meanings: &Meanings<'_>, parameters: &[Parameter]) -> Vec<Parameter> {
    let whole = |parameter: &Parameter| {
        let mut parameter = parameter.clone();
        if parameter.name.starts_with("EQ_") {
            let known: HashSet<&String> = parameter.values.iter().collect();
            let values = parameter.values.iter().filter(|v| curie(v).is_some());
            let more = values.flat_map(|value| meanings.of(value));
            let more = more.filter(|whole| !known.contains(whole));
            // One prefix may mean a thousand things, and each of a thousand values have it.
            let room = MAX_VALUES.saturating_sub(parameter.values.len());
            let more: Vec<String> = more.take(room).collect();
            parameter.values.extend(more);
        }
        parameter
    };
    parameters.iter().map(whole).collect()
}
