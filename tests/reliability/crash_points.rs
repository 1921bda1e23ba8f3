//! A crash at every durable step, each in every way that it may end: what was acknowledged is in the
//! log once, what was public stays its prefix, and what lies there before the restart holds by itself.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auditlog::anchor::{AnchorChain, AnchorLine};
use auditlog::checkpoint::Checkpoint;
use auditlog::keys::{KeyHistory, LogKeys};
use auditlog::note::SignedNote;
use auditlog::proof::{TreeHead, TreeReader};
use auditlog::tile::tiles_between;
use auditlog::{LeafIndex, TreeSize};
use rootmark::app::merchants::{KeyOrder, add_key, add_merchant};
use rootmark::app::{Core, OpenAs, Running};
use rootmark::check::check;
use rootmark::config::{DatabaseChoice, Settings};
use rootmark::domain::code::CodeKey;
use rootmark::domain::scope::Scope;
use rootmark::failpoint::{Death, POINTS, Step, Thing};
use rootmark::public::{AnchorLines, TileFiles};
use rootmark::store::Database;
use sqlx::ConnectOptions;
use tempfile::TempDir;

use crate::document;
use crate::support::{ISSUER, copy_of, fresh_database, settings};

/// Seals in a segment here: the third seal moves one.
const SEGMENT_LINES: u64 = 2;
/// Leaves before the crash: the first captures after it fill a tile.
const LEAVES: u32 = 251;
/// Captures after which a service that still lives never passes its point.
const CAPTURES: u32 = 60;
/// A limit, not a delay.
const LIMIT: Duration = Duration::from_secs(30);
const SIGABRT: i32 = 6;

/// Cases that run at the same time.
const AT_ONCE: usize = 6;

#[test]
fn a_crash_at_any_durable_step_loses_nothing_and_leaves_one_history() {
    let bases = runtime().block_on(Bases::make());
    let cases = cases();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(BTreeSet::new());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            // One case that fails does not hide the others.
            let run = AssertUnwindSafe(|| runtime().block_on(case.run(&bases)));
            if catch_unwind(run).is_err() {
                failed.lock().unwrap().insert(case.name());
            }
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {}: {failed:#?}",
        failed.len(),
        cases.len()
    );
}

/// One for each case: what it started ends with it.
fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// One way to die at one step.
#[derive(Clone, Copy)]
struct Case {
    thing: Thing,
    step: Step,
    death: Death,
    pass: u32,
    work: Work,
}

/// Who dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// The service, while it captures.
    Serve,
    /// The command that changes the log's key.
    Rotate,
}

fn cases() -> Vec<Case> {
    let soak = std::env::var_os("ROOTMARK_SOAK").is_some();
    let mut cases = Vec::new();
    // A rotation is a command's work, not the service's.
    let served = POINTS.iter().filter(|(thing, _)| *thing != Thing::Rotation);
    for (thing, steps) in served {
        for step in *steps {
            for death in step.deaths() {
                cases.extend((1..=passes(*thing, *step, soak)).map(|pass| Case {
                    thing: *thing,
                    step: *step,
                    death: *death,
                    pass,
                    work: Work::Serve,
                }));
            }
        }
    }
    cases.extend(rotation_cases());
    cases
}

/// The steps of a rotation, in the order in which it takes them: the new key's file, the transaction,
/// the public files of the keys, and a seal by both.
fn rotation_cases() -> Vec<Case> {
    let file = [Step::Write, Step::Sync, Step::Rename, Step::SyncFolder];
    let mut points: Vec<(Thing, Step, u32)> = file.map(|step| (Thing::Key, step, 1)).into();
    points.push((Thing::Rotation, Step::Commit, 1));
    // The key, and then the history of keys.
    for pass in 1..=2 {
        points.extend(file.map(|step| (Thing::SmallFile, step, pass)));
    }
    points.extend([
        (Thing::Seal, Step::Commit, 1),
        (Thing::AnchorLine, Step::Append, 1),
        (Thing::Checkpoint, Step::Rename, 1),
    ]);
    let deaths = |(thing, step, pass): (Thing, Step, u32)| {
        let case = move |death: &Death| Case {
            thing,
            step,
            death: *death,
            pass,
            work: Work::Rotate,
        };
        step.deaths().iter().map(case)
    };
    points.into_iter().flat_map(deaths).collect()
}

/// Passes at which a case dies, from the first on: each that is another place in the code, and in a long
/// run those of later seals as well.
fn passes(thing: Thing, step: Step, soak: bool) -> u32 {
    match (thing, step) {
        // The segments' folder in its parent, the new name, the old name's removal.
        (Thing::Segment, Step::SyncFolder) => 3,
        // The tile, its entries.
        (Thing::Tile, Step::Rename) => 2,
        (Thing::Founding, _) | (_, Step::Cut | Step::MakeFolder) => 1,
        (Thing::Key, Step::Write | Step::Sync | Step::Rename) if soak => 3,
        (Thing::Key | Thing::SmallFile | Thing::Segment, _) => 1,
        (Thing::Tile, _) if soak => 12,
        _ if soak => 6,
        _ => 1,
    }
}

/// Where a case begins: a database and a data folder, copied for each.
struct Base {
    settings: Settings,
    folder: TempDir,
    key: Option<String>,
    events: u32,
}

struct Bases {
    /// Nothing was ever started.
    empty: Base,
    /// Keys and a merchant, and nothing public.
    founded: Base,
    /// Two seals, which fill a segment, and almost a full tile.
    grown: Base,
}

impl Bases {
    async fn make() -> Bases {
        let empty = Base::empty().await;
        let founded = Base::founded().await;
        let mut grown = Base::founded().await;
        let running = Running::start(&grown.settings).await.unwrap();
        let key = grown.key.clone().unwrap();
        for events in [0..1, 1..LEAVES] {
            let events: Vec<u32> = events.collect();
            assert_eq!(
                stored(&running.url, &key, &events).await.unwrap(),
                events.len()
            );
            running.everything_is_public().await.unwrap();
        }
        running.stop().await;
        grown.events = LEAVES;
        assert_eq!(read_lines(&grown.public()).len() as u64, SEGMENT_LINES);
        Bases {
            empty,
            founded,
            grown,
        }
    }

    fn of(&self, case: &Case) -> &Base {
        if case.work == Work::Rotate {
            return &self.grown;
        }
        match case.thing {
            Thing::Key | Thing::Founding => &self.empty,
            Thing::SmallFile => &self.founded,
            _ => &self.grown,
        }
    }
}

impl Base {
    async fn empty() -> Base {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder.path().join("data"), fresh_database().await);
        settings.segment_lines = SEGMENT_LINES;
        std::fs::create_dir(&settings.data_dir).unwrap();
        Base {
            settings,
            folder,
            key: None,
            events: 0,
        }
    }

    async fn founded() -> Base {
        let mut base = Base::empty().await;
        let core = Core::open(&base.settings, OpenAs::Founder).await.unwrap();
        base.key = Some(enter(&core.database, &core.keys.codes).await);
        core.close().await;
        base
    }

    async fn copy(&self) -> Base {
        let DatabaseChoice::External(options) = &self.settings.database else {
            panic!("tests bring their own database");
        };
        let folder = tempfile::tempdir().unwrap();
        let mut settings = self.settings.clone();
        settings.database = DatabaseChoice::External(Box::new(copy_of(options).await));
        settings.data_dir = folder.path().join("data");
        let mut copy = Command::new("cp");
        copy.arg("-a")
            .arg(&self.settings.data_dir)
            .arg(&settings.data_dir);
        assert!(copy.status().unwrap().success());
        Base {
            settings,
            folder,
            key: self.key.clone(),
            events: self.events,
        }
    }

    fn public(&self) -> PathBuf {
        self.folder.path().join("data/public/log")
    }
}

pub(crate) async fn enter(database: &Database, codes: &CodeKey) -> String {
    let merchant = add_merchant(database, codes, "Larkmere Demo", ISSUER)
        .await
        .unwrap();
    let order = KeyOrder {
        merchant_id: merchant.id,
        issuer: ISSUER,
        label: "test",
        scopes: &Scope::ALL,
    };
    add_key(database, &order).await.unwrap()
}

impl Case {
    /// What `ROOTMARK_FAIL_POINT` is set to.
    fn name(&self) -> String {
        let (thing, step) = (self.thing.name(), self.step.name());
        format!("{thing}.{step}:{}@{}", self.death.name(), self.pass)
    }

    /// How many keys the log has afterwards: the transaction decides, and nothing else.
    fn keys(&self) -> usize {
        let committed = match self.thing {
            Thing::Key => false,
            Thing::Rotation => self.death != Death::Before,
            _ => true,
        };
        1 + usize::from(self.work == Work::Rotate && committed)
    }

    async fn run(&self, bases: &Bases) {
        let name = self.name();
        let base = bases.of(self).copy().await;
        if self.step == Step::Cut {
            tear(&base.public());
        }
        let sent = capture_until_death(&base, self.work, &name).await;
        let seen = Seen::read(&base.public(), &name);
        restart(&base, sent, seen, &name).await;
        let keys = public_keys(&base.public());
        assert_eq!(keys.all().len(), self.keys(), "{name}");
    }
}

/// What an interrupted append leaves.
fn tear(public: &Path) {
    use std::io::Write;
    let mut options = std::fs::File::options();
    let mut file = options
        .append(true)
        .open(public.join("anchors.jsonl"))
        .unwrap();
    file.write_all(b"{\"seal\":3,\"tree_si").unwrap();
}

/// Events that were sent, and whether they were acknowledged.
#[derive(Default)]
struct Sent(Vec<([u32; 3], bool)>);

/// Runs the real program on the base until it aborts at the point.
async fn capture_until_death(base: &Base, work: Work, name: &str) -> Sent {
    let mut service = Doomed::start(base, work, name);
    let mut sent = Sent::default();
    if let (Some(url), Some(key)) = (service.url().await, &base.key) {
        for capture in 0..CAPTURES {
            let first = base.events + capture * 3;
            let events = [first, first + 1, first + 2];
            let answer = stored(&url, key, &events).await;
            sent.0.push((events, answer.is_some()));
            assert!(answer.is_none_or(|count| count == 3));
            if answer.is_none() {
                break;
            }
        }
    }
    service.assert_aborted(name).await;
    sent
}

struct Doomed {
    process: Child,
}

impl Drop for Doomed {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Doomed {
    fn start(base: &Base, work: Work, name: &str) -> Doomed {
        let DatabaseChoice::External(database) = &base.settings.database else {
            panic!("tests bring their own database");
        };
        let process = Command::new(env!("CARGO_BIN_EXE_rootmark"))
            .args(match work {
                Work::Serve => &["serve"][..],
                Work::Rotate => &["key", "rotate", "--overlap", "2"],
            })
            .env_clear()
            .env("ROOTMARK_DATABASE_URL", database.to_url_lossy().as_str())
            .env("ROOTMARK_DATA_DIR", &base.settings.data_dir)
            .env("ROOTMARK_LISTEN", "127.0.0.1:0")
            .env("ROOTMARK_WORKERS", "1")
            .env("ROOTMARK_SEAL_INTERVAL_MS", "10")
            .env("ROOTMARK_SEGMENT_LINES", SEGMENT_LINES.to_string())
            .env("ROOTMARK_LOG_FORMAT", "json")
            .env("ROOTMARK_FAIL_POINT", name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Doomed { process }
    }

    /// Where it listens; `None` if it died before.
    async fn url(&mut self) -> Option<String> {
        use std::io::BufRead;
        let lines = std::io::BufReader::new(self.process.stderr.take().unwrap()).lines();
        let (found, url) = tokio::sync::oneshot::channel();
        // Reads on to the end, so that the service never waits for a reader of its log.
        std::thread::spawn(move || {
            let mut found = Some(found);
            for line in lines.map_while(Result::ok) {
                let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(url) = line["fields"]["url"].as_str()
                    && let Some(found) = found.take()
                {
                    let _ = found.send(url.to_owned());
                }
            }
        });
        url.await.ok()
    }

    async fn assert_aborted(&mut self, name: &str) {
        let ended = async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let status = tokio::time::timeout(LIMIT, ended).await;
        let status = status.unwrap_or_else(|_| panic!("{name}: the point was never passed"));
        assert_eq!(status.signal(), Some(SIGABRT), "{name}: {status}");
    }
}

/// How many of the events were new; `None` where no answer came.
pub(crate) async fn stored(url: &str, key: &str, events: &[u32]) -> Option<usize> {
    let http = rootmark::http_client::loopback();
    let answer = crate::try_post(&http, url, key, document(events)).await?;
    Some(answer["rootmark:storedCount"].as_u64().unwrap() as usize)
}

/// What anybody may have fetched before the crash.
struct Seen {
    heads: BTreeSet<(u64, [u8; 32])>,
    lines: Vec<String>,
}

impl Seen {
    /// Reads the folder as the crash left it, which must hold by itself: a reader comes before any
    /// restart.
    fn read(public: &Path, name: &str) -> Seen {
        let lines = read_lines(public);
        let mut chain = AnchorChain::new();
        let mut seen = BTreeSet::new();
        for line in &lines {
            let line = AnchorLine::parse(line).unwrap();
            assert_is_whole(public, line.head, name);
            seen.insert((line.head.size.0, line.head.root.0));
            chain
                .push(line)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        if let Ok(text) = std::fs::read_to_string(public.join("checkpoint")) {
            let anchored = lines.iter().map(|line| AnchorLine::parse(line).unwrap());
            assert!(
                anchored.into_iter().any(|line| line.checkpoint == text),
                "{name}: the public checkpoint is not anchored"
            );
        }
        // It was there, and the crash took it away.
        if let Ok(text) = std::fs::read_to_string(public.join(".checkpoint.lost")) {
            let note = SignedNote::parse(&text).unwrap();
            let head = Checkpoint::parse(note.unverified_text()).unwrap().head;
            seen.insert((head.size.0, head.root.0));
        }
        Seen { heads: seen, lines }
    }
}

/// Every hash and every entry under a tree is public, and adds up to its root.
fn assert_is_whole(public: &Path, head: TreeHead, name: &str) {
    let files = TileFiles::new(public);
    let mut reader = TreeReader::new(files.clone(), head.size);
    let root = reader.root(head.size);
    assert_eq!(
        root.unwrap_or_else(|e| panic!("{name}: {e}")),
        head.root,
        "{name}"
    );
    for tile in tiles_between(TreeSize(0), head.size).filter(|tile| tile.level == 0) {
        let entries = files
            .entries(tile)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        for (place, entry) in (tile.index * 256..).zip(entries) {
            let leaf = reader.leaf(LeafIndex(place)).unwrap();
            assert_eq!(leaf, entry.leaf_hash(), "{name}: entry {place}");
        }
    }
}

/// The keys, as anybody reads them.
fn public_keys(public: &Path) -> LogKeys {
    let text = std::fs::read_to_string(public.join("keys.jsonl")).unwrap();
    KeyHistory::parse(&text).unwrap().log
}

fn read_lines(public: &Path) -> Vec<String> {
    let lines = AnchorLines::open(public, 0).unwrap();
    let text = |line: Vec<u8>| String::from_utf8(line).unwrap();
    lines.map(|line| text(line.unwrap())).collect()
}

/// Starts the service again without the point, sends again what was sent, and compares everything.
async fn restart(base: &Base, sent: Sent, seen: Seen, name: &str) {
    let running = Running::start(&base.settings).await;
    let running = running.unwrap_or_else(|error| panic!("{name}: {error}"));
    // As soon as it answers, and before anything is sealed anew.
    assert_clean(&running, &base.public(), &format!("{name}, at start-up")).await;
    let key = match &base.key {
        Some(key) => key.clone(),
        None => enter(&running.database, &running.code_key).await,
    };
    for (events, acknowledged) in &sent.0 {
        let new = stored(&running.url, &key, events).await.unwrap();
        assert!(
            new == 0 || !acknowledged,
            "{name}: an acknowledged event was lost"
        );
        assert!(new == 0 || new == 3, "{name}: half a document was kept");
    }
    // The negative twin: what nobody sent is not known.
    let unknown = base.events + CAPTURES * 3;
    assert_eq!(
        stored(&running.url, &key, &[unknown]).await,
        Some(1),
        "{name}"
    );
    let public = running.everything_is_public();
    tokio::time::timeout(LIMIT, public)
        .await
        .expect("sealed")
        .unwrap();
    assert_clean(&running, &base.public(), name).await;
    assert_one_history(&base.public(), &seen, name);
    let leaves = u64::from(base.events) + 3 * sent.0.len() as u64 + 1;
    let last = AnchorLine::parse(read_lines(&base.public()).last().unwrap()).unwrap();
    assert_eq!(
        last.head.size.0, leaves,
        "{name}: each event stands in the log once"
    );
    running.stop().await;
}

async fn assert_clean(running: &Running, public: &Path, name: &str) {
    let mut conn = running.database.checker.acquire().await.unwrap();
    let report = check(&mut conn, public, |_, _| {}).await.unwrap();
    assert!(report.is_clean(), "{name}: {:#?}", report.findings);
}

fn assert_one_history(public: &Path, seen: &Seen, name: &str) {
    let keys = public_keys(public);
    let lines = read_lines(public);
    assert!(
        lines.starts_with(&seen.lines),
        "{name}: a public line has changed"
    );
    let mut chain = AnchorChain::new();
    for line in &lines {
        let line = AnchorLine::parse(line).unwrap();
        keys.open_line(&line).unwrap();
        chain.push(line).unwrap();
    }
    let head = chain.last().unwrap().head;
    assert_is_whole(public, head, name);
    let mut reader = TreeReader::new(TileFiles::new(public), head.size);
    for (size, root) in &seen.heads {
        let now = reader.root(TreeSize(*size)).unwrap();
        assert_eq!(now.0, *root, "{name}: {size} leaves are of another history");
    }
}
