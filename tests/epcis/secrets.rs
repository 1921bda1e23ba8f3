//! Secrets stay where they belong: keys are in no table and in no public file.

use std::path::{Path, PathBuf};

use auditlog::Hash;
use auditlog::encoding::{from_base64, to_base64, to_hex};

use crate::kit::{key_for, stored, strings};
use crate::support::TestApp;
use crate::support::document::{item_observation, observation};
use rootmark::domain::scope::Scope;

/// Every row of every table of the database as text, bytes as hexadecimal digits.
async fn dump(app: &TestApp) -> String {
    let mut conn = app.owner().await;
    let tables = strings(
        &mut conn,
        "SELECT format('%I.%I', nspname, relname) FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE relkind IN ('r', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema')
           AND nspname !~ '^pg_toast'",
    )
    .await;
    assert!(tables.len() >= 15, "{tables:?}");
    let mut text = String::new();
    for table in tables {
        let rows = strings(&mut conn, &format!("SELECT t::text FROM {table} AS t")).await;
        text.push_str(&rows.join("\n"));
    }
    text
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// A secret in every spelling in which it could have been written down.
struct Spelled {
    name: String,
    spellings: Vec<String>,
}

fn spelled(name: &str, bytes: &[u8]) -> Spelled {
    let text = std::str::from_utf8(bytes).map(str::to_owned);
    let hex = to_hex(bytes);
    let spellings = text
        .into_iter()
        .chain([hex.to_uppercase(), hex, to_base64(bytes)])
        .collect();
    Spelled {
        name: name.to_owned(),
        spellings,
    }
}

/// The private keys in the data folder: whole files, and the keys in them.
fn private_keys(app: &TestApp) -> Vec<Spelled> {
    let mut found = Vec::new();
    for path in files(&app.data_dir.path().join("keys")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.trim_end();
        found.push(spelled(name, text.as_bytes()));
        if let Some(key) = text.strip_prefix("PRIVATE+KEY+") {
            let key = key.splitn(3, '+').nth(2).unwrap();
            let bytes = from_base64(key).unwrap();
            // One byte says which algorithm; the rest is the seed.
            found.push(spelled(name, &bytes));
            found.push(spelled(name, &bytes[1..]));
        } else {
            let digits = text.as_bytes().as_chunks::<2>().0.iter();
            let byte = |pair: &[u8; 2]| {
                u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
            };
            found.push(spelled(name, &digits.map(byte).collect::<Vec<u8>>()));
        }
    }
    assert_eq!(found.len(), 8, "two signing keys and one key for codes");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_holds_neither_api_keys_nor_the_services_own() {
    let app = TestApp::start().await;
    let another = key_for(&app, &[Scope::Capture]).await;
    stored(&app, &[observation(1, "L1"), item_observation(2, "S1")]).await;
    app.issue("L1", 3).await;
    app.sealed().await;
    let dump = dump(&app).await;
    // What must be there is found, so what is not found is not there.
    for key in [&app.key, &another] {
        assert!(dump.contains(&Hash::of(&[key.as_bytes()]).to_hex()));
    }
    assert!(dump.contains(&app.running.vkey));
    let mut secrets = private_keys(&app);
    for key in [&app.key, &another] {
        secrets.push(spelled("an API key", key.as_bytes()));
        // The random part without its prefix.
        secrets.push(spelled(
            "an API key",
            key.strip_prefix("rmk_").unwrap().as_bytes(),
        ));
    }
    for Spelled { name, spellings } in &secrets {
        for spelling in spellings {
            assert!(
                !dump.contains(spelling.as_str()),
                "{name} is in the database"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_item_code_is_in_the_database_before_an_event_names_it() {
    let app = TestApp::start().await;
    let codes = app.issue("L1", 5).await;
    app.sealed().await;
    let serial = |code: &str| code.rsplit('/').next().unwrap().to_owned();
    let before = dump(&app).await;
    for code in &codes {
        let digits = to_hex(serial(code).as_bytes());
        assert!(
            !before.contains(&serial(code)) && !before.contains(&digits),
            "{code}"
        );
    }
    stored(&app, &[item_observation(1, &serial(&codes[0]))]).await;
    assert!(
        dump(&app)
            .await
            .contains(&to_hex(serial(&codes[0]).as_bytes()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_log_holds_no_secret_and_no_content() {
    let app = TestApp::start().await;
    stored(
        &app,
        &[observation(1, "SECRETLOT"), item_observation(2, "S1")],
    )
    .await;
    app.sealed().await;
    let public = files(&app.data_dir.path().join("public"));
    let read: Vec<Vec<u8>> = public
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let holds = |needle: &[u8]| {
        read.iter()
            .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    };
    assert!(holds(app.running.vkey.as_bytes()));
    let mut secrets = private_keys(&app);
    secrets.push(spelled("an API key", app.key.as_bytes()));
    // The log holds digests: not even the names of things.
    secrets.push(spelled("a lot", b"SECRETLOT"));
    secrets.push(spelled("a product", crate::support::GTIN.as_bytes()));
    for Spelled { name, spellings } in &secrets {
        for spelling in spellings {
            assert!(!holds(spelling.as_bytes()), "{name} is public");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_service_reads_its_keys() {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::start().await;
    let folder = app.data_dir.path().join("keys");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for path in files(&folder) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
