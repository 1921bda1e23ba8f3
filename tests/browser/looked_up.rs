//! A look-up is counted when a page is really in front of somebody, and told at once.

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::support::TestApp;

const ANDROID: &str = "--user-agent=Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 \
     (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";

/// A browser that a person holds, as far as pages can tell.
pub async fn phone() -> Browser {
    let browser = Browser::start_with(&[ANDROID], json!({})).await;
    browser
        .before_every_page(
            "Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false });",
        )
        .await;
    browser
}

/// What the page says of look-ups once this one is counted, and its number.
pub async fn counted(browser: &Browser) -> (String, Value) {
    let found = browser
        .run(
            "const line = document.querySelector('.scans');
            while (line.dataset.number === undefined) {
                await new Promise(done => setTimeout(done, 20));
            }
            return [line.innerText, line.dataset.number];",
        )
        .await;
    (found[0].as_str().unwrap().to_owned(), found[1].clone())
}

async fn times(app: &TestApp) -> i64 {
    let query = "SELECT count(*) FROM scan";
    sqlx::query_scalar(query)
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_somebody_sees_is_counted_once_a_day_for_each_phone() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    app.sealed().await;
    let (one, other) = (phone().await, phone().await);
    one.open(&format!("{}?lang=en", app.url(&code))).await;
    let before = one
        .evaluate("return document.querySelector('.scans').innerText")
        .await;
    assert_eq!(before, "No look-up of this code is recorded yet.");
    let (said, number) = counted(&one).await;
    assert!(
        said.starts_with("One look-up of this code is recorded: "),
        "{said}"
    );
    assert_eq!(number, "1");
    // Looking again is no other look-up.
    one.open(&format!("{}?lang=zh-CN", app.url(&code))).await;
    let (said, number) = counted(&one).await;
    assert!(said.starts_with("目前只有 1 次查询记录"), "{said}");
    assert_eq!(number, "1");
    other.open(&format!("{}?lang=en", app.url(&code))).await;
    let (said, number) = counted(&other).await;
    assert!(
        said.starts_with("This code has been looked up 2 times, first on "),
        "{said}"
    );
    assert_eq!(number, "2");
    assert_eq!(times(&app).await, 2);
    for browser in [one, other] {
        assert_eq!(browser.console().await, [""; 0]);
        browser.close().await;
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_the_background_or_before_a_program_is_not_counted() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    app.sealed().await;
    // Time in which a page that is seen would have been counted, and was: see the end.
    const LONGER: &str = "await new Promise(done => setTimeout(done, 2500));";
    let driven = Browser::start_with(&[ANDROID], json!({})).await;
    driven.open(&app.url(&code)).await;
    driven.run(LONGER).await;
    driven.close().await;
    assert_eq!(times(&app).await, 0, "a program drives it");
    let browser = phone().await;
    browser
        .before_every_page(
            "window.isHidden = true;
            Object.defineProperty(document, 'visibilityState', { get: () => window.isHidden ? 'hidden' : 'visible' });",
        )
        .await;
    browser.open(&app.url(&code)).await;
    browser.run(LONGER).await;
    assert_eq!(times(&app).await, 0, "nobody sees it");
    // It is looked at for a moment, and put away again.
    let turn = |is_hidden: bool| {
        format!(
            "window.isHidden = {is_hidden}; document.dispatchEvent(new Event('visibilitychange'));"
        )
    };
    browser
        .run(&format!(
            "{} await new Promise(done => setTimeout(done, 300)); {} {LONGER}",
            turn(false),
            turn(true)
        ))
        .await;
    assert_eq!(times(&app).await, 0, "not for a second");
    browser.run(&turn(false)).await;
    let (_, number) = counted(&browser).await;
    assert_eq!(number, "1");
    assert_eq!(times(&app).await, 1);
    browser.close().await;
    app.stop().await;
}
