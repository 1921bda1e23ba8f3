//! A real Chromium behind WebDriver (W3C), with the things of its own that these tests need: the console, what went
//! over the network, emulated screens, slow processors, and pages without scripts.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
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
    driver: Driver,
}

struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // A test that fails closes no session: what the driver started ends with it all the same.
        if let Some(group) = Pid::from_raw(self.0.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Starts a driver on a free port, and a browser that can reach this machine only.
    pub async fn start() -> Browser {
        Browser::start_with(&[], json!({})).await
    }

    /// The same with more arguments and preferences.
    pub async fn start_with(more: &[&str], preferences: Value) -> Browser {
        let (driver, port) = start_driver();
        let mut arguments = vec![
            "--headless=new",
            // Root has no sandbox, and neither have most containers; the pages are our own.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ];
        arguments.extend(more);
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
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

    /// What the body of an async function returns in the page.
    pub async fn run(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; (async () => {{ {body} }})()
                .then(done, error => done('failed: ' + error))"
        );
        self.post("/execute/async", json!({ "script": script, "args": [] }))
            .await
    }

    /// The messages of the console since the last time: errors, and what the policy has blocked.
    pub async fn console(&self) -> Vec<String> {
        self.log("browser").await
    }

    /// What the browser did since the last time, as messages of its DevTools protocol.
    pub async fn events(&self) -> Vec<Value> {
        let entries = self.log("performance").await.into_iter();
        let event = |text: String| serde_json::from_str::<Value>(&text).unwrap()["message"].take();
        entries.map(event).collect()
    }

    async fn log(&self, of: &str) -> Vec<String> {
        let entries = self.post("/se/log", json!({ "type": of })).await;
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

    /// Waits until an address is open to which the page goes by itself.
    pub async fn arrives(&self, address: &str) {
        let arrived = async {
            while self.address().await != address {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let arrived = tokio::time::timeout(Duration::from_secs(30), arrived);
        assert!(arrived.await.is_ok(), "{} is open", self.address().await);
    }

    /// `print`, or nothing for what it really is.
    pub async fn media(&self, media: &str) {
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": media }))
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

    /// Forgets all that was loaded before.
    pub async fn forget(&self) {
        self.devtools("Network.clearBrowserCache", json!({})).await;
    }

    /// The processor is so many times slower from now on.
    pub async fn slow_down(&self, times: u32) {
        self.devtools("Emulation.setCPUThrottlingRate", json!({ "rate": times }))
            .await;
    }

    /// The browser's clock is that of a place, such as `America/Los_Angeles`.
    pub async fn is_in(&self, zone: &str) {
        let zone = json!({ "timezoneId": zone });
        self.devtools("Emulation.setTimezoneOverride", zone).await;
    }

    /// Runs a script in every page before its own.
    pub async fn before_every_page(&self, script: &str) {
        self.devtools(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": script }),
        )
        .await;
    }

    /// The page as a printer would get it, as PDF.
    pub async fn print(&self) -> Vec<u8> {
        let a4 = json!({ "page": { "width": 21.0, "height": 29.7 }, "background": true });
        let pdf = self.post("/print", a4).await;
        STANDARD.decode(pdf.as_str().unwrap()).unwrap()
    }

    /// Presses a key, as WebDriver names it: U+E004 is Tab, U+E007 Enter.
    pub async fn press(&self, key: char) {
        let key = key.to_string();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": [
            { "type": "keyDown", "value": key }, { "type": "keyUp", "value": key },
        ] }] });
        self.post("/actions", actions).await;
    }

    /// A picture of what is seen, or, half as fine, of the whole page, as WebP.
    pub async fn screenshot(&self, is_whole: bool) -> Vec<u8> {
        let mut wish = json!({ "format": "webp", "quality": 60 });
        if is_whole {
            let size = "const page = document.documentElement;
                return [page.clientWidth, page.scrollHeight]";
            let size = self.evaluate(size).await;
            // What waits until somebody is near it is there, too.
            self.run(
                "const late = [...document.querySelectorAll('img[loading=lazy]')];
                late.forEach(image => { image.loading = 'eager'; });
                await Promise.all(late.map(image => image.decode()));",
            )
            .await;
            // A WebP has no side longer than 16,383.
            wish["captureBeyondViewport"] = json!(true);
            wish["clip"] =
                json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 0.5 });
        }
        let taken = self.devtools("Page.captureScreenshot", wish).await;
        let picture = decoded(taken["data"].as_str().unwrap());
        assert!(picture.starts_with(b"RIFF"), "no picture was taken");
        picture
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

    /// Does what leads to another page, and waits for that.
    pub async fn leave_by(&self, script: &str) {
        let here = self.element("html").await;
        self.evaluate(script).await;
        let here = format!("{}/element/{here}/name", self.session);
        let gone = async {
            while self.http.get(&here).send().await.unwrap().status() != 404 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let gone = tokio::time::timeout(Duration::from_secs(30), gone).await;
        gone.unwrap_or_else(|_| panic!("{script} led to no other page"));
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

    /// Clicks the first element that matches, which leads to no other page.
    pub async fn click_here(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/click"), json!({}))
            .await;
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", body).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self
            .http
            .post(format!("{}{path}", self.session))
            .json(&body);
        value(request.send().await.unwrap()).await
    }
}

/// Bytes that came as base64.
pub fn decoded(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
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
        .process_group(0)
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
