//! Exactly once: however often and however concurrently an event is sent.

use futures_util::future::join_all;

use crate::kit::{
    OTHER_ISSUER, another_merchant, assert_checks_out, count, event_count, everything, proof,
    proven_event, refusal, stored, stored_as, tree_size,
};
use crate::support::document::{document, item_observation, observation};
use crate::support::{GTIN, TestApp};
use rootmark::domain::scope::Scope;

/// The eventID that the support's observations have.
fn event_id(id: u32) -> String {
    format!("urn:uuid:00000000-0000-4000-8000-{id:012}")
}

/// An observation without an eventID.
fn nameless(id: u32, lot: &str) -> String {
    let named = observation(id, lot);
    let member = format!("\"eventID\":\"{}\",", event_id(id));
    assert!(named.contains(&member));
    named.replace(&member, "")
}

/// A declaration that the observation `id` was an error.
fn retraction(id: u32, lot: &str, reason: &str) -> String {
    let declaration = format!(
        r#""errorDeclaration":{{"declarationTime":"2026-06-06T00:00:00Z",
            "reason":"{reason}"}},"action""#
    );
    observation(id, lot).replacen("\"action\"", &declaration, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_sent_again_adds_a_job_and_nothing_else() {
    let app = TestApp::start().await;
    let events = [
        observation(1, "L1"),
        observation(2, "L1"),
        item_observation(3, "S1"),
    ];
    assert_eq!(stored(&app, &events).await, 3);
    let mut before = everything(&app).await;
    let checkpoint = app.get_text("/log/checkpoint").await;
    for _ in 0..3 {
        assert_eq!(stored(&app, &events).await, 0);
    }
    let mut after = everything(&app).await;
    assert!(before.remove("capture_job").unwrap().starts_with("1 rows"));
    assert!(after.remove("capture_job").unwrap().starts_with("4 rows"));
    assert_eq!(after, before);
    assert_eq!(app.get_text("/log/checkpoint").await, checkpoint);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_document_that_is_known_in_part_only_the_rest_is_stored() {
    let app = TestApp::start().await;
    assert_eq!(
        stored(&app, &[observation(2, "L1"), observation(4, "L1")]).await,
        2
    );
    let events: Vec<String> = (1..=5).map(|id| observation(id, "L1")).collect();
    assert_eq!(stored(&app, &events).await, 3);
    let statements = proof(&app, &format!("/01/{GTIN}/10/L1")).await.statements;
    let mut ids: Vec<&str> = statements
        .iter()
        .filter_map(|statement| statement.content.value("/body/eventID"))
        .collect();
    ids.sort_unstable();
    let all: Vec<String> = (1..=5).map(|id| format!("\"{}\"", event_id(id))).collect();
    assert_eq!(ids, all);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_recognised_after_a_restart() {
    let app = TestApp::start().await;
    let events = [observation(1, "L1"), nameless(2, "L1")];
    assert_eq!(stored(&app, &events).await, 2);
    let app = app.restart().await;
    assert_eq!(stored(&app, &events).await, 0);
    assert_eq!(event_count(&app).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_copies_sent_at_once_one_is_stored() {
    let app = TestApp::start().await;
    let before = tree_size(&app).await;
    let events: Vec<String> = (1..=5).map(|id| observation(id, "L1")).collect();
    let copies = (0..16).map(|_| stored(&app, &events));
    let mut stored = join_all(copies).await;
    stored.sort_unstable();
    let mut expected = vec![0; 15];
    expected.push(5);
    assert_eq!(stored, expected);
    assert_eq!(event_count(&app).await, 5);
    assert_eq!(tree_size(&app).await, before + 5);
    assert_eq!(count(&app, "SELECT count(*) FROM capture_job").await, 16);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_overlap_and_are_sent_at_once_store_each_event_once() {
    let app = TestApp::start().await;
    let window = |first: u32| -> Vec<String> {
        let mut ids: Vec<u32> = (first..first + 20).map(|id| id % 64).collect();
        // Opposite orders: two captures that took keys as they come would wait for each other.
        if first.is_multiple_of(8) {
            ids.reverse();
        }
        ids.into_iter().map(|id| observation(id, "L1")).collect()
    };
    let documents: Vec<Vec<String>> = (0..64).step_by(4).map(window).collect();
    for _round in 0..3 {
        join_all(documents.iter().map(|events| stored(&app, events))).await;
    }
    assert_eq!(event_count(&app).await, 64);
    assert_eq!(count(&app, "SELECT count(*) FROM event_key").await, 64);
    let told = count(&app, "SELECT sum(stored_count)::bigint FROM capture_job").await;
    assert_eq!(told, 64);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_id_with_another_body_is_a_conflict_and_nothing_is_stored() {
    let app = TestApp::start().await;
    stored(&app, &[observation(7, "L1")]).await;
    let before = everything(&app).await;
    let changed = observation(7, "L1").replace("12.50", "12.5");
    let events = [
        observation(8, "L1"),
        observation(7, "L1"),
        changed,
        observation(9, "L1"),
    ];
    // Within a document the second one is the conflict; against the record, the changed one is.
    for events in [
        events.to_vec(),
        vec![events[0].clone(), events[3].clone(), events[2].clone()],
    ] {
        let refused = refusal(app.post("/epcis/capture", document(&events)).await).await;
        assert_eq!(refused.status, 409);
        assert_eq!(
            refused.kind,
            "epcisException:ResourceAlreadyExistsException"
        );
        assert_eq!(refused.faults, [(Some(2), "/eventID".to_owned())]);
        assert!(refused.detail.contains(&event_id(7)), "{}", refused.detail);
        assert_eq!(everything(&app).await, before);
    }
    assert_eq!(
        stored(&app, &[observation(8, "L1"), observation(7, "L1")]).await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_bodies_under_one_id_sent_at_once_one_is_stored() {
    let app = TestApp::start().await;
    let body = |i: usize| {
        let event = observation(7, "L1").replace("12.50", &format!("{}.0", i % 2));
        document(&[event, observation(100 + i as u32, "L1")])
    };
    let posts = (0..12).map(|i| app.post("/epcis/capture", body(i)));
    let answers: Vec<u16> = join_all(posts)
        .await
        .iter()
        .map(|answer| answer.status().as_u16())
        .collect();
    let side = |parity: usize| {
        let mut statuses: Vec<u16> = answers.iter().skip(parity).step_by(2).copied().collect();
        statuses.dedup();
        statuses
    };
    let mut sides = [side(0), side(1)];
    sides.sort_unstable();
    assert_eq!(sides, [vec![202], vec![409]], "{answers:?}");
    // The winner's six documents have an event of their own each; the loser's left nothing.
    assert_eq!(event_count(&app).await, 7);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_in_a_document_is_stored_once() {
    let app = TestApp::start().await;
    let events = [
        observation(1, "L1"),
        nameless(2, "L1"),
        observation(1, "L1"),
        nameless(2, "L1"),
    ];
    assert_eq!(stored(&app, &events).await, 2);
    assert_eq!(event_count(&app).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_an_id_is_given_one_and_stored_once() {
    let app = TestApp::start().await;
    let event = nameless(1, "L1");
    assert_eq!(stored(&app, std::slice::from_ref(&event)).await, 1);
    assert_eq!(stored(&app, std::slice::from_ref(&event)).await, 0);
    let spaced = event.replace("\":", "\" : ");
    assert_eq!(stored(&app, &[spaced]).await, 0);
    let copies = (0..8).map(|_| stored(&app, std::slice::from_ref(&event)));
    assert_eq!(join_all(copies).await, [0; 8]);
    let given = proven_event(&app, &format!("/01/{GTIN}/10/L1")).await;
    let given = given.content.value("/body/eventID").unwrap().to_owned();
    assert!(given.starts_with("\"urn:uuid:"), "{given}");
    // Another number, were it but another spelling of it, is another event.
    assert_eq!(stored(&app, &[event.replace("12.50", "12.5")]).await, 1);
    assert_eq!(event_count(&app).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_given_to_an_event_cannot_be_guessed_by_another_merchant() {
    let app = TestApp::start().await;
    let (other_id, _) = another_merchant(&app).await;
    // In the name of the same party, so that nothing but the merchant's own secret differs.
    let other = app
        .key_of(other_id, crate::support::ISSUER, &Scope::ALL)
        .await;
    let event = nameless(1, "L1");
    assert_eq!(stored(&app, std::slice::from_ref(&event)).await, 1);
    assert_eq!(stored_as(&app, &other, &[event]).await, 1);
    let distinct = "SELECT count(DISTINCT key) FROM event_key";
    assert_eq!(count(&app, distinct).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_id_is_one_merchants_and_another_may_have_it_too() {
    let app = TestApp::start().await;
    let (other_id, other) = another_merchant(&app).await;
    assert_eq!(stored(&app, &[observation(1, "L1")]).await, 1);
    let theirs = observation(1, "L1").replace("12.50", "99.9");
    assert_eq!(
        stored_as(&app, &other, std::slice::from_ref(&theirs)).await,
        1
    );
    assert_eq!(
        stored_as(&app, &other, std::slice::from_ref(&theirs)).await,
        0
    );
    // Within a merchant's record, the party that speaks is part of what is said.
    let spoken = app
        .key_of(app.merchant_id, OTHER_ISSUER, &[Scope::Capture])
        .await;
    let answer = app
        .post_as(&spoken, "/epcis/capture", document(&[observation(1, "L1")]))
        .await;
    assert_eq!(refusal(answer).await.status, 409);
    let own = format!("SELECT count(*) FROM event_key WHERE merchant_id = '{other_id}'");
    assert_eq!(count(&app, &own).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_declaration_shares_the_id_of_its_event() {
    let app = TestApp::start().await;
    stored(&app, &[observation(1, "L1")]).await;
    let declared = retraction(1, "L1", "incorrect_data");
    assert_eq!(stored(&app, std::slice::from_ref(&declared)).await, 1);
    assert_eq!(stored(&app, std::slice::from_ref(&declared)).await, 0);
    assert_eq!(stored(&app, &[observation(1, "L1")]).await, 0);
    let before = everything(&app).await;
    let other = document(&[retraction(1, "L1", "did_not_occur")]);
    assert_eq!(
        refusal(app.post("/epcis/capture", other).await)
            .await
            .status,
        409
    );
    assert_eq!(everything(&app).await, before);
    // Both in one document, and a declaration before its event.
    let both = [retraction(2, "L1", "incorrect_data"), observation(2, "L1")];
    assert_eq!(stored(&app, &both).await, 2);
    assert_eq!(event_count(&app).await, 4);
    assert_checks_out(&app).await;
}
