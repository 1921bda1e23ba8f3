//! `rootmark witness`: stands beside logs and cosigns their checkpoints.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use auditlog::note::Verifier;
use auditlog::policy::Policy;
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Outcome, read_file};
use crate::witness::{self, serve};

/// Stand beside logs as a witness (C2SP tlog-witness): cosign their checkpoints, and only those
/// that extend what was cosigned before. Needs no database.
#[derive(Debug, Args)]
pub(super) struct Witness {
    /// Where the witness keeps its key and its memory.
    #[arg(long, value_name = "DIR", default_value = "witness")]
    data_dir: PathBuf,
    /// The witness's name, given once, when its key is made: an address without a scheme that you
    /// hold, such as witness.example.org.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The key of a log to follow; may be given more than once.
    #[arg(long = "log", value_name = "VKEY")]
    logs: Vec<String>,
    /// A policy (C2SP tlog-policy) whose logs to follow as well.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The address under which logs reach this witness, for the line of a policy that is printed.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Witness {
    pub async fn run(&self) -> Result<Outcome, Failure> {
        let witness = witness::Witness::open(&self.data_dir, self.name.as_deref(), self.keys()?)?;
        let listener = TcpListener::bind(self.listen)
            .map_err(|error| format!("cannot listen on {}: {error}", self.listen))?;
        let url = match &self.url {
            Some(url) => url.clone(),
            None => format!("http://{}", listener.local_addr()?),
        };
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        self.greet(&witness, &url);
        let server = serve(witness, listener)?;
        let handle = server.handle();
        let serving = tokio::spawn(server);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        handle.stop(true).await;
        serving.await??;
        Ok(Outcome::Yes)
    }

    fn keys(&self) -> Result<Vec<Verifier>, Failure> {
        let mut keys = Vec::new();
        for vkey in &self.logs {
            let key = Verifier::parse(vkey.trim());
            keys.push(key.map_err(|error| format!("--log: {error}"))?);
        }
        if let Some(path) = &self.policy {
            let policy = Policy::parse(&read_file(path)?)?;
            keys.extend(policy.logs.into_iter().map(|log| log.key));
        }
        Ok(keys)
    }

    /// Says who this witness is, in the words that go into a policy.
    fn greet(&self, witness: &witness::Witness, url: &str) {
        let (name, vkey) = (witness.key().name(), witness.key().format());
        if self.json {
            let origins = witness.origins();
            let line = json!({ "name": name, "vkey": vkey, "url": url, "logs": origins });
            println!("{line}");
            return;
        }
        println!("The line of this witness for the policies of those who trust it:\n");
        println!("witness {name} {vkey} {url}\n");
        for origin in witness.origins() {
            println!("It follows {origin}");
        }
        println!("It listens on {url}");
    }
}
