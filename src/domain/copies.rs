//! Signs that a code was copied: look-ups that one pack cannot have had. Each is a pure function of what was looked up in
//! the last days; none of them says that this very pack is the copy.
//!
//! Whoever looks up genuine goods must not be able to spoil them: no sign rests on few networks, and of one network
//! few look-ups of an item are counted at all.

use std::collections::{HashMap, HashSet};

use time::{Date, Duration, OffsetDateTime};

use super::epcis::EventType;
use super::hidden::{MAX_REVEALS, TOO_MANY_REVEALS};
use super::region::Region;
use super::review::Outcome;
use super::statement::Role;
use super::story::{Story, Via};
use super::turn::Turn;

/// How far back is looked.
pub const WINDOW: Duration = Duration::days(7);
/// Look-ups that are looked at, the newest.
pub const MOST: i64 = 1_000;
/// Fewer look-ups in all show no sign.
pub const FEWEST: u32 = 4;

/// A family, its visitors and its shop look up a tin now and then; these are more.
const MANY_TIMES: usize = 30;
const MANY_NETWORKS: usize = 10;

/// What was sold has one household: so long after the sale, fewer are too many.
const SINCE_SALE: Duration = Duration::hours(24);
const SOLD_TIMES: usize = 10;
const SOLD_NETWORKS: usize = 5;

/// An aeroplane with the wind.
const KM_PER_HOUR: f64 = 1_100.0;
/// Regions nearer than this may be told apart wrongly.
const NEAR_KM: f64 = 200.0;
/// So many ways that nothing travels, seen by so many networks: one traveller's phone, whose network is in another
/// country than he is, makes none of them.
const FAR_WAYS: usize = 3;
const FAR_NETWORKS: usize = 4;

/// A look-up, as far as it can be a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: OffsetDateTime,
    /// From which network, under its name of that day.
    pub network: [u8; 8],
    /// Where, as far as that is known.
    pub place: Option<Region>,
}

/// What the record, and the merchant's own reviews, say of an item, as far as it bears on who may hold it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The last review, if it found copies.
    pub is_confirmed: bool,
    /// The number of the last look-up that the merchant has looked into: later ones alone are signs.
    pub reviewed_through: u32,
    /// When it was sold, if it was not returned.
    pub sold_at: Option<OffsetDateTime>,
    /// When it was taken out of the trade otherwise, or destroyed.
    pub voided_at: Option<OffsetDateTime>,
    /// Whether its code was never put on a pack, while most of its lot were.
    pub is_spare: bool,
    /// How often its hidden code was entered since the last review, and when first, if that is too often.
    pub revealed: Option<(usize, OffsetDateTime)>,
}

impl Standing {
    /// That of the item of a story.
    pub fn of(story: &Story) -> Standing {
        let last = story.reviews.last();
        let mut standing = Standing {
            is_confirmed: last.is_some_and(|said| said.value.outcome == Outcome::Copied),
            reviewed_through: last.map_or(0, |said| said.value.through),
            is_spare: last.is_none() && is_spare(story),
            revealed: revealed(story),
            ..Standing::default()
        };
        let Some(item) = story.subject.item() else {
            return standing;
        };
        for step in story.standing() {
            let own = step.event.what.iter().find(|what| what.identity == item);
            let Some(own) = own.filter(|_| step.event.event_type != EventType::Transaction) else {
                continue;
            };
            if own.role == Role::Epc && step.event.turns().epc == Turn::Ended {
                // What the merchant has looked into since is no sign any more.
                let recorded_at = story.statement_of(step).map(|said| said.stored.recorded_at);
                let is_reviewed = last.is_some_and(|last| recorded_at < Some(last.recorded_at));
                let at = step.event.event_time;
                if step.event.is_sale() {
                    standing.sold_at = Some(at);
                } else if !is_reviewed {
                    standing.voided_at = standing.voided_at.or(Some(at));
                }
            } else if step.event.disposition.as_deref() == Some("returned") {
                standing.sold_at = None;
            }
        }
        standing
    }
}

/// How often the hidden code of an item was entered since its last review, and when first ever, where that is too often.
fn revealed(story: &Story) -> Option<(usize, OffsetDateTime)> {
    let reviewed_at = story.reviews.last().map(|last| last.recorded_at);
    let uses = story.reveals.iter().map(|said| said.recorded_at);
    let first_at = uses.clone().min()?;
    let news = uses.filter(|at| reviewed_at.is_none_or(|reviewed_at| *at > reviewed_at));
    let (times, all) = (news.count(), story.reveals.len());
    // Of more than are stated nothing new is seen: what ends with a review would end for good.
    let is_news = times > 0 || all >= MAX_REVEALS as usize;
    (is_news && all >= TOO_MANY_REVEALS as usize).then_some((all, first_at))
}

/// Whether the code of an item was issued and no event names it, though events name most of the codes of its lot: labels
/// that were left over. Where a merchant writes down few of its items, nothing follows.
fn is_spare(story: &Story) -> bool {
    let is_named = story.steps.iter().any(|step| step.via == Via::Item);
    let is_item = story.subject.serial().is_some();
    if is_named || !is_item || !story.is_on_record {
        return false;
    }
    let mut own = story
        .accounts
        .iter()
        .filter(|account| account.lot.gtin() == story.subject.gtin());
    own.any(|account| {
        let (Some(items), Some(issued)) = (account.items, account.issued) else {
            return false;
        };
        items.saturating_mul(2) > issued
    })
}

/// A sign that a code was copied.
#[derive(Debug, Clone, PartialEq)]
pub enum CopySign {
    /// Its merchant has found copies.
    Confirmed,
    /// It was destroyed, or taken out of the trade: nobody should hold it.
    Voided {
        /// When.
        at: OffsetDateTime,
    },
    /// Its code was issued and never put on a pack.
    Spare,
    /// Its hidden code is for one use, and had more.
    Revealed {
        /// How many.
        times: usize,
        /// When the first was.
        first_at: OffsetDateTime,
    },
    /// More people look it up than live where it was sold to.
    AfterSale {
        /// When it was sold.
        sold_at: OffsetDateTime,
        /// How often, in the last days.
        times: usize,
        /// From how many networks on one of these days.
        networks: usize,
    },
    /// More people look it up than one pack has.
    ManyLookUps {
        /// How often, in the last days.
        times: usize,
        /// From how many networks on one of these days.
        networks: usize,
    },
    /// It was looked up so often that nothing more is counted.
    Countless {
        /// How often.
        times: u32,
    },
    /// It was looked up at places further apart than it can have gone in between.
    FarApart {
        /// How far the two places of one such way are apart at the least. Which they are is the merchant's to know.
        km: f64,
        /// The time between.
        minutes: i64,
        /// How often that happened.
        times: usize,
    },
}

/// The signs that need no look-up but the reader's own.
pub fn standing_signs(standing: &Standing) -> Vec<CopySign> {
    let confirmed = standing.is_confirmed.then_some(CopySign::Confirmed);
    let voided = standing.voided_at.map(|at| CopySign::Voided { at });
    let spare = standing.is_spare.then_some(CopySign::Spare);
    let revealed = standing.revealed;
    let revealed = revealed.map(|(times, first_at)| CopySign::Revealed { times, first_at });
    let signs = confirmed.into_iter().chain(voided).chain(spare);
    signs.chain(revealed).collect()
}

/// The signs in look-ups of one item, which are in the order of time; none of them was looked into.
pub fn signs(seen: &[Seen], standing: &Standing) -> Vec<CopySign> {
    let far = far_apart(seen).into_iter();
    let sold = standing
        .sold_at
        .and_then(|sold_at| after_sale(seen, sold_at));
    far.chain(sold).chain(many(seen)).collect()
}

fn after_sale(seen: &[Seen], sold_at: OffsetDateTime) -> Option<CopySign> {
    let since = sold_at.saturating_add(SINCE_SALE);
    let seen = seen.iter().filter(|seen| seen.at >= since);
    let (times, networks) = (seen.clone().count(), networks_of_a_day(seen));
    let is_sign = times >= SOLD_TIMES && networks >= SOLD_NETWORKS;
    is_sign.then_some(CopySign::AfterSale {
        sold_at,
        times,
        networks,
    })
}

/// How many networks there are on the day with the most of them. What a network is called ends with its day: networks of
/// two days are never added up.
fn networks_of_a_day<'s>(seen: impl Iterator<Item = &'s Seen>) -> usize {
    let mut days: HashMap<Date, HashSet<[u8; 8]>> = HashMap::new();
    for seen in seen {
        days.entry(seen.at.date()).or_default().insert(seen.network);
    }
    days.values().map(HashSet::len).max().unwrap_or(0)
}

fn many(seen: &[Seen]) -> Option<CopySign> {
    let (times, networks) = (seen.len(), networks_of_a_day(seen.iter()));
    let is_many = times >= MANY_TIMES && networks >= MANY_NETWORKS;
    is_many.then_some(CopySign::ManyLookUps { times, networks })
}

fn far_apart(seen: &[Seen]) -> Option<CopySign> {
    let placed: Vec<(&Seen, &Region)> = seen
        .iter()
        .filter_map(|seen| Some((seen, seen.place.as_ref()?)))
        // Who is somewhere in China is not between two of its parts.
        .filter(|(_, place)| place.as_str() != "CN")
        .collect();
    let mut furthest: Option<(f64, i64)> = None;
    let mut on_the_way = Vec::new();
    let mut times = 0;
    for pair in placed.windows(2) {
        let [(before, from), (after, to)] = pair else {
            continue;
        };
        let between = after.at - before.at;
        let Some(km) = from.least_km_to(to) else {
            continue;
        };
        let is_possible = km <= between.as_seconds_f64() / 3_600.0 * KM_PER_HOUR;
        // Two at one moment were put there by a clock that had to be held back.
        if km < NEAR_KM || is_possible || between.is_zero() {
            continue;
        }
        times += 1;
        on_the_way.extend([*before, *after]);
        if furthest.is_none_or(|(most, _)| km > most) {
            furthest = Some((km, between.whole_minutes()));
        }
    }
    let (km, minutes) = furthest?;
    let networks = networks_of_a_day(on_the_way.into_iter());
    let is_sign = times >= FAR_WAYS && networks >= FAR_NETWORKS;
    is_sign.then_some(CopySign::FarApart { km, minutes, times })
}

#[cfg(test)]
mod tests {
    use super::{signs as signs_with, *};

    /// Of an item of which the record says nothing.
    fn signs(seen: &[Seen]) -> Vec<CopySign> {
        signs_with(seen, &Standing::default())
    }

    /// Look-ups so many minutes apart, each from a network and a place.
    fn seen(minutes: i64, looks: &[(u8, &str)]) -> Vec<Seen> {
        let look = |(place_in_row, (network, place)): (usize, &(u8, &str))| Seen {
            at: OffsetDateTime::UNIX_EPOCH + Duration::minutes(minutes * place_in_row as i64),
            network: [*network; 8],
            place: Region::parse(place),
        };
        looks.iter().enumerate().map(look).collect()
    }

    #[test]
    fn places_too_far_apart_are_a_sign_once_several_networks_saw_it() {
        let four = [(1, "CN-SH"), (2, "CN-XJ"), (3, "CN-SH"), (4, "CN-XJ")];
        let found = signs(&seen(30, &four));
        let [CopySign::FarApart { km, minutes, times }] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((*minutes, *times), (30, 3));
        assert!(*km > 1_500.0);
        for no_sign in [
            // With a day in between anybody can fly there.
            seen(24 * 60, &four),
            // Two ways, and not three.
            seen(30, &four[..3]),
            // Two networks that take turns, as one traveller's do.
            seen(
                30,
                &[
                    (1, "CN-SH"),
                    (2, "CN-XJ"),
                    (1, "CN-SH"),
                    (2, "CN-XJ"),
                    (1, "CN-SH"),
                    (2, "CN-XJ"),
                ],
            ),
            // The same two on three evenings, whose networks are called otherwise each day.
            seen(
                12 * 60,
                &[
                    (1, "CN-SH"),
                    (2, "NZ"),
                    (3, "CN-SH"),
                    (4, "NZ"),
                    (5, "CN-SH"),
                    (6, "NZ"),
                ],
            ),
            // At one moment, on a clock that had to be held back.
            seen(0, &four),
            // Neighbours.
            seen(
                30,
                &[(1, "CN-SH"), (2, "CN-JS"), (3, "CN-SH"), (4, "CN-ZJ")],
            ),
            // Nobody knows where.
            seen(30, &[(1, ""), (2, "XX"), (3, "CN-SH"), (4, "")]),
        ] {
            assert_eq!(signs(&no_sign), [], "{no_sign:?}");
        }
    }

    #[test]
    fn what_was_sold_is_looked_up_by_few() {
        let sold = |hours: i64| Standing {
            sold_at: Some(OffsetDateTime::UNIX_EPOCH - Duration::hours(hours)),
            ..Standing::default()
        };
        let ten: Vec<(u8, &str)> = (0..10).map(|look| (look % 5, "")).collect();
        let found = signs_with(&seen(1, &ten), &sold(24));
        let [
            CopySign::AfterSale {
                times, networks, ..
            },
        ] = found.as_slice()
        else {
            panic!("{found:?}");
        };
        assert_eq!((*times, *networks), (10, 5));
        // On the day of the sale the shop and its customers look too.
        assert_eq!(signs_with(&seen(1, &ten), &sold(20)), []);
        assert_eq!(signs_with(&seen(1, &ten[..9]), &sold(24)), []);
        let four: Vec<(u8, &str)> = (0..20).map(|look| (look % 4, "")).collect();
        assert_eq!(signs_with(&seen(1, &four), &sold(24)), []);
        assert_eq!(signs(&seen(1, &ten)), []);
    }

    #[test]
    fn what_nobody_should_hold_is_a_sign_by_itself() {
        assert_eq!(standing_signs(&Standing::default()), []);
        let at = OffsetDateTime::UNIX_EPOCH;
        let all = Standing {
            is_confirmed: true,
            voided_at: Some(at),
            is_spare: true,
            ..Standing::default()
        };
        let found = standing_signs(&all);
        assert_eq!(
            found,
            [
                CopySign::Confirmed,
                CopySign::Voided { at },
                CopySign::Spare
            ]
        );
    }

    #[test]
    fn many_look_ups_are_a_sign_once_they_come_from_many_networks() {
        let many = |count: u8, networks: u8| -> Vec<(u8, &str)> {
            (0..count).map(|look| (look % networks, "")).collect()
        };
        assert_eq!(
            signs(&seen(1, &many(30, 10))),
            [CopySign::ManyLookUps {
                times: 30,
                networks: 10
            }]
        );
        assert_eq!(signs(&seen(1, &many(29, 29))), []);
        // Two networks a day, under other names each day.
        assert_eq!(signs(&seen(12 * 60, &many(40, 40))), []);
        // A shop, and whoever wants to spoil what it sells.
        assert_eq!(signs(&seen(1, &many(200, 9))), []);
        assert_eq!(signs(&[]), []);
    }
}
