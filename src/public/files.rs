//! Durable files: temporary name, write, fsync, rename, fsync of the folder. A reader sees the old
//! file or the new one, whatever happens in between.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{CHECKPOINT, PublicError, at, disk};
use crate::failpoint::Thing;

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicFile {
    path: PathBuf,
    bytes: Vec<u8>,
    thing: Thing,
}

impl PublicFile {
    /// `path` is relative to the folder that it will be written to.
    pub fn new(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> PublicFile {
        let path = path.into();
        let thing = if path.starts_with("tile") {
            Thing::Tile
        } else if path == Path::new(CHECKPOINT) {
            Thing::Checkpoint
        } else {
            Thing::SmallFile
        };
        let bytes = bytes.into();
        PublicFile { path, bytes, thing }
    }

    /// A file that only the service itself may read, in a folder of which the same holds.
    pub fn secret(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> PublicFile {
        PublicFile {
            path: path.into(),
            bytes: bytes.into(),
            thing: Thing::Key,
        }
    }
}

/// Permissions of files and of folders, before the umask.
fn modes(thing: Thing) -> (u32, u32) {
    if thing == Thing::Key {
        (0o600, 0o700)
    } else {
        (0o666, 0o777)
    }
}

/// Writes files under `folder`. All are synced before any folder is, so that many files cost few
/// syncs of folders.
pub fn write(folder: &Path, files: &[PublicFile]) -> Result<(), PublicError> {
    let mut folders = BTreeMap::new();
    for file in files {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        if !folders.contains_key(parent) {
            make_folders(file.thing, parent)?;
            folders.insert(parent.to_owned(), file.thing);
        }
        save(file, &path, parent).map_err(at(&path))?;
    }
    folders
        .iter()
        .try_for_each(|(folder, thing)| sync_folder(*thing, folder))
}

/// Makes a file that must not exist yet and that only its owner can read.
pub fn write_new_secret(path: &Path, bytes: &[u8]) -> Result<(), PublicError> {
    let parent = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let (mode, _) = modes(Thing::Key);
    let file = disk::create(Thing::Key, path, bytes, mode).map_err(at(path))?;
    disk::sync(Thing::Key, path, &file).map_err(at(path))?;
    sync_folder(Thing::Key, parent)
}

fn save(file: &PublicFile, path: &Path, parent: &Path) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = parent.join(format!(".{name}.new"));
    let (mode, _) = modes(file.thing);
    let written = disk::write(file.thing, &temporary, &file.bytes, mode)?;
    disk::sync(file.thing, &temporary, &written)?;
    disk::rename(file.thing, &temporary, path)
}

/// Writes those files whose content is another, or which do not exist.
pub fn write_if_changed(folder: &Path, files: &[PublicFile]) -> Result<(), PublicError> {
    for file in files {
        let path = folder.join(&file.path);
        if fs::read(&path).ok().as_deref() != Some(&file.bytes) {
            write(folder, std::slice::from_ref(file))?;
        }
    }
    Ok(())
}

/// Removes every folder `N.p` beside a file `N` that is at least this old, below `folder`.
pub fn remove_outgrown(folder: &Path, age: Duration) -> Result<(), PublicError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(folder)(error)),
    };
    for entry in entries {
        let path = entry.map_err(at(folder))?.path();
        if !path.is_dir() {
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "p") {
            remove_outgrown(&path, age)?;
            continue;
        }
        let full = fs::metadata(path.with_extension("")).and_then(|file| file.modified());
        if full.is_ok_and(|since| since.elapsed().is_ok_and(|old| old >= age)) {
            fs::remove_dir_all(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// The files below `tile` that are in a folder `N.p`, by their names below `folder`, sorted.
pub fn partial_tile_names(folder: &Path) -> Result<Vec<String>, PublicError> {
    let mut names = Vec::new();
    collect_partial(folder, &folder.join("tile"), &mut names)?;
    names.sort_unstable();
    Ok(names)
}

fn collect_partial(root: &Path, folder: &Path, names: &mut Vec<String>) -> Result<(), PublicError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(folder)(error)),
    };
    let is_partial = folder.extension().is_some_and(|extension| extension == "p");
    for entry in entries {
        let path = entry.map_err(at(folder))?.path();
        // A name with a dot is that of a file which is being written, and nobody is given it.
        let is_hidden = |path: &Path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with('.'))
        };
        if path.is_dir() {
            collect_partial(root, &path, names)?;
        } else if is_partial && !is_hidden(&path) {
            let name = path.strip_prefix(root).unwrap_or(&path);
            names.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// A folder that is ours alone, for as long as this lives.
#[derive(Debug)]
pub struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Not by closing the file alone: a child of this process that another thread has just forked
        // holds it open too, until it runs its own program. If this fails, closing is next.
        let _ = self.0.unlock();
    }
}

/// Waits for the folder to be ours alone.
pub fn lock(folder: &Path) -> Result<FolderLock, PublicError> {
    let (path, file) = lock_file(folder)?;
    file.lock().map_err(at(&path))?;
    Ok(FolderLock(file))
}

/// The same without waiting; none if the folder is somebody else's.
pub fn try_lock(folder: &Path) -> Result<Option<FolderLock>, PublicError> {
    let (path, file) = lock_file(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(FolderLock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

fn lock_file(folder: &Path) -> Result<(PathBuf, File), PublicError> {
    make_folders(Thing::SmallFile, folder)?;
    let path = folder.join(".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(at(&path))?;
    Ok((path, file))
}

/// Makes a folder and those above it, each durable in its parent.
pub(super) fn make_folders(thing: Thing, folder: &Path) -> Result<(), PublicError> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(folder);
    make_folders(thing, parent)?;
    match disk::make_folder(thing, folder, modes(thing).1) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(at(folder)(error));
        }
        _ => {}
    }
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    sync_folder(thing, parent)
}

pub(super) fn sync_folder(thing: Thing, folder: &Path) -> Result<(), PublicError> {
    disk::sync_folder(thing, folder).map_err(at(folder))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_partial_tiles_that_were_outgrown_long_ago_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let tiles = [
            PublicFile::new("0/x001/000", b"full"),
            PublicFile::new("0/x001/000.p/7", b"outgrown"),
            PublicFile::new("0/x001/001.p/7", b"the edge"),
        ];
        write(folder.path(), &tiles).unwrap();
        let there = |path: &str| folder.path().join(path).exists();
        let hour = Duration::from_secs(3_600);
        let published = |ago: Duration| {
            let full = File::options()
                .write(true)
                .open(folder.path().join("0/x001/000"));
            full.unwrap().set_modified(SystemTime::now() - ago).unwrap();
        };
        for young in [Duration::ZERO, hour - Duration::from_secs(60)] {
            published(young);
            remove_outgrown(folder.path(), hour).unwrap();
            assert!(there("0/x001/000.p/7"), "the full tile is not an hour old");
        }
        published(hour);
        remove_outgrown(folder.path(), hour).unwrap();
        assert!(!there("0/x001/000.p"));
        assert!(there("0/x001/000") && there("0/x001/001.p/7"));
        remove_outgrown(&folder.path().join("none"), Duration::ZERO).unwrap();
    }
}
