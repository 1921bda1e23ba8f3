//! The cluster from outside the service's own database, as its administrator sees it.

use rootmark::config::{DatabaseChoice, Settings};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// Nobody gets in any more, and who is inside is thrown out.
pub const CLOSE: &str = "ALTER DATABASE {db} ALLOW_CONNECTIONS false;
     SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{db}'";
/// Everybody gets in again.
pub const OPEN: &str = "ALTER DATABASE {db} ALLOW_CONNECTIONS true";
/// A restart as the service sees it: every connection is dead, new ones are welcome.
pub const CUT: &str =
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{db}'";

/// Statements to the cluster from outside the service's own database, which is `{db}` in them.
pub async fn from_outside(settings: &Settings, statements: &str) {
    let DatabaseChoice::External(options) = &settings.database else {
        panic!("tests bring their own database");
    };
    let name = options.get_database().unwrap();
    let options: PgConnectOptions = (**options).clone().database("postgres");
    let mut conn = options.connect().await.unwrap();
    let statements = statements.replace("{db}", name);
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
}
