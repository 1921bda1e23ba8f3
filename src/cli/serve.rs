//! `rootmark serve`, `rootmark demo`, `rootmark seal`.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use time::OffsetDateTime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::service_manager::{self, State};
use super::{Failure, Outcome, counted};
use crate::app::{Core, OpenAs, Running, Sealer, cosigner};
use crate::config::Settings;
use crate::cosign::{CosignError, Cosigner};
use crate::demo::{self, Variant};
use crate::public::Published;

/// Runs the service until it is told to stop.
pub(super) async fn serve(settings: &Settings) -> Result<Outcome, Failure> {
    let running = Running::start(settings).await?;
    tracing::info!(url = running.url, "listening");
    until_stopped(running, settings.shutdown_grace).await
}

/// Start the service with three example supply chains, and print their addresses.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// And one whose record contradicts itself: customs entry before production, more out than in, a warm day, one
    /// serial in two cases.
    #[arg(long)]
    faults: bool,
}

impl Demo {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let variant = match self.faults {
            true => Variant::WithFaults,
            false => Variant::Sound,
        };
        let running = Running::start(settings).await?;
        let demo = match demo::load(&running, &settings.data_dir, variant).await {
            Ok(demo) => demo,
            Err(error) => {
                running.stop().await;
                return Err(error.into());
            }
        };
        print!("{}", demo::greeting(&demo)?);
        until_stopped(running, settings.shutdown_grace).await
    }
}

/// SIGTERM comes from a service manager, perhaps with a balancer in front: the service first says that it
/// is going, and still answers for the grace. Ctrl-C comes from a person, who need not wait for that. A
/// second signal of either kind ends at once: what was acknowledged is stored, and the next start seals it.
async fn until_stopped(mut running: Running, grace: Duration) -> Result<Outcome, Failure> {
    let mut signals = Signals::new()?;
    service_manager::tell(State::Ready);
    let grace = tokio::select! {
        signal = signals.next() => if signal == SignalKind::terminate() { grace } else { Duration::ZERO },
        () = running.ended() => {
            running.stop().await;
            return Err("the server ended by itself".into());
        }
    };
    tracing::info!("stopping");
    service_manager::tell(State::Stopping);
    running.announce_stop();
    let stop = async {
        tokio::time::sleep(grace).await;
        running.stop().await;
    };
    tokio::select! {
        () = stop => Ok(Outcome::Yes),
        _ = signals.next() => {
            Err("a second signal: ended at once. The next start seals what is pending".into())
        }
    }
}

/// Those that ask a program to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        }
    }
}

/// Seal what is pending, and publish it.
#[derive(Debug, Args)]
pub(super) struct Seal {
    /// Sign a checkpoint even if nothing is new.
    #[arg(long)]
    heartbeat: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Seal {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let core = Core::open(settings, OpenAs::Command).await?;
        let mut sealer = core.sealer();
        let mut cosigner = cosigner(settings, &core.public_log);
        let result = self.seal_witnessed(&mut sealer, cosigner.as_mut()).await;
        drop(sealer);
        core.close().await;
        result
    }

    /// Witnesses are asked about what is there before anything is added to it, and about the result.
    async fn seal_witnessed(
        &self,
        sealer: &mut Sealer,
        mut cosigner: Option<&mut Cosigner>,
    ) -> Result<Outcome, Failure> {
        if let Some(cosigner) = cosigner.as_mut() {
            cosigner.resume()?;
            let published = sealer.publish().await?;
            if let Some(refused) = ask(cosigner, published).await? {
                return Ok(refused);
            }
        }
        let published = self.seal_all(sealer).await?;
        if let Some(cosigner) = cosigner.as_mut()
            && let Some(refused) = ask(cosigner, published).await?
        {
            return Ok(refused);
        }
        Ok(Outcome::Yes)
    }

    /// One seal holds a limited number of statements: seals until nothing is left.
    async fn seal_all(&self, sealer: &mut Sealer) -> Result<Option<Published>, Failure> {
        let (mut seals, mut added) = (0u64, 0u64);
        loop {
            let heartbeat = self.heartbeat && seals == 0;
            let (sealed, published) = sealer
                .seal_once(OffsetDateTime::now_utc(), heartbeat)
                .await?;
            if let Some(sealed) = sealed {
                seals += 1;
                added += sealed.added;
                continue;
            }
            let size = published.as_ref().map_or(0, |p| p.anchor.head.size.0);
            if self.json {
                println!(
                    "{}",
                    json!({ "seals": seals, "added": added, "tree_size": size })
                );
            } else {
                let (added, seals) = (counted(added, "statement"), counted(seals, "seal"));
                println!("{added} sealed in {seals}; the log has {size}");
            }
            return Ok(published);
        }
    }
}

/// One round of asking; what was said if it ends everything.
async fn ask(
    cosigner: &mut Cosigner,
    published: Option<Published>,
) -> Result<Option<Outcome>, Failure> {
    let Some(published) = published else {
        return Ok(None);
    };
    match cosigner.round(&Arc::new(published.anchor)).await {
        Ok(round) => match round.quorum {
            Err(missing) if cosigner.requires_quorum() => Err(missing.into()),
            Err(missing) => {
                eprintln!("rootmark: {missing}");
                Ok(None)
            }
            Ok(()) if !round.answered => Err("no quorum of the witnesses has answered".into()),
            Ok(()) => Ok(None),
        },
        Err(error @ CosignError::OtherHistory { .. }) => {
            eprintln!("WRONG: {error}");
            Ok(Some(Outcome::No))
        }
        Err(error) => Err(error.into()),
    }
}
