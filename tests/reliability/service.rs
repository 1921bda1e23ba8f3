//! The real program with its own Postgres, as an operator runs it, and as a crash ends it.

#![allow(dead_code, reason = "each test binary uses its part of it")]

use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::port::own_port;

/// A service must be ready within this; Postgres recovers first.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A data folder.
pub(crate) struct Folder {
    temp: TempDir,
    port: u16,
    variables: Vec<(&'static str, String)>,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        let temp = tempfile::Builder::new()
            .prefix("rootmark-kill-")
            .tempdir()
            .unwrap();
        // Postgres runs as another user when the tests run as root.
        std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Folder {
            temp,
            port: own_port(),
            variables: Vec::new(),
        }
    }

    /// The data folder, which the first start makes.
    #[allow(dead_code, reason = "each test binary uses its part of it")]
    pub(crate) fn data(&self) -> PathBuf {
        self.temp.path().join("data")
    }

    /// The same with another setting.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Folder {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(crate) fn public_log(&self) -> PathBuf {
        self.temp.path().join("data/public/log")
    }

    /// Enters a merchant and gives a key of its own; a service has founded the log before.
    pub(crate) fn enter_merchant(&self) -> String {
        let issuer = "https://id.gs1.org/417/9521041000008";
        let (code, said) = self.run(&["merchant", "add", "Larkmere Demo", "--issuer", issuer]);
        assert_eq!(code, 0, "{said}");
        let (code, key) = self.run(&["key", "add"]);
        assert_eq!(code, 0, "{key}");
        key.trim().to_owned()
    }

    /// Runs a command to its end; gives its exit code and what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(arguments).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap_or(-1), said)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootmark"));
        command
            .args(arguments)
            .env("ROOTMARK_DATA_DIR", self.temp.path().join("data"))
            .env("ROOTMARK_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("ROOTMARK_SEAL_INTERVAL_MS", "50")
            .env("ROOTMARK_SHUTDOWN_GRACE_MS", "0")
            .env("ROOTMARK_LOG", "warn")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env_remove("ROOTMARK_DATABASE_URL")
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null());
        command
    }

    /// Writes a file into the folder and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.temp.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// What `rootmark demo` left in `demo.json`.
    pub(crate) fn demo(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.temp.path().join("data/demo.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// A folder in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// The process number of the embedded Postgres, from its own file.
    fn postmaster(&self) -> Pid {
        let path = self.temp.path().join("data/postgres/postmaster.pid");
        let text = std::fs::read_to_string(path).unwrap();
        Pid::from_raw(text.lines().next().unwrap().trim().parse().unwrap()).unwrap()
    }
}

/// A running service.
pub(crate) struct Service {
    pub(crate) base: String,
    process: Child,
    postmaster: Pid,
}

impl Service {
    pub(crate) async fn start(folder: &Folder) -> Service {
        let process = folder.command(&["serve"]).spawn().unwrap();
        Service::ready(folder, process).await
    }

    /// The same with what it logs going to `log`.
    pub(crate) async fn start_logging_to(folder: &Folder, log: std::fs::File) -> Service {
        let process = folder.command(&["serve"]).stderr(log).spawn().unwrap();
        Service::ready(folder, process).await
    }

    /// Starts the demo; also gives what it printed up to its last line.
    pub(crate) async fn start_demo(folder: &Folder) -> (Service, String) {
        let mut process = folder
            .command(&["demo"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = process.stdout.take().unwrap();
        let reading = tokio::task::spawn_blocking(move || {
            let mut printed = String::new();
            for line in std::io::BufReader::new(out).lines() {
                let line = line.unwrap();
                printed.push_str(&line);
                printed.push('\n');
                if line.starts_with("Press Ctrl-C") {
                    break;
                }
            }
            printed
        });
        let printed = tokio::time::timeout(READY_LIMIT, reading).await;
        let printed = printed.expect("the demo is loaded").unwrap();
        (Service::ready(folder, process).await, printed)
    }

    async fn ready(folder: &Folder, mut process: Child) -> Service {
        let base = format!("http://127.0.0.1:{}", folder.port);
        let http = rootmark::http_client::loopback();
        let ready = async {
            loop {
                let answer = http.get(format!("{base}/readyz")).send().await;
                if answer.is_ok_and(|answer| answer.status() == 200) {
                    return;
                }
                assert!(process.try_wait().unwrap().is_none(), "the service ended");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(READY_LIMIT, ready)
            .await
            .expect("the service becomes ready");
        Service {
            base,
            process,
            postmaster: folder.postmaster(),
        }
    }

    /// SIGKILL to both, in either order.
    pub(crate) fn kill(mut self, service_first: bool) {
        self.kill_both(service_first);
    }

    /// SIGKILL to its Postgres alone: to the backends too, which would outlive their postmaster for a moment
    /// and answer one more query.
    pub(crate) fn kill_postgres(&self) {
        let postmaster = self.postmaster.as_raw_nonzero();
        // It must start no others meanwhile.
        kill_process(self.postmaster, Signal::STOP).unwrap();
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let children = std::fs::read_to_string(children).unwrap();
        let backends: Vec<Pid> = children
            .split_whitespace()
            .filter_map(|pid| Pid::from_raw(pid.parse().unwrap()))
            .collect();
        assert!(!backends.is_empty(), "a postmaster has children");
        kill_process(self.postmaster, Signal::KILL).unwrap();
        for backend in backends {
            // One may have ended by itself.
            let _ = kill_process(backend, Signal::KILL);
        }
    }

    fn kill_both(&mut self, service_first: bool) {
        let service = Pid::from_child(&self.process);
        let order = if service_first {
            [service, self.postmaster]
        } else {
            [self.postmaster, service]
        };
        for pid in order {
            // Either may be gone already.
            let _ = kill_process(pid, Signal::KILL);
        }
        self.process.wait().unwrap();
    }

    /// SIGTERM, as a service manager sends it.
    pub(crate) async fn stop(self) {
        self.signal(Signal::TERM);
        assert_eq!(self.exit_code().await, Some(0), "the service stops cleanly");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) async fn exit_code(mut self) -> Option<i32> {
        let ended = tokio::task::spawn_blocking(move || self.process.wait());
        ended.await.unwrap().unwrap().code()
    }
}

/// One that is left over where a test fails would go on, and hold what the next one needs.
impl Drop for Service {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|status| status.is_none()) {
            self.kill_both(true);
        }
    }
}
