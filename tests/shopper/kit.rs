//! What these tests share: pages as parsed HTML, codes for any lot, the example of `rootmark demo`.

use reqwest::header::HeaderMap;
use rootmark::app::Running;
use rootmark::demo::{self, Demo, Variant};
use scraper::{ElementRef, Html, Selector};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{GTIN, TestApp, fresh_database, settings};

/// The languages, as a browser asks for them.
pub const LANGUAGES: [&str; 2] = ["zh-CN", "en"];

/// An answer that is a page.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl Page {
    /// The page at a path, as a browser of this language gets it.
    pub async fn get(app: &TestApp, path: &str, language: &str) -> Page {
        Page::of(app.page(path, language).await).await
    }

    /// The page that an answer is.
    pub async fn of(answer: reqwest::Response) -> Page {
        let path = answer.url().path().to_owned();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        assert_eq!(
            headers["Content-Type"], "text/html; charset=utf-8",
            "{path}"
        );
        let html = answer.text().await.unwrap();
        Page {
            status,
            headers,
            html,
        }
    }

    /// What the elements that match say, white space as a reader sees it.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.select(selector, words)
    }

    /// What the first element that matches says.
    pub fn text(&self, selector: &str) -> String {
        let first = self.texts(selector).into_iter().next();
        first.unwrap_or_else(|| panic!("no {selector} in {}", self.html))
    }

    /// An attribute of the elements that match and have it.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let values = self.select(selector, |e| e.value().attr(name).map(str::to_owned));
        values.into_iter().flatten().collect()
    }

    /// An attribute of the first element that matches.
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let first = self.attributes(selector, name).into_iter().next();
        first.unwrap_or_else(|| panic!("no {selector}[{name}] in {}", self.html))
    }

    /// The value that stands beside a label, such as that of `原产地`.
    pub fn field(&self, label: &str) -> String {
        let labels = self.texts("dl > div > dt");
        let at = labels.iter().position(|text| text == label);
        let at = at.unwrap_or_else(|| panic!("no {label} among {labels:?}"));
        self.texts("dl > div > dt + dd").swap_remove(at)
    }

    /// What `read` makes of each element that matches.
    pub fn select<T>(&self, selector: &str, read: impl Fn(ElementRef<'_>) -> T) -> Vec<T> {
        let html = Html::parse_document(&self.html);
        html.select(&Selector::parse(selector).unwrap())
            .map(read)
            .collect()
    }
}

/// What an element says.
pub fn words(element: ElementRef<'_>) -> String {
    element
        .text()
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// What the first element within another says, if there is one.
pub fn words_in(element: ElementRef<'_>, selector: &str) -> Option<String> {
    element
        .select(&Selector::parse(selector).unwrap())
        .next()
        .map(words)
}

/// The example, loaded as `rootmark demo` loads it: through the HTTP API of this very service.
pub async fn load_example(app: &TestApp) -> Demo {
    load_variant(app, Variant::Sound).await
}

/// The same, sound or with planted faults.
pub async fn load_variant(app: &TestApp, variant: Variant) -> Demo {
    let demo = demo::load(&app.running, app.data_dir.path(), variant).await;
    demo.unwrap()
}

/// The path of an address of this service.
pub fn path_of<'a>(app: &TestApp, url: &'a str) -> &'a str {
    url.strip_prefix(app.running.url.as_str()).unwrap()
}

/// Issues codes for any lot; gives their paths.
pub async fn issue(app: &TestApp, lot: Option<&str>, quantity: u32) -> Vec<String> {
    let order = json!({ "gtin": GTIN, "lot": lot, "quantity": quantity });
    let answer = app.post("/api/code-ranges", order.to_string()).await;
    assert_eq!(answer.status(), 201);
    let range: Value = answer.json().await.unwrap();
    let request = app.http.get(app.url(range["codes"].as_str().unwrap()));
    let lines = request
        .bearer_auth(&app.key)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    lines
        .lines()
        .map(|url| path_of(app, url).to_owned())
        .collect()
}

/// Describes a product, party or document; `what` is `products`, `parties` or `documents`.
pub async fn describe(app: &TestApp, what: &str, body: Value) {
    let answer = app.post(&format!("/api/{what}"), body.to_string()).await;
    let status = answer.status();
    assert!(
        status.is_success(),
        "{status} {}",
        answer.text().await.unwrap()
    );
}

/// Says that more about something of the first product is to be found at an address; `more` holds further
/// members. Gives the status.
pub async fn link(app: &TestApp, level: &str, link_type: &str, href: &str, more: Value) -> u16 {
    let mut body = json!({
        "anchor": format!("https://id.gs1.org/01/{GTIN}{level}"),
        "linkType": link_type,
        "href": href,
        "title": format!("To {href}"),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    app.post("/api/links", body.to_string())
        .await
        .status()
        .as_u16()
}

/// An answer to a client that sends these headers.
pub async fn ask(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = app.http.get(app.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// Where an answer leads.
pub fn location(answer: &reqwest::Response) -> String {
    answer.headers()["Location"].to_str().unwrap().to_owned()
}

/// The linkset of a path.
pub async fn linkset(app: &TestApp, path: &str) -> Value {
    let answer = ask(app, path, &[("Accept", "application/linkset+json")]).await;
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["Content-Type"], "application/linkset+json");
    answer.json().await.unwrap()
}

/// The path of a lot of the first product.
pub fn lot_path(lot: &str) -> String {
    format!("/01/{GTIN}/10/{lot}")
}

/// A service whose readers reach it under another address than it listens on.
pub struct BehindProxy {
    pub running: Running,
    _data_dir: TempDir,
}

impl BehindProxy {
    pub async fn start(public_url: &str) -> BehindProxy {
        let data_dir = tempfile::tempdir().unwrap();
        let mut settings = settings(data_dir.path(), fresh_database().await);
        settings.public_url = Some(public_url.to_owned());
        let running = Running::start(&settings).await.unwrap();
        BehindProxy {
            running,
            _data_dir: data_dir,
        }
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        rootmark::http_client::loopback()
            .get(format!("http://{}{path}", self.running.address))
            .send()
            .await
            .unwrap()
    }
}
