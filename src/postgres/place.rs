//! Where the cluster and its socket lie.
//!
//! The cluster is `<data_dir>/postgres`. A service that is root runs it as another user, who may
//! not be able to enter the data folder (`/root` is closed to all but root). Nobody's permissions
//! are changed for that: the cluster is then made in a home under `/var/lib/rootmark`, and
//! `<data_dir>/postgres` is a symbolic link to it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::error::{AtPath, ClusterError};
use super::identity::RunAs;
use super::password::sync_folder;

/// The cluster's name in the data folder and in a home of its own.
pub(super) const CLUSTER: &str = "postgres";

/// The link to a claimed home while the cluster in it is being made. Its rename to `postgres` is
/// the moment from which the cluster exists.
const PENDING: &str = "postgres.pending";

/// What the names of half-made clusters begin with.
pub(super) const STAGING: &str = "postgres.new-";

/// Where clusters go whose data folder their user cannot enter.
pub(super) const HOMES: &str = "/var/lib/rootmark";

/// A socket's path has to fit into `sockaddr_un` (108 bytes on Linux, 104 elsewhere) with its NUL.
const SOCKET_PATH_LIMIT_BYTES: usize = 100;

/// The port is only a part of the socket's name: nothing listens on TCP.
pub(super) const PORT: u16 = 5432;

/// The cluster of this data folder, as an absolute path without links; `None` before the first
/// start. Whatever lies there and is no cluster is an error: an empty cluster in the place of a
/// lost one would look like a service that forgot everything.
pub(super) fn existing(data_dir: &Path) -> Result<Option<PathBuf>, ClusterError> {
    let path = data_dir.join(CLUSTER);
    let kind = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        looked => looked.at("look at", &path)?,
    };
    match fs::canonicalize(&path) {
        Ok(cluster) if is_cluster(&cluster) => Ok(Some(cluster)),
        Ok(_) => Err(ClusterError::NotACluster { path }),
        Err(error) if error.kind() == ErrorKind::NotFound && kind.is_symlink() => {
            let target = fs::read_link(&path).at("read the link", &path)?;
            Err(ClusterError::LinkTargetGone { link: path, target })
        }
        Err(error) => Err(error).at("follow", &path),
    }
}

fn is_cluster(dir: &Path) -> bool {
    dir.join("PG_VERSION").is_file()
}

/// Where a first start makes its cluster.
#[derive(Debug)]
pub(super) struct Site {
    data_dir: PathBuf,
    /// The folder that will hold `postgres`: the data folder itself, or a home that only this data
    /// folder has claimed.
    pub(super) home: PathBuf,
}

impl Site {
    /// Chooses the place, and claims a home if the data folder will not do.
    pub(super) fn choose(data_dir: &Path, run_as: &RunAs) -> Result<Site, ClusterError> {
        let site = |home: &Path| Site {
            data_dir: data_dir.to_owned(),
            home: home.to_owned(),
        };
        if *run_as == RunAs::Ourselves || run_as.can_enter(data_dir)? {
            return Ok(site(data_dir));
        }
        let pending = data_dir.join(PENDING);
        // An earlier start that was cut short has claimed a home already.
        let claimed = fs::read_link(&pending).ok();
        let home = match claimed.as_deref().and_then(Path::parent) {
            Some(home) if home.is_dir() => home.to_owned(),
            _ => {
                let home = claim_home(data_dir)?;
                point(&pending, &home.join(CLUSTER))?;
                home
            }
        };
        if !run_as.can_enter(&home)? {
            return Err(ClusterError::Unreachable {
                path: home,
                user: run_as.name(),
            });
        }
        tracing::info!(
            data_dir = %data_dir.display(), home = %home.display(), user = run_as.name(),
            "Postgres' user cannot enter the data folder: the cluster lies elsewhere, and the data \
             folder has a link to it"
        );
        Ok(site(&home))
    }

    /// Where the cluster will lie in the home.
    pub(super) fn cluster(&self) -> PathBuf {
        self.home.join(CLUSTER)
    }

    /// Makes the finished cluster the data folder's, durably, and returns its path.
    pub(super) fn settle(&self) -> Result<PathBuf, ClusterError> {
        if self.home != self.data_dir {
            let pending = self.data_dir.join(PENDING);
            fs::rename(&pending, self.data_dir.join(CLUSTER)).at("rename", &pending)?;
        }
        sync_folder(&self.data_dir)?;
        fs::canonicalize(self.cluster()).at("follow", &self.cluster())
    }
}

/// Removes what a killed first start left in the home of this cluster, the password among it. A
/// folder that an operator's own link leads to is not ours to tidy.
pub(super) fn tidy_home(data_dir: &Path, cluster: &Path) -> Result<(), ClusterError> {
    match cluster.parent() {
        Some(home) if home == data_dir || home.starts_with(HOMES) => remove_half_made(home),
        _ => Ok(()),
    }
}

/// What cannot be removed costs room, not correctness: every try has a folder of its own.
pub(super) fn remove_half_made(home: &Path) -> Result<(), ClusterError> {
    for entry in fs::read_dir(home).at("read", home)? {
        let path = entry.at("read", home)?.path();
        let name = path.file_name().unwrap_or_default();
        if !name.as_bytes().starts_with(STAGING.as_bytes()) {
            continue;
        }
        match remove_under_a_writer(&path) {
            Ok(()) => tracing::info!(path = %path.display(), "removed a half-made cluster"),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot remove a half-made cluster");
            }
        }
    }
    Ok(())
}

/// Removes a folder into which an `initdb` that outlived its service may still be writing: it gives
/// up once it misses a file, and then the folder stays empty.
fn remove_under_a_writer(path: &Path) -> io::Result<()> {
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 1..TRIES {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => thread::sleep(PAUSE),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            removed => return removed,
        }
    }
    fs::remove_dir_all(path)
}

/// Makes a folder under [`HOMES`] that no other data folder has. It is named from the data folder's
/// path, so that an operator can tell; creating it is the claim, so that a data folder that was
/// moved away and still uses its home never shares it with a new one at its old path.
fn claim_home(data_dir: &Path) -> Result<PathBuf, ClusterError> {
    const TRIES: u32 = 99;
    let root = Path::new(HOMES);
    if make_public_folder(root)? {
        sync_folder(root.parent().unwrap_or(Path::new("/")))?;
    }
    let hash = path_hash(data_dir);
    for n in 1..=TRIES {
        let home = root.join(if n == 1 {
            hash.clone()
        } else {
            format!("{hash}-{n}")
        });
        if make_public_folder(&home)? {
            sync_folder(root)?;
            return Ok(home);
        }
        tracing::warn!(
            path = %home.display(),
            "an earlier data folder at this path left a cluster: remove it if nothing needs it"
        );
    }
    Err(ClusterError::NoFreeHome {
        root: root.to_owned(),
    })
}

/// Makes a folder that everyone may enter, whatever the umask; `false` if it is there already. What
/// it will hold is closed in itself.
fn make_public_folder(path: &Path) -> Result<bool, ClusterError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        made => {
            made.at("create", path)?;
            fs::set_permissions(path, Permissions::from_mode(0o755)).at("open", path)?;
            Ok(true)
        }
    }
}

fn point(link: &Path, target: &Path) -> Result<(), ClusterError> {
    match fs::remove_file(link) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).at("remove", link),
        _ => {}
    }
    symlink(target, link).at("create", link)?;
    sync_folder(link.parent().unwrap_or(Path::new("/")))
}

/// A private folder for the socket: beside the cluster, or where the path of that is too long for a
/// socket address, under a folder for short-lived files.
pub(super) fn socket_folder(
    data_dir: &Path,
    cluster: &Path,
    run_as: &RunAs,
) -> Result<PathBuf, ClusterError> {
    let mut beside = cluster.as_os_str().to_owned();
    beside.push(".socket");
    let short = format!("rootmark-{}", path_hash(data_dir));
    let mut candidates = vec![PathBuf::from(beside)];
    if *run_as != RunAs::Ourselves {
        candidates.push(Path::new("/run").join(&short));
    }
    candidates.push(std::env::temp_dir().join(&short));
    candidates.push(Path::new("/tmp").join(&short));

    let mut trouble = ClusterError::SocketPathTooLong {
        limit_bytes: SOCKET_PATH_LIMIT_BYTES,
    };
    for folder in candidates {
        let socket = folder.join(socket_name());
        if !folder.is_absolute() || socket.as_os_str().len() >= SOCKET_PATH_LIMIT_BYTES {
            continue;
        }
        match make_private_folder(&folder, run_as) {
            Ok(()) => return Ok(folder),
            Err(error) => trouble = error,
        }
    }
    Err(trouble)
}

/// How Postgres names its socket in the folder it is given.
pub(super) fn socket_name() -> OsString {
    format!(".s.PGSQL.{PORT}").into()
}

/// A folder under `/tmp` has a name that others can guess and take first, so one that exists is
/// only used if it is a real folder, owned by the right user and closed to all others.
fn make_private_folder(path: &Path, run_as: &RunAs) -> Result<(), ClusterError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => made.at("create", path)?,
    }
    let found = fs::symlink_metadata(path).at("look at", path)?;
    let uid = run_as.uid();
    // Owned by root: made just now, or by a start that was killed before it handed the folder over.
    let of_root = found.uid() == 0 && *run_as != RunAs::Ourselves;
    if !found.is_dir() || found.mode() & 0o077 != 0 || (found.uid() != uid && !of_root) {
        return Err(ClusterError::SocketFolderTaken {
            path: path.to_owned(),
            uid,
        });
    }
    run_as.hand_over(path)
}

/// 16 hexadecimal digits that stay the same for a path over time: FNV-1a, 64 bits, over its bytes.
/// They only name folders; two data folders with one hash still get different homes.
pub(super) fn path_hash(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}
