//! People with a browser, as far as forms and cookies go.

use std::collections::BTreeMap;

use reqwest::header::{LOCATION, SET_COOKIE};
use rootmark::accounts::Actor;
use rootmark::accounts::invite::{NewPerson, accept_as_new, invite};
use rootmark::accounts::log_in::log_in;
use rootmark::config::{DatabaseChoice, Settings};
use rootmark::domain::account::{Email, Password, Role};
use rootmark::domain::act::OPERATOR;
use rootmark::store::account::Account;
use scraper::{Html, Selector};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::TestApp;

/// What everybody's password is here.
pub const PASSWORD: &str = "copper tram lists nine";

/// An answer, read.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub location: Option<String>,
    pub html: String,
    pub headers: reqwest::header::HeaderMap,
}

impl Seen {
    /// The text of what a selector finds first.
    pub fn text(&self, selector: &str) -> String {
        let html = Html::parse_document(&self.html);
        let found = html.select(&Selector::parse(selector).unwrap()).next();
        let text = found.map(|found| found.text().collect::<String>());
        text.unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The texts of all that a selector finds.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.html);
        let selector = Selector::parse(selector).unwrap();
        let found = html.select(&selector);
        let clean = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        found.map(|found| clean(found.text().collect())).collect()
    }

    /// An attribute of what a selector finds first.
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let html = Html::parse_document(&self.html);
        let found = html.select(&Selector::parse(selector).unwrap()).next()?;
        found.value().attr(name).map(str::to_owned)
    }

    /// The fields that a form has filled already, by its action.
    pub fn fields_of(&self, action: &str) -> Vec<(String, String)> {
        let html = Html::parse_document(&self.html);
        let forms = Selector::parse("form").unwrap();
        let bare = |action: &str| action.split('?').next().unwrap_or_default().to_owned();
        let form = html
            .select(&forms)
            .find(|form| form.value().attr("action").map(bare).as_deref() == Some(action));
        let form = form.unwrap_or_else(|| panic!("no form {action} in {}", self.html));
        form.select(&Selector::parse("input[type=hidden]").unwrap())
            .map(|input| {
                let value = |name| input.value().attr(name).unwrap_or_default().to_owned();
                (value("name"), value("value"))
            })
            .collect()
    }
}

/// Somebody with a browser.
pub struct Person {
    http: reqwest::Client,
    base: String,
    pub cookies: BTreeMap<String, String>,
    pub device: String,
    /// What a browser says of where a request comes from.
    pub site: Option<&'static str>,
    /// What a browser says of the origin of a form.
    pub origin: Option<String>,
    /// The address that a trusted proxy names.
    pub address: Option<String>,
}

impl Person {
    pub fn new(app: &TestApp) -> Person {
        Person {
            http: app.http.clone(),
            base: app.url(""),
            cookies: BTreeMap::new(),
            device: "Mozilla/5.0 (Linux; Android 14) Chrome/126.0.0.0 Mobile".to_owned(),
            site: Some("same-origin"),
            origin: None,
            address: None,
        }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Seen {
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let mut request = request
            .header("Cookie", cookies.collect::<Vec<_>>().join("; "))
            .header("User-Agent", &self.device)
            .header("Accept-Language", "en");
        if let Some(site) = self.site {
            request = request.header("Sec-Fetch-Site", site);
        }
        if let Some(origin) = &self.origin {
            request = request.header("Origin", origin);
        }
        if let Some(address) = &self.address {
            request = request.header("X-Forwarded-For", address);
        }
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, rest) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match rest.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let location = answer.headers().get(LOCATION);
        Seen {
            status: answer.status().as_u16(),
            location: location.map(|value| value.to_str().unwrap().to_owned()),
            headers: answer.headers().clone(),
            html: answer.text().await.unwrap(),
        }
    }

    /// Reads a page.
    pub async fn get(&mut self, path: &str) -> Seen {
        let request = self.http.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// Sends exactly these fields.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body.finish());
        self.send(request).await
    }

    /// Fills in a form of a page, and sends it with all that the page put into it.
    pub async fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Seen {
        let seen = self.get(page).await;
        self.send_form(&seen, action, fields).await
    }

    /// The same of a page that was read already.
    pub async fn send_form(&mut self, seen: &Seen, action: &str, fields: &[(&str, &str)]) -> Seen {
        let own = seen.fields_of(action);
        let mut all: Vec<(&str, &str)> = own
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        all.extend(fields);
        self.post(action, &all).await
    }

    /// Tries to log in.
    pub async fn log_in(&mut self, email: &str, password: &str) -> Seen {
        let fields = [("email", email), ("password", password)];
        self.submit("/admin/log-in", "/admin/log-in", &fields).await
    }
}

/// Somebody new in the team of a merchant, who is logged in.
pub async fn hire(app: &TestApp, merchant_id: Uuid, email: &str, role: Role) -> Person {
    let pool = &app.running.database.accounts;
    let keys = app.running.code_key.account_keys();
    let actor = Actor {
        name: OPERATOR,
        merchant_id,
    };
    let now = OffsetDateTime::now_utc();
    let mut conn = pool.acquire().await.unwrap();
    let invited = (&Email::parse(email).unwrap(), role);
    let (_, token) = invite(&mut conn, actor, "Larkmere Demo", invited, now)
        .await
        .unwrap();
    drop(conn);
    let person = NewPerson {
        name: "Na Li",
        password: PASSWORD,
        language: "en",
        device: "kit",
    };
    accept_as_new(pool, &keys, &token, &person, now)
        .await
        .unwrap();
    let mut person = Person::new(app);
    let seen = person.log_in(email, PASSWORD).await;
    assert_eq!(
        (seen.status, seen.location.as_deref()),
        (303, Some("/admin")),
        "{}",
        seen.html
    );
    person
}

/// Lets somebody in who has an account, as if he had just logged in: the tries of a quarter of an hour are few.
pub async fn let_in(app: &TestApp, person: &mut Person, account: Account) {
    let keys = app.running.code_key.account_keys();
    let password = Password::typed(PASSWORD).unwrap();
    let pool = &app.running.database.accounts;
    let now = OffsetDateTime::now_utc();
    let begun = log_in(pool, &keys, (Some(account), &password), "kit", now)
        .await
        .unwrap();
    person
        .cookies
        .insert("session".into(), begun.token.reveal());
}

/// The owner of the first merchant.
pub async fn owner(app: &TestApp) -> Person {
    hire(app, app.merchant_id, "owner@larkmere.example", Role::Owner).await
}

/// Statements in the service's own database, as somebody whom no policy binds.
pub async fn in_database(settings: &Settings, statements: &str) {
    let DatabaseChoice::External(options) = &settings.database else {
        panic!("tests bring their own database");
    };
    let mut conn = options.connect().await.unwrap();
    let run = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
    run.execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

/// One number out of the database.
pub async fn count_in_database(settings: &Settings, query: &str) -> i64 {
    let DatabaseChoice::External(options) = &settings.database else {
        panic!("tests bring their own database");
    };
    let mut conn = options.connect().await.unwrap();
    let count = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
    let count = count.fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    count
}

/// The links in the letters that were put into the outbox, the last one last.
pub fn links(app: &TestApp) -> Vec<String> {
    let mut files: Vec<_> = match std::fs::read_dir(app.data_dir.path().join("outbox")) {
        Ok(files) => files.map(|file| file.unwrap().path()).collect(),
        Err(_) => return Vec::new(),
    };
    files.retain(|file| file.extension().is_some_and(|end| end == "eml"));
    files.sort();
    let link = |file: &std::path::PathBuf| {
        let text = std::fs::read_to_string(file).unwrap().replace("=\r\n", "");
        let start = text.find("/admin/")?;
        let link = text[start..].split_whitespace().next()?;
        Some(link.to_owned())
    };
    files.iter().filter_map(link).collect()
}

/// Waits until so many letters were put into the outbox, with links or without.
pub async fn wait_for_letters(app: &TestApp, count: usize) {
    let outbox = app.data_dir.path().join("outbox");
    let letters = || {
        let files = std::fs::read_dir(&outbox).into_iter().flatten();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".eml")).count()
    };
    for _ in 0..600 {
        if letters() >= count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{} letters of {count}", letters());
}

/// Waits until there are so many letters with links.
pub async fn wait_for_links(app: &TestApp, count: usize) -> Vec<String> {
    for _ in 0..600 {
        let links = links(app);
        if links.len() >= count {
            return links;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no letter came");
}
