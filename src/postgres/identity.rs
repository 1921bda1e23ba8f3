//! Whom the cluster's processes run as: Postgres refuses to be root.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::{AtPath, ClusterError};

/// The user that owns the cluster's files and runs its processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunAs {
    /// The service's own user, which is not root.
    Ourselves,
    /// Another user: the service is root and steps down for everything that touches the cluster.
    User(User),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The name, or the number where the cluster's owner has none.
    pub(super) name: String,
}

impl RunAs {
    /// Who is to own a cluster that does not exist yet.
    pub(super) fn for_new_cluster() -> Result<RunAs, ClusterError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(RunAs::Ourselves);
        }
        let user = unprivileged_user(&passwd()?).ok_or(ClusterError::NoUserToRunAs)?;
        Ok(RunAs::User(user))
    }

    /// Who runs the cluster in `dir`: its owner, so that a folder made by one user and started by
    /// root stays that user's. A root-owned one (as a restored backup may be) is handed over first.
    pub(super) fn for_cluster(dir: &Path) -> Result<RunAs, ClusterError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(RunAs::Ourselves);
        }
        let owner = fs::metadata(dir).at("read", dir)?;
        if owner.uid() == 0 {
            let run_as = RunAs::for_new_cluster()?;
            run_as.hand_over_tree(dir)?;
            return Ok(run_as);
        }
        let (uid, gid) = (owner.uid(), owner.gid());
        let passwd = passwd()?;
        let name = users(&passwd)
            .find(|user| user.uid == uid)
            .map(|user| user.name);
        let name = name.unwrap_or_else(|| format!("number {uid}"));
        Ok(RunAs::User(User { uid, gid, name }))
    }

    /// A command that runs as this user, from `/`, with nothing of the service's environment but
    /// the search paths: Postgres lives long, under another user, and must not carry our secrets.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // The service's own working folder may be closed to the other user.
        command
            .env_clear()
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let RunAs::User(user) = self {
            // With a uid and no groups given, the standard library also drops root's
            // supplementary groups before the program starts.
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Makes this user the owner of `path` itself, whatever it is, following no link.
    pub(super) fn hand_over(&self, path: &Path) -> Result<(), ClusterError> {
        match self {
            RunAs::Ourselves => Ok(()),
            RunAs::User(user) => {
                lchown(path, Some(user.uid), Some(user.gid)).at("change the owner of", path)
            }
        }
    }

    /// Whether this user can enter `dir`. Decided by trying it as that user: mode bits alone do not
    /// know of access lists, mounts and capabilities.
    pub(super) fn can_enter(&self, dir: &Path) -> Result<bool, ClusterError> {
        let shell = Path::new("/bin/sh");
        let mut ask = self.command(shell);
        ask.args(["-c", r#"test -d "$0" && test -x "$0""#]).arg(dir);
        Ok(ask
            .stderr(Stdio::null())
            .status()
            .at("run", shell)?
            .success())
    }

    /// The number of this user.
    pub(super) fn uid(&self) -> u32 {
        match self {
            RunAs::Ourselves => rustix::process::geteuid().as_raw(),
            RunAs::User(user) => user.uid,
        }
    }

    /// How an operator knows this user.
    pub(super) fn name(&self) -> String {
        match self {
            RunAs::Ourselves => format!("number {}", self.uid()),
            RunAs::User(user) => user.name.clone(),
        }
    }

    fn hand_over_tree(&self, dir: &Path) -> Result<(), ClusterError> {
        for entry in fs::read_dir(dir).at("read", dir)? {
            let entry = entry.at("read", dir)?;
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.hand_over_tree(&path)?,
                Ok(_) => self.hand_over(&path)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).at("read", &path),
            }
        }
        // The top comes last: as long as root owns it, an interrupted hand-over starts again.
        self.hand_over(dir)
    }
}

/// `postgres` if the machine has that user, else `nobody`.
pub(super) fn unprivileged_user(passwd: &str) -> Option<User> {
    let named = |name: &str| users(passwd).find(|user| user.name == name && user.uid != 0);
    named("postgres").or_else(|| named("nobody"))
}

fn passwd() -> Result<String, ClusterError> {
    let path = Path::new("/etc/passwd");
    // A person's full name in an old encoding is no reason not to start.
    Ok(String::from_utf8_lossy(&fs::read(path).at("read", path)?).into_owned())
}

/// The users in the text of `/etc/passwd`; each line is `name:password:uid:gid:…`, passwd(5).
fn users(passwd: &str) -> impl Iterator<Item = User> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { uid, gid, name })
    })
}
