//! The programs of others, and what becomes of a run.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How a program ended.
pub struct Ended {
    pub succeeded: bool,
    pub output: String,
    pub errors: String,
}

/// Runs a program to its end in a folder of its own. The limit is none of speed: a program that hangs
/// must fail its test instead of hanging it.
pub async fn run(command: &mut Command, limit: Duration) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let child = command
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(limit, child).await;
    let ended = ended.expect("it ends").expect("it is a program");
    Ended {
        succeeded: ended.status.success(),
        output: String::from_utf8_lossy(&ended.stdout).into_owned(),
        errors: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}
