//! The cluster's password: made once, kept in a file of the service's own, shown nowhere.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::error::{AtPath, ClusterError};

const FILE: &str = "postgres.password";
const RANDOM_BYTES: usize = 32;

/// The password of the cluster's only user. Formatting it prints nothing secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The password itself, for the connection and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The password in `<data_dir>/postgres.password`, for a cluster that exists.
    pub(super) fn load(data_dir: &Path) -> Result<Password, ClusterError> {
        let path = data_dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ClusterError::PasswordGone { path });
            }
            // Not UTF-8: the system's words would not help, and the content is not to be shown.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(ClusterError::PasswordUnreadable { path });
            }
            read => read.at("read", &path)?,
        };
        let digits = text.strip_suffix('\n').unwrap_or(&text);
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 2 * RANDOM_BYTES || !digits.bytes().all(hex) {
            return Err(ClusterError::PasswordUnreadable { path });
        }
        // A restored backup may have lost the mode.
        fs::set_permissions(&path, Permissions::from_mode(0o600)).at("protect", &path)?;
        Ok(Password(digits.to_owned()))
    }

    /// The password for a cluster that is about to be made: the one on disk if an earlier start was
    /// cut short after writing it, else a new one, durable before this returns. The other order
    /// could leave a cluster that nobody can enter.
    pub(super) fn load_or_create(data_dir: &Path) -> Result<Password, ClusterError> {
        match Password::load(data_dir) {
            Err(ClusterError::PasswordGone { path }) => Password::create(data_dir, &path),
            loaded => loaded,
        }
    }

    fn create(data_dir: &Path, path: &Path) -> Result<Password, ClusterError> {
        let mut random = [0u8; RANDOM_BYTES];
        getrandom::fill(&mut random)
            .map_err(|error| io::Error::other(error.to_string()))
            .at("draw random bytes for", path)?;
        let password = Password(random.iter().map(|byte| format!("{byte:02x}")).collect());
        let unfinished = path.with_extension("password.new");
        // A file that a killed start left behind is not reused: its mode is not known.
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).at("remove", &unfinished);
            }
            _ => {}
        }
        password.write_to(&unfinished)?;
        fs::rename(&unfinished, path).at("create", path)?;
        sync_folder(data_dir)?;
        Ok(password)
    }

    /// Writes the password into a new file that only its owner can read, and syncs it.
    pub(super) fn write_to(&self, path: &Path) -> Result<(), ClusterError> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).at("create", path)?;
        writeln!(file, "{}", self.0).at("write", path)?;
        file.sync_all().at("sync", path)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// Makes the names in `folder` durable: a rename is only on disk once its folder is.
pub(super) fn sync_folder(folder: &Path) -> Result<(), ClusterError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .at("sync", folder)
}
