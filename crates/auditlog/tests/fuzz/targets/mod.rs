//! What is fuzzed: one function a format, from any bytes to an answer. The same functions run under
//! libFuzzer (`fuzz/fuzz_targets/`) and, bounded, in `cargo test` (`../main.rs`).
//!
//! A target panics where a promise of the crate is broken. "No panic" is the least of them: what is
//! accepted is written again byte for byte, and what is signed says only what its signer said.

pub mod bundles;
pub mod chains;
pub mod fields;
pub mod lines;
pub mod model;
pub mod notes;
pub mod witnessing;

use auditlog::json;

/// What a target made of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is in the format, and every promise held.
    Accepted,
    /// It is not in the format.
    Refused,
}

impl Answer {
    fn of(accepted: bool) -> Answer {
        if accepted {
            Answer::Accepted
        } else {
            Answer::Refused
        }
    }
}

/// A target: its name, which is also that of its corpus, and what it does with bytes.
#[derive(Clone, Copy)]
#[allow(
    dead_code,
    reason = "a program of libFuzzer runs one target and needs no list"
)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]) -> Answer,
}

/// All targets.
#[allow(
    dead_code,
    reason = "a program of libFuzzer runs one target and needs no list"
)]
pub const TARGETS: &[Target] = &[
    Target {
        name: "note",
        run: notes::note,
    },
    Target {
        name: "checkpoint",
        run: notes::checkpoint,
    },
    Target {
        name: "vkey",
        run: notes::vkey,
    },
    Target {
        name: "cosignature",
        run: notes::cosignature,
    },
    Target {
        name: "story_note",
        run: notes::story_note,
    },
    Target {
        name: "tile_path",
        run: lines::tile_path,
    },
    Target {
        name: "tile",
        run: lines::tile,
    },
    Target {
        name: "entry",
        run: lines::entry,
    },
    Target {
        name: "entry_bundle",
        run: lines::entry_bundle,
    },
    Target {
        name: "json",
        run: fields::json_text,
    },
    Target {
        name: "disclosure",
        run: fields::disclosure,
    },
    Target {
        name: "bundle",
        run: bundles::bundle,
    },
    Target {
        name: "policy",
        run: witnessing::policy,
    },
    Target {
        name: "add_checkpoint",
        run: witnessing::add_checkpoint,
    },
    Target {
        name: "evidence",
        run: witnessing::evidence,
    },
    Target {
        name: "tlog_proof",
        run: witnessing::tlog_proof,
    },
    Target {
        name: "anchor_line",
        run: chains::anchor_line,
    },
    Target {
        name: "anchor_chain",
        run: chains::anchor_chain,
    },
    Target {
        name: "key_history",
        run: chains::key_history,
    },
    Target {
        name: "rotation",
        run: chains::rotation,
    },
    Target {
        name: "follow",
        run: model::follow,
    },
    Target {
        name: "inclusion",
        run: model::inclusion,
    },
    Target {
        name: "succession",
        run: chains::succession,
    },
    Target {
        name: "retold",
        run: bundles::retold,
    },
];

/// The text of an input; what is not UTF-8 is none.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// A string as JSON, for names in messages and members.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::write_string(text, &mut out);
    out
}
