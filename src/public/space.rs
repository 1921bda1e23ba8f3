//! Whether anything can still be written.

use std::io;
use std::path::Path;

use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

/// Room for a seal of 50,000 statements and whatever else is under way.
const LEAST_FREE_BYTES: u64 = 32 << 20;

/// What this process may still write on the file system of `folder`.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let system = statvfs(folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Whether the next seal can be published into `folder`: it is there, ours to write, on a file system
/// that is not read-only and not full. Writes nothing itself.
pub fn check_writable(folder: &Path) -> io::Result<()> {
    check_writable_with(folder, LEAST_FREE_BYTES)
}

fn check_writable_with(folder: &Path, least_free: u64) -> io::Result<()> {
    access(folder, Access::WRITE_OK | Access::EXEC_OK)?;
    if statvfs(folder)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(io::ErrorKind::ReadOnlyFilesystem.into());
    }
    if free_bytes(folder)? < least_free {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_writable_unless_it_is_missing_or_full() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |result: io::Result<()>| result.unwrap_err().kind();
        check_writable_with(folder.path(), 1).unwrap();
        let full = check_writable_with(folder.path(), u64::MAX);
        assert_eq!(kind(full), io::ErrorKind::StorageFull);
        let missing = check_writable(&folder.path().join("none"));
        assert_eq!(kind(missing), io::ErrorKind::NotFound);
    }
}
