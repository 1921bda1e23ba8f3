//! Witnesses stand beside the log: their word is in what is published, their absence costs little, and
//! one that has seen another history ends all sealing.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use auditlog::bundle::{BundleError, Trust, verify};
use auditlog::checkpoint::Checkpoint;
use auditlog::note::{NoteSigner, SignedNote, Verifier};
use auditlog::policy::Policy;
use auditlog::story::StoryNote;
use rootmark::check::{CheckOrder, check_with};
use rootmark::config::Settings;
use rootmark::cosign::CosignSettings;
use rootmark::public::try_lock;
use rootmark::witness::{Witness, serve};
use serde_json::Value;
use tempfile::TempDir;

use crate::bench::{number, standing};
use crate::support::document::observation;
use crate::support::port::own_port;
use crate::support::{TestApp, owner};

/// A limit, not a delay.
const LIMIT: Duration = Duration::from_secs(20);

/// The log of these tests: a key that its witnesses know beforehand.
fn signer() -> NoteSigner {
    NoteSigner::from_seed("log.example", &[7; 32]).unwrap()
}

/// A witness that serves, until it is dropped.
struct Beside {
    line: String,
    port: u16,
    folder: PathBuf,
    server: ServerHandle,
}

impl Beside {
    fn start(name: &str, folder: &Path, port: u16) -> Beside {
        let keys = vec![signer().verifier().clone()];
        let witness = Witness::open(folder, Some(name), keys).unwrap();
        let vkey = witness.key().format();
        // It comes back at the same one, which nobody may have taken meanwhile.
        let port = if port == 0 { own_port() } else { port };
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let server = serve(witness, listener).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        Beside {
            line: format!("witness {name} {vkey} http://127.0.0.1:{port}/\n"),
            port,
            folder: folder.to_owned(),
            server: handle,
        }
    }

    async fn stop(self) {
        self.server.stop(true).await;
        // The next one in this folder finds it free.
        let free = async {
            while try_lock(&self.folder).unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, free).await.expect("stopped");
    }
}

fn policy(witnesses: &[&str], threshold: &str) -> Policy {
    let names: Vec<&str> = witnesses
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    let text = format!(
        "log {}\n{}group all {threshold} {}\nquorum all\n",
        signer().verifier().format(),
        witnesses.concat(),
        names.join(" ")
    );
    Policy::parse(text.as_bytes()).unwrap()
}

/// Makes the service of these settings ask these witnesses.
fn asking(settings: &mut Settings, policy: Policy, quorum_required: bool) {
    let keys = settings.data_dir.join("keys");
    fs::create_dir_all(&keys).unwrap();
    fs::write(keys.join("log.key"), signer().to_secret_text()).unwrap();
    settings.witnesses = Some(CosignSettings {
        policy,
        time_limit: Duration::from_millis(500),
        quorum_required,
        retry_after: Duration::from_millis(50),
    });
}

async fn app(policy: &Policy, quorum_required: bool) -> TestApp {
    TestApp::start_with(|settings| asking(settings, policy.clone(), quorum_required)).await
}

/// The public checkpoint, once it is as wanted.
async fn checkpoint(app: &TestApp, wanted: impl Fn(&SignedNote) -> bool) -> SignedNote {
    let asked = async {
        loop {
            let answer = app.get("/log/checkpoint").await;
            if answer.status() == 200 {
                let note = SignedNote::parse(&answer.text().await.unwrap()).unwrap();
                if wanted(&note) {
                    return note;
                }
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, asked).await.expect("published")
}

fn size(note: &SignedNote) -> u64 {
    let checkpoint = Checkpoint::parse(note.unverified_text()).unwrap();
    checkpoint.head.size.0
}

/// `/readyz`, once it says this status.
async fn ready(app: &TestApp, wanted: u16) -> Value {
    let asked = async {
        loop {
            let answer = app.get("/readyz").await;
            if answer.status() == wanted {
                return answer.json().await.unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, asked).await.expect("readyz")
}

async fn findings(app: &TestApp, policy: &Policy) -> Vec<String> {
    let mut conn = app.running.database.checker.acquire().await.unwrap();
    let folder = app.public_log();
    let order = CheckOrder {
        witnesses: Some(policy),
        ..CheckOrder::new(&folder)
    };
    check_with(&mut conn, order, |_, _| {})
        .await
        .unwrap()
        .findings
}

#[tokio::test(flavor = "multi_thread")]
async fn two_witnesses_stand_behind_every_checkpoint_and_every_bundle() {
    let folders = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let one = Beside::start("one.example", folders.0.path(), 0);
    let two = Beside::start("two.example", folders.1.path(), 0);
    let both = policy(&[&one.line, &two.line], "all");
    let app = app(&both, true).await;
    let code = app.issue("L1", 1).await.remove(0);
    for id in 1..4 {
        app.capture(&[observation(id, "L1")]).await;
        app.sealed().await;
        let note = checkpoint(&app, |_| true).await;
        assert_eq!(both.witnessed(&note).unwrap().len(), 2);
    }
    assert!(findings(&app, &both).await.is_empty());
    let metrics = app.get_text("/metrics").await;
    assert!(metrics.contains("\nsealing_stopped 0\n"), "{metrics}");
    for witness in ["one.example", "two.example"] {
        let lag = format!("\nwitness_lag_entries{{witness=\"{witness}\"}} 0\n");
        assert!(metrics.contains(&lag), "{metrics}");
    }

    let bundle = app.get_text(&format!("/proof{code}")).await;
    let story = Verifier::parse(&app.running.story_vkey).unwrap();
    let trust = |policy| Trust {
        story: Some(&story),
        policy: Some(policy),
        ..Trust::default()
    };
    let verified = verify(bundle.as_bytes(), &trust(&both)).unwrap();
    let names: Vec<String> = verified
        .witnesses
        .unwrap()
        .into_iter()
        .map(|witness| witness.name)
        .collect();
    assert_eq!(names, ["one.example", "two.example"]);

    // The negative twin: without the second one's line the rest is no quorum of two, and still one.
    let value: Value = serde_json::from_str(&bundle).unwrap();
    let note = value["checkpoint"].as_str().unwrap();
    let start = note.find("— two.example").unwrap();
    let stripped = serde_json::to_string(&note[..start]).unwrap();
    let whole = serde_json::to_string(note).unwrap();
    let less = bundle.replacen(&whole, &stripped, 1);
    assert_ne!(less, bundle);
    let refused = verify(less.as_bytes(), &trust(&both)).unwrap_err();
    assert!(matches!(refused, BundleError::Quorum(_)), "{refused}");
    assert!(refused.to_string().contains("one.example"), "{refused}");
    let any = policy(&[&one.line, &two.line], "any");
    assert!(verify(less.as_bytes(), &trust(&any)).is_ok());
    one.stop().await;
    two.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_away_stops_nothing_and_is_heard_when_it_is_back() {
    let folders = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let here = Beside::start("here.example", folders.0.path(), 0);
    let away = Beside::start("away.example", folders.1.path(), 0);
    let (line, port) = (away.line.clone(), away.port);
    away.stop().await;
    let both = policy(&[&here.line, &line], "all");
    let app = app(&both, false).await;
    app.capture(&[observation(1, "L1")]).await;
    app.sealed().await;
    let note = checkpoint(&app, |note| size(note) == 2).await;
    assert!(both.witnessed(&note).is_err());
    assert!(policy(&[&here.line], "all").witnessed(&note).is_ok());
    let state = ready(&app, 200).await;
    assert_eq!(state["witnesses"][0]["cosigned"], 2);
    assert!(state["witnesses"][0].get("fault").is_none());
    let fault = state["witnesses"][1]["fault"].as_str().unwrap();
    assert!(fault.contains("refused"), "{fault}");

    let back = Beside::start("away.example", folders.1.path(), port);
    let note = checkpoint(&app, |note| both.witnessed(note).is_ok()).await;
    assert_eq!(size(&note), 2, "nothing was sealed for it");
    assert!(findings(&app, &both).await.is_empty());
    // With both away a restart takes nothing from what they said.
    back.stop().await;
    here.stop().await;
    let app = app.restart().await;
    app.capture(&[observation(2, "L1")]).await;
    let before = app.get_text("/log/checkpoint").await;
    assert_eq!(before, note.format());
    app.sealed().await;
    let note = checkpoint(&app, |note| size(note) == 3).await;
    assert!(both.witnessed(&note).is_err());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_of_the_same_tree_keeps_what_was_said_of_it() {
    let folders = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let stays = Beside::start("stays.example", folders.0.path(), 0);
    let goes = Beside::start("goes.example", folders.1.path(), 0);
    let both = policy(&[&stays.line, &goes.line], "all");
    let app = TestApp::start_with(|settings| {
        asking(settings, both.clone(), false);
        settings.heartbeat = Duration::from_millis(50);
    })
    .await;
    app.sealed().await;
    checkpoint(&app, |note| both.witnessed(note).is_ok()).await;
    goes.stop().await;
    let seals = async || app.get_text("/log/anchors.jsonl").await.lines().count();
    let before = seals().await;
    let beats = async {
        while seals().await < before + 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, beats)
        .await
        .expect("it beats on");
    let note = checkpoint(&app, |_| true).await;
    assert_eq!(both.witnessed(&note).unwrap().len(), 2);
    // Another tree is another matter.
    app.capture(&[observation(1, "L1")]).await;
    let note = checkpoint(&app, |note| size(note) == 2).await;
    assert!(both.witnessed(&note).is_err());
    stays.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_quorum_is_required_nothing_is_public_without_it() {
    let folder = TempDir::new().unwrap();
    let witness = Beside::start("late.example", folder.path(), 0);
    let (line, port) = (witness.line.clone(), witness.port);
    witness.stop().await;
    let wanted = policy(&[&line], "all");
    let app = app(&wanted, true).await;
    app.capture(&[observation(1, "L1")]).await;
    // Sealed and anchored, and no checkpoint of it.
    let anchored = async {
        while app.get("/log/anchors.jsonl").await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, anchored)
        .await
        .expect("anchored");
    assert_eq!(app.get("/log/checkpoint").await.status(), 404);
    let code = format!("/proof/01/{}/10/L1", crate::support::GTIN);
    assert_ne!(app.get(&code).await.status(), 200);

    let back = Beside::start("late.example", folder.path(), port);
    let note = checkpoint(&app, |note| size(note) == 2).await;
    assert_eq!(wanted.witnessed(&note).unwrap().len(), 1);
    app.sealed().await;
    assert_eq!(app.get(&code).await.status(), 200);
    back.stop().await;
    // What was public stays public, and a bundle of it still has its quorum.
    let app = app.restart().await;
    app.capture(&[observation(2, "L1")]).await;
    let state = ready(&app, 200).await;
    assert_eq!(state["tree_size"], 2);
    let bundle = app.get_text(&code).await;
    let story = Verifier::parse(&app.running.story_vkey).unwrap();
    let trust = Trust {
        story: Some(&story),
        policy: Some(&wanted),
        ..Trust::default()
    };
    assert_eq!(verify(bundle.as_bytes(), &trust).unwrap().size.0, 2);
    assert_eq!(story.name(), StoryNote::key_name("log.example"));
    // Nobody has said yet that this is still the one history: nothing more is sealed, not even at the end.
    let mut conn = owner(&app.settings).await;
    let seals = "SELECT count(*) FROM seal";
    let before = number(&mut conn, seals).await;
    let app = app.restart().await;
    assert_eq!(number(&mut conn, seals).await, before);
    let back = Beside::start("late.example", folder.path(), port);
    app.sealed().await;
    assert_eq!(number(&mut conn, seals).await, before + 1);
    back.stop().await;
    app.stop().await;
}

/// The service must say why on `/readyz`, and seal nothing from then on, not even after a restart.
async fn stops_for_good(app: TestApp, words: &[&str]) {
    let state = ready(&app, 503).await;
    let reason = state["reason"].as_str().unwrap();
    assert_eq!(state["sealing"], false);
    for word in words {
        assert!(reason.contains(word), "{word:?} is not in {reason:?}");
    }
    let metrics = app.get_text("/metrics").await;
    assert!(metrics.contains("\nsealing_stopped 1\n"), "{metrics}");
    let app = app.restart().await;
    let state = ready(&app, 503).await;
    assert_eq!(state["reason"].as_str().unwrap(), reason);
    let mut conn = owner(&app.settings).await;
    let before = standing(&mut conn).await;
    let answer = app
        .post(
            "/epcis/capture",
            crate::support::document::document(&[observation(77, "L1")]),
        )
        .await;
    assert_eq!(answer.status(), 202, "captures are taken all the same");
    // Stopping seals what is pending, if anything is sealed at all.
    let (_, _data) = app.stop().await;
    let after = standing(&mut conn).await;
    let seals = |text: &str| {
        let sealed = text.lines().filter(|line| !line.contains("pending_batch"));
        sealed.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(seals(&after), seals(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_history_under_the_same_key_is_refused_and_ends_all_sealing() {
    let folder = TempDir::new().unwrap();
    let witness = Beside::start("one.example", folder.path(), 0);
    let wanted = policy(&[&witness.line], "all");
    let first = app(&wanted, false).await;
    first.capture(&[observation(1, "L1")]).await;
    first.sealed().await;
    // The same key, and another database: the log's second history. It grows beyond the first.
    let second = app(&wanted, false).await;
    stops_for_good(second, &["one.example", "another history"]).await;
    // The first one is not disturbed.
    first.capture(&[observation(2, "L1")]).await;
    first.sealed().await;
    checkpoint(&first, |note| size(note) == 3).await;
    witness.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_taken_back_with_all_its_files_is_found_out_by_its_witness() {
    let folder = TempDir::new().unwrap();
    let witness = Beside::start("one.example", folder.path(), 0);
    let wanted = policy(&[&witness.line], "all");
    let grown = app(&wanted, false).await;
    for id in 1..4 {
        grown.capture(&[observation(id, "L1")]).await;
        grown.sealed().await;
    }
    grown.stop().await;
    // An empty database and an empty public folder: nothing here remembers that there was more.
    let old = app(&wanted, false).await;
    let words = ["one.example", "tree of 4 leaves", "only 1"];
    stops_for_good(old, &words).await;
    witness.stop().await;
}

/// Something at a witness's address that is not a good witness.
fn misbehaving(status: u16, content_type: &'static str, body: String) -> (String, ServerHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Data::new((status, content_type, body));
    let server = HttpServer::new(move || {
        App::new().app_data(answer.clone()).default_service(web::to(
            |asked: String, answer: Data<(u16, &'static str, String)>| async move {
                // As one that remembers: whoever does not know is told first.
                if matches!(answer.0, 422 | 409) && answer.2 == "1" && asked.starts_with("old 0\n")
                {
                    return HttpResponse::Conflict()
                        .content_type("Text/X.tlog.size; charset=utf-8")
                        .body("1\n");
                }
                HttpResponse::build(StatusCode::from_u16(answer.0).unwrap())
                    .content_type(answer.1)
                    .body(answer.2.clone())
            },
        ))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .unwrap()
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    let key = auditlog::cosignature::WitnessSigner::from_seed("bad.example", &[9; 32]).unwrap();
    let line = format!(
        "witness bad.example {} http://127.0.0.1:{port}\n",
        key.key().format()
    );
    (line, handle)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_is_a_fault_of_that_witness_and_of_nobody_else() {
    let stranger =
        auditlog::cosignature::WitnessSigner::from_seed("bad.example", &[8; 32]).unwrap();
    let own = auditlog::cosignature::WitnessSigner::from_seed("bad.example", &[9; 32]).unwrap();
    let other = "log.example\n9\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    let text = "text/plain; charset=utf-8";
    let size = "text/x.tlog.size";
    let cases = [
        (200, text, String::new(), "did not sign"),
        (200, text, "<html>".to_owned(), "not signature lines"),
        (
            200,
            text,
            stranger.cosign(other, 1).format(),
            "did not sign",
        ),
        (200, text, own.cosign(other, 1).format(), "is wrong"),
        (200, text, "x".repeat(17 * 1024), "longer than"),
        (409, size, "many\n".to_owned(), "not a tree size"),
        (409, size, "0\n".to_owned(), "another size each time"),
        (400, text, String::new(), "answers 400"),
        (403, text, String::new(), "does not trust the key"),
        (404, text, String::new(), "does not follow"),
        (409, text, String::new(), "refuses the first request"),
        (422, text, String::new(), "refuses the first request"),
        (429, text, String::new(), "answers 429"),
        (500, text, String::new(), "answers 500"),
        (302, text, String::new(), "answers 302"),
    ];
    for (status, content_type, body, words) in cases {
        let (line, server) = misbehaving(status, content_type, body.clone());
        let app = app(&policy(&[&line], "all"), false).await;
        app.capture(&[observation(1, "L1")]).await;
        app.sealed().await;
        let state = ready(&app, 200).await;
        let fault = state["witnesses"][0]["fault"].as_str().unwrap_or_default();
        assert!(fault.contains(words), "{status} {body}: {fault:?}");
        app.stop().await;
        server.stop(true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_says_it_saw_something_else_is_believed() {
    for (status, words) in [(422, "(422)"), (409, "(409)")] {
        let (line, server) = misbehaving(status, "text/plain", "1".to_owned());
        let app = app(&policy(&[&line], "all"), false).await;
        stops_for_good(app, &["bad.example", "another history", words]).await;
        server.stop(true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_never_answers_holds_up_one_checkpoint_and_not_the_next() {
    // It takes connections and stays silent.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let key = auditlog::cosignature::WitnessSigner::from_seed("bad.example", &[9; 32]).unwrap();
    let line = format!(
        "witness bad.example {} http://{}\n",
        key.key().format(),
        silent.local_addr().unwrap()
    );
    let app = app(&policy(&[&line], "all"), false).await;
    for id in 1..4 {
        app.capture(&[observation(id, "L1")]).await;
        app.sealed().await;
    }
    let state = ready(&app, 200).await;
    assert_eq!(state["tree_size"], 4);
    let fault = state["witnesses"][0]["fault"].as_str().unwrap();
    assert!(fault.contains("no answer within 500 ms"), "{fault}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_tiles_do_not_look_like_another_history() {
    let folder = TempDir::new().unwrap();
    let witness = Beside::start("one.example", folder.path(), 0);
    let wanted = policy(&[&witness.line], "all");
    let app = app(&wanted, false).await;
    app.capture(&[observation(1, "L1"), observation(2, "L1")])
        .await;
    app.sealed().await;
    let (settings, data_dir) = app.stop().await;
    // The witness forgets nothing; what it is shown next is built from a damaged tile.
    let tile = data_dir.path().join("public/log/tile/0/000.p/3");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[0] ^= 1;
    fs::write(&tile, &bytes).unwrap();
    let checkpoint_file = data_dir.path().join("public/log/checkpoint");
    fs::remove_file(&checkpoint_file).unwrap();
    let running = rootmark::app::Running::start(&settings).await.unwrap();
    let http = rootmark::http_client::loopback();
    let asked = async {
        loop {
            let answer = http.get(format!("{}/readyz", running.url)).send().await;
            let state: Value = answer.unwrap().json().await.unwrap();
            if let Some(fault) = state["witnesses"][0]["fault"].as_str() {
                return (fault.to_owned(), state["sealing"].clone());
            }
            tokio::task::yield_now().await;
        }
    };
    let (fault, sealing) = tokio::time::timeout(LIMIT, asked).await.expect("asked");
    assert!(fault.contains("tiles do not lead"), "{fault}");
    assert_eq!(sealing, true);
    running.stop().await;
    witness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_a_line_that_no_witness_made() {
    let folder = TempDir::new().unwrap();
    let witness = Beside::start("one.example", folder.path(), 0);
    let wanted = policy(&[&witness.line], "all");
    let app = app(&wanted, false).await;
    app.sealed().await;
    let path = app.public_log().join("checkpoint");
    let good = fs::read_to_string(&path).unwrap();
    assert!(findings(&app, &wanted).await.is_empty());
    let stranger = NoteSigner::from_seed("spam.example", &[3; 32]).unwrap();
    let mut note = SignedNote::parse(&good).unwrap();
    note.add_signature_by(&stranger);
    fs::write(&path, note.format()).unwrap();
    let found = findings(&app, &wanted).await;
    assert!(found.join("\n").contains("spam.example"), "{found:?}");
    // Every byte of it counts, those of the cosignature too.
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let found = findings(&app, &wanted).await;
        assert!(
            found
                .iter()
                .any(|finding| finding.starts_with("checkpoint: ")),
            "byte {at}: {found:?}"
        );
    }
    fs::write(&path, good).unwrap();
    assert!(findings(&app, &wanted).await.is_empty());
    witness.stop().await;
    app.stop().await;
}
