//! On paper: one clean sheet, and a code on it that leads back.

use crate::driver::Browser;
use crate::pages::pictures;
use crate::read_code;
use crate::states::States;

/// The sheets of a PDF: its objects of the type Page, which Chromium writes uncompressed.
fn sheets(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    let is_page = |rest: &&str| !rest.starts_with('s');
    text.split("/Type /Page").skip(1).filter(is_page).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_page_is_one_sheet_with_its_code() {
    let states = States::start().await;
    let browser = Browser::start().await;
    browser.screen(1280, 800, false).await;
    let mut counts = Vec::new();
    for state in states.all.iter().filter(|state| state.has_story) {
        for language in ["zh-CN", "en"] {
            browser.open(&state.url_in(language)).await;
            let pdf = browser.print().await;
            assert!(pdf.starts_with(b"%PDF"));
            let name = format!("{}-{language}-print.pdf", state.name);
            std::fs::write(pictures().join(name), &pdf).unwrap();
            counts.push((state.name, language, sheets(&pdf)));
        }
        browser.media("print").await;
        // Whatever a fold hides on a screen.
        let folded = browser
            .evaluate(
                "return [...document.querySelectorAll('.notes-more li')].map(e => e.textContent)
                    .filter(note => ![...document.querySelectorAll('.on-paper li')]
                        .some(e => e.getClientRects().length && e.textContent === note))",
            )
            .await;
        assert_eq!(folded, serde_json::json!([]), "{}", state.name);
        let code = read_code(&browser.picture(".qr img").await);
        assert_eq!(code, state.url, "{}", state.name);
        let seen = browser
            .evaluate(
                "return ['.map', '.papers', '.actions', '.legend', '.switch', '.address']
                    .filter(name => [...document.querySelectorAll(name)].some(e => e.getClientRects().length))",
            )
            .await;
        assert_eq!(seen, serde_json::json!([".address"]), "{}", state.name);
        browser.media("").await;
    }
    // What is recalled or contradicts itself is told in full, and may need a second one.
    for (name, language, sheets) in counts {
        let most = if matches!(name, "recalled" | "doubtful") {
            2
        } else {
            1
        };
        assert!(
            (1..=most).contains(&sheets),
            "{name} in {language}: {sheets}"
        );
    }
    browser.close().await;
    states.stop().await;
}
