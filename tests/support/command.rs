//! The program, run beside a test's service on the same database.

use std::process::{Command, Output};

use rootmark::config::{DatabaseChoice, Settings};
use serde_json::Value;
use sqlx::ConnectOptions;

use super::TestApp;

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs the program beside the service, on the same database.
pub async fn rootmark(app: &TestApp, arguments: &[&str]) -> Said {
    rootmark_with(&app.settings, arguments, &[]).await
}

pub async fn rootmark_with(
    settings: &Settings,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Said {
    finish(command(settings, arguments, variables)).await
}

/// The program as it would be run.
pub fn command(settings: &Settings, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let DatabaseChoice::External(database) = &settings.database else {
        panic!("tests bring their own database");
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootmark"));
    command
        .args(arguments)
        .env_clear()
        .env("ROOTMARK_DATABASE_URL", database.to_url_lossy().as_str())
        .env("ROOTMARK_DATA_DIR", &settings.data_dir)
        .envs(variables.iter().copied());
    command
}

/// Runs a command to its end.
pub async fn finish(mut command: Command) -> Said {
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = run.await.unwrap();
    Said {
        code: status.code().expect("it was not killed"),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}
