//! A shopper reports a problem without an account; the merchant looks into it, and the shopper sees what came of it.

use auditlog::encoding::to_hex;
use rootmark::domain::photo::MAX_KEPT_BYTES;
use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::copied::{looked_up, verdict};
use crate::kit::{LANGUAGES, Page, issue};
use crate::scans::{assert_clean, behind_a_proxy};
use crate::support::{GTIN, ISSUER, TestApp, picture};

/// What is sent of a form.
#[derive(Clone)]
pub struct Sent<'a> {
    pub form: [u8; 16],
    pub matter: &'a str,
    pub words: &'a str,
    pub photo: Vec<u8>,
    pub address: &'a str,
    pub language: &'a str,
}

pub const REPORT: Sent<'_> = Sent {
    form: [1; 16],
    matter: "pack",
    words: "The seal was broken.",
    photo: Vec::new(),
    address: "203.0.113.1",
    language: "en",
};

const BOUNDARY: &str = "------7d3f";

impl Sent<'_> {
    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut part = |name: &str, bytes: &[u8]| {
            let head =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend(head.as_bytes());
            body.extend(bytes);
            body.extend(b"\r\n");
        };
        part("form", to_hex(&self.form).as_bytes());
        if !self.matter.is_empty() {
            part("matter", self.matter.as_bytes());
        }
        part("words", self.words.as_bytes());
        part("photo", &self.photo);
        [body, format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
    }

    pub fn request(&self, app: &TestApp, code: &str) -> reqwest::RequestBuilder {
        let path = format!("/report{code}?lang={}", self.language);
        app.http
            .post(app.url(&path))
            .header("X-Forwarded-For", self.address)
            .header(
                "Content-Type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .body(self.body())
    }

    pub async fn page(&self, app: &TestApp, code: &str) -> Page {
        Page::of(self.request(app, code).send().await.unwrap()).await
    }

    /// The number that whoever reports is given.
    pub async fn number(&self, app: &TestApp, code: &str) -> String {
        let page = self.page(app, code).await;
        assert_eq!(page.status, 200, "{}", page.html);
        page.text(".number")
    }
}

/// What is said of a report, by its number.
async fn what_became(app: &TestApp, code: &str, number: &str, language: &str) -> Page {
    let path = format!("/reported{code}?lang={language}");
    let asked = app.http.post(app.url(&path));
    let body = format!("number={}", number.replace(' ', "+"));
    let asked = asked.header("Content-Type", "application/x-www-form-urlencoded");
    Page::of(asked.body(body).send().await.unwrap()).await
}

pub async fn keyed(app: &TestApp) -> String {
    app.key_of(app.merchant_id, ISSUER, &[Scope::Cases]).await
}

async fn read(app: &TestApp, key: &str, path: &str) -> (u16, Value) {
    let answer = app.http.get(app.url(path)).bearer_auth(key).send().await;
    let answer = answer.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn change(app: &TestApp, key: &str, id: &str, body: Value) -> (u16, Value) {
    let path = app.url(&format!("/api/cases/{id}"));
    let request = app.http.put(path).bearer_auth(key);
    let request = request.header("Content-Type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The cases, the last one first.
pub async fn cases(app: &TestApp, key: &str, query: &str) -> Vec<Value> {
    let (status, body) = read(app, key, &format!("/api/cases{query}")).await;
    assert_eq!(status, 200, "{body}");
    body["cases"].as_array().unwrap().clone()
}

fn id_of(case: &Value) -> &str {
    case["id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_reaches_the_merchant_changes_no_verdict_and_is_answered() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    let story = Page::get(&app, &code, "en").await;
    let link = story.attribute(".own a[href^='/report']", "href");
    let form = Page::get(&app, &link, "en").await;
    assert_eq!(form.status, 200);
    assert_eq!(form.headers["Cache-Control"], "no-store");
    let name = form.attribute("input[name=form]", "value");
    assert_ne!(
        name,
        Page::get(&app, &link, "en")
            .await
            .attribute("input[name=form]", "value")
    );
    assert_eq!(form.attributes("input[name=matter]", "value").len(), 5);

    let photo = picture::png(1_600, 900, 3);
    let sent = Sent { photo, ..REPORT };
    let number = sent.number(&app, &code).await;
    // Sent twice, as by a reader who reloads: one report with one number.
    assert_eq!(sent.number(&app, &code).await, number);
    let open = cases(&app, &key, "?status=open").await;
    assert_eq!(open.len(), 1);
    assert_eq!(
        open[0]["code"],
        format!("https://id.gs1.org{}", code.replace("/10/L1", ""))
    );
    assert_eq!(
        (&open[0]["cause"], &open[0]["reports"]),
        (&json!("report"), &json!(1))
    );
    let (_, case) = read(&app, &key, &format!("/api/cases/{}", id_of(&open[0]))).await;
    let report = &case["reported"][0];
    assert_eq!(
        (&report["matter"], &report["words"]),
        (&json!("pack"), &json!("The seal was broken."))
    );
    let photo = app.http.get(app.url(report["photo"].as_str().unwrap()));
    let photo = photo.bearer_auth(&key).send().await.unwrap();
    assert_eq!(photo.headers()["Content-Type"], "image/jpeg");
    assert_eq!(
        photo.headers()["Content-Disposition"],
        "attachment; filename=\"photo.jpg\""
    );
    let photo = photo.bytes().await.unwrap();
    assert!(photo.starts_with(&[0xff, 0xd8, 0xff]) && photo.len() <= MAX_KEPT_BYTES);
    // A second shopper reports the same pack, and its verdict stays what it was.
    let other = Sent {
        form: [2; 16],
        address: "198.51.100.1",
        ..REPORT
    };
    assert_ne!(other.number(&app, &code).await, number);
    assert_eq!(cases(&app, &key, "").await[0]["reports"], 2);
    assert_eq!(verdict(&app, &code).await.0, "On record, unchanged");

    let waiting = what_became(&app, &code, &number, "en").await;
    assert_eq!(waiting.text("h1"), "The merchant is looking into it");
    let answer = json!({"zh-CN": "已为您换货", "en": "We replaced it"});
    let id = id_of(&open[0]);
    let (status, closed) = change(
        &app,
        &key,
        id,
        json!({"status": "closed", "answer": answer}),
    )
    .await;
    assert_eq!((status, &closed["outcome"]), (200, &Value::Null));
    assert_eq!(cases(&app, &key, "?status=open").await.len(), 0);
    assert_eq!(cases(&app, &key, "?status=closed").await.len(), 1);
    for (language, words) in [("zh-CN", "已为您换货"), ("en", "We replaced it")] {
        let told = what_became(&app, &code, &number.to_lowercase(), language).await;
        assert_eq!(told.text("blockquote"), words);
    }
    // An answer that was wrong is changed; and a case that was closed too early goes on.
    let better = json!({"zh-CN": "已退款", "en": "We gave the money back"});
    change(
        &app,
        &key,
        id,
        json!({"status": "closed", "answer": better}),
    )
    .await;
    let told = what_became(&app, &code, &number, "en").await;
    assert_eq!(told.text("blockquote"), "We gave the money back");
    assert_eq!(
        change(&app, &key, id, json!({"status": "open"})).await.1["status"],
        "open"
    );
    assert_eq!(
        what_became(&app, &code, &number, "en").await.text("h1"),
        "The merchant is looking into it"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_closes_the_case_and_signs_of_a_copy_open_one() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let codes = issue(&app, Some("L1"), 3).await;
    app.sealed().await;
    let number = REPORT.number(&app, &codes[0]).await;
    looked_up(&app, &codes[0], 0..1, &["CN-SH"]).await;
    assert_eq!(
        cases(&app, &key, "").await.len(),
        1,
        "one look-up is no sign"
    );
    looked_up(&app, &codes[1], 0..6, &["CN-SH", "CN-XJ"]).await;
    let open = cases(&app, &key, "?status=open").await;
    assert_eq!(open.len(), 2);
    assert_eq!(
        (&open[0]["cause"], &open[0]["reports"]),
        (&json!("signs"), &json!(0))
    );
    // What the record shows is answered by a statement, and by nothing less.
    let (status, refused) = change(&app, &key, id_of(&open[0]), json!({"status": "closed"})).await;
    assert_eq!(status, 409, "{refused}");
    for (code, through, outcome) in [(&codes[0], 1, "explained"), (&codes[1], 6, "copied")] {
        let review = json!({"code": format!("https://id.gs1.org{code}"), "through": through,
            "outcome": outcome, "reason": {"zh-CN": "查过", "en": "Looked into"}});
        let said = app.post_as(&key, "/api/reviews", review.to_string()).await;
        assert_eq!(said.status(), 201);
    }
    assert_eq!(cases(&app, &key, "?status=open").await.len(), 0);
    let closed = cases(&app, &key, "?status=closed").await;
    assert_eq!(
        (&closed[0]["outcome"], &closed[1]["outcome"]),
        (&json!("copied"), &json!("explained"))
    );
    let told = what_became(&app, &codes[0], &number, "en").await;
    assert_eq!(told.text("h1"), "The merchant has dealt with it");
    assert!(told.text(".todo").contains("is in the public log"));
    // Whoever reported can be answered all the same; what was found stays what it was.
    let answer = json!({"status": "closed", "answer": {"zh-CN": "谢谢", "en": "Thank you"}});
    let (status, answered) = change(&app, &key, id_of(&closed[1]), answer).await;
    assert_eq!((status, &answered["outcome"]), (200, &json!("explained")));
    let told = what_became(&app, &codes[0], &number, "en").await;
    assert_eq!(told.text("blockquote"), "Thank you");
    assert!(told.text(".todo").contains("is in the public log"));
    // Signs take over a case that a report opened.
    Sent {
        form: [9; 16],
        ..REPORT
    }
    .number(&app, &codes[2])
    .await;
    looked_up(&app, &codes[2], 0..6, &["CN-SH", "CN-XJ"]).await;
    let taken = cases(&app, &key, "?status=open").await.remove(0);
    assert_eq!(
        (&taken["cause"], &taken["reports"]),
        (&json!("signs"), &json!(1))
    );
    let (status, _) = change(&app, &key, id_of(&taken), json!({"status": "closed"})).await;
    assert_eq!(status, 409);
    let review = json!({"code": format!("https://id.gs1.org{}", codes[2]), "through": 6,
        "outcome": "explained", "reason": {"zh-CN": "查过", "en": "Looked into"}});
    let said = app.post_as(&key, "/api/reviews", review.to_string()).await;
    assert_eq!(said.status(), 201);
    // What was confirmed is known: another look-up is no news, and a report is.
    looked_up(&app, &codes[1], 6..7, &["CN-SH"]).await;
    assert_eq!(cases(&app, &key, "?status=open").await.len(), 0);
    REPORT.number(&app, &codes[1]).await;
    assert_eq!(cases(&app, &key, "?status=open").await.len(), 1);
    let (status, _) = change(&app, &key, id_of(&closed[0]), json!({"status": "open"})).await;
    assert_eq!(status, 409, "two of one code");
    // Said of what came up since, the same words are another review.
    let review = json!({"code": format!("https://id.gs1.org{}", codes[1]), "through": 7,
        "outcome": "copied", "reason": {"zh-CN": "查过", "en": "Looked into"}});
    for status in [201, 200] {
        let said = app.post_as(&key, "/api/reviews", review.to_string()).await;
        assert_eq!(said.status(), status);
    }
    assert_eq!(cases(&app, &key, "?status=open").await.len(), 0);
    assert_clean(&app).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_issued_can_be_reported_and_what_nobody_sells_cannot() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    issue(&app, Some("L1"), 1).await;
    app.sealed().await;
    for code in [
        format!("/01/{GTIN}/21/FORGED"),
        format!("/01/{GTIN}/10/L9"),
        format!("/01/{GTIN}"),
    ] {
        let page = Page::get(&app, &code, "en").await;
        assert!(
            page.html
                .contains(&format!("href=\"/report{code}?lang=en\"")),
            "{code}: {}",
            page.html
        );
        REPORT.number(&app, &code).await;
        let last = cases(&app, &key, "").await.remove(0);
        assert_eq!(last["code"], format!("https://id.gs1.org{code}"));
    }
    for language in LANGUAGES {
        let path = "/report/01/09506000134352/21/1";
        let nobody = Page::get(&app, path, language).await;
        assert_eq!(nobody.status, 404);
        let sent = Sent { language, ..REPORT };
        let sent = sent.page(&app, "/01/09506000134352/21/1").await;
        assert_eq!((sent.status, sent.text("h1")), (404, nobody.text("h1")));
    }
    assert_eq!(Page::get(&app, "/report/01/1", "en").await.status, 400);
    assert_eq!(
        Page::get(&app, "/report/00/395012345678901238", "en")
            .await
            .status,
        404
    );
    app.stop().await;
}

pub async fn alter(app: &TestApp, statement: &str) {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    sqlx::query(statement)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_opens_its_own_report_of_its_own_code_alone() {
    let app = behind_a_proxy().await;
    let codes = issue(&app, Some("L1"), 2).await;
    let number = REPORT.number(&app, &codes[0]).await;
    for (code, number) in [
        (&codes[1], number.as_str()),
        (&codes[0], "4F7K-9QXA-0MZC"),
        (&codes[0], ""),
        (&codes[0], "U"),
        (&codes[0], "<script>"),
    ] {
        let page = what_became(&app, code, number, "en").await;
        assert_eq!(page.status, 404, "{number}");
        assert!(!page.text("#number-fault").is_empty());
        assert!(!page.html.contains("<script>"), "{number}");
    }
    let path = app.url(&format!("/reported{}", codes[0]));
    let nothing = app.http.post(path).send().await.unwrap();
    assert_eq!(nothing.status(), 404);
    // The database does not hold it, and a case knows no network.
    let kept: String = sqlx::query_scalar("SELECT string_agg(r::text, '|') FROM report AS r")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert!(!kept.contains(&number.replace('-', "")) && !kept.contains("203.0.113"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_and_photographs_are_deleted_at_once_when_asked_and_in_the_end() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let codes = issue(&app, Some("L1"), 2).await;
    let photo = picture::png(200, 200, 1);
    let mut numbers = Vec::new();
    for code in &codes {
        let sent = Sent {
            photo: photo.clone(),
            ..REPORT
        };
        numbers.push(sent.number(&app, code).await);
    }
    let open = cases(&app, &key, "").await;
    let id = id_of(&open[0]);
    let reports = app.url(&format!("/api/cases/{id}/reports"));
    let emptied = app.http.delete(&reports).bearer_auth(&key).send().await;
    assert_eq!(emptied.unwrap().status(), 204);
    let (_, case) = read(&app, &key, &format!("/api/cases/{id}")).await;
    let report = case["reported"][0].as_object().unwrap();
    assert!(
        !report.contains_key("words") && !report.contains_key("photo"),
        "{case}"
    );
    let photo = app.url(&format!("/api/cases/{id}/reports/1/photo"));
    let gone = app.http.get(photo).bearer_auth(&key).send().await.unwrap();
    assert_eq!(gone.status(), 404);
    // The other case was closed long ago, and this one today.
    for case in &open {
        change(&app, &key, id_of(case), json!({"status": "closed"})).await;
    }
    let age = format!(
        "UPDATE report SET kept_until = now() - interval '1 second' WHERE case_id = '{}'",
        id_of(&open[1])
    );
    alter(&app, &age).await;
    let app = app.restart().await;
    let known = async |n: usize| what_became(&app, &codes[n], &numbers[n], "en").await.status;
    while known(0).await == 200 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(known(1).await, 200);
    assert_eq!(
        cases(&app, &key, "").await.len(),
        2,
        "that there was a case stays"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_sees_its_own_cases_with_a_key_for_cases() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let photo = picture::png(200, 200, 1);
    Sent { photo, ..REPORT }.number(&app, &code).await;
    let case = cases(&app, &key, "").await.remove(0);
    let id = id_of(&case);
    let issuer = "https://id.gs1.org/417/9522030000009";
    let other = app.add_merchant("Other", issuer).await;
    let foreign = app.key_of(other.id, issuer, &[Scope::Cases]).await;
    assert_eq!(cases(&app, &foreign, "").await.len(), 0);
    let without = app.key_of(app.merchant_id, ISSUER, &[Scope::Query]).await;
    for path in [
        format!("/api/cases/{id}"),
        format!("/api/cases/{id}/reports/1/photo"),
        format!("/api/cases/{id}/reports/2147483648/photo"),
        "/api/cases/x".to_owned(),
    ] {
        assert_eq!(read(&app, &foreign, &path).await.0, 404, "{path}");
        assert_eq!(read(&app, &without, &path).await.0, 403, "{path}");
    }
    assert_eq!(read(&app, &without, "/api/cases").await.0, 403);
    assert_eq!(read(&app, &key, "/api/cases?status=new").await.0, 400);
    assert_eq!(read(&app, &key, "/api/cases?before=x").await.0, 400);
    assert_eq!(read(&app, &key, "/api/cases?more=1").await.0, 400);
    for body in [json!({"status": "closed"}), json!({"status": "open"})] {
        assert_eq!(change(&app, &foreign, id, body.clone()).await.0, 404);
        assert_eq!(change(&app, &without, id, body).await.0, 403);
    }
    assert_eq!(
        change(&app, &key, id, json!({"status": "gone"})).await.0,
        400
    );
    let path = app.url(&format!("/api/cases/{id}/reports"));
    for (key, status) in [(&foreign, 404), (&without, 403)] {
        let answer = app
            .http
            .delete(&path)
            .bearer_auth(key)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
    }
    assert_eq!(
        cases(&app, &key, "?status=open").await,
        std::slice::from_ref(&case)
    );
    // Page by page, the last one first.
    let fill = format!(
        "INSERT INTO problem_case (merchant_id, id, code, cause, opened_at)
         SELECT '{}', gen_random_uuid(), 'c' || n, 'report', now() FROM generate_series(1, 150) AS n",
        app.merchant_id
    );
    alter(&app, &fill).await;
    let (_, first) = read(&app, &key, "/api/cases").await;
    let last = id_of(&first["cases"][99]).to_owned();
    let (_, second) = read(&app, &key, &format!("/api/cases?before={last}")).await;
    assert_eq!(
        (&first["hasMore"], &second["hasMore"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(second["cases"].as_array().unwrap().len(), 51);
    app.stop().await;
}
