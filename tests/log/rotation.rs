//! The log's key is changed: both sign for a while, and after that the old one signs nothing.

use auditlog::TreeSize;
use auditlog::bundle::{Trust, verify};
use auditlog::checkpoint::Checkpoint;
use auditlog::keys::{KeyHistory, LogKeys};
use auditlog::note::{NoteSigner, SignedNote, Verifier};
use rootmark::anchor::PublishError;
use rootmark::app::rotation::{MAX_OVERLAP, RotationError, RotationOrder, rotate};
use rootmark::app::{Core, KeyError, OpenAs, StartError};
use rootmark::seal::{LogSigners, SealError, seal};
use sqlx::Connection;
use tokio::task::JoinSet;

use crate::bench::{Bench, change_one, rows, run};
use crate::check_fixture::is_named;
use crate::programs::{rootmark, rootmark_without_settings};
use crate::public_files::read_all;
use crate::support::TestApp;
use crate::support::document::{item_observation, observation};

const PLAIN: RotationOrder<'_> = RotationOrder {
    overlap: 10,
    new_key: None,
};

async fn capture(bench: &Bench, events: std::ops::Range<u32>) {
    let events: Vec<String> = events.map(|id| observation(id, "L1")).collect();
    bench.capture(&events).await;
}

fn history(bench: &Bench) -> KeyHistory {
    let text = String::from_utf8(read_all(bench.folder())["keys.jsonl"].clone()).unwrap();
    KeyHistory::parse(&text).unwrap()
}

/// The keys that signed a note, oldest first.
fn signers(keys: &LogKeys, note: &str) -> Vec<Verifier> {
    let note = SignedNote::parse(note).unwrap();
    let keys = keys.all().iter().map(|key| key.verifier.clone());
    keys.filter(|key| note.verify(key).is_ok()).collect()
}

/// The log's secret keys as they lie in the folder, oldest first.
fn secret(bench: &Bench, key: &Verifier) -> NoteSigner {
    let files = std::fs::read_dir(bench.data_dir().join("keys")).unwrap();
    let mut signers = files.filter_map(|file| {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        NoteSigner::parse(text.trim_end()).ok()
    });
    signers.find(|signer| signer.verifier() == key).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_keys_sign_up_to_the_last_size_of_the_overlap_and_then_the_new_one_alone() {
    let mut bench = Bench::new().await;
    capture(&bench, 0..5).await;
    bench.sealed_and_public().await;
    let rotated = bench.rotate(3).await.rotation;
    assert_eq!((rotated.from, rotated.until), (TreeSize(5), TreeSize(8)));
    let (old, new) = (rotated.old, rotated.new);
    bench.seal_at(bench.tick(), true).await.unwrap().unwrap();
    for id in 5..9 {
        capture(&bench, id..id + 1).await;
        bench.sealed().await;
    }
    bench.publish().await.unwrap();
    let keys = history(&bench).log;
    let both = vec![old.clone(), new.clone()];
    let expected = [
        vec![old.clone()],
        both.clone(),
        both.clone(),
        both.clone(),
        both,
        vec![new.clone()],
    ];
    let lines = bench.lines().await;
    let found: Vec<_> = lines
        .iter()
        .map(|l| signers(&keys, &l.checkpoint))
        .collect();
    assert_eq!(found, expected);
    for line in &lines {
        keys.open_line(line).unwrap();
    }
    bench.assert_clean("after a rotation").await;
    let vkey = &read_all(bench.folder())["vkey"];
    assert_eq!(String::from_utf8_lossy(vkey).trim_end(), new.format());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealer_with_the_old_key_alone_signs_nothing_that_counts() {
    let mut bench = Bench::new().await;
    capture(&bench, 0..2).await;
    bench.sealed_and_public().await;
    let old = std::sync::Arc::clone(&bench.core.keys.log);
    let rotation = bench.rotate(10).await.rotation;
    capture(&bench, 2..3).await;
    let before = bench.standing().await;
    let mut conn = bench.sealer().await;
    let error = seal(&mut conn, &old, bench.tick(), false)
        .await
        .unwrap_err();
    assert!(matches!(error, SealError::OtherKey { .. }), "{error}");
    // Nor does the new one alone while both must sign.
    let alone = LogSigners::new(secret(&bench, &rotation.new), None);
    let error = seal(&mut conn, &alone, bench.tick(), false)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            SealError::KeyMissing {
                size: TreeSize(3),
                ..
            }
        ),
        "{error}"
    );
    // What it began ends with its connection.
    conn.close().await.unwrap();
    assert_eq!(bench.standing().await, before);
    assert_eq!(bench.sealed().await.head.size.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_between_reading_the_head_and_moving_it_discards_what_the_old_key_signed() {
    let bench = std::sync::Arc::new(Bench::new().await);
    capture(&bench, 0..1).await;
    let mut owner = bench.owner().await;
    run(&mut owner, "BEGIN; SELECT * FROM log_head FOR UPDATE").await;
    let mut conn = bench.sealer().await;
    let sealing = tokio::spawn({
        let bench = std::sync::Arc::clone(&bench);
        async move { seal(&mut conn, &bench.core.keys.log, bench.tick(), false).await }
    });
    let mut watcher = bench.owner().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while crate::bench::number(&mut watcher, waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    change_one(&mut owner, "UPDATE log_head SET vkey = vkey || 'x'").await;
    run(&mut owner, "COMMIT").await;
    let error = sealing.await.unwrap().unwrap_err();
    assert!(matches!(error, SealError::HeadMoved(_)), "{error}");
    assert!(bench.lines().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_rotation_waits_for_the_end_of_the_first_overlap() {
    let mut bench = Bench::new().await;
    capture(&bench, 0..2).await;
    bench.sealed().await;
    bench.rotate(2).await;
    for size in 2..=4u32 {
        if size > 2 {
            capture(&bench, size..size + 1).await;
            bench.sealed().await;
        }
        let files = std::fs::read_dir(bench.data_dir().join("keys"))
            .unwrap()
            .count();
        let error = rotate(&bench.core, PLAIN).await.unwrap_err();
        assert!(
            matches!(
                error,
                RotationError::OverlapLasts {
                    until: TreeSize(4),
                    ..
                }
            ),
            "{size}: {error}"
        );
        let now = std::fs::read_dir(bench.data_dir().join("keys"))
            .unwrap()
            .count();
        assert_eq!(now, files, "no key was made");
    }
    capture(&bench, 10..11).await;
    bench.sealed().await;
    bench.rotate(0).await;
    capture(&bench, 20..21).await;
    bench.sealed().await;
    bench.publish().await.unwrap();
    assert_eq!(history(&bench).log.all().len(), 3);
    bench.assert_clean("after two rotations").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_the_next_key_changes_nothing() {
    let bench = Bench::new().await;
    let name = bench.core.keys.log.verifier().name().to_owned();
    let path = bench.data_dir().join("next.key");
    let before = bench.standing().await;
    let own = secret(&bench, bench.core.keys.log.verifier());
    let stranger = NoteSigner::from_seed("other.example", &[3; 32]).unwrap();
    let good = NoteSigner::from_seed(&name, &[3; 32]).unwrap();
    let order = RotationOrder {
        overlap: 0,
        new_key: Some(&path),
    };
    for text in [
        own.to_secret_text(),
        stranger.to_secret_text(),
        "no key at all".into(),
    ] {
        std::fs::write(&path, &text).unwrap();
        let error = rotate(&bench.core, order).await.unwrap_err();
        let refused = matches!(error, RotationError::Fault(_) | RotationError::Key(_));
        assert!(refused && !error.to_string().contains(&text), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    let error = rotate(&bench.core, order).await.unwrap_err();
    assert!(matches!(error, RotationError::Key(_)), "{error}");
    std::fs::write(&path, good.to_secret_text()).unwrap();
    let overlap = MAX_OVERLAP + 1;
    let error = rotate(&bench.core, RotationOrder { overlap, ..order }).await;
    assert!(matches!(error, Err(RotationError::TooLong)));
    assert_eq!(bench.standing().await, before);
    let rotation = rotate(&bench.core, order).await.unwrap().rotation;
    assert_eq!(rotation.new, *good.verifier());
    // Whoever loaded the keys before does not know.
    let error = rotate(&bench.core, order).await.unwrap_err();
    assert!(
        matches!(error, RotationError::OverlapLasts { .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_old_key_signs_nothing_that_anybody_believes_after_the_overlap() {
    let mut bench = Bench::new().await;
    capture(&bench, 0..2).await;
    bench.sealed_and_public().await;
    let rotation = bench.rotate(0).await.rotation;
    capture(&bench, 2..4).await;
    bench.sealed_and_public().await;
    let stolen = secret(&bench, &rotation.old);
    let line = bench.lines().await.pop().unwrap();
    let checkpoint = Checkpoint {
        origin: stolen.verifier().name().to_owned(),
        head: line.head,
    };
    let forged = checkpoint.sign(&stolen).unwrap();
    let keys = history(&bench).log;
    assert!(keys.open(&forged).is_err());
    // The twin: the key that signs this size is believed.
    let right = checkpoint.sign(&secret(&bench, &rotation.new)).unwrap();
    keys.open(&right).unwrap();
    let mut forged_line = line.clone();
    forged_line.checkpoint = forged.format();
    let mut owner = bench.owner().await;
    let text = forged_line.format().replace('\'', "''");
    change_one(
        &mut owner,
        &format!("UPDATE seal SET anchor_line = '{text}' WHERE number = 2"),
    )
    .await;
    let report = bench.check().await.unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|f| f.starts_with("seal 2: ") && f.contains("does not sign trees of 4 leaves")),
        "{:#?}",
        report.findings
    );
    owner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_of_the_overlap_that_one_key_alone_signed_is_a_finding() {
    let mut bench = Bench::new().await;
    capture(&bench, 0..1).await;
    bench.sealed_and_public().await;
    let rotation = bench.rotate(5).await.rotation;
    capture(&bench, 1..2).await;
    bench.sealed().await;
    let line = bench.lines().await.pop().unwrap();
    let origin = rotation.new.name().to_owned();
    let head = line.head;
    let alone = Checkpoint { origin, head }.sign(&secret(&bench, &rotation.new));
    let mut forged = line.clone();
    forged.checkpoint = alone.unwrap().format();
    let mut owner = bench.owner().await;
    let set = format!(
        "UPDATE seal SET anchor_line = '{}' WHERE number = 2",
        forged.format()
    );
    change_one(&mut owner, &set).await;
    let report = bench.check().await.unwrap();
    let old = format!(
        "seal 2: it is not signed with {} as well",
        rotation.old.format()
    );
    assert!(report.findings.contains(&old), "{:#?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_that_do_not_follow_stop_sealing_and_publishing_and_are_found() {
    let mut bench = Bench::new().await;
    capture(&bench, 0..1).await;
    bench.sealed_and_public().await;
    bench.rotate(5).await;
    bench.publish().await.unwrap();
    capture(&bench, 1..2).await;
    let mut owner = bench.owner().await;
    run(&mut owner, "CREATE TABLE kept AS TABLE key_rotation").await;
    for broken in [
        "DELETE FROM key_rotation",
        "UPDATE key_rotation SET number = 2",
        "UPDATE key_rotation SET note = replace(note, '/keys', '/story')",
        "UPDATE key_rotation SET note = ''",
        "INSERT INTO key_rotation SELECT 2, note FROM key_rotation",
    ] {
        run(&mut owner, broken).await;
        let before = bench.standing().await;
        let error = bench.seal().await.unwrap_err();
        assert!(matches!(error, SealError::Keys(_)), "{broken}: {error}");
        let error = bench.publish_to(&bench.core.public_log).await.unwrap_err();
        assert!(matches!(error, PublishError::Keys(_)), "{broken}: {error}");
        let start = Core::open(&bench.settings, OpenAs::Command).await;
        assert!(
            matches!(start, Err(StartError::Keys(KeyError::History(_)))),
            "{broken}"
        );
        let report = bench.check().await.unwrap();
        assert!(
            is_named(&report.findings, &["key_rotation".into()]),
            "{broken}"
        );
        assert_eq!(bench.standing().await, before, "{broken}");
        run(
            &mut owner,
            "DELETE FROM key_rotation; INSERT INTO key_rotation TABLE kept",
        )
        .await;
    }
    bench.sealed_and_public().await;
    bench.assert_clean("after the rotation was put back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_never_updated_or_deleted_by_any_role_of_the_service() {
    let bench = Bench::new().await;
    let mut owner = bench.owner().await;
    let granted = rows(
        &mut owner,
        "SELECT grantee || ' ' || privilege_type FROM information_schema.role_table_grants
         WHERE table_name = 'key_rotation' AND grantee LIKE 'rootmark\\_%' ORDER BY 1",
    )
    .await;
    let expected = [
        "rootmark_checker SELECT",
        "rootmark_reader SELECT",
        "rootmark_sealer INSERT",
        "rootmark_sealer SELECT",
    ];
    assert_eq!(granted, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_before_the_rotation_does_not_take_it_back() {
    let mut bench = Bench::new().await;
    capture(&bench, 0..1).await;
    bench.sealed_and_public().await;
    let old = std::sync::Arc::clone(&bench.core.keys.log);
    bench.rotate(5).await;
    bench.publish().await.unwrap();
    let public = read_all(bench.folder());
    // No seal came after it, so that nothing but the history of keys tells.
    let mut owner = bench.owner().await;
    let vkey = old.verifier().format();
    run(
        &mut owner,
        &format!(
            "DELETE FROM key_rotation;
             UPDATE log_head SET vkey = '{vkey}', key_rotations = 0"
        ),
    )
    .await;
    let error = bench.publish_to(&bench.core.public_log).await.unwrap_err();
    assert!(
        matches!(
            error,
            PublishError::KeysAhead {
                public: 2,
                known: 1
            }
        ),
        "{error}"
    );
    assert_eq!(read_all(bench.folder()), public);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_key_must_be_at_hand_until_the_overlap_is_over_and_not_after_it() {
    let mut bench = Bench::new().await;
    capture(&bench, 0..1).await;
    bench.sealed_and_public().await;
    bench.rotate(1).await;
    let path = bench.data_dir().join("keys/log.key");
    let kept = std::fs::read_to_string(&path).unwrap();
    let open = || Core::open(&bench.settings, OpenAs::Command);
    std::fs::remove_file(&path).unwrap();
    let missing = open().await.unwrap_err();
    assert!(
        matches!(&missing, StartError::Keys(KeyError::Missing(p)) if *p == path),
        "{missing}"
    );
    let name = bench.core.keys.log.verifier().name();
    let other = NoteSigner::from_seed(name, &[5; 32]).unwrap();
    std::fs::write(&path, other.to_secret_text()).unwrap();
    let wrong = open().await.unwrap_err();
    assert!(
        matches!(&wrong, StartError::Keys(KeyError::Wrong { path: p, .. }) if *p == path),
        "{wrong}"
    );
    std::fs::write(&path, kept).unwrap();
    open().await.unwrap().close().await;
    capture(&bench, 1..3).await;
    bench.sealed_and_public().await;
    std::fs::remove_file(&path).unwrap();
    open().await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_takes_up_a_rotation_made_beside_it_under_load() {
    let app = TestApp::start().await;
    let paths = app.issue("L1", 1).await;
    app.sealed().await;
    let first = app.get_text("/log/vkey").await;
    let mut load = JoinSet::new();
    let app = std::sync::Arc::new(app);
    for client in 0..3u32 {
        let app = std::sync::Arc::clone(&app);
        load.spawn(async move {
            for round in 0..12 {
                let first = 1_000 * (client + 1) + 3 * round;
                let events: Vec<_> = (first..first + 3).map(|id| observation(id, "L1")).collect();
                app.capture(&events).await;
            }
        });
    }
    let said = rootmark(
        &app.settings,
        &["key", "rotate", "--overlap", "20", "--json"],
    )
    .await;
    assert_eq!(said.code, 0, "{said:?}");
    load.join_all().await;
    app.sealed().await;
    app.capture(&[item_observation(9_000, "A1")]).await;
    app.sealed().await;
    let keys_file = app.get_text("/log/keys.jsonl").await;
    let history = KeyHistory::parse(&keys_file).unwrap();
    assert_eq!(history.log.all().len(), 2);
    let anchors = app.get_text("/log/anchors.jsonl").await;
    let mut last = Vec::new();
    for line in anchors.lines() {
        let line = auditlog::anchor::AnchorLine::parse(line).unwrap();
        history.log.open_line(&line).unwrap();
        last = signers(&history.log, &line.checkpoint);
    }
    let vkey = app.get_text("/log/vkey").await;
    assert_ne!(vkey, first);
    assert_eq!(said.json()["new_vkey"], vkey.trim_end());
    assert_eq!(last.last().unwrap().format(), vkey.trim_end());
    assert_bundle_follows(&app, &paths[0], &history, [&first, &vkey]).await;
    let mut conn = app.running.database.checker.acquire().await.unwrap();
    let report = rootmark::check::check(&mut conn, &app.public_log(), |_, _| {}).await;
    let report = report.unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// With the history of keys a bundle is verified by whoever trusts either key, and without it by the
/// newest alone.
async fn assert_bundle_follows(
    app: &TestApp,
    path: &str,
    history: &KeyHistory,
    [old, new]: [&str; 2],
) {
    let bundle = app.get_text(&format!("/proof{path}")).await;
    for (vkey, alone) in [(old, false), (new, true)] {
        let key = Verifier::parse(vkey.trim_end()).unwrap();
        let with = |keys| Trust {
            log: Some(&key),
            keys,
            ..Trust::default()
        };
        verify(bundle.as_bytes(), &with(Some(history))).unwrap();
        assert_eq!(verify(bundle.as_bytes(), &with(None)).is_ok(), alone);
        let file = app.data_dir.path().join("proof.json");
        std::fs::write(&file, &bundle).unwrap();
        let keys = app.public_log().join("keys.jsonl");
        let (file, keys) = (file.to_str().unwrap(), keys.to_str().unwrap());
        let arguments = ["verify", file, "--vkey", vkey.trim_end()];
        let said = rootmark_without_settings(&arguments).await;
        assert_eq!(said.code == 0, alone, "{said:?}");
        let arguments = [&arguments[..], &["--keys", keys]].concat();
        let said = rootmark_without_settings(&arguments).await;
        assert_eq!(said.code, 0, "{said:?}");
        let arguments = ["verify", file, "--keys", file];
        assert_eq!(rootmark_without_settings(&arguments).await.code, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_are_shown_without_a_secret() {
    let mut bench = Bench::new().await;
    let rotation = bench.rotate(7).await.rotation;
    let said = rootmark(&bench.settings, &["key", "show", "--json"]).await;
    let json = said.json();
    assert_eq!(json["keys"][0]["vkey"], rotation.old.format());
    assert_eq!(json["keys"][0]["until_tree_size"], 7);
    assert_eq!(json["keys"][1]["vkey"], rotation.new.format());
    assert_eq!(json["keys"][1]["until_tree_size"], serde_json::Value::Null);
    let words = rootmark(&bench.settings, &["key", "show"]).await;
    assert!(words.out.contains(&rotation.new.format()), "{words:?}");
    for said in [said, words] {
        assert!(!said.out.contains("PRIVATE") && !said.err.contains("PRIVATE"));
    }
}
