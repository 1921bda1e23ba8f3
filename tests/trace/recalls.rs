//! Recalls: opened, found by everything that leads back to what is recalled, widened, closed.

use rootmark::app::merchants::{KeyOrder, add_key};
use rootmark::domain::scope::Scope;
use rootmark::domain::statement::Role;
use rootmark::domain::time::LAST;
use rootmark::domain::turn::Turn;
use rootmark::store::begin_for;
use rootmark::store::walk::{Described, Descriptions, descriptions_of};
use serde_json::{Value, json};

use crate::chain::*;
use crate::support::command::rootmark;
use crate::support::proof::proof;
use crate::support::{GTIN, TestApp, forged};
use crate::told::{told, told_at};

const RECALL: &str = "urn:example:recall:1";

/// A recall of things by their short names.
fn recall(status: &str, scope: &[&str]) -> Value {
    json!({
        "recall": RECALL,
        "status": status,
        "recallClass": 1,
        "scope": scope.iter().map(|name| uri(name)).collect::<Vec<_>>(),
        "reason": {"zh-CN": "检出沙门氏菌", "en": "Salmonella was found"},
        "instructions": {"zh-CN": "请停止食用并退货", "en": "Stop using it and bring it back"},
        "contact": {
            "name": {"zh-CN": "演示客服", "en": "Demo care"},
            "phone": "+86 400-000-0000",
            "url": "https://brand.example/recall?lot=1&lang=zh",
        },
    })
}

async fn say(app: &TestApp, recall: &Value) -> (u16, Value) {
    let answer = app.post("/api/recalls", recall.to_string()).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn open(app: &TestApp, scope: &[&str]) {
    let (status, said) = say(app, &recall("open", scope)).await;
    assert_eq!(status, 201, "{said}");
}

/// What a code's story says first, if it says anything of a recall.
async fn recalled(app: &TestApp, name: &str) -> Option<&'static str> {
    let told = told(app, name).await;
    ["RECALLED", "POSSIBLY RECALLED", "recall closed"]
        .into_iter()
        .find(|title| told.starts_with(&format!("\n{title}  class 1  ")))
}

async fn page(app: &TestApp, path: &str, language: &str) -> String {
    let page = app.page(path, language).await;
    assert_eq!(page.status(), 200);
    page.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_sees_its_recalls_as_they_stand() {
    let app = TestApp::start().await;
    let list = async |query: &str| -> Value {
        let request = app.http.get(app.url(&format!("/api/recalls{query}")));
        let answer = request.bearer_auth(&app.key).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        answer.json().await.unwrap()
    };
    assert_eq!(list("").await, json!({"recalls": [], "isTruncated": false}));
    let opened = say(&app, &recall("open", &["lot:L"])).await;
    assert_eq!(opened.0, 201);
    let mut other = recall("open", &["tin:B"]);
    other["recall"] = json!("urn:example:recall:2");
    assert_eq!(say(&app, &other).await.0, 201);
    // As the first was said last: widened, and by that the one to be read first.
    open(&app, &["lot:L", "tin:A"]).await;
    let both = list("").await;
    let uris = |list: &Value| -> Vec<String> {
        let recalls = list["recalls"].as_array().unwrap().iter();
        recalls
            .map(|one| one["recall"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(uris(&both), [RECALL, "urn:example:recall:2"]);
    let first = &both["recalls"][0];
    assert_eq!(first["scope"], json!([uri("lot:L"), uri("tin:A")]));
    assert_eq!(
        (&first["statements"], &first["status"]),
        (&json!(2), &json!("open"))
    );
    assert_eq!(first["contact"]["phone"], "+86 400-000-0000");
    assert!(first["opened"].as_str() < first["recorded"].as_str());
    assert_eq!(
        uris(&list("?recall=urn:example:recall:2").await),
        ["urn:example:recall:2"]
    );
    let closed = say(&app, &recall("closed", &["lot:L", "tin:A"])).await;
    assert_eq!(closed.0, 201);
    assert_eq!(uris(&list("?status=open").await), ["urn:example:recall:2"]);
    assert_eq!(uris(&list("?status=closed").await), [RECALL]);
    // Nobody else's, and nothing for a wrong question.
    let key = |merchant_id, scope| {
        let order = KeyOrder {
            merchant_id,
            issuer: "https://id.gs1.org/417/9522050000003",
            label: "recalls",
            scopes: scope,
        };
        let database = &app.running.database;
        async move { add_key(database, &order).await.unwrap() }
    };
    let issuer = "https://id.gs1.org/417/9522050000003";
    let foreign = app.add_merchant("Foreign", issuer);
    let foreign = key(foreign.await.id, &[Scope::Recalls]).await;
    let get = async |key: &str, path: &str| {
        let request = app.http.get(app.url(path)).bearer_auth(key);
        request.send().await.unwrap()
    };
    let none: Value = get(&foreign, "/api/recalls").await.json().await.unwrap();
    assert_eq!(none["recalls"], json!([]));
    let lacking = key(app.merchant_id, &[Scope::MasterData]).await;
    assert_eq!(get(&lacking, "/api/recalls").await.status(), 403);
    for wrong in ["?status=paused", "?state=open"] {
        let refused = get(&app.key, &format!("/api/recalls{wrong}")).await;
        assert_eq!(refused.status(), 400, "{wrong}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_leads_back_to_what_is_recalled_says_so_and_nothing_else_does() {
    let events = [
        make(1, &["milk:1"], &["powder:1"]),
        make(2, &["powder:1", "class:09521041000022"], &["lot:L"]),
        make(2, &["milk:2"], &["lot:M"]),
        commission(3, &["tin:A", "tin:B"], "L"),
        commission(3, &["tin:C"], "M"),
        pack(4, "case:1", &["tin:A"]),
        pack(4, "case:2", &["tin:B", "tin:C"]),
        pack(5, "pallet:1", &["case:1"]),
        unpack(6, "case:1", &["tin:A"]),
        pack(7, "case:1", &["tin:C"]),
    ];
    let (affected, possibly) = (Some("RECALLED"), Some("POSSIBLY RECALLED"));
    // What is recalled, and what the tins A, B and C then say.
    for (scope, expected) in [
        (&["lot:L"][..], [affected, affected, None]),
        (&["milk:1"], [affected, affected, None]),
        (&["milk:2"], [None, None, affected]),
        (&["tin:B"], [None, affected, None]),
        // It held A and later C; the pallet below it was there for both.
        (&["case:1"], [affected, None, affected]),
        (&["pallet:1"], [affected, None, affected]),
        (&["class:09521041001012"], [affected, affected, affected]),
        // All of a kind that was used; one lot of it; a lot of which nothing was used.
        (&["class:09521041000022"], [affected, affected, None]),
        (&["carton-lot:M"], [possibly, possibly, None]),
        (&["milk:3", "lot:N", "case:3"], [None, None, None]),
    ] {
        let app = TestApp::start().await;
        app.capture(&events).await;
        assert_eq!(recalled(&app, "tin:A").await, None);
        open(&app, scope).await;
        for (name, expected) in ["tin:A", "tin:B", "tin:C"].into_iter().zip(expected) {
            assert_eq!(recalled(&app, name).await, expected, "{name} of {scope:?}");
        }
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_product_leads_to_the_codes_of_its_lots_and_items_when_one_is_recalled() {
    let app = TestApp::start().await;
    app.capture(&[commission(3, &["tin:A"], "L")]).await;
    open(&app, &["lot:L"]).await;
    // Of which batch a product is, nobody asks; of an item, it is known.
    for (path, leads_on) in [
        ("/01/09521041001012", true),
        ("/01/09521041001012/21/A", false),
    ] {
        let page = page(&app, path, "zh-CN").await;
        assert_eq!(
            page.contains("请扫包装上的批次码或单件码查清"),
            leads_on,
            "{page}"
        );
        assert!(!page.contains("不能排除"), "{page}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_first_that_it_is_recalled_why_and_what_to_do() {
    let app = TestApp::start().await;
    app.describe_product(GTIN).await;
    let codes = app.issue("L", 2).await;
    let other = app.issue("M", 1).await.remove(0);
    app.sealed().await;
    assert!(!page(&app, &codes[0], "en").await.contains("band-stop"));
    open(&app, &["lot:L", "case:1"]).await;
    // At once, before anything is sealed: codes that nobody has named in an event yet, too.
    for code in &codes {
        let english = page(&app, code, "en").await;
        let first = english.find("Recalled: do not use").unwrap();
        assert!(english.contains("band-stop") && first < english.find("id=\"product\"").unwrap());
        for words in [
            "Demo care announced a recall on",
            "Reason for the recall: Salmonella was found",
            "Class 1: may cause serious harm to health",
            "Stop using it and bring it back",
            "href=\"tel:+864000000000\"",
            "href=\"https://brand.example/recall?lot=1&#38;lang=zh\"",
        ] {
            assert!(english.contains(words), "{words}: {english}");
        }
        let chinese = page(&app, code, "zh-CN").await;
        for words in [
            "已召回，请勿食用",
            "召回原因：检出沙门氏菌",
            "请停止食用并退货",
            "演示客服",
        ] {
            assert!(chinese.contains(words), "{words}");
        }
        // The case of a neighbour is nobody's business.
        assert!(!english.contains("0095210410000000015"));
    }
    assert!(!page(&app, &other, "en").await.contains("recall"));
    // Whoever holds one with a code that was never issued is told of the recall, and that of the code too.
    let forged = forged(&codes[0]);
    let lot = format!("/01/{GTIN}/10/L");
    for (path, is_on_record) in [(&codes[0], true), (&forged, false), (&lot, true)] {
        let english = page(&app, path, "en").await;
        assert!(english.contains("Recalled: do not use"), "{path}");
        let says = english.contains("There is no record of this very code");
        assert_eq!(says, !is_on_record, "{path}");
        let said = rootmark(&app, &["trace", path]).await;
        assert!(said.out.starts_with("RECALLED  "), "{}", said.out);
        assert_eq!(said.out.contains("\nNOT ON RECORD  "), !is_on_record);
        let said = rootmark(&app, &["trace", path, "--json"]).await;
        assert_eq!(said.json()["isOnRecord"], is_on_record);
    }
    // It is proven like everything else, without the neighbour's case.
    let bundle = proof(&app, &codes[0]).await;
    let shown = format!("{bundle:?}");
    assert!(
        shown.contains("Salmonella was found") && shown.contains("/10/L"),
        "{shown}"
    );
    assert!(!shown.contains("095210410000000015"), "{shown}");
    let path = codes[0].as_str();
    let said = rootmark(&app, &["trace", path, "--json"]).await;
    let expected = json!([{
        "recall": RECALL,
        "status": "open",
        "recallClass": 1,
        "certainty": "affected",
        "opened": said.json()["recalls"][0]["opened"],
        "recorded": said.json()["recalls"][0]["opened"],
        "reason": "Salmonella was found",
    }]);
    assert_eq!(said.json()["recalls"], expected);
    let said = rootmark(&app, &["check"]).await;
    assert_eq!(said.code, 0, "{}", said.out);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_of_a_recall_is_on_no_record_the_answer_names() {
    let app = TestApp::start().await;
    app.describe_product(GTIN).await;
    let item = |path: &str| {
        uri(&path
            .replace("/10/C", "")
            .replacen("/01", "https://id.gs1.org/01", 1))
    };
    let code = item(&app.issue("C", 1).await[0]);
    let forged = forged(&code);
    app.capture(&[
        make(1, &["powder:1"], &["lot:L"]),
        commission(2, &["tin:A"], "M"),
        pack(3, "case:1", &["tin:A"]),
    ])
    .await;
    let other = "9521072000008";
    let other = app
        .add_merchant("Other", &format!("https://id.gs1.org/417/{other}"))
        .await;
    let known = [
        "class:09521041001012",
        "class:09521041000114",
        "powder:1",
        "lot:L",
        "lot:M",
        "lot:C",
        "tin:A",
        "case:1",
        &code,
    ];
    let unknown = [
        "class:09521072000015",
        "powder:2",
        "lot:X",
        "tin:B",
        "case:2",
        "tote:1",
        &forged,
    ];
    let scope: Vec<&str> = known.into_iter().chain(unknown).collect();
    // Asked before the index of events knows, no product is called unknown that may be known.
    app.sealed().await;
    let (status, said) = say(&app, &recall("open", &scope)).await;
    assert_eq!(status, 201, "{said}");
    let names =
        |things: &[&str]| -> Vec<String> { things.iter().map(|thing| uri(thing)).collect() };
    let named = |said: &Value| {
        let list = said["notOnRecord"].as_array().unwrap().iter();
        let mut list: Vec<String> = list.map(|one| one.as_str().unwrap().to_owned()).collect();
        list.sort();
        list
    };
    let mut expected = names(&unknown);
    expected.sort();
    assert_eq!(named(&said), expected);
    // Said again, it is named again; and of what is all on record, nothing is.
    let (status, said) = say(&app, &recall("open", &scope)).await;
    assert_eq!((status, named(&said)), (200, expected));
    let mut second = recall("open", &known);
    second["recall"] = json!("urn:example:recall:2");
    assert_eq!(named(&say(&app, &second).await.1), Vec::<String>::new());
    // What one merchant has on record, another has not.
    let order = KeyOrder {
        merchant_id: other.id,
        issuer: "https://id.gs1.org/417/9521072000008",
        label: "other",
        scopes: &Scope::ALL,
    };
    let foreign = add_key(&app.running.database, &order).await.unwrap();
    let body = recall("open", &["lot:L"]).to_string();
    let said = app.post_as(&foreign, "/api/recalls", body).await;
    assert_eq!(named(&said.json().await.unwrap()), names(&["lot:L"]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_is_widened_and_closed_and_each_is_told_as_of_its_time() {
    let app = TestApp::start().await;
    app.capture(&[
        commission(1, &["tin:A"], "L"),
        commission(1, &["tin:C"], "M"),
    ])
    .await;
    let before = crate::told::now(&app).await;
    open(&app, &["lot:L"]).await;
    let (status, said) = say(&app, &recall("open", &["lot:L"])).await;
    assert_eq!((status, &said["new"]), (200, &json!(false)));
    assert_eq!(recalled(&app, "tin:C").await, None);
    // Narrower than before, or closed for something else: refused, and nothing changes.
    for (wrong, pointer) in [
        (recall("open", &["lot:M"]), "/scope"),
        (recall("closed", &["lot:M"]), "/scope"),
    ] {
        let (status, said) = say(&app, &wrong).await;
        assert_eq!(status, 400, "{said}");
        assert_eq!(said["errors"][0]["pointer"], pointer);
    }
    open(&app, &["lot:M", "lot:L"]).await;
    assert_eq!(recalled(&app, "tin:C").await, Some("RECALLED"));
    let widened = crate::told::now(&app).await;
    let (status, said) = say(&app, &recall("closed", &["lot:L", "lot:M"])).await;
    assert_eq!(status, 201, "{said}");
    for name in ["tin:A", "tin:C"] {
        assert_eq!(recalled(&app, name).await, Some("recall closed"));
        assert!(told_at(&app, name, widened).await.starts_with("\nRECALLED"));
        assert!(told_at(&app, name, before).await.starts_with("\ntin:"));
    }
    let page = page(&app, "/01/09521041001012/21/A", "en").await;
    assert!(
        page.contains("A recall that has ended") && !page.contains("band-stop"),
        "{page}"
    );
    assert!(!page.contains("Stop using it"));
    // Closed is closed.
    for again in ["open", "closed"] {
        let (status, said) = say(&app, &recall(again, &["lot:L", "lot:M", "lot:N"])).await;
        assert_eq!(
            (status, &said["errors"][0]["pointer"]),
            (400, &json!("/recall"))
        );
    }
    // And what never was cannot be closed.
    let mut unknown = recall("closed", &["lot:L"]);
    unknown["recall"] = json!("urn:example:recall:2");
    let (status, said) = say(&app, &unknown).await;
    assert_eq!(
        (status, &said["errors"][0]["pointer"]),
        (400, &json!("/status"))
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gravest_that_stands_comes_first() {
    let app = TestApp::start().await;
    app.capture(&[commission(1, &["tin:A"], "L")]).await;
    for (number, class) in [(1, 3), (2, 1), (3, 2)] {
        let mut said = recall("open", &["lot:L"]);
        said["recall"] = json!(format!("urn:example:recall:{number}"));
        said["recallClass"] = json!(class);
        assert_eq!(say(&app, &said).await.0, 201);
    }
    let mut closed = recall("closed", &["lot:L"]);
    closed["recall"] = json!("urn:example:recall:2");
    assert_eq!(say(&app, &closed).await.0, 201);
    let told = told(&app, "tin:A").await;
    let order: Vec<&str> = told
        .lines()
        .filter_map(|line| line.split_once("urn:example:recall:"))
        .map(|(_, rest)| &rest[..1])
        .collect();
    assert_eq!(order, ["3", "1", "2"], "{told}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_key_for_recalls_opens_one_and_only_for_its_own_merchant() {
    let app = TestApp::start().await;
    app.capture(&[commission(1, &["tin:A"], "L")]).await;
    let issuer = "https://id.gs1.org/417/9521041000008";
    let others: Vec<Scope> = Scope::ALL
        .into_iter()
        .filter(|scope| *scope != Scope::Recalls)
        .collect();
    let key = |merchant_id, scopes| {
        let order = KeyOrder {
            merchant_id,
            issuer,
            label: "another",
            scopes,
        };
        let database = &app.running.database;
        async move { add_key(database, &order).await.unwrap() }
    };
    let body = recall("open", &["lot:L"]).to_string();
    let without = key(app.merchant_id, &others[..]).await;
    let refused = app.post_as(&without, "/api/recalls", body.clone()).await;
    assert_eq!(refused.status(), 403);
    let name = "Another";
    let another = app.add_merchant(name, "https://id.gs1.org/417/9529990000001");
    let another = another.await;
    let foreign = key(another.id, &[Scope::Recalls][..]).await;
    let said = app.post_as(&foreign, "/api/recalls", body.clone()).await;
    assert_eq!(
        said.status(),
        201,
        "it stands in the record of its own merchant"
    );
    assert_eq!(recalled(&app, "tin:A").await, None);
    let own = key(app.merchant_id, &[Scope::Recalls][..]).await;
    assert_eq!(app.post_as(&own, "/api/recalls", body).await.status(), 201);
    assert_eq!(recalled(&app, "tin:A").await, Some("RECALLED"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_hold_one_of_what_is_recalled_is_told_so() {
    let app = TestApp::start().await;
    app.describe_product(GTIN).await;
    app.capture(&[
        see(1, &["tin:A"]),
        commission(1, &["tin:B"], "M"),
        bond("AggregationEvent", 2, "OBSERVE", "case:1", &["tin:B"]),
    ])
    .await;
    let product = format!("/01/{GTIN}");
    let unknown_lot = format!("/01/{GTIN}/10/L");
    assert_eq!(app.get(&unknown_lot).await.status(), 404);
    assert!(!page(&app, &product, "en").await.contains("recall"));
    open(&app, &["lot:L"]).await;
    // Of the lot there is no event, and of the tin nobody knows the lot: it may be this one.
    assert!(
        page(&app, &unknown_lot, "en")
            .await
            .contains("Recalled: do not use")
    );
    assert!(
        page(&app, &product, "en")
            .await
            .contains("May be affected by a recall")
    );
    assert_eq!(recalled(&app, "tin:A").await, Some("POSSIBLY RECALLED"));
    assert_eq!(recalled(&app, "tin:B").await, None);
    // It was seen in the case, and nobody said that it was put there.
    let mut case = recall("open", &["case:1"]);
    case["recall"] = json!("urn:example:recall:2");
    assert_eq!(say(&app, &case).await.0, 201);
    assert_eq!(recalled(&app, "tin:B").await, Some("POSSIBLY RECALLED"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_hides_no_contradiction() {
    let app = TestApp::start().await;
    app.capture(&[
        step(1, "accepting", &["lot:L"]),
        make(5, &["powder:1"], &["lot:L"]),
        commission(6, &["tin:A"], "L"),
    ])
    .await;
    open(&app, &["lot:L"]).await;
    let page = page(&app, "/01/09521041001012/21/A", "en").await;
    for words in ["Recalled: do not use", "comes before the goods were made"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    app.stop().await;
}

/// However much is said of other things since.
#[tokio::test(flavor = "multi_thread")]
async fn a_recall_is_read_before_what_things_are_called() {
    let app = TestApp::start().await;
    app.capture(&[commission(1, &["tin:A"], "L")]).await;
    open(&app, &["lot:L"]).await;
    for number in 0..5 {
        let name = format!("Demo tin {number}");
        let body = json!({"gtin": uri("class:09521041001012"),
            "productName": {"zh-CN": "演示奶粉", "en": name}});
        let answer = app.post("/api/products", body.to_string()).await;
        assert_eq!(answer.status(), 201);
    }
    let named = [
        Described::of(&uri("lot:L"), Role::Recalled, Turn::Seen).unwrap(),
        Described::of(&uri("class:09521041001012"), Role::Product, Turn::Seen).unwrap(),
    ];
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut tx = begin_for(&mut conn, app.merchant_id).await.unwrap();
    for (rows, content_bytes) in [(2, 1 << 20), (100, 1)] {
        let room = Descriptions {
            of_each: 100,
            rows,
            content_bytes,
        };
        let said = descriptions_of(&mut tx, app.merchant_id, &named, LAST, room).await;
        let said = said.unwrap();
        assert!(said[0].content.contains("\"kind\":\"recall\""), "{said:?}");
        assert!(said.len() <= 2);
    }
    tx.rollback().await.unwrap();
    drop(conn);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linkset_says_whether_its_subject_is_recalled() {
    let app = TestApp::start().await;
    app.describe_product(GTIN).await;
    app.capture(&[
        make(1, &["class:09521041000114"], &["lot:L"]),
        commission(2, &["tin:A"], "L"),
        commission(2, &["tin:B"], "M"),
    ])
    .await;
    let status = async |tin: &str| -> Vec<String> {
        let path = format!("/01/{GTIN}/21/{tin}?linkType=linkset");
        let text = app.get_text(&path).await;
        let found: Value = serde_json::from_str(&text).unwrap();
        let levels = found["linkset"].as_array().unwrap();
        let relation = "https://ref.gs1.org/voc/recallStatus";
        // What is coarser than the subject was not looked at.
        assert!(levels[1..].iter().all(|level| level[relation].is_null()));
        let offers = levels[0][relation].as_array().into_iter().flatten();
        let titles = offers.map(|offer| offer["title"].as_str().unwrap().to_owned());
        titles.collect()
    };
    assert!(status("A").await.is_empty());
    let other = json!({"anchor": format!("https://id.gs1.org/01/{GTIN}/21/A"),
        "linkType": "gs1:recallStatus", "href": "https://brand.example/all-is-well",
        "title": "All is well"});
    assert_eq!(
        app.post("/api/links", other.to_string()).await.status(),
        201
    );
    assert_eq!(status("A").await, ["All is well"]);
    // A lot of the powder that it may be made of.
    open(&app, &["powder:1"]).await;
    let perhaps = "May be concerned by a recall: what to do";
    assert_eq!(status("A").await, [perhaps, "All is well"]);
    open(&app, &["powder:1", "tin:A"]).await;
    assert_eq!(
        status("A").await,
        ["Being recalled: what to do", "All is well"]
    );
    assert!(status("B").await.is_empty());
    let closed = recall("closed", &["powder:1", "tin:A"]);
    assert_eq!(say(&app, &closed).await.0, 201);
    let over = "Was recalled; the recall is over";
    assert_eq!(status("A").await, [over, "All is well"]);
    app.stop().await;
}
