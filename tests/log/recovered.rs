//! An old database beside newer public files takes the log back from them: one history, nothing signed,
//! and everything that is lost is named.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog::TreeSize;
use auditlog::keys::LogKeys;
use auditlog::note::Verifier;
use rootmark::app::{Core, OpenAs, Running};
use rootmark::check::{Report, check};
use rootmark::config::{DatabaseChoice, Settings};
use rootmark::recover::{RecoverError, Recovered, recover};
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use crate::bench::standing;
use crate::programs::rootmark;
use crate::public_files::{Files, assert_same, read_all, verified_chain};
use crate::restored::{back_up, database, leave_pending};
use crate::support::{TestApp, document, owner};

/// A log whose database was restored from a backup: 2 leaves then, one of the waiting statements sealed
/// since, 300 more events and a heartbeat's worth of seals.
struct Restored {
    settings: Settings,
    data_dir: TempDir,
    public: Files,
    vkey: String,
}

/// Leaves at the time of the backup: a product and an event.
const BEFORE: u64 = 2;
/// Events whose statements are lost.
const LOST: u64 = 300;

impl Restored {
    async fn new() -> Restored {
        let app = TestApp::start().await;
        app.capture(&[document::observation(1, "L1")]).await;
        app.sealed().await;
        let vkey = app.running.vkey.clone();
        let key = app.key.clone();
        let (mut settings, data_dir) = app.stop().await;
        // It waits in the backup, and is sealed afterwards.
        leave_pending(database(&settings), 2).await;
        let backup = back_up(&settings).await;
        let running = Running::start(&settings).await.unwrap();
        running.everything_is_public().await.unwrap();
        let http = rootmark::http_client::loopback();
        for ids in [100..101, 101..100 + LOST as u32] {
            let events: Vec<String> = ids.map(|id| document::observation(id, "L1")).collect();
            let url = format!("{}/epcis/capture", running.url);
            let post = http.post(url).bearer_auth(&key);
            let post = post.header("Content-Type", "application/json");
            let answer = post.body(document::document(&events)).send().await.unwrap();
            assert_eq!(answer.status(), 202);
            running.everything_is_public().await.unwrap();
        }
        running.stop().await;
        settings.database = DatabaseChoice::External(Box::new(backup));
        let public = read_all(&data_dir.path().join("public/log"));
        Restored {
            settings,
            data_dir,
            public,
            vkey,
        }
    }

    fn folder(&self) -> PathBuf {
        self.data_dir.path().join("public/log")
    }

    fn backup(&self) -> PgConnectOptions {
        database(&self.settings)
    }

    async fn recover(&self, dry_run: bool) -> Result<Option<Recovered>, RecoverError> {
        let keys = LogKeys::single(Verifier::parse(&self.vkey).unwrap());
        self.recover_by(&keys, dry_run).await
    }

    async fn recover_by(
        &self,
        keys: &LogKeys,
        dry_run: bool,
    ) -> Result<Option<Recovered>, RecoverError> {
        let core = Core::open(&self.settings, OpenAs::Command).await.unwrap();
        let mut conn = core.database.sealer.acquire().await.unwrap();
        let done = recover(&mut conn, &self.folder(), keys, dry_run, |_, _| {}).await;
        drop(conn);
        core.close().await;
        done
    }

    async fn standing(&self) -> String {
        standing(&mut owner(&self.settings).await).await
    }

    async fn check(&self) -> Report {
        let core = Core::open(&self.settings, OpenAs::Command).await.unwrap();
        let mut conn = core.database.checker.acquire().await.unwrap();
        let report = check(&mut conn, &self.folder(), |_, _| {}).await.unwrap();
        drop(conn);
        core.close().await;
        report
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_database_goes_on_where_the_public_log_stands_and_names_what_is_lost() {
    let restored = Restored::new().await;
    // Captured into the restored database, before anybody looked: it is in no public file.
    leave_pending(restored.backup(), 9).await;
    let before = restored.check().await.findings.join("\n");
    assert!(before.contains("old copy"), "{before}");

    let recovered = restored.recover(false).await.unwrap().unwrap();
    let size = BEFORE + 1 + LOST;
    assert_eq!(
        (recovered.from, recovered.to),
        (TreeSize(BEFORE), TreeSize(size))
    );
    assert_eq!((recovered.seals, recovered.found), (3, 1));
    assert_eq!(recovered.lost, std::slice::from_ref(&(BEFORE + 1..size)));
    assert_eq!(recovered.lost_count(), LOST);
    let report = restored.check().await;
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!(
        (report.lost, report.statements, report.tree_size),
        (LOST, 4, size)
    );

    // The service goes on from there: the same history, and the event that waited is in it.
    let running = Running::start(&restored.settings).await.unwrap();
    running.everything_is_public().await.unwrap();
    let url = format!("{}/readyz", running.url);
    let http = rootmark::http_client::loopback();
    assert_eq!(http.get(url).send().await.unwrap().status(), 200);
    running.stop().await;
    let public = read_all(&restored.folder());
    for (name, bytes) in &restored.public {
        let stays = name != "checkpoint";
        assert!(
            !stays || public[name].starts_with(bytes),
            "{name} is another"
        );
    }
    let text = String::from_utf8(public["anchors.jsonl"].clone()).unwrap();
    let chain = verified_chain(&text, &restored.vkey);
    assert_eq!(chain.last().unwrap().head.size.0, size + 1);
    let report = restored.check().await;
    assert!(report.is_clean(), "{:#?}", report.findings);
    // And there is nothing left to take back.
    assert_eq!(restored.recover(false).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_can_be_published_again_from_the_database() {
    let restored = Restored::new().await;
    restored.recover(false).await.unwrap().unwrap();
    fs::remove_dir_all(restored.folder()).unwrap();
    let running = Running::start(&restored.settings).await.unwrap();
    running.stop().await;
    assert_same(
        &read_all(&restored.folder()),
        &restored.public,
        "published again",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_same_and_changes_nothing() {
    let restored = Restored::new().await;
    let before = restored.standing().await;
    let told = restored.recover(true).await.unwrap();
    assert_eq!(restored.standing().await, before);
    assert_eq!(restored.recover(false).await.unwrap(), told);
    assert_ne!(restored.standing().await, before);
}

/// Damages a public file and gives back what puts it right.
fn flip(path: &Path) -> impl FnOnce() + use<> {
    let whole = fs::read(path).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, &bytes).unwrap();
    let path = path.to_owned();
    move || fs::write(path, whole).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_or_foreign_public_files_are_refused_and_nothing_is_changed() {
    let restored = Restored::new().await;
    let before = restored.standing().await;
    let bundle = format!("tile/entries/001.p/{}", BEFORE + 1 + LOST - 256);
    for (name, words) in [
        ("anchors.jsonl", "anchor"),
        ("tile/entries/000", "000"),
        (bundle.as_str(), "001"),
    ] {
        let mend = flip(&restored.folder().join(name));
        let refused = restored.recover(false).await.unwrap_err().to_string();
        assert!(refused.contains(words), "{name}: {refused}");
        assert_eq!(restored.standing().await, before, "{name}");
        mend();
    }
    // The tile that the old tree ended in: the walk begins with it.
    let mend = flip(&restored.folder().join("tile/0/000.p/2"));
    let refused = restored.recover(false).await.unwrap_err();
    assert!(
        matches!(&refused, RecoverError::Damaged(fault) if fault.contains("2 leaves")),
        "{refused}"
    );
    mend();
    // Signed by a key that is not this log's.
    let stranger = auditlog::note::NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
    let keys = LogKeys::single(stranger.verifier().clone());
    assert!(restored.recover_by(&keys, false).await.is_err());
    // No history at all, and one that is not the database's.
    let anchors = restored.folder().join("anchors.jsonl");
    let text = fs::read_to_string(&anchors).unwrap();
    fs::write(&anchors, "").unwrap();
    let refused = restored.recover(false).await.unwrap_err();
    assert!(matches!(refused, RecoverError::NothingPublic), "{refused}");
    let other = text.replacen("\"sealed_at\":\"2", "\"sealed_at\":\"1", 2);
    fs::write(&anchors, other).unwrap();
    let refused = restored.recover(false).await.unwrap_err();
    assert!(matches!(refused, RecoverError::Diverged(_)), "{refused}");
    fs::write(&anchors, text).unwrap();
    assert_eq!(restored.standing().await, before);
    // Whole again, it works: the files were what was refused.
    assert!(restored.recover(false).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_is_lost_and_what_to_do_next() {
    let restored = Restored::new().await;
    let run = |arguments| rootmark(&restored.settings, arguments);
    let said = run(&["recover", "--dry-run"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let last = BEFORE + LOST;
    let named = format!("\n  {} to {last}\n", BEFORE + 1);
    assert!(said.out.contains(&named), "{said:?}");
    assert!(said.out.contains("Nothing was changed"), "{said:?}");
    let anchors = restored.folder().join("anchors.jsonl");
    let mend = flip(&anchors);
    let said = run(&["recover"]).await;
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.contains("Nothing was changed"), "{said:?}");
    mend();
    let said = run(&["recover", "--json"]).await.json();
    assert_eq!(said["changed"], true);
    assert_eq!((&said["found"], &said["seals"]), (&1.into(), &3.into()));
    assert_eq!(said["lost"], serde_json::json!([[BEFORE + 1, last]]));
    assert_eq!(run(&["check"]).await.code, 0);
    let again = run(&["recover", "--json"]).await.json();
    assert_eq!(again["behind"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_ahead_of_the_public_files_has_nothing_to_take_back() {
    let restored = Restored::new().await;
    restored.recover(false).await.unwrap().unwrap();
    // Older public files, as after a crash between commit and publication.
    let anchors = restored.folder().join("anchors.jsonl");
    let text = fs::read_to_string(&anchors).unwrap();
    let older: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(&anchors, older[..older.len() - 1].concat()).unwrap();
    assert_eq!(restored.recover(false).await.unwrap(), None);
    let other = older[..2]
        .concat()
        .replace("\"sealed_at\":\"2", "\"sealed_at\":\"1");
    fs::write(&anchors, other).unwrap();
    let refused = restored.recover(false).await.unwrap_err();
    assert!(matches!(refused, RecoverError::Diverged(2)), "{refused}");
}
