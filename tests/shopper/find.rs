//! The form on the home page: whatever stands on the pack leads to its page.

use reqwest::Url;

use crate::kit::{LANGUAGES, Page, issue};
use crate::support::{GTIN, TestApp};

fn address(app: &TestApp, query: &[(&str, &str)]) -> Url {
    Url::parse_with_params(&app.url("/find"), query).unwrap()
}

/// Where `/find` leads; `None` if it refuses.
async fn found(app: &TestApp, typed: &str) -> Option<String> {
    let request = app
        .http
        .get(address(app, &[("code", typed), ("lang", "en")]));
    let answer = request.send().await.unwrap();
    match answer.status().as_u16() {
        303 => Some(answer.headers()["Location"].to_str().unwrap().to_owned()),
        400 => None,
        other => panic!("{other} for {typed}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_a_path_and_the_digits_of_a_barcode_lead_to_the_page_in_the_same_language() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L/1"), 1).await.remove(0);
    let to_code = Some(format!("{code}?lang=en"));
    let to_product = Some(format!("/01/{GTIN}?lang=en"));
    for typed in [
        app.url(&code),
        format!("https://elsewhere.example/shop{code}?17=281231#top"),
        format!("HTTPS://ID.GS1.ORG{code}"),
        code.clone(),
        format!("  {code}\n"),
        format!("{code}/"),
    ] {
        assert_eq!(found(&app, &typed).await, to_code, "{typed}");
    }
    for typed in [GTIN, &GTIN[1..], &format!(" {GTIN} ")] {
        assert_eq!(found(&app, typed).await, to_product, "{typed}");
    }
    assert_eq!(app.get(&code).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_characters_printed_beside_the_code_lead_to_its_page() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L/1"), 1).await.remove(0);
    let serial = code.rsplit('/').next().unwrap();
    for typed in [
        format!("(01){GTIN}(10)L/1(21){serial}"),
        format!("(01){GTIN} (10)L/1 (21){serial}"),
        format!(" (01) {GTIN}\n(10) L/1\n(21) {serial} "),
        // As a phone's Chinese keyboard writes brackets.
        format!("（01）{GTIN}（10）L/1（21）{serial}"),
    ] {
        assert_eq!(
            found(&app, &typed).await,
            Some(format!("{code}?lang=en")),
            "{typed}"
        );
    }
    assert_eq!(
        found(&app, &format!("(01){GTIN}")).await,
        Some(format!("/01/{GTIN}?lang=en"))
    );
    // A lot may hold a bracket: only a known identifier between brackets begins an element.
    let bracket = found(&app, &format!("(01){GTIN}(10)A(B)C")).await;
    assert_eq!(bracket, Some(format!("/01/{GTIN}/10/A%28B%29C?lang=en")));
    for faulty in [
        format!("(01){GTIN}(21)A(10)B"),
        "(01)09521041001013".into(),
        "(10)L".into(),
    ] {
        assert_eq!(found(&app, &faulty).await, None, "{faulty}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_an_unreadable_code_leads_to_gives_it_back_with_its_fault() {
    let app = TestApp::start().await;
    for (typed, faults) in [
        ("奶粉", ["其中没有商品编码", "it holds no product code"]),
        (
            "https://example.org/about",
            ["其中没有商品编码", "it holds no product code"],
        ),
        (
            "09521041001013",
            [
                "(01) 后面的数字有抄错或扫错的",
                "some digit after (01) was mistyped",
            ],
        ),
        (
            "12345",
            ["位数不对，现在是 5 位", "wrong number of digits: 5"],
        ),
        (
            "/01/09521041001012/10/\"> <script>",
            ["(10) 的第 3 个字符", "character 3 of (10) is not allowed"],
        ),
        ("", ["其中没有商品编码", "it holds no product code"]),
    ] {
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            let request = app.http.get(address(&app, &[("code", typed)]));
            let answer = request
                .header("Accept-Language", language)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 400, "{typed}");
            let headers = answer.headers().clone();
            let page = Page {
                status: 400,
                headers,
                html: answer.text().await.unwrap(),
            };
            assert_eq!(page.attribute("#code", "value"), typed);
            assert_eq!(page.attribute("#code", "aria-invalid"), "true");
            let fault = page.text("[role=alert]");
            assert!(fault.contains(faults[column]), "{typed}: {fault}");
            assert_eq!(page.texts("script"), [""]);
        }
    }
    // Without a question there is no fault to show, and the form keeps the reader's language.
    let home = Page::get(&app, "/", "en").await;
    assert!(home.texts("[role=alert]").is_empty());
    assert_eq!(home.attribute("form", "action"), "/find");
    assert_eq!(home.attribute("input[name=lang]", "value"), "en");
    assert!(
        home.text(".find-scan").contains(&app.running.url),
        "the address to compare with"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_given_back_only_in_part_if_it_is_far_too_long() {
    let app = TestApp::start().await;
    let page = Page::get(&app, &format!("/find?code={}", "x".repeat(20_000)), "en").await;
    assert_eq!(page.status, 400);
    assert_eq!(page.attribute("#code", "value").len(), 2_000);
}
