//! What a shopper sees.

#[path = "../support/mod.rs"]
mod support;

use support::{TestApp, document};

#[tokio::test(flavor = "multi_thread")]
async fn an_issued_code_has_a_page_in_both_languages() {
    let app = TestApp::start().await;
    let codes = app.issue("L1", 2).await;
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    for (language, words) in [("zh-CN", "有记录"), ("en", "On record, unchanged")] {
        let page = app.page(&codes[0], language).await;
        assert_eq!(page.status(), 200);
        let html = page.text().await.unwrap();
        assert!(html.contains(words), "{html}");
    }
}
