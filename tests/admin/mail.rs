//! Letters over a real server: aiosmtpd, which prints what it takes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rootmark::mail::{MailSettings, SmtpServer};

use crate::installed::installed;
use crate::kit::{Person, owner};
use crate::support::TestApp;
use crate::support::port::own_port;

/// A server for mail on this machine, ended with the test.
struct Server {
    program: Child,
    port: u16,
}

impl Server {
    async fn start() -> Server {
        let port = own_port();
        let program = Command::new(installed("bin/python"))
            .args([
                "-u",
                "-m",
                "aiosmtpd",
                "-n",
                "-l",
                &format!("127.0.0.1:{port}"),
            ])
            .args(["-c", "aiosmtpd.handlers.Debugging", "stdout"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let server = Server { program, port };
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server for mail does not answer");
    }

    /// The letters that it took, up to the end of the first, of which the soft line ends are joined.
    fn first_letter(&mut self) -> String {
        let lines = BufReader::new(self.program.stdout.take().unwrap()).lines();
        let mut letter = String::new();
        for line in lines.map(Result::unwrap) {
            if line.contains("END MESSAGE") {
                return letter.replace("=\n", "");
            }
            letter.push_str(&line);
            letter.push('\n');
        }
        panic!("no letter came: {letter}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_arrives_in_both_languages_with_a_link_that_lets_in() {
    let mut server = Server::start().await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let app = TestApp::start_with(|settings| {
        settings.mail = MailSettings::Smtp {
            server: SmtpServer::parse(&url).unwrap(),
            from: "rootmark@larkmere.example".parse().unwrap(),
        };
    })
    .await;
    let mut owner = owner(&app).await;
    let fields = [("email", "na@larkmere.example"), ("role", "packer")];
    let seen = owner
        .submit("/admin/team", "/admin/team/invitations", &fields)
        .await;
    assert!(
        seen.text(".lead")
            .starts_with("A letter with the link is on its way"),
        "{}",
        seen.html
    );
    assert!(
        !seen.html.contains("/admin/invitation/"),
        "nobody else has the link"
    );
    let letter = tokio::task::spawn_blocking(move || server.first_letter())
        .await
        .unwrap();
    for part in [
        "To: na@larkmere.example",
        "<rootmark@larkmere.example>",
        "Content-Type: text/plain",
    ] {
        assert!(letter.contains(part), "{part} in {letter}");
    }
    let links: Vec<&str> = letter.matches("/admin/invitation/").collect();
    assert_eq!(links.len(), 2, "once in each language: {letter}");
    let link = &letter[letter.find("/admin/invitation/").unwrap()..];
    let link = link.split_whitespace().next().unwrap();
    assert_eq!(Person::new(&app).get(link).await.status, 200);
    app.stop().await;
}
