//! The drill of docs/operations.md, with its own lines: a log that lost its machine is back, as one
//! history, and says what it lost.

use std::path::Path;
use std::process::Command;

use auditlog::anchor::AnchorLine;
use rootmark::app::Running;
use rootmark::check::check;
use rootmark::config::{DatabaseChoice, Settings};
use sqlx::postgres::PgConnectOptions;

use crate::crash_points::{enter, stored};
use crate::support::{empty_database, fresh_database, libpq_url, settings};

/// The commands below a heading of the page: its indented lines, up to the next heading.
fn commands(heading: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once(&format!("\n{heading}\n")).expect(heading);
    let section = section.split("\n#").next().unwrap();
    let lines: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    assert!(lines.len() > 3, "{heading} has no commands");
    lines.join("\n")
}

/// Runs them as an operator's shell does; gives what they printed.
async fn run(heading: &str, backup: &Path, settings: &Settings) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_rootmark"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", &commands(heading)])
        .env_clear()
        .env("PATH", path)
        .env("BACKUP", backup)
        .env("ROOTMARK_DATA_DIR", &settings.data_dir)
        .env("ROOTMARK_DATABASE_URL", libpq_url(options(settings)).await);
    let output = tokio::task::spawn_blocking(move || shell.output().unwrap());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{heading}: {said}{err}");
    said
}

fn options(settings: &Settings) -> &PgConnectOptions {
    let DatabaseChoice::External(options) = &settings.database else {
        panic!("tests bring their own database");
    };
    options
}

fn lines(settings: &Settings) -> Vec<AnchorLine> {
    let file = settings.data_dir.join("public/log/anchors.jsonl");
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| AnchorLine::parse(line).unwrap());
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drill_of_the_manual_brings_a_log_back_and_names_what_it_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, data) = (folder.path().join("backup"), folder.path().join("data"));
    std::fs::create_dir(&backup).unwrap();
    let before = settings(&data, fresh_database().await);
    let running = Running::start(&before).await.unwrap();
    let key = enter(&running.database, &running.code_key).await;
    let sealed = [1, 2, 3];
    assert_eq!(stored(&running.url, &key, &sealed).await, Some(3));
    running.everything_is_public().await.unwrap();
    // The service runs, and what it takes meanwhile is sealed after the dump, or before: either is right.
    assert_eq!(stored(&running.url, &key, &[4]).await, Some(1));
    run("### Back up", &backup, &before).await;
    running.everything_is_public().await.unwrap();
    // Public after the dump: the copy of the public files is the newer one.
    let lost = [5, 6];
    assert_eq!(stored(&running.url, &key, &lost).await, Some(2));
    running.everything_is_public().await.unwrap();
    let newest = Command::new("cp")
        .arg("-a")
        .arg(data.join("public/."))
        .arg(backup.join("public"))
        .status();
    assert!(newest.unwrap().success());
    running.stop().await;
    let seen = lines(&before);

    let restored = settings(&folder.path().join("elsewhere"), empty_database().await);
    let said = run("### Restore", &backup, &restored).await;
    assert!(said.contains("The content of 2 entries is lost"), "{said}");
    assert!(said.contains("\n  4 to 5\n"), "{said}");
    assert!(said.contains("OK: all of it holds together"), "{said}");

    let running = Running::start(&restored).await.unwrap();
    // What was there at the dump is there; what was lost can be sent again, and is new.
    assert_eq!(stored(&running.url, &key, &sealed).await, Some(0));
    assert_eq!(stored(&running.url, &key, &[4]).await, Some(0));
    assert_eq!(stored(&running.url, &key, &lost).await, Some(2));
    running.everything_is_public().await.unwrap();
    let now = lines(&restored);
    assert_eq!(now[..seen.len()], seen, "one history");
    assert_eq!(now.last().unwrap().head.size.0, 8);
    let mut conn = running.database.checker.acquire().await.unwrap();
    let public = restored.data_dir.join("public/log");
    let report = check(&mut conn, &public, |_, _| {}).await.unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    drop(conn);
    running.stop().await;
}
