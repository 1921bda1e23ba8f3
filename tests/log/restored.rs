//! An old or another database under the public log of today: nothing is sealed, the operator is told
//! why, readers are served.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use auditlog::anchor::AnchorLine;
use auditlog::field::Secret;
use rootmark::app::merchants::acting_merchant;
use rootmark::app::{Core, KeyError, OpenAs, Running, StartError};
use rootmark::capture::{Submitter, capture_document};
use rootmark::config::{DatabaseChoice, Settings};
use rootmark::domain::capture_fault::ErrorBehaviour;
use rootmark::store::Database;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use time::OffsetDateTime;

use crate::bench::{number, standing};
use crate::public_files::{assert_same, read_all};
use crate::support::{GTIN, TestApp, document, empty_database, fresh_database, owner};

pub fn database(settings: &Settings) -> PgConnectOptions {
    let DatabaseChoice::External(options) = &settings.database else {
        panic!("tests bring their own database");
    };
    (**options).clone()
}

/// A backup of the database as it is now: nobody may be connected.
pub async fn back_up(settings: &Settings) -> PgConnectOptions {
    let now = database(settings);
    let name = now.get_database().unwrap().to_owned();
    let backup = format!("{name}_backup");
    let mut conn = now.clone().database("postgres").connect().await.unwrap();
    let create = format!("CREATE DATABASE {backup} TEMPLATE {name}");
    conn.execute(AssertSqlSafe(create)).await.unwrap();
    conn.close().await.unwrap();
    now.database(&backup)
}

/// Captures an event without any service, so that something waits to be sealed.
pub async fn leave_pending(options: PgConnectOptions, id: u32) {
    let database = Database::open(options).await.unwrap();
    let merchant = acting_merchant(&database, None).await.unwrap();
    let submitter = Submitter {
        merchant_id: merchant.id,
        issuer: merchant.issuer,
        // Its events bring their IDs.
        event_id_key: Secret([1; 32]),
    };
    let mut conn = database.capture.acquire().await.unwrap();
    let text = document::document(&[document::observation(id, "L1")]);
    capture_document(
        &mut conn,
        &submitter,
        text,
        ErrorBehaviour::Rollback,
        OffsetDateTime::now_utc(),
    )
    .await
    .unwrap();
    drop(conn);
    database.close().await;
}

/// `/readyz`, once it does not say ready any more.
async fn reason(running: &Running) -> String {
    let ask = async {
        loop {
            let answer = rootmark::http_client::loopback()
                .get(format!("{}/readyz", running.url))
                .send()
                .await
                .unwrap();
            let status = answer.status();
            let body: Value = answer.json().await.unwrap();
            if status == 503 {
                assert_eq!(
                    (&body["ready"], &body["sealing"]),
                    (&false.into(), &false.into())
                );
                assert_eq!(body["database"], true);
                return body["reason"].as_str().unwrap().to_owned();
            }
            assert_eq!(status, 200, "{body}");
            tokio::task::yield_now().await;
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, ask)
        .await
        .expect("it must say that it does not seal")
}

/// The service must serve pages, take captures, seal nothing, and leave the public files alone.
async fn serves_and_seals_nothing(settings: &Settings, words: &[&str]) {
    let folder = settings.data_dir.join("public/log");
    let public = read_all(&folder);
    let mut conn = owner(settings).await;
    let before = standing(&mut conn).await;
    let pending = number(&mut conn, "SELECT count(*) FROM pending_batch").await;
    let running = Running::start(settings).await.unwrap();
    let reason = reason(&running).await;
    for word in words {
        assert!(reason.contains(word), "{word:?} is not in {reason:?}");
    }
    for (path, status) in [
        (format!("/01/{GTIN}/10/L1"), 200),
        ("/log/checkpoint".to_owned(), 200),
        ("/livez".to_owned(), 200),
    ] {
        let answer = rootmark::http_client::loopback()
            .get(format!("{}{path}", running.url))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    running.stop().await;
    assert_eq!(standing(&mut conn).await, before, "nothing is sealed");
    assert_eq!(
        number(&mut conn, "SELECT count(*) FROM pending_batch").await,
        pending
    );
    assert_same(
        &read_all(&folder),
        &public,
        "public files are what others have seen",
    );
}

/// A service that was stopped after three seals, with a backup of its database after the second.
async fn with_backup() -> (Settings, tempfile::TempDir, PgConnectOptions) {
    let app = TestApp::start().await;
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    let (settings, data_dir) = app.stop().await;
    let backup = back_up(&settings).await;
    let running = Running::start(&settings).await.unwrap();
    leave_pending(database(&settings), 2).await;
    running.everything_is_public().await.unwrap();
    running.stop().await;
    (settings, data_dir, backup)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_seals_nothing_and_says_that_the_public_log_is_ahead() {
    let (mut settings, _data_dir, backup) = with_backup().await;
    // The twin: with its own database the same folder is ready.
    let running = Running::start(&settings).await.unwrap();
    let answer = rootmark::http_client::loopback()
        .get(format!("{}/readyz", running.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    running.stop().await;
    settings.database = DatabaseChoice::External(Box::new(backup));
    serves_and_seals_nothing(&settings, &["ahead of the database", "backup"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_with_pending_statements_does_not_sign_a_second_history() {
    let (mut settings, _data_dir, backup) = with_backup().await;
    leave_pending(backup.clone(), 3).await;
    settings.database = DatabaseChoice::External(Box::new(backup));
    serves_and_seals_nothing(&settings, &["ahead of the database"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_signs_no_heartbeat_either() {
    let (mut settings, _data_dir, backup) = with_backup().await;
    settings.database = DatabaseChoice::External(Box::new(backup));
    settings.heartbeat = Duration::ZERO;
    serves_and_seals_nothing(&settings, &["ahead of the database"]).await;
}

fn anchor_file(settings: &Settings) -> PathBuf {
    settings.data_dir.join("public/log/anchors.jsonl")
}

/// How the last public seal is named.
fn last_seal(settings: &Settings) -> String {
    let text = fs::read_to_string(anchor_file(settings)).unwrap();
    format!(
        "seal {}",
        AnchorLine::parse(text.lines().last().unwrap())
            .unwrap()
            .seal
    )
}

/// The last public line with another time: what another history of the same length looks like. Gives
/// its name.
fn diverge(settings: &Settings) -> String {
    let path = anchor_file(settings);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut last = AnchorLine::parse(lines.last().unwrap()).unwrap();
    last.sealed_at = auditlog::Timestamp::parse("2031-01-01T00:00:00.000Z").unwrap();
    *lines.last_mut().unwrap() = last.format();
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    last_seal(settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_line_that_is_not_the_databases_stops_sealing_and_says_where() {
    let (settings, _data_dir, _) = with_backup().await;
    let seal = diverge(&settings);
    serves_and_seals_nothing(&settings, &[&seal, "two histories"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_stay_unsealed_with_statements_pending() {
    let (settings, _data_dir, _) = with_backup().await;
    leave_pending(database(&settings), 4).await;
    let seal = diverge(&settings);
    serves_and_seals_nothing(&settings, &[&seal, "two histories"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_went_on_as_long_as_the_public_log_is_recognised_as_another_history() {
    let (mut settings, data_dir, backup) = with_backup().await;
    // The backup goes on with another event, in a folder of its own that has the same keys.
    let elsewhere = tempfile::tempdir().unwrap();
    let keys = elsewhere.path().join("keys");
    fs::create_dir(&keys).unwrap();
    for name in ["log.key", "story.key", "codes.key"] {
        fs::copy(data_dir.path().join("keys").join(name), keys.join(name)).unwrap();
    }
    leave_pending(backup.clone(), 5).await;
    settings.database = DatabaseChoice::External(Box::new(backup));
    settings.data_dir = elsewhere.path().to_owned();
    let running = Running::start(&settings).await.unwrap();
    running.everything_is_public().await.unwrap();
    running.stop().await;
    settings.data_dir = data_dir.path().to_owned();
    let seal = last_seal(&settings);
    serves_and_seals_nothing(&settings, &[&seal, "two histories"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_beside_a_public_log_does_not_start_and_founds_no_second_log() {
    let (mut settings, data_dir, _) = with_backup().await;
    let public = read_all(&data_dir.path().join("public/log"));
    settings.database = DatabaseChoice::External(Box::new(fresh_database().await));
    let error = Running::start(&settings)
        .await
        .err()
        .expect("it must not start");
    assert!(
        matches!(error, StartError::Keys(KeyError::LostDatabase)),
        "{error}"
    );
    assert!(
        error.to_string().contains("Restore the database"),
        "{error}"
    );
    // Nor does a command, with a schema or without.
    for database in [empty_database().await, fresh_database().await] {
        settings.database = DatabaseChoice::External(Box::new(database));
        let error = Core::open(&settings, OpenAs::Command).await.unwrap_err();
        assert!(
            matches!(error, StartError::Keys(KeyError::LostDatabase)),
            "{error}"
        );
    }
    let mut conn = owner(&settings).await;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM log_head").await, 0);
    assert_same(
        &read_all(&data_dir.path().join("public/log")),
        &public,
        "untouched",
    );
}
