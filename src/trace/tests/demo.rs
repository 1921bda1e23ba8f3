//! The walk over the records that `rootmark demo` shows.

use super::super::describe;
use super::*;
use crate::domain::statement::About;
use crate::domain::story::Via;

const GENERAL_TRADE: Demo = Demo {
    document: include_str!("../../../demo/infant-formula-general-trade/epcis.json"),
    subject: "https://id.gs1.org/01/09521041001012/10/DEMO260624A/21/S001",
};
const BONDED: Demo = Demo {
    document: include_str!("../../../demo/infant-formula-bonded/epcis.json"),
    subject: "https://id.gs1.org/01/09521041001029/10/DEMO260701B/21/S001",
};
const BEEF: Demo = Demo {
    document: include_str!("../../../demo/chilled-beef-air/epcis.json"),
    subject: "https://id.gs1.org/01/09521072002019/10/DEMO261112S/21/S001",
};

struct Demo {
    document: &'static str,
    subject: &'static str,
}

impl Demo {
    fn bodies(&self) -> Vec<String> {
        let numbers = 1..=12;
        let document = numbers.fold(self.document.to_owned(), |text, n| {
            text.replace(&format!("{{{{serial:{n}}}}}"), &format!("S{n:03}"))
        });
        let value = json::parse(&document).unwrap();
        let document = epcis::read_document(&value).unwrap();
        document
            .events
            .iter()
            .map(json::Value::to_compact)
            .collect()
    }

    fn story(&self) -> Story {
        told(DigitalLink::parse(self.subject).unwrap(), &self.bodies())
    }

    /// The places in the document of the events that are not in the story.
    fn left_out(&self) -> Vec<usize> {
        let story = self.story();
        let steps: Vec<usize> = story.steps.iter().map(|s| s.id.position as usize).collect();
        (0..self.bodies().len())
            .filter(|position| !steps.contains(position))
            .collect()
    }
}

#[test]
fn the_tin_of_the_first_case_has_all_but_the_second_cases_own_events() {
    let bodies = GENERAL_TRADE.bodies();
    let left_out = GENERAL_TRADE.left_out();
    assert_eq!((bodies.len(), left_out.len()), (23, 2));
    let [packed, received] = left_out[..] else {
        panic!()
    };
    assert!(bodies[packed].contains("S007") && bodies[packed].contains("packing"));
    // The shop in Nanjing.
    assert!(bodies[received].contains("414/9522130000107"));
}

#[test]
fn the_tin_of_the_first_parcel_has_all_but_the_second_parcels_own_events() {
    let bodies = BONDED.bodies();
    let left_out = BONDED.left_out();
    assert_eq!((bodies.len(), left_out.len()), (26, 2));
    let [released, packed] = left_out[..] else {
        panic!()
    };
    assert!(bodies[released].contains("DEMO-REL-2026-1109-2"));
    assert!(bodies[packed].contains("00/095221600004000029"));
}

#[test]
fn the_steak_of_the_first_crate_has_all_but_the_second_crates_packing() {
    let bodies = BEEF.bodies();
    let left_out = BEEF.left_out();
    assert_eq!((bodies.len(), left_out.len()), (29, 1));
    assert!(bodies[left_out[0]].contains("S007") && bodies[left_out[0]].contains("packing"));
}

#[test]
fn two_tins_picked_together_do_not_see_each_other() {
    let story = BONDED.story();
    let picking =
        |step: &&crate::domain::story::Step| step.event.biz_step.as_deref() == Some("picking");
    let step = story.steps.iter().find(picking).unwrap();
    let statement = story.statement_of(step).unwrap();
    assert!(statement.stored.content.contains("/21/S002"));
    assert!(statement.withheld.shows_content("/body/childEPCs/0"));
    assert!(!statement.withheld.shows_content("/body/childEPCs/1"));
    let shown = shown_about(&statement.stored.receipt, &statement.withheld);
    assert!(
        shown
            .iter()
            .any(|about| about.identity.ends_with("/21/S001"))
    );
    assert!(
        !shown
            .iter()
            .any(|about| about.identity.ends_with("/21/S002"))
    );
    assert!(
        step.event
            .what
            .iter()
            .all(|what| !what.identity.canonical().ends_with("S002"))
    );
}

#[test]
fn no_other_serial_is_shown_anywhere() {
    for demo in [GENERAL_TRADE, BONDED, BEEF] {
        let story = demo.story();
        for statement in &story.statements {
            let content = json::parse(&statement.stored.content).unwrap();
            let body = content.get("body").unwrap();
            for list in ["epcList", "childEPCs"] {
                let elements = body.get(list).and_then(json::Value::as_array);
                for (position, epc) in elements.into_iter().flatten().enumerate() {
                    let pointer = format!("/body/{list}/{position}");
                    let is_shown = statement.withheld.shows_content(&pointer);
                    let is_other = epc.as_str().unwrap().contains("/21/S0")
                        && !epc.as_str().unwrap().ends_with("/21/S001");
                    assert!(!(is_shown && is_other), "{pointer} of {epc:?}");
                }
            }
            let shown = shown_about(&statement.stored.receipt, &statement.withheld);
            let is_other = |about: &About| {
                about.identity.contains("/21/S0") && !about.identity.ends_with("/21/S001")
            };
            assert!(!shown.iter().any(is_other));
        }
    }
}

#[test]
fn steps_say_how_they_concern_the_steak() {
    let story = BEEF.story();
    let count = |via| story.steps.iter().filter(|step| step.via == via).count();
    let counts = [Via::Item, Via::Container, Via::Lot, Via::Ingredient].map(count);
    assert_eq!(counts, [3, 3, 1, 21]);
    assert!(story.steps.is_sorted_by_key(|step| step.event.event_time));
    assert!(!story.truncated && story.steps.iter().all(|step| !step.is_retracted));
}

/// A verifier follows shown identities from the subject (see `auditlog::bundle`); what it cannot
/// reach, it refuses.
#[test]
fn every_step_and_every_name_is_connected_to_the_subject_by_what_is_shown() {
    for demo in [GENERAL_TRADE, BONDED, BEEF] {
        let story = demo.story();
        let mut reached: Vec<String> = story
            .subject
            .identities()
            .iter()
            .map(Identity::canonical)
            .collect();
        let mut waiting: Vec<Vec<About>> = story
            .statements
            .iter()
            .map(|statement| shown_about(&statement.stored.receipt, &statement.withheld))
            .collect();
        loop {
            let is_known = |about: &About| reached.contains(&about.identity);
            let (next, rest): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .partition(|list| list.iter().any(is_known));
            waiting = rest;
            if next.is_empty() {
                break;
            }
            reached.extend(next.into_iter().flatten().map(|about| about.identity));
        }
        assert_eq!(waiting, Vec::<Vec<About>>::new());
        let classes: Vec<String> = reached
            .iter()
            .filter_map(|name| Identity::parse(name).ok()?.without_qualifiers())
            .map(|class| class.canonical())
            .collect();
        for (name, _) in describe::names(&story) {
            assert!(reached.contains(&name) || classes.contains(&name), "{name}");
        }
    }
}

fn shown_about(receipt: &str, withheld: &crate::domain::story::Withheld) -> Vec<About> {
    let receipt = json::parse(receipt).unwrap();
    let about = receipt
        .get("about")
        .and_then(json::Value::as_array)
        .unwrap();
    about
        .iter()
        .enumerate()
        .filter(|(position, _)| withheld.shows_receipt(&format!("/about/{position}")))
        .map(|(_, about)| About::parse(about.as_str().unwrap()).unwrap())
        .collect()
}
