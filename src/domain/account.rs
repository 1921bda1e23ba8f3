//! The people who work with the dashboard: how they are known, what they may do, and what they prove it with.

mod email;
mod password;
mod role;
mod second_factor;
mod secrets;

pub use email::{Email, EmailFault, MAX_EMAIL_BYTES};
pub use password::{MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, Password, PasswordFault};
pub use role::{Duty, Role};
pub use second_factor::{RecoveryCode, SecondFactor, TOTP_SECRET_BYTES};
pub use secrets::{AccountKeys, Token};
