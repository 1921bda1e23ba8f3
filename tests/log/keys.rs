//! The keys are made once, kept from everybody, and never made again beside a log that has them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rootmark::app::{Core, KeyError, OpenAs, Running, StartError};
use rootmark::config::{DatabaseChoice, Settings};
use sqlx::Connection;

use crate::bench::{Bench, rows};
use crate::support::document::observation;
use crate::support::{empty_database, fresh_database, owner, settings};

const FILES: [&str; 3] = ["log.key", "story.key", "codes.key"];

fn keys_in(data_dir: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(data_dir.join("keys")).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect()
}

/// `PRIVATE+KEY+<name>+<id>+<base64>`, or hexadecimal digits alone: the part that is secret.
fn secret_of(text: &str) -> &str {
    text.trim_end().splitn(5, '+').last().unwrap()
}

/// A log that has one sealed and public statement, and nobody at work on it.
async fn log() -> Bench {
    let bench = Bench::new().await;
    bench.capture(&[observation(1, "L1")]).await;
    bench.sealed_and_public().await;
    bench
}

/// Neither the service nor a command may start; both name the file.
async fn refused(settings: &Settings, file: &str) -> KeyError {
    let path = settings.data_dir.join("keys").join(file);
    let mut found = None;
    for start in [
        Running::start(settings).await.err(),
        Core::open(settings, OpenAs::Command).await.err(),
    ] {
        let error = start.unwrap_or_else(|| panic!("{file}: it started"));
        let said = error.to_string();
        assert!(
            said.contains(path.to_str().unwrap()),
            "{file} is not named: {said}"
        );
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let told = kept.len() > 60 && said.contains(secret_of(&kept));
        assert!(!told, "a secret in an error: {said}");
        let StartError::Keys(error) = error else {
            panic!("{file}: {said}");
        };
        found = Some(error);
    }
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_founds_no_log_and_changes_nothing_where_there_is_none() {
    let data_dir = tempfile::tempdir().unwrap();
    // Without a schema, and with one that nobody used yet.
    for database in [empty_database().await, fresh_database().await] {
        let settings = settings(data_dir.path(), database);
        let tables = async || {
            let mut conn = owner(&settings).await;
            let tables = sqlx::query_scalar("SELECT count(*) FROM pg_class WHERE relkind = 'r'");
            tables.fetch_one(&mut conn).await.unwrap()
        };
        let before: i64 = tables().await;
        let refused = Core::open(&settings, OpenAs::Command).await.unwrap_err();
        assert!(matches!(refused, StartError::NoLog { .. }), "{refused}");
        assert!(
            refused.to_string().contains("ROOTMARK_DATABASE_URL"),
            "{refused}"
        );
        assert_eq!(tables().await, before);
        assert_eq!(fs::read_dir(data_dir.path()).unwrap().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_three_keys_that_only_their_owner_can_read() {
    let data_dir = tempfile::tempdir().unwrap();
    let mut settings = settings(data_dir.path(), fresh_database().await);
    settings.origin = Some("trace.example.org/log".into());
    Core::open(&settings, OpenAs::Founder)
        .await
        .unwrap()
        .close()
        .await;
    let keys = data_dir.path().join("keys");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys), 0o700);
    let made = keys_in(data_dir.path());
    assert!(
        made.keys()
            .map(String::as_str)
            .eq(["codes.key", "log.key", "story.key"])
    );
    for file in FILES {
        assert_eq!(mode(&keys.join(file)), 0o600, "{file}");
    }
    let name = "PRIVATE+KEY+trace.example.org/log";
    assert!(made["log.key"].starts_with(&format!("{name}+")));
    assert!(made["story.key"].starts_with(&format!("{name}/story+")));
    // Later starts change nothing, whatever the settings say: a log's name may not change.
    settings.origin = Some("other.example.org/log".into());
    let core = Core::open(&settings, OpenAs::Command).await.unwrap();
    assert_eq!(core.keys.log.verifier().name(), "trace.example.org/log");
    core.close().await;
    assert_eq!(keys_in(data_dir.path()), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_logs_without_a_given_name_have_different_names_and_keys() {
    let (one, other) = (Bench::new().await, Bench::new().await);
    let (a, b) = (&one.core.keys, &other.core.keys);
    assert_ne!(a.log.verifier().name(), b.log.verifier().name());
    for (one, other) in keys_in(one.data_dir())
        .iter()
        .zip(keys_in(other.data_dir()))
    {
        assert_ne!(*one.1, other.1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_key_is_anywhere_in_the_database_or_the_public_files() {
    let bench = log().await;
    bench.describe(
        &bench.merchant,
        rootmark::domain::statement::Kind::Product,
        r#"{"gtin":"https://id.gs1.org/01/09521041001012","productName":{"zh-CN":"奶粉","en":"Tin"}}"#,
    )
    .await;
    bench
        .issue(&bench.merchant, crate::support::GTIN, None, 3)
        .await;
    let mut owner = bench.owner().await;
    let tables = rows(
        &mut owner,
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
    )
    .await;
    let mut everything = String::new();
    for table in &tables {
        everything += &rows(&mut owner, &format!("SELECT t::text FROM \"{table}\" t"))
            .await
            .join("\n");
    }
    let public: Vec<u8> = crate::public_files::read_all(bench.folder())
        .into_values()
        .flatten()
        .collect();
    everything += &String::from_utf8_lossy(&public);
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    for (file, text) in keys_in(bench.data_dir()) {
        let secret = secret_of(&text);
        let seed = match auditlog::encoding::from_base64(secret) {
            // The first byte is the algorithm.
            Some(key) if file != "codes.key" => hex(&key[1..]),
            _ => secret.to_owned(),
        };
        assert_eq!(seed.len(), 64, "{file}");
        // The twin: what is public of a key is found, so this search does find things.
        assert!(everything.contains(bench.core.keys.log.verifier().name()));
        assert!(!everything.contains(secret), "{file}");
        assert!(!everything.to_lowercase().contains(&seed), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_missing_beside_a_log_is_named_and_not_made_again() {
    let bench = log().await;
    let keys = keys_in(bench.data_dir());
    for file in FILES {
        let path = bench.data_dir().join("keys").join(file);
        fs::remove_file(&path).unwrap();
        let before = bench.standing().await;
        let error = refused(&bench.settings, file).await;
        assert!(
            matches!(&error, KeyError::Missing(missing) if *missing == path),
            "{error}"
        );
        assert!(!path.exists(), "{file} was made again");
        assert_eq!(bench.standing().await, before);
        fs::write(&path, &keys[file]).unwrap();
        Core::open(&bench.settings, OpenAs::Founder)
            .await
            .unwrap()
            .close()
            .await;
    }
    fs::remove_dir_all(bench.data_dir().join("keys")).unwrap();
    refused(&bench.settings, "log.key").await;
    assert!(!bench.data_dir().join("keys").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_log_is_named_and_signs_nothing() {
    let (bench, other) = (log().await, log().await);
    let (keys, foreign) = (keys_in(bench.data_dir()), keys_in(other.data_dir()));
    for file in FILES {
        let path = bench.data_dir().join("keys").join(file);
        fs::write(&path, &foreign[file]).unwrap();
        let before = bench.standing().await;
        let error = refused(&bench.settings, file).await;
        assert!(
            matches!(&error, KeyError::Wrong { path: wrong, .. } if *wrong == path),
            "{error}"
        );
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            foreign[file],
            "{file} was overwritten"
        );
        assert_eq!(bench.standing().await, before);
        fs::write(&path, &keys[file]).unwrap();
    }
    Core::open(&bench.settings, OpenAs::Founder)
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_key_is_named() {
    let bench = log().await;
    let keys = keys_in(bench.data_dir());
    for file in FILES {
        let path = bench.data_dir().join("keys").join(file);
        let whole = &keys[file];
        for broken in [
            "",
            "\n",
            "PRIVATE+KEY+",
            &whole[..whole.len() / 2],
            &whole.to_uppercase(),
        ] {
            if broken.trim() == whole.trim() {
                continue;
            }
            fs::write(&path, broken).unwrap();
            let error = refused(&bench.settings, file).await;
            let named =
                matches!(&error, KeyError::Unreadable { path: named, .. } if *named == path);
            // Hexadecimal digits in capitals are not the form that is written either.
            assert!(
                named || matches!(error, KeyError::Wrong { .. }),
                "{file} {broken:?}: {error}"
            );
        }
        fs::write(&path, whole).unwrap();
    }
    Core::open(&bench.settings, OpenAs::Founder)
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_a_crash_left_before_the_log_was_founded_are_the_logs() {
    let made = Bench::new().await;
    let keys = keys_in(made.data_dir());
    for present in [&FILES[..1], &FILES[..2], &FILES[..]] {
        let data_dir = tempfile::tempdir().unwrap();
        fs::create_dir(data_dir.path().join("keys")).unwrap();
        for file in present {
            fs::write(data_dir.path().join("keys").join(file), &keys[*file]).unwrap();
        }
        let mut settings = settings(data_dir.path(), fresh_database().await);
        settings.origin = Some("too.late.example".into());
        let core = Core::open(&settings, OpenAs::Founder).await.unwrap();
        assert_eq!(core.keys.log.verifier(), made.core.keys.log.verifier());
        core.close().await;
        let found = keys_in(data_dir.path());
        assert_eq!(found.len(), 3);
        for file in present {
            assert_eq!(found[*file], keys[*file], "{file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_log_is_refused_though_its_folder_has_keys_of_its_own() {
    let (bench, other) = (log().await, log().await);
    let mut settings = bench.settings.clone();
    settings.database = other.settings.database.clone();
    assert!(matches!(settings.database, DatabaseChoice::External(_)));
    let error = refused(&settings, "log.key").await;
    let expected = other.core.keys.log.verifier().format();
    assert!(
        matches!(&error, KeyError::Wrong { expected: e, .. } if *e == expected),
        "{error}"
    );
    bench.owner().await.close().await.unwrap();
}
