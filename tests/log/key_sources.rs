//! Keys that do not lie in the data folder: from files, from programs, and their rotation.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use auditlog::note::{NoteSigner, Verifier};
use rootmark::app::rotation::{RotationError, RotationOrder, rotate};
use rootmark::app::{Core, KeyError, OpenAs, StartError};
use rootmark::config::{KeyCommand, KeySource, Settings};
use rootmark::seal::seal;
use tempfile::TempDir;
use time::macros::datetime;

use crate::programs::{rootmark, rootmark_without_settings};
use crate::support::{fresh_database, settings};

const ORIGIN: &str = "trace.example.org/log";

/// A folder with keys that the service does not own.
struct Elsewhere {
    folder: TempDir,
    settings: Settings,
}

impl Elsewhere {
    async fn new() -> Elsewhere {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder.path().join("data"), fresh_database().await);
        let elsewhere = |name: &str| folder.path().join(name);
        put(&elsewhere("log"), ORIGIN, 1);
        put(&elsewhere("next"), ORIGIN, 2);
        put(&elsewhere("story"), &format!("{ORIGIN}/story"), 3);
        settings.keys.log = Some(KeySource::File(elsewhere("log")));
        settings.keys.story = Some(print(&elsewhere("story")));
        Elsewhere { folder, settings }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn open(&self) -> Result<Core, KeyError> {
        match Core::open(&self.settings, OpenAs::Founder).await {
            Err(StartError::Keys(error)) => {
                assert!(!error.to_string().contains("PRIVATE+KEY+trace"), "{error}");
                Err(error)
            }
            other => Ok(other.unwrap()),
        }
    }

    /// The keys that the data folder holds.
    fn kept(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("data/keys")).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn put(path: &Path, name: &str, seed: u8) {
    let signer = NoteSigner::from_seed(name, &[seed; 32]).unwrap();
    fs::write(path, format!("{}\n", signer.to_secret_text())).unwrap();
}

fn print(path: &Path) -> KeySource {
    KeySource::Command(KeyCommand {
        program: "/bin/cat".into(),
        arguments: vec![path.to_str().unwrap().to_owned()],
    })
}

async fn heartbeat(core: &Core) {
    let mut conn = core.database.sealer.acquire().await.unwrap();
    let now = datetime!(2026-06-01 08:00:00 UTC);
    seal(&mut conn, &core.keys.log, now, true).await.unwrap();
    core.public_log.publish(&mut conn).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_founded_with_the_keys_that_are_given_and_keeps_no_copy() {
    let mut log = Elsewhere::new().await;
    log.settings.origin = Some("another.example".into());
    let core = log.open().await.unwrap();
    assert_eq!(core.keys.log.verifier().name(), ORIGIN);
    heartbeat(&core).await;
    core.close().await;
    assert_eq!(log.kept(), ["codes.key"]);
    // The same key by another way is the same key.
    log.settings.keys.log = Some(print(&log.path("log")));
    log.settings.keys.story = Some(KeySource::File(log.path("story")));
    log.open().await.unwrap().close().await;
    assert_eq!(log.kept(), ["codes.key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_gives_no_key_or_another_one_is_named() {
    let mut log = Elsewhere::new().await;
    log.open().await.unwrap().close().await;
    let right = log.settings.keys.clone();
    for source in [KeySource::File(log.path("next")), print(&log.path("next"))] {
        log.settings.keys.log = Some(source);
        let error = log.open().await.unwrap_err();
        assert!(matches!(error, KeyError::Wrong { .. }), "{error}");
    }
    for source in [KeySource::File(log.path("none")), print(&log.path("none"))] {
        log.settings.keys.log = Some(source);
        let error = log.open().await.unwrap_err();
        let named = matches!(
            error,
            KeyError::Source {
                setting: "ROOTMARK_LOG_KEY",
                ..
            }
        );
        assert!(named, "{error}");
    }
    fs::write(log.path("none"), "no key").unwrap();
    let error = log.open().await.unwrap_err();
    assert!(matches!(error, KeyError::Unreadable { .. }), "{error}");
    log.settings.keys = right.clone();
    log.settings.keys.story = Some(KeySource::File(log.path("next")));
    let error = log.open().await.unwrap_err();
    assert!(matches!(error, KeyError::Wrong { .. }), "{error}");
    log.settings.keys = right;
    log.open().await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_key_of_another_log_founds_none() {
    let mut log = Elsewhere::new().await;
    log.settings.keys.story = Some(KeySource::File(log.path("next")));
    let error = log.open().await.unwrap_err();
    assert!(matches!(error, KeyError::Wrong { .. }), "{error}");
    log.settings.keys.story = Some(print(&log.path("story")));
    log.open().await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_elsewhere_is_rotated_to_one_from_elsewhere() {
    let mut log = Elsewhere::new().await;
    let core = log.open().await.unwrap();
    heartbeat(&core).await;
    let next = log.path("next");
    let order = RotationOrder {
        overlap: 0,
        new_key: None,
    };
    let error = rotate(&core, order).await.unwrap_err();
    assert!(matches!(error, RotationError::NoNewKey(_)), "{error}");
    core.close().await;
    let arguments = ["key", "rotate", "--overlap", "0", "--new-key"];
    let arguments = [&arguments[..], &[next.to_str().unwrap()]].concat();
    let file = log.path("log").to_str().unwrap().to_owned();
    let story = log.path("story").to_str().unwrap().to_owned();
    let variables = [
        ("ROOTMARK_LOG_KEY_FILE", file),
        ("ROOTMARK_STORY_KEY_FILE", story),
    ];
    let said = crate::programs::rootmark_with(&log.settings, &variables, &arguments).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("ROOTMARK_OLD_LOG_KEY_FILE"), "{said:?}");
    assert!(!format!("{said:?}").contains("PRIVATE"), "{said:?}");
    // The settings from before, half of the new ones, all of them.
    let error = log.open().await.unwrap_err();
    assert!(matches!(error, KeyError::Wrong { .. }), "{error}");
    log.settings.keys.log = Some(KeySource::File(next));
    let error = log.open().await.unwrap_err();
    assert!(matches!(error, KeyError::NoOldKey { .. }), "{error}");
    log.settings.keys.old_log = log.settings.keys.log.clone();
    let error = log.open().await.unwrap_err();
    assert!(matches!(error, KeyError::Wrong { .. }), "{error}");
    log.settings.keys.old_log = Some(print(&log.path("log")));
    let core = log.open().await.unwrap();
    heartbeat(&core).await;
    let mut conn = core.database.checker.acquire().await.unwrap();
    let report = rootmark::check::check(&mut conn, core.public_log.folder(), |_, _| {}).await;
    let report = report.unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    drop(conn);
    core.close().await;
    assert_eq!(log.kept(), ["codes.key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_lies_in_a_file_of_its_owners_alone_and_never_replaces_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("next.key");
    let name = path.to_str().unwrap();
    let arguments = ["key", "new", "--name", ORIGIN, "--out", name];
    let said = rootmark_without_settings(&arguments).await;
    assert_eq!(said.code, 0, "{said:?}");
    let text = fs::read_to_string(&path).unwrap();
    let signer = NoteSigner::parse(text.trim_end()).unwrap();
    assert_eq!(
        Verifier::parse(said.out.trim_end()).as_ref(),
        Ok(signer.verifier())
    );
    assert_eq!(signer.verifier().name(), ORIGIN);
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let again = rootmark_without_settings(&arguments).await;
    assert_eq!(again.code, 2, "{again:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    for name in ["a b", "a+b", ""] {
        let out = folder.path().join("none");
        let arguments = ["key", "new", "--name", name, "--out", out.to_str().unwrap()];
        let said = rootmark_without_settings(&arguments).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(!out.exists());
    }
    let log = Elsewhere::new().await;
    let said = rootmark(&log.settings, &["key", "rotate", "--overlap", "1000000001"]).await;
    assert_eq!(said.code, 2, "{said:?}");
}
