//! A secret key that lies elsewhere: in a file, or in what a program prints.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::config::{KeyCommand, KeySource};

/// Bytes of a key's text at most; one is 150 or so, with a name of 200 characters 350.
pub(super) const MAX_KEY_BYTES: u64 = 4_096;
/// How long a program may take to print a key.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// What no line that is logged may hold: the beginning of a signing key.
const SECRET_MARK: &str = "PRIVATE+KEY+";

/// Why a source gave no key. No variant holds what the source said.
#[derive(Debug, Error)]
pub enum SourceError {
    /// It cannot be read, or the program cannot be started.
    #[error("{0}")]
    Read(std::io::Error),
    /// The program said that it failed.
    #[error("the program ended with {0}")]
    Failed(std::process::ExitStatus),
    /// The program was stopped.
    #[error("the program printed no key within {} seconds and was stopped", .0.as_secs())]
    Slow(Duration),
    /// Too much for a key.
    #[error("it gives more than {MAX_KEY_BYTES} bytes, which is no key")]
    TooLong,
    /// Not text.
    #[error("it gives bytes that are no text")]
    NotText,
}

/// The text of the key, without the newline at its end.
pub(super) async fn read(source: &KeySource) -> Result<String, SourceError> {
    let bytes = match source {
        KeySource::File(path) => read_file(path).await?,
        KeySource::Command(command) => run(command, COMMAND_LIMIT).await?,
    };
    let text = String::from_utf8(bytes).map_err(|_| SourceError::NotText)?;
    Ok(text.trim_end().to_owned())
}

async fn read_file(path: &PathBuf) -> Result<Vec<u8>, SourceError> {
    let file = tokio::fs::File::open(path).await;
    bounded(file.map_err(SourceError::Read)?).await
}

async fn run(command: &KeyCommand, limit: Duration) -> Result<Vec<u8>, SourceError> {
    let mut child = Command::new(&command.program)
        .args(&command.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Whoever stops waiting for it stops it.
        .kill_on_drop(true)
        .spawn()
        .map_err(SourceError::Read)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err) = (out.expect("it is piped"), err.expect("it is piped"));
    let work = async {
        // Both at once: a program that waits for one of them to be read would never end.
        let (out, err) = tokio::try_join!(bounded(out), bounded(err))?;
        log_complaint(&err);
        let status = child.wait().await.map_err(SourceError::Read)?;
        if status.success() {
            Ok(out)
        } else {
            Err(SourceError::Failed(status))
        }
    };
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or(Err(SourceError::Slow(limit)))
}

async fn bounded(stream: impl AsyncRead + Unpin) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    let mut stream = stream.take(MAX_KEY_BYTES + 1);
    let read = stream.read_to_end(&mut bytes).await;
    read.map_err(SourceError::Read)?;
    if bytes.len() as u64 > MAX_KEY_BYTES {
        return Err(SourceError::TooLong);
    }
    Ok(bytes)
}

/// What the program said beside the key, unless it said the key.
fn log_complaint(said: &[u8]) {
    let said = String::from_utf8_lossy(said);
    if let Some(said) = may_be_logged(&said) {
        tracing::warn!(said, "the program that gives a key");
    }
}

fn may_be_logged(said: &str) -> Option<&str> {
    let said = said.trim();
    if said.is_empty() {
        return None;
    }
    if said.contains(SECRET_MARK) {
        return Some("(withheld: there was a key in it)");
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> KeyCommand {
        KeyCommand {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
        }
    }

    async fn said(script: &str) -> Result<String, SourceError> {
        read(&KeySource::Command(shell(script))).await
    }

    #[tokio::test]
    async fn a_program_gives_what_it_prints_without_the_newline() {
        assert_eq!(said("echo a key").await.unwrap(), "a key");
        assert_eq!(said("echo why >&2; echo k").await.unwrap(), "k");
    }

    #[tokio::test]
    async fn a_program_that_fails_gives_nothing_whatever_it_printed() {
        let error = said("echo PRIVATE+KEY+x; exit 3").await.unwrap_err();
        assert!(matches!(error, SourceError::Failed(_)), "{error}");
        assert!(!error.to_string().contains("PRIVATE"), "{error}");
        let none = KeyCommand {
            program: "/no/such/program".into(),
            arguments: Vec::new(),
        };
        let error = read(&KeySource::Command(none)).await.unwrap_err();
        assert!(matches!(error, SourceError::Read(_)), "{error}");
    }

    #[tokio::test]
    async fn arguments_are_given_as_they_are_and_no_shell_sees_them() {
        let command = KeyCommand {
            program: "/bin/echo".into(),
            arguments: vec!["$HOME;".into(), "*".into()],
        };
        let text = read(&KeySource::Command(command)).await.unwrap();
        assert_eq!(text, "$HOME; *");
    }

    #[tokio::test]
    async fn more_than_a_key_can_be_is_refused_from_a_program_and_from_a_file() {
        let exactly = format!("head -c {MAX_KEY_BYTES} /dev/zero | tr '\\0' x");
        assert_eq!(said(&exactly).await.unwrap().len() as u64, MAX_KEY_BYTES);
        for endless in ["cat /dev/zero", "cat /dev/zero >&2"] {
            let error = said(endless).await.unwrap_err();
            assert!(matches!(error, SourceError::TooLong), "{error}");
        }
        let error = read(&KeySource::File("/dev/zero".into())).await;
        assert!(matches!(error, Err(SourceError::TooLong)));
        let error = said("printf '\\377'").await.unwrap_err();
        assert!(matches!(error, SourceError::NotText), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_never_ends_is_stopped() {
        let limit = Duration::from_millis(200);
        // The exec leaves one process, which is the one that is stopped.
        let error = run(&shell("exec sleep 600"), limit).await;
        assert!(matches!(error, Err(SourceError::Slow(_))), "{error:?}");
    }

    #[test]
    fn a_key_on_standard_error_is_not_logged() {
        assert_eq!(may_be_logged("vault: sealed\n"), Some("vault: sealed"));
        assert_eq!(may_be_logged(" \n"), None);
        let withheld = may_be_logged("debug: PRIVATE+KEY+log+00000000+c2VjcmV0").unwrap();
        assert!(!withheld.contains("c2Vj"), "{withheld}");
    }
}
