//! The role of accounts sees and writes what is of whom it acts as and for, and nothing else.

use rootmark::domain::account::Role;
use rootmark::store::account::act_as;
use rootmark::store::{act_for, session::present_token};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::kit::{Person, hire, owner};
use crate::support::TestApp;

const TABLES: [&str; 9] = [
    "account",
    "act",
    "api_key",
    "invitation",
    "membership",
    "password_reset",
    "recovery_code",
    "sent_form",
    "session",
];

async fn rows(conn: &mut PgConnection, table: &str) -> i64 {
    // Not all columns of keys can be read.
    let query = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(conn)
        .await
        .unwrap()
}

/// Two merchants with an owner each, and something of everything.
async fn two_merchants(app: &TestApp) -> (Uuid, Person) {
    let mut one = owner(app).await;
    let other = app
        .add_merchant("Redspur Demo", "https://id.gs1.org/417/9521072000001")
        .await;
    let mut two = hire(app, other.id, "owner@redspur.example", Role::Owner).await;
    for (person, name) in [(&mut one, "a"), (&mut two, "b")] {
        crate::factor::set_up(person).await;
        let email = format!("{name}@invited.example");
        let fields = [("email", email.as_str()), ("role", "packer")];
        person
            .submit("/admin/team", "/admin/team/invitations", &fields)
            .await;
        let order = [("label", "ERP"), ("scope", "capture"), ("days", "30")];
        person.submit("/admin/keys", "/admin/keys", &order).await;
        let email = ["owner@larkmere.example", "owner@redspur.example"][usize::from(name == "b")];
        Person::new(app)
            .submit("/admin/forgotten", "/admin/forgotten", &[("email", email)])
            .await;
    }
    (other.id, one)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_and_a_merchant_nothing_is_seen() {
    let app = TestApp::start().await;
    two_merchants(&app).await;
    let mut conn = app.running.database.accounts.acquire().await.unwrap();
    for table in TABLES {
        assert_eq!(rows(&mut conn, table).await, 0, "{table}");
    }
    let mut tx = conn.begin().await.unwrap();
    present_token(&mut tx, &[0; 32]).await.unwrap();
    act_as(&mut tx, Uuid::nil()).await.unwrap();
    act_for(&mut tx, Uuid::nil()).await.unwrap();
    for table in TABLES {
        assert_eq!(rows(&mut tx, table).await, 0, "{table}, as nobody");
    }
    tx.rollback().await.unwrap();
    drop(conn);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_is_of_one_account_and_one_merchant() {
    let app = TestApp::start().await;
    let (other_id, _) = two_merchants(&app).await;
    let mut conn = app.running.database.accounts.acquire().await.unwrap();
    for id in [app.merchant_id, other_id] {
        let mut tx = conn.begin().await.unwrap();
        act_for(&mut tx, id).await.unwrap();
        let account: Uuid = sqlx::query_scalar("SELECT account_id FROM membership")
            .fetch_one(&mut *tx)
            .await
            .expect("one row: its own");
        act_as(&mut tx, account).await.unwrap();
        for table in TABLES {
            let column = match table {
                "account" => "id",
                "password_reset" | "recovery_code" => "account_id",
                _ => "merchant_id",
            };
            let own = if column == "merchant_id" { id } else { account };
            assert!(rows(&mut tx, table).await > 0, "{table}");
            let foreign = format!("{table} WHERE {column} <> '{own}'");
            assert_eq!(rows(&mut tx, &foreign).await, 0, "{table}");
        }
        tx.rollback().await.unwrap();
    }
    drop(conn);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_for_whom_one_does_not_act() {
    let app = TestApp::start().await;
    let (other_id, _) = two_merchants(&app).await;
    let mut conn = app.running.database.accounts.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    act_for(&mut tx, other_id).await.unwrap();
    let theirs: Uuid = sqlx::query_scalar("SELECT account_id FROM membership")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let token = format!("decode('{}', 'hex')", "ab".repeat(32));
    let nil = Uuid::nil();
    for insert in [
        format!("membership VALUES ('{other_id}', '{nil}', 'owner', now())"),
        format!("act VALUES ('{other_id}', '{nil}', now(), 'x', 'loggedIn', '', '')"),
        format!("sent_form VALUES ('{other_id}', '{nil}', now(), '/')"),
        format!(
            "invitation VALUES ('{other_id}', '{nil}', {token}, 'a@b.example', 'owner', 'x', 'M', now(), now(), NULL)"
        ),
        format!(
            "api_key VALUES ('{other_id}', '{nil}', {token}, 'x', 'x', '{{}}', now(), NULL, NULL)"
        ),
        format!(
            "session VALUES ({token}, '{nil}', '{theirs}', '{other_id}', now(), now(), false, 0, '')"
        ),
        format!("password_reset VALUES ({token}, '{theirs}', now(), now())"),
        format!("recovery_code VALUES ('{theirs}', {token}, NULL)"),
    ] {
        let mut tx = conn.begin().await.unwrap();
        act_for(&mut tx, app.merchant_id).await.unwrap();
        act_as(&mut tx, Uuid::from_u128(7)).await.unwrap();
        let done = sqlx::query(AssertSqlSafe(format!("INSERT INTO {insert}")))
            .execute(&mut *tx)
            .await;
        let error = done.expect_err(&insert).to_string();
        assert!(error.contains("row-level security"), "{insert}: {error}");
        tx.rollback().await.unwrap();
    }
    for change in [
        format!("UPDATE account SET name = 'x' WHERE id = '{theirs}'"),
        format!("UPDATE membership SET role = 'packer' WHERE merchant_id = '{other_id}'"),
        format!("DELETE FROM membership WHERE merchant_id = '{other_id}'"),
        format!("DELETE FROM session WHERE account_id = '{theirs}'"),
        format!("UPDATE api_key SET revoked_at = now() WHERE merchant_id = '{other_id}'"),
        format!("UPDATE invitation SET ended_at = now() WHERE merchant_id = '{other_id}'"),
        format!("DELETE FROM recovery_code WHERE account_id = '{theirs}'"),
    ] {
        let mut tx = conn.begin().await.unwrap();
        act_for(&mut tx, app.merchant_id).await.unwrap();
        act_as(&mut tx, Uuid::from_u128(7)).await.unwrap();
        let done = sqlx::query(AssertSqlSafe(change.clone()))
            .execute(&mut *tx)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 0, "{change}");
        tx.rollback().await.unwrap();
    }
    drop(conn);
    app.stop().await;
}
