//! The limits of every input, and the least sizes of what is printed.

/// Largest font file that is read, in bytes (Noto Sans CJK has 19 MB).
pub const MAX_FONT_BYTES: u64 = 64 * 1024 * 1024;
/// Longest product name, in characters.
pub const MAX_NAME: usize = 120;
/// Longest caption of a line or of the hidden code, in characters.
pub const MAX_CAPTION: usize = 40;
/// Longest value of a line, in characters.
pub const MAX_VALUE: usize = 60;
/// Most captioned lines on a label.
pub const MAX_LINES: usize = 8;
/// Most element strings on a label.
pub const MAX_ELEMENTS: usize = 6;
/// Longest element string: 4 digits and 2 parentheses of the identifier, 90 characters of data
/// (GS1 General Specifications, section 3.2).
pub const MAX_ELEMENT: usize = 96;
/// Longest hidden code, in characters.
pub const MAX_HIDDEN: usize = 16;
/// Longest address, in characters: what the largest version drawn holds in byte mode.
pub const MAX_ADDRESS: usize = 213;
/// Largest QR version drawn: 57 modules a side, which at the least X-dimension is 26 mm.
pub const MAX_QR_VERSION: u8 = 10;
/// Most labels of a job.
pub const MAX_LABELS: u64 = 1_000_000;
/// Longest side of a label, in mm.
pub const MAX_SIDE_MM: f32 = 300.0;
/// Shortest side of a label, in mm.
pub const MIN_SIDE_MM: f32 = 5.0;

/// Least X-dimension of a QR code with Digital Link at retail point of sale, in mm
/// (GS1 General Specifications, section 5.12.3.1).
pub const MIN_X_DIMENSION_MM: f32 = 0.396;
/// Largest X-dimension of a QR code with Digital Link at retail point of sale, in mm (same section).
pub const MAX_X_DIMENSION_MM: f32 = 0.990;
/// Quiet zone on every side, in modules (ISO/IEC 18004, 6.3.8).
pub const QUIET_ZONE: u8 = 4;
/// Least size of a product name, in points.
pub const MIN_NAME_PT: f32 = 6.0;
/// Least size of the HRI, of the lot and of every other line, in points.
pub const MIN_TEXT_PT: f32 = 5.5;
/// Least size of the hidden code, in points.
pub const MIN_HIDDEN_PT: f32 = 7.0;
