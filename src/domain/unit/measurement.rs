//! The measurement types of EPCIS 2.0, which are words of the GS1 Web Vocabulary.

use super::Dimension::{self, *};

/// `type` of a sensor report as a bare word, each with what its values may be given in. From the
/// EPCIS 2.0 JSON schema, `measurementType`.
pub const MEASUREMENT_TYPES: &[(&str, &[Dimension])] = &[
    ("AbsoluteHumidity", &[Density]),
    ("AbsorbedDose", &[Dose]),
    ("AbsorbedDoseRate", &[DoseRate]),
    ("Acceleration", &[Acceleration]),
    ("Altitude", &[Length]),
    ("AmountOfSubstance", &[AmountOfSubstance]),
    ("AmountOfSubstancePerUnitVolume", &[AmountConcentration]),
    ("Angle", &[Angle]),
    ("AngularAcceleration", &[AngularAcceleration]),
    ("AngularMomentum", &[AngularMomentum]),
    // Revolutions per minute are given as a frequency too.
    ("AngularVelocity", &[AngularVelocity, Frequency]),
    ("Area", &[Area]),
    ("Capacitance", &[Capacitance]),
    ("Conductance", &[Conductance]),
    ("Conductivity", &[Conductivity]),
    ("Count", &[Ratio]),
    ("Density", &[Density]),
    ("Dimensionless", &[Ratio]),
    ("DoseEquivalent", &[Dose]),
    ("DoseEquivalentRate", &[DoseRate]),
    ("DynamicViscosity", &[DynamicViscosity]),
    ("ElectricCharge", &[Charge]),
    ("ElectricCurrent", &[Current]),
    ("ElectricCurrentDensity", &[CurrentDensity]),
    ("ElectricFieldStrength", &[ElectricFieldStrength]),
    ("Energy", &[Energy]),
    ("Exposure", &[Exposure]),
    ("Force", &[Force]),
    ("Frequency", &[Frequency, AngularVelocity]),
    ("Illuminance", &[Illuminance]),
    ("Inductance", &[Inductance]),
    ("Irradiance", &[Irradiance]),
    ("KinematicViscosity", &[KinematicViscosity]),
    ("Length", &[Length]),
    ("LinearMomentum", &[Momentum]),
    ("Luminance", &[Luminance]),
    ("LuminousFlux", &[LuminousFlux]),
    ("LuminousIntensity", &[LuminousIntensity]),
    ("MagneticFlux", &[MagneticFlux]),
    ("MagneticFluxDensity", &[MagneticFluxDensity]),
    ("MagneticVectorPotential", &[MagneticVectorPotential]),
    ("Mass", &[Mass]),
    ("MassConcentration", &[Density]),
    ("MassFlowRate", &[MassFlowRate]),
    ("MassPerAreaTime", &[MassFlux]),
    ("MemoryCapacity", &[MemoryCapacity]),
    ("MolalityOfSolute", &[Molality]),
    ("MolarEnergy", &[MolarEnergy]),
    ("MolarMass", &[MolarMass]),
    ("MolarVolume", &[MolarVolume]),
    ("Power", &[Power]),
    ("Pressure", &[Pressure]),
    ("RadiantFlux", &[Power]),
    ("RadiantIntensity", &[RadiantIntensity]),
    ("Radioactivity", &[Frequency]),
    ("RelativeHumidity", &[Ratio]),
    ("Resistance", &[Resistance]),
    ("Resistivity", &[Resistivity]),
    ("SolidAngle", &[SolidAngle]),
    ("SpecificVolume", &[SpecificVolume]),
    ("Speed", &[Speed]),
    ("SurfaceDensity", &[SurfaceDensity]),
    ("SurfaceTension", &[SurfaceTension]),
    ("Temperature", &[Temperature]),
    ("Time", &[Time]),
    ("Torque", &[Energy]),
    ("Voltage", &[Voltage]),
    ("Volume", &[Volume]),
    ("VolumeFlowRate", &[VolumeFlowRate]),
    ("VolumeFraction", &[Ratio]),
    // Cubic metres through a square metre in a second: metres in a second.
    ("VolumetricFlux", &[Speed]),
    ("Wavenumber", &[Wavenumber]),
];

/// What values of a measurement type may be given in; `None` for a type that is not GS1's.
#[must_use]
pub fn dimensions_of(measurement_type: &str) -> Option<&'static [Dimension]> {
    let found = MEASUREMENT_TYPES.binary_search_by(|(name, _)| (*name).cmp(measurement_type));
    found.ok().map(|index| MEASUREMENT_TYPES[index].1)
}
