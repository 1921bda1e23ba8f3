//! Units of measure: what UN/ECE Recommendation 20's codes mean, and what a sensor may report in.
//!
//! A unit has a [`Dimension`] and is converted to the SI unit of that dimension. Values of one
//! dimension can be compared whatever unit they came in: that is how a query for 0 `CEL` finds a
//! report of 32 `FAH`. The table holds the units of the quantities that GS1 lists as measurement
//! types; a code that is not in it is neither known to be wrong nor convertible.
//!
//! Sources: UN/ECE Recommendation 20 (codes, names, factors), its selection in the public
//! repository `mgh128/UnitConverterUNECERec20`, the measurement types of the EPCIS 2.0 JSON schema
//! and the GS1 Web Vocabulary. Factors follow from the definitions of the units wherever there is
//! one (SI brochure; the international yard and pound of 1959).

mod measurement;
mod table;
#[cfg(test)]
mod tests;

pub use measurement::{MEASUREMENT_TYPES, dimensions_of};

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a unit measures. Quantities that no unit can tell apart share a dimension: torque and
/// energy, radioactivity and frequency, absolute humidity and density.
#[allow(
    missing_docs,
    reason = "each is named by its quantity; the rest by their SI unit"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    Acceleration,
    AmountOfSubstance,
    /// mol/m³
    AmountConcentration,
    /// rad
    Angle,
    AngularAcceleration,
    AngularMomentum,
    /// rad/s
    AngularVelocity,
    Area,
    Capacitance,
    Charge,
    Conductance,
    Conductivity,
    Current,
    CurrentDensity,
    /// kg/m³, of a substance, of a vapour or of a solute
    Density,
    /// Gy and Sv
    Dose,
    /// Gy/s and Sv/s
    DoseRate,
    DynamicViscosity,
    ElectricFieldStrength,
    /// J, and N·m
    Energy,
    /// C/kg
    Exposure,
    Force,
    /// 1/s: Hz and Bq
    Frequency,
    Illuminance,
    Inductance,
    /// W/m²
    Irradiance,
    KinematicViscosity,
    Length,
    Luminance,
    LuminousFlux,
    LuminousIntensity,
    MagneticFlux,
    MagneticFluxDensity,
    MagneticVectorPotential,
    Mass,
    MassFlowRate,
    /// kg/(m²·s)
    MassFlux,
    /// bit
    MemoryCapacity,
    /// mol/kg
    Molality,
    MolarEnergy,
    MolarMass,
    MolarVolume,
    Momentum,
    Power,
    Pressure,
    /// W/sr
    RadiantIntensity,
    /// 1: shares, percentages and counts
    Ratio,
    Resistance,
    Resistivity,
    SolidAngle,
    SpecificVolume,
    Speed,
    /// kg/m²
    SurfaceDensity,
    /// N/m
    SurfaceTension,
    /// K
    Temperature,
    Time,
    Voltage,
    Volume,
    VolumeFlowRate,
    /// 1/m
    Wavenumber,
}

/// How a value in a unit becomes one in the SI unit: `(value + shift) × factor`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Unit {
    dimension: Dimension,
    shift: f64,
    factor: f64,
}

static UNITS: LazyLock<HashMap<&'static str, Unit>> = LazyLock::new(|| {
    let scaled = table::SCALED.iter().flat_map(|(dimension, units)| {
        let unit = |&(code, factor): &(&'static str, f64)| {
            let (dimension, shift) = (*dimension, 0.0);
            (
                code,
                Unit {
                    dimension,
                    shift,
                    factor,
                },
            )
        };
        units.iter().map(unit)
    });
    let shifted = table::TEMPERATURES.iter().map(|&(code, shift, factor)| {
        let dimension = Dimension::Temperature;
        (
            code,
            Unit {
                dimension,
                shift,
                factor,
            },
        )
    });
    scaled.chain(shifted).collect()
});

/// Converts `value` from the unit with the common code `uom` into the SI unit of its dimension;
/// `None` for a code that is not in the table, or where the result is not a finite number.
///
/// The result has twelve significant digits. Binary fractions err in the sixteenth, and the same
/// measure given in two units must come out as the same number, or a limit would be missed by it.
#[must_use]
pub fn to_base(value: f64, uom: &str) -> Option<(Dimension, f64)> {
    let unit = UNITS.get(uom)?;
    let base = rounded((value + unit.shift) * unit.factor)?;
    Some((unit.dimension, base))
}

/// The same for a difference of two values, such as a deviation: where the zero of a scale lies does not
/// matter to it.
#[must_use]
pub fn difference_to_base(value: f64, uom: &str) -> Option<(Dimension, f64)> {
    let unit = UNITS.get(uom)?;
    Some((unit.dimension, rounded(value * unit.factor)?))
}

fn rounded(base: f64) -> Option<f64> {
    let rounded: f64 = format!("{base:.11e}").parse().ok()?;
    rounded.is_finite().then_some(rounded)
}

/// What the unit with the common code `uom` measures, if the table has it.
#[must_use]
pub fn dimension(uom: &str) -> Option<Dimension> {
    UNITS.get(uom).map(|unit| unit.dimension)
}

/// Whether `text` has the form of a common code: two or three capitals and digits (EPCIS 2.0 JSON
/// schema, `uom`: `^[A-Z0-9]{2,3}$`).
#[must_use]
pub fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (2..=3).contains(&text.len()) && text.bytes().all(fits)
}
