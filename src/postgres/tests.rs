//! Real programs, real folders. As root the cluster runs as another user, so that these tests cover
//! both ways, depending on who runs them.

use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::identity::{RunAs, unprivileged_user};
use super::place::{HOMES, STAGING, path_hash};
use super::*;

mod refusals;

/// A data folder of one test. Its home elsewhere, if it got one, goes with it.
struct Folder {
    temp: TempDir,
    data_dir: PathBuf,
}

impl Folder {
    fn open() -> Folder {
        Folder::new(0o755, "data")
    }

    fn new(mode: u32, name: &str) -> Folder {
        let temp = tempfile::tempdir().unwrap();
        fs::set_permissions(temp.path(), Permissions::from_mode(mode)).unwrap();
        let data_dir = fs::canonicalize(temp.path()).unwrap().join(name);
        fs::create_dir_all(&data_dir).unwrap();
        Folder { temp, data_dir }
    }

    fn start(&self) -> Result<Cluster, ClusterError> {
        Cluster::start(&ClusterConfig::new(&self.data_dir))
    }

    /// What looks like a cluster as far as its version.
    fn pretend_cluster(&self, major: &str) {
        fs::create_dir(self.data_dir.join("postgres")).unwrap();
        fs::write(
            self.data_dir.join("postgres/PG_VERSION"),
            format!("{major}\n"),
        )
        .unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let home = fs::read_link(self.data_dir.join("postgres"));
        if let Some(home) = home.ok().as_deref().and_then(Path::parent)
            && home.starts_with(HOMES)
        {
            fs::remove_dir_all(home).unwrap();
        }
    }
}

fn psql_as(cluster: &Cluster, password: &str, sql: &str) -> Output {
    let mut psql = Command::new(cluster.bin_dir().join("psql"));
    psql.args([
        "-X",
        "-A",
        "-t",
        "-q",
        "-w",
        "-d",
        "postgres",
        "-U",
        cluster.access().user(),
    ]);
    psql.arg("-h")
        .arg(cluster.access().socket_dir.as_path())
        .args(["-p", &cluster.access().port().to_string()]);
    psql.env("PGPASSWORD", password)
        .args(["-c", sql])
        .output()
        .unwrap()
}

fn psql(cluster: &Cluster, sql: &str) -> String {
    let said = psql_as(cluster, cluster.access().password.expose(), sql);
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn kill(pid: u32) {
    kill_process(
        Pid::from_raw(pid.try_into().unwrap()).unwrap(),
        Signal::KILL,
    )
    .unwrap();
}

fn proc_file(pid: u32, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{name}")).unwrap()).into_owned()
}

/// Every file under `dir`, links not followed.
fn files_under(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(files_under(&entry.path()));
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files
}

/// How many of a process's sockets are TCP, by the inode numbers in the lists of the kernel.
fn tcp_sockets_of(pid: u32) -> usize {
    let lists = proc_file(pid, "net/tcp") + &proc_file(pid, "net/tcp6");
    let tcp: HashSet<String> = lists
        .lines()
        .filter_map(|line| line.split_whitespace().nth(9))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
        .filter(|target| tcp.contains(target.to_str().unwrap()))
        .count()
}

#[test]
fn a_started_cluster_answers_durably_on_a_private_socket_and_no_tcp_port() {
    let folder = Folder::open();
    let cluster = folder.start().unwrap();
    assert!(!cluster.adopted());
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C.UTF-8"),
        ("password_encryption", "scram-sha-256"),
        ("max_wal_size", "2GB"),
    ] {
        assert_eq!(
            psql(&cluster, &format!("show {setting}")),
            value,
            "{setting}"
        );
    }
    let socket = fs::metadata(cluster.access().socket_dir.as_path()).unwrap();
    assert_eq!(socket.mode() & 0o777, 0o700);

    assert_eq!(tcp_sockets_of(cluster.pid()), 0);
    let _listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(
        tcp_sockets_of(std::process::id()) > 0,
        "the check itself sees TCP sockets"
    );

    let refused = psql_as(&cluster, &"0".repeat(64), "select 1");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("password authentication failed"));
    cluster.stop().unwrap();
}

#[test]
fn postgres_is_neither_root_nor_in_the_process_group_that_ctrl_c_reaches() {
    let folder = Folder::open();
    let cluster = folder.start().unwrap();
    let process = fs::metadata(format!("/proc/{}", cluster.pid())).unwrap();
    let status = proc_file(cluster.pid(), "status");
    let groups = status
        .lines()
        .find_map(|line| line.strip_prefix("Groups:"))
        .unwrap()
        .trim();
    if is_root() {
        let user = unprivileged_user(&fs::read_to_string("/etc/passwd").unwrap()).unwrap();
        assert_eq!((process.uid(), process.gid()), (user.uid, user.gid));
        assert_eq!(groups, "", "root's groups are dropped");
    } else {
        assert_eq!(process.uid(), rustix::process::geteuid().as_raw());
    }
    assert_eq!(
        fs::metadata(cluster.cluster_dir()).unwrap().uid(),
        process.uid()
    );

    // proc(5): the group is the third field after the parenthesised name.
    let stat = proc_file(cluster.pid(), "stat");
    let group = stat.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap();
    assert_eq!(group, cluster.pid().to_string());
}

#[test]
fn a_stopped_cluster_keeps_its_data_and_leaves_nothing_running() {
    let folder = Folder::open();
    let cluster = folder.start().unwrap();
    psql(&cluster, "create table kept as select 7 as n");
    let pid = cluster.pid();
    cluster.stop().unwrap();
    assert!(!Path::new(&format!("/proc/{pid}")).exists());

    let cluster = folder.start().unwrap();
    assert!(!cluster.adopted());
    assert_eq!(psql(&cluster, "select n from kept"), "7");
    let pid = cluster.pid();
    drop(cluster);
    assert!(
        !Path::new(&format!("/proc/{pid}")).exists(),
        "dropping stops too"
    );
}

#[test]
fn a_killed_postgres_recovers_what_was_committed() {
    let folder = Folder::open();
    let cluster = folder.start().unwrap();
    psql(&cluster, "create table kept as select 7 as n");
    kill(cluster.pid());
    let log = fs::read_to_string(cluster.cluster_dir().join("postgres.log")).unwrap();
    let told = cluster.stop().unwrap_err();
    assert!(matches!(told, ClusterError::EndedBefore { .. }), "{told}");
    assert!(!log.contains("was not properly shut down"));

    let cluster = folder.start().unwrap();
    assert!(!cluster.adopted());
    assert_eq!(psql(&cluster, "select n from kept"), "7");
    let log = fs::read_to_string(cluster.cluster_dir().join("postgres.log")).unwrap();
    assert!(log.contains("was not properly shut down"), "it did recover");
}

#[test]
fn a_postgres_that_outlived_its_service_is_adopted() {
    let folder = Folder::open();
    let lock = DataDirLock::take(&folder.data_dir).unwrap();
    let first = folder.start().unwrap();
    let pid = first.pid();
    std::mem::forget(first);
    drop(lock);
    let _lock = DataDirLock::take(&folder.data_dir).expect("Postgres does not hold the lock on");

    let second = folder.start().unwrap();
    assert!(second.adopted());
    assert_eq!(second.pid(), pid);
    assert_eq!(psql(&second, "show fsync"), "on");
    second.stop().unwrap();
    assert!(!folder.start().unwrap().adopted(), "stopped means stopped");
}

#[test]
fn a_postgres_with_other_settings_is_restarted_and_not_adopted() {
    let folder = Folder::open();
    let cluster = folder.start().unwrap();
    let (dir, bin_dir) = (
        cluster.cluster_dir().to_owned(),
        cluster.bin_dir().to_owned(),
    );
    cluster.stop().unwrap();
    let run_as = RunAs::for_cluster(&dir).unwrap();
    let mut by_hand = run_as.command(&bin_dir.join("pg_ctl"));
    by_hand.args([
        "start",
        "-w",
        "-o",
        "-c fsync=off -c listen_addresses= -k .",
    ]);
    by_hand
        .arg("-D")
        .arg(&dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    assert!(by_hand.status().unwrap().success());

    let cluster = folder.start().unwrap();
    assert!(!cluster.adopted());
    assert_eq!(psql(&cluster, "show fsync"), "on");
}

#[test]
fn a_pid_file_that_names_another_process_is_not_believed() {
    let folder = Folder::open();
    let cluster = folder.start().unwrap();
    let dir = cluster.cluster_dir().to_owned();
    let pid_file = fs::read_to_string(dir.join("postmaster.pid")).unwrap();
    let socket_lock = cluster.access().socket_dir.join(".s.PGSQL.5432.lock");
    let lock_file = fs::read_to_string(&socket_lock).unwrap();
    let (old, dir_line) = (cluster.pid().to_string(), dir.to_str().unwrap());
    assert!(pid_file.contains(dir_line) && lock_file.contains(dir_line));
    cluster.stop().unwrap();

    // A stranger with the cluster's own user, so that Postgres itself would believe the number.
    let mut stranger = RunAs::for_cluster(&dir).unwrap().command(Path::new("cat"));
    let mut stranger = stranger.stdin(Stdio::piped()).spawn().unwrap();
    let new = stranger.id().to_string();
    fs::write(dir.join("postmaster.pid"), pid_file.replacen(&old, &new, 1)).unwrap();
    fs::write(&socket_lock, lock_file.replacen(&old, &new, 1)).unwrap();

    let cluster = folder.start().unwrap();
    assert!(!cluster.adopted());
    assert_eq!(psql(&cluster, "select 1"), "1");
    cluster.stop().unwrap();
    assert!(
        stranger.try_wait().unwrap().is_none(),
        "the stranger is left alone"
    );

    fs::write(dir.join("postmaster.pid"), "").unwrap();
    folder
        .start()
        .expect("a pid file torn by a power cut is no obstacle")
        .stop()
        .unwrap();
    drop(stranger.stdin.take());
    stranger.wait().unwrap();
}

#[test]
fn a_cluster_that_root_restored_is_handed_to_its_user_and_a_long_log_is_put_aside() {
    let folder = Folder::open();
    let cluster = folder.start().unwrap();
    let dir = cluster.cluster_dir().to_owned();
    let owner = fs::metadata(&dir).unwrap().uid();
    cluster.stop().unwrap();
    let (log, aside) = (dir.join("postgres.log"), dir.join("postgres.log.1"));
    assert!(!aside.exists());
    fs::OpenOptions::new()
        .write(true)
        .open(&log)
        .unwrap()
        .set_len(17 << 20)
        .unwrap();
    if is_root() {
        for path in files_under(&dir).iter().chain([&dir]) {
            lchown(path, Some(0), Some(0)).unwrap();
        }
    }
    folder.start().unwrap().stop().unwrap();
    for path in files_under(&dir).iter().chain([&dir]) {
        assert_eq!(
            fs::metadata(path).unwrap().uid(),
            owner,
            "{}",
            path.display()
        );
    }
    assert_eq!(fs::metadata(aside).unwrap().len(), 17 << 20);
    assert!(fs::metadata(log).unwrap().len() < 1 << 20);
}

#[test]
fn a_start_that_fails_says_what_postgres_said() {
    let folder = Folder::open();
    let cluster = folder.start().unwrap();
    let conf = cluster.cluster_dir().join("postgresql.conf");
    cluster.stop().unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(conf).unwrap();
    writeln!(file, "no_such_setting = 1").unwrap();
    let told = folder.start().unwrap_err();
    assert!(matches!(told, ClusterError::StartFailed { .. }), "{told}");
    assert!(told.to_string().contains("no_such_setting"), "{told}");
}

#[test]
fn the_password_and_the_rows_are_in_no_log_argument_environment_or_debug_text() {
    let folder = Folder::open();
    let heard = Heard::default();
    let writer = heard.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // A lone subscriber is asked only by the threads that use it, and other tests' threads would
    // switch off for all what they reach first; with a second one, all are asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().finish());
    tracing::subscriber::with_default(subscriber, || {
        let cluster = folder.start().unwrap();
        let password = cluster.access().password.expose().to_owned();
        psql(
            &cluster,
            "create table rows (k text unique); insert into rows values ('secret row')",
        );
        let refused = psql_as(
            &cluster,
            &password,
            "insert into rows values ('secret row')",
        );
        assert!(String::from_utf8_lossy(&refused.stderr).contains("secret row"));

        let log = fs::read_to_string(cluster.cluster_dir().join("postgres.log")).unwrap();
        assert!(log.contains("duplicate key"), "errors are logged");
        assert!(!log.contains("secret row"), "what they are about is not");

        let shown = format!("{cluster:?}");
        assert!(shown.contains("Password(hidden)"));
        let arguments = proc_file(cluster.pid(), "cmdline");
        assert!(arguments.contains("fsync=on"));
        let environment = proc_file(cluster.pid(), "environ");
        cluster.stop().unwrap();
        let heard = String::from_utf8(heard.0.lock().unwrap().clone()).unwrap();
        assert!(heard.contains("Postgres is ready"));
        for text in [log, shown, arguments, environment, heard] {
            assert!(!text.contains(&password));
        }

        let path = folder.data_dir.join("postgres.password");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        for file in files_under(folder.temp.path()) {
            let holds = fs::read(&file)
                .unwrap()
                .windows(64)
                .any(|w| w == password.as_bytes());
            assert_eq!(holds, file == path, "{}", file.display());
        }
    });
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_first_start_that_was_cut_short_is_done_again_with_the_same_password() {
    let folder = Folder::open();
    let written = "5".repeat(64);
    fs::write(
        folder.data_dir.join("postgres.password"),
        format!("{written}\n"),
    )
    .unwrap();
    let half_made = folder.data_dir.join(format!("{STAGING}1"));
    fs::create_dir_all(half_made.join("data/base")).unwrap();
    fs::write(half_made.join("data/PG_VERSION"), "15\n").unwrap();
    let cluster = folder.start().unwrap();
    assert_eq!(cluster.access().password.expose(), written);
    assert_eq!(psql(&cluster, "select 1"), "1");
    assert!(!half_made.exists());
}

#[test]
fn a_data_folder_closed_to_the_user_of_postgres_gets_its_cluster_elsewhere() {
    let folder = Folder::new(0o700, "data");
    let cluster = folder.start().unwrap();
    let link = folder.data_dir.join("postgres");
    let home = Path::new(HOMES).join(path_hash(&folder.data_dir));
    assert_eq!(psql(&cluster, "show fsync"), "on");
    psql(&cluster, "create table kept as select 7 as n");
    assert_eq!(
        fs::metadata(folder.temp.path()).unwrap().mode() & 0o777,
        0o700
    );
    if !is_root() {
        assert_eq!(
            cluster.cluster_dir(),
            link,
            "nothing is closed to its owner"
        );
        return;
    }
    assert_eq!(cluster.cluster_dir(), home.join("postgres"));
    assert_eq!(fs::read_link(&link).unwrap(), home.join("postgres"));
    cluster.stop().unwrap();

    // Killed just before the cluster was settled: the home is claimed and whole.
    fs::rename(&link, folder.data_dir.join("postgres.pending")).unwrap();
    let cluster = folder.start().unwrap();
    assert_eq!(psql(&cluster, "select n from kept"), "7");
    cluster.stop().unwrap();

    // Moved away, with a new data folder at the old path: each has its own.
    let moved = folder.temp.path().join("moved");
    fs::rename(&folder.data_dir, &moved).unwrap();
    let newcomer = folder.start().unwrap();
    assert_ne!(newcomer.cluster_dir(), home.join("postgres"));
    let moved = Cluster::start(&ClusterConfig::new(&moved)).unwrap();
    assert_eq!(psql(&moved, "select n from kept"), "7");
    moved.stop().unwrap();
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn a_cluster_behind_a_closed_door_is_an_error_and_the_door_stays_closed() {
    let folder = Folder::open();
    folder.start().unwrap().stop().unwrap();
    fs::set_permissions(folder.temp.path(), Permissions::from_mode(0o700)).unwrap();
    let again = folder.start();
    assert_eq!(
        fs::metadata(folder.temp.path()).unwrap().mode() & 0o777,
        0o700
    );
    if is_root() {
        let told = again.unwrap_err();
        assert!(matches!(told, ClusterError::Unreachable { .. }), "{told}");
    } else {
        again.unwrap().stop().unwrap();
    }
}

#[test]
fn a_path_too_long_for_a_socket_gets_a_short_private_folder() {
    let folder = Folder::new(0o755, &"long/".repeat(25));
    let cluster = folder.start().unwrap();
    assert!(!cluster.access().socket_dir.starts_with(folder.temp.path()));
    assert_eq!(psql(&cluster, "select 1"), "1");
    let socket_dir = cluster.access().socket_dir.clone();
    assert_eq!(fs::metadata(&socket_dir).unwrap().mode() & 0o777, 0o700);
    cluster.stop().unwrap();

    // A folder that others can enter may be a trap, and is not used.
    fs::set_permissions(&socket_dir, Permissions::from_mode(0o755)).unwrap();
    let elsewhere = folder.start();
    fs::remove_dir(&socket_dir).unwrap();
    match elsewhere {
        Ok(cluster) => {
            assert_ne!(cluster.access().socket_dir.as_path(), socket_dir);
            let socket_dir = cluster.access().socket_dir.clone();
            cluster.stop().unwrap();
            fs::remove_dir(socket_dir).unwrap();
        }
        Err(told) => assert!(
            matches!(told, ClusterError::SocketFolderTaken { .. }),
            "{told}"
        ),
    }
}
