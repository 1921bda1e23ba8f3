//! Ways round what is hidden: other spellings, earlier words, names inside names. None of them leads to it.

use serde_json::{Value, json};

use crate::chain::*;
use crate::disclosure::{NUMBER, TIN, app, cites, get_as, seen, set};
use crate::history::{name, say};
use crate::support::command::rootmark;

fn document(uri: &str, kind: &str, title: &str, number: &str) -> Value {
    json!({"document": uri, "documentType": kind, "number": number, "title": name(title, title)})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_know_of_has_no_history() {
    let app = app().await;
    let uri = "urn:example:ORDER-77";
    for number in ["PO-4711-A", "PO-4711-B"] {
        say(
            &app,
            "documents",
            document(uri, "order", "Secret order", number),
        )
        .await;
    }
    let source = "https://id.gs1.org/417/9522040000006";
    let event = format!(r#""sourceList":[{{"type":"owning_party","source":"{source}"}}]"#);
    app.capture(&[object(6, "OBSERVE", &["tin:A"], &[event])])
        .await;
    for called in ["Hidden One", "Hidden Two"] {
        say(
            &app,
            "parties",
            json!({"party": source, "name": name(called, called)}),
        )
        .await;
    }
    // What was erased of them is as much their history.
    app.sealed().await;
    for kind in ["party", "document"] {
        let last = "SELECT max(b.first_index + s.position) FROM statement s
            JOIN sealed_batch b ON b.id = s.batch_id WHERE s.kind = $1";
        let last = sqlx::query_scalar(last).bind(kind);
        let index: i64 = last.fetch_one(&mut app.owner().await).await.unwrap();
        let fields = match kind {
            "party" => "/name/en",
            _ => "/title/en",
        };
        let reason = name("Asked-for", "Asked-for");
        let order = json!({"index": index, "fields": [fields], "reason": reason});
        say(&app, "erasures", order).await;
    }
    let of_source = json!({"field": "source", "of": "owning_party", "show": "withheld"});
    let open = json!({"field": "businessTransaction", "show": "public"});
    set(&app, json!([of_source])).await;
    let shopper = seen(&app, None).await;
    for secret in [
        "Secret order",
        "PO-4711",
        "Hidden One",
        "Hidden Two",
        "Asked-for",
    ] {
        assert!(!shopper.contains(secret), "{secret}");
    }
    set(&app, json!([open])).await;
    let shopper = seen(&app, None).await;
    for told in [
        "Secret order",
        "PO-4711-A",
        "PO-4711-B",
        "Hidden One",
        "Hidden Two",
        "Asked-for",
    ] {
        assert!(shopper.contains(told), "{told}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_of_a_document_is_hidden_of_all_that_was_said_of_it() {
    let app = app().await;
    // It was called something else before, and its number was no secret then.
    let (uri, number) = ("urn:example:certificate", "333030303030303034");
    for kind in ["declaration", "Customs Declaration"] {
        say(&app, "documents", document(uri, kind, "A paper", number)).await;
    }
    let shopper = seen(&app, None).await;
    assert!(!shopper.contains(number));
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(page.contains("****3034"), "{page}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_uri_that_tells_a_number_is_hidden_however_it_is_written() {
    let app = app().await;
    let cited = [
        format!("https://larkmere.example/doc/{NUMBER}#p2"),
        "https://LARKMERE.example/doc/2220-2026-1234567890".to_owned(),
        "https://larkmere.example/doc/22202%30261234567890".to_owned(),
    ];
    let list: Vec<Value> = cited
        .iter()
        .map(|uri| json!({"bizTransaction": uri}))
        .collect();
    app.capture(&[object(7, "OBSERVE", &["tin:A"], &[cites(json!(list))])])
        .await;
    let shopper = seen(&app, None).await;
    for uri in cited {
        assert!(!shopper.contains(&uri), "{uri}");
    }
    assert!(!shopper.contains("1234567890"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_number_is_hidden_under_the_name_that_its_citation_has_then() {
    let app = app().await;
    let uri = "urn:example:MARK-BOL";
    say(
        &app,
        "documents",
        document(uri, "billOfLading", "The bill", "BILL-NUMBER-9"),
    )
    .await;
    set(
        &app,
        json!([{"field": "businessTransaction", "of": "bol", "show": "masked"}]),
    )
    .await;
    assert!(!seen(&app, None).await.contains("BILL-NUMBER-9"));
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(
        page.contains("The bill") && page.contains("****ER-9"),
        "{page}"
    );
    // A document whose URI tells a number that nobody may see keeps its title on the page.
    let telling = "https://larkmere.example/doc/HC-555666";
    say(
        &app,
        "documents",
        document(telling, "hygienePaper", "The paper", "HC-555666"),
    )
    .await;
    app.capture(&[object(
        8,
        "OBSERVE",
        &["tin:A"],
        &[cites(json!([{"bizTransaction": telling}]))],
    )])
    .await;
    set(
        &app,
        json!([{"field": "documentNumber", "of": "hygienePaper", "show": "withheld"}]),
    )
    .await;
    assert!(!seen(&app, None).await.contains("555666"));
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(page.contains("The paper"), "{page}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_meant_however_they_are_written_and_an_open_extension_opens_no_other() {
    let app = app().await;
    for bol in [
        "https://ref.gs1.org/cbv/BTT-bol",
        "urn:epcglobal:cbv:btt:bol",
        "BOL",
    ] {
        let rule = json!({"field": "businessTransaction", "of": bol, "show": "withheld"});
        set(&app, json!([rule])).await;
        assert!(!seen(&app, None).await.contains("MARK-BOL"), "{bol}");
    }
    set(
        &app,
        json!([
        {"field": "extension", "of": "example:price", "show": "public"},
        {"field": "extension", "of": "example:amount", "show": "withheld"}]),
    )
    .await;
    let shopper = seen(&app, None).await;
    assert!(!shopper.contains("MARK-PRICE"));
    // GS1's own data of goods is theirs under whatever prefix, and nobody's extension.
    assert!(
        shopper.contains(r#"{"p":"/body/ilmd/cbvmda:lotNumber","v":"#),
        "{shopper}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_merchant_adds_of_its_own_to_a_description_is_an_extension_too() {
    let app = app().await;
    for price in ["PRICE-12", "PRICE-13"] {
        let product = json!({"gtin": "https://id.gs1.org/01/09521041001012",
            "productName": name("奶粉", "Powder"), "acme:purchasePrice": price});
        say(&app, "products", product).await;
    }
    let shopper = seen(&app, None).await;
    assert!(!shopper.contains("PRICE-1"));
    set(
        &app,
        json!([{"field": "extension", "of": "acme:purchasePrice", "show": "public"}]),
    )
    .await;
    let shopper = seen(&app, None).await;
    assert!(shopper.contains("PRICE-12") && shopper.contains("PRICE-13"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_went_in_can_be_hidden_and_what_went_in_cannot() {
    let app = app().await;
    let milk = json!({"gtin": "https://id.gs1.org/01/09521041000015",
        "productName": name("原料奶", "Raw milk")});
    say(&app, "products", milk).await;
    set(&app, json!([{"field": "quantity", "show": "withheld"}])).await;
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(
        page.contains("Raw milk") && !page.contains("4,711.25"),
        "{page}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_says_who_sees_what_only_if_it_was_made_for_that() {
    let app = app().await;
    let made = async |scopes: &[&str]| {
        let said = rootmark(&app, &[&["key", "add", "--json"], scopes].concat()).await;
        assert_eq!(said.code, 0, "{}", said.err);
        said.json()["api_key"].as_str().unwrap().to_owned()
    };
    let usual = made(&[]).await;
    let body = json!({"rules": []}).to_string();
    let refused = app.post_as(&usual, "/api/disclosure", body.clone()).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(get_as(&app, &usual, TIN).await.status(), 403);
    assert_eq!(
        app.post_as(&usual, "/api/erasures", "{}").await.status(),
        403
    );
    let named = made(&["--scope", "disclosure"]).await;
    let set = app.post_as(&named, "/api/disclosure", body).await;
    assert_eq!(set.status(), 201);
    app.stop().await;
}
