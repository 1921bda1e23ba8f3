//! Weighing masked QR codes (ISO/IEC 18004, 7.8.3), whole rows of bits at a time.

/// Modules on a side of the largest version drawn. With four light modules on both sides a row
/// must still fit 64 bits and a few, which the finder rule relies on.
pub(crate) const MAX_MODULES: usize = 57;

/// Rows of modules from the top; bit 0 is the leftmost module, set bits are dark.
pub(crate) type Rows = [u64; MAX_MODULES];

/// The exclusive or of two codes.
pub(crate) fn xor(a: &Rows, b: &Rows) -> Rows {
    std::array::from_fn(|y| a[y] ^ b[y])
}

/// Rows as columns.
pub(crate) fn transposed(rows: &Rows, side: u8) -> Rows {
    let mut columns = [0; MAX_MODULES];
    for (y, row) in rows.iter().take(usize::from(side)).enumerate() {
        for (x, column) in columns.iter_mut().take(usize::from(side)).enumerate() {
            *column |= (row >> x & 1) << y;
        }
    }
    columns
}

/// The penalty of a masked code: the lower, the easier it is to read.
pub(crate) fn penalty(rows: &Rows, columns: &Rows, side: u8) -> u32 {
    let used = usize::from(side);
    let lines = rows[..used].iter().chain(&columns[..used]);
    let along: u32 = lines
        .map(|line| runs(*line, side) + finder_likes(*line))
        .sum();
    let blocks: u32 = rows[..used]
        .windows(2)
        .map(|pair| blocks(pair[0], pair[1], side))
        .sum();
    let dark: u32 = rows[..used].iter().map(|row| row.count_ones()).sum();
    along + blocks + imbalance(dark, u32::from(side).pow(2))
}

/// A bit for each pair of neighbours of the same colour.
fn equal_neighbours(line: u64, side: u8) -> u64 {
    !(line ^ (line >> 1)) & ((1 << (side - 1)) - 1)
}

/// Three points for five modules of one colour in a row, one more for each further module.
fn runs(line: u64, side: u8) -> u32 {
    let equal = equal_neighbours(line, side);
    let fives = equal & (equal >> 1) & (equal >> 2) & (equal >> 3);
    let starts = fives & !(fives << 1);
    fives.count_ones() + 2 * starts.count_ones()
}

/// Three points for each block of two by two modules of one colour.
fn blocks(upper: u64, lower: u64, side: u8) -> u32 {
    let equal = equal_neighbours(upper, side) & equal_neighbours(lower, side) & !(upper ^ lower);
    3 * equal.count_ones()
}

/// Forty points for each run of 1:1:3:1:1 with four light modules before or after it; the quiet
/// zone is light.
fn finder_likes(line: u64) -> u32 {
    let l = line << 4;
    let pattern = l & !(l >> 1) & (l >> 2) & (l >> 3) & (l >> 4) & !(l >> 5) & (l >> 6);
    let light_before = !((l << 1) | (l << 2) | (l << 3) | (l << 4));
    let light_after = !((l >> 7) | (l >> 8) | (l >> 9) | (l >> 10));
    40 * (pattern & (light_before | light_after)).count_ones()
}

/// Ten points for each full step of 5 % by which the share of dark modules differs from a half.
fn imbalance(dark: u32, all: u32) -> u32 {
    10 * ((2 * dark).abs_diff(all) * 10 / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_five_cost_three_and_each_further_module_one() {
        assert_eq!(runs(0b0_1010_1111_0101, 13), 0);
        assert_eq!(runs(0b0_1011_1110_1010, 13), 3);
        assert_eq!(runs(0b0_1111_1110_1010, 13), 5);
        assert_eq!(runs(0, 21), 3 + 16);
    }

    #[test]
    fn a_finder_pattern_costs_forty_once() {
        assert_eq!(finder_likes(0b101_1101), 40);
        assert_eq!(finder_likes(0b101_1101_1111), 40);
        assert_eq!(finder_likes(0b1_0010_1110_1001), 0);
        assert_eq!(finder_likes(0b101_1101 << 50), 40);
    }

    #[test]
    fn blocks_and_imbalance_cost_what_the_standard_says() {
        assert_eq!(blocks(0b111, 0b111, 3), 6);
        assert_eq!(blocks(0b010, 0b101, 3), 0);
        assert_eq!(imbalance(50, 100), 0);
        assert_eq!(imbalance(54, 100), 0);
        assert_eq!(imbalance(44, 100), 10);
        assert_eq!(imbalance(100, 100), 100);
    }
}
