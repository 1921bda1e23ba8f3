//! The programs of others: where they are, and what becomes of a run.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// The files that say which programs exactly, as they were when they were installed.
const PINS: &str = concat!(
    include_str!("requirements.txt"),
    include_str!("../../scripts/clients")
);

/// A file of what `scripts/clients` installed, which must be what is pinned today.
pub fn installed(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let tools = target.join("tools/clients");
    let pins = std::fs::read_to_string(tools.join("pins")).unwrap_or_default();
    assert_eq!(
        pins.trim_end(),
        PINS.trim_end(),
        "run scripts/clients first"
    );
    tools.join(name)
}

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
