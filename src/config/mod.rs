//! Settings: environment variables `ROOTMARK_…`, read once into typed values. All faults are
//! reported together, and no secret is ever printed.

mod outbound;
mod serving;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use auditlog::anchor::SEGMENT_LINES;
use auditlog::policy::{MAX_BYTES, Policy};
use sqlx::postgres::PgConnectOptions;
use thiserror::Error;

use crate::cosign::CosignSettings;
use crate::http_client::PrivateTargets;
use crate::mail::MailSettings;
use crate::web::ServingSettings;

/// How long a witness that did not cosign is left alone.
const RETRY_WITNESS_AFTER: Duration = Duration::from_secs(5);

/// A waiting request costs a connection and some kilobytes. Beyond this none waits.
const WAITING_LIMIT: usize = 256;

/// What the service is set to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ROOTMARK_LISTEN`: address and port; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// `ROOTMARK_DATA_DIR`: keys, public files, and the embedded database. Default `./data`.
    pub data_dir: PathBuf,
    /// `ROOTMARK_PUBLIC_URL`: scheme and host under which readers reach the service, without a slash
    /// at the end. Default: `http://` and the address listened on.
    pub public_url: Option<String>,
    /// `ROOTMARK_ORIGIN`: the log's name, looked at only when its key is made.
    pub origin: Option<String>,
    /// `ROOTMARK_SEAL_INTERVAL_MS`: how often pending statements are sealed. Default 1000.
    pub seal_interval: Duration,
    /// `ROOTMARK_HEARTBEAT_S`: how often a checkpoint is signed though nothing is new. Default 600.
    pub heartbeat: Duration,
    /// `ROOTMARK_SCRUB_INTERVAL_MS`: how often the next part of the stored log is read again and
    /// compared with its digests. Default 1000.
    pub scrub_interval: Duration,
    /// `ROOTMARK_INDEX_PATIENCE_MS`: how long what queries find events by may wait to be merged. Default
    /// 10000.
    pub index_patience: Duration,
    /// `ROOTMARK_DATABASE_URL`, else `DATABASE_URL`, else the embedded Postgres.
    pub database: DatabaseChoice,
    /// Lines in a segment of the anchor file. The format fixes it; only a debug build reads another one
    /// from `ROOTMARK_SEGMENT_LINES`, so that tests see a segment end.
    pub segment_lines: u64,
    /// `ROOTMARK_WITNESS_POLICY`: a file (C2SP tlog-policy) with the witnesses that are asked to cosign
    /// each checkpoint. Default: none is asked.
    /// `ROOTMARK_WITNESS_QUORUM`: `wanted` or `required`; without a required quorum nothing is published.
    /// Default `wanted`.
    /// `ROOTMARK_WITNESS_TIMEOUT_MS`: how long a checkpoint waits for them. Default 2000.
    pub witnesses: Option<CosignSettings>,
    /// Requests that may wait for a receipt at a time: 256.
    pub waiting_limit: usize,
    /// Where the signing keys are, if not in the data folder.
    pub keys: KeySettings,
    /// `ROOTMARK_WORKERS`: threads that answer requests. Default: one for each core.
    pub workers: usize,
    /// `ROOTMARK_METRICS_TOKEN`: who presents it may read `/metrics`. Default: who asks from this machine.
    /// `ROOTMARK_TRUSTED_PROXIES`: proxies whose word about their clients is taken. Default: none.
    /// `ROOTMARK_LOOKUPS_PER_MINUTE`: of one client address. Default 6000; 0 is no limit.
    /// `ROOTMARK_API_REQUESTS_PER_MINUTE`: of one API key, and of one address. Default 60000; 0 is no
    /// limit.
    /// `ROOTMARK_PLACE_HEADER`: the header in which a trusted proxy says where its client is. Default: none.
    /// `ROOTMARK_MAPS`: `on` or `off`; off says the way in words alone. Default `on`.
    pub serving: ServingSettings,
    /// `ROOTMARK_WEBHOOK_PRIVATE_TARGETS`: networks and hosts that deliveries may go to although they are
    /// not on the public internet. Default: none.
    pub webhook_targets: PrivateTargets,
    /// `ROOTMARK_SMTP_URL`: the server that takes letters to people. Default: letters are files in `outbox` below the data folder.
    /// `ROOTMARK_MAIL_FROM`: who sends them.
    pub mail: MailSettings,
    /// `ROOTMARK_DELIVERIES`: `on` or `off`; off keeps subscriptions and sends them nothing. Default `on`.
    pub deliveries: bool,
    /// `ROOTMARK_SHUTDOWN_GRACE_MS`: how long the service, told to stop, still takes requests while
    /// `/readyz` says no. Default 3000.
    pub shutdown_grace: Duration,
}

/// Where signing keys are; what is not set lies in the data folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySettings {
    /// `ROOTMARK_LOG_KEY_FILE` or `ROOTMARK_LOG_KEY_COMMAND`: the log's newest key.
    pub log: Option<KeySource>,
    /// `ROOTMARK_OLD_LOG_KEY_FILE` or `ROOTMARK_OLD_LOG_KEY_COMMAND`: the key before it, read only for
    /// as long as both sign.
    pub old_log: Option<KeySource>,
    /// `ROOTMARK_STORY_KEY_FILE` or `ROOTMARK_STORY_KEY_COMMAND`: the key of story notes.
    pub story: Option<KeySource>,
}

/// Something that gives a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file whose content is the key.
    File(PathBuf),
    /// A program that prints the key.
    Command(KeyCommand),
}

/// A program with its arguments, which no shell sees.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyCommand {
    /// Its path, or its name on `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl fmt::Debug for KeyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The arguments may hold a token.
        write!(f, "{}", self.program.display())
    }
}

/// Which database.
#[derive(Clone)]
pub enum DatabaseChoice {
    /// An own cluster in the data folder, with the programs in `ROOTMARK_PG_BIN` if that is set.
    Embedded {
        /// The folder of `postgres` and `initdb`.
        bin_dir: Option<PathBuf>,
    },
    /// One that runs already.
    External(Box<PgConnectOptions>),
}

impl fmt::Debug for DatabaseChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseChoice::Embedded { bin_dir } => write!(f, "Embedded({bin_dir:?})"),
            // Options hold a password.
            DatabaseChoice::External(options) => {
                write!(f, "External({}:{})", options.get_host(), options.get_port())
            }
        }
    }
}

/// Settings that cannot be used, all of them.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Settings, SettingsError> {
        Settings::read(|name| std::env::var(name).ok())
    }

    /// Reads variables through `variable`. An empty one counts as not set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let mut reader = Reader {
            variable,
            faults: Vec::new(),
        };
        let settings = Settings {
            listen: reader
                .parsed(
                    "ROOTMARK_LISTEN",
                    "an address such as 127.0.0.1:8080",
                    |t| t.parse().ok(),
                )
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            data_dir: reader
                .text("ROOTMARK_DATA_DIR")
                .map_or_else(|| "data".into(), Into::into),
            public_url: reader.parsed(
                "ROOTMARK_PUBLIC_URL",
                "http:// or https:// and a host, such as https://trace.example.org",
                public_url,
            ),
            origin: reader.parsed(
                "ROOTMARK_ORIGIN",
                "a name without spaces and without +, such as trace.example.org/log",
                origin,
            ),
            seal_interval: Duration::from_millis(reader.number(
                "ROOTMARK_SEAL_INTERVAL_MS",
                1_000,
                10..=3_600_000,
            )),
            heartbeat: Duration::from_secs(reader.number("ROOTMARK_HEARTBEAT_S", 600, 1..=86_400)),
            scrub_interval: Duration::from_millis(reader.number(
                "ROOTMARK_SCRUB_INTERVAL_MS",
                1_000,
                10..=3_600_000,
            )),
            index_patience: Duration::from_millis(reader.number(
                "ROOTMARK_INDEX_PATIENCE_MS",
                10_000,
                10..=3_600_000,
            )),
            database: reader.database(),
            segment_lines: if cfg!(debug_assertions) {
                reader.number("ROOTMARK_SEGMENT_LINES", SEGMENT_LINES, 1..=SEGMENT_LINES)
            } else {
                SEGMENT_LINES
            },
            witnesses: reader.witnesses(),
            waiting_limit: WAITING_LIMIT,
            keys: KeySettings {
                log: reader.key_source("ROOTMARK_LOG_KEY_FILE", "ROOTMARK_LOG_KEY_COMMAND"),
                old_log: reader
                    .key_source("ROOTMARK_OLD_LOG_KEY_FILE", "ROOTMARK_OLD_LOG_KEY_COMMAND"),
                story: reader.key_source("ROOTMARK_STORY_KEY_FILE", "ROOTMARK_STORY_KEY_COMMAND"),
            },
            workers: reader.number("ROOTMARK_WORKERS", default_workers(), 1..=1_024) as usize,
            serving: reader.serving(),
            webhook_targets: reader.webhook_targets(),
            mail: reader.mail(),
            deliveries: reader.switch("ROOTMARK_DELIVERIES"),
            shutdown_grace: reader.shutdown_grace(),
        };
        if reader.faults.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError(reader.faults))
        }
    }

    /// The address under which readers reach the service that listens on `bound`.
    pub fn public_url(&self, bound: SocketAddr) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| format!("http://{bound}"))
    }
}

struct Reader<F> {
    variable: F,
    faults: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|text| !text.is_empty())
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        must_be: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.faults
                .push(format!("{name} must be {must_be}; it is {text:?}"));
        }
        value
    }

    fn number(&mut self, name: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        let must_be = format!("a whole number from {} to {}", range.start(), range.end());
        let parse = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        self.parsed(name, &must_be, parse).unwrap_or(default)
    }

    /// What is on unless it is switched off.
    fn switch(&mut self, name: &str) -> bool {
        let is_on = |text: &str| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        self.parsed(name, "on or off", is_on).unwrap_or(true)
    }

    fn witnesses(&mut self) -> Option<CosignSettings> {
        let must_be = "wanted or required";
        let quorum = self.parsed("ROOTMARK_WITNESS_QUORUM", must_be, |text| match text {
            "wanted" => Some(false),
            "required" => Some(true),
            _ => None,
        });
        let time_limit = self.number("ROOTMARK_WITNESS_TIMEOUT_MS", 2_000, 100..=60_000);
        const NAME: &str = "ROOTMARK_WITNESS_POLICY";
        let path = self.text(NAME);
        if path.is_none() && quorum == Some(true) {
            self.faults.push(format!(
                "ROOTMARK_WITNESS_QUORUM is required, and {NAME} is not set"
            ));
        }
        let path = path?;
        let settings = read_policy(&path).map(|policy| CosignSettings {
            policy,
            time_limit: Duration::from_millis(time_limit),
            quorum_required: quorum.unwrap_or(false),
            retry_after: RETRY_WITNESS_AFTER,
        });
        let checked = settings.and_then(|settings| match settings.check() {
            Ok(()) => Ok(settings),
            Err(fault) => Err(fault.to_string()),
        });
        let fault = |fault| self.faults.push(format!("{NAME}: {path}: {fault}"));
        checked.map_err(fault).ok()
    }

    /// Words of a command are parted by spaces; there are no quotes to forget.
    fn key_source(&mut self, file: &str, command: &str) -> Option<KeySource> {
        let (path, line) = (self.text(file), self.text(command));
        if path.is_some() && line.is_some() {
            self.faults
                .push(format!("{file} and {command} are both set; set one"));
        }
        if let Some(path) = path {
            return Some(KeySource::File(path.into()));
        }
        let line = line?;
        let mut words = line.split_ascii_whitespace().map(str::to_owned);
        let Some(program) = words.next() else {
            self.faults
                .push(format!("{command} must be a program and its arguments"));
            return None;
        };
        Some(KeySource::Command(KeyCommand {
            program: program.into(),
            arguments: words.collect(),
        }))
    }

    /// The fault names the variable and never its value, which may hold a password.
    fn database(&mut self) -> DatabaseChoice {
        for name in ["ROOTMARK_DATABASE_URL", "DATABASE_URL"] {
            let Some(url) = self.text(name) else { continue };
            let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
            match url.parse::<PgConnectOptions>() {
                Ok(options) if is_postgres => return DatabaseChoice::External(Box::new(options)),
                _ => {
                    self.faults.push(format!(
                        "{name} must be a URL postgres://user@host/database"
                    ));
                    break;
                }
            }
        }
        DatabaseChoice::Embedded {
            bin_dir: self.text("ROOTMARK_PG_BIN").map(Into::into),
        }
    }
}

fn read_policy(path: &str) -> Result<Policy, String> {
    let size = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    if size > MAX_BYTES as u64 {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    Policy::parse(&bytes).map_err(|error| error.to_string())
}

fn public_url(text: &str) -> Option<String> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    (!host.is_empty() && host.chars().all(plain)).then(|| text.to_owned())
}

fn origin(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_graphic() && c != '+';
    (text.len() <= 200 && text.chars().all(plain)).then(|| text.to_owned())
}

fn default_workers() -> u64 {
    std::thread::available_parallelism().map_or(2, |cores| cores.get() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_is_a_whole_configuration() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.data_dir.to_str(), Some("data"));
        assert_eq!(settings.seal_interval, Duration::from_secs(1));
        assert_eq!(settings.heartbeat, Duration::from_secs(600));
        assert!(matches!(
            settings.database,
            DatabaseChoice::Embedded { bin_dir: None }
        ));
        assert_eq!(
            settings.public_url(settings.listen),
            "http://127.0.0.1:8080"
        );
    }

    #[test]
    fn all_faults_are_reported_at_once_and_no_password_with_them() {
        let SettingsError(faults) = read(&[
            ("ROOTMARK_LISTEN", "everywhere"),
            ("ROOTMARK_PUBLIC_URL", "https://a.example/path"),
            ("ROOTMARK_ORIGIN", "my log"),
            ("ROOTMARK_SEAL_INTERVAL_MS", "0"),
            ("ROOTMARK_DATABASE_URL", "mysql://user:hunter2@host/db"),
        ])
        .unwrap_err();
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(!faults.join("\n").contains("hunter2"));
    }

    #[test]
    fn deliveries_are_on_unless_they_are_off() {
        let on = |value| read(&[("ROOTMARK_DELIVERIES", value)]).map(|read| read.deliveries);
        assert!(read(&[]).unwrap().deliveries);
        assert_eq!((on("on"), on("off")), (Ok(true), Ok(false)));
        let SettingsError(faults) = on("no").unwrap_err();
        assert!(faults[0].contains("ROOTMARK_DELIVERIES"), "{faults:?}");
    }

    #[test]
    fn a_policy_is_read_and_one_that_cannot_be_used_is_a_fault_that_names_it() {
        use auditlog::cosignature::WitnessSigner;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy");
        let with = |text: &str, quorum: &str| {
            std::fs::write(&path, text).unwrap();
            let path = path.to_str().unwrap();
            read(&[
                ("ROOTMARK_WITNESS_POLICY", path),
                ("ROOTMARK_WITNESS_QUORUM", quorum),
            ])
        };
        let key = |seed| {
            let signer = WitnessSigner::from_seed("w.example", &[seed; 32]).unwrap();
            signer.key().format()
        };
        let (one, two) = (key(1), key(2));
        let good = format!("witness a {one} https://w.example\nquorum a\n");
        let settings = with(&good, "required").unwrap().witnesses.unwrap();
        assert!(settings.quorum_required && settings.policy.witnesses.len() == 1);
        assert_eq!(settings.time_limit, Duration::from_secs(2));
        assert!(!with(&good, "").unwrap().witnesses.unwrap().quorum_required);
        for (text, quorum, words) in [
            (good.replace("quorum a\n", ""), "", "no quorum line"),
            (good.clone(), "perhaps", "ROOTMARK_WITNESS_QUORUM must be"),
            (good.replace("https:", "ftp:"), "", "http:// or https://"),
            (good.replace(" https://w.example", ""), "", "has an address"),
            (
                format!(
                    "{}\nwitness b {two}\nquorum b\n",
                    good.lines().next().unwrap()
                ),
                "required",
                "cannot be reached",
            ),
            ("#".repeat(MAX_BYTES + 1), "", "longer than"),
        ] {
            let SettingsError(faults) = with(&text, quorum).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains(words), "{faults:?}");
        }
        let none = good.replace("quorum a", "quorum none");
        assert!(with(&none, "").is_ok() && with(&none, "required").is_err());
        assert!(read(&[("ROOTMARK_WITNESS_QUORUM", "required")]).is_err());
        let many: String = (0..63)
            .map(|seed| format!("witness w{seed} {} https://w.example\n", key(seed)))
            .collect();
        assert!(with(&format!("{many}quorum none\n"), "").is_err());
        let missing = [("ROOTMARK_WITNESS_POLICY", "/nowhere/policy")];
        let SettingsError(faults) = read(&missing).unwrap_err();
        assert!(faults[0].contains("/nowhere/policy"), "{faults:?}");
    }

    #[test]
    fn a_key_comes_from_a_file_or_a_command_and_not_from_both() {
        let file = ("ROOTMARK_LOG_KEY_FILE", "/run/keys/log key");
        let command = ("ROOTMARK_LOG_KEY_COMMAND", " vault  read\tlog ");
        assert_eq!(read(&[]).unwrap().keys, KeySettings::default());
        let settings = read(&[file]).unwrap();
        let path = "/run/keys/log key".into();
        assert_eq!(settings.keys.log, Some(KeySource::File(path)));
        let settings = read(&[command, ("ROOTMARK_STORY_KEY_FILE", "s")]).unwrap();
        let expected = KeyCommand {
            program: "vault".into(),
            arguments: vec!["read".into(), "log".into()],
        };
        assert_eq!(settings.keys.log, Some(KeySource::Command(expected)));
        assert_eq!(settings.keys.story, Some(KeySource::File("s".into())));
        assert!(!format!("{settings:?}").contains("read"));
        for name in ["LOG", "OLD_LOG", "STORY"] {
            let (file, command) = (
                format!("ROOTMARK_{name}_KEY_FILE"),
                format!("ROOTMARK_{name}_KEY_COMMAND"),
            );
            let SettingsError(faults) = read(&[(&file, "a"), (&command, "b c")]).unwrap_err();
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].contains(&file) && faults[0].contains(&command));
            let SettingsError(faults) = read(&[(&command, " ")]).unwrap_err();
            assert!(faults[0].starts_with(&command), "{faults:?}");
        }
    }

    #[test]
    fn the_products_own_database_setting_comes_first_and_shows_no_password() {
        let settings = read(&[
            ("DATABASE_URL", "postgres://a:hunter2@first.example/x"),
            (
                "ROOTMARK_DATABASE_URL",
                "postgres://b:hunter3@second.example/y",
            ),
        ])
        .unwrap();
        let shown = format!("{settings:?}");
        assert!(shown.contains("second.example"), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
