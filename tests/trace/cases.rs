//! The cases that public walks get wrong.

use crate::chain::*;
use crate::support::TestApp;
use crate::support::proof::proof;
use crate::told::{named, now, story, told, told_at};
use rootmark::domain::story::Via;
use rootmark::trace::KnownAt;

/// A service that has captured events, each in a document of its own: so they were recorded in this order.
async fn recorded<const N: usize>(events: [String; N]) -> TestApp {
    let app = TestApp::start().await;
    for event in events {
        app.capture(&[event]).await;
    }
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn case_1_what_happens_to_a_case_happens_to_the_tin_while_it_is_inside() {
    let app = recorded([
        see(1, &["case:1"]),
        pack(2, "case:1", &["tin:A", "tin:B"]),
        see(3, &["case:1"]),
        unpack(4, "case:1", &["tin:A"]),
        see(5, &["case:1"]),
    ])
    .await;
    let expected = "
tin:A
│  2h  AggregationEvent ADD
│  4h  AggregationEvent DELETE
└─ packed in case:1  from 2h to 4h
      3h  ObjectEvent OBSERVE";
    assert_eq!(told(&app, "tin:A").await, expected);
    // The other one stayed.
    let expected = "
tin:B
│  2h  AggregationEvent ADD
└─ packed in case:1  from 2h
      3h  ObjectEvent OBSERVE
      5h  ObjectEvent OBSERVE";
    assert_eq!(told(&app, "tin:B").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_2_unpacking_without_children_takes_out_all_and_a_partial_one_leaves_the_rest() {
    let app = recorded([
        pack(1, "case:1", &["tin:A", "tin:B"]),
        unpack(2, "case:1", &["tin:B"]),
        see(3, &["case:1"]),
        unpack(4, "case:1", &[]),
        see(5, &["case:1"]),
        // Ten kilograms of a lot went in and four came out: six were inside when it was used up.
        pack(6, "carton:C", &["powder:1"]),
        {
            let four = kilograms("powder:1", "4");
            let members = [
                member("action", "DELETE"),
                member("parentID", &uri("carton:C")),
                format!(r#""childQuantityList":[{four}]"#),
            ];
            event("AggregationEvent", 7, &members)
        },
        make(8, &["carton:C"], &["lot:L"]),
    ])
    .await;
    let expected = "
tin:A
│  1h  AggregationEvent ADD
└─ packed in case:1  from 1h to 4h
      3h  ObjectEvent OBSERVE
      4h  AggregationEvent DELETE";
    assert_eq!(told(&app, "tin:A").await, expected);
    let expected = "
lot:L
│  8h  TransformationEvent
└─ made from carton:C
   │  6h  AggregationEvent ADD
   └─ with what it held: powder:1";
    assert_eq!(told(&app, "lot:L").await, expected);
    // Once all ten are out, none is.
    let all = unpack(7, "carton:C", &["powder:1"]);
    let other = recorded([
        pack(6, "carton:C", &["powder:1"]),
        all,
        make(8, &["carton:C"], &["lot:L"]),
    ]);
    let expected = "
lot:L
│  8h  TransformationEvent
└─ made from carton:C";
    assert_eq!(told(&other.await, "lot:L").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_3_a_container_that_is_filled_again_tells_each_load_its_own_story() {
    let app = recorded([
        pack(1, "tote:1", &["tin:A"]),
        see(2, &["tote:1"]),
        unpack(3, "tote:1", &["tin:A"]),
        see(4, &["tote:1"]),
        pack(5, "tote:1", &["tin:B"]),
        see(6, &["tote:1"]),
    ])
    .await;
    let expected = "
tin:A
│  1h  AggregationEvent ADD
│  3h  AggregationEvent DELETE
└─ packed in tote:1  from 1h to 3h
      2h  ObjectEvent OBSERVE";
    assert_eq!(told(&app, "tin:A").await, expected);
    let expected = "
tin:B
│  5h  AggregationEvent ADD
└─ packed in tote:1  from 5h
      6h  ObjectEvent OBSERVE";
    assert_eq!(told(&app, "tin:B").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_4_nested_containers_count_only_while_each_holds_the_next() {
    let app = recorded([
        pack(1, "pallet:1", &["case:1"]),
        pack(2, "case:1", &["tin:A"]),
        pack(3, "truck:1", &["pallet:1"]),
        unpack(4, "pallet:1", &["case:1"]),
        see(5, &["truck:1"]),
        pack(6, "truck:2", &["case:1"]),
        see(7, &["truck:2"]),
        // Things that hold each other have an end.
        pack(8, "case:2", &["case:3"]),
        pack(8, "case:3", &["case:2"]),
        pack(9, "case:3", &["tin:B"]),
    ])
    .await;
    let expected = "
tin:A
│  2h  AggregationEvent ADD
└─ packed in case:1  from 2h
   │  1h  AggregationEvent ADD
   │  4h  AggregationEvent DELETE
   │  6h  AggregationEvent ADD
   ├─ packed in pallet:1  from 1h to 4h
   │  │  3h  AggregationEvent ADD
   │  └─ packed in truck:1  from 3h
   └─ packed in truck:2  from 6h
         7h  ObjectEvent OBSERVE";
    assert_eq!(told(&app, "tin:A").await, expected);
    let story = told(&app, "tin:B").await;
    assert_eq!(story.matches("(told above)").count(), 1, "{story}");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_5_what_is_recorded_late_is_told_in_its_place_and_was_not_known_before() {
    let app = recorded([pack(2, "case:1", &["tin:A"]), see(5, &["case:1"])]).await;
    let before = now(&app).await;
    app.capture(&[unpack(4, "case:1", &["tin:A"])]).await;
    app.capture(&[commission(1, &["tin:A"], "L")]).await;
    let expected = "
tin:A
│  2h  AggregationEvent ADD
└─ packed in case:1  from 2h
      5h  ObjectEvent OBSERVE";
    assert_eq!(told_at(&app, "tin:A", before).await, expected);
    let expected = "
tin:A
│  1h  ObjectEvent ADD
│  2h  AggregationEvent ADD
│  4h  AggregationEvent DELETE
├─ of lot lot:L
└─ packed in case:1  from 2h to 4h";
    assert_eq!(told(&app, "tin:A").await, expected);
    // Of two events of one instant the one recorded first comes first, whichever is asked for.
    let app = recorded([
        unpack(3, "case:1", &["tin:A"]),
        pack(3, "case:1", &["tin:A"]),
        see(4, &["case:1"]),
    ])
    .await;
    assert!(
        told(&app, "tin:A")
            .await
            .ends_with("4h  ObjectEvent OBSERVE")
    );
    let app = recorded([
        pack(3, "case:1", &["tin:A"]),
        unpack(3, "case:1", &["tin:A"]),
        see(4, &["case:1"]),
    ])
    .await;
    assert!(
        told(&app, "tin:A")
            .await
            .ends_with("packed in case:1  from 3h to 3h")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_6_an_observation_opens_and_closes_nothing() {
    let seen_with = bond("AggregationEvent", 3, "OBSERVE", "case:1", &["tin:B"]);
    let app = recorded([
        pack(1, "case:1", &["tin:A"]),
        seen_with,
        see(4, &["case:1"]),
    ])
    .await;
    let expected = "
tin:A
│  1h  AggregationEvent ADD
└─ packed in case:1  from 1h
      4h  ObjectEvent OBSERVE";
    assert_eq!(told(&app, "tin:A").await, expected);
    let expected = "
tin:B
   3h  AggregationEvent OBSERVE";
    assert_eq!(told(&app, "tin:B").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_7_an_end_that_nobody_recorded_is_inferred_and_says_so() {
    let app = recorded([
        pack(1, "case:1", &["tin:A", "tin:B", "tin:C"]),
        pack(2, "case:2", &["tin:A"]),
        step(3, "retail_selling", &["tin:B"]),
        unpack(4, "case:1", &["tin:C"]),
        see(5, &["case:1"]),
    ])
    .await;
    let story = told(&app, "tin:A").await;
    assert!(
        story.contains("packed in case:1  from 1h to 2h (inferred)"),
        "{story}"
    );
    assert!(story.ends_with("packed in case:2  from 2h"), "{story}");
    let story = told(&app, "tin:B").await;
    assert!(
        story.ends_with("packed in case:1  from 1h to 3h (inferred)"),
        "{story}"
    );
    // Of the third it was recorded.
    let story = told(&app, "tin:C").await;
    assert!(
        story.ends_with("packed in case:1  from 1h to 4h"),
        "{story}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_8_an_item_is_of_the_lot_that_the_record_gives_it_and_of_no_other() {
    let app = recorded([
        make(1, &["powder:1"], &["lot:L"]),
        make(1, &["powder:2"], &["lot:M"]),
        commission(2, &["tin:A"], "L"),
        see(2, &["tin:B"]),
    ])
    .await;
    let expected = "
tin:A
│  2h  ObjectEvent ADD
└─ of lot lot:L
   │  1h  TransformationEvent
   └─ made from powder:1";
    assert_eq!(told(&app, "tin:A").await, expected);
    let expected = "
tin:B
   2h  ObjectEvent OBSERVE";
    assert_eq!(told(&app, "tin:B").await, expected);
    // Where nobody says which lot went in, it may be any; and where somebody does, it is that.
    app.capture(&[make(3, &["class:09521041000114", "milk:1"], &["lot:N"])])
        .await;
    let expected = "
/01/09521041001012/10/N
│  3h  TransformationEvent
├─ made from milk:1
└─ may contain any lot of /01/09521041000114";
    assert_eq!(told(&app, "lot:N").await, expected);
    for (language, words) in [
        ("en", "batch not recorded, may be any"),
        ("zh-CN", "未记录批次，可能来自任何一批"),
    ] {
        let page = async |lot: &str| {
            let path = uri(lot).replace("https://id.gs1.org", "");
            app.page(&path, language).await.text().await.unwrap()
        };
        assert_eq!(page("lot:N").await.matches(words).count(), 1, "{language}");
        assert!(!page("lot:L").await.contains(words), "{language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_9_events_that_a_transformation_id_joins_are_one_transformation() {
    let id = "urn:epc:id:gdti:0614141.00001.T1";
    let app = recorded([
        object(1, "ADD", &["milk:1"], &[]),
        part(2, "input", &["milk:1"], id),
        part(3, "input", &["milk:2"], id),
        part(4, "output", &["powder:1"], id),
        // After the powder had come out: it is in none of it.
        part(5, "input", &["milk:3"], id),
        part(3, "input", &["milk:L"], "urn:epc:id:gdti:0614141.00001.T2"),
        part(6, "output", &["powder:2"], id),
    ])
    .await;
    let expected = "
powder:1
│  4h  TransformationEvent
├─ made from milk:1
│     1h  ObjectEvent ADD
│     2h  TransformationEvent
└─ made from milk:2
      3h  TransformationEvent";
    assert_eq!(told(&app, "powder:1").await, expected);
    let later = told(&app, "powder:2").await;
    for (milk, is_in_it) in [
        ("milk:1", true),
        ("milk:2", true),
        ("milk:3", true),
        ("milk:L", false),
    ] {
        assert_eq!(later.contains(milk), is_in_it, "{milk}: {later}");
    }
    // A proof shows the way: the receipts name what joins them.
    app.describe_product("09521041000114").await;
    let proven = proof(&app, "/01/09521041000114/10/1").await;
    let events = proven
        .statements
        .iter()
        .filter(|statement| statement.kind == "event");
    assert_eq!(events.count(), 4);
    // By its other form the transformation is the same.
    let app = recorded([
        part(2, "input", &["milk:1"], id),
        part(
            4,
            "output",
            &["powder:1"],
            "https://id.gs1.org/253/0614141000012T1",
        ),
    ])
    .await;
    assert!(told(&app, "powder:1").await.contains("made from milk:1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_10_what_was_declared_an_error_leads_nowhere_and_stays_visible() {
    let wrong = pack(2, "case:1", &["tin:A"]);
    let app = recorded([
        see(1, &["tin:A"]),
        with_id(&wrong, "urn:uuid:00000000-0000-4000-8000-000000000001"),
        see(3, &["case:1"]),
    ])
    .await;
    assert!(told(&app, "tin:A").await.contains("packed in case:1"));
    app.capture(&[declared_error(
        &wrong,
        "urn:uuid:00000000-0000-4000-8000-000000000001",
    )])
    .await;
    let expected = "
tin:A
   1h  ObjectEvent OBSERVE
   2h  AggregationEvent ADD  (declared an error)
   2h  AggregationEvent ADD  (declared an error)";
    assert_eq!(told(&app, "tin:A").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_10_a_part_of_a_transformation_that_was_declared_an_error_stays_visible_too() {
    let [id, uuid] = [
        "urn:example:t",
        "urn:uuid:00000000-0000-4000-8000-000000000001",
    ];
    let wrong = part(2, "input", &["milk:1"], id);
    let app = recorded([
        with_id(&wrong, uuid),
        part(3, "input", &["milk:2"], id),
        part(4, "output", &["powder:1"], id),
        declared_error(&wrong, uuid),
    ])
    .await;
    // Nothing leads to it: it is told of no thing, and is in the story.
    let story = story(&app, "powder:1", KnownAt::NOW).await.unwrap();
    let told: Vec<(bool, Via)> = story
        .steps
        .iter()
        .map(|step| (step.is_retracted, step.via))
        .collect();
    let expected = [
        (true, Via::Ingredient),
        (true, Via::Ingredient),
        (false, Via::Ingredient),
        (false, Via::Item),
    ];
    assert_eq!(told, expected);
    assert!(!named(&app, "powder:1").await.contains(&uri("milk:1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_11_a_logger_speaks_for_what_it_is_fastened_to_and_for_what_lies_in_that() {
    let app = recorded([
        pack(1, "pallet:1", &["case:1"]),
        pack(1, "case:1", &["tin:A"]),
        see(2, &["logger:1"]),
        fasten(3, "pallet:1", &["logger:1"]),
        see(4, &["logger:1"]),
        unfasten(5, "pallet:1", &["logger:1"]),
        see(6, &["logger:1"]),
    ])
    .await;
    let expected = "
tin:A
│  1h  AggregationEvent ADD
└─ packed in case:1  from 1h
   │  1h  AggregationEvent ADD
   └─ packed in pallet:1  from 1h
      │  3h  AssociationEvent ADD
      │  5h  AssociationEvent DELETE
      └─ measured by logger:1  from 3h to 5h
            4h  ObjectEvent OBSERVE";
    assert_eq!(told(&app, "tin:A").await, expected);
    assert!(!told(&app, "tin:B").await.contains("logger"));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_12_neighbours_and_other_products_of_one_source_stay_unnamed() {
    let app = recorded([
        make(1, &["milk:1"], &["powder:1"]),
        make(2, &["powder:1"], &["lot:L", "lot:M"]),
        make(3, &["powder:1", "milk:2"], &["carton-lot:L"]),
        commission(4, &["tin:A"], "L"),
        pack(5, "case:1", &["tin:A", "tin:B", "lot:M"]),
    ])
    .await;
    let story = told(&app, "tin:A").await;
    assert!(story.contains("made from milk:1"), "{story}");
    let named = named(&app, "tin:A").await;
    assert!(named.contains(&uri("milk:1")), "{named:?}");
    for neighbour in ["tin:B", "lot:M", "carton-lot:L", "milk:2"] {
        assert!(!story.contains(neighbour), "{neighbour}: {story}");
        assert!(!named.contains(&uri(neighbour)), "{neighbour}: {named:?}");
    }
}
