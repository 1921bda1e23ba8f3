//! A subscriber's receiving end, and what its tests share: a real HTTP server on this machine.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use rootmark::config::Settings;
use rootmark::deliver::Deliverer;
use rootmark::domain::delivery_signature::SignatureToken;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::mpsc;

use crate::support::TestApp;

/// What deliveries are signed with.
pub const TOKEN: &str = "13df38d8275b13f05704629e5f1cf3d45d6132d5";

/// What arrived.
#[derive(Debug)]
pub struct Arrived {
    pub path: String,
    pub signature: Option<String>,
    pub format: String,
    pub body: Vec<u8>,
}

impl Arrived {
    pub fn document(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The last twelve characters of the ID of each event.
    pub fn events(&self) -> Vec<String> {
        let document = self.document();
        assert_eq!(document["type"], "EPCISQueryDocument");
        let list = &document["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
        let id = |event: &Value| {
            let id = event["eventID"].as_str().unwrap();
            id[id.len() - 12..].trim_start_matches('0').to_owned()
        };
        list.as_array().unwrap().iter().map(id).collect()
    }

    /// Whether it is signed with `token` at the time `now`.
    pub fn is_signed(&self, token: &str, now: OffsetDateTime) -> bool {
        let token = SignatureToken::parse(token).unwrap();
        let signature = self.signature.as_deref().unwrap_or("");
        token.verify(signature, now, &self.body)
    }
}

/// A server that takes what is delivered.
pub struct Receiver {
    pub url: String,
    arrived: mpsc::UnboundedReceiver<Arrived>,
    /// What is answered next; after these, 204.
    answers: Arc<Mutex<VecDeque<u16>>>,
    server: ServerHandle,
}

#[derive(Clone)]
struct Shared {
    sender: mpsc::UnboundedSender<Arrived>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    pub fn start() -> Receiver {
        let (sender, arrived) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let shared = Shared {
            sender,
            answers: Arc::clone(&answers),
        };
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(shared.clone()))
                .app_data(web::PayloadConfig::new(16 * 1024 * 1024))
                .default_service(web::to(take))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(0);
        let server = server.bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Receiver {
            url,
            arrived,
            answers,
            server: handle,
        }
    }

    /// Answers with these before anything else.
    pub fn answer_first(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// What has arrived and was not looked at.
    pub fn arrived(&mut self) -> Vec<Arrived> {
        let mut all = Vec::new();
        while let Ok(arrived) = self.arrived.try_recv() {
            all.push(arrived);
        }
        all
    }

    /// The IDs of all events that have arrived and were not looked at, in the order of their arrival.
    pub fn events(&mut self) -> Vec<String> {
        let arrived = self.arrived();
        arrived.iter().flat_map(Arrived::events).collect()
    }

    /// The next delivery, which must come. A limit, not a delay.
    pub async fn next(&mut self) -> Arrived {
        let next = self.arrived.recv();
        let next = tokio::time::timeout(std::time::Duration::from_secs(30), next).await;
        next.expect("a delivery").expect("the receiver runs")
    }

    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

async fn take(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let text = |name: &str| {
        let value = request.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    assert_eq!(text("Content-Type").as_deref(), Some("application/json"));
    let arrived = Arrived {
        path: request.path().to_owned(),
        signature: text("GS1-Signature"),
        format: text("GS1-EPC-Format").unwrap_or_default(),
        body: body.to_vec(),
    };
    // Whoever does not look any more has seen enough.
    let _ = shared.sender.send(arrived);
    let answer = shared.answers.lock().unwrap().pop_front().unwrap_or(204);
    let mut response = HttpResponse::build(StatusCode::from_u16(answer).unwrap());
    if (300..400).contains(&answer) {
        response.insert_header(("Location", "/elsewhere"));
    }
    response.finish()
}

/// May deliver to this machine.
pub fn to_loopback(settings: &mut Settings) {
    let loopback = "127.0.0.0/8".parse().unwrap();
    settings.webhook_targets.networks.push(loopback);
}

/// A service that delivers only when a test says so, at the time that it says.
pub async fn quiet_service() -> TestApp {
    TestApp::start_with(|settings| {
        to_loopback(settings);
        settings.deliveries = false;
    })
    .await
}

/// What delivers for a service that does not do so itself.
pub fn deliverer(app: &TestApp) -> Deliverer {
    Deliverer::new(
        app.running.database.clone(),
        app.settings.webhook_targets.clone(),
        app.running.code_key.sealing_key(),
    )
}

/// Delivers all that is due at `now`.
pub async fn deliver(deliverer: &mut Deliverer, now: OffsetDateTime) {
    loop {
        let goes_on = deliverer.round(now).await.unwrap();
        let is_busy = deliverer.is_busy();
        deliverer.all_ended().await;
        if !goes_on && !is_busy {
            return;
        }
    }
}

/// A request with the merchant's key.
pub async fn send(app: &TestApp, method: &str, path: &str) -> reqwest::Response {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = app.http.request(method, app.url(path));
    request.bearer_auth(&app.key).send().await.unwrap()
}

/// What a GET answers, which must be JSON.
pub async fn json(app: &TestApp, path: &str) -> Value {
    let answer = send(app, "GET", path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

/// Names a query.
pub async fn name_query(app: &TestApp, name: &str, query: &str) {
    let body = format!(r#"{{"name":"{name}","query":{query}}}"#);
    let answer = app.post("/epcis/queries", body).await;
    let status = answer.status();
    assert_eq!(status, 201, "{}", answer.text().await.unwrap());
}

/// Subscribes to a query; gives the path of the subscription.
pub async fn subscribe(app: &TestApp, name: &str, dest: &str, members: &str) -> String {
    let body = format!(r#"{{"dest":"{dest}",{members}}}"#);
    let answer = app
        .post(&format!("/epcis/queries/{name}/subscriptions"), body)
        .await;
    let status = answer.status();
    let location = answer.headers().get("Location").cloned();
    assert_eq!(status, 201, "{}", answer.text().await.unwrap());
    location.unwrap().to_str().unwrap().to_owned()
}
