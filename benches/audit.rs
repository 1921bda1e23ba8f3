//! How fast, and in how much memory, a public log of a million entries is audited, beside SHA-256 over the
//! same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auditlog::anchor::AnchorLine;
use auditlog::checkpoint::Checkpoint;
use auditlog::keys::format_line;
use auditlog::note::NoteSigner;
use auditlog::proof::TreeHead;
use auditlog::story::StoryNote;
use auditlog::tile::{
    RightEdge, TILE_WIDTH, Tile, TileContent, TilePath, entry_bundle, hashes_to_bytes,
};
use auditlog::{Entry, Hash, Timestamp, TreeSize};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    // `cargo test` and `cargo clippy` build benchmarks too, and must not run them.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let entries: u64 = match std::env::var("ROOTMARK_BENCH_ENTRIES") {
        Ok(number) => number.parse()?,
        Err(_) => 1_000_000,
    };
    let seals = (entries / 1_000).max(1);
    let folder = tempfile::tempdir()?;
    let log = Log::make(folder.path(), entries, seals)?;
    println!(
        "{entries} entries in {seals} seals, {} files",
        log.files.len()
    );

    let started = Instant::now();
    let bytes = log.hash_all()?;
    let baseline = started.elapsed();
    println!(
        "{:<64} {:>8.2} s   {:>5.0} MB read",
        "SHA-256 of every file, one after the other",
        baseline.as_secs_f64(),
        bytes as f64 / 1e6
    );
    let (took, peak) = log.audit()?;
    println!(
        "{:<64} {:>8.2} s   {:>5.0} MB of memory   {:>5.2} of it",
        "rootmark audit --dir",
        took.as_secs_f64(),
        peak as f64 / 1024.0,
        took.as_secs_f64() / baseline.as_secs_f64()
    );
    Ok(())
}

/// A public folder as a service leaves it, with entries that nobody made.
struct Log {
    folder: PathBuf,
    vkey: String,
    files: Vec<PathBuf>,
}

impl Log {
    fn make(folder: &Path, entries: u64, seals: u64) -> Result<Log, Failure> {
        let signer = NoteSigner::from_seed("bench.example", &[1; 32])?;
        let mut log = Log {
            folder: folder.to_owned(),
            vkey: signer.verifier().format(),
            files: Vec::new(),
        };
        let recorded = Timestamp::parse("2026-11-23T01:02:03.123Z").ok_or("a time")?;
        let mut edge = RightEdge::empty();
        let mut bundle = Vec::new();
        let mut anchors = String::new();
        let mut previous = Hash([0; 32]);
        for seal in 1..=seals {
            let until = entries * seal / seals;
            while edge.size().0 < until {
                let index = edge.size().0;
                let digest = Hash::of(&[&index.to_be_bytes()]);
                let entry = Entry { recorded, digest };
                bundle.push(entry);
                let mut full = Vec::new();
                edge.append(entry.leaf_hash(), |tile| full.push(tile));
                for tile in full {
                    log.tile(&tile, &mut bundle)?;
                }
            }
            let head = TreeHead {
                size: edge.size(),
                root: edge.root(),
            };
            let origin = "bench.example".to_owned();
            let checkpoint = Checkpoint { origin, head }.sign(&signer)?.format();
            log.write("checkpoint".into(), checkpoint.as_bytes())?;
            let line = AnchorLine {
                seal,
                head,
                sealed_at: recorded,
                previous,
                checkpoint,
            };
            previous = line.hash();
            anchors.push_str(&line.format());
            anchors.push('\n');
        }
        for tile in edge.partial_tiles() {
            log.tile(&tile, &mut bundle)?;
        }
        log.write("anchors.jsonl".into(), anchors.as_bytes())?;
        log.keys(&signer)?;
        Ok(log)
    }

    fn keys(&mut self, signer: &NoteSigner) -> Result<(), Failure> {
        let story = NoteSigner::from_seed(&StoryNote::key_name("bench.example"), &[2; 32])?;
        let (key, story) = (signer.verifier(), story.verifier());
        let history = format_line("log", key, TreeSize(0), None)
            + &format_line("story", story, TreeSize(0), None);
        self.write("keys.jsonl".into(), history.as_bytes())?;
        self.write("vkey".into(), format!("{}\n", key.format()).as_bytes())?;
        self.write(
            "story-vkey".into(),
            format!("{}\n", story.format()).as_bytes(),
        )
    }

    fn tile(&mut self, content: &TileContent, bundle: &mut Vec<Entry>) -> Result<(), Failure> {
        let tile: Tile = content.tile;
        let path = TilePath::Hashes(tile).to_string();
        self.write(path.into(), &hashes_to_bytes(&content.hashes))?;
        if tile.level == 0 {
            let entries: Vec<Entry> = bundle
                .drain(..usize::from(tile.width.min(TILE_WIDTH)))
                .collect();
            let path = TilePath::Entries(tile).to_string();
            self.write(path.into(), &entry_bundle(&entries))?;
        }
        Ok(())
    }

    fn write(&mut self, name: PathBuf, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(name);
        if !path.exists() {
            fs::create_dir_all(path.parent().ok_or("a folder")?)?;
            self.files.push(path.clone());
        }
        Ok(fs::write(path, bytes)?)
    }

    fn hash_all(&self) -> Result<u64, Failure> {
        let mut read = 0;
        for path in &self.files {
            let bytes = fs::read(path)?;
            read += bytes.len() as u64;
            std::hint::black_box(Hash::of(&[&bytes]));
        }
        Ok(read)
    }

    /// The real program; gives how long it took, and the most memory that it held, in KiB.
    fn audit(&self) -> Result<(Duration, u64), Failure> {
        let started = Instant::now();
        let mut program = Command::new(env!("CARGO_BIN_EXE_rootmark"))
            .args(["audit", "--vkey", &self.vkey, "--dir"])
            .arg(&self.folder)
            .stdout(Stdio::null())
            .spawn()?;
        let mut peak = 0;
        let status = loop {
            peak = memory(&program).unwrap_or(0).max(peak);
            if let Some(status) = program.try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        if !status.success() {
            return Err(format!("the audit ended with {status}").into());
        }
        Ok((started.elapsed(), peak))
    }
}

/// The most that it has held so far, in KiB, where the system tells.
fn memory(program: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
