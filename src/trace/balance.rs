//! Adding to a story what its processes and its lots amount to. Neighbours count here and are never shown: of a lot
//! that was used up twice, only the sum is told.

use std::collections::BTreeMap;

use super::found::Found;
use super::graph::Graph;
use super::reach::Reach;
use crate::domain::balance::{Account, Portion, Process};
use crate::domain::epcis::{Event, EventType};
use crate::domain::gs1::Identity;
use crate::domain::master::Issuance;
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::{Described, Story};

/// Adds the processes, and what is known of the whole of each lot.
pub(super) fn add_balances(story: &mut Story, found: &Found, reach: &Reach) {
    story.processes = processes(story, found);
    if story.truncated {
        return;
    }
    let graph = Graph::of(found.events());
    let lots = reach.lots().filter(|lot| found.has_whole(&lot.canonical()));
    let accounts = lots.map(|lot| account(lot, &graph, &story.issued));
    let mut accounts: Vec<Account> = accounts.collect();
    accounts.sort_by(|a, b| a.lot.cmp(&b.lot));
    story.accounts = accounts;
}

/// The transformations that stand, those of one `transformationID` as one.
fn processes(story: &Story, found: &Found) -> Vec<Process> {
    let mut alone: Vec<Process> = Vec::new();
    let mut joined: BTreeMap<String, Process> = BTreeMap::new();
    for step in story.steps.iter().filter(|step| !step.is_retracted) {
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
        evidence: Vec::new(),
    };
    for mention in graph.about(lot) {
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
