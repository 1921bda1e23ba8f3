//! What a benchmark of the service begins with: a Postgres of its own, and a merchant with a key.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use rootmark::app::Running;
use rootmark::app::merchants::{KeyOrder, add_key, add_merchant};
use rootmark::config::{DatabaseChoice, Settings};
use rootmark::domain::scope::Scope;
use rootmark::postgres::{Cluster, ClusterConfig};
use rootmark::store::embedded_options;
use sqlx::postgres::PgConnectOptions;

pub type Failure = Box<dyn Error + Send + Sync>;

/// The party that the merchant is.
pub const ISSUER: &str = "https://id.gs1.org/417/9521041000008";

/// Measures in a folder with a Postgres, and ends both whatever comes of it. In `ROOTMARK_BENCH_FOLDER`, what was
/// captured stays, to be measured again.
pub async fn with_postgres(
    measure: impl AsyncFnOnce(&Path, PgConnectOptions) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match std::env::var_os("ROOTMARK_BENCH_FOLDER") {
        Some(kept) => with_postgres_in(Path::new(&kept), measure).await,
        None => {
            let folder = tempfile::tempdir()?;
            with_postgres_in(folder.path(), measure).await
        }
    }
}

async fn with_postgres_in(
    folder: &Path,
    measure: impl AsyncFnOnce(&Path, PgConnectOptions) -> Result<(), Failure>,
) -> Result<(), Failure> {
    make_reachable(folder)?;
    let config = ClusterConfig::new(folder.join("postgres-data"));
    let cluster = tokio::task::spawn_blocking(move || Cluster::start(&config)).await??;
    let options = embedded_options(cluster.access()).await?;
    let result = measure(folder, options).await;
    tokio::task::spawn_blocking(move || cluster.stop()).await??;
    result
}

/// Settings of a service on that Postgres. Sealing is measured by itself, and must not run beside anything
/// else.
pub fn settings(folder: &Path, options: PgConnectOptions) -> Result<Settings, Failure> {
    let mut settings = Settings::read(|_| None)?;
    settings.listen = "127.0.0.1:0".parse()?;
    settings.data_dir = folder.join("data");
    settings.database = DatabaseChoice::External(Box::new(options));
    settings.seal_interval = Duration::from_secs(3_600);
    Ok(settings)
}

/// A key that may do everything, of a merchant of its own.
#[allow(dead_code, reason = "one benchmark captures without HTTP")]
pub async fn key(running: &Running) -> Result<String, Failure> {
    let merchant = add_merchant(&running.database, &running.code_key, "Bench", ISSUER).await?;
    let order = KeyOrder {
        merchant_id: merchant.id,
        issuer: ISSUER,
        label: "bench",
        scopes: &Scope::ALL,
    };
    Ok(add_key(&running.database, &order).await?)
}

/// Postgres runs as another user when this runs as root.
fn make_reachable(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
}
