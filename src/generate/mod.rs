//! A made-up world of supply chains, as large as one likes: the same for the same seed, event by event. For
//! benchmarks, and for whoever wants to see how a full house behaves.
//!
//! Each lot of tins has the same number of events: milk of three farms, dried, blended with what was left of the
//! powder before, filled; tins with codes, packed in cases, on pallets, in a container; over the sea, through
//! customs, to shops; unpacked, and some of them sold.

mod capture;

use std::fmt::Write as _;

use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub use self::capture::capture_all;
use crate::domain::gs1::{Gtin, Identity, Lot, Serial, Sscc};

/// Tins of a lot, of one document of codes, and of a case.
pub const TINS: u64 = 600;
const CODED: u64 = 10;
const IN_A_CASE: u64 = 6;
const CASES: u64 = TINS / IN_A_CASE;
const PALLETS: u64 = 5;
const ON_A_PALLET: u64 = CASES / PALLETS;
/// Cases that a shop receives at a time.
const DELIVERED: u64 = 10;
/// Of so many tins one is sold.
const SOLD: u64 = 10;
const FARMS: u64 = 3;

/// Events of each lot.
pub const EVENTS_OF_A_LOT: u64 = FARMS
    + 4
    + TINS / CODED
    + CASES
    + PALLETS
    + 5
    + 2 * PALLETS
    + CASES / DELIVERED
    + CASES
    + TINS / SOLD;

/// The first lot's milk was collected then, and each following lot's ten minutes later.
const FIRST: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const BETWEEN_LOTS: Duration = Duration::minutes(10);

/// The company of all keys: GS1's range for demonstrations.
const COMPANY: &str = "9529000";
const MILK: u32 = 1;
const POWDER: u32 = 2;
const BLEND: u32 = 3;
const TIN: u32 = 4;

/// What names its products are described by.
pub const PRODUCTS: [(u32, &str, &str); 4] = [
    (MILK, "生牛乳（生成数据）", "Raw milk (generated)"),
    (POWDER, "奶粉基粉（生成数据）", "Base powder (generated)"),
    (
        BLEND,
        "配方混合粉（生成数据）",
        "Blended powder (generated)",
    ),
    (
        TIN,
        "婴儿配方奶粉（生成数据）",
        "Infant formula (generated)",
    ),
];

/// The world of a seed.
#[derive(Debug, Clone, Copy)]
pub struct World {
    seed: u64,
}

/// What happens to a thing: the members of an event that differ.
struct Said<'t> {
    kind: &'static str,
    step: &'static str,
    place: u32,
    /// Further members, each after a comma.
    rest: &'t str,
}

impl World {
    /// The world of a seed.
    pub fn new(seed: u64) -> World {
        World { seed }
    }

    /// The GTIN of one of [`PRODUCTS`].
    pub fn gtin(product: u32) -> Gtin {
        let body = format!("0{COMPANY}{product:05}");
        let parsed = (0..10).find_map(|digit| Gtin::parse(&format!("{body}{digit}")).ok());
        parsed.expect("one of ten digits is the check digit")
    }

    /// A tin of a lot.
    pub fn tin(self, lot: u64, tin: u64) -> Identity {
        // 65 bits of a serial are 13 letters; of 2⁶⁴ none come twice in any world that fits a disk.
        let serial = format!("{:016X}", self.mix(&[1, lot, tin]));
        Identity::Item {
            gtin: World::gtin(TIN),
            serial: Serial::parse(&serial).expect("sixteen hexadecimal digits"),
        }
    }

    /// The powder that a lot was made from, among others.
    pub fn powder(self, lot: u64) -> Identity {
        lot_of(POWDER, "P", lot)
    }

    /// The first `events` events, in the order in which they are captured.
    pub fn events(self, events: u64) -> impl Iterator<Item = String> {
        let lots = events.div_ceil(EVENTS_OF_A_LOT);
        let all = (0..lots).flat_map(move |lot| self.lot(lot));
        all.take(usize::try_from(events).unwrap_or(usize::MAX))
    }

    /// All that happens to a lot.
    fn lot(self, lot: u64) -> Vec<String> {
        let mut events = Events {
            world: self,
            lot,
            texts: Vec::with_capacity(EVENTS_OF_A_LOT as usize),
        };
        events.make();
        events.pack();
        events.ship();
        events.sell();
        debug_assert_eq!(events.texts.len() as u64, EVENTS_OF_A_LOT);
        events.texts
    }

    /// 64 bits that depend on the seed and on some numbers: SplitMix64 (Steele, Lea and Flood, 2014).
    fn mix(self, numbers: &[u64]) -> u64 {
        let mut state = self.seed;
        for number in numbers {
            state = state
                .wrapping_add(0x9E37_79B9_7F4A_7C15)
                .wrapping_add(*number);
            state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            state ^= state >> 31;
        }
        state
    }
}

/// The events of a lot, one after the other.
struct Events {
    world: World,
    lot: u64,
    texts: Vec<String>,
}

impl Events {
    fn make(&mut self) {
        let milk: Vec<Identity> = (0..FARMS)
            .map(|farm| lot_of(MILK, "M", self.lot * FARMS + farm))
            .collect();
        for (farm, milk) in milk.iter().enumerate() {
            let rest = format!(
                r#","action":"ADD","quantityList":[{}]"#,
                weighed(milk, 9_000)
            );
            self.say(
                farm as i64,
                &Said::object("collecting", 1 + farm as u32, &rest),
            );
        }
        let [powder, before] =
            [self.lot, self.lot.saturating_sub(1)].map(|lot| self.world.powder(lot));
        let blend = lot_of(BLEND, "B", self.lot);
        let tins = lot_of(TIN, "L", self.lot);
        let inputs: Vec<String> = milk.iter().map(|milk| weighed(milk, 9_000)).collect();
        self.transform(30, 10, &inputs.join(","), &weighed(&powder, 3_300));
        let inputs = match self.lot {
            0 => weighed(&powder, 3_000),
            _ => format!("{},{}", weighed(&powder, 3_000), weighed(&before, 300)),
        };
        self.transform(60, 11, &inputs, &weighed(&blend, 3_000));
        self.transform(90, 12, &weighed(&blend, 550), &counted(&tins, TINS));
        let rest = format!(
            r#","action":"OBSERVE","quantityList":[{}]"#,
            counted(&tins, TINS)
        );
        self.say(200, &Said::object("inspecting", 13, &rest));
    }

    fn transform(&mut self, minutes: i64, place: u32, inputs: &str, outputs: &str) {
        let rest = format!(r#","inputQuantityList":[{inputs}],"outputQuantityList":[{outputs}]"#);
        let said = Said {
            kind: "TransformationEvent",
            step: "creating_class_instance",
            place,
            rest: &rest,
        };
        self.say(minutes, &said);
    }

    fn pack(&mut self) {
        for first in (0..TINS).step_by(CODED as usize) {
            let rest = format!(
                r#","action":"ADD","epcList":[{}],"ilmd":{{"cbvmda:lotNumber":"L{}","cbvmda:itemExpirationDate":"2028-01-01"}}"#,
                self.tins(first, CODED),
                self.lot
            );
            self.say(100, &Said::object("commissioning", 12, &rest));
        }
        for case in 0..CASES {
            let tins = self.tins(case * IN_A_CASE, IN_A_CASE);
            let case = self.case(case);
            self.bond(110, ("ADD", "packing", 12), &case, Some(&tins));
        }
        for pallet in 0..PALLETS {
            let cases = quoted((0..ON_A_PALLET).map(|case| self.case(pallet * ON_A_PALLET + case)));
            let pallet = self.pallet(pallet);
            self.bond(130, ("ADD", "packing", 12), &pallet, Some(&cases));
        }
    }

    fn ship(&mut self) {
        let day = 24 * 60;
        let container = unit(2, self.lot);
        let pallets = quoted((0..PALLETS).map(|pallet| self.pallet(pallet)));
        self.bond(2 * day, ("ADD", "loading", 14), &container, Some(&pallets));
        for (days, step, place) in [
            (3, "departing", 15),
            (20, "arriving", 16),
            (21, "accepting", 17),
        ] {
            let rest = format!(r#","action":"OBSERVE","epcList":["{container}"]"#);
            self.say(days * day, &Said::object(step, place, &rest));
        }
        self.bond(22 * day, ("DELETE", "unloading", 18), &container, None);
        for pallet in (0..PALLETS)
            .map(|pallet| self.pallet(pallet))
            .collect::<Vec<_>>()
        {
            let rest = format!(r#","action":"OBSERVE","epcList":["{pallet}"]"#);
            self.say(23 * day, &Said::object("receiving", 19, &rest));
            self.bond(24 * day, ("DELETE", "unpacking", 19), &pallet, None);
        }
    }

    fn sell(&mut self) {
        let day = 24 * 60;
        for first in (0..CASES).step_by(DELIVERED as usize) {
            let shop = self.shop(first);
            let cases = quoted((first..first + DELIVERED).map(|case| self.case(case)));
            let rest = format!(r#","action":"OBSERVE","epcList":[{cases}]"#);
            self.say(26 * day, &Said::object("receiving", shop, &rest));
        }
        for case in 0..CASES {
            let shop = self.shop(case);
            let case = self.case(case);
            self.bond(27 * day, ("DELETE", "unpacking", shop), &case, None);
        }
        for tin in (0..TINS).step_by(SOLD as usize) {
            let minutes = 28 * day + (self.world.mix(&[2, self.lot, tin]) % 20_000) as i64;
            let rest = format!(r#","action":"OBSERVE","epcList":[{}]"#, self.tins(tin, 1));
            let shop = self.shop(tin / IN_A_CASE);
            self.say(minutes, &Said::object("retail_selling", shop, &rest));
        }
    }

    fn bond(
        &mut self,
        minutes: i64,
        (action, step, place): (&str, &'static str, u32),
        parent: &str,
        children: Option<&str>,
    ) {
        let children = children.map(|children| format!(r#","childEPCs":[{children}]"#));
        let rest = format!(
            r#","action":"{action}","parentID":"{parent}"{}"#,
            children.unwrap_or_default()
        );
        let said = Said {
            kind: "AggregationEvent",
            step,
            place,
            rest: &rest,
        };
        self.say(minutes, &said);
    }

    fn say(&mut self, minutes: i64, said: &Said<'_>) {
        let number = self.texts.len() as u64;
        let at = FIRST + BETWEEN_LOTS * self.lot as i32 + Duration::minutes(minutes);
        // Seconds tell the order of what happens in the same minute.
        let at = at + Duration::milliseconds(number as i64);
        let time = at.format(&Rfc3339).expect("a year of four digits");
        let id = [
            self.world.mix(&[3, self.lot, number]),
            self.world.mix(&[4, self.lot, number]),
        ];
        let id = Uuid::new_v8((u128::from(id[0]) << 64 | u128::from(id[1])).to_be_bytes());
        let place = place(said.place);
        self.texts.push(format!(
            r#"{{"type":"{}","eventID":"urn:uuid:{id}","eventTime":"{time}","eventTimeZoneOffset":"+00:00","bizStep":"{}","readPoint":{{"id":"{place}"}},"bizLocation":{{"id":"{place}"}}{}}}"#,
            said.kind, said.step, said.rest
        ));
    }

    fn tins(&self, first: u64, count: u64) -> String {
        quoted((first..first + count).map(|tin| self.world.tin(self.lot, tin).canonical()))
    }

    fn case(&self, case: u64) -> String {
        unit(0, self.lot * CASES + case)
    }

    fn pallet(&self, pallet: u64) -> String {
        unit(1, self.lot * PALLETS + pallet)
    }

    /// Each shop takes what is delivered at a time.
    fn shop(&self, case: u64) -> u32 {
        let shop = self.world.mix(&[5, self.lot, case / DELIVERED]) % 1_000;
        100 + shop as u32
    }
}

impl<'t> Said<'t> {
    fn object(step: &'static str, place: u32, rest: &'t str) -> Said<'t> {
        Said {
            kind: "ObjectEvent",
            step,
            place,
            rest,
        }
    }
}

fn lot_of(product: u32, letter: &str, number: u64) -> Identity {
    Identity::LotOf {
        gtin: World::gtin(product),
        lot: Lot::parse(&format!("{letter}{number}")).expect("a letter and some digits"),
    }
}

/// A logistic unit of a kind.
fn unit(kind: u8, number: u64) -> String {
    let body = format!("{kind}{COMPANY}{number:09}");
    let sscc = Sscc::with_check_digit(&body).expect("seventeen digits");
    Identity::Sscc(sscc).canonical()
}

fn place(number: u32) -> String {
    let body = format!("{COMPANY}{number:05}");
    let parsed = (0..10).find_map(|digit| {
        let link = format!("https://id.gs1.org/414/{body}{digit}");
        Identity::parse(&link).ok().map(|_| link)
    });
    parsed.expect("one of ten digits is the check digit")
}

fn weighed(lot: &Identity, kilograms: u64) -> String {
    format!(r#"{{"epcClass":"{lot}","quantity":{kilograms},"uom":"KGM"}}"#)
}

fn counted(lot: &Identity, count: u64) -> String {
    format!(r#"{{"epcClass":"{lot}","quantity":{count}}}"#)
}

fn quoted(names: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for name in names {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}\"{name}\"");
    }
    text
}

/// Events as a document.
pub fn document(events: &[String]) -> String {
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{{"cbvmda":"urn:epcglobal:cbv:mda:"}}],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-01-01T00:00:00Z","epcisBody":{{"eventList":[{}]}}}}"#,
        events.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::epcis::{Event, read_document, read_event};
    use auditlog::json;

    fn read(text: &str) -> Event {
        read_event(&json::parse(text).unwrap()).expect(text)
    }

    #[test]
    fn a_seed_makes_the_same_world_again_and_another_seed_another() {
        let first = |seed| -> Vec<String> { World::new(seed).events(2_000).collect() };
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
        // A larger world begins as a smaller one.
        let more: Vec<String> = World::new(7).events(3_000).collect();
        assert_eq!(more[..2_000], first(7));
        assert_eq!(more.len(), 3_000);
    }

    #[test]
    fn every_event_is_one_that_is_captured_and_no_two_are_the_same() {
        let texts: Vec<String> = World::new(1).events(2 * EVENTS_OF_A_LOT).collect();
        let events: Vec<Event> = texts.iter().map(|text| read(text)).collect();
        let ids: std::collections::HashSet<_> = events.iter().map(|e| e.event_id.clone()).collect();
        assert_eq!(ids.len(), texts.len());
        let document = document(&texts);
        let value = json::parse(&document).unwrap();
        assert_eq!(read_document(&value).unwrap().events.len(), texts.len());
        // Each tin is given its code once, packed once, and found where `tin` says.
        let tin = World::new(1).tin(1, 17);
        let of_tin = events
            .iter()
            .filter(|e| e.what.iter().any(|w| w.identity == tin));
        assert_eq!(of_tin.count(), 2);
    }
}
