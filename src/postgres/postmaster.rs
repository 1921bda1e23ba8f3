//! The running Postgres: launched, taken over from a killed service, waited for, stopped.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::error::{AtPath, ClusterError, last_lines};
use super::find::Binaries;
use super::identity::RunAs;
use super::place::socket_name;
use super::settings::command_line;

/// How often a starting or stopping Postgres is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How often one is launched that another holds up. Each try writes a line into the log.
const LAUNCH_AGAIN: Duration = Duration::from_millis(500);

/// How long between two words to an operator who waits.
const SAY_AGAIN: Duration = Duration::from_secs(15);

/// How long a stop may take: it writes out all of `shared_buffers`, on a slow disk.
const STOP_LIMIT: Duration = Duration::from_secs(120);

/// A log beyond this size is put aside when Postgres starts; one earlier log is kept.
const LOG_LIMIT_BYTES: u64 = 16 << 20;

/// All that starting and stopping needs to know of one cluster.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) cluster: PathBuf,
    pub(super) socket_dir: PathBuf,
    pub(super) binaries: Binaries,
    pub(super) run_as: RunAs,
    pub(super) max_connections: u16,
}

/// A Postgres that accepts connections, or did.
#[derive(Debug)]
pub(super) struct Postmaster {
    pub(super) pid: u32,
    /// `None` if it was taken over: then it is not our child.
    child: Option<Child>,
}

impl Postmaster {
    /// Whether it ran already, left by a service that was killed.
    pub(super) fn is_adopted(&self) -> bool {
        self.child.is_none()
    }
}

/// What `postmaster.pid` leads to.
enum Survivor {
    /// Nothing that runs.
    None,
    /// A Postgres of this cluster, started with the command line we would use.
    Equal(u32),
    /// A Postgres of this cluster, started otherwise: by an earlier release, or by hand.
    Different(u32),
}

/// How a wait for readiness ended.
enum Waited {
    Ready,
    Ended(Ended),
    TimeUp,
}

/// How Postgres ended.
enum Ended {
    Child(ExitStatus),
    /// The system tells only the parent, and the parent was the killed service.
    Adopted,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Child(status) => status.fmt(f),
            Ended::Adopted => f.write_str("it is not known how"),
        }
    }
}

impl Server {
    /// Brings Postgres up: takes over one that outlived a killed service, else launches one.
    /// Returns once it accepts connections, which after a kill is when it has recovered.
    pub(super) fn bring_up(&self, limit: Duration) -> Result<Postmaster, ClusterError> {
        let line = command_line(
            &self.binaries,
            &self.cluster,
            &self.socket_dir,
            self.max_connections,
        );
        let mut patience = Patience::new(limit);
        loop {
            let log_start = fs::metadata(self.log()).map_or(0, |log| log.len());
            let mut postmaster = match self.survivor(&line)? {
                Survivor::Equal(pid) => Postmaster { pid, child: None },
                Survivor::Different(pid) => {
                    tracing::info!(
                        pid,
                        "restarting a Postgres that stops or has other settings"
                    );
                    let stopped = self.pg_ctl_stop();
                    // It may have ended by itself meanwhile, and then that was the error.
                    if self.is_postmaster(&command_line_of(pid)) {
                        stopped?;
                    }
                    continue;
                }
                Survivor::None => self.launch(&line)?,
            };
            let ended = match self.wait_until_ready(&mut postmaster, &mut patience)? {
                Waited::Ready => return Ok(postmaster),
                Waited::TimeUp => return Err(self.not_ready_in_time(limit)),
                Waited::Ended(ended) => ended,
            };
            let said = self.log_since(log_start);
            // Processes of a killed Postgres finish what they do before they notice. As long as one
            // holds the old shared memory, a new Postgres rightly refuses to start beside it.
            let held_up = said.contains("is still in use") || postmaster.is_adopted();
            if !(held_up
                && patience.wait(LAUNCH_AGAIN, "the processes of a killed Postgres to end"))
            {
                let (status, log) = (ended.to_string(), self.log());
                return Err(ClusterError::StartFailed { status, log, said });
            }
        }
    }

    /// Stops Postgres: clients are cut off, everything is written, nothing has to be recovered.
    pub(super) fn stop(&self, postmaster: &mut Postmaster) -> Result<(), ClusterError> {
        let Some(child) = &mut postmaster.child else {
            return match self.ended(postmaster)? {
                Some(ended) => Err(ClusterError::EndedBefore {
                    status: ended.to_string(),
                }),
                None => self.pg_ctl_stop(),
            };
        };
        // Not by pg_ctl, which takes a child that was killed and not yet waited for as alive. Until
        // it is waited for its number is no one else's, so the signal cannot hit a stranger.
        let pid = Pid::from_child(child);
        let program = self.binaries.dir.join("postgres");
        let mut patience = Patience::new(STOP_LIMIT);
        let mut asked = false;
        loop {
            match child.try_wait().at("wait for", &program)? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    return Err(ClusterError::EndedBefore {
                        status: status.to_string(),
                    });
                }
                // SIGINT is PostgreSQL's "fast shutdown".
                None if !asked => kill_process(pid, Signal::INT)
                    .map_err(io::Error::from)
                    .at("signal", &program)?,
                None => {}
            }
            asked = true;
            if !patience.wait(LOOK_AGAIN, "Postgres to stop") {
                let said = format!("process {} still runs", child.id());
                return Err(ClusterError::StopFailed { said });
            }
        }
    }

    fn launch(&self, line: &[OsString]) -> Result<Postmaster, ClusterError> {
        // The socket's lock file has the weakness of a stale pid file, see `survivor`. The folder
        // is this cluster's alone, and the cluster does not run.
        let socket = self.socket_dir.join(socket_name());
        remove_if_there(&socket.with_added_extension("lock"))?;
        remove_if_there(&socket)?;
        self.put_long_log_aside()?;
        // The shell opens the log as the cluster's user, and becomes Postgres: root itself writes
        // nothing into a folder in which another user could have put a link.
        let shell = Path::new("/bin/sh");
        let mut command = self.run_as.command(shell);
        command
            .args(["-c", r#"umask 077; log=$0; exec "$@" >>"$log" 2>&1"#])
            .arg(self.log());
        command
            .args(line)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // A terminal sends Ctrl-C to the service's whole process group, and SIGINT would shut
        // Postgres down while the service still finishes its work.
        let child = command.process_group(0).spawn().at("run", shell)?;
        Ok(Postmaster {
            pid: child.id(),
            child: Some(child),
        })
    }

    fn wait_until_ready(
        &self,
        postmaster: &mut Postmaster,
        patience: &mut Patience,
    ) -> Result<Waited, ClusterError> {
        loop {
            let pid_file = PidFile::read(&self.cluster)?;
            if pid_file.is_some_and(|file| file.ready && file.pid == Some(postmaster.pid)) {
                return Ok(Waited::Ready);
            }
            if let Some(ended) = self.ended(postmaster)? {
                return Ok(Waited::Ended(ended));
            }
            if !patience.wait(LOOK_AGAIN, "Postgres, which may be recovering after a kill") {
                return Ok(Waited::TimeUp);
            }
        }
    }

    /// How Postgres ended, if it has.
    fn ended(&self, postmaster: &mut Postmaster) -> Result<Option<Ended>, ClusterError> {
        let program = self.binaries.dir.join("postgres");
        match &mut postmaster.child {
            Some(child) => Ok(child.try_wait().at("wait for", &program)?.map(Ended::Child)),
            None => {
                let gone = !self.is_postmaster(&command_line_of(postmaster.pid));
                Ok(gone.then_some(Ended::Adopted))
            }
        }
    }

    /// Looks behind `postmaster.pid`. The file alone proves nothing: after a kill it stays, and its
    /// number may by now be another process, even a thread of this one, as happens in containers.
    /// Postgres believes such a number and does not start, so a file that is proven stale is
    /// removed. Should processes of the old Postgres still run, Postgres finds that out by itself,
    /// from the shared memory that belongs to the folder (since version 12, even without the file).
    fn survivor(&self, line: &[OsString]) -> Result<Survivor, ClusterError> {
        let Some(file) = PidFile::read(&self.cluster)? else {
            return Ok(Survivor::None);
        };
        let path = PidFile::path(&self.cluster);
        // A file without a number was torn by a power cut.
        let running = file.pid.map_or(CommandLine::Gone, command_line_of);
        match (file.pid, &running) {
            (Some(pid), CommandLine::Unknown) => Err(ClusterError::UnknownProcess {
                pid_file: path,
                pid,
            }),
            (Some(pid), CommandLine::Known(running_line)) if self.is_postmaster(&running) => {
                let equal = running_line == line && !file.stopping && self.status_says_running()?;
                Ok(if equal {
                    Survivor::Equal(pid)
                } else {
                    Survivor::Different(pid)
                })
            }
            _ => {
                tracing::info!(path = %path.display(), "removing a killed Postgres' pid file");
                remove_if_there(&path)?;
                Ok(Survivor::None)
            }
        }
    }

    /// Whether this command line is that of a Postgres of this very cluster.
    fn is_postmaster(&self, running: &CommandLine) -> bool {
        let CommandLine::Known(line) = running else {
            return false;
        };
        let program = line
            .first()
            .and_then(|program| Path::new(program).file_name());
        let data_dir = line.iter().skip_while(|argument| *argument != "-D").nth(1);
        program.is_some_and(|name| name == "postgres" || name == "postmaster")
            && data_dir.is_some_and(|dir| fs::canonicalize(dir).is_ok_and(|d| d == self.cluster))
    }

    fn status_says_running(&self) -> Result<bool, ClusterError> {
        let mut command = self.pg_ctl("status");
        let program = self.binaries.dir.join("pg_ctl");
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        Ok(status.at("run", &program)?.success())
    }

    fn pg_ctl_stop(&self) -> Result<(), ClusterError> {
        let program = self.binaries.dir.join("pg_ctl");
        let mut command = self.pg_ctl("stop");
        command
            .args(["-s", "-w", "-m", "fast", "-t"])
            .arg(STOP_LIMIT.as_secs().to_string());
        // A second Ctrl-C is not to end the wait.
        let done = command.process_group(0).output().at("run", &program)?;
        if !done.status.success() {
            return Err(ClusterError::StopFailed {
                said: last_lines(&done.stderr),
            });
        }
        Ok(())
    }

    fn pg_ctl(&self, verb: &str) -> Command {
        let mut command = self.run_as.command(&self.binaries.dir.join("pg_ctl"));
        command.arg(verb).arg("-D").arg(&self.cluster);
        command
    }

    pub(super) fn log(&self) -> PathBuf {
        self.cluster.join("postgres.log")
    }

    fn put_long_log_aside(&self) -> Result<(), ClusterError> {
        let path = self.log();
        if fs::symlink_metadata(&path).is_ok_and(|log| log.len() > LOG_LIMIT_BYTES) {
            fs::rename(&path, path.with_added_extension("1")).at("rename", &path)?;
        }
        Ok(())
    }

    fn log_since(&self, start: u64) -> String {
        let mut said = Vec::new();
        let read = File::open(self.log()).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.take(1 << 16).read_to_end(&mut said)
        });
        match read {
            Ok(_) => last_lines(&said),
            Err(error) => format!("(unreadable: {error})"),
        }
    }

    fn not_ready_in_time(&self, limit: Duration) -> ClusterError {
        ClusterError::NotReadyInTime {
            limit_s: limit.as_secs(),
            log: self.log(),
        }
    }
}

/// What is known of the arguments of a process.
#[derive(Debug, PartialEq, Eq)]
enum CommandLine {
    /// Program first; empty for a process that has ended and waits for its parent.
    Known(Vec<OsString>),
    /// There is no such process any more.
    Gone,
    /// The system does not tell.
    Unknown,
}

/// Read from `/proc`, which tells the command line of every process to everyone (proc(5)), where
/// its working folder would need a capability that containers do not give.
fn command_line_of(pid: u32) -> CommandLine {
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(bytes) => {
            let arguments = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
            let split = arguments.split(|byte| *byte == 0);
            CommandLine::Known(
                split
                    .map(|part| OsStr::from_bytes(part).to_owned())
                    .collect(),
            )
        }
        Err(_) if is_alive(pid) => CommandLine::Unknown,
        Err(_) => CommandLine::Gone,
    }
}

/// Whether the number is in use. A process of another user is alive too, and only not ours to
/// signal.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

fn remove_if_there(path: &Path) -> Result<(), ClusterError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.at("remove", path),
    }
}

/// `postmaster.pid`: line 1 is the process, line 8 its state (PostgreSQL's `utils/pidfile.h`).
struct PidFile {
    pid: Option<u32>,
    ready: bool,
    stopping: bool,
}

impl PidFile {
    fn path(cluster: &Path) -> PathBuf {
        cluster.join("postmaster.pid")
    }

    fn read(cluster: &Path) -> Result<Option<PidFile>, ClusterError> {
        let path = PidFile::path(cluster);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.at("read", &path)?,
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines().map(str::trim);
        // Negative for a backend that a person runs without a postmaster.
        let pid = lines
            .next()
            .and_then(|line| line.trim_start_matches('-').parse().ok());
        let state = lines.nth(6).unwrap_or_default();
        Ok(Some(PidFile {
            pid,
            ready: state == "ready",
            stopping: state == "stopping",
        }))
    }
}

/// The time that is left to wait, and when to say again what is waited for.
struct Patience {
    began: Instant,
    limit: Duration,
    say_next: Duration,
}

impl Patience {
    fn new(limit: Duration) -> Patience {
        Patience {
            began: Instant::now(),
            limit,
            say_next: Duration::from_secs(3),
        }
    }

    /// Waits a moment for `what`; `false` once the time is up.
    fn wait(&mut self, pause: Duration, what: &str) -> bool {
        let waited = self.began.elapsed();
        if waited >= self.limit {
            return false;
        }
        if waited >= self.say_next {
            let (waited_s, limit_s) = (waited.as_secs(), self.limit.as_secs());
            tracing::info!(waited_s, limit_s, "waiting for {what}");
            self.say_next = waited + SAY_AGAIN;
        }
        std::thread::sleep(pause);
        true
    }
}
