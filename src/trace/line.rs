//! One connection that several walks share: while one of them reads what the database answered, and walks on, the
//! database works for another.

use sqlx::PgConnection;
use tokio::sync::Mutex;

/// The connection, whose turn it is to be asked.
pub(super) struct Line<'c> {
    conn: Mutex<&'c mut PgConnection>,
    is_shared: bool,
}

impl<'c> Line<'c> {
    /// Of one walk alone.
    pub fn of(conn: &'c mut PgConnection) -> Line<'c> {
        Line {
            conn: Mutex::new(conn),
            is_shared: false,
        }
    }

    /// Of walks that are polled together.
    pub fn shared(conn: &'c mut PgConnection) -> Line<'c> {
        Line {
            is_shared: true,
            ..Line::of(conn)
        }
    }

    /// Asks, once it is this walk's turn, and lets the others ask before it works off the answer.
    pub async fn ask<T>(&self, query: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
        let mut conn = self.conn.lock().await;
        let answer = query(&mut conn).await;
        drop(conn);
        if self.is_shared {
            tokio::task::yield_now().await;
        }
        answer
    }
}
