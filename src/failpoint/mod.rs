//! Moments at which a debug build can be told to die, so that a test can show what a crash costs there.
//!
//! `ROOTMARK_FAIL_POINT=anchor-line.append:lost@3` aborts the process at the third append of an anchor
//! line. What an unsynced page cache would have lost is undone first: from [`before`] to [`after`]
//! every change to a file is noted, and forgotten once it is synced. In a release build none of this
//! exists.

use std::path::Path;

/// What is being made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    /// A secret key's file.
    Key,
    /// The database's row of a new log.
    Founding,
    /// A small public file: the log's keys.
    SmallFile,
    /// The transaction that changes the log's key.
    Rotation,
    /// The transaction of a seal.
    Seal,
    /// A tile or an entry bundle.
    Tile,
    /// The anchor file.
    AnchorLine,
    /// A segment that the anchor file becomes.
    Segment,
    /// The public checkpoint.
    Checkpoint,
}

/// One step on the way to durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A folder is made.
    MakeFolder,
    /// A file is written under a temporary name.
    Write,
    /// A line is appended.
    Append,
    /// A torn line is cut off.
    Cut,
    /// A file's content is synced.
    Sync,
    /// A file gets its name.
    Rename,
    /// A file gets a second name.
    Link,
    /// A name is removed.
    Remove,
    /// A folder's names are synced.
    SyncFolder,
    /// A transaction is committed.
    Commit,
}

/// Every moment there is. A step that is not listed here cannot be taken in a debug build.
pub const POINTS: &[(Thing, &[Step])] = &[
    (
        Thing::Key,
        &[
            Step::MakeFolder,
            Step::Write,
            Step::Sync,
            Step::Rename,
            Step::SyncFolder,
        ],
    ),
    (Thing::Founding, &[Step::Commit]),
    (
        Thing::SmallFile,
        &[
            Step::MakeFolder,
            Step::Write,
            Step::Sync,
            Step::Rename,
            Step::SyncFolder,
        ],
    ),
    (Thing::Rotation, &[Step::Commit]),
    (Thing::Seal, &[Step::Commit]),
    (
        Thing::Tile,
        &[
            Step::MakeFolder,
            Step::Write,
            Step::Sync,
            Step::Rename,
            Step::SyncFolder,
        ],
    ),
    (
        Thing::AnchorLine,
        &[Step::Append, Step::Sync, Step::SyncFolder, Step::Cut],
    ),
    (
        Thing::Segment,
        &[Step::MakeFolder, Step::Link, Step::Remove, Step::SyncFolder],
    ),
    (
        Thing::Checkpoint,
        &[Step::Write, Step::Sync, Step::Rename, Step::SyncFolder],
    ),
];

/// How to die at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Death {
    /// Before the step.
    Before,
    /// After it; everything done so far is on the disk.
    Kept,
    /// After it; nothing that was not synced is on the disk.
    Lost,
    /// After it; of what was written and not synced, half is on the disk.
    Half,
    /// After it; this step is on the disk, and nothing before it that was not synced: a file system
    /// owes no order.
    Alone,
}

impl Thing {
    /// Its name in `ROOTMARK_FAIL_POINT`.
    pub fn name(self) -> &'static str {
        match self {
            Thing::Key => "key",
            Thing::Founding => "founding",
            Thing::SmallFile => "small-file",
            Thing::Rotation => "rotation",
            Thing::Seal => "seal",
            Thing::Tile => "tile",
            Thing::AnchorLine => "anchor-line",
            Thing::Segment => "segment",
            Thing::Checkpoint => "checkpoint",
        }
    }
}

impl Step {
    /// Its name in `ROOTMARK_FAIL_POINT`.
    pub fn name(self) -> &'static str {
        match self {
            Step::MakeFolder => "make-folder",
            Step::Write => "write",
            Step::Append => "append",
            Step::Cut => "cut",
            Step::Sync => "sync",
            Step::Rename => "rename",
            Step::Link => "link",
            Step::Remove => "remove",
            Step::SyncFolder => "sync-folder",
            Step::Commit => "commit",
        }
    }

    /// The deaths that differ from each other at this step.
    pub fn deaths(self) -> &'static [Death] {
        match self {
            Step::Commit => &[Death::Before, Death::Kept],
            Step::Write | Step::Append | Step::Cut => &[
                Death::Before,
                Death::Kept,
                Death::Lost,
                Death::Half,
                Death::Alone,
            ],
            // After a sync nothing of its file or folder is left to lose.
            Step::Sync | Step::SyncFolder => &[Death::Before, Death::Kept, Death::Lost],
            _ => &[Death::Before, Death::Kept, Death::Lost, Death::Alone],
        }
    }
}

impl Death {
    /// Its name in `ROOTMARK_FAIL_POINT`.
    pub fn name(self) -> &'static str {
        match self {
            Death::Before => "before",
            Death::Kept => "kept",
            Death::Lost => "lost",
            Death::Half => "half",
            Death::Alone => "alone",
        }
    }
}

/// Takes a step that changes `path`.
#[inline]
pub fn step<T>(
    thing: Thing,
    step: Step,
    path: &Path,
    work: impl FnOnce() -> std::io::Result<T>,
) -> std::io::Result<T> {
    before(thing, step, path);
    let done = work()?;
    after(thing, step, path);
    Ok(done)
}

#[cfg(not(debug_assertions))]
mod disarmed {
    use super::*;

    /// Before a step.
    #[inline]
    pub fn before(_: Thing, _: Step, _: &Path) {}

    /// After a step.
    #[inline]
    pub fn after(_: Thing, _: Step, _: &Path) {}

    /// A file that was not synced has another name now.
    #[inline]
    pub fn renamed(_: &Path, _: &Path) {}
}
#[cfg(not(debug_assertions))]
pub use disarmed::{after, before, renamed};

#[cfg(debug_assertions)]
mod armed;
#[cfg(debug_assertions)]
pub use armed::{after, before, renamed};
