//! schemathesis makes up requests from a description of the API, right ones and wrong ones, and holds
//! every answer against it: no failure of ours, and no status, media type, header or body that is not
//! described. Which requests it makes up is fixed by a seed.

use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::installed::installed;
use crate::programs::run;
use crate::support::document::observation;
use crate::support::{GTIN, TestApp};

const SETTINGS: &str = include_str!("schemathesis.toml");
/// The product of which the examples in our description speak.
const EXAMPLE_GTIN: &str = "09529990000018";

/// Requests that are made up for each operation, beside those that its description calls for one by one.
const EXAMPLES: u32 = 10;
/// The same in `make soak`.
const SOAK_EXAMPLES: u32 = 2_000;

/// What is left to `make soak`: requests that are made of earlier answers, which have other IDs and times
/// in each run, where a fixed seed is to mean the same requests; and, for time's sake, going through each
/// parameter of addresses that share their code with one that is gone through, and through each member of
/// an event by itself, which is gone through in a document.
const QUICK: &str = r#"
[phases.examples]
extra-data-sources.responses = false

[phases.coverage]
extra-data-sources.responses = false

[phases.fuzzing]
extra-data-sources.responses = false
error-feedback.enabled = false

[[operations]]
include-name = "POST /epcis/events"
phases.coverage.enabled = false

[[operations]]
include-path-regex = "/(epcs|bizSteps|bizLocations|readPoints|dispositions)/.*/events$"
phases.coverage.enabled = false
"#;

/// What schemathesis says of a run.
pub struct Verdict {
    pub report: Value,
    pub text: String,
    succeeded: bool,
}

impl Verdict {
    /// The operations that it went through, which must be all of the description.
    pub fn assert_complete(&self, operations: usize) {
        let counts = &self.report["operations"];
        assert_eq!(self.report["complete"], true, "{}", self.text);
        for count in ["total", "selected", "tested"] {
            assert_eq!(counts[count], operations, "{count}: {}", self.text);
        }
        assert!(
            self.report["errors"].as_array().unwrap().is_empty(),
            "{}",
            self.text
        );
    }

    pub fn assert_clean(&self) {
        let failures = self.report["failures"].as_array().unwrap();
        assert!(failures.is_empty(), "{}", self.text);
        assert!(self.succeeded, "{}", self.text);
    }
}

/// Lets schemathesis loose on a service, with a key that may do everything.
pub async fn judged(app: &TestApp, description: &Value, base: &str) -> Verdict {
    let is_soak = std::env::var_os("ROOTMARK_SOAK").is_some();
    let (examples, phases, less) = match is_soak {
        true => (SOAK_EXAMPLES, "examples,coverage,fuzzing,stateful", ""),
        false => (EXAMPLES, "examples,coverage,fuzzing", QUICK),
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    // From a file: an address that a description came from is one operation less to it.
    std::fs::write(file("openapi.json"), description.to_string()).unwrap();
    std::fs::write(file("schemathesis.toml"), format!("{SETTINGS}{less}")).unwrap();
    let mut command = Command::new(installed("bin/python"));
    command
        .arg(installed("bin/schemathesis"))
        .arg("--config-file")
        .arg(file("schemathesis.toml"))
        .arg("run")
        .arg(file("openapi.json"))
        .args(["--url", &app.url(base)])
        .args(["--phases", phases, "--seed", "1", "--no-color"])
        .args(["--max-examples", &examples.to_string()])
        .arg("--report-json-path")
        .arg(file("report.json"))
        .env("KEY", &app.key);
    let limit = Duration::from_secs(if is_soak { 6 * 3_600 } else { 600 });
    let ended = run(&mut command, limit).await;
    let text = format!("{}{}", ended.output, ended.errors);
    let report = std::fs::read_to_string(file("report.json")).unwrap_or_else(|_| panic!("{text}"));
    Verdict {
        report: serde_json::from_str(&report).unwrap(),
        text,
        succeeded: ended.succeeded,
    }
}

/// A service that has what the examples of the descriptions are about.
pub async fn seeded() -> TestApp {
    let app = TestApp::start().await;
    app.describe_product(EXAMPLE_GTIN).await;
    let place = r#"{"party":"https://id.gs1.org/417/9529990000001","name":{"zh-CN":"厂","en":"Plant"},
        "place":"https://id.gs1.org/414/9529990000001"}"#;
    assert!(app.post("/api/parties", place).await.status().is_success());
    let event = |id| {
        observation(id, "L2611")
            .replace(GTIN, EXAMPLE_GTIN)
            .replace("9521041000008", "9529990000001")
            .replace("inspecting", "packing")
            .replace(r#""action""#, r#""disposition":"active","action""#)
    };
    let events: Vec<String> = (1..40).map(event).collect();
    app.capture(&events).await;
    app.sealed().await;
    app
}

/// How many operations a description has.
pub fn operations(description: &Value) -> usize {
    let paths = description["paths"].as_object().unwrap();
    let count = |item: &Value| {
        let members = item.as_object().unwrap().keys();
        members.filter(|name| *name != "parameters").count()
    };
    paths.values().map(count).sum()
}
