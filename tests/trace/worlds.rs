//! Records made up by chance: the walk must say what the reference says.

use auditlog::json;
use proptest::prelude::*;
use rootmark::domain::epcis::{Event, read_event};
use rootmark::domain::gs1::Identity;
use rootmark::domain::statement::StatementId;
use rootmark::trace::Reach;
use uuid::Uuid;

use crate::chain::*;
use crate::reference::{Record, Told};

const HOLDERS: [&str; 7] = [
    "case:1", "case:2", "case:3", "pallet:1", "pallet:2", "truck:1", "tote:1",
];
const GOODS: [&str; 9] = [
    "tin:A", "tin:B", "tin:C", "case:1", "case:2", "pallet:1", "lot:L", "powder:1", "carton:C",
];
const MATERIALS: [&str; 9] = [
    "milk:1",
    "milk:2",
    "powder:1",
    "powder:2",
    "carton:C",
    "tin:B",
    "case:2",
    "lot:L",
    "class:09521041000015",
];
const PRODUCTS: [&str; 6] = [
    "powder:1", "powder:2", "lot:L", "lot:M", "tin:A", "carton:C",
];
const INSTRUMENTS: [&str; 3] = ["logger:1", "logger:2", "case:3"];
const TRANSFORMATIONS: [&str; 2] = ["urn:example:t1", "urn:example:t2"];

/// Of a list as many as there are bits.
fn some(list: &[&'static str], bits: u16) -> Vec<&'static str> {
    let is_chosen = |place: &usize| bits & (1 << place) != 0;
    let chosen: Vec<&str> = (0..list.len())
        .filter(is_chosen)
        .map(|place| list[place])
        .collect();
    if chosen.is_empty() {
        vec![list[0]]
    } else {
        chosen
    }
}

fn weighed(hours: u32, action: &str, a: usize, bits: u16) -> String {
    let what = kilograms(
        ["lot:L", "powder:1"][a % 2],
        ["4", "6", "10"][bits as usize % 3],
    );
    let members = [
        member("action", action),
        member("parentID", &uri("carton:C")),
        format!(r#""childQuantityList":[{what}]"#),
    ];
    event("AggregationEvent", hours, &members)
}

/// One event at its hour.
fn made_up(hours: u32, kind: u8, a: usize, bits: u16) -> String {
    let holder = HOLDERS[a % HOLDERS.len()];
    let mut goods = some(&GOODS, bits);
    goods.retain(|thing| *thing != holder);
    if goods.is_empty() {
        goods.push("tin:A");
    }
    let id = TRANSFORMATIONS[a % 2];
    match kind {
        0..=4 => pack(hours, holder, &goods),
        5 | 6 => unpack(hours, holder, &goods),
        7 => unpack(hours, holder, &[]),
        8 => bond("AggregationEvent", hours, "OBSERVE", holder, &goods),
        9 => fasten(hours, holder, &some(&INSTRUMENTS[..2], bits)),
        10 => unfasten(hours, holder, &some(&INSTRUMENTS[..2], bits)),
        11 => fasten(hours, "truck:1", &some(&INSTRUMENTS, bits)),
        12 => commission(
            hours,
            &some(&["tin:A", "tin:B", "tin:C"], bits),
            ["L", "M"][a % 2],
        ),
        13 | 14 => make(hours, &some(&MATERIALS, bits), &some(&PRODUCTS, bits >> 9)),
        15 => part(hours, "input", &some(&MATERIALS, bits), id),
        16 => part(hours, "output", &some(&PRODUCTS, bits), id),
        17 => step(
            hours,
            "retail_selling",
            &some(&["tin:A", "tin:B", "case:2"], bits),
        ),
        // A carton that is filled and emptied by weight, and used up.
        18 | 19 => weighed(hours, "ADD", a, bits),
        20 | 21 => weighed(hours, "DELETE", a, bits),
        22 => make(hours, &["carton:C"], &some(&PRODUCTS[..4], bits)),
        _ => see(
            hours,
            &some(
                &[&GOODS[..], &INSTRUMENTS, &["milk:1", "truck:1"]].concat(),
                bits,
            ),
        ),
    }
}

/// A record in which so many events happen in each hour.
pub fn any_record(in_an_hour: u32) -> impl Strategy<Value = Vec<String>> {
    let few = prop::bits::u16::masked(0x7fff).prop_flat_map(|a| (Just(a), any::<u16>()));
    // Two draws: most lists are short.
    let bits = few.prop_map(|(a, b)| a & b);
    let one = (0u8..27, 0usize..14, bits);
    prop::collection::vec(one, 1..40).prop_map(move |events| {
        let at = (in_an_hour..).zip(events);
        at.map(|(place, (kind, a, bits))| made_up(place / in_an_hour, kind, a, bits))
            .collect()
    })
}

pub fn read(texts: &[String]) -> Vec<Event> {
    let read = |text: &String| read_event(&json::parse(text).unwrap()).expect(text);
    texts.iter().map(read).collect()
}

/// What the walk tells, whatever order the events were recorded in.
fn walked(seeds: &[Identity], events: &[Event], order: &[usize]) -> Told {
    let place = |position: usize| StatementId {
        batch_id: Uuid::from_u128(7),
        position: position as i32,
    };
    let stored = order.iter().enumerate();
    let reach = Reach::compute(
        seeds,
        stored.map(|(at, event)| (place(at), &events[*event])),
    );
    assert!(!reach.is_cut_off());
    let things = events.iter().flat_map(|event| &event.what);
    let names = things.flat_map(|what| {
        let lot = [("L", 'L'), ("M", 'M')].map(|(lot, _)| format!("lot:{lot}"));
        [what.identity.canonical()]
            .into_iter()
            .chain(lot.map(|lot| uri(&lot)))
    });
    let seeds = seeds.iter().map(Identity::canonical);
    Told {
        events: reach
            .events()
            .map(|(id, _)| order[id.position as usize])
            .collect(),
        things: names
            .chain(seeds)
            .filter(|name| reach.contains(name))
            .collect(),
    }
}

fn record_and_order() -> impl Strategy<Value = (Vec<String>, Vec<usize>)> {
    any_record(1).prop_flat_map(|texts| {
        let order: Vec<usize> = (0..texts.len()).collect();
        (Just(texts), Just(order).prop_shuffle())
    })
}

/// Enough to find each rule of the walk that was taken out; `make soak` makes more.
fn config() -> ProptestConfig {
    let is_soak = std::env::var_os("ROOTMARK_SOAK").is_some();
    ProptestConfig::with_cases(if is_soak { 200_000 } else { 500 })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_walk_tells_what_the_reference_tells((texts, order) in record_and_order()) {
        let events = read(&texts);
        let record = Record::of(&events);
        for names in [&["tin:A", "lot:L"][..], &["tin:B"], &["lot:L"], &["powder:1"], &["case:1"], &["logger:1"]] {
            let seeds: Vec<Identity> =
                names.iter().map(|name| Identity::parse(&uri(name)).unwrap()).collect();
            prop_assert_eq!(walked(&seeds, &events, &order), record.told(&seeds), "{:?}", names);
        }
    }
}
