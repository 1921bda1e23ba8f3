//! Item codes: serial numbers that only this service can make.
//!
//! A million tins need no million rows. Their serials are the numbers of one range, each enciphered
//! together with a tag that only the holder of the code key can compute:
//!
//! ```text
//! tag    = HMAC-SHA-256(mac key of the GTIN, number)[..6]            48 bits
//! masked = number XOR HMAC-SHA-256(mask key of the GTIN, tag)[..4]   32 bits
//! serial = base32(tag || masked)                                     16 characters
//! ```
//!
//! Whoever guesses a serial is right with a chance of at most 2⁻⁴⁸, and two serials say nothing
//! about which was issued first.

use auditlog::field::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::account::AccountKeys;
use super::crockford;
use super::gs1::{Gtin, Serial};
use super::hidden::HiddenCode;
use super::sealed::{EventIdKeys, Sealing, SealingKey};

/// Characters of a serial; AI 21 allows 20.
pub const SERIAL_CHARS: usize = 16;

const TAG_BYTES: usize = 6;

/// The service's secret for item codes. It lies outside the database, so that a stolen dump cannot
/// make codes.
#[derive(Debug, Clone)]
pub struct CodeKey(pub Secret);

/// What makes and reads the serials of one GTIN.
pub struct SerialCipher {
    mac: Hmac<Sha256>,
    mask: Hmac<Sha256>,
    hidden: Hmac<Sha256>,
}

impl CodeKey {
    /// A mark by which a wrong key is noticed.
    pub fn fingerprint(&self) -> [u8; 8] {
        let full = prf(&keyed(&self.0.0), b"rootmark-code/v1 fingerprint");
        let mut mark = [0; 8];
        mark.copy_from_slice(&full[..8]);
        mark
    }

    /// What seals the tokens of subscriptions.
    pub fn sealing_key(&self) -> SealingKey {
        SealingKey(self.sealing("signatureToken"))
    }

    /// What seals the keys that make eventIDs.
    pub fn event_id_keys(&self) -> EventIdKeys {
        EventIdKeys(self.sealing("eventIDKey"))
    }

    /// What stands beside the secrets of accounts.
    pub fn account_keys(&self) -> AccountKeys {
        let derive = |purpose: &str| {
            let label = format!("rootmark-account/v1 {purpose}");
            Secret(prf(&keyed(&self.0.0), label.as_bytes()))
        };
        AccountKeys {
            pepper: derive("password"),
            recovery: derive("recoveryCode"),
            device: derive("device"),
            factors: self.sealing("secondFactor"),
        }
    }

    /// The key that seals what must be readable again, under a label that no item code begins with.
    fn sealing(&self, what: &str) -> Sealing {
        let label = format!("rootmark-sealed/v1 {what}");
        Sealing(Secret(prf(&keyed(&self.0.0), label.as_bytes())))
    }

    /// The cipher of one GTIN: a serial of one product is worth nothing on another.
    pub fn cipher(&self, gtin: Gtin) -> SerialCipher {
        let derive = |purpose: &str| {
            let label = format!("rootmark-code/v1 {purpose} {gtin}");
            keyed(&prf(&keyed(&self.0.0), label.as_bytes()))
        };
        SerialCipher {
            mac: derive("mac"),
            mask: derive("mask"),
            hidden: derive("hidden"),
        }
    }
}

impl SerialCipher {
    /// The serial of the item with this number.
    pub fn serial(&self, number: u32) -> Serial {
        let tag = self.tag(number);
        let masked = (number ^ self.mask(&tag)).to_be_bytes();
        let mut bits = 0u128;
        for byte in tag.iter().chain(&masked) {
            bits = bits << 8 | u128::from(*byte);
        }
        let text = crockford::encode(bits, SERIAL_CHARS);
        Serial::parse(&text).expect("the alphabet lies in CSET 82")
    }

    /// The number that `serial` was made from; `None` for a serial that this service never made.
    pub fn number(&self, serial: Serial) -> Option<u32> {
        let text = serial.as_str();
        if text.len() != SERIAL_CHARS {
            return None;
        }
        let bytes = crockford::decode(text)?.to_be_bytes();
        let (tag, masked) = bytes[bytes.len() - 10..].split_first_chunk::<TAG_BYTES>()?;
        let masked = u32::from_be_bytes(masked.try_into().ok()?);
        let number = masked ^ self.mask(tag);
        // HMAC's own comparison takes the same time wherever the first difference is.
        let mut mac = self.mac.clone();
        mac.update(&number.to_be_bytes());
        mac.verify_truncated_left(tag).ok().map(|()| number)
    }

    /// The hidden code of the item with this number. Whoever knows serials knows nothing of it.
    pub fn hidden(&self, number: u32) -> HiddenCode {
        let full = prf(&self.hidden, &number.to_be_bytes());
        let [a, b, c, d, e, ..] = full;
        HiddenCode([a, b, c, d, e])
    }

    /// Whether a code is the hidden one of the item with this number; it takes the same time wherever the first difference is.
    pub fn has_hidden(&self, number: u32, HiddenCode(typed): &HiddenCode) -> bool {
        let mut mac = self.hidden.clone();
        mac.update(&number.to_be_bytes());
        mac.verify_truncated_left(typed).is_ok()
    }

    fn tag(&self, number: u32) -> [u8; TAG_BYTES] {
        let full = prf(&self.mac, &number.to_be_bytes());
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&full[..TAG_BYTES]);
        tag
    }

    fn mask(&self, tag: &[u8; TAG_BYTES]) -> u32 {
        let full = prf(&self.mask, tag);
        u32::from_be_bytes([full[0], full[1], full[2], full[3]])
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn prf(key: &Hmac<Sha256>, message: &[u8]) -> [u8; 32] {
    let mut mac = key.clone();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cipher(gtin: &str) -> SerialCipher {
        CodeKey(Secret([7; 32])).cipher(Gtin::parse(gtin).unwrap())
    }

    fn altered(serial: Serial, at: usize, by: usize) -> Serial {
        let mut text = serial.as_str().as_bytes().to_vec();
        let old = crockford::ALPHABET
            .iter()
            .position(|c| *c == text[at])
            .unwrap();
        text[at] = crockford::ALPHABET[(old + by) % 32];
        Serial::parse(std::str::from_utf8(&text).unwrap()).unwrap()
    }

    #[test]
    fn serials_do_not_show_their_order() {
        let cipher = cipher("09521041001012");
        let serials: Vec<_> = (0..1_000).map(|n| cipher.serial(n)).collect();
        let rising = serials
            .windows(2)
            .filter(|w| w[0].as_str() < w[1].as_str())
            .count();
        assert!(
            (400..600).contains(&rising),
            "{rising} of 999 neighbours rise"
        );
    }

    #[test]
    fn another_key_or_another_product_does_not_know_the_serial() {
        let serial = cipher("09521041001012").serial(5);
        assert_eq!(cipher("09521041001012").number(serial), Some(5));
        assert_eq!(cipher("09521041001029").number(serial), None);
        let gtin = Gtin::parse("09521041001012").unwrap();
        assert_eq!(CodeKey(Secret([8; 32])).cipher(gtin).number(serial), None);
    }

    #[test]
    fn texts_that_are_no_serial_of_ours_are_not_read() {
        let cipher = cipher("09521041001012");
        let good = cipher.serial(1);
        let lower = good.as_str().to_ascii_lowercase();
        let short = &good.as_str()[1..];
        let long = format!("0{}", good.as_str());
        for text in [lower.as_str(), short, &long, "A", "IIIIIIIIIIIIIIII"] {
            if text != good.as_str() {
                assert_eq!(cipher.number(Serial::parse(text).unwrap()), None, "{text}");
            }
        }
    }

    #[test]
    fn a_hidden_code_is_that_of_one_item_of_one_product_under_one_key() {
        let gtin = Gtin::parse("09521041001012").unwrap();
        let cipher = cipher("09521041001012");
        let hidden = cipher.hidden(5);
        assert!(cipher.has_hidden(5, &hidden));
        assert!(!cipher.has_hidden(6, &hidden));
        assert!(!self::cipher("09521041001029").has_hidden(5, &hidden));
        assert!(!CodeKey(Secret([8; 32])).cipher(gtin).has_hidden(5, &hidden));
        // It is no part of the serial, and each bit of it counts.
        let bare = hidden.shown().replace('-', "");
        assert!(!cipher.serial(5).as_str().contains(&bare));
        for bit in 0..40 {
            let HiddenCode(mut bytes) = hidden;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!cipher.has_hidden(5, &HiddenCode(bytes)), "{bit}");
        }
    }

    proptest! {
        #[test]
        fn issued_serials_resolve_and_altered_ones_do_not(
            number in any::<u32>(), at in 0..SERIAL_CHARS, by in 1usize..32,
        ) {
            let cipher = cipher("09521041001012");
            let serial = cipher.serial(number);
            prop_assert_eq!(cipher.number(serial), Some(number));
            prop_assert_eq!(cipher.number(altered(serial, at, by)), None);
        }
    }
}
