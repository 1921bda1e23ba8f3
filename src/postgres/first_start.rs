//! Making the cluster, so that a kill at any moment leaves either none or a whole one.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::USER;
use super::error::{AtPath, ClusterError, last_lines};
use super::find::Binaries;
use super::identity::RunAs;
use super::password::{Password, sync_folder};
use super::place::{STAGING, Site, remove_half_made};

/// Makes the cluster of a data folder that has none, and returns its path.
///
/// `initdb` works in a folder beside the cluster's place and syncs what it writes; one rename then
/// makes the cluster appear. A start that was killed before it is simply done again.
pub(super) fn make_cluster(
    data_dir: &Path,
    binaries: &Binaries,
    password: &Password,
) -> Result<PathBuf, ClusterError> {
    let run_as = RunAs::for_new_cluster()?;
    let site = Site::choose(data_dir, &run_as)?;
    remove_half_made(&site.home)?;
    // The cluster of a claimed home may be whole already, killed just before it was settled.
    if !site.cluster().exists() {
        let staging = Staging::make(&site, &run_as, password)?;
        staging.initdb(binaries, &run_as)?;
        fs::rename(&staging.data, site.cluster()).at("create", &site.cluster())?;
        sync_folder(&site.home)?;
    }
    let cluster = site.settle()?;
    tracing::info!(
        cluster = %cluster.display(), version = binaries.major, user = run_as.name(),
        "made a Postgres cluster"
    );
    Ok(cluster)
}

/// The folder in which one `initdb` works; removed, with the password in it, when dropped.
struct Staging {
    folder: PathBuf,
    data: PathBuf,
    password: PathBuf,
}

impl Staging {
    fn make(site: &Site, run_as: &RunAs, password: &Password) -> Result<Staging, ClusterError> {
        // A name of its own for every try: an `initdb` that outlived its killed service must not
        // write into the folder of the next one. The clock suffices, one service has the folder.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let name = format!("{STAGING}{:x}", now.unwrap_or_default().as_nanos());
        let folder = site.home.join(name);
        let staging = Staging {
            data: folder.join("data"),
            password: folder.join("password"),
            folder: folder.clone(),
        };
        for path in [&folder, &staging.data] {
            DirBuilder::new()
                .mode(0o700)
                .create(path)
                .at("create", path)?;
        }
        password.write_to(&staging.password)?;
        // The folder goes last: root writes nothing into a folder that another user could change.
        for path in [&staging.password, &staging.data, &folder] {
            run_as.hand_over(path)?;
        }
        Ok(staging)
    }

    fn initdb(&self, binaries: &Binaries, run_as: &RunAs) -> Result<(), ClusterError> {
        let program = binaries.dir.join("initdb");
        let mut command = run_as.command(&program);
        command.args(["-A", "scram-sha-256", "-U", USER, "-E", "UTF8"]);
        // C.UTF-8 sorts by code point: an update of the system's locales never reorders an index.
        command.args(["--locale=C.UTF-8", "--data-checksums", "--no-instructions"]);
        command
            .arg("--pwfile")
            .arg(&self.password)
            .arg("-D")
            .arg(&self.data);
        let done = command.output().at("run", &program)?;
        if !done.status.success() {
            return Err(ClusterError::InitFailed {
                said: last_lines(&done.stderr),
            });
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Whatever stays is removed by the next first start; it is closed to other users.
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(path = %self.folder.display(), %error, "cannot remove");
        }
    }
}
