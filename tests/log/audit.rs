//! An audit needs nothing but public files and a key, and names the first thing that is wrong with them.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use auditlog::note::Verifier;
use auditlog::tile::TilePath;
use rootmark::audit::{
    AuditError, AuditOrder, Audited, Folder, LogSource, Place, Server, SourceError, State, audit,
};
use tempfile::TempDir;

use crate::bench::Bench;
use crate::public_files::{Files, read_all};
use crate::support::document::observation;

/// The public files in memory, some of them changed, with a count of what was read.
#[derive(Clone, Default)]
struct Memory {
    files: Arc<Files>,
    changed: Arc<BTreeMap<String, Option<Vec<u8>>>>,
    reads: Arc<AtomicUsize>,
    names: Arc<Mutex<Vec<String>>>,
}

impl LogSource for Memory {
    async fn read(&self, name: String, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.names.lock().unwrap().push(name.clone());
        let changed = self.changed.get(&name);
        let bytes = changed
            .cloned()
            .unwrap_or_else(|| self.files.get(&name).cloned());
        match bytes {
            Some(bytes) if bytes.len() > limit => Err(SourceError::TooLong { name, limit }),
            bytes => Ok(bytes),
        }
    }
}

impl Memory {
    fn of(folder: &Path) -> Memory {
        Memory {
            files: Arc::new(read_all(folder)),
            ..Memory::default()
        }
    }

    fn with(&self, name: &str, bytes: Option<Vec<u8>>) -> Memory {
        Memory {
            changed: Arc::new(BTreeMap::from([(name.to_owned(), bytes)])),
            ..self.clone()
        }
    }
}

/// A log of 301 entries, over five seals in segments of two, all of them public.
pub async fn log() -> (Bench, Verifier) {
    log_of(vec![0..1, 1..10, 10..280, 280..300, 300..301]).await
}

async fn log_of(seals: Vec<Range<u32>>) -> (Bench, Verifier) {
    let bench = Bench::new().await;
    let log = bench.core.public_log.clone().with_segment_lines(2);
    for ids in seals {
        let events: Vec<String> = ids.map(|id| observation(id, "L1")).collect();
        bench.capture(&events).await;
        bench.sealed().await;
        bench.publish_to(&log).await.unwrap();
    }
    let key = bench.core.keys.log.verifier().clone();
    (bench, key)
}

/// The same keys, another database: where another history of the same log begins.
pub async fn fork_of(bench: &Bench) -> Bench {
    let other = TempDir::new().unwrap();
    fs::create_dir(other.path().join("keys")).unwrap();
    for name in ["log.key", "story.key", "codes.key"] {
        let from = bench.data_dir().join("keys").join(name);
        fs::copy(from, other.path().join("keys").join(name)).unwrap();
    }
    Bench::in_folder(other).await
}

fn order(key: &Verifier) -> AuditOrder {
    AuditOrder {
        key: key.clone(),
        state: None,
        full: false,
        policy: None,
    }
}

async fn run<S: LogSource>(source: S, order: AuditOrder) -> Result<(Audited, State), AuditError> {
    audit(source, order, |_| ()).await
}

/// What is wrong, in words.
async fn wrong<S: LogSource>(source: S, order: AuditOrder) -> String {
    match run(source, order).await {
        Err(AuditError::Wrong(finding)) => finding.to_string(),
        Err(other) => panic!("{other}"),
        Ok((audited, _)) => panic!("it passed: {audited:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_order_passes_from_a_folder_and_from_its_server() {
    let app = crate::support::TestApp::start().await;
    for ids in [0..3, 3..290] {
        let events: Vec<String> = ids.map(|id| observation(id, "L1")).collect();
        app.capture(&events).await;
        app.sealed().await;
    }
    let key = Verifier::parse(&app.running.vkey).unwrap();
    let folder = Place::Folder(Folder(app.public_log()));
    let server = Place::Server(Server::new(&app.url("/log/")).unwrap());
    for place in [folder, server] {
        let (audited, _) = run(place, order(&key)).await.unwrap();
        assert_eq!(audited.last.head.size.0, 291);
        assert_eq!((audited.lag, audited.from.0), (0, 0));
        assert_eq!(audited.seals, audited.last.seal);
    }
    let stranger = auditlog::note::NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
    let said = wrong(Folder(app.public_log()), order(stranger.verifier())).await;
    assert!(said.contains("none of the log's"), "{said}");
    let nowhere = Server::new("http://127.0.0.1:1/log").unwrap();
    let error = run(nowhere, order(&key)).await.unwrap_err();
    assert!(matches!(error, AuditError::Source(_)), "{error}");
    assert!(Server::new("ftp://x").is_err());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_any_byte_of_any_public_file_is_found_and_the_file_is_named() {
    let (bench, key) = log_of(vec![0..1, 1..3, 3..7]).await;
    assert_flips_are_found(&bench, &key, |_, at| at..at + 1).await;
}

/// The same where tiles are full and stand on each other: in a long run every byte, else one of every hash,
/// of every entry, and of every line.
#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_anywhere_in_full_tiles_is_found() {
    let (bench, key) = log().await;
    let is_long = std::env::var_os("ROOTMARK_SOAK").is_some();
    let next = |name: &str, at: usize| {
        let unit = match name {
            _ if is_long => 1,
            _ if name.starts_with("tile/entries") => 90,
            _ if name.starts_with("tile") => 32,
            _ => 300,
        };
        // Another place in each, so that all places are met.
        at + (at / unit) % unit..at + unit
    };
    assert_flips_are_found(&bench, &key, |name, at| next(name, at)).await;
}

/// Flips a bit at the places that `place` gives: where to flip, and where to go on.
async fn assert_flips_are_found(
    bench: &Bench,
    key: &Verifier,
    place: impl Fn(&str, usize) -> Range<usize>,
) {
    let files = Memory::of(bench.folder());
    let (audited, _) = run(files.clone(), order(key)).await.unwrap();
    let sealed_at = audited.last.sealed_at;
    let read: Vec<String> = files.names.lock().unwrap().clone();
    let mut unread = 0;
    for (name, whole) in files.files.iter() {
        let mut next = 0;
        while next < whole.len() {
            let Range { start, end } = place(name, next);
            let (at, mut bytes) = (start.min(whole.len() - 1), whole.clone());
            next = end;
            // Another bit each time, so that all eight are tried.
            bytes[at] ^= 1 << (at % 8);
            let said = if !read.contains(name) {
                // Partial tiles of earlier trees, which no client asks for any more.
                let tile = TilePath::parse(name)
                    .expect("only tiles are not read")
                    .tile();
                assert!(tile.width < 256, "{name} is not read");
                unread += 1;
                checked(bench, name, &bytes).await
            } else {
                match run(files.with(name, Some(bytes.clone())), order(key)).await {
                    Err(AuditError::Wrong(finding)) => finding.to_string(),
                    // The time of the last seal is in no signature and, until the next one, in no
                    // hash: the operator alone can tell that it is another.
                    Ok((audited, _)) if audited.last.sealed_at != sealed_at => {
                        checked(bench, name, &bytes).await
                    }
                    other => panic!("{name}, byte {at}: {other:?}"),
                }
            };
            let is_named = said.contains(name.as_str()) || names_neighbour(name, &said);
            assert!(is_named, "{name}, byte {at}: {said}");
        }
    }
    assert!(unread > 0, "earlier trees are public");
    bench.assert_clean("after all was put back").await;
}

/// What `check` says of a folder in which one file has these bytes.
async fn checked(bench: &Bench, name: &str, bytes: &[u8]) -> String {
    let path = bench.folder().join(name);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    let findings = bench.check().await.unwrap().findings;
    fs::write(&path, whole).unwrap();
    findings.join("\n")
}

/// A changed line of the anchor file may be told by the checkpoint that it no longer has, a changed key by
/// what it signed, a tile by the entries below it or the tile above.
fn names_neighbour(name: &str, said: &str) -> bool {
    let beside: &[&str] = match name {
        "keys.jsonl" => &["vkey: ", "checkpoint: ", "anchors"],
        _ if name.starts_with("anchors") => &["anchors", "checkpoint: ", "seal "],
        _ => &[],
    };
    beside.iter().any(|word| said.contains(word))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_cut_off_or_too_long_is_named() {
    let (bench, key) = log().await;
    let files = Memory::of(bench.folder());
    run(files.clone(), order(&key)).await.unwrap();
    let read: Vec<String> = files.names.lock().unwrap().clone();
    for (name, bytes) in files.files.iter().filter(|(name, _)| read.contains(name)) {
        let said = wrong(files.with(name, None), order(&key)).await;
        assert!(
            said.contains(name.as_str()) || names_neighbour(name, &said),
            "{name} missing: {said}"
        );
        // A line that is being written at this moment is not public yet; all else is cut off.
        let cut = bytes[..bytes.len() - 1].to_vec();
        if name != "anchors.jsonl" {
            let said = wrong(files.with(name, Some(cut)), order(&key)).await;
            assert!(
                said.contains(name.as_str()) || names_neighbour(name, &said),
                "{name} cut: {said}"
            );
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        if name != "anchors.jsonl" {
            wrong(files.with(name, Some(longer)), order(&key)).await;
        }
        let is_anchors = name.starts_with("anchors");
        let huge = vec![b'a'; if is_anchors { 257 } else { 2 } * 1024 * 1024];
        let said = wrong(files.with(name, Some(huge)), order(&key)).await;
        let words = format!("{name} is longer than");
        assert!(said.contains(&words), "{name}: {said}");
    }
    let torn = [files.files["anchors.jsonl"].as_slice(), b"{\"seal\":6"].concat();
    run(files.with("anchors.jsonl", Some(torn)), order(&key))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_goes_on_where_the_last_one_ended_and_reads_nothing_twice() {
    let (bench, key) = log().await;
    let first = Memory::of(bench.folder());
    // As if it had been interrupted after the third seal.
    let mut states = Vec::new();
    audit(first.clone(), order(&key), |progress| {
        states.push(progress.state().format());
    })
    .await
    .unwrap();
    assert_eq!(states.len(), 5);
    let whole = first.reads.load(Ordering::Relaxed);
    let resumed = |state: &str| AuditOrder {
        state: Some(State::parse(state).unwrap()),
        ..order(&key)
    };
    for (seal, state) in (1..).zip(&states) {
        let files = Memory::of(bench.folder());
        let (audited, then) = run(files.clone(), resumed(state)).await.unwrap();
        assert_eq!(audited.seals, 5 - seal, "after seal {seal}");
        assert_eq!(&then.format(), states.last().unwrap());
        let names = files.names.lock().unwrap().clone();
        let old = names.iter().any(|name| name == "tile/entries/000");
        assert_eq!(old, seal < 3, "after seal {seal}: {names:?}");
        assert!(files.reads.load(Ordering::Relaxed) <= whole);
        let full = AuditOrder {
            full: true,
            ..resumed(state)
        };
        let (audited, _) = run(files, full).await.unwrap();
        assert_eq!((audited.seals, audited.from.0), (5, 0));
    }
    // A state that was changed is no state.
    let state = states.last().unwrap();
    for at in 0..state.len() {
        let mut bytes = state.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(read) = State::parse(&text)
        {
            // The cosmetic rest of a line is compared when the log is read again.
            let order = AuditOrder {
                state: Some(read),
                ..order(&key)
            };
            assert!(
                run(Memory::of(bench.folder()), order).await.is_err(),
                "{at}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_history_and_a_log_that_was_set_back_convict_their_operator() {
    let (bench, key) = log().await;
    let (_, state) = run(Folder(bench.folder().to_owned()), order(&key))
        .await
        .unwrap();
    let fork = fork_of(&bench).await;
    let with_state = |full| AuditOrder {
        state: Some(state.clone()),
        full,
        ..order(&key)
    };
    for seal in 1..=7 {
        fork.capture(&[observation(1_000 + seal, "L1")]).await;
        fork.sealed_and_public().await;
        // By itself it is in order: who has no memory cannot tell.
        let folder = || Folder(fork.folder().to_owned());
        run(folder(), order(&key)).await.unwrap();
        for full in [false, true] {
            let error = run(folder(), with_state(full)).await.unwrap_err();
            let AuditError::Forked(fork) = error else {
                panic!("seal {seal}: {error}");
            };
            let words = if seal < 5 {
                "set back"
            } else {
                "two histories"
            };
            assert!(fork.what.contains(words), "seal {seal}: {fork}");
            assert_ne!(fork.seen, fork.served);
            for note in [&fork.seen, &fork.served] {
                let note = auditlog::note::SignedNote::parse(note).unwrap();
                note.verify(&key).unwrap();
            }
        }
    }
    // Lines that nobody signed convict nobody.
    let files = Memory::of(bench.folder());
    let anchors = String::from_utf8(files.files["anchors.jsonl"].clone()).unwrap();
    let forged = anchors.replace("\"sealed_at\":\"2026", "\"sealed_at\":\"2027");
    assert_ne!(forged, anchors);
    let signature = forged.rfind("\\n\"}").unwrap() - 4;
    let mut forged = forged.into_bytes();
    forged[signature] = if forged[signature] == b'A' {
        b'B'
    } else {
        b'A'
    };
    wrong(files.with("anchors.jsonl", Some(forged)), with_state(false)).await;
}
