//! Durable files: temporary name, write, fsync, rename, fsync of the folder. A reader sees the old
//! file or the new one, whatever happens in between.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{PublicError, at};

/// A file to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl PublicFile {
    /// The file at `path` below the public folder.
    pub fn new(path: &str, bytes: &[u8]) -> PublicFile {
        PublicFile {
            path: path.into(),
            bytes: bytes.to_vec(),
        }
    }
}

/// Writes files under `folder`. All are synced before any folder is, so that many files cost few
/// syncs of folders.
pub fn write(folder: &Path, files: &[PublicFile]) -> Result<(), PublicError> {
    let mut folders = BTreeSet::new();
    for file in files {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        if !folders.contains(parent) {
            make_folders(parent)?;
            folders.insert(parent.to_owned());
        }
        let temporary = parent.join(format!(
            ".{}.new",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
        let save = || -> std::io::Result<()> {
            let mut new = File::create(&temporary)?;
            new.write_all(&file.bytes)?;
            new.sync_all()?;
            fs::rename(&temporary, &path)
        };
        save().map_err(at(&path))?;
    }
    folders.iter().try_for_each(|folder| sync_folder(folder))
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

/// Removes every folder `N.p` beside a file `N` that is at least this old.
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

/// Waits for the folder to be ours alone, until the file that is given back is closed.
pub fn lock(folder: &Path) -> Result<File, PublicError> {
    let (path, file) = lock_file(folder)?;
    file.lock().map_err(at(&path))?;
    Ok(file)
}

/// The same without waiting; none if the folder is somebody else's.
pub fn try_lock(folder: &Path) -> Result<Option<File>, PublicError> {
    let (path, file) = lock_file(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

fn lock_file(folder: &Path) -> Result<(PathBuf, File), PublicError> {
    make_folders(folder)?;
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
fn make_folders(folder: &Path) -> Result<(), PublicError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        make_folders(parent)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(at(folder)(error));
            }
            _ => {}
        }
        return sync_folder(parent);
    }
    fs::create_dir_all(folder).map_err(at(folder))
}

pub(super) fn sync_folder(folder: &Path) -> Result<(), PublicError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at(folder))
}

#[cfg(test)]
mod tests {
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
        remove_outgrown(folder.path(), Duration::from_secs(3_600)).unwrap();
        assert!(there("0/x001/000.p/7"), "the full tile is not an hour old");
        remove_outgrown(folder.path(), Duration::ZERO).unwrap();
        assert!(!there("0/x001/000.p"));
        assert!(there("0/x001/000") && there("0/x001/001.p/7"));
        remove_outgrown(&folder.path().join("none"), Duration::ZERO).unwrap();
    }
}
