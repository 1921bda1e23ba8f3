//! The whole service for one test: a fresh database in a real Postgres, a real HTTP client.

#![allow(dead_code, reason = "each test binary uses its part of it")]

mod cluster;
pub mod command;
pub mod document;
pub mod outside;
pub mod picture;
pub mod port;
pub mod proof;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rootmark::app::Running;
use rootmark::app::merchants::{KeyOrder, add_key, add_merchant};
use rootmark::config::{DatabaseChoice, Settings};
use rootmark::domain::scope::Scope;
use rootmark::store::merchant::Merchant;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;
use uuid::Uuid;

/// The brand owner of the first merchant.
pub const ISSUER: &str = "https://id.gs1.org/417/9521041000008";
/// A product of the first merchant.
pub const GTIN: &str = "09521041001012";

/// A service of its own.
pub struct TestApp {
    pub running: Running,
    pub http: reqwest::Client,
    /// A key of the first merchant that may do everything.
    pub key: String,
    pub merchant_id: Uuid,
    pub data_dir: TempDir,
    pub settings: Settings,
}

impl TestApp {
    /// A service with one merchant that owns one product, sealing fifty times a second.
    pub async fn start() -> TestApp {
        TestApp::start_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> TestApp {
        let data_dir = cluster::data_dir().await;
        let mut settings = settings(data_dir.path(), cluster::fresh_database().await);
        change(&mut settings);
        let running = Running::start(&settings).await.unwrap();
        let merchant = add_merchant(
            &running.database,
            &running.code_key,
            "Larkmere Demo",
            ISSUER,
        )
        .await
        .unwrap();
        let order = KeyOrder {
            merchant_id: merchant.id,
            issuer: ISSUER,
            label: "test",
            scopes: &Scope::ALL,
        };
        let key = add_key(&running.database, &order).await.unwrap();
        let http = rootmark::http_client::loopback();
        let merchant_id = merchant.id;
        let app = TestApp {
            running,
            http,
            key,
            merchant_id,
            data_dir,
            settings,
        };
        app.describe_product(GTIN).await;
        app
    }

    /// Enters another merchant.
    pub async fn add_merchant(&self, name: &str, issuer: &str) -> Merchant {
        let Running {
            database, code_key, ..
        } = &self.running;
        let entered = add_merchant(database, code_key, name, issuer);
        entered.await.unwrap()
    }

    /// A key of a merchant that speaks in the name of `issuer`.
    pub async fn key_of(&self, merchant_id: Uuid, issuer: &str, scopes: &[Scope]) -> String {
        let order = KeyOrder {
            merchant_id,
            issuer,
            label: "another",
            scopes,
        };
        add_key(&self.running.database, &order).await.unwrap()
    }

    /// Stops the service and starts it again on the same data.
    pub async fn restart(self) -> TestApp {
        let TestApp {
            running,
            http,
            key,
            merchant_id,
            data_dir,
            settings,
        } = self;
        running.stop().await;
        let running = Running::start(&settings).await.unwrap();
        TestApp {
            running,
            http,
            key,
            merchant_id,
            data_dir,
            settings,
        }
    }

    /// Stops the service; the data folder and the database stay.
    pub async fn stop(self) -> (Settings, TempDir) {
        self.running.stop().await;
        (self.settings, self.data_dir)
    }

    /// Where it listens, whatever address readers use.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    pub fn public_log(&self) -> PathBuf {
        self.data_dir.path().join("public/log")
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub async fn get_text(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// A page in a language.
    pub async fn page(&self, path: &str, language: &str) -> reqwest::Response {
        let request = self
            .http
            .get(self.url(path))
            .header("Accept-Language", language);
        request.send().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: impl Into<String>) -> reqwest::Response {
        self.post_as(&self.key, path, body).await
    }

    pub async fn post_as(
        &self,
        key: &str,
        path: &str,
        body: impl Into<String>,
    ) -> reqwest::Response {
        let request = self.http.post(self.url(path)).bearer_auth(key);
        request
            .header("Content-Type", "application/json")
            .body(body.into())
            .send()
            .await
            .unwrap()
    }

    /// Sends a picture as a media type.
    pub async fn send_picture(
        &self,
        key: &str,
        media_type: &str,
        bytes: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        let request = self.http.post(self.url("/api/pictures")).bearer_auth(key);
        let request = request.header("Content-Type", media_type).body(bytes);
        request.send().await.unwrap()
    }

    /// Captures events, which must be accepted.
    pub async fn capture(&self, events: &[String]) {
        let answer = self
            .post("/epcis/capture", document::document(events))
            .await;
        let status = answer.status();
        assert_eq!(status, 202, "{}", answer.text().await.unwrap());
    }

    pub async fn describe_product(&self, gtin: &str) {
        let body = format!(
            r#"{{"gtin":"https://id.gs1.org/01/{gtin}","productName":{{"zh-CN":"演示奶粉","en":"Demo tin"}},"countryOfOrigin":"NZ"}}"#
        );
        let answer = self.post("/api/products", body).await;
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    /// Issues codes for a lot of the first product; gives their paths `/01/…/10/…/21/…`.
    pub async fn issue(&self, lot: &str, quantity: u32) -> Vec<String> {
        let order = format!(r#"{{"gtin":"{GTIN}","lot":"{lot}","quantity":{quantity}}}"#);
        let answer = self.post("/api/code-ranges", order).await;
        assert_eq!(answer.status(), 201);
        let body: serde_json::Value = answer.json().await.unwrap();
        let request = self.http.get(self.url(body["codes"].as_str().unwrap()));
        let text = request
            .bearer_auth(&self.key)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let base = self.running.url.as_str();
        text.lines()
            .map(|line| line.strip_prefix(base).unwrap().to_owned())
            .collect()
    }

    /// Waits until everything captured so far is sealed and public. A limit, not a delay: a service
    /// that never seals must fail the test instead of hanging it.
    pub async fn sealed(&self) {
        let public = self.running.everything_is_public();
        tokio::time::timeout(Duration::from_secs(30), public)
            .await
            .expect("sealed")
            .unwrap();
    }

    /// A connection of the database's owner, for tests that tamper.
    pub async fn owner(&self) -> sqlx::PgConnection {
        owner(&self.settings).await
    }
}

/// A connection of the database's owner.
pub async fn owner(settings: &Settings) -> sqlx::PgConnection {
    use sqlx::ConnectOptions;
    let DatabaseChoice::External(options) = &settings.database else {
        panic!("tests bring their own database");
    };
    options.connect().await.unwrap()
}

/// A code that was never issued: another with its last character changed.
pub fn forged(code: &str) -> String {
    let (rest, last) = code.split_at(code.len() - 1);
    format!("{rest}{}", if last == "X" { "Y" } else { "X" })
}

/// Settings for a test's own service.
pub fn settings(data_dir: &Path, database: PgConnectOptions) -> Settings {
    let mut settings = Settings::read(|_| None).unwrap();
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.data_dir = data_dir.to_owned();
    settings.seal_interval = Duration::from_millis(20);
    // Not before a test says so: many compare the whole database before and after.
    settings.index_patience = Duration::from_secs(3_600);
    settings.database = DatabaseChoice::External(Box::new(database));
    settings.workers = 1;
    settings
}

/// A database of its own for a test that starts its service itself.
pub async fn fresh_database() -> PgConnectOptions {
    cluster::fresh_database().await
}

/// A copy of a test's own database, whose service was stopped.
pub async fn copy_of(database: &PgConnectOptions) -> PgConnectOptions {
    cluster::copy_of(database.get_database().expect("tests name theirs")).await
}

/// An address of a test's own database for Postgres's own programs.
pub async fn libpq_url(database: &PgConnectOptions) -> String {
    cluster::libpq_url(database.get_database().expect("tests name theirs")).await
}

/// A database of its own without any schema.
pub async fn empty_database() -> PgConnectOptions {
    cluster::copy_of("template0").await
}
