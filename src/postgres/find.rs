//! Finding PostgreSQL's programs on this machine.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::{AtPath, ClusterError, last_lines};
use super::identity::RunAs;

/// The oldest major version whose settings and programs this module was written for.
const OLDEST_MAJOR: u32 = 15;

/// Where Debian and Ubuntu put each major version: `<here>/15/bin`.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";

/// All that is ever run. Client packages fill the same folders without these three.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// A folder that holds `initdb`, `pg_ctl` and `postgres` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// The folder of the programs, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Their major version, e.g. 15.
    pub fn major_version(&self) -> u32 {
        self.major
    }

    /// The programs in `dir`, whose version is asked of `postgres --version`.
    fn in_folder(dir: &Path) -> Result<Binaries, ClusterError> {
        let program = dir.join("postgres");
        let mut ask = RunAs::Ourselves.command(&program);
        let answer = ask.arg("--version").output().at("run", &program)?;
        let said = last_lines(&answer.stdout);
        let Some(major) = major_in(&said) else {
            return Err(ClusterError::UnknownVersion { program, said });
        };
        if major < OLDEST_MAJOR {
            return Err(ClusterError::TooOld {
                bin_dir: dir.to_owned(),
                found: major,
            });
        }
        Ok(Binaries {
            dir: dir.to_owned(),
            major,
        })
    }
}

/// Finds PostgreSQL's programs: in `chosen` (the value of `ROOTMARK_PG_BIN`) and nowhere else if it
/// is given, else in the newest `/usr/lib/postgresql/N/bin`, else along `PATH`.
///
/// # Errors
/// A `chosen` folder without the programs is an error and never a reason to look elsewhere: an
/// operator who names a folder means it.
pub fn find_binaries(chosen: Option<&Path>) -> Result<Binaries, ClusterError> {
    if let Some(dir) = chosen {
        // Postgres is started from `/`, where a relative path would mean something else.
        let absolute = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        return match missing_in(&absolute) {
            Some(missing) => Err(ClusterError::WrongBinFolder {
                dir: dir.to_owned(),
                missing,
            }),
            None => Binaries::in_folder(&absolute),
        };
    }
    first_usable(&installed(), |_| true)
}

/// The programs of exactly this major version, if they are installed in one of the usual places.
pub(super) fn find_major(major: u32) -> Option<Binaries> {
    first_usable(&installed(), |found| found.major == major).ok()
}

fn installed() -> Vec<PathBuf> {
    candidates(Path::new(DEBIAN_ROOT), std::env::var_os("PATH").as_deref())
}

/// The folders that hold all three programs: the newest under `root` first, then those of `path`.
pub(super) fn candidates(root: &Path, path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        // As a number: as text, 9 would be newer than 15.
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let newest_first = versions.into_iter().map(|(_, bin)| bin);
    let along_path = path.into_iter().flat_map(std::env::split_paths);
    newest_first
        // A relative entry of PATH means another folder wherever one stands; a service has no use
        // for that.
        .chain(along_path.filter(|dir| dir.is_absolute()))
        .filter(|dir| missing_in(dir).is_none())
        .collect()
}

/// The first folder that runs, is new enough and suits. If none does, the first one's trouble.
fn first_usable(
    dirs: &[PathBuf],
    suits: impl Fn(&Binaries) -> bool,
) -> Result<Binaries, ClusterError> {
    let mut trouble = None;
    for dir in dirs {
        match Binaries::in_folder(dir) {
            Ok(found) if suits(&found) => return Ok(found),
            Ok(_) => {}
            Err(error) => trouble = trouble.or(Some(error)),
        }
    }
    Err(trouble.unwrap_or(ClusterError::NotInstalled))
}

/// The first of the three programs that `dir` does not hold in a runnable form.
fn missing_in(dir: &Path) -> Option<&'static str> {
    PROGRAMS.into_iter().find(|program| {
        let runnable = fs::metadata(dir.join(program))
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        !runnable
    })
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `… 18beta1`.
pub(super) fn major_in(said: &str) -> Option<u32> {
    let version = said.strip_prefix("postgres (PostgreSQL) ")?;
    let digits = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version[..digits].parse().ok()
}
