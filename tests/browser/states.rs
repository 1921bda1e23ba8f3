//! Every state that a shopper's page can be in, each with an address that shows it.

use std::net::SocketAddr;
use std::time::Duration;

use rootmark::demo::{self, Variant};
use rootmark::web::TrustedProxies;
use serde_json::json;
use sqlx::Executor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::outside::{CLOSE, OPEN, from_outside};
use crate::support::{GTIN, TestApp, forged};

/// A page in one state.
#[derive(Debug, Clone)]
pub struct State {
    /// What it is, as the name of its picture.
    pub name: &'static str,
    /// Where it is shown.
    pub url: String,
    /// Whether it is the page of a code that has a story.
    pub has_story: bool,
    /// The status it is sent with.
    pub status: u16,
}

impl State {
    fn at(self, url: String) -> State {
        State { url, ..self }
    }

    /// Where it is shown in a language.
    pub fn url_in(&self, language: &str) -> String {
        let joint = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{joint}lang={language}", self.url)
    }
}

/// The services behind the states, which end with this.
pub struct States {
    pub all: Vec<State>,
    /// The example with its planted faults, one of its lots recalled.
    pub app: TestApp,
    /// A service that has sealed nothing yet of what it was told.
    slow: TestApp,
    /// One whose database is away.
    away: TestApp,
    /// One whose record was damaged.
    damaged: TestApp,
    /// One that is asked too much by everybody on one network.
    busy: TestApp,
}

impl States {
    /// Ends the services.
    pub async fn stop(self) {
        self.app.stop().await;
        self.slow.stop().await;
        from_outside(&self.away.settings, OPEN).await;
        for app in [self.away, self.damaged, self.busy] {
            app.stop().await;
        }
    }

    /// Starts the services and brings them into the states.
    pub async fn start() -> States {
        let app = TestApp::start().await;
        let example = demo::load(&app.running, app.data_dir.path(), Variant::WithFaults)
            .await
            .unwrap();
        recall(&app, "https://id.gs1.org/01/09521041001012/10/DEMO260624A").await;
        let slow = TestApp::start_with(|settings| {
            settings.seal_interval = Duration::from_secs(3_600);
        })
        .await;
        let waiting = slow.issue("L1", 1).await.remove(0);
        app.sealed().await;
        let (away, lost) = away().await;
        let (damaged, unreadable) = damaged().await;
        let (busy, crowded) = busy().await;

        let urls: Vec<String> = example.traces.into_iter().map(|trace| trace.url).collect();
        let (lot, _) = urls[1].split_once("/21/").unwrap();
        let story = |name: &'static str, url: &str| State {
            name,
            url: url.to_owned(),
            has_story: true,
            status: 200,
        };
        let message = |name: &'static str, status: u16, path: &str| State {
            name,
            url: app.url(path),
            has_story: false,
            status,
        };
        let all = vec![
            story("sound", &urls[1]),
            story("recalled", &urls[0]),
            // Its date has passed, as dates of chilled beef do.
            story("expired", &urls[2]),
            story("doubtful", &urls[3]),
            story("lot", lot),
            story("product", &app.url(&format!("/01/{GTIN}"))),
            story("waiting", &slow.url(&waiting)),
            State {
                status: 404,
                has_story: false,
                ..story("unknown", &forged(&urls[1]))
            },
            message("away", 503, "").at(lost),
            message("damaged", 500, "").at(unreadable),
            message("busy", 429, "").at(crowded),
            message("place", 200, "/414/9521041000008"),
            message("unit", 404, "/00/095210410001000014"),
            message("unreadable", 400, "/01/09521041001013"),
            message("nowhere", 404, "/nowhere"),
            message("home", 200, "/"),
            message("verify", 200, "/verify"),
            message("saved", 200, "/saved"),
            message("report", 200, &format!("/report/01/{GTIN}/21/X")),
            message("mistyped", 400, "/find?code=(01)09521041001013"),
        ];
        States {
            all,
            app,
            slow,
            away,
            damaged,
            busy,
        }
    }
}

/// A service whose database lets nobody in, and a code that it issued.
async fn away() -> (TestApp, String) {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    app.sealed().await;
    from_outside(&app.settings, CLOSE).await;
    let url = app.url(&code);
    (app, url)
}

/// A service that cannot read what it holds of a code.
async fn damaged() -> (TestApp, String) {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    app.sealed().await;
    let damage = "UPDATE statement SET content = 'x' WHERE kind = 'issuance'";
    app.owner().await.execute(damage).await.unwrap();
    let url = app.url(&code);
    (app, url)
}

/// A service that one network asks too much, and where the home page is found from there.
async fn busy() -> (TestApp, String) {
    let app = TestApp::start_with(|settings| {
        settings.serving.limits.lookups_per_minute = 1;
        settings.serving.trusted_proxies = TrustedProxies(vec!["127.0.0.1/32".parse().unwrap()]);
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (http, service) = (app.http.clone(), app.running.address);
    tokio::spawn(async move {
        while let Ok((browser, _)) = listener.accept().await {
            // Somebody else on the network has just used up what all of it may ask.
            let other = http.get(format!("http://{service}/"));
            let other = other.header("X-Forwarded-For", "203.0.113.7").send();
            other.await.expect("the service answers");
            tokio::spawn(forward(browser, service));
        }
    });
    (app, url)
}

/// Passes a request on as the network's own proxy does.
async fn forward(mut browser: TcpStream, service: SocketAddr) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(browser.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let lines = head.lines().filter(|line| !line.starts_with("Connection:"));
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let more = "Connection: close\r\nX-Forwarded-For: 203.0.113.7";
    let request = format!("{}\r\n{more}\r\n\r\n", lines.join("\r\n"));
    let mut service = TcpStream::connect(service).await?;
    service.write_all(request.as_bytes()).await?;
    tokio::io::copy(&mut service, &mut browser).await?;
    Ok(())
}

pub async fn recall(app: &TestApp, scope: &str) {
    let recall = json!({
        "recall": "urn:example:recall:1",
        "status": "open",
        "recallClass": 1,
        "scope": [scope],
        "reason": {"zh-CN": "抽检发现金属碎屑", "en": "Metal fragments were found in a sample"},
        "instructions": {
            "zh-CN": "请停止食用，保留包装，联系购买处退货退款。",
            "en": "Stop using it, keep the pack, and return it where you bought it for a refund.",
        },
        "contact": {
            "name": {"zh-CN": "云雀原客服（演示）", "en": "Larkmere Demo customer care"},
            "phone": "+86 400-000-0000",
        },
    });
    let answer = app.post("/api/recalls", recall.to_string()).await;
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
}
