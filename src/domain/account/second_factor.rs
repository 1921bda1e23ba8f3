//! The second factor: a code from a phone that changes every half minute (TOTP, RFC 6238), or one of ten codes on paper.

use std::fmt;

use auditlog::field::Secret;
use totp_rs::{Algorithm, Builder, Totp};

use crate::domain::crockford;

/// RFC 4226 §4 asks for 16 bytes and advises 20.
pub const TOTP_SECRET_BYTES: usize = 20;

/// Seconds that a code stands.
const STEP_SECONDS: u64 = 30;
/// One step before and after: clocks of phones are not better than that.
const STEPS_OF_TOLERANCE: u16 = 1;

/// What a phone and the service both know.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor(pub [u8; TOTP_SECRET_BYTES]);

impl SecondFactor {
    /// The step whose code this is, if it is one of those around `now`, in seconds since 1970, and later than `last`: each
    /// code is good once (RFC 6238 §5.2).
    pub fn step_of(&self, typed: &str, now: u64, last: Option<u64>) -> Option<u64> {
        let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let step = is_code.then(|| self.totp().check(&digits, now))??;
        last.is_none_or(|last| step > last).then_some(step)
    }

    /// The code of a moment: what a phone shows.
    pub fn code_at(&self, now: u64) -> String {
        self.totp().generate(now).to_string()
    }

    /// The secret in base 32, in groups of four: what is typed where no picture can be taken.
    pub fn for_typing(&self) -> String {
        let text = self.totp().secret().to_base32();
        let text = text.as_bytes().chunks(4).map(String::from_utf8_lossy);
        text.collect::<Vec<_>>().join(" ")
    }

    /// The address that an authenticator reads from a QR code (the Key URI Format that all of them know). Whoever has it
    /// has the factor.
    pub fn address(&self, issuer: &str, account: &str) -> String {
        let quoted = |text: &str| {
            let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            // A label is a path, where a plus is one.
            encoded.replace('+', "%20")
        };
        let (issuer, account) = (quoted(issuer), quoted(account));
        let secret = self.totp().secret().to_base32();
        format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}")
    }

    fn totp(&self) -> Totp {
        // SHA-1 is what every authenticator computes; some take other names and compute it all the same.
        let builder = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6);
        let builder = builder
            .with_skew(STEPS_OF_TOLERANCE)
            .with_step_duration(STEP_SECONDS);
        builder.with_secret(self.0).build_noncompliant()
    }
}

impl fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecondFactor(…)")
    }
}

/// A code on paper, for the day on which the phone is gone: 50 bits, good once.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    /// How many somebody gets.
    pub const COUNT: usize = 10;
    const CHARS: usize = 10;

    /// The one of a random number.
    pub fn of(random: &Secret) -> RecoveryCode {
        let Secret(bytes) = random;
        let (bits, _) = bytes
            .split_first_chunk::<16>()
            .expect("a secret has 32 bytes");
        RecoveryCode(crockford::encode(u128::from_be_bytes(*bits), Self::CHARS))
    }

    /// Reads what somebody typed, as it was meant.
    pub fn parse(typed: &str) -> Option<RecoveryCode> {
        let meant = crockford::meant(typed);
        let fits = meant.len() == Self::CHARS && crockford::decode(&meant).is_some();
        fits.then_some(RecoveryCode(meant))
    }

    /// As it is shown: in two halves.
    pub fn shown(&self) -> String {
        format!("{}-{}", &self.0[..5], &self.0[5..])
    }

    /// Its bytes, to be digested.
    pub fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6238 appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        let factor = SecondFactor(*b"12345678901234567890");
        for (now, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(factor.code_at(now), code);
            assert_eq!(factor.step_of(code, now, None), Some(now / 30));
        }
        assert_eq!(
            factor.for_typing(),
            "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
        );
    }

    #[test]
    fn a_code_is_good_once_and_for_a_step_before_and_after() {
        let factor = SecondFactor(*b"12345678901234567890");
        let now = 1_111_111_111;
        let code = factor.code_at(now);
        assert_eq!(
            factor.step_of(&format!(" {} {} ", &code[..3], &code[3..]), now, None),
            Some(now / 30)
        );
        assert_eq!(factor.step_of(&code, now, Some(now / 30)), None, "used");
        assert_eq!(
            factor.step_of(&code, now + 30, Some(now / 30 - 1)),
            Some(now / 30)
        );
        assert_eq!(factor.step_of(&code, now + 61, None), None, "past");
        for wrong in ["000000", "", "05047", "0504711", "０５０４７１", "050471x"] {
            assert_eq!(factor.step_of(wrong, now, None), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_authenticator_gets_names_that_cannot_end_the_address() {
        let address = SecondFactor([0; 20]).address("Rootmark 源证", "a+b@x.example&issuer=y");
        assert_eq!(
            address,
            "otpauth://totp/Rootmark%20%E6%BA%90%E8%AF%81:a%2Bb%40x.example%26issuer%3Dy\
             ?secret=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&issuer=Rootmark%20%E6%BA%90%E8%AF%81"
        );
    }

    #[test]
    fn a_recovery_code_is_read_as_it_is_shown_and_as_people_write() {
        let code = RecoveryCode::of(&Secret([0xA7; 32]));
        let shown = code.shown();
        assert_eq!(shown.len(), 11);
        assert_eq!(RecoveryCode::parse(&shown), Some(code.clone()));
        assert_eq!(
            RecoveryCode::parse(&shown.to_lowercase().replace('-', " ")),
            Some(code)
        );
        assert_eq!(RecoveryCode::parse("12345-6789"), None);
        assert_eq!(RecoveryCode::parse("12345-6789U"), None);
    }
}
