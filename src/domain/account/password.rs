//! What a password must be: long, and none that is tried first (OWASP ASVS 5.0, V6.2).

use std::fmt;

use thiserror::Error;
use zxcvbn::{Score, zxcvbn};

/// Characters at least. ASVS asks for 8 and advises 15; with a second factor beside it, 12 that nobody guesses are enough.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// Characters at most: room for any sentence, and a bound for what is hashed.
pub const MAX_PASSWORD_CHARS: usize = 128;

/// Characters of a word that is looked for in a password.
const MIN_WORD_CHARS: usize = 3;
/// Characters that a password has at least beside what everybody knows.
const MIN_REST_CHARS: usize = 8;

/// A password as somebody typed it: any characters, none cut off, none asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordFault {
    /// Too short.
    #[error("a password has at least {MIN_PASSWORD_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("a password has at most {MAX_PASSWORD_CHARS} characters")]
    TooLong,
    /// Among those that are tried first, alone or put together.
    #[error(
        "this password is easily guessed: take several words that have nothing to do with each other"
    )]
    Common,
}

impl Password {
    /// A password that is typed to log in: whatever it is, within what may be hashed.
    pub fn typed(text: &str) -> Option<Password> {
        let fits = text.chars().count() <= MAX_PASSWORD_CHARS;
        fits.then(|| Password(text.to_owned()))
    }

    /// A new password. `known` is what everybody knows of the person: name, address, employer. Lists of what people take
    /// come with the estimator; nothing is sent anywhere.
    pub fn choose(text: &str, known: &[&str]) -> Result<Password, PasswordFault> {
        match text.chars().count() {
            ..MIN_PASSWORD_CHARS => return Err(PasswordFault::TooShort),
            chars if chars > MAX_PASSWORD_CHARS => return Err(PasswordFault::TooLong),
            _ => {}
        }
        let words = known
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let words = words.filter(|word| word.chars().count() >= MIN_WORD_CHARS);
        let words: Vec<String> = words.map(str::to_lowercase).collect();
        // What is left of it once everything known is taken out.
        let mut rest = text.to_lowercase();
        for word in &words {
            rest = rest.replace(word.as_str(), "");
        }
        if rest.chars().count() < MIN_REST_CHARS {
            return Err(PasswordFault::Common);
        }
        let known: Vec<&str> = words.iter().map(String::as_str).collect();
        // Fewer than 10¹⁰ guesses: what some machines try in weeks even against a slow hash.
        if zxcvbn(text, &known).score() < Score::Four {
            return Err(PasswordFault::Common);
        }
        Ok(Password(text.to_owned()))
    }

    /// Its bytes, to be hashed.
    pub fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<PasswordFault> {
        Password::choose(text, &["li.na", "Larkmere Demo"]).err()
    }

    #[test]
    fn what_is_tried_first_is_no_password() {
        for text in [
            "password1234",
            "123456789012",
            "qwertyuiop12",
            "aaaaaaaaaaaa",
            "iloveyou2026",
            "li.na.li.na.",
            "larkmeredemo",
            "Passw0rd!!!!",
            "1q2w3e4r5t6y",
            "li.na@larkmere",
            "larkmere@demo.larkmere",
        ] {
            assert_eq!(fault(text), Some(PasswordFault::Common), "{text}");
        }
    }

    #[test]
    fn words_of_any_script_are_taken_as_they_are() {
        for text in [
            "copper tram lists nine",
            "竹筏绕过三座旧桥去看雪山",
            "  spaces at both ends too  ",
            "Jx4-qv9-mTz",
        ] {
            let expected =
                (text.chars().count() < MIN_PASSWORD_CHARS).then_some(PasswordFault::TooShort);
            assert_eq!(fault(text), expected, "{text}");
        }
        let password = Password::choose("copper tram lists nine", &[]).unwrap();
        assert_eq!(password.reveal(), b"copper tram lists nine");
    }

    #[test]
    fn its_length_counts_characters_and_has_both_ends() {
        assert_eq!(fault("竹筏绕过三座旧桥去看"), Some(PasswordFault::TooShort));
        let long: String = (0..MAX_PASSWORD_CHARS)
            .map(|n| char::from(b'a' + (n * 7 % 26) as u8))
            .collect();
        assert_eq!(fault(&long), None);
        assert_eq!(fault(&format!("{long}x")), Some(PasswordFault::TooLong));
        assert!(Password::typed(&long).is_some() && Password::typed(&format!("{long}x")).is_none());
    }

    #[test]
    fn it_is_never_printed() {
        let password = Password::typed("copper tram lists nine").unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
