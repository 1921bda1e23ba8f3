//! The recipe for nginx is the very file in `deploy/`, and its answers are the service's, header by
//! header.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::port::own_port;
use crate::support::{GTIN, TestApp, document};

const RECIPE: &str = include_str!("../../deploy/nginx.conf");
/// The address that readers use; the recipe's own.
const PUBLIC_URL: &str = "https://trace.example.org";

/// A real nginx in front of a service.
struct Nginx {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], own_port()))
}

/// The recipe with this test's places instead of an operator's; each stands in it exactly once.
fn recipe(folder: &Path, address: SocketAddr, app: &TestApp) -> String {
    let public = app.data_dir.path().join("public");
    let mut text = RECIPE.to_owned();
    for (theirs, ours) in [
        ("listen 80;", format!("listen {};", free_address())),
        ("listen [::]:80;", String::new()),
        ("listen 443 ssl http2;", format!("listen {address};")),
        ("listen [::]:443 ssl http2;", String::new()),
        (
            "ssl_certificate /etc/letsencrypt/live/trace.example.org/fullchain.pem;",
            String::new(),
        ),
        (
            "ssl_certificate_key /etc/letsencrypt/live/trace.example.org/privkey.pem;",
            String::new(),
        ),
        (
            "root /var/lib/rootmark/public;",
            format!("root {};", public.display()),
        ),
        (
            "server 127.0.0.1:8080;",
            format!("server {};", app.running.address),
        ),
        (
            "/var/log/nginx/rootmark.log",
            folder.join("access.log").display().to_string(),
        ),
        (
            "/var/log/nginx/rootmark.error.log",
            folder.join("error.log").display().to_string(),
        ),
    ] {
        assert_eq!(text.matches(theirs).count(), 1, "{theirs}");
        text = text.replace(theirs, &ours);
    }
    text
}

impl Nginx {
    async fn start(app: &TestApp) -> Nginx {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let here = folder.path();
        std::fs::write(here.join("rootmark.conf"), recipe(here, address, app)).unwrap();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("    {name}_temp_path {}/{name};\n", here.display()))
            .collect();
        let main = format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log stderr crit;\n\
             events {{ worker_connections 256; }}\nhttp {{\n{temporary}    include {0}/rootmark.conf;\n}}\n",
            here.display()
        );
        std::fs::write(here.join("nginx.conf"), main).unwrap();
        let mut command = Command::new("nginx");
        // Debian keeps it where only root's shell looks.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin"));
        command
            .arg("-p")
            .arg(here)
            .arg("-c")
            .arg(here.join("nginx.conf"));
        let mut process = command
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        let listening = async {
            while TcpStream::connect(address).is_err() {
                assert!(process.try_wait().unwrap().is_none(), "nginx ended");
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, listening)
            .await
            .expect("nginx listens");
        Nginx {
            address,
            process,
            _folder: folder,
        }
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self._folder.path().join(name)).unwrap()
    }
}

/// An answer as it came.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A request that no client has cleaned up.
fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: trace.example.org\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    });
    Answer {
        status,
        headers: headers.collect(),
        body: bytes[end + 4..].to_vec(),
    }
}

/// Without what tells the two servers apart and what differs from request to request.
fn comparable(mut answer: Answer) -> Answer {
    for name in ["date", "server", "connection", "etag"] {
        answer.headers.remove(name);
    }
    // Said with a whole file; a part of one says it by being one.
    if answer.status == 206 {
        answer.headers.remove("accept-ranges");
    }
    let id = answer.headers.remove("x-request-id");
    assert!(id.is_some_and(|id| id.len() >= 32), "no id: {answer:?}");
    if let Some(vary) = answer.headers.get_mut("vary") {
        vary.make_ascii_lowercase();
    }
    answer
}

async fn published() -> TestApp {
    let app = TestApp::start_with(|settings| {
        settings.public_url = Some(PUBLIC_URL.to_owned());
        settings.segment_lines = 1;
    })
    .await;
    let events: Vec<String> = (0..260).map(|id| document::observation(id, "L1")).collect();
    app.capture(&events).await;
    app.sealed().await;
    app.capture(&[document::observation(900, "L1")]).await;
    app.sealed().await;
    app
}

const GOOD: [&str; 11] = [
    "checkpoint",
    "vkey",
    "story-vkey",
    "keys.jsonl",
    "anchors.jsonl",
    "anchors/1.jsonl",
    "tile/0/000",
    "tile/1/000.p/1",
    "tile/entries/000",
    "checkpoint?x=1",
    "tile/0/000?/../..",
];

const BAD: [&str; 32] = [
    "",
    ".lock",
    "tile",
    "tile/",
    "tile/0/",
    "tile/0/000/",
    "checkpoint/",
    "Checkpoint",
    ".checkpoint.new",
    "tile/0/.000.new",
    "tile/00/000",
    "tile/01/000",
    "tile/64/000",
    "tile/255/000",
    "tile/0/0",
    "tile/0/0000",
    "tile/0/x000/000",
    "tile/0/x001/../000",
    "tile/0/x001/%2e%2e/000",
    "tile/0/./000",
    "tile//0/000",
    "tile/0%2F000",
    "tile/0/00%30",
    "tile/%65ntries/000",
    "%63heckpoint",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/7",
    "tile/0/001",
    "anchors/01.jsonl",
    "anchors/999.jsonl",
];

#[tokio::test(flavor = "multi_thread")]
async fn nginx_serves_the_log_as_the_service_does_header_by_header() {
    let app = published().await;
    let nginx = Nginx::start(&app).await;
    let (service, proxy) = (app.running.address, nginx.address);
    let checked = tokio::task::spawn_blocking(move || {
        let both = |method: &str, path: &str, headers: &str| {
            let path = format!("/log/{path}");
            let one = comparable(ask(service, method, &path, headers));
            let other = comparable(ask(proxy, method, &path, headers));
            assert_eq!(other, one, "{method} {path} {headers}");
            one
        };
        for path in GOOD {
            assert_eq!(both("GET", path, "").status, 200, "{path}");
            assert_eq!(
                both("GET", path, "Range: bytes=0-9\r\n").status,
                206,
                "{path}"
            );
        }
        for path in GOOD.iter().filter(|path| !path.contains("entries")) {
            assert_eq!(both("HEAD", path, "").status, 200, "{path}");
        }
        for path in BAD {
            assert_eq!(both("GET", path, "").status, 404, "{path}");
        }
        for path in ["checkpoint", "tile/0/000", "tile/entries/000"] {
            assert_eq!(both("OPTIONS", path, "").status, 204, "{path}");
        }
        for path in ["checkpoint", "tile/entries/000", "tile/0/000"] {
            let encoding = "Accept-Encoding: gzip\r\n";
            let path = format!("/log/{path}");
            let (one, other) = (
                ask(service, "GET", &path, encoding),
                ask(proxy, "GET", &path, encoding),
            );
            let encoded = |answer: &Answer| answer.headers.get("content-encoding").cloned();
            assert_eq!(encoded(&other), encoded(&one), "{path}");
        }
        // A file that changes has a tag, and is not sent again.
        let first = ask(proxy, "GET", "/log/checkpoint", "");
        let again = format!("If-None-Match: {}\r\n", first.headers["etag"]);
        assert_eq!(ask(proxy, "GET", "/log/checkpoint", &again).status, 304);
    });
    checked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_makes_nginx_leave_the_public_folder() {
    let app = published().await;
    assert!(
        app.data_dir.path().join("keys/log.key").exists(),
        "something to steal"
    );
    // A link in the folder leads nowhere.
    std::os::unix::fs::symlink(
        app.data_dir.path().join("keys/log.key"),
        app.public_log().join("tile/0/009"),
    )
    .unwrap();
    let nginx = Nginx::start(&app).await;
    let address = nginx.address;
    let checked = tokio::task::spawn_blocking(move || {
        for path in [
            "/log/../../keys/log.key",
            "/log/../keys/log.key",
            "/log/tile/../../../keys/log.key",
            "/log/%2e%2e/%2e%2e/keys/log.key",
            "/log/..%2f..%2fkeys%2flog.key",
            "/log/tile/0/..%2f..%2f..%2f..%2fkeys%2flog.key",
            "/log/tile/0/009",
            "/log/../log/checkpoint",
            "/%6cog/checkpoint",
            "//log/checkpoint",
            "/log/../livez",
        ] {
            let answer = ask(address, "GET", path, "");
            assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(
                !body.contains("PRIVATE+KEY") && !body.contains('—'),
                "{path}"
            );
        }
        assert_eq!(ask(address, "GET", "/log/checkpoint", "").status, 200);
    });
    checked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_serves_the_log_though_the_service_is_down_and_says_that_pages_are() {
    let app = published().await;
    let nginx = Nginx::start(&app).await;
    let address = nginx.address;
    let (_, data_dir) = app.stop().await;
    let checked = tokio::task::spawn_blocking(move || {
        for path in GOOD {
            assert_eq!(
                ask(address, "GET", &format!("/log/{path}"), "").status,
                200,
                "{path}"
            );
        }
        assert_eq!(ask(address, "GET", "/log/tile/0/001", "").status, 404);
        assert_eq!(ask(address, "GET", "/", "").status, 502);
    });
    checked.await.unwrap();
    drop(data_dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_through_nginx_with_the_clients_address_and_one_id_and_no_log_of_addresses() {
    let app = TestApp::start_with(|settings| {
        settings.public_url = Some(PUBLIC_URL.to_owned());
        let trusted = vec!["127.0.0.1/32".parse().unwrap()];
        settings.serving.trusted_proxies = rootmark::web::TrustedProxies(trusted);
        settings.serving.limits.lookups_per_minute = 2;
    })
    .await;
    let nginx = Nginx::start(&app).await;
    let address = nginx.address;
    let asked = tokio::task::spawn_blocking(move || {
        let page = format!("/01/{GTIN}?SEEDEDQUERY");
        // nginx's own peer is this machine, which is free; what the client claims to be is not heard.
        let lie = "X-Forwarded-For: 203.0.113.7\r\nForwarded: for=203.0.113.7\r\n";
        for _ in 0..4 {
            let answer = ask(address, "GET", &page, lie);
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        assert_eq!(ask(address, "GET", "/metrics", "").status, 404);
        let answer = ask(address, "GET", "/livez", "");
        assert_eq!(answer.headers["x-request-id"].len(), 32, "nginx's own");
        answer.headers["x-request-id"].clone()
    });
    let id = asked.await.unwrap();
    // Without one hop in between the same lie would have been counted.
    let direct = app
        .http
        .get(app.url("/"))
        .header("X-Forwarded-For", "203.0.113.7");
    for expected in [200, 200, 429] {
        let answer = direct.try_clone().unwrap().send().await.unwrap();
        assert_eq!(answer.status(), expected);
    }
    let log = nginx.log("access.log");
    assert!(log.contains(&id), "{log}");
    for secret in [GTIN, "SEEDEDQUERY", "203.0.113.7", "127.0.0.1"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert_eq!(nginx.log("error.log"), "");
}
