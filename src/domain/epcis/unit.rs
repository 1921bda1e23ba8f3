//! UN/ECE Recommendation 20: units, what they measure, and their base units.

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// In kelvin.
    Temperature,
    /// In kilograms.
    Mass,
    /// In metres.
    Length,
    /// In cubic metres.
    Volume,
    /// In pascal.
    Pressure,
    /// In seconds.
    Time,
    /// In parts of one.
    Ratio,
}

const UNITS: [(&str, Dimension, f64, f64); 20] = [
    ("KEL", Dimension::Temperature, 1.0, 0.0),
    ("CEL", Dimension::Temperature, 1.0, 273.15),
    ("FAH", Dimension::Temperature, 5.0 / 9.0, 459.67 * 5.0 / 9.0),
    ("KGM", Dimension::Mass, 1.0, 0.0),
    ("GRM", Dimension::Mass, 1e-3, 0.0),
    ("MGM", Dimension::Mass, 1e-6, 0.0),
    ("TNE", Dimension::Mass, 1e3, 0.0),
    ("LBR", Dimension::Mass, 0.453_592_37, 0.0),
    ("MTR", Dimension::Length, 1.0, 0.0),
    ("CMT", Dimension::Length, 1e-2, 0.0),
    ("MTQ", Dimension::Volume, 1.0, 0.0),
    ("LTR", Dimension::Volume, 1e-3, 0.0),
    ("MLT", Dimension::Volume, 1e-6, 0.0),
    ("PAL", Dimension::Pressure, 1.0, 0.0),
    ("BAR", Dimension::Pressure, 1e5, 0.0),
    ("SEC", Dimension::Time, 1.0, 0.0),
    ("MIN", Dimension::Time, 60.0, 0.0),
    ("HUR", Dimension::Time, 3600.0, 0.0),
    ("DAY", Dimension::Time, 86400.0, 0.0),
    ("P1", Dimension::Ratio, 1e-2, 0.0),
];

/// A value in the base unit of what its unit measures.
pub fn to_base(value: f64, uom: &str) -> Option<(Dimension, f64)> {
    let (_, dimension, factor, offset) = UNITS.iter().find(|unit| unit.0 == uom)?;
    Some((*dimension, value * factor + offset))
}

/// A difference of two values in the base unit: scales with another zero do not shift it.
pub fn difference_to_base(value: f64, uom: &str) -> Option<f64> {
    let (_, _, factor, _) = UNITS.iter().find(|unit| unit.0 == uom)?;
    Some(value * factor)
}
