//! Adding to a story what its processes and its lots amount to. Neighbours count here and are never shown: of a lot
//! that was used up twice, only the sum is told.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::found::{Found, Name};
use super::graph::Graph;
use super::reach::Reach;
use super::{KnownAt, TraceError};
use crate::domain::balance::{Account, Portion, Process};
use crate::domain::epcis::{Event, EventType};
use crate::domain::gs1::{Gtin, Identity};
use crate::domain::identity_key::identity_key;
use crate::domain::master::{Issuance, Product, read_product};
use crate::domain::statement::{Kind, Role, StatementId};
use crate::domain::story::{Described, Story};
use crate::domain::turn::Turn;
use crate::store::members::count_items_of_few;

/// Statements that give numbers to a lot's items: of a lot whose items come one by one nobody counts them for each look
/// at a tin.
const MAX_NAMINGS: i64 = 256;

/// What is to be described of the processes.
pub(super) fn names(story: &Story) -> impl Iterator<Item = Name> {
    let portions = story.processes.iter();
    let portions = portions.flat_map(|process| process.inputs.iter().chain(&process.outputs));
    let gtins: HashSet<Gtin> = portions
        .filter_map(|portion| portion.identity.gtin())
        .collect();
    let classes = gtins.into_iter().map(|gtin| Identity::Class { gtin });
    classes.map(|class| (class.canonical(), Role::Product, Turn::Seen))
}

/// Adds what their products weigh, and what is known of the whole of each lot.
pub(super) fn add_balances(
    story: &mut Story,
    found: &Found,
    said: &Found,
    reach: &Reach,
) -> Result<(), TraceError> {
    story.weighed = weighed(said)?;
    if story.truncated {
        return Ok(());
    }
    let graph = Graph::of(found.events());
    let lots = reach.lots().filter(|lot| found.has_whole(&lot.canonical()));
    let accounts = lots.map(|lot| account(lot, &graph, &story.issued));
    let mut accounts: Vec<Account> = accounts.collect();
    accounts.sort_by(|a, b| a.lot.cmp(&b.lot));
    story.accounts = accounts;
    Ok(())
}

/// Adds how many items of each lot got numbers of their own, where there is anything to compare that with.
pub(super) async fn count_items(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    story: &mut Story,
    known_at: KnownAt,
) -> Result<(), TraceError> {
    let accounts = story.accounts.iter_mut();
    let compared = accounts.filter(|account| account.has_items && account.issued.is_some());
    let mut compared: Vec<&mut Account> = compared.collect();
    if compared.is_empty() {
        return Ok(());
    }
    let keys = compared.iter();
    let keys: Vec<i64> = keys
        .map(|account| identity_key(&account.lot.canonical()))
        .collect();
    let counted = count_items_of_few(conn, merchant_id, &keys, known_at.0, MAX_NAMINGS).await?;
    for (account, items) in compared.iter_mut().zip(counted) {
        account.items = items;
    }
    Ok(())
}

/// What is said of products. Where something else was said before, goods of then may have been others: what was
/// changed, rather than added, is left out.
fn weighed(said: &Found) -> Result<HashMap<Gtin, Product>, TraceError> {
    let mut of_product: HashMap<Gtin, Vec<Product>> = HashMap::new();
    for loaded in said.in_order() {
        if loaded.kind == Kind::Product {
            let product = loaded.body(read_product)?;
            of_product.entry(product.gtin).or_default().push(product);
        }
    }
    let agreed = of_product.into_iter().filter_map(|(gtin, said)| {
        let mut last = said.last()?.clone();
        let contents = said
            .iter()
            .filter_map(|product| product.net_content.as_ref());
        let yields = said.iter().filter_map(|product| product.yields.as_ref());
        last.net_content = last
            .net_content
            .filter(|last| contents.into_iter().all(|one| one == last));
        last.yields = last
            .yields
            .filter(|last| yields.into_iter().all(|one| one == last));
        Some((gtin, last))
    });
    Ok(agreed.collect())
}

/// The transformations that stand, those of one `transformationID` as one.
pub(super) fn processes(story: &Story, found: &Found) -> Vec<Process> {
    let mut alone: Vec<Process> = Vec::new();
    let mut joined: BTreeMap<Identity, Process> = BTreeMap::new();
    for step in story.standing() {
        // The step itself is without its neighbours.
        let loaded = found.statements.get(&step.id);
        let event = loaded.and_then(|loaded| loaded.event.as_ref());
        let Some(event) = event.filter(|event| event.event_type == EventType::Transformation)
        else {
            continue;
        };
        match event.transformation() {
            None => alone.push(process(step.id, event)),
            Some(name) => match joined.get_mut(&name) {
                Some(known) => {
                    known.events.push(step.id);
                    known.inputs.extend(portions(event, Role::Input));
                    known.outputs.extend(portions(event, Role::Output));
                }
                None => {
                    let whole = process(step.id, event);
                    joined.insert(
                        name,
                        Process {
                            is_open: true,
                            ..whole
                        },
                    );
                }
            },
        }
    }
    alone.extend(joined.into_values());
    alone.sort_by_key(|process| (process.at, process.events.first().copied()));
    alone
}

fn process(id: StatementId, event: &Event) -> Process {
    Process {
        at: event.event_time,
        events: vec![id],
        inputs: portions(event, Role::Input).collect(),
        outputs: portions(event, Role::Output).collect(),
        is_open: false,
    }
}

fn portions(event: &Event, role: Role) -> impl Iterator<Item = Portion> {
    let what = event.what.iter().filter(move |what| what.role == role);
    what.map(Portion::of)
}

fn account(lot: &Identity, graph: &Graph<'_>, issued: &[Described<Issuance>]) -> Account {
    let mut account = Account {
        lot: lot.clone(),
        made: Vec::new(),
        used: Vec::new(),
        issued: None,
        made_until: None,
        has_items: false,
        items: None,
        evidence: Vec::new(),
    };
    for mention in graph.about(lot) {
        if mention.event.makes(mention.role) {
            account.made_until = account.made_until.max(Some(mention.event.event_time));
        }
        let side = match mention.role {
            Role::Input => &mut account.used,
            role if mention.event.makes(role) => &mut account.made,
            _ => continue,
        };
        let named = mention.event.what.iter();
        let named = named.filter(|what| what.role == mention.role && what.identity == *lot);
        side.extend(named.map(Portion::of));
        account.evidence.push(mention.id);
    }
    account.has_items = graph.has_items(lot);
    for said in issued
        .iter()
        .filter(|said| said.value.lot.as_ref() == Some(lot))
    {
        let before = account.issued.unwrap_or_default();
        account.issued = Some(before.saturating_add(said.value.quantity));
        account.evidence.push(said.id);
    }
    account
}
