//! The real program: `rootmark seal` and `rootmark check`, alone and beside a running service.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rootmark::config::{DatabaseChoice, Settings};
use serde_json::Value;
use sqlx::ConnectOptions;

use crate::bench::{Bench, change_one, number, run};
use crate::public_files::read_all;
pub use crate::support::command::Said;
use crate::support::command::{command, finish};
use crate::support::document::observation;
use crate::support::{TestApp, owner};

/// The program with nothing of this process's environment but what it is told.
fn program(variables: &[(&str, String)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootmark"));
    command
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the program on a log.
pub async fn rootmark(settings: &Settings, arguments: &[&str]) -> Said {
    finish(program(&environment(settings), arguments)).await
}

/// The same with more variables.
pub async fn rootmark_with(
    settings: &Settings,
    variables: &[(&'static str, String)],
    arguments: &[&str],
) -> Said {
    let variables = [environment(settings).as_slice(), variables].concat();
    finish(program(&variables, arguments)).await
}

/// Runs the program with no settings at all.
pub async fn rootmark_without_settings(arguments: &[&str]) -> Said {
    finish(program(&[], arguments)).await
}

fn environment(settings: &Settings) -> Vec<(&'static str, String)> {
    let DatabaseChoice::External(database) = &settings.database else {
        panic!("tests bring their own database");
    };
    let data_dir = settings.data_dir.to_str().unwrap().to_owned();
    vec![
        ("ROOTMARK_DATABASE_URL", database.to_url_lossy().to_string()),
        ("ROOTMARK_DATA_DIR", data_dir),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn check_exits_with_0_where_all_is_well_and_with_1_where_it_names_what_is_not() {
    let bench = Bench::new().await;
    bench.capture(&[observation(1, "L1")]).await;
    bench.sealed_and_public().await;
    bench.capture(&[observation(2, "L1")]).await;
    let said = rootmark(&bench.settings, &["check"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("OK"), "{said:?}");
    assert!(
        said.out.contains(
            "2 statements (1 waiting to be sealed), 1 seal (1 of them public), tree size 1"
        ),
        "{said:?}"
    );
    let said = rootmark(&bench.settings, &["check", "--json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let expected = r#"{"clean":true,"findings":[],"lost":0,"seals":1,"public_seals":1,"statements":2,"waiting":1,"tree_size":1}"#;
    assert_eq!(
        said.json(),
        serde_json::from_str::<Value>(expected).unwrap()
    );

    let mut owner = bench.owner().await;
    let changed = "UPDATE statement SET content = convert_to(
                       replace(convert_from(content, 'UTF8'), '12.50', '12.5'), 'UTF8')
                   WHERE batch_id = (SELECT id FROM sealed_batch)";
    change_one(&mut owner, changed).await;
    let name = crate::bench::rows(&mut owner, "SELECT id::text FROM sealed_batch").await;
    let name = format!("statement {}/0", name[0]);
    let said = rootmark(&bench.settings, &["check"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains(&format!("WRONG: {name}:")), "{said:?}");
    assert!(said.out.contains("NOT OK"), "{said:?}");
    // Nor does it matter whether anybody reads what is wrong.
    let mut unread = command(&bench.settings, &["check"], &[]);
    unread.stdout(Stdio::piped());
    let mut unread = unread.spawn().unwrap();
    drop(unread.stdout.take());
    assert_eq!(unread.wait().unwrap().code(), Some(1));
    let said = rootmark(&bench.settings, &["check", "--json"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let json = said.json();
    assert_eq!(json["clean"], false);
    let findings = json["findings"].as_array().unwrap();
    assert!(
        findings
            .iter()
            .any(|f| f.as_str().unwrap().starts_with(&name)),
        "{findings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_that_is_no_text_any_more_is_named_by_the_program_too() {
    let bench = Bench::new().await;
    bench.capture(&[observation(1, "L1")]).await;
    bench.sealed_and_public().await;
    let mut owner = bench.owner().await;
    let broken = "UPDATE statement SET content = set_byte(content, 9, 255)";
    change_one(&mut owner, broken).await;
    let said = rootmark(&bench.settings, &["check"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("WRONG: statement "), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn seal_alone_seals_what_is_pending_and_publishes_it() {
    let bench = Bench::new().await;
    bench
        .capture(&[observation(1, "L1"), observation(2, "L1")])
        .await;
    bench.capture(&[observation(3, "L1")]).await;
    let said = rootmark(&bench.settings, &["seal"]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "3 statements sealed in 1 seal; the log has 3\n")
    );
    let checkpoint = |bench: &Bench| {
        let files = read_all(bench.folder());
        String::from_utf8(files["checkpoint"].clone()).unwrap()
    };
    assert_eq!(checkpoint(&bench).lines().nth(1), Some("3"));
    for (arguments, expected) in [
        (
            ["seal", "--json"].as_slice(),
            r#"{"seals":0,"added":0,"tree_size":3}"#,
        ),
        (
            &["seal", "--heartbeat", "--json"],
            r#"{"seals":1,"added":0,"tree_size":3}"#,
        ),
    ] {
        let said = rootmark(&bench.settings, arguments).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(
            said.json(),
            serde_json::from_str::<Value>(expected).unwrap()
        );
    }
    assert_eq!(bench.lines().await.len(), 2);
    bench.assert_clean("after sealing by command").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seal_beside_a_service_that_seals_too_harms_neither() {
    let app = TestApp::start().await;
    for round in 0..4 {
        app.capture(&[observation(round, "L1")]).await;
        for arguments in [["seal", "--json"].as_slice(), &["seal", "--heartbeat"]] {
            let said = rootmark(&app.settings, arguments).await;
            // A lost race is told and is no harm: the other one has sealed.
            let lost = said.code == 2 && said.err.contains("sealing:");
            assert!(said.code == 0 || lost, "{said:?}");
        }
    }
    app.capture(&[observation(90, "L1")]).await;
    app.sealed().await;
    let ready = app.get("/readyz").await;
    assert_eq!(ready.status(), 200, "{}", ready.text().await.unwrap());
    let said = rootmark(&app.settings, &["check"]).await;
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn seal_does_the_work_of_a_service_that_seals_once_an_hour() {
    let app =
        TestApp::start_with(|settings| settings.seal_interval = Duration::from_secs(3600)).await;
    app.capture(&[observation(1, "L1")]).await;
    let said = rootmark(&app.settings, &["seal", "--json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["tree_size"], 2);
    // Readers get the files from the service at once.
    let checkpoint = app.get_text("/log/checkpoint").await;
    assert_eq!(checkpoint.lines().nth(1), Some("2"));
    let mut conn = owner(&app.settings).await;
    assert_eq!(
        number(&mut conn, "SELECT count(*) FROM pending_batch").await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_sealing_is_told_and_is_exit_code_2() {
    let bench = Bench::new().await;
    bench.capture(&[observation(1, "L1")]).await;
    bench.sealed_and_public().await;
    bench.capture(&[observation(2, "L1")]).await;
    let mut owner = bench.owner().await;
    let flip = "UPDATE tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)";
    run(&mut owner, flip).await;
    let before = bench.standing().await;
    let said = rootmark(&bench.settings, &["seal"]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("do not have the head's root"), "{said:?}");
    assert_eq!(bench.standing().await, before);
    run(&mut owner, flip).await;
    assert_eq!(rootmark(&bench.settings, &["seal"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_worked_with_is_exit_code_2_and_never_a_finding() {
    let bench = Bench::new().await;
    bench.capture(&[observation(1, "L1")]).await;
    bench.sealed_and_public().await;
    let with = |name: &'static str, value: &str| {
        let mut variables = environment(&bench.settings);
        variables.retain(|(known, _)| *known != name);
        variables.push((name, value.to_owned()));
        variables
    };
    for command in ["seal", "check"] {
        for (variables, word) in [
            (
                with("ROOTMARK_DATABASE_URL", "mysql://secret@host/db"),
                "ROOTMARK_DATABASE_URL",
            ),
            (
                with(
                    "ROOTMARK_DATABASE_URL",
                    "postgres://u:secret@127.0.0.1:1/db",
                ),
                "does not answer",
            ),
            (
                with("ROOTMARK_SEAL_INTERVAL_MS", "soon"),
                "ROOTMARK_SEAL_INTERVAL_MS",
            ),
        ] {
            let said = finish(program(&variables, &[command])).await;
            assert_eq!(said.code, 2, "{said:?}");
            assert!(said.err.contains(word), "{said:?}");
            assert!(!said.err.contains("secret"), "{said:?}");
            assert_eq!(said.out, "", "{said:?}");
        }
        let said = finish(program(&environment(&bench.settings), &[command, "--fast"])).await;
        assert_eq!(said.code, 2, "{said:?}");
    }
    let key: PathBuf = bench.data_dir().join("keys/story.key");
    std::fs::remove_file(&key).unwrap();
    for command in ["seal", "check"] {
        let said = rootmark(&bench.settings, &[command]).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("story.key is missing"), "{said:?}");
        assert!(!key.exists());
    }
}
