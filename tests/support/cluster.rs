//! One Postgres for each test program, with a database for each test.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rootmark::postgres::{Access, Cluster, ClusterConfig};
use rootmark::store::{Database, embedded_options};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use tokio::sync::OnceCell;

static CLUSTER: OnceCell<TestCluster> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The name of the migrated database from which every test's own is copied.
const TEMPLATE: &str = "rootmark_template";

struct TestCluster {
    access: Access,
    folder: PathBuf,
    // Statics are never dropped: Postgres is stopped by a process that waits for the end of this
    // one, however it ends.
    _watchdog: Child,
}

/// A database that is migrated and empty.
pub(super) async fn fresh_database() -> PgConnectOptions {
    copy_of(TEMPLATE).await
}

/// A copy of a database that nobody is connected to.
pub(super) async fn copy_of(template: &str) -> PgConnectOptions {
    let cluster = CLUSTER.get_or_init(start).await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let server = server(&cluster.access);
    let mut connection = server.clone().database("postgres").connect().await.unwrap();
    let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
    connection.execute(AssertSqlSafe(create)).await.unwrap();
    connection.close().await.unwrap();
    server.database(&name)
}

/// A data folder of a test's own, beside the cluster's: what a service writes there after its test has ended goes with
/// the cluster.
pub(super) async fn data_dir() -> TempDir {
    let cluster = CLUSTER.get_or_init(start).await;
    tempfile::tempdir_in(&cluster.folder).unwrap()
}

/// An address of a test's own database for Postgres's own programs, which know fewer parameters.
pub(super) async fn libpq_url(database: &str) -> String {
    let access = &CLUSTER.get_or_init(start).await.access;
    format!(
        "postgresql://{}:{}@localhost:{}/{database}?host={}",
        access.user(),
        access.password.expose(),
        access.port(),
        access.socket_dir.display()
    )
}

async fn start() -> TestCluster {
    let started = tokio::task::spawn_blocking(|| {
        let folder = tempfile::Builder::new()
            .prefix("rootmark-test-")
            .tempdir()
            .unwrap()
            .keep();
        make_reachable(&folder);
        // Tests that run at the same time have a service each, and all of them this one cluster.
        let config = ClusterConfig {
            max_connections: 400,
            ..ClusterConfig::new(&folder)
        };
        let cluster = Cluster::start(&config).unwrap();
        let script = "cat >/dev/null; kill -INT \"$1\"; \
                      while kill -0 \"$1\" 2>/dev/null; do sleep 0.1; done; rm -rf \"$2\"";
        let watchdog = Command::new("sh")
            .args(["-c", script, "watchdog", &cluster.pid().to_string()])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let access = cluster.access().clone();
        std::mem::forget(cluster);
        TestCluster {
            access,
            folder,
            _watchdog: watchdog,
        }
    });
    let cluster = started.await.unwrap();
    make_template(&cluster.access).await;
    cluster
}

/// Postgres runs as another user when the tests run as root.
fn make_reachable(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

async fn make_template(access: &Access) {
    let options = embedded_options(access).await.unwrap();
    Database::open(options).await.unwrap().close().await;
    let mut connection = server(access).database("postgres").connect().await.unwrap();
    let rename = format!("ALTER DATABASE rootmark RENAME TO {TEMPLATE}");
    connection.execute(AssertSqlSafe(rename)).await.unwrap();
    connection.close().await.unwrap();
}

fn server(access: &Access) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(&access.socket_dir)
        .port(access.port())
        .username(access.user())
        .password(access.password.expose())
}
