//! Crockford's base 32: digits and capitals without those that are misread for something else.

/// The digits, by their value.
pub(super) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The last `chars` times five bits of a number, the highest first.
pub(super) fn encode(bits: u128, chars: usize) -> String {
    let places = (0..chars).rev();
    let digits = places.map(|place| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]));
    digits.collect()
}

/// The number that `text` writes, as [`encode`] does; none where it has another character, or more than 25.
pub(super) fn decode(text: &str) -> Option<u128> {
    let is_short = text.len() <= 25;
    let digits = is_short.then(|| text.bytes())?;
    digits.into_iter().try_fold(0u128, |bits, character| {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        Some(bits << 5 | value as u128)
    })
}

/// What a person typed, as it was meant: in capitals, without spaces and hyphens, and with 0 and 1 for what looks like them.
pub(super) fn meant(typed: &str) -> String {
    let wanted = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let upper = wanted.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    });
    upper.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(bits in any::<u64>()) {
            let text = encode(bits.into(), 13);
            prop_assert_eq!(text.len(), 13);
            prop_assert_eq!(decode(&text), Some(bits.into()));
            prop_assert_eq!(meant(&text.to_lowercase()), text);
        }
    }

    #[test]
    fn the_alphabet_is_crockfords_and_nothing_else_is_read() {
        assert_eq!(encode(0b00001_01010_11111, 3), "1AZ");
        assert_eq!(encode(1 << 10, 2), "00", "higher bits are left out");
        for text in ["U", "I", "a", "-", " ", "一", &"0".repeat(26)] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode(""), Some(0));
    }

    #[test]
    fn what_people_type_is_read_as_it_was_meant() {
        assert_eq!(meant(" abcd-oil0 xyz"), "ABCD0110XYZ");
    }
}
