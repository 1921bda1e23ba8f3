//! Decimal numbers of any size, compared exactly: a `f64` takes 9007199254740993 for 9007199254740992.

use std::cmp::Ordering;

/// A number as JSON writes it (RFC 8259 §6): `±0.d₁d₂d₃… × 10^point`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    is_negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// Reads a number; `None` for what is none.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (is_negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let is_number = !whole.is_empty() && is_digits(whole) && is_digits(fraction);
        if !is_number || exponent_digits.is_empty() || !is_digits(exponent_digits) {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        if digits.is_empty() {
            // Both zeros are one number, whatever the exponent.
            let (is_negative, point) = (false, 0);
            return Some(Decimal {
                is_negative,
                digits,
                point,
            });
        }
        // An exponent of twenty digits is as good as infinite beside a text that fits into memory.
        let infinite = match exponent.starts_with('-') {
            true => i64::MIN / 2,
            false => i64::MAX / 2,
        };
        let exponent = exponent.parse().unwrap_or(infinite);
        let point = whole.len() as i64 - zeros as i64;
        Some(Decimal {
            is_negative,
            digits,
            point: point.saturating_add(exponent),
        })
    }

    fn size(&self) -> (bool, i64, &[u8]) {
        (!self.digits.is_empty(), self.point, &self.digits)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.size().cmp(&other.size()),
            (true, true) => other.size().cmp(&self.size()),
            (negative, _) if negative => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn numbers_ascend_whatever_their_size() {
        let ascending = [
            "-1e99999999999999999999",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-0.001",
            "-1e-99999999999999999999",
            "0",
            "1e-99999999999999999999",
            "1e-400",
            "0.1",
            "0.10000000000000000001",
            "1",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e400",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(decimal(a).cmp(&decimal(b)), i.cmp(&j), "{a} and {b}");
            }
        }
    }

    #[test]
    fn every_way_to_write_a_number_is_that_number() {
        for (a, b) in [
            ("0", "-0.00e7"),
            ("12.50", "125e-1"),
            ("1200", "1.2E+3"),
            ("0.0012", "12e-4"),
        ] {
            assert_eq!(decimal(a), decimal(b));
        }
        assert_ne!(decimal("12.5"), decimal("-12.5"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "", "-", ".5", "e3", "1e", "1e+", "1e1.5", "--1", "0x1", "inf", "1 ", "１",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn small_numbers_compare_as_floats_do(a in -1_000_000..1_000_000_i32, b in -9..9_i32, c in 0..5_i32) {
            let text = |n: i32| format!("{n}e-{c}");
            let expected = a.cmp(&b);
            prop_assert_eq!(decimal(&text(a)).cmp(&decimal(&text(b))), expected);
        }
    }
}
