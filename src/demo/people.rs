//! Who administers the example.

use auditlog::encoding::to_hex;
use time::OffsetDateTime;
use uuid::Uuid;

use super::DemoError;
use crate::accounts::invite::{NewPerson, accept_as_new, invite};
use crate::accounts::{AccountError, Actor};
use crate::app::Running;
use crate::domain::account::{Email, Role};
use crate::domain::act::OPERATOR;

/// Who administers the first merchant.
const EMAIL: &str = "owner@larkmere.example";

/// Invites the owner of a merchant's team and accepts for him: address and password.
pub(super) async fn enter(
    running: &Running,
    merchant_id: Uuid,
    merchant_name: &str,
) -> Result<(String, String), DemoError> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(AccountError::from)?;
    let password = format!("demo-{}", to_hex(&random));
    let now = OffsetDateTime::now_utc();
    let email = Email::parse(EMAIL).map_err(|_| AccountError::NotFound)?;
    let actor = Actor {
        name: OPERATOR,
        merchant_id,
    };
    let pool = &running.database.accounts;
    let mut conn = pool.acquire().await.map_err(AccountError::from)?;
    let invited = (&email, Role::Owner);
    let (_, token) = invite(&mut conn, actor, merchant_name, invited, now).await?;
    drop(conn);
    let person = NewPerson {
        name: "王芳（演示）",
        password: &password,
        language: "zh-CN",
        device: "rootmark demo",
    };
    let keys = running.code_key.account_keys();
    accept_as_new(pool, &keys, &token, &person, now).await?;
    Ok((email.to_string(), password))
}
