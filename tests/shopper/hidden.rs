//! Hidden codes: right once for the first time, never again, and not to be guessed.

use reqwest::Response;
use rootmark::codes::hidden::{MAX_WRONG, MAX_WRONG_OF_NETWORK};
use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::copied::verdict;
use crate::kit::{LANGUAGES, Page, issue};
use crate::reports::{alter, cases};
use crate::scans::{assert_clean, behind_a_proxy};
use crate::support::{GTIN, ISSUER, TestApp};

/// Orders codes with hidden ones; each item's path with its hidden code.
async fn issue_hidden(app: &TestApp, lot: &str, quantity: u32) -> Vec<(String, String)> {
    // Describes the product.
    issue(app, Some("L0"), 1).await;
    let order = json!({"gtin": GTIN, "lot": lot, "quantity": quantity, "hidden": true});
    let answer = app.post("/api/code-ranges", order.to_string()).await;
    assert_eq!(answer.status(), 201);
    let range: Value = answer.json().await.unwrap();
    assert_eq!(range["hidden"], true);
    let codes = app.http.get(app.url(range["codes"].as_str().unwrap()));
    let codes = codes.bearer_auth(&app.key).send().await.unwrap();
    let codes = codes.text().await.unwrap();
    let pairs = codes.lines().map(|line| {
        let (address, hidden) = line.split_once(',').unwrap();
        let (_, path) = address.split_once("/01/").unwrap();
        (format!("/01/{path}"), hidden.to_owned())
    });
    pairs.collect()
}

/// The page that whoever enters a code sees.
async fn enters(app: &TestApp, path: &str, typed: &str, address: &str, language: &str) -> Page {
    Page::of(posted(app, path, typed, address, language).await).await
}

async fn posted(app: &TestApp, path: &str, typed: &str, address: &str, language: &str) -> Response {
    let request = app
        .http
        .post(app.url(&format!("/hidden{path}?lang={language}")));
    let request = request
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("X-Forwarded-For", address)
        .body(format!("hidden={}", typed.replace(' ', "+")));
    request.send().await.unwrap()
}

/// A code that differs from the right one in one place.
fn wrong(hidden: &str) -> String {
    let last = if hidden.ends_with('7') { "8" } else { "7" };
    format!("{}{last}", &hidden[..hidden.len() - 1])
}

async fn reveals(app: &TestApp) -> Vec<Value> {
    let query = "SELECT convert_from(content, 'UTF8') FROM statement WHERE kind = 'reveal' ORDER BY batch_id";
    let contents: Vec<String> = sqlx::query_scalar(query)
        .fetch_all(&mut app.owner().await)
        .await
        .unwrap();
    let body = |content: &String| serde_json::from_str::<Value>(content).unwrap()["body"].clone();
    contents.iter().map(body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_code_is_right_for_the_first_time_once_and_its_use_is_in_the_log() {
    let app = behind_a_proxy().await;
    let codes = issue_hidden(&app, "L1", 3).await;
    app.sealed().await;
    let (path, hidden) = &codes[0];
    assert_eq!(hidden.len(), 9);
    let page = Page::get(&app, path, "en").await;
    assert!(page.text(".hidden-code").contains("Nobody has used"));
    let action = page.attribute(".hidden-code form", "action");
    assert_eq!(action, format!("/hidden{path}?lang=en"));
    // The code of another pack is wrong here.
    let other = enters(&app, path, &codes[1].1, "203.0.113.1", "en").await;
    assert_eq!(
        (other.status, other.text("h1").as_str()),
        (400, "The hidden code is not right")
    );
    assert!(other.text("[role=alert]").contains("4 more times today"));
    // As somebody types it.
    let typed = hidden.to_lowercase().replace('-', " ");
    let first = enters(&app, path, &typed, "203.0.113.1", "en").await;
    assert_eq!(
        (first.status, first.text("h1").as_str()),
        (200, "Right, and used for the first time")
    );
    // Somebody else in the same network is not told that he is the first; and it is not stated twice.
    let again = enters(&app, path, hidden, "203.0.113.77", "en").await;
    assert_eq!(again.text("h1"), "Right, and used from your network only");
    let lead = again.text(".lead");
    assert!(lead.contains("If that was you a moment ago"), "{lead}");
    let again = enters(&app, path, hidden, "203.0.113.77", "zh-CN").await;
    assert_eq!(again.text("h1"), "隐藏码正确，只在您所在的网络用过");
    let lead = again.text(".lead");
    assert!(
        lead.contains("（UTC+8），有人在您所在的网络输入过"),
        "{lead}"
    );
    // Without its lot it is the same pack.
    let bare = path.replace("/10/L1", "");
    let again = enters(&app, &bare, hidden, "203.0.113.77", "en").await;
    assert_eq!(again.text("h1"), "Right, and used from your network only");
    let second = enters(&app, path, hidden, "198.51.100.1", "zh-CN").await;
    assert_eq!(
        (second.status, second.text("h1").as_str()),
        (200, "隐藏码正确，但不是第一次用")
    );
    assert!(
        second.text(".lead").contains("至今共被正确输入 2 次"),
        "{}",
        second.text(".lead")
    );
    // Once it was used elsewhere, nobody is told any more that it may have been the first time.
    let again = enters(&app, path, hidden, "203.0.113.1", "en").await;
    assert_eq!(again.text("h1"), "Right, but not for the first time");
    let lead = again.text(".lead");
    assert!(
        lead.starts_with("It was entered in your network today already")
            && lead.contains("2 times"),
        "{lead}"
    );
    app.sealed().await;
    let item = format!("https://id.gs1.org{}", path.replace("/10/L1", ""));
    assert_eq!(
        reveals(&app).await,
        [
            json!({"code": item, "number": 1}),
            json!({"code": item, "number": 2})
        ]
    );
    // The page says so, the proof holds both, and a restart changes nothing.
    let app = app.restart().await;
    let page = Page::get(&app, path, "en").await;
    let used = page.text(".hidden-code p");
    assert!(used.contains("entered correctly 2 times"), "{used}");
    assert!(used.contains(" UTC+8, and"), "{used}");
    let proof = app.get_text(&format!("/proof{path}")).await;
    let item_alone = format!("revealed {item}");
    assert_eq!(proof.matches(&item_alone).count(), 2, "{proof}");
    assert_eq!(verdict(&app, path).await.0, "On record, unchanged");
    // The pack beside it is as it was; and no code is anywhere in the database.
    let page = Page::get(&app, &codes[1].0, "en").await;
    assert!(page.text(".hidden-code").contains("Nobody has used"));
    let dump: Vec<String> = sqlx::query_scalar(
        "SELECT convert_from(content, 'UTF8') FROM statement UNION ALL SELECT t::text FROM hidden_try AS t",
    )
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap();
    for (_, hidden) in &codes {
        let bare = hidden.replace('-', "");
        assert!(
            !dump
                .iter()
                .any(|row| row.contains(&bare) || row.contains(hidden))
        );
    }
    assert_clean(&app).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_used_too_often_puts_the_pack_in_doubt_until_it_is_looked_into() {
    let app = behind_a_proxy().await;
    let (path, hidden) = issue_hidden(&app, "L1", 1).await.remove(0);
    app.sealed().await;
    for network in 1..=3 {
        assert_eq!(verdict(&app, &path).await.0, "On record, unchanged");
        let address = format!("203.0.{network}.1");
        enters(&app, &path, &hidden, &address, "en").await;
    }
    app.sealed().await;
    let (title, band) = verdict(&app, &path).await;
    assert_eq!(title, "On record, but the code may be copied");
    assert!(
        band.contains("is for one use, and was entered 3 times"),
        "{band}"
    );
    let review = |reason: &str| {
        json!({"code": format!("https://id.gs1.org{path}"), "through": 0, "outcome": "explained",
            "reason": {"zh-CN": reason, "en": reason}})
        .to_string()
    };
    // The third use opened a case, and the review closes it.
    let open = || async { cases(&app, &app.key, "?status=open").await.len() };
    assert_eq!(open().await, 1);
    let said = app.post("/api/reviews", review("a shop tried it")).await;
    assert_eq!(said.status(), 201);
    assert_eq!(open().await, 0);
    app.sealed().await;
    assert_eq!(verdict(&app, &path).await.0, "On record, unchanged");
    enters(&app, &path, &hidden, "203.0.4.1", "en").await;
    app.sealed().await;
    assert_eq!(
        verdict(&app, &path).await.0,
        "On record, but the code may be copied"
    );
    // Ten are stated, and whoever comes later is told so all the same.
    for network in 5..20 {
        let address = format!("203.0.{network}.1");
        let page = enters(&app, &path, &hidden, &address, "en").await;
        assert_eq!(page.text("h1"), "Right, but not for the first time");
    }
    assert_eq!(reveals(&app).await.len(), 10);
    // Nothing new is stated from here on, so the doubt stays whatever is reviewed; the same words are another review, since a case
    // is open.
    let again = app.post("/api/reviews", review("a shop tried it")).await;
    assert_eq!(again.status(), 201);
    app.sealed().await;
    assert_eq!(
        verdict(&app, &path).await.0,
        "On record, but the code may be copied"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_the_first_and_no_more_are_compared_than_the_limit() {
    let app = behind_a_proxy().await;
    let codes = issue_hidden(&app, "L1", 2).await;
    app.sealed().await;
    let (path, hidden) = &codes[0];
    let entering = (0..8).map(|network| {
        let app = &app;
        async move {
            let address = format!("203.0.{network}.1");
            enters(app, path, hidden, &address, "en").await.text("h1")
        }
    });
    let titles = futures_util::future::join_all(entering).await;
    let first = titles
        .iter()
        .filter(|title| title.contains("for the first time") && !title.contains("not"));
    assert_eq!(first.count(), 1, "{titles:?}");
    let numbers: Vec<_> = reveals(&app)
        .await
        .iter()
        .map(|body| body["number"].clone())
        .collect();
    assert_eq!(numbers.len(), 8);
    let (path, hidden) = &codes[1];
    let bad = wrong(hidden);
    let guessing = (0..12).map(|_| {
        let (app, bad) = (&app, &bad);
        async move { enters(app, path, bad, "203.0.113.1", "en").await.status }
    });
    let statuses = futures_util::future::join_all(guessing).await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 400).count(),
        5,
        "{statuses:?}"
    );
    app.sealed().await;
    assert_clean(&app).await;
    // Whoever made a second first one would be found.
    alter(&app, "ALTER TABLE statement DISABLE TRIGGER USER").await;
    let forge = "UPDATE statement SET content = convert_to(replace(convert_from(content, 'UTF8'), '\"number\":2', '\"number\":1'), 'UTF8')
        WHERE kind = 'reveal'";
    alter(&app, forge).await;
    let mut conn = app.running.database.checker.acquire().await.unwrap();
    let report = rootmark::check::check(&mut conn, &app.public_log(), |_, _| ())
        .await
        .unwrap();
    drop(conn);
    let is_named =
        |finding: &String| finding.contains("a use of a hidden code that does not follow");
    assert_eq!(
        report
            .findings
            .iter()
            .filter(|finding| is_named(finding))
            .count(),
        1,
        "{:?}",
        report.findings
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_codes_alone_neither_orders_hidden_ones_nor_reads_them() {
    let app = behind_a_proxy().await;
    issue_hidden(&app, "L1", 1).await;
    let codes_alone = app.key_of(app.merchant_id, ISSUER, &[Scope::Codes]).await;
    let hidden_alone = app
        .key_of(app.merchant_id, ISSUER, &[Scope::HiddenCodes])
        .await;
    let both = app
        .key_of(app.merchant_id, ISSUER, &[Scope::Codes, Scope::HiddenCodes])
        .await;
    let order = json!({"gtin": GTIN, "lot": "L1", "quantity": 1, "hidden": true}).to_string();
    for (key, status) in [(&codes_alone, 403), (&hidden_alone, 403), (&both, 201)] {
        let answer = app.post_as(key, "/api/code-ranges", order.clone()).await;
        assert_eq!(answer.status(), status);
        let list = app.url(&format!("/api/code-ranges/{GTIN}/1/codes"));
        let answer = app.http.get(list).bearer_auth(key).send().await.unwrap();
        assert_eq!(answer.status(), if status == 201 { 200 } else { 403 });
    }
    let plain = app.url(&format!("/api/code-ranges/{GTIN}/0/codes"));
    let answer = app
        .http
        .get(plain)
        .bearer_auth(&codes_alone)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_end_for_a_network_and_for_all() {
    let app = behind_a_proxy().await;
    let (path, hidden) = issue_hidden(&app, "L1", 1).await.remove(0);
    app.sealed().await;
    let bad = wrong(&hidden);
    for left in (0..MAX_WRONG_OF_NETWORK).rev() {
        let page = enters(&app, &path, &bad, "203.0.113.1", "en").await;
        assert_eq!(page.status, 400);
        let said = match left {
            0 => "That was the last try of today".to_owned(),
            1 => "You can try once more today".to_owned(),
            _ => format!("You can try {left} more times today"),
        };
        assert!(page.text("main").contains(&said), "{said}");
        assert_eq!(page.texts("[role=alert]").is_empty(), left == 0);
    }
    // Not even the right one is compared now, from there; another network's is.
    let page = enters(&app, &path, &hidden, "203.0.113.99", "en").await;
    assert_eq!(
        (page.status, page.text("h1").as_str()),
        (429, "Too many tries today")
    );
    assert!(
        page.attributes("form[action^='/hidden']", "action")
            .is_empty()
    );
    let page = enters(&app, &path, &hidden, "198.51.100.1", "en").await;
    assert_eq!(page.text("h1"), "Right, and used for the first time");
    // IPv6 is one network by its first 48 bits.
    for left in (0..MAX_WRONG_OF_NETWORK).rev() {
        let address = format!("2001:db8:1:{left}::1");
        assert_eq!(enters(&app, &path, &bad, &address, "en").await.status, 400);
    }
    assert_eq!(
        enters(&app, &path, &bad, "2001:db8:1:ffff::1", "en")
            .await
            .status,
        429
    );
    // Many networks together.
    let fill = format!(
        "UPDATE hidden_try SET wrong = {} WHERE is_right",
        MAX_WRONG - 2 * MAX_WRONG_OF_NETWORK - 1
    );
    alter(&app, &fill).await;
    let page = enters(&app, &path, &bad, "192.0.2.1", "en").await;
    assert!(page.text(".lead").contains("the last try of today"));
    let page = enters(&app, &path, &hidden, "192.0.3.1", "en").await;
    assert_eq!(page.status, 429);
    assert!(
        !page.html.contains("may not be the merchant"),
        "{}",
        page.html
    );
    // Whoever was right before is not kept out by others, nor by mistyping.
    for _ in 0..=MAX_WRONG_OF_NETWORK {
        let page = enters(&app, &path, &bad, "198.51.100.1", "en").await;
        assert_eq!(page.status, 400);
        let alert = page.text("[role=alert]");
        assert_eq!(alert, "It is not the hidden code of this item.");
    }
    let page = enters(&app, &path, &hidden, "198.51.100.1", "en").await;
    assert_eq!(page.status, 200);
    // On another day it is tried again, and what was noted is deleted.
    alter(&app, "UPDATE hidden_try SET day = day - 2").await;
    let page = enters(&app, &path, &hidden, "203.0.113.1", "en").await;
    assert_eq!(page.text("h1"), "Right, but not for the first time");
    let app = app.restart().await;
    let kept = "SELECT count(*) FROM hidden_try";
    while sqlx::query_scalar::<_, i64>(kept)
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap()
        > 1
    {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_bears_no_hidden_code_has_no_form_and_takes_none() {
    let app = behind_a_proxy().await;
    let plain = issue(&app, Some("L1"), 1).await.remove(0);
    let (path, hidden) = issue_hidden(&app, "L2", 1).await.remove(0);
    app.sealed().await;
    let page = Page::get(&app, &plain, "en").await;
    assert!(page.texts(".hidden-code").is_empty());
    let lot = path.split_once("/21/").unwrap().0;
    assert!(
        Page::get(&app, lot, "en")
            .await
            .texts(".hidden-code")
            .is_empty()
    );
    for language in LANGUAGES {
        for without in [
            plain.as_str(),
            "/01/09521041001012/21/NEVERISSUED",
            "/01/09506000134352/21/1",
        ] {
            let answer = posted(&app, without, &hidden, "203.0.113.1", language).await;
            assert_eq!(answer.status(), 303, "{without}");
            // To its page, which says what it is.
            let location = answer.headers()["Location"].to_str().unwrap();
            assert_eq!(location, format!("{without}?lang={language}"));
        }
    }
    assert_eq!(
        enters(&app, lot, &hidden, "203.0.113.1", "en").await.status,
        404
    );
    assert_eq!(
        enters(&app, "/01/1", &hidden, "203.0.113.1", "en")
            .await
            .status,
        400
    );
    // What is no hidden code is no try, either.
    for typed in ["", "7KQ4", "<script>alert(1)</script>", &"7".repeat(10_000)] {
        let page = enters(&app, &path, typed, "203.0.113.1", "en").await;
        assert_eq!(page.status, 400);
        assert!(
            page.text("[role=alert]")
                .contains("has 8 digits and letters")
        );
    }
    let request = app.http.post(app.url(&format!("/hidden{path}")));
    let foreign = request
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Sec-Fetch-Site", "cross-site")
        .body(format!("hidden={hidden}"));
    assert_eq!(foreign.send().await.unwrap().status(), 400);
    assert_eq!(reveals(&app).await.len(), 0);
    let tries: i64 = sqlx::query_scalar("SELECT count(*) FROM hidden_try")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(tries, 0);
    let order = json!({"gtin": GTIN, "quantity": 1, "hidden": "yes"});
    assert_eq!(
        app.post("/api/code-ranges", order.to_string())
            .await
            .status(),
        400
    );
    app.stop().await;
}
