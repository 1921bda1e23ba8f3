//! A real Chromium behind WebDriver (W3C), with the three things of its own that these tests need:
//! the console, emulated screens, and pages without scripts.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What to do where a browser is missing: these tests never pass without one.
const ADVICE: &str = "the browser tests need Chromium and chromedriver: run `scripts/setup browser`, \
     or install Debian's packages chromium and chromium-driver";

/// What an element is called in WebDriver's JSON (W3C WebDriver §12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window.
pub struct Browser {
    http: reqwest::Client,
    session: String,
    // Chromium ends with the driver that started it.
    driver: Driver,
}

struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Starts a driver on a free port, and a browser that can reach this machine only.
    pub async fn start() -> Browser {
        let (driver, port) = start_driver();
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": [
                "--headless=new",
                // Root has no sandbox, and neither have most containers; the pages are our own.
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ] },
        } } });
        let http = rootmark::http_client::loopback();
        let base = format!("http://127.0.0.1:{port}/session");
        let answer = http.post(&base).json(&capabilities).send().await.unwrap();
        let opened: Value = answer.json().await.unwrap();
        let id = opened["value"]["sessionId"].as_str();
        let id = id.unwrap_or_else(|| panic!("no browser ({ADVICE}): {opened}"));
        Browser {
            http,
            session: format!("{base}/{id}"),
            driver,
        }
    }

    /// Closes the browser and its driver.
    pub async fn close(self) {
        self.http.delete(&self.session).send().await.unwrap();
        drop(self.driver);
    }

    /// Opens an address and waits until everything is loaded.
    pub async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// The address of the page that is open.
    pub async fn address(&self) -> String {
        let answer = self
            .http
            .get(format!("{}/url", self.session))
            .send()
            .await
            .unwrap();
        value(answer).await.as_str().unwrap().to_owned()
    }

    /// What the body of a function returns in the page, even where pages may run no scripts.
    pub async fn evaluate(&self, body: &str) -> Value {
        self.post("/execute/sync", json!({ "script": body, "args": [] }))
            .await
    }

    /// The messages of the console since the last time: errors, and what the policy has blocked.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.post("/se/log", json!({ "type": "browser" })).await;
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A screen of this size in CSS pixels, with two physical pixels for each.
    pub async fn screen(&self, width: u32, height: u32, mobile: bool) {
        let screen =
            json!({ "width": width, "height": height, "mobile": mobile, "deviceScaleFactor": 2 });
        self.devtools("Emulation.setDeviceMetricsOverride", screen)
            .await;
    }

    /// `light` or `dark`; and nothing moves, so that a picture shows what was scrolled to.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Pages run no scripts from now on.
    pub async fn forbid_scripts(&self) {
        self.devtools(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": true }),
        )
        .await;
    }

    /// Types into the first element that matches.
    pub async fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(
            &format!("/element/{element}/value"),
            json!({ "text": text }),
        )
        .await;
    }

    /// Clicks the first element that matches, and waits for the page it leads to.
    pub async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/click"), json!({}))
            .await;
        // A form is sent in a task of its own (HTML: "plan to navigate"), maybe after WebDriver has looked
        // whether the click led anywhere. What was clicked is stale once its page is gone.
        let clicked = format!("{}/element/{element}/name", self.session);
        let gone = async {
            while self.http.get(&clicked).send().await.unwrap().status() != 404 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let gone = tokio::time::timeout(Duration::from_secs(30), gone).await;
        gone.unwrap_or_else(|_| panic!("a click on {selector} led to no other page"));
    }

    /// A picture of the first element that matches, as PNG.
    pub async fn picture(&self, selector: &str) -> Vec<u8> {
        let element = self.element(selector).await;
        let path = format!("{}/element/{element}/screenshot", self.session);
        let answer = value(self.http.get(path).send().await.unwrap()).await;
        STANDARD.decode(answer.as_str().unwrap()).unwrap()
    }

    async fn element(&self, selector: &str) -> String {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", query).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", body).await;
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self
            .http
            .post(format!("{}{path}", self.session))
            .json(&body);
        value(request.send().await.unwrap()).await
    }
}

/// What an answer holds; a refusal fails the test with the driver's own words.
async fn value(answer: reqwest::Response) -> Value {
    let status = answer.status();
    let mut body: Value = answer.json().await.unwrap();
    let value = body["value"].take();
    assert!(
        status.is_success(),
        "{status}: {} {}",
        value["error"],
        value["message"]
    );
    value
}

/// Starts chromedriver, which says on its standard output which port it took.
fn start_driver() -> (Driver, u16) {
    let mut command = Command::new("chromedriver");
    command
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut driver = Driver(
        command
            .spawn()
            .unwrap_or_else(|error| panic!("{ADVICE}: {error}")),
    );
    let output = BufReader::new(driver.0.stdout.take().unwrap());
    // ChromeDriver was started successfully on port 40621.
    let port = output.lines().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    (driver, port.expect("chromedriver says its port"))
}
