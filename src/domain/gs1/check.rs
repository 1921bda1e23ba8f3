//! The GS1 check digit.

/// The check digit that completes `body`, as a number 0–9.
///
/// `body` is ASCII digits without the check digit, of any length. Counted from the right its
/// digits weigh 3, 1, 3, 1, …; the check digit lifts the sum to a multiple of ten (GS1 General
/// Specifications, "check digit calculations"). Weights from the right make leading zeros
/// harmless, which is why a GTIN-8 and its fourteen-digit form have the same check digit. Both
/// weights are coprime to ten, so one changed digit never goes unseen.
#[must_use]
pub fn check_digit(body: &[u8]) -> u8 {
    let mut sum = 0;
    for (index, digit) in body.iter().rev().enumerate() {
        let weight = if index % 2 == 0 { 3 } else { 1 };
        // Reduced at every step so that no length of body can overflow.
        sum = (sum + weight * (digit.wrapping_sub(b'0') % 10)) % 10;
    }
    (10 - sum) % 10
}
