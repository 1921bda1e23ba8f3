//! A scanned address as a GS1-Conformant Resolver answers it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Page, ask, issue, link, linkset, location, lot_path};
use crate::support::{GTIN, TestApp, document};

/// Links with a fault, and words by which it is known.
const BAD: [(&str, &str); 9] = [
    ("/01/09521041001013", "check digit"),
    ("/01/09521041001012/21/S/10/L", "order is 22, 10, 21"),
    ("/01/09521041001012/10/L/22/V", "order is 22, 10, 21"),
    ("/01/09521041001012/99/L", "does not qualify"),
    ("/01/09521041001012/10/%ZZ", "hexadecimal"),
    ("/01/09521041001012/10/%E5%A5%B6", "CSET 82"),
    ("/00/095210410001000015", "check digit"),
    ("/414/9521041000009", "check digit"),
    ("/417/9521041000008/254/A", "does not qualify"),
];

fn names_linkset(headers: &reqwest::header::HeaderMap, anchor: &str) -> bool {
    let expected =
        format!("<{anchor}?linkType=linkset>; rel=\"linkset\"; type=\"application/linkset+json\"");
    headers
        .get_all("Link")
        .iter()
        .any(|link| link == expected.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_about_a_known_code_says_where_its_linkset_is() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    link(&app, "", "gs1:faqs", "https://brand.example/faq", json!({})).await;
    let anchor = format!("{}{code}", app.running.url);
    for (query, status) in [
        ("", 200),
        ("?linkType=linkset", 200),
        ("?linkType=gs1:faqs", 307),
        ("?linkType=gs1:recipeInfo", 404),
        ("?linkType=nonsense", 404),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = app
                .http
                .request(method.clone(), app.url(&format!("{code}{query}")));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{method} {query}");
            assert!(names_linkset(answer.headers(), &anchor), "{method} {query}");
            if method == Method::HEAD {
                assert_eq!(answer.text().await.unwrap(), "", "{query}");
            }
        }
    }
    let unknown = app.get(&format!("{code}X")).await;
    assert_eq!(unknown.status(), 404);
    assert!(
        unknown.headers().get("Link").is_none(),
        "nothing is known of it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_that_was_never_issued_looks_like_any_other_unknown_code() {
    let app = TestApp::start().await;
    issue(&app, Some("L1"), 1).await;
    link(&app, "", "gs1:faqs", "https://brand.example/faq", json!({})).await;
    for query in ["", "?linkType=linkset", "?linkType=gs1:faqs"] {
        let mut answers = Vec::new();
        for path in [
            format!("/01/{GTIN}/21/FORGED"),
            "/01/09506000134352".to_owned(),
        ] {
            let answer = app.get(&format!("{path}{query}")).await;
            let kind = answer.headers()["Content-Type"].clone();
            answers.push((answer.status(), kind, answer.headers().get("Link").cloned()));
        }
        assert_eq!(answers[0].0, 404, "{query}");
        assert_eq!(answers[0], answers[1], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_link_is_a_400_that_says_what_is_wrong_to_people_and_to_machines() {
    let app = TestApp::start().await;
    for (path, fault) in BAD {
        let page = Page::get(&app, path, "en").await;
        assert_eq!(
            (page.status, page.text("h1").as_str()),
            (400, "This code cannot be read")
        );
        for accept in ["application/json", "application/linkset+json"] {
            let answer = ask(&app, path, &[("Accept", accept)]).await;
            assert_eq!(answer.status(), 400, "{path}");
            assert_eq!(answer.headers()["Content-Type"], "application/problem+json");
            assert_eq!(answer.headers()["Access-Control-Allow-Origin"], "*");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["status"], 400);
            assert!(
                problem["detail"].as_str().unwrap().contains(fault),
                "{path}: {problem}"
            );
        }
    }
    let good = ask(
        &app,
        &format!("/01/{GTIN}"),
        &[("Accept", "application/json")],
    )
    .await;
    assert_eq!(good.status(), 200);
    let unknown = ask(&app, &lot_path("L9"), &[("Accept", "application/json")]).await;
    assert_eq!(unknown.status(), 404);
    assert_eq!(
        unknown.headers()["Content-Type"],
        "application/problem+json"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_host_may_read_every_answer_and_ask_first() {
    let app = TestApp::start().await;
    let good = format!("/01/{GTIN}");
    for (path, status) in [
        (good.as_str(), 200),
        (&format!("{good}?linkType=gs1:traceability"), 307),
        (&format!("{good}?linkType=gs1:faqs"), 404),
        (&lot_path("L9"), 404),
        ("/01/1", 400),
        ("/00/095210410001000014", 404),
        ("/414/9521041000008", 404),
        ("/417/1", 400),
        ("/.well-known/gs1resolver", 200),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(
            answer.headers()["Access-Control-Allow-Origin"],
            "*",
            "{path}"
        );
        assert_eq!(
            answer.headers()["Access-Control-Allow-Methods"],
            "GET, HEAD, OPTIONS"
        );
        assert_eq!(
            answer.headers()["Access-Control-Expose-Headers"],
            "*",
            "{path}"
        );
    }
    let description = "/.well-known/gs1resolver";
    for path in [
        good.as_str(),
        "/01/1",
        "/00/x",
        "/414/x/254/y",
        "/417/x",
        description,
    ] {
        let answer = app
            .http
            .request(Method::OPTIONS, app.url(path))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 204, "{path}");
        for header in ["Allow", "Access-Control-Allow-Methods"] {
            assert_eq!(answer.headers()[header], "GET, HEAD, OPTIONS", "{path}");
        }
        assert_eq!(
            answer.headers()["Access-Control-Allow-Origin"],
            "*",
            "{path}"
        );
    }
    let elsewhere = app
        .http
        .request(Method::OPTIONS, app.url("/find"))
        .send()
        .await
        .unwrap();
    assert_ne!(elsewhere.status(), 204);
    assert!(
        app.get("/")
            .await
            .headers()
            .get("Access-Control-Allow-Origin")
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_type_in_either_spelling_leads_to_its_link_and_an_absent_one_is_a_404() {
    let app = TestApp::start().await;
    let path = format!("/01/{GTIN}");
    link(&app, "", "gs1:faqs", "https://brand.example/faq", json!({})).await;
    for spelling in [
        "gs1:faqs",
        "gs1%3Afaqs",
        "https://ref.gs1.org/voc/faqs",
        "https%3A%2F%2Fgs1.org%2Fvoc%2Ffaqs",
    ] {
        let answer = app.get(&format!("{path}?linkType={spelling}")).await;
        assert_eq!(answer.status(), 307, "{spelling}");
        assert_eq!(
            location(&answer),
            format!("https://brand.example/faq?linkType={spelling}")
        );
    }
    for absent in [
        "gs1:recipeInfo",
        "faqs",
        "gs1:",
        "https://schema.org/faqs",
        "",
    ] {
        let page = Page::get(&app, &format!("{path}?linkType={absent}"), "en").await;
        assert_eq!(
            (page.status, page.text("h1")),
            (404, "There is no link of this kind".into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_link_is_the_page_itself_and_no_type_leads_in_a_circle() {
    let app = TestApp::start().await;
    let path = format!("/01/{GTIN}");
    let own = format!("{}{path}", app.running.url);
    // The merchant may call a page of ours by another name.
    link(&app, "", "gs1:homepage", &own, json!({})).await;
    for link_type in ["defaultLink", "traceability", "pip", "homepage"] {
        let query = format!("17=261231&link%54ype=gs1:{link_type}&lang=en&linkType=x");
        let answer = app.get(&format!("{path}?{query}")).await;
        assert_eq!(answer.status(), 307, "{link_type}");
        assert_eq!(
            location(&answer),
            format!("{own}?17=261231&lang=en"),
            "{link_type}"
        );
    }
    let page = Page::get(&app, &format!("{path}?17=261231&lang=en"), "zh-CN").await;
    assert_eq!(
        (page.status, page.text("h1")),
        (200, "This code is for a product".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_is_passed_on_and_a_hostile_one_breaks_no_header() {
    let app = TestApp::start().await;
    link(
        &app,
        "",
        "gs1:faqs",
        "https://brand.example/faq?a=1#part",
        json!({}),
    )
    .await;
    let path = format!("/01/{GTIN}?linkType=gs1:faqs");
    for (query, passed) in [
        ("17=261231&3103=000195", "17=261231&3103=000195"),
        ("x=%0d%0aSet-Cookie:%20a=b", "x=%0d%0aSet-Cookie:%20a=b"),
        ("x=%E5%A5%B6&y", "x=%E5%A5%B6&y"),
        ("x=%00%ff", "x=%00%ff"),
        ("x=\"><script>", "x=%22%3E%3Cscript%3E"),
    ] {
        let answer = app.get(&format!("{path}&{query}")).await;
        assert_eq!(answer.status(), 307, "{query}");
        let expected = format!("https://brand.example/faq?a=1&linkType=gs1:faqs&{passed}#part");
        assert_eq!(location(&answer), expected);
        assert!(answer.headers().get("Set-Cookie").is_none());
    }
    for hostile in [
        "%0d%0aX-Evil:1",
        "gs1:faqs%0d%0aX-Evil:1",
        "%00",
        "%ff%fe",
        "%F0%9F%A5%9B",
    ] {
        let answer = app
            .get(&format!("/01/{GTIN}?linkType={hostile}&context={hostile}"))
            .await;
        assert_eq!(answer.status(), 404, "{hostile}");
        assert!(answer.headers().get("X-Evil").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_with_a_slash_stays_one_lot_on_page_linkset_and_redirect() {
    let app = TestApp::start().await;
    app.capture(&[document::observation(1, "AB%2F1")]).await;
    link(
        &app,
        "/10/AB%2F1",
        "gs1:faqs",
        "https://brand.example/ab1",
        json!({}),
    )
    .await;
    let path = lot_path("AB%2F1");
    for written in [path.clone(), format!("{path}/"), path.replace("%2F", "%2f")] {
        let page = Page::get(&app, &written, "en").await;
        assert_eq!(
            (page.status, page.field("Batch")),
            (200, "AB/1".to_owned()),
            "{written}"
        );
        let found = linkset(&app, &written).await;
        assert_eq!(
            found["linkset"][0]["anchor"],
            format!("{}{path}", app.running.url)
        );
        let answer = app.get(&format!("{written}?linkType=gs1:faqs")).await;
        assert_eq!(answer.status(), 307);
        assert!(location(&answer).starts_with("https://brand.example/ab1"));
    }
    assert_eq!(
        app.get(&lot_path("AB/1")).await.status(),
        400,
        "that would be another path"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variant_and_data_attributes_do_not_change_what_is_named() {
    let app = TestApp::start().await;
    app.capture(&[document::observation(1, "L1")]).await;
    for path in [
        format!("/01/{GTIN}/22/2A/10/L1?17=261231&15=261231"),
        format!("/01/{}/10/L1", &GTIN[1..]),
        format!("/01/{GTIN}/10/L1/?3103=000195"),
    ] {
        let found = linkset(&app, &path).await;
        let anchor = format!("{}{}", app.running.url, lot_path("L1"));
        assert_eq!(found["linkset"][0]["anchor"], anchor, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resolver_describes_itself() {
    let app = TestApp::start().await;
    let answer = app.get("/.well-known/gs1resolver").await;
    assert_eq!(answer.headers()["Content-Type"], "application/json");
    let found: Value = answer.json().await.unwrap();
    assert_eq!(found["resolverRoot"], app.running.url);
    assert_eq!(
        found["supportedPrimaryKeys"],
        json!(["00", "01", "414", "417"])
    );
    assert_eq!(
        found["supportedLinkType"][0]["namespace"],
        "https://ref.gs1.org/voc/"
    );
    assert_eq!(found["linkTypeDefaultCanBeLinkset"], false);
    // A key that it does not name is no resolver's address here.
    assert_eq!(app.get("/8004/9521041DEMO").await.status(), 404);
}
