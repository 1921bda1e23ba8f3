use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auditlog::checkpoint::Checkpoint;
use auditlog::hash::{leaf_hash, root_in_place};
use auditlog::note::{NoteSigner, SignedNote};
use auditlog::proof::{TileSource, TreeHead, TreeReader};
use auditlog::tile::{RightEdge, Tile};
use auditlog::{Hash, TreeSize};
use reqwest::StatusCode;
use tempfile::TempDir;

use super::*;
use crate::http_client;

const NAME: &str = "witness.example/w1";

fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", &[1; 32]).unwrap()
}

/// The leaves of one history: two salts agree on the first five leaves.
fn leaf(i: u64, salt: u8) -> Hash {
    leaf_hash(&[i as u8, if i < 5 { 0 } else { salt }])
}

struct Leaves(u8);

impl TileSource for Leaves {
    type Error = std::convert::Infallible;

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, Self::Error> {
        assert_eq!((tile.level, tile.index), (0, 0), "these trees are small");
        Ok((0..u64::from(tile.width))
            .map(|i| leaf(i, self.0))
            .collect())
    }
}

fn head(size: u64, salt: u8) -> TreeHead {
    let mut leaves: Vec<Hash> = (0..size).map(|i| leaf(i, salt)).collect();
    TreeHead {
        size: TreeSize(size),
        root: root_in_place(&mut leaves),
    }
}

fn signed(size: u64, salt: u8) -> SignedNote {
    let origin = "log.example".to_owned();
    let head = head(size, salt);
    Checkpoint { origin, head }.sign(&log()).unwrap()
}

/// A request that is right for whoever cosigned `old` leaves of this history last.
fn request(old: u64, new: u64, salt: u8) -> AddCheckpoint {
    let mut reader = TreeReader::new(Leaves(salt), TreeSize(new));
    let proof = reader.consistency_proof(TreeSize(old.min(new))).unwrap();
    AddCheckpoint {
        old: TreeSize(old),
        proof,
        checkpoint: signed(new, salt),
    }
}

fn open(folder: &TempDir) -> Witness {
    let keys = vec![log().verifier().clone()];
    Witness::open(folder.path(), Some(NAME), keys).unwrap()
}

fn status(result: Result<String, AddError>) -> u16 {
    match result.unwrap_err() {
        AddError::Refused(refusal) => refusal.status(),
        AddError::File(error) => panic!("{error}"),
    }
}

#[test]
fn the_edge_of_these_trees_is_that_of_the_log() {
    let mut edge = RightEdge::empty();
    for i in 0..9 {
        edge.append(leaf(i, 0), |_| ());
    }
    assert_eq!(edge.root(), head(9, 0).root);
}

#[test]
fn a_history_is_followed_and_its_fork_is_not_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let witness = open(&folder);
    let add = |witness: &Witness, request: AddCheckpoint| witness.add_checkpoint(&request.format());
    let line = add(&witness, request(0, 6, 0)).unwrap();
    let mut note = signed(6, 0);
    note.add_signature(auditlog::note::NoteSignature::parse(line.trim_end()).unwrap());
    assert!(witness.key().verify(&note).is_ok());
    let key = witness.key().format();
    drop(witness);
    let witness = open(&folder);
    assert_eq!(witness.key().format(), key, "a witness keeps its key");
    // What it cosigned is what it remembers: another root, a rollback, and growth of a fork.
    assert_eq!(status(add(&witness, request(6, 6, 7))), 422);
    assert_eq!(status(add(&witness, request(6, 8, 7))), 422);
    assert_eq!(status(add(&witness, request(0, 5, 0))), 409);
    assert_eq!(status(add(&witness, request(6, 5, 0))), 400);
    add(&witness, request(6, 8, 0)).unwrap();
    add(&witness, request(8, 8, 0)).unwrap();
    assert_eq!(status(add(&witness, request(6, 9, 0))), 409);
}

#[test]
fn times_never_decrease_though_the_clock_does() {
    static CLOCK: AtomicU64 = AtomicU64::new(1_000);
    let clock = || CLOCK.load(Ordering::Relaxed);
    let folder = tempfile::tempdir().unwrap();
    let time = |witness: &Witness, old, new| {
        let line = witness
            .add_checkpoint(&request(old, new, 0).format())
            .unwrap();
        let mut note = signed(new, 0);
        note.add_signature(auditlog::note::NoteSignature::parse(line.trim_end()).unwrap());
        witness.key().verify(&note).unwrap().time
    };
    let witness = open(&folder).with_clock(clock);
    assert_eq!(time(&witness, 0, 1), 1_000);
    CLOCK.store(400, Ordering::Relaxed);
    assert_eq!(time(&witness, 1, 2), 1_000);
    drop(witness);
    let witness = open(&folder).with_clock(clock);
    assert_eq!(time(&witness, 2, 3), 1_000, "nor after a restart");
    CLOCK.store(1_001, Ordering::Relaxed);
    assert_eq!(time(&witness, 3, 3), 1_001);
}

#[test]
fn a_checkpoint_that_two_keys_signed_is_followed_by_whoever_knows_either() {
    let new = NoteSigner::from_seed("log.example", &[2; 32]).unwrap();
    let mut both = request(0, 6, 0);
    both.checkpoint.add_signature_by(&new);
    let origin = "log.example".to_owned();
    let alone = AddCheckpoint {
        checkpoint: Checkpoint {
            origin,
            head: head(7, 0),
        }
        .sign(&new)
        .unwrap(),
        ..request(6, 7, 0)
    };
    for (key, follows_new) in [(log().verifier(), false), (new.verifier(), true)] {
        let folder = tempfile::tempdir().unwrap();
        let witness = Witness::open(folder.path(), Some(NAME), vec![key.clone()]).unwrap();
        witness.add_checkpoint(&both.format()).unwrap();
        let added = witness.add_checkpoint(&alone.format());
        assert_eq!(added.is_ok(), follows_new, "{added:?}");
    }
}

#[test]
fn of_requests_at_once_each_is_decided_by_what_the_one_before_left() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Arc::new(open(&folder));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let witness = Arc::clone(&witness);
            std::thread::spawn(move || {
                let mut old = 0;
                let mut won = Vec::new();
                while old < 60 {
                    let new = old + 1 + won.len() as u64 % 3;
                    match witness.add_checkpoint(&request(old, new, 0).format()) {
                        Ok(_) => {
                            won.push((old, new));
                            old = new;
                        }
                        Err(AddError::Refused(Refusal::OtherSize { known })) => old = known.0,
                        Err(error) => panic!("{error}"),
                    }
                }
                won
            })
        })
        .collect();
    let mut steps: Vec<(u64, u64)> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    steps.sort_unstable();
    // Each step begins where the one before ended: nobody rolled anything back.
    assert_eq!(steps[0].0, 0);
    assert!(
        steps.windows(2).all(|pair| pair[0].1 == pair[1].0),
        "{steps:?}"
    );
    let last = steps.last().unwrap().1;
    drop(witness);
    let remembered = open(&folder).latest(&origin_name("log.example")).unwrap();
    assert!(remembered.starts_with(&format!("log.example\n{last}\n")));
}

#[test]
fn what_would_make_it_forget_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let keys = || vec![log().verifier().clone()];
    let error = |name| Witness::open(folder.path(), name, keys()).unwrap_err();
    assert!(matches!(error(None), WitnessError::NoName(_)));
    assert!(matches!(error(Some("a b")), WitnessError::Name(_)));
    let empty = Witness::open(folder.path(), Some(NAME), Vec::new());
    assert!(matches!(empty, Err(WitnessError::NoLogs)));
    let witness = open(&folder);
    assert!(matches!(error(Some(NAME)), WitnessError::InUse(_)));
    witness.add_checkpoint(&request(0, 1, 0).format()).unwrap();
    drop(witness);
    assert!(matches!(
        error(Some("other.example")),
        WitnessError::OtherName(_)
    ));
    let memory = folder
        .path()
        .join(format!("{}.checkpoint", origin_name("log.example")));
    let whole = std::fs::read(&memory).unwrap();
    for i in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[i] ^= 1;
        std::fs::write(&memory, flipped).unwrap();
        let opened = Witness::open(folder.path(), None, keys());
        // The log's own signature line is evidence, not memory: ours covers the text.
        let log_line = whole[..i].iter().filter(|byte| **byte == b'\n').count() == 4;
        assert!(
            log_line || matches!(opened, Err(WitnessError::Damaged { .. })),
            "byte {i}"
        );
    }
    std::fs::write(&memory, &whole).unwrap();
    std::fs::remove_file(folder.path().join("witness.key")).unwrap();
    assert!(matches!(error(Some(NAME)), WitnessError::LostKey(_)));
}

#[test]
fn what_cannot_be_written_down_is_not_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let witness = open(&folder);
    let name = format!("{}.checkpoint", origin_name("log.example"));
    // A folder in the place of the file: renaming over it fails for every user.
    std::fs::create_dir(folder.path().join(&name)).unwrap();
    let refused = witness.add_checkpoint(&request(0, 1, 0).format());
    assert!(matches!(refused, Err(AddError::File(_))));
    assert_eq!(witness.latest(&origin_name("log.example")), None);
    std::fs::remove_dir(folder.path().join(&name)).unwrap();
    witness.add_checkpoint(&request(0, 2, 0).format()).unwrap();
}

struct Served {
    base: String,
    http: reqwest::Client,
    _folder: TempDir,
}

impl Served {
    fn start() -> Served {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(open(&folder), listener).unwrap());
        Served {
            base,
            http: http_client::loopback(),
            _folder: folder,
        }
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::Response {
        let url = format!("{}/add-checkpoint", self.base);
        self.http.post(url).body(body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.base);
        self.http.get(url).send().await.unwrap()
    }
}

fn content_type(answer: &reqwest::Response) -> &str {
    answer.headers()["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn each_answer_has_the_status_that_the_protocol_gives_it() {
    let served = Served::start();
    let answer = served.post(request(0, 6, 0).format()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let line = answer.text().await.unwrap();
    assert!(line.starts_with(&format!("— {NAME} ")) && line.ends_with('\n'));

    let conflict = served.post(request(0, 6, 0).format()).await;
    assert_eq!(conflict.status(), StatusCode::CONFLICT);
    assert_eq!(content_type(&conflict), "text/x.tlog.size");
    assert_eq!(conflict.text().await.unwrap(), "6\n");

    let stranger = NoteSigner::from_seed("other.example", &[1; 32]).unwrap();
    let origin = "other.example".to_owned();
    let unknown = Checkpoint {
        origin,
        head: head(6, 0),
    }
    .sign(&stranger)
    .unwrap();
    let thief = NoteSigner::from_seed("log.example", &[2; 32]).unwrap();
    let origin = "log.example".to_owned();
    let forged = Checkpoint {
        origin,
        head: head(6, 0),
    }
    .sign(&thief)
    .unwrap();
    let with = |checkpoint| {
        AddCheckpoint {
            checkpoint,
            ..request(6, 6, 0)
        }
        .format()
    };
    let good = request(6, 7, 0).format();
    for (body, status) in [
        (with(unknown), 404),
        (with(forged), 403),
        (request(6, 5, 0).format(), 400),
        (good.replace("old 6", "old six"), 400),
        (good.replace("\nlog.example\n", "\nlog.example\n\n"), 400),
        (String::new(), 400),
        (request(6, 7, 9).format(), 422),
        (request(6, 6, 9).format(), 422),
        ("x".repeat(MAX + 1), 413),
        ("x".repeat(MAX), 400),
    ] {
        let answer = served.post(body.clone()).await;
        assert_eq!(answer.status(), status, "{}", &body[..body.len().min(300)]);
        assert_ne!(content_type(&answer), "text/x.tlog.size");
    }
    assert_eq!(served.post(b"\xff\xfe".to_vec()).await.status(), 400);
    // None of it was remembered.
    assert_eq!(served.post(good).await.status(), 200);
    let answer = served.get("/add-checkpoint").await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_request_after_request() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let served = Served::start();
    let address = served.base.strip_prefix("http://").unwrap();
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    for (old, new) in [(0, 3), (3, 6), (6, 9)] {
        let body = request(old, new, 0).format();
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let whole = head + &body;
        connection.write_all(whole.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"=\n") {
            let read = connection.read_buf(&mut answer).await.unwrap();
            assert_ne!(read, 0, "the connection was closed");
        }
        assert!(
            answer.starts_with(b"HTTP/1.1 200 "),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}

const MAX: usize = auditlog::add_checkpoint::MAX_BYTES;

#[tokio::test]
async fn the_latest_cosigned_checkpoint_is_there_for_everybody() {
    let served = Served::start();
    let path = format!("/{}/checkpoint", origin_name("log.example"));
    assert_eq!(served.get(&path).await.status(), StatusCode::NOT_FOUND);
    for (old, new) in [(0, 3), (3, 6)] {
        assert_eq!(
            served.post(request(old, new, 0).format()).await.status(),
            200
        );
    }
    let answer = served.get(&path).await;
    assert_eq!(answer.headers()["cache-control"], "no-cache");
    let note = SignedNote::parse(&answer.text().await.unwrap()).unwrap();
    let vkey = served.get("/vkey").await.text().await.unwrap();
    let key = WitnessKey::parse(vkey.trim_end()).unwrap();
    assert!(key.verify(&note).is_ok());
    assert_eq!(
        Checkpoint::open(&note, log().verifier()).unwrap().head,
        head(6, 0)
    );
    assert_eq!(
        served.get("/00/checkpoint").await.status(),
        StatusCode::NOT_FOUND
    );
    assert!(
        served
            .get("/")
            .await
            .text()
            .await
            .unwrap()
            .contains("\nlog.example\n")
    );
}

#[tokio::test]
async fn a_strangers_signature_is_not_kept() {
    let served = Served::start();
    let mut request = request(0, 3, 0);
    let stranger = NoteSigner::from_seed("spam.example", &[3; 32]).unwrap();
    request.checkpoint.add_signature_by(&stranger);
    assert_eq!(served.post(request.format()).await.status(), 200);
    let path = format!("/{}/checkpoint", origin_name("log.example"));
    let note = served.get(&path).await.text().await.unwrap();
    assert!(note.contains("— log.example ") && !note.contains("spam.example"));
}
