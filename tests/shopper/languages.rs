//! Which language a reader gets, and how to change it.

use crate::kit::{Page, issue};
use crate::support::{TestApp, document};

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_the_language_it_weighs_highest_and_chinese_by_default() {
    let app = TestApp::start().await;
    for (accept, served) in [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("en;q=0.5, zh;q=0.9", "zh-CN"),
        ("zh;q=0.5, en;q=0.9", "en"),
        ("zh;q=0, fr", "en"),
        ("fr-FR", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("*", "zh-CN"),
        ("", "zh-CN"),
        ("en;q=nonsense", "zh-CN"),
    ] {
        let page = Page::get(&app, "/", accept).await;
        assert_eq!(page.attribute("html", "lang"), served, "{accept}");
        assert_eq!(page.headers["Vary"], "Accept-Encoding, Accept-Language");
    }
    let unasked = app.get("/").await.text().await.unwrap();
    assert!(unasked.contains("<html lang=\"zh-CN\">"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_leads_to_the_same_page_in_the_other_language_and_back() {
    let app = TestApp::start().await;
    let codes = issue(&app, Some("L1"), 1).await;
    app.sealed().await;
    for path in [
        "/",
        "/no/such/page",
        "/01/09521041001013",
        codes[0].as_str(),
    ] {
        let chinese = Page::get(&app, path, "zh-CN").await;
        assert_eq!(chinese.text("a.switch"), "English");
        assert_eq!(chinese.attribute("a.switch", "hreflang"), "en");
        // A reference of the query alone stays on this very path, whatever stands before it.
        assert_eq!(chinese.attribute("a.switch", "href"), "?lang=en");
        let english = Page::get(&app, &format!("{path}?lang=en"), "zh-CN").await;
        assert_eq!(
            english.attribute("html", "lang"),
            "en",
            "the choice outranks the browser"
        );
        assert_eq!(english.status, chinese.status);
        assert_eq!(english.text("a.switch"), "中文");
        assert_eq!(english.attribute("a.switch", "href"), "?lang=zh-CN");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_the_query_survives_the_switch_and_changes_nothing() {
    let app = TestApp::start().await;
    let codes = issue(&app, Some("L1"), 1).await;
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    let plain = Page::get(&app, &codes[0], "zh-CN").await;
    let query = "17=281231&from=wechat&x=%22%3E%3Cscript%3E";
    let asked = Page::get(&app, &format!("{}?{query}&lang=fr", codes[0]), "zh-CN").await;
    let href = asked.attribute("a.switch", "href");
    assert_eq!(
        href,
        format!("?{query}&lang=en"),
        "an unknown language is dropped"
    );
    assert_eq!(asked.status, 200);
    // The switch is the only thing on the page that differs.
    assert_eq!(asked.texts("body"), plain.texts("body"));
    assert_eq!(asked.texts("script"), plain.texts("script"));
}
