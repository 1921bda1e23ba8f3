//! QR codes of one version, error correction level M, one after the other.

use qrcode::bits::Bits;
use qrcode::canvas::{Canvas, MaskPattern};
use qrcode::{Color, EcLevel, Version, ec};

use crate::error::{JobError, LabelError};
use crate::limits::MAX_QR_VERSION;
use crate::mask::{MAX_MODULES, Rows, penalty, transposed, xor};

/// The masks of ISO/IEC 18004, 7.8.2.
const MASKS: [MaskPattern; 8] = [
    MaskPattern::Checkerboard,
    MaskPattern::HorizontalLines,
    MaskPattern::VerticalLines,
    MaskPattern::DiagonalLines,
    MaskPattern::LargeCheckerboard,
    MaskPattern::Fields,
    MaskPattern::Diamonds,
    MaskPattern::Meadow,
];

/// How an address is encoded: the beginning in byte mode, then an end in alphanumeric mode.
///
/// A Digital Link has a lower-case domain, then digits and capitals, which alphanumeric mode holds
/// in 5.5 bits each. Splitting at one place only makes the length of the code depend on the two
/// lengths alone, so that every address shaped like the sample fits the sample's version.
#[derive(Debug, Clone, Copy)]
struct Split {
    bytes: usize,
    alphanumerics: usize,
}

impl Split {
    fn of(address: &str) -> Self {
        let mixed = Self::at_last_other(address);
        let plain = Self {
            bytes: address.len(),
            alphanumerics: 0,
        };
        // The length fields differ between versions, but not enough to turn this around.
        if mixed.bits(1) < plain.bits(1) {
            mixed
        } else {
            plain
        }
    }

    fn at_last_other(address: &str) -> Self {
        let tail = address
            .bytes()
            .rev()
            .take_while(|b| is_alphanumeric(*b))
            .count();
        Self {
            bytes: address.len() - tail,
            alphanumerics: tail,
        }
    }

    /// Length of the data in bits (ISO/IEC 18004, 7.4.4 and 7.4.5, with table 3).
    fn bits(self, version: u8) -> usize {
        let (byte_count, alphanumeric_count) = if version < 10 { (8, 9) } else { (16, 11) };
        let mut bits = 0;
        if self.bytes > 0 {
            bits += 4 + byte_count + 8 * self.bytes;
        }
        if self.alphanumerics > 0 {
            bits +=
                4 + alphanumeric_count + self.alphanumerics / 2 * 11 + self.alphanumerics % 2 * 6;
        }
        bits
    }
}

/// The 45 characters of alphanumeric mode (ISO/IEC 18004, table 5); a space cannot stand in a URI.
fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"$%*+-./:".contains(&byte)
}

/// The smallest version that holds `address` at level M.
pub(crate) fn version_for(address: &str) -> Result<u8, JobError> {
    let split = Split::of(address);
    (1..=MAX_QR_VERSION)
        .find(|version| split.bits(*version) <= capacity(*version))
        .ok_or(JobError::AddressTooLong {
            length: address.len(),
            max_version: MAX_QR_VERSION,
        })
}

/// Modules on a side (ISO/IEC 18004, 6.3.1).
pub(crate) fn modules(version: u8) -> u8 {
    17 + 4 * version
}

/// Data bits of a version at level M.
fn capacity(version: u8) -> usize {
    let bits = Bits::new(Version::Normal(i16::from(version)));
    bits.max_len(EcLevel::M).unwrap_or(0)
}

/// The modules of a code: bit `x` of row `y`, counted from the upper left, is set where it is dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matrix {
    /// Modules on a side.
    pub(crate) side: u8,
    pub(crate) rows: Rows,
}

/// Makes the codes of a job.
///
/// Drawing a code with each of eight masks and weighing the results is what costs time. Masking is
/// an exclusive or, so each mask is drawn once, over an empty code, and laid over the data of every
/// label as whole rows of bits. That is some forty times faster than drawing each code anew, and
/// the mask is still the one that ISO/IEC 18004, 7.8.3 asks for.
pub(crate) struct Coder {
    version: u8,
    side: u8,
    /// Function patterns only; data goes into what is empty.
    template: Canvas,
    /// The template with data bits of zero, unmasked.
    blank: Rows,
    /// The same masked by each pattern, as rows and as columns, with its format information.
    masks: Vec<(Rows, Rows)>,
}

impl Coder {
    pub(crate) fn new(version: u8) -> Result<Self, JobError> {
        let normal = Version::Normal(i16::from(version));
        let mut template = Canvas::new(normal, EcLevel::M);
        template.draw_all_functional_patterns();
        let zeros = vec![0; capacity(version) / 8];
        let too_long = |_| JobError::AddressTooLong {
            length: 0,
            max_version: MAX_QR_VERSION,
        };
        let (data, correction) =
            ec::construct_codewords(&zeros, normal, EcLevel::M).map_err(too_long)?;
        let mut empty = template.clone();
        empty.draw_data(&data, &correction);
        let side = modules(version);
        let masked = |pattern| {
            let mut canvas = empty.clone();
            canvas.apply_mask(pattern);
            let rows = rows(canvas, side);
            (rows, transposed(&rows, side))
        };
        let masks = MASKS.map(masked).to_vec();
        Ok(Self {
            version,
            side,
            blank: rows(empty, side),
            template,
            masks,
        })
    }

    /// Draws the code of an address.
    pub(crate) fn draw(&self, address: &str) -> Result<Matrix, LabelError> {
        let data = rows(self.unmasked(address)?, self.side);
        let difference = xor(&data, &self.blank);
        let columns = transposed(&difference, self.side);
        let mut best = (u32::MAX, self.blank);
        for (mask_rows, mask_columns) in &self.masks {
            let candidate = xor(mask_rows, &difference);
            let score = penalty(&candidate, &xor(mask_columns, &columns), self.side);
            if score < best.0 {
                best = (score, candidate);
            }
        }
        Ok(Matrix {
            side: self.side,
            rows: best.1,
        })
    }

    fn unmasked(&self, address: &str) -> Result<Canvas, LabelError> {
        let too_long = || LabelError::AddressLongerThanTheSample {
            length: address.len(),
            version: self.version,
        };
        let split = Split::of(address);
        if split.bits(self.version) > capacity(self.version) {
            return Err(too_long());
        }
        let normal = Version::Normal(i16::from(self.version));
        let codewords = || {
            let (head, tail) = address.as_bytes().split_at(split.bytes);
            let mut bits = Bits::new(normal);
            if !head.is_empty() {
                bits.push_byte_data(head)?;
            }
            if !tail.is_empty() {
                bits.push_alphanumeric_data(tail)?;
            }
            bits.push_terminator(EcLevel::M)?;
            ec::construct_codewords(&bits.into_bytes(), normal, EcLevel::M)
        };
        let (data, correction) = codewords().map_err(|_: qrcode::types::QrError| too_long())?;
        let mut canvas = self.template.clone();
        canvas.draw_data(&data, &correction);
        Ok(canvas)
    }
}

fn rows(canvas: Canvas, side: u8) -> Rows {
    let mut rows = [0; MAX_MODULES];
    let colors = canvas.into_colors();
    for (row, line) in rows.iter_mut().zip(colors.chunks_exact(usize::from(side))) {
        for (x, color) in line.iter().enumerate() {
            *row |= u64::from(*color == Color::Dark) << x;
        }
    }
    rows
}

impl Matrix {
    /// Covers the dark modules with rectangles that do not overlap: left, top, width, height.
    pub(crate) fn rectangles(&self) -> Vec<[u8; 4]> {
        let mut left_over = self.rows;
        let mut rectangles = Vec::with_capacity(256);
        for y in 0..usize::from(self.side) {
            while left_over[y] != 0 {
                let x = left_over[y].trailing_zeros();
                let width = (!(left_over[y] >> x)).trailing_zeros();
                let run = ((1_u64 << width) - 1) << x;
                let reaches = |row: &&mut u64| **row & run == run;
                let covered = left_over[y..]
                    .iter_mut()
                    .take_while(reaches)
                    .map(|row| *row &= !run)
                    .count();
                rectangles.push([x as u8, y as u8, width as u8, covered as u8]);
            }
        }
        rectangles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str =
        "https://trace.example.org/01/09529990000018/10/L2611/21/PKS8R0HW09ZYG1XJ";

    #[test]
    fn a_code_is_one_of_the_eight_that_the_plain_way_draws_and_the_best_of_them() {
        for serial in 0..40 {
            let address = format!("{ADDRESS}{serial}");
            let coder = Coder::new(version_for(&address).unwrap()).unwrap();
            let drawn = coder.draw(&address).unwrap();
            let plain = coder.unmasked(&address).unwrap();
            let all = MASKS.map(|mask| {
                let mut canvas = plain.clone();
                canvas.apply_mask(mask);
                rows(canvas, coder.side)
            });
            let weigh = |rows: &Rows| penalty(rows, &transposed(rows, coder.side), coder.side);
            assert!(all.contains(&drawn.rows));
            assert_eq!(all.iter().map(weigh).min().unwrap(), weigh(&drawn.rows));
        }
    }

    #[test]
    fn rectangles_cover_the_dark_modules_exactly_once() {
        let matrix = Coder::new(version_for(ADDRESS).unwrap())
            .unwrap()
            .draw(ADDRESS)
            .unwrap();
        let mut drawn = [0_u64; MAX_MODULES];
        for [x, y, width, height] in matrix.rectangles() {
            for row in &mut drawn[usize::from(y)..usize::from(y + height)] {
                let run = ((1_u64 << width) - 1) << x;
                assert_eq!(*row & run, 0);
                *row |= run;
            }
        }
        assert_eq!(drawn, matrix.rows);
    }

    #[test]
    fn a_digital_link_takes_version_4_and_other_lengths_take_what_they_need() {
        assert_eq!(version_for(ADDRESS).unwrap(), 4);
        assert_eq!(version_for(&ADDRESS.to_lowercase()).unwrap(), 5);
        assert_eq!(version_for(&"a".repeat(213)).unwrap(), 10);
        assert!(version_for(&"a".repeat(214)).is_err());
    }
}
