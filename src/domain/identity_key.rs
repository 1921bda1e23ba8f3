//! The short form of an identity under which the trace index keeps it.

use auditlog::Hash;

/// Eight bytes of SHA-256 over the canonical text. Two identities may share them by chance; whoever
/// looks up by key compares the identity itself afterwards.
pub fn identity_key(canonical: &str) -> i64 {
    let hash = Hash::of(&[canonical.as_bytes()]).0;
    i64::from_be_bytes([
        hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_fixed_for_ever_and_differs_between_identities() {
        // `printf %s https://id.gs1.org/01/09521234543213 | sha256sum`
        let key = identity_key("https://id.gs1.org/01/09521234543213");
        assert_eq!(format!("{key:016x}"), KEY_OF_CLASS);
        assert_ne!(
            key,
            identity_key("https://id.gs1.org/01/09521234543213/10/1")
        );
    }

    const KEY_OF_CLASS: &str = "3c0cf58be8dd2c93";
}
