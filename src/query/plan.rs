//! Which of a query's conditions proposes events, and what the others may say before a text is read.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::QueryError;
use super::best::{Frame, Reach};
use super::candidates::{before_all, recorded_between};
use crate::domain::epcis::index::is_indexed_elsewhere;
use crate::domain::epcis::query::{
    Condition, EventQuery, OrderBy, Span, Test, every_event, overflow,
};
use crate::domain::identity_key::identity_key;
use crate::domain::posting::Term;
use crate::domain::statement::Role;
use crate::domain::time::milliseconds;
use crate::store::event_index::{TermRows, Way, Weight, weigh_term_rows};
use crate::store::trace_index::{IdentityHits, count_hits};

/// Rows or hits of one condition are counted no further, whatever it asks for.
const COUNTED: usize = 10_000;
/// And of each of its values.
const COUNTED_OF_EACH: usize = 500;
/// Conditions that are counted: more do not make a query rarer by much, and each costs a round trip.
const CONDITIONS: usize = 16;
/// Nothing needs to be rarer.
const RARE: i64 = 32;

/// What proposes events: every event that fulfils a condition is among those of any of these.
#[derive(Debug, Clone, Default)]
pub(super) struct Proposal {
    pub event_ids: Vec<String>,
    pub keys: Vec<i64>,
    pub roles: Vec<i16>,
    pub terms: Vec<Term>,
}

/// How a query is answered.
#[derive(Debug)]
pub(super) struct Plan {
    pub frame: Frame,
    pub proposal: Proposal,
    /// Whether the proposed rows are few and are found by the other time than that of the order.
    pub goes_across: bool,
    /// The terms of every other condition that has nothing else: an event must have one of each.
    pub others: Vec<Vec<Term>>,
}

impl Plan {
    /// Asks the index which condition the fewest events fulfil within the times of the query.
    pub async fn of(
        conn: &mut PgConnection,
        merchant_id: Uuid,
        query: &EventQuery,
    ) -> Result<Plan, QueryError> {
        let frame = Frame {
            way: Way {
                by_record_time: query.order_by == OrderBy::RecordTime,
                ascending: query.ascending,
            },
            events: reach_of(&query.event_time),
            records: reach_of(&query.record_time),
        };
        let mut plan = Plan {
            frame,
            proposal: Proposal::everything(),
            goes_across: false,
            others: Vec::new(),
        };
        let mut proposals: Vec<Proposal> = query.conditions.iter().map(Proposal::of).collect();
        if proposals.is_empty() {
            proposals.push(Proposal::everything());
        }
        let rarest = plan.rarest(conn, merchant_id, &proposals).await?;
        plan.proposal = proposals.swap_remove(rarest);
        let only_terms =
            |proposal: &Proposal| proposal.keys.is_empty() && proposal.event_ids.is_empty();
        let others = proposals.into_iter().filter(only_terms);
        plan.others = others.map(|proposal| proposal.terms).collect();
        Ok(plan)
    }

    async fn rarest(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        proposals: &[Proposal],
    ) -> Result<usize, QueryError> {
        // One condition alone is the rarest, uncounted; but whether its rows are few must be known where
        // they could be found by the other time.
        if proposals.len() == 1 && !self.frame.across().is_bounded() {
            return Ok(0);
        }
        let mut best: Option<(i64, usize)> = None;
        for (number, proposal) in proposals.iter().enumerate().take(CONDITIONS) {
            let (events, is_whole) = self.count(conn, merchant_id, proposal).await?;
            if best.is_none_or(|(known, _)| events < known) {
                best = Some((events, number));
                self.goes_across = is_whole && self.frame.across().is_bounded();
            }
            if events < RARE {
                break;
            }
        }
        Ok(best.map_or(0, |(_, number)| number))
    }

    /// About how many events it proposes, and whether they were counted to the end.
    async fn count(
        &self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        proposal: &Proposal,
    ) -> Result<(i64, bool), QueryError> {
        let mut events = 2 * proposal.event_ids.len() as i64;
        let mut is_whole = true;
        let of_each = |values: usize| (COUNTED / values.max(1)).clamp(8, COUNTED_OF_EACH) as i64;
        if !proposal.keys.is_empty() {
            let limit = of_each(proposal.keys.len());
            let hits = IdentityHits {
                merchant_id,
                keys: &proposal.keys,
                roles: &proposal.roles,
                ascending: true,
                after: before_all(i64::MIN, true),
                recorded: recorded_between(self.frame.records),
                limit,
            };
            events += count_hits(conn, hits).await?;
        }
        if !proposal.terms.is_empty() {
            let limit = of_each(proposal.terms.len());
            // By the time that the query bounds: along the other one all rows would be passed over.
            let by_record_time = self.frame.way.by_record_time != self.frame.across().is_bounded();
            let (along, across) = match by_record_time {
                true => (self.frame.records, self.frame.events),
                false => (self.frame.events, self.frame.records),
            };
            let rows = TermRows {
                merchant_id,
                terms: &proposal.terms,
                way: Way {
                    by_record_time,
                    ascending: true,
                },
                along: along.minutes(),
                across: across.minutes(),
                rows: limit,
                bytes: i64::MAX,
            };
            let weight = weigh_term_rows(conn, rows).await?;
            is_whole = weight.rows < limit;
            events += events_in(weight);
        }
        Ok((events, is_whole))
    }
}

/// About how many events some rows name: each row has the batch's ID, and then some three bytes an event.
fn events_in(weight: Weight) -> i64 {
    const ROW: i64 = 20;
    const EVENT: i64 = 3;
    weight.rows.max((weight.bytes - ROW * weight.rows) / EVENT)
}

impl Proposal {
    fn everything() -> Proposal {
        Proposal {
            terms: vec![every_event()],
            ..Proposal::default()
        }
    }

    fn of(condition: &Condition) -> Proposal {
        let mut proposal = Proposal::default();
        for sought in &condition.any {
            let Test::AnyOf(values) = &sought.test else {
                proposal.terms.extend(sought.terms_in(&sought.fields));
                continue;
            };
            let (elsewhere, indexed): (Vec<_>, Vec<_>) = sought
                .fields
                .iter()
                .partition(|field| is_indexed_elsewhere(field));
            for field in elsewhere {
                if field == "eventID" {
                    proposal.event_ids.extend(values.iter().cloned());
                    continue;
                }
                proposal
                    .keys
                    .extend(values.iter().map(|value| identity_key(value)));
                let roles = roles_of(field).iter().filter_map(|role| role.index_code());
                proposal.roles.extend(roles);
            }
            proposal.terms.extend(sought.terms_in(indexed));
        }
        if !proposal.terms.is_empty() {
            // An event with too many terms is found by this one alone.
            proposal.terms.push(overflow());
        }
        proposal.keys.sort_unstable();
        proposal.keys.dedup();
        proposal.roles.sort_unstable();
        proposal.roles.dedup();
        proposal.terms.sort_unstable();
        proposal.terms.dedup();
        proposal
    }
}

/// The roles under which the trace index holds the identities of a field.
pub(super) fn roles_of(field: &str) -> &'static [Role] {
    match field {
        "epc" | "epcClass" => &[Role::Epc, Role::Child],
        "parent" => &[Role::Parent],
        "input" | "inputClass" => &[Role::Input],
        "output" | "outputClass" => &[Role::Output],
        _ => &[],
    }
}

fn reach_of(span: &Span) -> Reach {
    // The end is not in the span, but a millisecond that it cuts may still hold something before it.
    let before = |until: OffsetDateTime| until.checked_sub(Duration::NANOSECOND).unwrap_or(until);
    Reach {
        first: span.from.map_or(i64::MIN, milliseconds),
        last: span
            .until
            .map_or(i64::MAX, |until| milliseconds(before(until))),
    }
}
