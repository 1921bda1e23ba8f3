//! Secrets stay where they belong: keys are in no table and in no public file.

use std::path::{Path, PathBuf};

use auditlog::Hash;
use auditlog::encoding::{from_base64, to_base64, to_hex};
use auditlog::field::Secret;
use rootmark::app::merchants::acting;
use rootmark::app::{Core, OpenAs};

use crate::kit::{alter, another_merchant, event_count, key_for, stored, strings};
use crate::support::TestApp;
use crate::support::document::{self, item_observation, observation};
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

/// The key that makes the eventIDs of the first merchant.
async fn event_id_key(app: &TestApp) -> Secret {
    let (database, codes) = (&app.running.database, &app.running.code_key);
    let submitter = acting(database, codes, Some("Larkmere Demo"), None).await;
    submitter.unwrap().event_id_key
}

/// The ID that the service gives an event that comes without one.
async fn assigned(app: &TestApp) -> String {
    let id = r#""eventID":"urn:uuid:00000000-0000-4000-8000-000000000001","#;
    let context = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"example":"https://example.org/ns/"}],"#;
    let nameless = observation(1, "L1")
        .replace(id, "")
        .replacen('{', context, 1);
    let answer = app.post("/epcis/events", nameless).await;
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["Location"].to_str().unwrap();
    location.rsplit('/').next().unwrap().to_owned()
}

/// Puts a key into the clear, as it lay before keys were sealed.
async fn put_in_the_clear(app: &TestApp, byte: u8) {
    let clear = to_hex(&[byte; 32]);
    alter(
        app,
        &format!("UPDATE merchant SET event_id_key = '\\x{clear}', sealed_event_id_key = NULL"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_event_ids_that_lay_in_the_clear_are_sealed_and_make_the_same_ids() {
    let app = TestApp::start().await;
    let own = assigned(&app).await;
    put_in_the_clear(&app, 5).await;
    let cleartext = to_hex(&[5; 32]);
    // Whoever finds it there works with it: a command seals nothing, since a service of before may run beside it.
    let before = assigned(&app).await;
    let core = Core::open(&app.settings, OpenAs::Command).await.unwrap();
    core.close().await;
    assert!(dump(&app).await.contains(&cleartext));
    let app = app.restart().await;
    assert!(!dump(&app).await.contains(&cleartext), "it is still there");
    assert_eq!(event_id_key(&app).await, Secret([5; 32]));
    let first = assigned(&app).await;
    assert_ne!(first, own);
    assert_eq!(first, before);
    put_in_the_clear(&app, 5).await;
    let app = app.restart().await.restart().await;
    assert_eq!(assigned(&app).await, first);
    put_in_the_clear(&app, 6).await;
    let app = app.restart().await;
    assert_ne!(assigned(&app).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_sealed_key_does_not_open_and_captures_nothing() {
    let app = TestApp::start().await;
    another_merchant(&app).await;
    let of =
        |name: &str| format!("(SELECT sealed_event_id_key FROM merchant WHERE name = '{name}')");
    let keep = format!("CREATE TABLE kept AS SELECT {} AS key", of("Larkmere Demo"));
    alter(&app, &keep).await;
    let take = |from: &str| {
        format!("UPDATE merchant SET sealed_event_id_key = {from} WHERE name = 'Larkmere Demo'")
    };
    alter(&app, &take(&of("Redridge Demo"))).await;
    let text = document::document(&[observation(1, "L1")]);
    let refused = app.post("/epcis/capture", text.as_str()).await;
    assert_eq!(refused.status(), 500);
    assert_eq!(event_count(&app).await, 0);
    alter(&app, &take("(SELECT key FROM kept)")).await;
    assert_eq!(app.post("/epcis/capture", text).await.status(), 202);
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
    let event_id_key = event_id_key(&app).await;
    secrets.push(spelled("the key of eventIDs", &event_id_key.0));
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
