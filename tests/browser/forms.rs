//! Forms in a real browser: a problem is reported with a photograph, with scripts and without; a hidden code is entered.

use std::path::PathBuf;

use jpeg_encoder::{ColorType, Encoder};
use serde_json::Value;

use crate::driver::Browser;
use crate::pages::OVERFLOWING;
use crate::support::{GTIN, TestApp};

/// A photograph as a phone takes it: twelve million pixels, some megabytes.
fn photograph(app: &TestApp) -> PathBuf {
    let (width, height) = (4_000, 3_000);
    let mut seed = 7u32;
    let pixels: Vec<u8> = (0..width * height)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 27) as u8 + 100
        })
        .collect();
    let path = app.data_dir.path().join("photo.jpg");
    let encoder = Encoder::new_file(&path, 90).unwrap();
    encoder
        .encode(&pixels, width as u16, height as u16, ColorType::Luma)
        .unwrap();
    let size = path.metadata().unwrap().len();
    assert!((2 << 20..8 << 20).contains(&size), "{size}");
    path
}

/// Tells of a problem with a photograph; the report's number, and the bytes of the photograph that were sent.
async fn report(
    browser: &Browser,
    url: &str,
    photo: &std::path::Path,
    shrinks: bool,
) -> (String, u64) {
    browser.open(url).await;
    browser.click(".own a[href^='/report']").await;
    browser.click_here("input[value=lookedUp]").await;
    browser.type_into("#words", "开封前已被查过").await;
    browser.type_into("#photo", photo.to_str().unwrap()).await;
    let size = "return document.querySelector('#photo').files[0].size";
    let sent = match shrinks {
        true => {
            let wait = "for (;;) {
                const file = document.querySelector('#photo').files[0];
                if (file && file.type === 'image/jpeg' && file.size < 1 << 20) return file.size;
                await new Promise(done => setTimeout(done, 20));
            }";
            browser.run(wait).await
        }
        false => browser.evaluate(size).await,
    };
    browser.click("button[type=submit]").await;
    let number = browser
        .evaluate("return document.querySelector('.number').innerText")
        .await;
    (number.as_str().unwrap().to_owned(), sent.as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_reported_with_a_photograph_that_the_phone_makes_small() {
    let app = TestApp::start().await;
    let codes = app.issue("L1", 2).await;
    app.sealed().await;
    let photo = photograph(&app);
    let address = |place: usize| format!("{}?lang=en", app.url(&codes[place]));
    let browser = Browser::start().await;
    browser.prefer("light").await;
    browser.screen(360, 640, true).await;
    let (number, sent) = report(&browser, &address(0), &photo, true).await;
    assert!(sent < 1 << 20, "{sent}");
    // What it is given leads to what became of it, and back to the product.
    browser.click(".find .button").await;
    assert_eq!(browser.address().await, address(0));
    browser.click(".own a[href^='/report']").await;
    browser.click_here("summary").await;
    browser.type_into("#number", &number.to_lowercase()).await;
    browser.click("details .button").await;
    let title = browser
        .evaluate("return document.querySelector('h1').innerText")
        .await;
    assert_eq!(title, "The merchant is looking into it");
    assert_eq!(browser.console().await, [""; 0]);
    browser.close().await;
    // Without scripts it is sent as it is, and made small here.
    let plain = Browser::start().await;
    plain.prefer("light").await;
    plain.forbid_scripts().await;
    let (other, sent) = report(&plain, &address(1), &photo, false).await;
    assert!(sent > 2 << 20, "{sent}");
    assert_ne!(other, number);
    plain.close().await;
    let kept: Vec<i32> =
        sqlx::query_scalar("SELECT octet_length(picture) FROM report ORDER BY recorded_at")
            .fetch_all(&mut app.owner().await)
            .await
            .unwrap();
    assert!(
        kept.len() == 2
            && kept
                .iter()
                .all(|bytes| *bytes > 10_000 && *bytes <= 393_216),
        "{kept:?}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_refused_keeps_what_was_typed_in_the_browser() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    app.sealed().await;
    let browser = Browser::start().await;
    browser.prefer("light").await;
    let path = format!("/report{code}?lang=zh-CN");
    browser.open(&app.url(&path)).await;
    // Nothing chosen: the browser itself says so, and the page stays.
    browser.click_here("button[type=submit]").await;
    let invalid = browser
        .evaluate("return document.querySelectorAll('input[name=matter]:invalid').length")
        .await;
    assert_eq!(invalid, 5);
    browser.click_here("input[value=quality]").await;
    browser.type_into("#words", "有怪味").await;
    let file = app.data_dir.path().join("photo.jpg");
    std::fs::write(&file, "no picture at all").unwrap();
    browser.type_into("#photo", file.to_str().unwrap()).await;
    browser.click("button[type=submit]").await;
    let shown = browser
        .evaluate(
            "return [document.querySelector('[role=alert]').innerText, document.querySelector('#words').value,
                document.querySelector('input:checked').value]",
        )
        .await;
    let told = shown[0].as_str().unwrap();
    assert!(told.starts_with("认不出这个文件"), "{told}");
    assert_eq!(
        (&shown[1], &shown[2]),
        (&Value::from("有怪味"), &Value::from("quality"))
    );
    browser.close().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_code_is_entered_on_a_phone() {
    let app = TestApp::start().await;
    app.issue("L1", 1).await;
    let order = format!(r#"{{"gtin":"{GTIN}","lot":"L1","quantity":1,"hidden":true}}"#);
    let range: Value = app
        .post("/api/code-ranges", order)
        .await
        .json()
        .await
        .unwrap();
    let codes = app.http.get(app.url(range["codes"].as_str().unwrap()));
    let codes = codes.bearer_auth(&app.key).send().await.unwrap();
    let codes = codes.text().await.unwrap();
    let (address, hidden) = codes.trim().split_once(',').unwrap();
    app.sealed().await;
    let browser = Browser::start().await;
    browser.prefer("light").await;
    browser.screen(360, 640, true).await;
    let title = "return document.querySelector('h1').innerText";
    browser.open(&format!("{address}?lang=zh-CN")).await;
    browser.type_into("#hidden-code", "7777 7777").await;
    browser.click(".hidden-code .button").await;
    assert_eq!(browser.evaluate(title).await, "隐藏码不对");
    // Entered again where it was refused.
    browser
        .type_into("#hidden-code", &hidden.to_lowercase())
        .await;
    browser.click(".ask .button").await;
    assert_eq!(browser.evaluate(title).await, "隐藏码正确，首次使用");
    assert_eq!(
        browser.evaluate(OVERFLOWING).await,
        Value::Array(Vec::new())
    );
    app.sealed().await;
    browser.click(".actions .button").await;
    let said = "return document.querySelector('.hidden-code p').innerText";
    let said = browser.evaluate(said).await;
    assert!(
        said.as_str().unwrap().starts_with("隐藏码用过一次："),
        "{said}"
    );
    browser.close().await;
    app.stop().await;
}
