//! Two witnesses beside the demo, as anybody starts them, and a fork of its log, which nobody believes who
//! remembers or asks.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::service::{Folder, Service};

/// A limit, not a delay.
const LIMIT: Duration = Duration::from_secs(30);

/// The program `rootmark witness`.
struct Witness {
    process: Child,
    /// Its line for a policy.
    line: String,
}

impl Witness {
    fn start(folder: &Folder, name: &str, vkey: &str) -> Witness {
        let memory = folder.path(name);
        let memory = memory.to_str().unwrap();
        let arguments = [
            "witness",
            "--data-dir",
            memory,
            "--name",
            name,
            "--log",
            vkey,
        ];
        let listen = ["--listen", "127.0.0.1:0", "--json"];
        let mut command = folder.command(&[arguments.as_slice(), &listen].concat());
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let out = process.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut said).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        let text = |member: &str| said[member].as_str().unwrap().to_owned();
        assert_eq!(text("name"), name);
        Witness {
            process,
            line: format!("witness {name} {} {}\n", text("vkey"), text("url")),
        }
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

async fn text(url: String) -> String {
    let answer = rootmark::http_client::loopback().get(url).send().await;
    let answer = answer.unwrap().error_for_status().unwrap();
    answer.text().await.unwrap()
}

/// The public checkpoint, once it is as wanted.
async fn checkpoint(service: &Service, wanted: impl Fn(&str) -> bool) -> String {
    let asked = async {
        loop {
            let note = text(format!("{}/log/checkpoint", service.base)).await;
            if wanted(&note) {
                return note;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, asked).await.expect("published")
}

/// The proof of the demo's first example, as a file.
async fn proof(folder: &Folder, service: &Service) -> String {
    let demo = folder.demo();
    let url = demo["traces"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix(&service.base).unwrap();
    let bundle = text(format!("{}/proof{path}", service.base)).await;
    folder.write("proof.json", &bundle)
}

/// Captures an event that the demo does not have.
async fn capture(folder: &Folder, service: &Service) {
    let demo = folder.demo();
    let document = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-23T09:00:00Z",
        "epcisBody":{"eventList":[{"type":"ObjectEvent","eventTime":"2026-11-20T10:15:00+13:00",
        "eventTimeZoneOffset":"+13:00","action":"OBSERVE","bizStep":"inspecting",
        "epcList":["https://id.gs1.org/00/095210410001000014"]}]}}"#;
    let answer = rootmark::http_client::loopback()
        .post(format!("{}/epcis/capture", service.base))
        .bearer_auth(demo["api_key"].as_str().unwrap())
        .header("Content-Type", "application/json")
        .body(document)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_witnesses_cosign_the_demo_and_a_fork_of_it_is_refused_by_all_who_check() {
    let folder = Folder::new();
    // The first start makes the key that the witnesses are told.
    let (service, _) = Service::start_demo(&folder).await;
    let vkey = text(format!("{}/log/vkey", service.base)).await;
    let story = text(format!("{}/log/story-vkey", service.base)).await;
    let (vkey, story) = (vkey.trim(), story.trim());
    service.stop().await;
    let one = Witness::start(&folder, "one.example", vkey);
    let two = Witness::start(&folder, "two.example", vkey);
    let policy = format!(
        "log {vkey}\n{}{}group both 2 one.example two.example\nquorum both\n",
        one.line, two.line
    );
    let policy = folder.write("policy", &policy);
    let folder = folder.with("ROOTMARK_WITNESS_POLICY", &policy);

    let (service, _) = Service::start_demo(&folder).await;
    let by = |name: &'static str| format!("\n— {name} ");
    let (line_one, line_two) = (by("one.example"), by("two.example"));
    checkpoint(&service, |note| {
        note.contains(&line_one) && note.contains(&line_two)
    })
    .await;
    let bundle = proof(&folder, &service).await;
    let verify = [
        "verify",
        &bundle,
        "--policy",
        &policy,
        "--story-vkey",
        story,
    ];
    let (code, said) = folder.run(&verify);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("one.example") && said.contains("two.example"),
        "{said}"
    );
    // An auditor remembers what it saw.
    let state = folder.path("demo.audit");
    let state = state.to_str().unwrap();
    let url = format!("{}/log", service.base);
    let remembered = ["--vkey", vkey, "--state", state];
    let audit = [
        &["audit", "--url", &url, "--policy", &policy],
        &remembered[..],
    ]
    .concat();
    let (code, said) = folder.run(&audit);
    assert_eq!(code, 0, "{said}");

    // One of the two is gone: the log goes on, and what it says has no quorum any more.
    two.stop();
    capture(&folder, &service).await;
    checkpoint(&service, |note| {
        note.contains(&line_one) && !note.contains(&line_two)
    })
    .await;
    let (code, said) = folder.run(&[
        "verify",
        &proof(&folder, &service).await,
        "--policy",
        &policy,
    ]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("one.example") && !said.contains("two.example"),
        "{said}"
    );
    service.stop().await;

    // The same keys and an empty database: another history under the log's name.
    let forked = Folder::new();
    let keys = forked.path("data/keys");
    std::fs::create_dir_all(&keys).unwrap();
    for name in ["log.key", "story.key", "codes.key"] {
        let key = folder.path("data/keys").join(name);
        std::fs::copy(key, keys.join(name)).unwrap();
    }
    let (service, _) = Service::start_demo(&forked).await;
    let bundle = proof(&forked, &service).await;
    let keys = ["--vkey", vkey, "--story-vkey", story];
    // Its keys are right: who has no witness and no memory is deceived.
    assert_eq!(forked.run(&[&["verify", &bundle], &keys[..]].concat()).0, 0);
    let (code, said) = forked.run(&["verify", &bundle, "--policy", &policy]);
    assert_eq!(code, 1, "{said}");
    let url = format!("{}/log", service.base);
    let (code, said) = forked.run(&[&["audit", "--url", &url], &remembered[..]].concat());
    assert_eq!(code, 1, "{said}");
    assert!(said.starts_with("FORK: "), "{said}");
    service.stop().await;
    let forked = forked.with("ROOTMARK_WITNESS_POLICY", &policy);
    let (code, said) = forked.run(&["seal", "--heartbeat"]);
    assert_eq!(code, 1, "{said}");
    one.stop();
}
