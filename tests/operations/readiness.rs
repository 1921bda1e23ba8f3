//! `/livez` and `/readyz`: each thing that is missing is named.

use serde_json::Value;
use sqlx::Executor;

use crate::support::TestApp;

async fn readyz(app: &TestApp) -> (u16, Value) {
    let answer = app.get("/readyz").await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_well_says_so_of_each_thing() {
    let app = TestApp::start().await;
    app.sealed().await;
    let (status, body) = readyz(&app).await;
    assert_eq!(status, 200, "{body}");
    for part in [
        "ready",
        "database",
        "schema",
        "history",
        "folder",
        "sealing",
        "publishing",
    ] {
        assert_eq!(body[part], true, "{part}");
    }
    assert_eq!(body["stopping"], false);
    assert!(body.get("reason").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_database_under_a_running_service_is_told_from_the_right_one() {
    let app = TestApp::start().await;
    app.sealed().await;
    let mut owner = app.owner().await;
    owner
        .execute("DELETE FROM _sqlx_migrations WHERE version = 5")
        .await
        .unwrap();
    let (status, body) = readyz(&app).await;
    assert_eq!(status, 503);
    assert_eq!(
        (&body["database"], &body["schema"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    assert!(
        body["reason"].as_str().unwrap().contains("migration 5"),
        "{body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_behind_the_public_log_is_not_ready() {
    let app = TestApp::start().await;
    app.sealed().await;
    assert_eq!(readyz(&app).await.1["history"], true);
    let mut owner = app.owner().await;
    owner
        .execute("UPDATE log_head SET seal = seal - 1")
        .await
        .unwrap();
    let (status, body) = readyz(&app).await;
    assert_eq!(status, 503, "{body}");
    assert_eq!(body["history"], false);
    assert_eq!(body["schema"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_folder_that_is_gone_is_not_ready() {
    let app = TestApp::start_with(|settings| {
        settings.seal_interval = std::time::Duration::from_secs(3_600);
    })
    .await;
    let folder = app.public_log();
    let aside = folder.with_file_name("aside");
    std::fs::rename(&folder, &aside).unwrap();
    let (status, body) = readyz(&app).await;
    assert_eq!(
        (status, &body["folder"]),
        (503, &Value::Bool(false)),
        "{body}"
    );
    std::fs::rename(&aside, &folder).unwrap();
    assert_eq!(readyz(&app).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_about_to_stop_still_answers_and_is_not_ready() {
    let app = TestApp::start().await;
    app.running.announce_stop();
    let (status, body) = readyz(&app).await;
    assert_eq!(status, 503);
    assert_eq!(body["stopping"], true);
    assert_eq!(body["reason"], "the service is stopping");
    assert_eq!(app.get("/livez").await.status(), 200);
    assert_eq!(app.get("/").await.status(), 200);
}
