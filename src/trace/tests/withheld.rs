//! What of an event a shopper does not see.

use super::*;
use crate::domain::story::{StoryStatement, Via, Withheld};

/// The one statement of a story about `names`.
fn only(names: &str, texts: &[String], position: i32) -> StoryStatement {
    let story = told(DigitalLink::parse(&uri(names)).unwrap(), texts);
    let mut statements = story.statements.into_iter();
    statements
        .find(|statement| statement.stored.id == place(position))
        .unwrap()
}

/// The texts of `about` that are shown.
fn about(statement: &StoryStatement) -> Vec<String> {
    let receipt = json::parse(&statement.stored.receipt).unwrap();
    let list = receipt
        .get("about")
        .and_then(json::Value::as_array)
        .unwrap();
    list.iter()
        .enumerate()
        .filter(|(position, _)| {
            statement
                .withheld
                .shows_receipt(&format!("/about/{position}"))
        })
        .map(|(_, text)| text.as_str().unwrap().to_owned())
        .collect()
}

fn hides(withheld: &Withheld, pointers: &[&str]) -> bool {
    let hidden: Vec<&str> = withheld.content.iter().map(String::as_str).collect();
    hidden.len() == pointers.len() && pointers.iter().all(|pointer| hidden.contains(pointer))
}

#[test]
fn a_neighbour_in_the_case_is_hidden_and_the_case_is_not() {
    let packed = pack(1, "case:1", &["tin:A", "tin:B", "lot:L", "powder:P"]);
    let statement = only("tin:A", &[packed], 0);
    let hidden = [
        "/body/childEPCs/1",
        "/body/childQuantityList/0",
        "/body/childQuantityList/1",
    ];
    assert!(
        hides(&statement.withheld, &hidden),
        "{:?}",
        statement.withheld
    );
    let case = format!("parent {}", uri("case:1"));
    let child = format!("child {}", uri("tin:A"));
    assert_eq!(about(&statement), [child, case]);
}

#[test]
fn our_own_lot_on_a_list_is_shown_and_other_lots_are_not() {
    let known = commission(1, &["tin:A", "carton:1"], "L");
    let seen = see(2, &["tin:A", "lot:L", "lot:X"]);
    let texts = [known, seen];
    let seen = only("tin:A", &texts, 1);
    assert!(
        hides(&seen.withheld, &["/body/quantityList/1"]),
        "{:?}",
        seen.withheld
    );
    // The other item's lot bears the same number under another product's name.
    let known = only("tin:A", &texts, 0);
    assert!(hides(&known.withheld, &["/body/epcList/1"]));
    let own = [
        format!("epc {}", uri("tin:A")),
        format!("lot {}", uri("lot:L")),
    ];
    assert_eq!(about(&known), own);
}

#[test]
fn what_else_was_made_is_hidden_and_what_it_was_made_from_is_not() {
    let made = make(1, &["powder:P", "milk:M"], &["lot:L", "lot:X"]);
    let statement = only("lot:L", &[made], 0);
    assert!(hides(&statement.withheld, &["/body/outputQuantityList/1"]));
    assert!(
        about(&statement)
            .iter()
            .all(|text| !text.ends_with("/10/X"))
    );
    assert_eq!(about(&statement).len(), 3);
}

#[test]
fn an_identity_that_is_hidden_in_one_role_is_not_given_away_in_another() {
    let twice = see(1, &["tin:A", "tin:B"]);
    let texts = [twice, make(2, &["tin:A", "tin:B"], &["tin:B"])];
    let statement = only("tin:A", &texts, 1);
    // And nothing that is said of what was made.
    let hidden = [
        "/body/inputEPCList/1",
        "/body/outputEPCList/0",
        "/body/ilmd",
    ];
    assert!(hides(&statement.withheld, &hidden));
    assert_eq!(about(&statement), [format!("input {}", uri("tin:A"))]);
}

#[test]
fn a_step_keeps_only_what_is_shown() {
    let texts = [pack(1, "case:1", &["tin:A", "tin:B"])];
    let story = told(DigitalLink::parse(&uri("tin:B")).unwrap(), &texts);
    let kept: Vec<String> = story.steps[0]
        .event
        .what
        .iter()
        .map(|what| what.identity.canonical())
        .collect();
    assert_eq!(kept, [uri("case:1"), uri("tin:B")]);
    assert!(
        story.statements[0]
            .withheld
            .content
            .contains("/body/childEPCs/0")
    );
    assert!(
        !story.statements[0]
            .withheld
            .shows_content("/body/childEPCs/0")
    );
}

#[test]
fn a_neighbour_is_hidden_in_a_retracted_event_too() {
    let wrong = pack(1, "case:1", &["tin:A", "tin:B"]);
    let texts = [
        with_id(&wrong, "urn:x:1"),
        declared_error(&wrong, "urn:x:1"),
    ];
    for position in [0, 1] {
        let statement = only("tin:A", &texts, position);
        assert!(hides(&statement.withheld, &["/body/childEPCs/1"]));
    }
}

#[test]
fn what_is_said_of_another_lot_of_the_same_transformation_is_hidden() {
    let id = "urn:example:t";
    let other = make(1, &["milk:M"], &["lot:X"]);
    let ilmd = r#","transformationID":"urn:example:t","ilmd":{"cbvmda:lotNumber":"X"}}"#;
    let other = format!("{}{ilmd}", other.strip_suffix('}').unwrap());
    let texts = [other, part(2, "output", &["lot:L"], id)];
    let statement = only("lot:L", &texts, 0);
    let hidden = ["/body/outputQuantityList/0", "/body/ilmd"];
    assert!(
        hides(&statement.withheld, &hidden),
        "{:?}",
        statement.withheld
    );
    let shown = about(&statement);
    assert_eq!(
        shown,
        [
            format!("input {}", uri("milk:M")),
            format!("transformation {id}")
        ]
    );
    // To a reader of the other lot it is what was said of it.
    assert!(hides(&only("lot:X", &texts, 0).withheld, &[]));
    let story = told(DigitalLink::parse(&uri("lot:L")).unwrap(), &texts);
    let via: Vec<Via> = story.steps.iter().map(|step| step.via).collect();
    assert_eq!(via, [Via::Ingredient, Via::Item]);
}
