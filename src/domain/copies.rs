//! Signs that a code was copied: look-ups that one pack cannot have had. Each is a pure function of what was looked up in
//! the last days; none of them says that this very pack is the copy.
//!
//! Whoever looks up genuine goods must not be able to spoil them: no sign rests on few networks, and of one network
//! few look-ups of an item are counted at all.

use std::collections::{HashMap, HashSet};

use time::{Date, Duration, OffsetDateTime};

use super::region::Region;

/// How far back is looked.
pub const WINDOW: Duration = Duration::days(7);
/// Look-ups that are looked at, the newest.
pub const MOST: i64 = 1_000;
/// Fewer look-ups in all show no sign.
pub const FEWEST: u32 = 4;

/// A family, its visitors and its shop look up a tin now and then; these are more.
const MANY_TIMES: usize = 30;
const MANY_NETWORKS: usize = 10;

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

/// A sign that a code was copied.
#[derive(Debug, Clone, PartialEq)]
pub enum CopySign {
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

/// The signs in look-ups of one item, which are in the order of time.
pub fn signs(seen: &[Seen]) -> Vec<CopySign> {
    far_apart(seen).into_iter().chain(many(seen)).collect()
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
    use super::*;

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
