//! Scanning: a real camera picture, played to the browser's fake camera, with a real code in it.
//!
//! Chromium has no `BarcodeDetector` on Linux, as many web views have none. Where one is wanted, a small one stands in
//! whose pictures are read by the same decoder as all codes in these tests; without it, the page is the one that
//! explains the phone's own scanner.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use qrcode::{Color, QrCode};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::driver::Browser;
use crate::open_example;
use crate::support::TestApp;
use crate::try_read_code;

/// Hands each picture of the camera to the test, and its answer to the page.
const DETECTOR: &str = "window.BarcodeDetector = class {
        static async getSupportedFormats() { return ['ean_13', 'qr_code']; }
        async detect(video) {
            if (!video.videoWidth) { throw new Error('no frame yet'); }
            const canvas = document.createElement('canvas');
            canvas.width = video.videoWidth;
            canvas.height = video.videoHeight;
            canvas.getContext('2d').drawImage(video, 0, 0);
            window.frame = canvas.toDataURL('image/png').split(',')[1];
            return await new Promise(resolve => { window.answer = resolve; });
        }
    };";

/// A film of one picture for the fake camera, in the format that Chromium takes: YUV4MPEG2 in 4:2:0. The code, if
/// any, lies in the middle of a grey ground.
fn film(path: &Path, code: Option<&str>) {
    const WIDTH: usize = 640;
    const HEIGHT: usize = 480;
    let mut luma = vec![140_u8; WIDTH * HEIGHT];
    if let Some(code) = code {
        let code = QrCode::new(code).unwrap();
        let (modules, pixels) = (code.width() + 8, 7);
        let side = modules * pixels;
        let (left, top) = ((WIDTH - side) / 2, (HEIGHT - side) / 2);
        let colors = code.to_colors();
        for y in 0..side {
            for x in 0..side {
                let (column, row) = (x / pixels, y / pixels);
                let inside = (4..modules - 4).contains(&column) && (4..modules - 4).contains(&row);
                let is_dark =
                    inside && colors[(row - 4) * code.width() + column - 4] == Color::Dark;
                luma[(top + y) * WIDTH + left + x] = if is_dark { 16 } else { 235 };
            }
        }
    }
    let mut file = fs::File::create(path).unwrap();
    file.write_all(format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n").as_bytes())
        .unwrap();
    for _ in 0..5 {
        file.write_all(b"FRAME\n").unwrap();
        file.write_all(&luma).unwrap();
        file.write_all(&vec![128; WIDTH * HEIGHT / 2]).unwrap();
    }
}

async fn browser_with_camera(film: &Path, is_allowed: bool) -> Browser {
    let file = format!("--use-file-for-fake-video-capture={}", film.display());
    let mut arguments = vec!["--use-fake-device-for-media-stream", file.as_str()];
    // Without it the browser asks, and nobody answers.
    if is_allowed {
        arguments.push("--use-fake-ui-for-media-stream");
    } else {
        arguments.push("--deny-permission-prompts");
    }
    let browser = Browser::start_with(&arguments, json!({})).await;
    browser.screen(360, 640, true).await;
    browser
}

/// Answers the page's detector with what the decoder finds in its picture; gives that.
async fn look(browser: &Browser) -> Option<String> {
    let frame = async {
        loop {
            let frame = browser
                .evaluate("const frame = window.frame; window.frame = null; return frame || null")
                .await;
            if let Value::String(frame) = frame {
                return frame;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let frame = tokio::time::timeout(Duration::from_secs(30), frame);
    let frame = frame.await.expect("the page looks through the camera");
    let png = crate::driver::decoded(&frame);
    let code = try_read_code(&png);
    let mut found = String::from("[");
    if let Some(code) = &code {
        // A plain barcode stands beside it, as on most packs.
        let plain = json!({ "format": "ean_13", "rawValue": "9521041001012" });
        let own = json!({ "format": "qr_code", "rawValue": code });
        write!(found, "{plain},{own}").unwrap();
    }
    browser
        .evaluate(&format!("window.answer({found}]); return null"))
        .await;
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_before_the_camera_opens_its_page() {
    let (app, urls, own) = open_example().await;
    own.close().await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("code.y4m");
    film(&path, Some(&urls[0]));
    let browser = browser_with_camera(&path, true).await;
    browser.before_every_page(DETECTOR).await;
    browser.open(&app.url("/?lang=zh-CN")).await;
    browser.click_here("[data-start]").await;
    assert_eq!(look(&browser).await.as_deref(), Some(urls[0].as_str()));
    browser.arrives(&format!("{}?lang=zh-CN", urls[0])).await;
    assert_eq!(browser.console().await, [""; 0]);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_sees_nothing_goes_on_looking_until_it_is_closed() {
    let app = TestApp::start().await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("grey.y4m");
    film(&path, None);
    let browser = browser_with_camera(&path, true).await;
    browser.before_every_page(DETECTOR).await;
    browser.open(&app.url("/?lang=en")).await;
    let status = "return document.querySelector('[data-status]').textContent";
    assert_eq!(browser.evaluate(status).await, "");
    browser.click_here("[data-start]").await;
    for _ in 0..3 {
        assert_eq!(look(&browser).await, None);
    }
    assert_eq!(
        browser.evaluate(status).await,
        "Hold the code within the frame."
    );
    let film = "const video = document.querySelector('video');
        return [video.srcObject !== null, document.querySelector('[data-stop]').hidden]";
    assert_eq!(browser.evaluate(film).await, json!([true, false]));
    browser.click_here("[data-stop]").await;
    assert_eq!(browser.evaluate(film).await, json!([false, true]));
    let focused = "return document.activeElement.hasAttribute('data-start')";
    assert_eq!(browser.evaluate(focused).await, true);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_is_refused_says_what_else_helps() {
    let app = TestApp::start().await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("grey.y4m");
    film(&path, None);
    let browser = browser_with_camera(&path, false).await;
    browser.before_every_page(DETECTOR).await;
    browser.open(&app.url("/?lang=en")).await;
    browser.click_here("[data-start]").await;
    let said = browser
        .run(
            "const status = document.querySelector('[data-status]');
             while (!status.textContent.includes('own scanner')) {
                 await new Promise(done => requestAnimationFrame(done));
             }
             return status.textContent",
        )
        .await;
    let said = said.as_str().unwrap();
    assert!(said.starts_with("The camera was not allowed."), "{said}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_detector_only_the_phones_own_scanner_is_explained() {
    let (app, _, browser) = open_example().await;
    for language in ["zh-CN", "en"] {
        browser.open(&app.url(&format!("/?lang={language}"))).await;
        let shown = browser
            .run(
                "await new Promise(done => requestIdleCallback(done));
                 const seen = name => document.querySelector(name).getClientRects().length > 0;
                 return ['BarcodeDetector' in window, seen('.camera'), seen('.find-scan .todo')]",
            )
            .await;
        assert_eq!(shown, json!([false, false, true]));
        assert_eq!(browser.console().await, [""; 0]);
    }
    browser.close().await;
}
