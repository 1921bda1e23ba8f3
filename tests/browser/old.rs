//! A Chromium of December 2018, which stands for the oldest web views: the same pages, whole and laid out.
//!
//! It knows no WebDriver of today, so it is spoken to in its own protocol over two pipes. It runs on the processors that
//! its package was made for.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use crate::driver::decoded;
use crate::installed::installed;
use crate::pages::{OVERFLOWING, pictures};
use crate::states::States;

/// A page in it.
struct OldBrowser {
    process: Child,
    // Messages are JSON with a zero byte behind each.
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    /// What went wrong in scripts.
    exceptions: Vec<Value>,
    is_loaded: bool,
}

impl Drop for OldBrowser {
    fn drop(&mut self) {
        // What watches it is started, and it is that one's child: the group ends as a whole.
        if let Some(group) = Pid::from_raw(self.process.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.process.wait();
    }
}

impl OldBrowser {
    fn start() -> OldBrowser {
        let program = installed("chrome-aws-lambda/bin/chromium");
        // It reads from descriptor 3 and writes to 4. One that hangs ends, and with it the pipe that is waited for.
        let script = r#"exec timeout 300 "$0" "$@" 3<&0 4>&1 >/dev/null"#;
        let mut process = Command::new("sh")
            .process_group(0)
            .args(["-c", script])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--single-process",
                "--no-zygote",
                "--hide-scrollbars",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--remote-debugging-pipe",
                "about:blank",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut browser = OldBrowser {
            process,
            input,
            output,
            session: None,
            last: 0,
            exceptions: Vec::new(),
            is_loaded: false,
        };
        let target = browser.send("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.send("Target.attachToTarget", target);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser.send("Page.enable", json!({}));
        browser.send("Runtime.enable", json!({}));
        browser
    }

    /// What a command answers.
    fn send(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).unwrap();
        loop {
            let message = self.read();
            if message["id"] == self.last {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.output.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.exceptions.push(message["params"].clone()),
            Some("Page.loadEventFired") => self.is_loaded = true,
            _ => {}
        }
        message
    }

    fn screen(&mut self, width: u32, height: u32, mobile: bool) {
        let screen =
            json!({ "width": width, "height": height, "mobile": mobile, "deviceScaleFactor": 1 });
        self.send("Emulation.setDeviceMetricsOverride", screen);
    }

    /// Opens an address and waits until everything is loaded.
    fn open(&mut self, url: &str) {
        self.is_loaded = false;
        self.send("Page.navigate", json!({ "url": url }));
        while !self.is_loaded {
            self.read();
        }
    }

    fn evaluate(&mut self, body: &str) -> Value {
        let expression = format!("(() => {{ {body} }})()");
        let wish = json!({ "expression": expression, "returnByValue": true });
        let mut answer = self.send("Runtime.evaluate", wish);
        assert!(answer.get("exceptionDetails").is_none(), "{answer}");
        answer["result"]["value"].take()
    }

    fn screenshot(&mut self) -> Vec<u8> {
        let taken = self.send("Page.captureScreenshot", json!({ "format": "png" }));
        decoded(taken["data"].as_str().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_of_2018_shows_every_state_whole() {
    let states = States::start().await;
    let mut browser = OldBrowser::start();
    let version = browser.evaluate("return navigator.userAgent");
    assert!(
        version.as_str().unwrap().contains("Chrome/72."),
        "{version}"
    );
    for state in &states.all {
        for (width, height, mobile) in [(360, 640, true), (1280, 800, false)] {
            browser.screen(width, height, mobile);
            browser.open(&state.url_in("zh-CN"));
            let form = format!("{}-old-{width}", state.name);
            assert_eq!(browser.evaluate(OVERFLOWING), json!([]), "{form}");
            let verdict = "const box = document.querySelector('h1').getBoundingClientRect();
                return box.bottom < 640 && box.height > 10";
            assert_eq!(browser.evaluate(verdict), true, "{form}");
            // The style sheet was read to its end: the colours are ours, and columns are columns.
            let ground = "const band = document.querySelector('.band, .find');
                return getComputedStyle(band).backgroundColor";
            assert_ne!(browser.evaluate(ground), "rgba(0, 0, 0, 0)", "{form}");
            if state.has_story {
                let columns =
                    "const box = name => document.querySelector(name).getBoundingClientRect();
                    return [box('.id > :first-child').right <= box('.id > :last-child').left,
                        document.querySelectorAll('.id > *').length]";
                let columns = browser.evaluate(columns);
                if columns[1] == 2 {
                    assert_eq!(columns[0], !mobile, "{form}");
                }
            }
            let failed =
                "return [...document.images].filter(i => i.complete && !i.naturalWidth).length";
            assert_eq!(browser.evaluate(failed), 0, "{form}");
            std::fs::write(
                pictures().join(format!("{form}-first.png")),
                browser.screenshot(),
            )
            .unwrap();
        }
    }
    // It verifies, too: without Ed25519 in its WebCrypto, by our own arithmetic.
    browser.open(&states.all[0].url_in("zh-CN"));
    browser.evaluate("document.querySelector('.check .button').click(); return null");
    let busy = "return document.querySelector('.check').dataset.busy === undefined";
    while browser.evaluate(busy) != json!(true) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let verified = "const check = document.querySelector('.check');
        return [check.querySelector('.said-pass') !== null, check.dataset.engine, check.innerText]";
    let verified = browser.evaluate(verified);
    assert_eq!(
        (&verified[0], &verified[1]),
        (&json!(true), &json!("own")),
        "{verified}"
    );
    assert_eq!(browser.exceptions, [Value::Null; 0]);
    // It is as old as it says: what came later it does not know.
    let later = "return [CSS.supports('inset: 0'), CSS.supports('aspect-ratio: 1'), 'BarcodeDetector' in window]";
    assert_eq!(browser.evaluate(later), json!([false, false, false]));
    // And what goes wrong in a script is noticed.
    browser.evaluate("setTimeout(() => { throw new Error('noticed'); }, 0); return null");
    while browser.exceptions.is_empty() {
        browser.read();
    }
    states.stop().await;
}
