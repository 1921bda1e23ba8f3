//! Addresses of mail.

use std::fmt;

use lettre::Address;
use thiserror::Error;

/// RFC 5321 §4.5.3.1.3 leaves 254 bytes for an address within its brackets.
pub const MAX_EMAIL_BYTES: usize = 254;

/// An address of mail, by which a person logs in. In small letters: no provider that people use tells capitals apart, and
/// two accounts that differ by them would be a trap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// Why a text is no address of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmailFault {
    /// Nothing was entered.
    #[error("an address of mail is missing")]
    Empty,
    /// Longer than mail allows.
    #[error("an address of mail has at most {MAX_EMAIL_BYTES} characters")]
    TooLong,
    /// Letters that look like others could lead the mail to somebody else.
    #[error("an address of mail has plain Latin letters and digits only")]
    NotAscii,
    /// No address.
    #[error("this is no address of mail, such as name@example.com")]
    Malformed,
}

impl Email {
    /// Reads an address as somebody typed it.
    pub fn parse(typed: &str) -> Result<Email, EmailFault> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(EmailFault::Empty);
        }
        if typed.len() > MAX_EMAIL_BYTES {
            return Err(EmailFault::TooLong);
        }
        if !typed.is_ascii() {
            return Err(EmailFault::NotAscii);
        }
        // Quoted local parts and address literals are legal, and nobody's.
        if typed.contains(['"', '[', ' ']) {
            return Err(EmailFault::Malformed);
        }
        let address: Address = typed.parse().map_err(|_| EmailFault::Malformed)?;
        if !address.domain().contains('.') {
            return Err(EmailFault::Malformed);
        }
        Ok(Email(typed.to_ascii_lowercase()))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_small_letters_and_without_what_a_keyboard_adds() {
        let email = Email::parse(" Li.Na+tins@Larkmere.Example ").unwrap();
        assert_eq!(email.as_str(), "li.na+tins@larkmere.example");
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (typed, fault) in [
            ("", EmailFault::Empty),
            ("  ", EmailFault::Empty),
            ("na@larkmere.examplе", EmailFault::NotAscii),
            ("na@li@larkmere.example", EmailFault::Malformed),
            ("na", EmailFault::Malformed),
            ("@larkmere.example", EmailFault::Malformed),
            ("na@", EmailFault::Malformed),
            ("na@larkmere", EmailFault::Malformed),
            ("na li@larkmere.example", EmailFault::Malformed),
            ("\"na li\"@larkmere.example", EmailFault::Malformed),
            ("na@[192.0.2.1]", EmailFault::Malformed),
            (
                "na@larkmere.example\r\nBcc: x@y.example",
                EmailFault::Malformed,
            ),
        ] {
            assert_eq!(Email::parse(typed), Err(fault), "{typed:?}");
        }
        let long = |n| format!("a@{}.example", "b.".repeat(n) + "c");
        assert!(Email::parse(&long(100)).is_ok());
        assert_eq!(Email::parse(&long(150)), Err(EmailFault::TooLong));
    }
}
