//! Look-ups are counted, each once, and nobody can take one back.

use std::collections::BTreeSet;

use rootmark::check::check;
use serde_json::{Value, json};
use sqlx::Row;

use crate::kit::{Page, issue, lot_path};
use crate::support::{GTIN, TestApp, document, forged};
use auditlog::bundle::Trust;
use auditlog::encoding::to_base64;
use auditlog::note::Verifier;
use auditlog::statement_proof::verify;
use rootmark::web::TrustedProxies;

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
     (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

/// A service that believes a proxy on this machine about clients and their places.
pub async fn behind_a_proxy() -> TestApp {
    TestApp::start_with(|settings| {
        settings.serving.trusted_proxies = TrustedProxies(vec!["127.0.0.1/32".parse().unwrap()]);
        settings.serving.place_header = Some("x-client-region".parse().unwrap());
    })
    .await
}

/// A phone of that number, somewhere.
#[derive(Clone, Copy)]
pub struct Looker<'a> {
    pub phone: u16,
    pub address: &'a str,
    pub place: &'a str,
}

pub const HERE: Looker<'_> = Looker {
    phone: 1,
    address: "203.0.113.1",
    place: "CN-SH",
};

impl Looker<'_> {
    fn body(&self) -> String {
        let mut name = [0; 16];
        name[..2].copy_from_slice(&self.phone.to_be_bytes());
        json!({ "phone": to_base64(&name) }).to_string()
    }

    pub async fn looks_at(&self, app: &TestApp, code: &str) -> Value {
        let answer = self.asks(app, code).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{code}");
        answer.json().await.unwrap()
    }

    /// The same, with the wish for a receipt.
    async fn wants_a_receipt(&self, app: &TestApp, code: &str) -> Value {
        let body = self.body().replace('}', ",\"receipt\":true}");
        let answer = self.asks(app, code).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{code}");
        answer.json().await.unwrap()
    }

    fn asks(&self, app: &TestApp, code: &str) -> reqwest::RequestBuilder {
        let request = app.http.post(app.url(&format!("/scans{code}?lang=en")));
        request
            .header("Content-Type", "application/json")
            .header("User-Agent", PHONE)
            .header("Sec-Fetch-Site", "same-origin")
            .header("X-Forwarded-For", self.address)
            .header("X-Client-Region", self.place)
            .body(self.body())
    }
}

pub async fn assert_clean(app: &TestApp) {
    let mut conn = app.running.database.checker.acquire().await.unwrap();
    let folder = app.public_log();
    let report = check(&mut conn, &folder, |_, _| ()).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}

/// What the log holds of look-ups: the bodies, oldest first.
pub async fn bodies(app: &TestApp) -> Vec<Value> {
    let query = "SELECT content FROM statement WHERE kind = 'scan' ORDER BY batch_id";
    let rows = sqlx::query(query)
        .fetch_all(&mut app.owner().await)
        .await
        .unwrap();
    let body = |row: &sqlx::postgres::PgRow| {
        let content: Value = serde_json::from_slice(row.get::<&[u8], _>(0)).unwrap();
        content["body"].clone()
    };
    rows.iter().map(body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_phone_is_counted_once_a_day_and_the_page_says_how_often_and_since_when() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let scans = |page: &Page| page.texts(".scans");
    let page = Page::get(&app, &code, "en").await;
    assert_eq!(scans(&page), ["No look-up of this code is recorded yet."]);

    let first = HERE.looks_at(&app, &code).await;
    assert_eq!(
        (&first["number"], &first["times"], &first["counted"]),
        (&json!(1), &json!(1), &json!(true))
    );
    let said = first["said"].as_str().unwrap();
    assert!(
        said.starts_with("One look-up of this code is recorded: "),
        "{said}"
    );
    assert_eq!(scans(&Page::get(&app, &code, "en").await), [said]);
    // The same phone again is no other look-up; it keeps its number.
    let again = HERE.looks_at(&app, &code).await;
    assert_eq!(
        (&again["number"], &again["times"], &again["counted"]),
        (&json!(1), &json!(1), &json!(false))
    );
    let other = Looker { phone: 2, ..HERE };
    let second = other.looks_at(&app, &code).await;
    assert_eq!(
        (&second["number"], &second["times"]),
        (&json!(2), &json!(2))
    );
    let said = second["said"].as_str().unwrap();
    assert!(
        said.starts_with("This code has been looked up 2 times, first on "),
        "{said}"
    );
    let page = Page::get(&app, &code, "en").await;
    assert_eq!(scans(&page), [said]);
    assert!(
        Page::get(&app, &code, "zh-CN").await.texts(".scans")[0]
            .starts_with("这个码已查询 2 次，首次在")
    );

    // A page is another one once it says more; and other codes have nothing to do with it.
    let codes = issue(&app, Some("L1"), 1).await;
    assert_eq!(
        scans(&Page::get(&app, &codes[0], "en").await),
        ["No look-up of this code is recorded yet."]
    );
    assert!(
        Page::get(&app, &lot_path("L1"), "en")
            .await
            .texts(".scans")
            .is_empty()
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_statements_of_the_log_and_survive_a_restart() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    for phone in 1..=3 {
        Looker { phone, ..HERE }.looks_at(&app, &code).await;
    }
    app.sealed().await;
    let bodies_before = bodies(&app).await;
    let serial = code.rsplit_once("/21/").unwrap().1;
    let item = format!("https://id.gs1.org/01/{GTIN}/21/{serial}");
    for (place, body) in bodies_before.iter().enumerate() {
        assert_eq!(body["code"], item);
        assert_eq!(body["number"], place + 1);
        assert_eq!(body["first"], bodies_before[0]["first"]);
        assert_eq!(body["place"], "CN-SH");
    }
    assert_eq!(bodies_before.len(), 3);
    assert_clean(&app).await;

    let app = app.restart().await;
    let fourth = Looker { phone: 4, ..HERE }.looks_at(&app, &code).await;
    assert_eq!(
        (&fourth["number"], &fourth["times"]),
        (&json!(4), &json!(4))
    );
    // The phones of before are known still.
    let again = Looker { phone: 3, ..HERE }.looks_at(&app, &code).await;
    assert_eq!((&again["number"], &again["times"]), (&json!(3), &json!(4)));
    app.sealed().await;
    assert_eq!(bodies(&app).await.len(), 4);
    assert_clean(&app).await;

    // Who takes one back is found out.
    let mut owner = app.owner().await;
    let change = "DELETE FROM scan WHERE number = 4";
    sqlx::query(change).execute(&mut owner).await.unwrap();
    let mut conn = app.running.database.checker.acquire().await.unwrap();
    let folder = app.public_log();
    let report = check(&mut conn, &folder, |_, _| ()).await.unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.starts_with("scan: ")),
        "{:?}",
        report.findings
    );
    drop(conn);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_gets_the_receipt_of_its_own_look_up_once_it_is_public_and_without_the_place() {
    let slow = TestApp::start_with(|settings| {
        settings.seal_interval = std::time::Duration::from_secs(3_600);
    })
    .await;
    let code = issue(&slow, Some("L1"), 1).await.remove(0);
    // It is counted, and nothing proves it yet.
    let counted = HERE.wants_a_receipt(&slow, &code).await;
    assert_eq!(
        (&counted["number"], &counted["receipt"]),
        (&json!(1), &Value::Null)
    );
    slow.stop().await;

    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let other = Looker { phone: 2, ..HERE };
    for looker in [HERE, other] {
        looker.looks_at(&app, &code).await;
    }
    app.sealed().await;
    let vkey = app.get_text("/log/vkey").await;
    let log = Verifier::parse(vkey.trim()).unwrap();
    let trust = Trust {
        log: Some(&log),
        ..Trust::default()
    };
    for (looker, number) in [(HERE, "1"), (other, "2")] {
        let answer = looker.wants_a_receipt(&app, &code).await;
        assert_eq!(answer["counted"], false);
        let receipt = answer["receipt"].as_str().unwrap();
        let proven = verify(receipt.as_bytes(), &trust).unwrap();
        let content = &proven.statement.content;
        assert_eq!(content.value("/body/number"), Some(number));
        assert_eq!(content.value("/body/place"), None);
        assert!(!receipt.contains("CN-SH"));
        // Nobody gets it who does not ask for it.
        assert_eq!(looker.looks_at(&app, &code).await["receipt"], Value::Null);
    }
    let body = HERE.body().replace('}', ",\"receipt\":1}");
    let refused = HERE.asks(&app, &code).body(body).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_network_weighs_little_and_nothing_that_was_looked_up_names_it() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    for phone in 1..=20 {
        let answer = Looker { phone, ..HERE }.looks_at(&app, &code).await;
        assert_eq!(answer["counted"], phone <= 5, "{phone}");
        assert_eq!(answer["times"], phone.min(5), "{phone}");
    }
    // Every address of an IPv6 customer's network is that network.
    for phone in 21..=30 {
        let address = format!("2001:db8:7:7::{phone:x}");
        let looker = Looker {
            phone,
            address: &address,
            ..HERE
        };
        assert_eq!(
            looker.looks_at(&app, &code).await["counted"],
            phone <= 25,
            "{phone}"
        );
    }
    let elsewhere = Looker {
        phone: 31,
        address: "198.51.100.9",
        ..HERE
    };
    assert_eq!(elsewhere.looks_at(&app, &code).await["times"], 11);
    let mut owner = app.owner().await;
    let query = "SELECT (SELECT string_agg(s::text, ' ') FROM scan s)
        || (SELECT string_agg(encode(content, 'escape') || encode(receipt, 'escape'), ' ') FROM statement)";
    let all: String = sqlx::query(query)
        .fetch_one(&mut owner)
        .await
        .unwrap()
        .get(0);
    assert!(all.contains("CN-SH"), "the query sees what there is");
    for address in [
        "203.0.113.1",
        "cb007101",
        "198.51.100.9",
        "2001:db8",
        "20010db8",
    ] {
        assert!(!all.contains(address), "{address}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_at_one_moment_get_numbers_of_their_own() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let looks = (0..60u16).map(|phone| {
        let (app, code) = (&app, &code);
        async move {
            let address = format!("203.0.{phone}.1");
            let looker = Looker {
                phone,
                address: &address,
                place: "CN",
            };
            looker.looks_at(app, code).await["number"].as_u64().unwrap()
        }
    });
    let numbers = futures_util::future::join_all(looks).await;
    let numbers: BTreeSet<u64> = numbers.into_iter().collect();
    assert_eq!(numbers, (1..=60).collect());
    app.sealed().await;
    assert_clean(&app).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_person_sees_is_not_counted() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    for (header, value) in [
        (
            "User-Agent",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ),
        ("User-Agent", "Mozilla/5.0 (compatible; Baiduspider/2.0)"),
        (
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0.0.0",
        ),
        ("User-Agent", "curl/8.5.0"),
        ("Sec-Purpose", "prefetch"),
        ("Purpose", "prefetch"),
    ] {
        let request = app.http.post(app.url(&format!("/scans{code}")));
        let request = request
            .header("Content-Type", "application/json")
            .header(header, value)
            .body(HERE.body());
        // A header of this client's own would stand beside it.
        let request = match header {
            "User-Agent" => request,
            _ => request.header("User-Agent", PHONE),
        };
        assert_eq!(
            request.send().await.unwrap().status(),
            204,
            "{header}: {value}"
        );
    }
    // The page alone, its head, its linkset and its proof say nothing of anybody.
    app.sealed().await;
    for path in [
        code.clone(),
        format!("{code}?linkType=linkset"),
        format!("/proof{code}"),
    ] {
        app.get(&path).await;
    }
    assert_eq!(bodies(&app).await, [Value::Null; 0]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_look_up_of_an_item_on_record_is_refused_and_changes_nothing() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let unknown = forged(&code);
    let product = format!("/01/{GTIN}");
    for (path, status) in [
        (unknown.as_str(), 404),
        (&lot_path("L1"), 404),
        (&product, 404),
        ("/01/09506000134352/21/A1", 404),
        ("/00/095210410001000014", 404),
        ("/01/09521041001013/21/A1", 400),
        ("/nothing", 400),
    ] {
        let answer = HERE.asks(&app, path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
    }
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        (r#"{"phone":1}"#, 400),
        (r#"{"phone":"AAAA"}"#, 400),
        (r#"{"phone":"not base64!!"}"#, 400),
        (&format!(r#"{{"phone":"{}"}}"#, "A".repeat(1_024)), 413),
    ] {
        let answer = HERE
            .asks(&app, &code)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{body}");
    }
    // Another site's page cannot make anybody's browser say so.
    let foreign = app.http.post(app.url(&format!("/scans{code}")));
    let foreign = foreign
        .header("Content-Type", "application/json")
        .header("User-Agent", PHONE)
        .header("Sec-Fetch-Site", "cross-site")
        .body(HERE.body());
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let form = app.http.post(app.url(&format!("/scans{code}")));
    let form = form.header("Content-Type", "text/plain").body(HERE.body());
    assert_eq!(form.send().await.unwrap().status(), 415);
    assert_eq!(bodies(&app).await, [Value::Null; 0]);
    assert_eq!(
        HERE.looks_at(&app, &code).await["times"],
        1,
        "and this one is"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_kept_only_as_a_trusted_proxy_says_it() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    for (phone, place) in ["CN-SH", "Shanghai", "cn", "", "NZ"]
        .into_iter()
        .enumerate()
    {
        let phone = phone as u16;
        Looker {
            phone,
            place,
            ..HERE
        }
        .looks_at(&app, &code)
        .await;
    }
    let kept: Vec<Value> = bodies(&app)
        .await
        .into_iter()
        .map(|body| body["place"].clone())
        .collect();
    assert_eq!(
        kept,
        [
            json!("CN-SH"),
            Value::Null,
            Value::Null,
            Value::Null,
            json!("NZ")
        ]
    );
    app.stop().await;
    // Whoever is no proxy of ours may claim what he likes.
    let app = TestApp::start_with(|settings| {
        settings.serving.place_header = Some("x-client-region".parse().unwrap());
    })
    .await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    HERE.looks_at(&app, &code).await;
    assert_eq!(bodies(&app).await[0]["place"], Value::Null);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_that_events_name_is_counted_too() {
    let app = behind_a_proxy().await;
    app.capture(&[document::item_observation(1, "OWN1")]).await;
    app.sealed().await;
    let code = format!("/01/{GTIN}/21/OWN1");
    assert_eq!(HERE.looks_at(&app, &code).await["times"], 1);
    // The lot that an address says besides is no part of the item.
    let other = Looker { phone: 2, ..HERE };
    assert_eq!(
        other
            .looks_at(&app, &format!("/01/{GTIN}/10/L7/21/OWN1"))
            .await["times"],
        2
    );
    app.stop().await;
}
