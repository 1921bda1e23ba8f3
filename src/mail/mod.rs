//! Letters to people: over SMTP, or, where no server is named, as files in a folder that only the operator reads. Knows nothing
//! of accounts.

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use lettre::address::AddressError;
use lettre::message::{Mailbox, Message, header::ContentType};
use lettre::transport::smtp;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use thiserror::Error;
use uuid::Uuid;

/// How long one step of a conversation with a server may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How letters travel.
#[derive(Debug, Clone, Default)]
pub enum MailSettings {
    /// Into the folder `outbox` of the data folder.
    #[default]
    Outbox,
    /// Over a server.
    Smtp {
        /// Which, and how to log in to it.
        server: SmtpServer,
        /// Who sends.
        from: Address,
    },
}

/// A server that takes letters, by its address: `smtps://name:password@host`, or `smtp://host?tls=required`.
#[derive(Clone)]
pub struct SmtpServer(String);

/// Why a letter is not sent.
#[derive(Debug, Error)]
pub enum MailError {
    /// No address.
    #[error("not an address of mail: {0}")]
    Address(#[from] AddressError),
    /// No letter.
    #[error("a letter that cannot be written: {0}")]
    Letter(#[from] lettre::error::Error),
    /// The server did not take it.
    #[error("the server for mail: {0}")]
    Smtp(#[from] smtp::Error),
    /// The folder did not take it.
    #[error("the folder for letters: {0}")]
    Outbox(#[from] std::io::Error),
}

/// A letter.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// Who gets it.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its words, in plain text.
    pub text: &'a str,
}

/// Sends letters.
#[derive(Debug, Clone)]
pub struct Mailer {
    from: Address,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Outbox(PathBuf),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl SmtpServer {
    /// Reads an address. Passwords and links that let people in do not travel in the clear: without encryption only a server on
    /// this machine is taken.
    pub fn parse(text: &str) -> Result<SmtpServer, String> {
        let server = SmtpServer(text.to_owned());
        server.transport().map_err(|error| error.to_string())?;
        let query = text.rsplit_once('?').map_or("", |(_, query)| query);
        let is_encrypted =
            text.starts_with("smtps://") || query.split('&').any(|pair| pair == "tls=required");
        let host = text.split("://").nth(1).unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        let is_here = ["127.0.0.1", "localhost", "[::1]"].iter().any(|here| {
            let rest = host.strip_prefix(here);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']))
        });
        if is_encrypted || is_here {
            return Ok(server);
        }
        Err("must be smtps:// or end in ?tls=required, but for a server on this machine".to_owned())
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, smtp::Error> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&self.0)?;
        Ok(builder.timeout(Some(TIMEOUT)).build())
    }
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It holds a password.
        f.write_str("SmtpServer(…)")
    }
}

impl Mailer {
    /// Ready to send; `outbox` is the folder for letters where no server is named.
    pub fn new(settings: &MailSettings, outbox: PathBuf) -> Result<Mailer, MailError> {
        let (from, way) = match settings {
            MailSettings::Outbox => (Address::new("rootmark", "localhost")?, Way::Outbox(outbox)),
            MailSettings::Smtp { server, from } => (from.clone(), Way::Smtp(server.transport()?)),
        };
        Ok(Mailer { from, way })
    }

    /// Whether letters reach people without anybody's hands.
    pub fn reaches_people(&self) -> bool {
        matches!(self.way, Way::Smtp(_))
    }

    /// Sends a letter: once this is done, somebody else has it.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), MailError> {
        let message = Message::builder()
            .from(Mailbox::new(
                Some("Rootmark 源证".to_owned()),
                self.from.clone(),
            ))
            .to(Mailbox::new(None, letter.to.parse()?))
            .subject(letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .message_id(None)
            .body(letter.text.to_owned())?;
        match &self.way {
            Way::Smtp(transport) => {
                transport.send(message).await?;
                Ok(())
            }
            Way::Outbox(folder) => {
                let (folder, bytes) = (folder.clone(), message.formatted());
                let kept = tokio::task::spawn_blocking(move || keep(&folder, &bytes)).await;
                Ok(kept.map_err(std::io::Error::other)??)
            }
        }
    }
}

/// Keeps a letter as a file that its owner alone reads: it may hold a link that lets somebody in.
fn keep(folder: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    let name = Uuid::now_v7();
    let (part, whole) = (
        folder.join(format!("{name}.part")),
        folder.join(format!("{name}.eml")),
    );
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // Whoever reads the folder sees no half letter.
    std::fs::rename(part, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_travels_in_the_clear_but_on_this_machine() {
        for taken in [
            "smtps://na:secret@mail.example",
            "smtps://mail.example:465",
            "smtp://na:secret@mail.example:587?tls=required",
            "smtp://127.0.0.1:2525",
            "smtp://localhost",
        ] {
            assert!(SmtpServer::parse(taken).is_ok(), "{taken}");
        }
        for refused in [
            "smtp://mail.example",
            "smtp://na:secret@mail.example:587",
            "smtp://mail.example?tls=opportunistic",
            "smtp://127.0.0.1.mail.example",
            "smtp://localhost@mail.example",
            "http://127.0.0.1",
            "mail.example",
            "",
        ] {
            assert!(SmtpServer::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_server_is_never_printed() {
        let server = SmtpServer::parse("smtps://na:secret@mail.example").unwrap();
        assert_eq!(format!("{server:?}"), "SmtpServer(…)");
    }

    #[tokio::test]
    async fn without_a_server_a_letter_is_a_file_that_its_owner_alone_reads() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("outbox");
        let mailer = Mailer::new(&MailSettings::Outbox, folder.clone()).unwrap();
        let letter = Letter {
            to: "na@larkmere.example",
            subject: "加入团队",
            text: "打开链接：\nhttps://trace.example.org/admin",
        };
        mailer.send(&letter).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(files.len(), 1);
        assert_eq!(
            files[0].metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
        let text = std::fs::read_to_string(files[0].path()).unwrap();
        assert!(text.contains("To: na@larkmere.example\r\n"), "{text}");
        let other = Letter {
            to: "nobody",
            ..letter
        };
        assert!(mailer.send(&other).await.is_err());
    }
}
