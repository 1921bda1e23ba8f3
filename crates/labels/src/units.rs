//! Lengths: callers speak millimetres, PDF speaks points.

/// Points in a millimetre: PDF's default unit is 1/72 inch (ISO 32000-2, 8.3.2.3).
const POINTS_PER_MM: f32 = 72.0 / 25.4;

/// Converts millimetres to points.
pub(crate) fn pt(mm: f32) -> f32 {
    mm * POINTS_PER_MM
}

/// Converts points to millimetres.
pub(crate) fn mm(points: f32) -> f32 {
    points / POINTS_PER_MM
}

/// Rounds to a thousandth of a point: finer than any printer and shorter to write.
pub(crate) fn tidy(points: f32) -> f32 {
    (points * 1000.0).round() / 1000.0
}

/// A width and a height in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Width in mm.
    pub width_mm: f32,
    /// Height in mm.
    pub height_mm: f32,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} x {:.1} mm", self.width_mm, self.height_mm)
    }
}

/// Four distances from the edges of a label; the unit is the holder's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sides {
    pub(crate) left: f32,
    pub(crate) right: f32,
    pub(crate) top: f32,
    pub(crate) bottom: f32,
}
