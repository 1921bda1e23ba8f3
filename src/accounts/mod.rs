//! The stage of accounts: who works with the dashboard, for whom, and as what. Every change of a team is an act, kept in the
//! same transaction. All of it is in the role of accounts.

pub mod factor;
pub mod invite;
pub mod keys;
pub mod log_in;
mod passwords;
pub mod reset;
pub mod session;
pub mod team;

use auditlog::field::Secret;
use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::account::{PasswordFault, Token};
use crate::domain::act::What;
use crate::domain::name::NameFault;
use crate::domain::sealed::OpenFault;
use crate::store::act::{NewAct, insert_act};
use crate::store::membership::employers_of;

/// Characters of a person's name at most.
pub const MAX_NAME_CHARS: usize = 100;

/// Why something of an account was not done.
#[derive(Debug, Error)]
pub enum AccountError {
    /// There is none, or not in this team.
    #[error("there is no such person, invitation or key here")]
    NotFound,
    /// A team without an owner could never have one again.
    #[error("a team keeps one owner at least")]
    LastOwner,
    /// The address belongs to the team already.
    #[error("this address belongs to the team already")]
    AlreadyMember,
    /// An invitation to this address is open.
    #[error("an invitation to this address is open already")]
    AlreadyInvited,
    /// No room for more.
    #[error("a team has at most {0} people, invitations included")]
    TeamFull(usize),
    /// More passwords are being looked at than there is room for.
    #[error("too many people log in at this moment")]
    Busy,
    /// Five codes were wrong: it begins with the password again.
    #[error("too many wrong codes")]
    TooManyCodes,
    /// The form was sent before, and led there.
    #[error("this form was sent before")]
    SentBefore(String),
    /// More keys in force than anybody looks after.
    #[error("too many keys are in force")]
    TooManyKeys,
    /// The link was used, taken back, or is past its time.
    #[error("this link is good no longer")]
    LinkEnded,
    /// The invitation is for another address.
    #[error("this invitation is for another address")]
    OtherAddress,
    /// There is a second factor already.
    #[error("the account has a second factor already")]
    FactorIsOn,
    /// The password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The code is wrong, or was used.
    #[error("the code is wrong, or was used already")]
    WrongCode,
    /// A name.
    #[error("the name: {0}")]
    Name(#[from] NameFault),
    /// A new password.
    #[error(transparent)]
    Password(#[from] PasswordFault),
    /// What is stored does not open.
    #[error("the second factor: {0}")]
    Sealed(#[from] OpenFault),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// A password could not be hashed.
    #[error("a password could not be hashed: {0}")]
    Hash(String),
    /// The database.
    #[error("the database: {0}")]
    Store(#[from] sqlx::Error),
}

/// What these functions give.
pub type Result<T> = std::result::Result<T, AccountError>;

/// Who does something to a team, and for whom it acts.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// An address of mail, or the operator.
    pub name: &'a str,
    /// Whose team.
    pub merchant_id: Uuid,
}

impl Actor<'_> {
    /// Keeps an act of his. The transaction must act for the merchant.
    async fn did(
        &self,
        conn: &mut PgConnection,
        what: What,
        (subject, detail): (&str, &str),
        at: OffsetDateTime,
    ) -> Result<Uuid> {
        let act = NewAct {
            merchant_id: self.merchant_id,
            at,
            actor: self.name,
            what,
            subject,
            detail,
        };
        Ok(insert_act(conn, &act).await?)
    }
}

/// Keeps an act of somebody on the own account, for everybody whom it works for. The transaction must act as the account, and
/// acts for the last of them afterwards.
async fn own_act(
    conn: &mut PgConnection,
    account_id: Uuid,
    email: &str,
    what: What,
    at: OffsetDateTime,
) -> Result<()> {
    act_on(conn, account_id, (email, email), what, at).await
}

/// The same of whoever it was that did it.
async fn act_on(
    conn: &mut PgConnection,
    account_id: Uuid,
    (actor, email): (&str, &str),
    what: What,
    at: OffsetDateTime,
) -> Result<()> {
    for employer in employers_of(conn, account_id).await? {
        crate::store::act_for(conn, employer.merchant_id).await?;
        let merchant_id = employer.merchant_id;
        let actor = Actor {
            name: actor,
            merchant_id,
        };
        actor.did(conn, what, (email, ""), at).await?;
    }
    Ok(())
}

/// A token that nobody has yet.
pub fn fresh_token() -> Result<Token> {
    Ok(Token(random()?))
}

fn random<const N: usize>() -> std::result::Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn fresh_secret() -> Result<Secret> {
    Ok(Secret(random()?))
}
