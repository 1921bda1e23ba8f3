//! One service per data folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::error::{AtPath, ClusterError};

/// The exclusive right to a data folder, for as long as this value lives.
///
/// The service takes it before it starts the cluster. The kernel gives it up with the process, so
/// that a killed service never locks out the next one. Rust opens files close-on-exec, so that a
/// Postgres that outlives the service does not go on holding it.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
}

impl Drop for DataDirLock {
    fn drop(&mut self) {
        // Not by closing the file alone: a child of this process that another thread has just forked
        // holds it open too, until it runs its own program. If this fails, closing is next.
        let _ = self.file.unlock();
    }
}

impl DataDirLock {
    /// Takes `<data_dir>/rootmark.lock`, and makes the folder if it is not there yet.
    ///
    /// # Errors
    /// [`ClusterError::DataDirInUse`] names the process that has it.
    pub fn take(data_dir: &Path) -> Result<DataDirLock, ClusterError> {
        fs::create_dir_all(data_dir).at("create", data_dir)?;
        let path = data_dir.join("rootmark.lock");
        // Not truncated: until the lock is ours, the content is the holder's.
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).at("open", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = (&file).take(16).read_to_string(&mut holder);
                let pid = read.ok().and_then(|_| holder.trim().parse().ok());
                return Err(ClusterError::DataDirInUse {
                    data_dir: data_dir.to_owned(),
                    pid,
                });
            }
            Err(TryLockError::Error(error)) => return Err(error).at("lock", &path),
        }
        file.set_len(0).at("write", &path)?;
        file.rewind().at("write", &path)?;
        writeln!(file, "{}", std::process::id()).at("write", &path)?;
        Ok(DataDirLock { file })
    }
}
