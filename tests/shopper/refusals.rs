//! Codes without a record, and what is no code at all.

use crate::kit::{LANGUAGES, Page, issue, lot_path};
use crate::support::{GTIN, TestApp, document, forged};

/// An app whose lots L1 and L2 have issued codes and an event each; gives two codes of L1.
async fn two_lots() -> (TestApp, Vec<String>) {
    let app = TestApp::start().await;
    let codes = issue(&app, Some("L1"), 2).await;
    issue(&app, Some("L2"), 1).await;
    app.capture(&[
        document::observation(1, "L1"),
        document::observation(2, "L2"),
    ])
    .await;
    app.sealed().await;
    (app, codes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_without_a_record_is_a_404_that_says_so_and_what_to_do() {
    let (app, codes) = two_lots().await;
    let serial = codes[0].rsplit('/').next().unwrap();
    for path in [
        "/01/09506000134352".to_owned(),
        lot_path("L3"),
        format!("{}/21/{serial}X", lot_path("L1")),
    ] {
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            let page = Page::get(&app, &path, language).await;
            assert_eq!(page.status, 404, "{path}");
            assert_eq!(
                page.text("h1"),
                ["查无此码", "No record of this code"][column]
            );
            let advice = page.texts("ol.todo li").join("\n");
            for words in [
                ["重扫", "Scan the QR code on the pack once more"],
                ["伪造", "a fake"],
            ] {
                assert!(advice.contains(words[column]), "{advice}");
            }
            assert!(
                page.texts(".proof, .journey, .qr").is_empty(),
                "nothing to believe in"
            );
        }
        let proof = Page::get(&app, &format!("/proof{path}"), "en").await;
        assert_eq!(proof.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_case_or_a_pallet_is_said_to_be_one() {
    let (app, _) = two_lots().await;
    for (column, language) in LANGUAGES.into_iter().enumerate() {
        let page = Page::get(&app, "/00/095210410001000014", language).await;
        assert_eq!(page.status, 404);
        let title = ["这是箱子或托盘的码", "This code is for a case or a pallet"];
        assert_eq!(page.text("h1"), title[column]);
        assert!(!page.html.contains(["伪造", "fake"][column]));
        assert!(page.texts(".proof, .journey, .qr").is_empty());
    }
}

/// A real serial on the box of another lot is told of by the record that it has, and never without a word.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_another_lot_than_the_record_is_doubted() {
    let (app, codes) = two_lots().await;
    let serial = codes[0].rsplit('/').next().unwrap();
    for (lot, is_doubted) in [("L1", false), ("L2", true), ("L3", true), ("l1", true)] {
        let path = format!("{}/21/{serial}", lot_path(lot));
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            let page = Page::get(&app, &path, language).await;
            assert_eq!(page.status, 200, "{path}");
            let title = page.text("h1");
            let doubts = ["有记录，但有疑点", "On record, with doubts"][column];
            assert_eq!(title == doubts, is_doubted, "{path}: {title}");
            assert_eq!(page.field(["批号", "Batch"][column]), "L1");
            let says = [format!("批号 {lot}，"), format!("says batch {lot};")];
            let is_said = page.html.contains(&says[column]);
            assert_eq!(is_said, is_doubted, "{path}");
        }
        // Whoever is sent to the page is sent to this one.
        let sent = app.get(&format!("{path}?linkType=gs1:traceability")).await;
        assert_eq!(sent.status(), 307);
        let target = sent.headers()["Location"].to_str().unwrap();
        assert!(target.ends_with(&path), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_that_was_looked_up_can_be_compared_with_the_pack() {
    let (app, codes) = two_lots().await;
    let serial = forged(codes[0].rsplit('/').next().unwrap());
    let page = Page::get(&app, &format!("{}/21/{serial}", lot_path("A%2FB")), "en").await;
    let elements = format!("(01){GTIN} (10)A/B (21){serial}");
    assert_eq!(page.field("Code looked up"), elements);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_with_any_one_character_altered_is_unknown() {
    let (app, codes) = two_lots().await;
    assert_eq!(app.get(&codes[0]).await.status(), 200);
    let (lot, serial) = codes[0].rsplit_once('/').unwrap();
    for position in 0..serial.len() {
        let altered = if &serial[position..=position] == "7" {
            "8"
        } else {
            "7"
        };
        let mut forged = serial.to_owned();
        forged.replace_range(position..=position, altered);
        let answer = app.get(&format!("{lot}/{forged}")).await;
        assert_eq!(answer.status(), 404, "{forged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_and_a_product_have_pages_that_do_not_speak_of_the_item_in_hand() {
    let (app, codes) = two_lots().await;
    let product = format!("/01/{GTIN}");
    for (path, words, steps) in [
        (
            lot_path("L1"),
            ["这是整批的码", "This code is for a whole batch"],
            1,
        ),
        (product, ["这是产品的码", "This code is for a product"], 0),
    ] {
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            let page = Page::get(&app, &path, language).await;
            assert_eq!(
                (page.status, page.text("h1")),
                (200, words[column].to_owned())
            );
            assert_eq!(page.texts("li.step").len(), steps, "{path}");
            assert!(!page.html.contains(codes[0].rsplit('/').next().unwrap()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_alone_finds_the_lot_it_was_issued_for() {
    let (app, codes) = two_lots().await;
    let serial = codes[0].rsplit('/').next().unwrap();
    let page = Page::get(&app, &format!("/01/{GTIN}/21/{serial}"), "en").await;
    assert_eq!((page.status, page.field("Batch")), (200, "L1".to_owned()));
    assert_eq!(page.text("h1"), "On record, unchanged");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_code_is_a_400_that_names_the_fault_in_the_readers_language() {
    let app = TestApp::start().await;
    let after = |rest: &str| format!("/01/{GTIN}{rest}");
    let long = "x".repeat(21);
    for (path, faults) in [
        (
            "/01/09521041001013".to_owned(),
            [
                "(01) 后面的数字有抄错或扫错的",
                "some digit after (01) was mistyped",
            ],
        ),
        (
            "/01/09521041001".into(),
            [
                "(01) 的位数不对，现在是 11 位",
                "wrong number of digits: 11",
            ],
        ),
        (
            "/01/0952104100101O".into(),
            [
                "(01) 的第 14 位不是数字",
                "character 14 of (01) is not a digit",
            ],
        ),
        (
            "/01/".into(),
            ["(01) 的位数不对，现在是 0 位", "wrong number of digits: 0"],
        ),
        ("/01/%00".into(), ["(01)", "(01)"]),
        (
            "/00/095210410001000015".into(),
            [
                "(00) 后面的数字有抄错或扫错的",
                "some digit after (00) was mistyped",
            ],
        ),
        (
            after("/21/A/10/B"),
            [
                "(10) 排在了 (21) 之后",
                "(10) comes after (21); the order is (22), (10), (21)",
            ],
        ),
        (
            after("/10/A/10/B"),
            ["(10) 出现了两次", "(10) is given twice"],
        ),
        (
            after("/11/260101"),
            [
                "“11”不是商品编码的一部分",
                "“11” is not part of a product code",
            ],
        ),
        (
            after("//"),
            [
                "“//”不是商品编码的一部分",
                "“//” is not part of a product code",
            ],
        ),
        (
            after("/10/"),
            ["(10) 后面没有内容", "nothing stands after (10)"],
        ),
        (
            after("/10"),
            ["(10) 后面没有内容", "nothing stands after (10)"],
        ),
        (
            after("/10/A%00B"),
            [
                "(10) 里有看不见的控制字符",
                "(10) has an invisible control character",
            ],
        ),
        (
            after("/10/A%0AB"),
            [
                "(10) 里有看不见的控制字符",
                "(10) has an invisible control character",
            ],
        ),
        (
            after("/21/%0d%0aX-Y:"),
            ["(21) 里有看不见的控制字符", "(21) has an invisible control"],
        ),
        (
            after("/10/A%20B"),
            [
                "(10) 的第 2 个字符不能用在编码里",
                "character 2 of (10) is not allowed",
            ],
        ),
        (
            after("/10/%E6%89%B9"),
            ["(10) 的第 1 个字符", "character 1 of (10) is not allowed"],
        ),
        (
            after("/10/A%"),
            [
                "(10) 里的百分号转义不完整",
                "a percent escape in (10) is incomplete",
            ],
        ),
        (
            after("/10/A%2"),
            [
                "(10) 里的百分号转义不完整",
                "a percent escape in (10) is incomplete",
            ],
        ),
        (
            after("/10/%ZZ"),
            [
                "(10) 里的百分号转义不完整",
                "a percent escape in (10) is incomplete",
            ],
        ),
        (
            after("/10/%C3%28"),
            [
                "(10) 里的百分号转义不完整",
                "a percent escape in (10) is incomplete",
            ],
        ),
        (
            after(&format!("/10/{long}")),
            ["(10) 超过了 20 个字符", "(10) is longer than 20 characters"],
        ),
        (
            after(&format!("/21/{long}")),
            ["(21) 超过了 20 个字符", "(21) is longer than 20 characters"],
        ),
    ] {
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            for path in [
                path.clone(),
                format!("/proof{path}"),
                format!("/qr{path}.svg"),
            ] {
                let page = Page::get(&app, &path, language).await;
                // The picture's own ending belongs to what stands before it.
                if !path.starts_with("/qr") {
                    let notes = page.texts(".notes li").join(" ");
                    assert!(notes.contains(faults[column]), "{path}: {notes}");
                }
                assert_eq!(page.status, 400, "{path}");
                assert_eq!(
                    page.text("h1"),
                    ["这个码无法识别", "This code cannot be read"][column]
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_far_too_long_is_refused_and_the_service_goes_on() {
    let app = TestApp::start().await;
    let long = lot_path(&"%41".repeat(10_000));
    let page = Page::get(&app, &long, "en").await;
    assert_eq!(page.status, 400);
    assert!(
        page.text(".notes li")
            .contains("(10) is longer than 20 characters")
    );
    assert!(page.html.len() < 5_000, "what was sent is not sent back");
    // As long as a client will send at all.
    let longer = app.get(&format!("/{}", "a".repeat(60_000))).await;
    assert!(longer.status().is_client_error(), "{}", longer.status());
    assert_eq!(app.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_address_is_a_page_that_does_not_exist() {
    let app = TestApp::start().await;
    for path in [
        "/nope",
        "/01",
        "/administrator",
        "/robots.txt",
        "/%E4%BD%A0",
        "/02/123",
        "/qr/01/09521041001012",
    ] {
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            let page = Page::get(&app, path, language).await;
            assert_eq!(page.status, 404, "{path}");
            assert_eq!(
                page.text("h1"),
                ["没有这个页面", "There is no such page"][column]
            );
        }
    }
    let posted = app
        .http
        .post(app.url(&lot_path("L1")))
        .send()
        .await
        .unwrap();
    assert!(posted.status().is_client_error(), "pages are only read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_at_the_end_and_head_give_the_same_page() {
    let (app, codes) = two_lots().await;
    let plain = Page::get(&app, &codes[0], "en").await;
    let slash = Page::get(&app, &format!("{}/", codes[0]), "en").await;
    assert_eq!((slash.status, &slash.html), (200, &plain.html));
    for (path, status) in [
        (codes[0].clone(), 200),
        (lot_path("L9"), 404),
        ("/01/1".into(), 400),
    ] {
        let get = app.get(&path).await;
        let head = app.http.head(app.url(&path)).send().await.unwrap();
        assert_eq!(
            (get.status().as_u16(), head.status().as_u16()),
            (status, status)
        );
        for header in ["Content-Length", "Content-Type", "Content-Security-Policy"] {
            assert_eq!(
                head.headers()[header],
                get.headers()[header],
                "{path} {header}"
            );
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_record_never_passes_for_the_whole() {
    let app = TestApp::start().await;
    // One more than a story looks at.
    let events: Vec<String> = (0..4_001)
        .map(|id| document::observation(id, "L1"))
        .collect();
    app.capture(&events).await;
    app.capture(&[document::observation(5_000, "L2")]).await;
    app.sealed().await;
    let words = "only a part of them is listed";
    for (lot, proof, is_part) in [("L1", 501, true), ("L2", 200, false)] {
        let path = lot_path(lot);
        let page = app.page(&path, "en").await;
        assert_eq!(page.status(), 200);
        assert_eq!(page.text().await.unwrap().contains(words), is_part, "{lot}");
        assert_eq!(
            app.get(&format!("/proof{path}")).await.status(),
            proof,
            "{lot}"
        );
    }
}
