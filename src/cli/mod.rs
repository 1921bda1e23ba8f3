//! The command line. Exit code 0 means yes, 1 that the thing checked is wrong, 2 usage or
//! environment.

mod audit;
mod capture;
mod check;
mod codes;
mod generate;
mod key;
mod labels;
mod merchant;
mod progress;
mod recover;
mod route;
mod serve;
mod service_manager;
mod sign;
mod trace;
mod user;
mod verify;
mod witness;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::Settings;

/// Provenance for imported food that shoppers can check themselves.
///
/// Settings are environment variables: ROOTMARK_LISTEN, ROOTMARK_DATA_DIR, ROOTMARK_PUBLIC_URL,
/// ROOTMARK_DATABASE_URL, ROOTMARK_SEAL_INTERVAL_MS and others; see docs/settings.md.
#[derive(Debug, Parser)]
#[command(name = "rootmark", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Operator(Operator),
    #[command(flatten)]
    Outsider(Outsider),
    /// The steps and papers that are expected of a product.
    #[command(subcommand)]
    Route(route::Route),
    /// Sign statements with a party's own key.
    #[command(subcommand)]
    Sign(sign::Sign),
}

/// For whoever runs a log: these read the service's settings.
#[derive(Debug, Subcommand)]
enum Operator {
    /// Start the service with three example supply chains, and print their addresses.
    Demo(serve::Demo),
    /// Start the service.
    Serve,
    /// Capture EPCIS documents from files, as the HTTP API does.
    Capture(capture::Capture),
    /// Seal what is pending, and publish it.
    Seal(serve::Seal),
    /// Compare the database with the tiles and the anchor file: everything with everything.
    Check(check::Check),
    /// Take head and entries back from the public files, after an old database was restored.
    Recover(recover::Recover),
    /// Tell the story of a code.
    Trace(trace::Trace),
    /// Fill the log with made-up supply chains.
    Generate(generate::Generate),
    /// Issue item codes.
    #[command(subcommand)]
    Codes(codes::Codes),
    /// Enter merchants.
    #[command(subcommand)]
    Merchant(merchant::Merchant),
    /// Invite the people of merchants, and help who has lost everything.
    #[command(subcommand)]
    User(user::User),
    /// Make API keys, and look after the keys that the log signs with.
    #[command(subcommand)]
    Key(key::Key),
}

/// For whoever distrusts one: on somebody else's machine, without settings or a database.
#[derive(Debug, Subcommand)]
enum Outsider {
    /// Verify a proof without any server.
    Verify(verify::Verify),
    /// Compute a public log again from its files alone: anybody's check.
    Audit(audit::Audit),
    /// Stand beside logs as a witness, and cosign their checkpoints.
    Witness(witness::Witness),
}

/// What a command found.
enum Outcome {
    /// All is well.
    Yes,
    /// The thing checked is wrong; it was said what.
    No,
}

/// Why a command could not do its work: usage or environment, exit code 2.
type Failure = Box<dyn std::error::Error>;

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging();
    let result = match arguments.command {
        Command::Outsider(outsider) => run_outside(outsider),
        Command::Route(route) => route.run(),
        Command::Sign(sign) => sign.run(),
        // Makes a file for whoever has no log yet.
        Command::Operator(Operator::Key(key::Key::New(new))) => new.run(),
        Command::Operator(operator) => run(operator),
    };
    match result {
        Ok(Outcome::Yes) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        // Who reads no further, as `head` does, has all that he wanted.
        Err(error) if is_reader_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rootmark: {error}");
            ExitCode::from(2)
        }
    }
}

fn is_reader_gone(error: &Failure) -> bool {
    let of_table = error.downcast_ref::<csv::Error>();
    let of_table = of_table.and_then(|error| match error.kind() {
        csv::ErrorKind::Io(error) => Some(error),
        _ => None,
    });
    let error = error.downcast_ref::<std::io::Error>().or(of_table);
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run_outside(outsider: Outsider) -> Result<Outcome, Failure> {
    match outsider {
        Outsider::Verify(verify) => verify.run(),
        Outsider::Audit(audit) => runtime()?.block_on(audit.run()),
        Outsider::Witness(witness) => runtime()?.block_on(witness.run()),
    }
}

fn run(operator: Operator) -> Result<Outcome, Failure> {
    let settings = Settings::from_env()?;
    runtime()?.block_on(async {
        match operator {
            Operator::Demo(demo) => demo.run(&settings).await,
            Operator::Serve => serve::serve(&settings).await,
            Operator::Capture(capture) => capture.run(&settings).await,
            Operator::Seal(seal) => seal.run(&settings).await,
            Operator::Check(check) => check.run(&settings).await,
            Operator::Recover(recover) => recover.run(&settings).await,
            Operator::Trace(trace) => trace.run(&settings).await,
            Operator::Generate(generate) => generate.run(&settings).await,
            Operator::Codes(codes) => codes.run(&settings).await,
            Operator::Merchant(merchant) => merchant.run(&settings).await,
            Operator::User(user) => user.run(&settings).await,
            Operator::Key(key) => key.run(&settings).await,
        }
    })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build()
}

/// Logs go to standard error, so that what a command prints can be piped. `ROOTMARK_LOG` sets what
/// is logged, `ROOTMARK_LOG_FORMAT=json` how.
fn start_logging() {
    let filter =
        std::env::var("ROOTMARK_LOG").unwrap_or_else(|_| "info,sqlx=warn,actix_server=warn".into());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let json = std::env::var("ROOTMARK_LOG_FORMAT").is_ok_and(|format| format == "json");
    // A second call in one process, as in tests, changes nothing.
    let _ = if json {
        logging.json().try_init()
    } else {
        logging.try_init()
    };
}

/// Prints what a command found. That nobody reads any further is an error like any other: see [`is_reader_gone`].
fn print_out(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// So many of a thing whose name takes an s.
fn counted(n: u64, thing: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {thing}{s}")
}

fn read_file(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}
