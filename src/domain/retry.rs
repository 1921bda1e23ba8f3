//! When something that failed is tried again.

use std::time::Duration;

/// The longest that the first attempt after a failure waits.
pub const FIRST_DELAY: Duration = Duration::from_secs(5);
/// The longest that any attempt waits.
pub const LONGEST_DELAY: Duration = Duration::from_secs(3_600);

/// How long to wait after `failures` failures in a row, with `random` drawn evenly from all numbers.
///
/// The limit doubles with each failure, from [`FIRST_DELAY`] to [`LONGEST_DELAY`], and the delay is drawn
/// from the whole of it ("full jitter"): where a receiver was away, those who wait for it come back one by
/// one and not all at once. Never zero, and without a failure the same as after one.
pub fn retry_delay(failures: u32, random: u64) -> Duration {
    let doublings = failures.saturating_sub(1);
    let factor = 1u64.checked_shl(doublings).unwrap_or(u64::MAX);
    let limit_ms = |limit: Duration| limit.as_secs() * 1_000;
    let limit = limit_ms(FIRST_DELAY).saturating_mul(factor);
    let limit = limit.min(limit_ms(LONGEST_DELAY));
    // From 1 to the limit: both numbers have 64 bits, and so has the upper half of their product.
    let share = (u128::from(limit) * u128::from(random)) >> 64;
    Duration::from_millis(share as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_delay_doubles_from_five_seconds_to_an_hour() {
        let longest = |failures| retry_delay(failures, u64::MAX).as_secs();
        let delays: Vec<u64> = (1..=12).map(longest).collect();
        let expected = [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600];
        assert_eq!(delays, expected);
        assert_eq!(longest(0), 5);
        assert_eq!(longest(u32::MAX), 3_600);
    }

    #[test]
    fn the_delay_is_drawn_from_the_whole_of_it() {
        assert_eq!(retry_delay(3, 0), Duration::from_millis(1));
        assert_eq!(retry_delay(3, 1 << 63), Duration::from_millis(10_001));
        assert_eq!(retry_delay(3, u64::MAX), Duration::from_secs(20));
    }

    proptest! {
        #[test]
        fn no_delay_is_zero_or_longer_than_an_hour_or_than_the_one_after_more_failures(
            failures in any::<u32>(), random in any::<u64>(),
        ) {
            let delay = retry_delay(failures, random);
            prop_assert!(!delay.is_zero() && delay <= LONGEST_DELAY);
            prop_assert!(delay <= retry_delay(failures.saturating_add(1), random));
        }
    }
}
