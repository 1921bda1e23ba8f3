//! Every change to a folder, one function each, so that each is a point at which a test can let the
//! process die.

use std::fs::{self, File};
use std::io::{Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::failpoint::{self, Step, Thing};

/// Makes or empties a file and writes it; it is not synced yet.
pub(super) fn write(thing: Thing, path: &Path, bytes: &[u8], mode: u32) -> Result<File> {
    failpoint::step(thing, Step::Write, path, || {
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(true);
        let mut file = options.mode(mode).open(path)?;
        file.write_all(bytes)?;
        Ok(file)
    })
}

/// Makes a file that must not exist yet, and writes it.
pub(super) fn create(thing: Thing, path: &Path, bytes: &[u8], mode: u32) -> Result<File> {
    failpoint::step(thing, Step::Write, path, || {
        let mut options = File::options();
        let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        Ok(file)
    })
}

/// Appends in one write: a crash leaves all of it or a torn end.
pub(super) fn append(thing: Thing, path: &Path, bytes: &[u8]) -> Result<File> {
    failpoint::step(thing, Step::Append, path, || {
        let mut file = File::options().create(true).append(true).open(path)?;
        file.write_all(bytes)?;
        Ok(file)
    })
}

pub(super) fn cut(thing: Thing, path: &Path, file: &File, length: u64) -> Result<()> {
    failpoint::step(thing, Step::Cut, path, || file.set_len(length))
}

pub(super) fn sync(thing: Thing, path: &Path, file: &File) -> Result<()> {
    failpoint::step(thing, Step::Sync, path, || file.sync_all())
}

pub(super) fn rename(thing: Thing, from: &Path, to: &Path) -> Result<()> {
    failpoint::step(thing, Step::Rename, to, || {
        fs::rename(from, to)?;
        failpoint::renamed(from, to);
        Ok(())
    })
}

pub(super) fn link(thing: Thing, from: &Path, to: &Path) -> Result<()> {
    failpoint::step(thing, Step::Link, to, || fs::hard_link(from, to))
}

pub(super) fn remove(thing: Thing, path: &Path) -> Result<()> {
    failpoint::step(thing, Step::Remove, path, || fs::remove_file(path))
}

pub(super) fn make_folder(thing: Thing, path: &Path, mode: u32) -> Result<()> {
    failpoint::step(thing, Step::MakeFolder, path, || {
        fs::DirBuilder::new().mode(mode).create(path)
    })
}

pub(super) fn sync_folder(thing: Thing, folder: &Path) -> Result<()> {
    failpoint::step(thing, Step::SyncFolder, folder, || {
        File::open(folder)?.sync_all()
    })
}
