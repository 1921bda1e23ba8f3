//! What a crash, or somebody with a delete key, leaves of the public folder is made whole again at
//! start-up, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use rootmark::app::Running;
use rootmark::config::Settings;
use tempfile::TempDir;

use crate::public_files::{Files, assert_same, read_all};
use crate::support::{TestApp, document};

/// A service that was stopped after several seals, and what was public then.
struct Stopped {
    settings: Settings,
    data_dir: TempDir,
    public: Files,
    /// The same at the seal before the last.
    earlier: Files,
}

impl Stopped {
    async fn new() -> Stopped {
        let app = TestApp::start().await;
        app.capture(&[document::observation(1, "L1")]).await;
        app.sealed().await;
        let events: Vec<String> = (2..270).map(|id| document::observation(id, "L1")).collect();
        app.capture(&events).await;
        app.sealed().await;
        let earlier = read_all(&app.public_log());
        app.capture(&[document::observation(900, "L2")]).await;
        app.sealed().await;
        let public = read_all(&app.public_log());
        let (settings, data_dir) = app.stop().await;
        let stopped = Stopped {
            settings,
            data_dir,
            public,
            earlier,
        };
        assert_same(
            &read_all(&stopped.folder()),
            &stopped.public,
            "stopping publishes nothing new",
        );
        stopped
    }

    fn folder(&self) -> PathBuf {
        self.data_dir.path().join("public/log")
    }

    /// Breaks the folder, starts the service, and compares. The service must work on from there.
    async fn recovers_from(&self, what: &str, damage: impl FnOnce(&Path)) {
        damage(&self.folder());
        assert_ne!(
            read_all(&self.folder()),
            self.public,
            "{what}: nothing is broken"
        );
        let started = Running::start(&self.settings).await;
        let running = started.unwrap_or_else(|error| panic!("{what}: {error}"));
        // Start-up has published everything before the first request is answered.
        assert_same(&read_all(&self.folder()), &self.public, what);
        assert_eq!(ready(&running).await, 200, "{what}");
        running.stop().await;
        assert_same(&read_all(&self.folder()), &self.public, what);
    }
}

async fn ready(running: &Running) -> u16 {
    rootmark::http_client::loopback()
        .get(format!("{}/readyz", running.url))
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_folder_that_was_deleted_is_published_again_byte_for_byte() {
    let stopped = Stopped::new().await;
    stopped
        .recovers_from("everything deleted", |folder| {
            fs::remove_dir_all(folder).unwrap()
        })
        .await;
    stopped
        .recovers_from("all but the tiles deleted", |folder| {
            for name in [
                "checkpoint",
                "anchors.jsonl",
                "vkey",
                "story-vkey",
                "keys.jsonl",
            ] {
                fs::remove_file(folder.join(name)).unwrap();
            }
        })
        .await;
    stopped
        .recovers_from("tiles and anchor file deleted", |folder| {
            fs::remove_dir_all(folder.join("tile")).unwrap();
            fs::remove_file(folder.join("anchors.jsonl")).unwrap();
        })
        .await;
    for name in [
        "checkpoint",
        "anchors.jsonl",
        "vkey",
        "story-vkey",
        "keys.jsonl",
    ] {
        stopped
            .recovers_from(name, |folder| fs::remove_file(folder.join(name)).unwrap())
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_line_that_a_crash_cut_short_is_cut_off_and_written_whole() {
    let stopped = Stopped::new().await;
    let whole = &stopped.public["anchors.jsonl"];
    let before_last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n');
    let last = before_last.unwrap() + 1;
    // Inside the three bytes of the dash before a signature: what is left is not even UTF-8.
    let dash = last
        + whole[last..]
            .windows(3)
            .position(|b| b == "—".as_bytes())
            .unwrap()
        + 1;
    for length in [
        last + 1,
        last + 100,
        (last + whole.len()) / 2,
        dash,
        dash + 1,
        whole.len() - 2,
        whole.len() - 1,
    ] {
        stopped
            .recovers_from(
                &format!("cut to {length} of {} bytes", whole.len()),
                |folder| {
                    fs::write(folder.join("anchors.jsonl"), &whole[..length]).unwrap();
                },
            )
            .await;
    }
    let first = whole.iter().position(|b| *b == b'\n').unwrap();
    for length in [0, 1, first] {
        stopped
            .recovers_from(
                &format!("cut to {length} bytes, inside the first line"),
                |folder| {
                    fs::write(folder.join("anchors.jsonl"), &whole[..length]).unwrap();
                },
            )
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_any_two_steps_of_publishing_is_made_good() {
    let stopped = Stopped::new().await;
    let Stopped {
        public, earlier, ..
    } = &stopped;
    let earlier_file = |name: &str| earlier[name].clone();
    stopped
        .recovers_from(
            "the anchor line was written, the checkpoint was not",
            |folder| {
                fs::write(folder.join("checkpoint"), earlier_file("checkpoint")).unwrap();
            },
        )
        .await;
    stopped
        .recovers_from(
            "the tiles were written, anchor line and checkpoint were not",
            |folder| {
                fs::write(folder.join("checkpoint"), earlier_file("checkpoint")).unwrap();
                fs::write(folder.join("anchors.jsonl"), earlier_file("anchors.jsonl")).unwrap();
            },
        )
        .await;
    let new: Vec<&String> = public
        .keys()
        .filter(|name| !earlier.contains_key(*name))
        .collect();
    assert!(new.len() >= 2, "a seal leaves new tiles: {new:?}");
    stopped
        .recovers_from("committed, and nothing of it published", |folder| {
            for name in &new {
                fs::remove_file(folder.join(name)).unwrap();
            }
            fs::write(folder.join("checkpoint"), earlier_file("checkpoint")).unwrap();
            fs::write(folder.join("anchors.jsonl"), earlier_file("anchors.jsonl")).unwrap();
        })
        .await;
    stopped
        .recovers_from(
            "a tile half written, under its temporary name and under its own",
            |folder| {
                let tile = folder.join(new[0]);
                fs::write(&tile, &public[new[0]][..5]).unwrap();
                let name = tile.file_name().unwrap().to_str().unwrap();
                fs::write(tile.with_file_name(format!(".{name}.new")), b"half").unwrap();
                fs::write(folder.join("checkpoint"), earlier_file("checkpoint")).unwrap();
                fs::write(folder.join("anchors.jsonl"), earlier_file("anchors.jsonl")).unwrap();
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_that_were_deleted_under_a_whole_anchor_file_are_published_again() {
    let stopped = Stopped::new().await;
    let named = |kind: &str| -> Vec<&String> {
        stopped
            .public
            .keys()
            .filter(|name| name.starts_with(kind))
            .collect()
    };
    let newest = ["tile/0/001.p/15", "tile/entries/001.p/15"];
    for name in newest {
        assert!(stopped.public.contains_key(name), "{:?}", named("tile/"));
        stopped
            .recovers_from(name, |folder| fs::remove_file(folder.join(name)).unwrap())
            .await;
    }
    for name in ["tile/0/000", "tile/entries/000", "tile/1/000.p/1"] {
        stopped
            .recovers_from(name, |folder| fs::remove_file(folder.join(name)).unwrap())
            .await;
    }
    // Of a folder that is gone, everything comes back but what a full tile answers for.
    fs::remove_dir_all(stopped.folder().join("tile")).unwrap();
    let running = Running::start(&stopped.settings).await.unwrap();
    running.stop().await;
    let outgrown = ["tile/0/000.p/", "tile/entries/000.p/"];
    let is_outgrown = |name: &str| outgrown.iter().any(|folder| name.starts_with(folder));
    let mut expected = stopped.public.clone();
    expected.retain(|name, _| !is_outgrown(name));
    assert!(expected.len() < stopped.public.len());
    for earlier in ["tile/0/001.p/14", "tile/entries/001.p/14"] {
        assert!(expected.contains_key(earlier), "{:?}", named("tile/"));
    }
    assert_same(
        &read_all(&stopped.folder()),
        &expected,
        "the folder of tiles deleted",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_captured_and_not_sealed_before_the_stop_is_sealed_and_public_after_the_start() {
    let bench = crate::bench::Bench::new().await;
    bench.capture(&[document::observation(1, "L1")]).await;
    bench.sealed_and_public().await;
    bench.capture(&[document::observation(2, "L1")]).await;
    bench.sealed().await;
    bench.capture(&[document::observation(3, "L1")]).await;
    let size = |folder: &Path| -> String {
        let text = fs::read_to_string(folder.join("checkpoint")).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(size(bench.folder()), "1");
    let running = Running::start(&bench.settings).await.unwrap();
    running.everything_is_public().await.unwrap();
    running.stop().await;
    assert_eq!(size(bench.folder()), "3");
    bench.assert_clean("after the restart").await;
}
