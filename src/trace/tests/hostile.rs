//! Records made to take the walk's time: what it costs has a bound, and where it was cut off it says
//! so. Cost is counted in looks, which no clock and no other test can disturb.

use std::collections::HashSet;

use super::*;
use crate::trace::found::Walked;
use crate::trace::reach::MAX_LOOKS;

const EVENTS: u32 = 10_000;

fn walk(texts: impl Iterator<Item = String>, names: &[&str]) -> Reach {
    let events = numbered(texts.map(|text| read(&text)));
    let seeds: Vec<Identity> = names.iter().map(|name| identity(name)).collect();
    let reach = compute(&seeds, &events);
    assert!(reach.looks() <= MAX_LOOKS);
    reach
}

/// How many things are asked for; of each there are few times.
fn wanted(reach: &Reach) -> usize {
    let names: HashSet<&Identity> = reach.asks().map(|(name, _)| name).collect();
    assert!(reach.asks().count() <= 32 * names.len());
    names.len()
}

#[test]
fn a_tin_packed_ten_thousand_times_into_one_case() {
    let texts = (0..EVENTS).map(|n| pack(n / 20, "case:1", &["tin:A"]));
    let reach = walk(texts, &["tin:A"]);
    assert_eq!(reach.events().count(), EVENTS as usize);
    assert!(!reach.is_cut_off());
    // The tin and the case, each read once for its events and once for what held it; the tin once more for its lot.
    assert!(reach.looks() <= 5 * EVENTS as usize, "{}", reach.looks());
}

#[test]
fn a_tin_that_goes_in_and_out_ten_thousand_times() {
    let texts = (0..EVENTS).map(|n| match n % 2 {
        0 => pack(n / 20, "case:1", &["tin:A"]),
        _ => unpack(n / 20, "case:1", &["tin:A"]),
    });
    let reach = walk(texts, &["tin:A"]);
    // Its own events are all there; of the case's there may be more than is kept apart.
    assert_eq!(reach.events().count(), EVENTS as usize);
    assert!(reach.is_cut_off());
}

#[test]
fn everything_in_everything() {
    let texts = (0..EVENTS).map(|n| {
        let parent = format!("case:{}", n % 100);
        let child = format!("case:{}", (n * 7 + n / 100) % 100);
        pack(n / 20, &parent, &[&child])
    });
    let reach = walk(texts, &["case:7"]);
    assert!(wanted(&reach) <= 100);
}

#[test]
fn a_chain_of_ten_thousand_transformations() {
    let texts = (0..EVENTS).map(|n| {
        make(
            n / 20,
            &[&format!("milk:M{n}")],
            &[&format!("milk:M{}", n + 1)],
        )
    });
    let reach = walk(texts, &[&format!("milk:M{EVENTS}")]);
    assert!(reach.is_cut_off());
    assert!(wanted(&reach) <= 4_000);
    let few = (0..100).map(|n| make(n, &[&format!("milk:M{n}")], &[&format!("milk:M{}", n + 1)]));
    let reach = walk(few, &["milk:M100"]);
    assert!(!reach.is_cut_off());
    assert_eq!(reach.events().count(), 100);
}

#[test]
fn every_lot_made_of_every_lot() {
    let lots: Vec<String> = (0..100).map(|n| format!("milk:M{n}")).collect();
    let all: Vec<&str> = lots.iter().map(String::as_str).collect();
    let texts = (0..EVENTS / 10).map(|n| make(n / 2, &all, &[all[n as usize % 100]]));
    let reach = walk(texts, &["milk:M0"]);
    assert_eq!(wanted(&reach), 100);
}

#[test]
fn a_carton_of_a_thousand_used_up_in_a_thousand_events() {
    let lots: Vec<String> = (0..1_000).map(|n| format!("milk:M{n}")).collect();
    let all: Vec<&str> = lots.iter().map(String::as_str).collect();
    let fill = (0..10).map(|n| pack(n, "tote:1", &all));
    let uses = (0..1_000).map(|n| make(20 + n / 2, &["tote:1"], &["lot:L"]));
    let reach = walk(fill.chain(uses), &["lot:L"]);
    assert!(reach.is_cut_off());
    let fill = (0..10).map(|n| pack(n, "tote:1", &all));
    let reach = walk(fill.chain([make(20, &["tote:1"], &["lot:L"])]), &["lot:L"]);
    assert!(!reach.is_cut_off() && has(&reach, "milk:M999"));
}

#[test]
fn ten_thousand_loggers_on_one_pallet() {
    let loggers = (0..EVENTS).map(|n| fasten(n / 20, "pallet:1", &[&format!("logger:{n}")]));
    let texts = [pack(0, "pallet:1", &["tin:A"])].into_iter().chain(loggers);
    let reach = walk(texts, &["tin:A"]);
    assert!(reach.is_cut_off());
    assert!(wanted(&reach) <= 4_000);
}
