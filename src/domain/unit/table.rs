//! The units themselves. In each row the common code and the factor to the SI unit.

use std::f64::consts::PI;

use super::Dimension::{self, *};

// The international yard and pound (1959), and what follows from them.
const INCH: f64 = 0.0254;
const FOOT: f64 = 0.3048;
const YARD: f64 = 0.9144;
const MILE: f64 = 1_609.344;
const SURVEY_FOOT: f64 = 1_200.0 / 3_937.0;
const POUND: f64 = 0.453_592_37;
const OUNCE: f64 = POUND / 16.0;
const GALLON_UK: f64 = 0.004_546_09;
const GALLON_US: f64 = 231.0 * INCH * INCH * INCH;
const BUSHEL_US: f64 = 2_150.42 * INCH * INCH * INCH;
const CUBIC_FOOT: f64 = FOOT * FOOT * FOOT;
const BARREL: f64 = 42.0 * GALLON_US;
const BARREL_UK: f64 = 35.0 * GALLON_UK;
/// Standard gravity, m/s².
const G: f64 = 9.806_65;
const POUND_FORCE: f64 = POUND * G;
const POUNDAL: f64 = POUND * FOOT;
const PSI: f64 = POUND_FORCE / (INCH * INCH);
/// A millimetre of mercury of 13 595.1 kg/m³.
const MM_MERCURY: f64 = 13.595_1 * G;
const BTU: f64 = 1_055.055_852_62;
const BTU_THERMOCHEMICAL: f64 = 1_054.350_264_488_89;
const HORSEPOWER: f64 = 550.0 * FOOT * POUND_FORCE;
const METRIC_HORSEPOWER: f64 = 75.0 * G;
/// Joules: the electronvolt of the SI since 2019.
const EV: f64 = 1.602_176_634e-19;
const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
/// Recommendation 20's year of 365.25 days.
const YEAR: f64 = 365.25 * DAY;
const CURIE: f64 = 3.7e10;

/// Code, shift, factor: kelvins are `(value + shift) × factor`.
pub(super) const TEMPERATURES: &[(&str, f64, f64)] = &[
    ("KEL", 0.0, 1.0),
    ("CEL", 273.15, 1.0),
    ("FAH", 459.67, 5.0 / 9.0),
    ("A48", 0.0, 5.0 / 9.0),
];

/// Units by dimension; the first of each is the SI unit.
#[rustfmt::skip]
pub(super) const SCALED: &[(Dimension, &[(&str, f64)])] = &[
    (Acceleration, &[
        ("MSK", 1.0), ("A76", 1e-2), ("C11", 1e-5), ("M38", 1e3), ("M39", 1e-2), ("M41", 1e-3),
        ("A73", FOOT), ("IV", INCH), ("K40", G), ("M40", YARD), ("M42", MILE),
    ]),
    (AmountOfSubstance, &[("C34", 1.0), ("B45", 1e3), ("C18", 1e-3), ("FH", 1e-6)]),
    (AmountConcentration, &[
        ("C36", 1.0), ("M33", 1.0), ("C38", 1e3), ("C35", 1e3), ("B46", 1e3),
    ]),
    (Angle, &[
        ("C81", 1.0), ("C25", 1e-3), ("B97", 1e-6), ("A91", PI / 200.0), ("DD", PI / 180.0),
        ("D61", PI / 10_800.0), ("D62", PI / 648_000.0), ("M43", PI / 3_200.0), ("M44", 2.0 * PI),
    ]),
    (AngularAcceleration, &[("2B", 1.0), ("M45", PI / 180.0)]),
    (AngularMomentum, &[("B33", 1.0), ("C53", 1.0)]),
    (AngularVelocity, &[("2A", 1.0), ("E96", PI / 180.0), ("M46", 2.0 * PI / MINUTE)]),
    (Area, &[
        ("MTK", 1.0), ("KMK", 1e6), ("H30", 1e-12), ("DAA", 1e3), ("CMK", 1e-4), ("DMK", 1e-2),
        ("H16", 1e2), ("H18", 1e4), ("MMK", 1e-6), ("ARE", 1e2), ("HAR", 1e4),
        ("INK", INCH * INCH), ("FTK", FOOT * FOOT), ("YDK", YARD * YARD), ("MIK", MILE * MILE),
        ("M48", 5_280.0 * 5_280.0 * SURVEY_FOOT * SURVEY_FOOT),
        ("ACR", 43_560.0 * SURVEY_FOOT * SURVEY_FOOT),
        ("M47", PI / 4.0 * INCH * INCH * 1e-6), ("BB", 31_360.0 * INCH * INCH),
    ]),
    (Capacitance, &[
        ("FAR", 1.0), ("H48", 1e-18), ("C10", 1e-3), ("4O", 1e-6), ("C41", 1e-9), ("4T", 1e-12),
        ("N90", 1e3),
    ]),
    (Charge, &[
        ("COU", 1.0), ("A8", 1.0), ("AMH", HOUR), ("TAH", 1e3 * HOUR), ("D77", 1e6), ("D86", 1e-3),
        ("B26", 1e3), ("B86", 1e-6), ("C40", 1e-9), ("C71", 1e-12), ("E09", 3.6), ("N95", MINUTE),
        ("N94", 0.1 / 299_792_458.0),
    ]),
    (Conductance, &[
        ("SIE", 1.0), ("B53", 1e3), ("C27", 1e-3), ("B99", 1e-6), ("N92", 1e-12), ("NQ", 1.0),
        ("NR", 1e-6),
    ]),
    (Conductivity, &[
        ("D10", 1.0), ("B54", 1e3), ("B77", 1e6), ("H43", 1e2), ("H61", 1e-1), ("G42", 1e-4),
    ]),
    (Current, &[
        ("AMP", 1.0), ("B22", 1e3), ("H38", 1e6), ("4K", 1e-3), ("B84", 1e-6), ("C39", 1e-9),
        ("C70", 1e-12), ("N96", 10.0), ("N97", 10.0 / (4.0 * PI)),
    ]),
    (CurrentDensity, &[("A41", 1.0), ("B23", 1e3), ("A4", 1e4), ("A7", 1e6)]),
    (Density, &[
        ("KMQ", 1.0), ("23", 1e3), ("D41", 1e3), ("GJ", 1e3), ("B35", 1e3), ("GL", 1.0),
        ("A93", 1e-3), ("GP", 1e-6), ("B72", 1e3), ("B34", 1e3), ("H29", 1e-6), ("M1", 1e-3),
        ("GQ", 1e-9), ("F23", 1.0), ("G31", 1e6), ("87", POUND / CUBIC_FOOT),
        ("GE", POUND / GALLON_US), ("LA", POUND / (INCH * INCH * INCH)),
        ("G32", OUNCE / (YARD * YARD * YARD)), ("K41", POUND / 7_000.0 / GALLON_US),
        ("K71", POUND / GALLON_UK), ("K84", POUND / (YARD * YARD * YARD)),
        ("L37", OUNCE / GALLON_UK), ("L38", OUNCE / GALLON_US),
        ("L39", OUNCE / (INCH * INCH * INCH)), ("L65", POUND * G / FOOT / CUBIC_FOOT),
        ("L92", 2_240.0 * POUND / (YARD * YARD * YARD)),
        ("L93", 2_000.0 * POUND / (YARD * YARD * YARD)),
    ]),
    (Dose, &[
        ("A95", 1.0), ("C13", 1e-3), ("C80", 1e-2), ("A61", 1e-4), ("D13", 1.0), ("C28", 1e-3),
        ("D91", 1e-2), ("L31", 1e-5),
    ]),
    (DoseRate, &[
        ("A96", 1.0), ("P54", 1e-3), ("P55", 1e-6), ("P56", 1e-9), ("P57", 1.0 / MINUTE),
        ("P58", 1e-3 / MINUTE), ("P59", 1e-6 / MINUTE), ("P60", 1e-9 / MINUTE), ("P61", 1.0 / HOUR),
        ("P62", 1e-3 / HOUR), ("P63", 1e-6 / HOUR), ("P64", 1e-9 / HOUR), ("P65", 1.0),
        ("P66", 1e-3), ("P67", 1e-6), ("P68", 1e-9), ("P69", 1e-2), ("P70", 1.0 / HOUR),
        ("P71", 1e-3 / HOUR), ("P72", 1e-6 / HOUR), ("P73", 1e-9 / HOUR), ("P74", 1.0 / MINUTE),
        ("P75", 1e-3 / MINUTE), ("P76", 1e-6 / MINUTE), ("P77", 1e-9 / MINUTE),
    ]),
    (DynamicViscosity, &[("C65", 1.0), ("C24", 1e-3), ("C7", 1e-3), ("89", 1e-1)]),
    (ElectricFieldStrength, &[("D50", 1.0), ("B79", 1e6), ("D47", 1e2), ("D51", 1e3)]),
    (Energy, &[
        ("JOU", 1.0), ("KJO", 1e3), ("A68", 1e18), ("C68", 1e15), ("D30", 1e12), ("GV", 1e9),
        ("3B", 1e6), ("C15", 1e-3), ("A70", 1e-15), ("A13", 1e-18), ("WHR", HOUR),
        ("MWH", 1e6 * HOUR), ("KWH", 1e3 * HOUR), ("GWH", 1e9 * HOUR), ("D32", 1e12 * HOUR),
        ("A53", EV), ("B71", 1e6 * EV), ("A85", 1e9 * EV), ("B29", 1e3 * EV), ("A57", 1e-7),
        ("85", FOOT * POUND_FORCE), ("B38", G), ("N46", FOOT * POUNDAL), ("N47", INCH * POUNDAL),
        ("D70", 4.186_8), ("J75", 4.190_02), ("E14", 4_186.8), ("K51", 4_190.02), ("K53", 4_184.0),
        ("BTU", BTU), ("J37", 1_055.87), ("N71", 1e5 * BTU), ("N72", 1.054_804e8), ("J55", 1.0),
        // Torque: N·m is no other dimension.
        ("NU", 1.0), ("F88", 1e-2), ("B74", 1e6), ("B48", 1e3), ("D83", 1e-3), ("B93", 1e-6),
        ("DN", 1e-1), ("J72", 1e-2), ("F21", INCH * POUND_FORCE), ("J94", 1e-7),
        ("L41", INCH * POUND_FORCE / 16.0), ("M92", FOOT * POUND_FORCE), ("M95", FOOT * POUNDAL),
        ("M96", INCH * POUNDAL), ("M97", 1e-5),
    ]),
    (Exposure, &[("CKG", 1.0), ("C8", 1e-3), ("2C", 2.58e-4), ("2Y", 2.58e-7)]),
    (Force, &[
        ("NEW", 1.0), ("B47", 1e3), ("B73", 1e6), ("B92", 1e-6), ("C20", 1e-3), ("DU", 1e-5),
        ("C78", POUND_FORCE), ("B37", G), ("B51", G), ("L40", POUND_FORCE / 16.0),
        ("L94", 2_000.0 * POUND_FORCE), ("M75", 1e3 * POUND_FORCE), ("M76", POUNDAL), ("M77", 1.0),
        ("M78", 1e-3 * G),
    ]),
    (Frequency, &[
        ("HTZ", 1.0), ("KHZ", 1e3), ("MHZ", 1e6), ("A86", 1e9), ("D29", 1e12), ("C97", 1.0),
        ("C94", 1.0 / MINUTE), ("RPM", 1.0 / MINUTE), ("RPS", 1.0),
        ("BQL", 1.0), ("GBQ", 1e9), ("2Q", 1e3), ("4N", 1e6), ("H08", 1e-6),
        ("CUR", CURIE), ("MCU", 1e-3 * CURIE), ("M5", 1e-6 * CURIE), ("2R", 1e3 * CURIE),
    ]),
    (Illuminance, &[
        ("LUX", 1.0), ("B60", 1.0), ("KLX", 1e3), ("P25", 1.0 / (FOOT * FOOT)), ("P26", 1e4),
        ("P27", 1.0 / (FOOT * FOOT)),
    ]),
    (Inductance, &[
        ("81", 1.0), ("C14", 1e-3), ("B90", 1e-6), ("C43", 1e-9), ("C73", 1e-12), ("P24", 1e3),
    ]),
    (Irradiance, &[("D54", 1.0), ("C32", 1e-3), ("N48", 1e4)]),
    (KinematicViscosity, &[("S4", 1.0), ("91", 1e-4), ("4C", 1e-6), ("C17", 1e-6)]),
    (Length, &[
        ("MTR", 1.0), ("A11", 1e-10), ("A71", 1e-15), ("C45", 1e-9), ("4H", 1e-6), ("C52", 1e-12),
        ("A12", 149_597_870_700.0), ("DMT", 1e-1), ("CMT", 1e-2), ("MMT", 1e-3), ("INH", INCH),
        ("77", 1e-3 * INCH), ("M7", 1e-6 * INCH), ("FOT", FOOT), ("YRD", YARD), ("SMI", MILE),
        ("NMI", 1_852.0), ("A45", 10.0), ("HMT", 1e2), ("KMT", 1e3), ("AK", 2.0 * YARD),
        ("B57", 9_460_730_472_580_800.0), ("M50", 220.0 * YARD), ("M49", 66.0 * SURVEY_FOOT),
        ("X1", 22.0 * YARD), ("M51", SURVEY_FOOT),
    ]),
    (Luminance, &[("A24", 1.0)]),
    (LuminousFlux, &[("LUM", 1.0)]),
    (LuminousIntensity, &[("CDL", 1.0), ("P33", 1e3), ("P34", 1e-3)]),
    (MagneticFlux, &[("WEB", 1.0), ("C33", 1e-3), ("P11", 1e3)]),
    (MagneticFluxDensity, &[
        ("D33", 1.0), ("C29", 1e-3), ("D81", 1e-6), ("C48", 1e-9), ("P13", 1e3), ("P12", 1e-9),
    ]),
    (MagneticVectorPotential, &[("D59", 1.0), ("B56", 1e3), ("D60", 1e3)]),
    (Mass, &[
        ("KGM", 1.0), ("KTN", 1e6), ("LTN", 2_240.0 * POUND), ("2U", 1e3), ("TNE", 1e3),
        ("STN", 2_000.0 * POUND), ("DTN", 1e2), ("STI", 14.0 * POUND), ("LBR", POUND),
        ("HGM", 1e-1), ("ONZ", OUNCE), ("DJ", 1e-2), ("APZ", 480.0 * POUND / 7_000.0),
        ("GRM", 1e-3), ("DG", 1e-4), ("CGM", 1e-5), ("MGM", 1e-6), ("MC", 1e-9),
        ("F13", POUND * G / FOOT), ("CWI", 112.0 * POUND), ("CWA", 100.0 * POUND), ("M86", 0.5),
        ("CTM", 2e-4), ("GRN", POUND / 7_000.0),
    ]),
    (MassFlowRate, &[
        ("KGS", 1.0), ("E93", 1.0 / HOUR), ("F27", 1e-3 / HOUR), ("F28", 1e-3 / MINUTE),
        ("F29", 1e-3), ("F30", 1.0 / DAY), ("F31", 1.0 / MINUTE), ("4U", POUND / HOUR),
    ]),
    (MassFlux, &[("H56", 1.0)]),
    (MemoryCapacity, &[
        ("A99", 1.0), ("C37", 1e3), ("D36", 1e6), ("B68", 1e9), ("E83", 1e12), ("E78", 1e15),
        ("AD", 8.0), ("2P", 8e3), ("4L", 8e6), ("E34", 8e9), ("E35", 8e12), ("E36", 8e15),
    ]),
    (Molality, &[("C19", 1.0), ("D87", 1e-3)]),
    (MolarEnergy, &[("B15", 1.0), ("B44", 1e3)]),
    (MolarMass, &[("D74", 1.0), ("A94", 1e-3)]),
    (MolarVolume, &[("A40", 1.0), ("A37", 1e-3), ("A36", 1e-6), ("B58", 1e-3)]),
    (Momentum, &[
        ("B31", 1.0), ("C57", 1.0), ("M98", 1e-2), ("M99", 1e-5), ("N10", POUND * FOOT),
        ("N11", POUND * INCH),
    ]),
    (Power, &[
        ("WTT", 1.0), ("KWT", 1e3), ("MAW", 1e6), ("A90", 1e9), ("D31", 1e12), ("C31", 1e-3),
        ("D80", 1e-6), ("C49", 1e-9), ("C75", 1e-12), ("F80", 746.043), ("A63", 1e-7),
        ("A74", FOOT * POUND_FORCE), ("B39", G), ("HJ", METRIC_HORSEPOWER),
        ("A25", METRIC_HORSEPOWER), ("BHP", HORSEPOWER), ("K15", FOOT * POUND_FORCE / HOUR),
        ("K16", FOOT * POUND_FORCE / MINUTE), ("K42", 9_809.5), ("K43", 746.0),
        ("N12", METRIC_HORSEPOWER), ("2I", BTU / HOUR), ("D46", 1.0), ("KVA", 1e3), ("MVA", 1e6),
        ("D44", 1.0), ("KVR", 1e3), ("E15", 4_184.0 / HOUR), ("E16", 1e6 * BTU / HOUR),
        ("J44", BTU / MINUTE), ("J45", BTU), ("J47", BTU_THERMOCHEMICAL / HOUR),
        ("J51", BTU_THERMOCHEMICAL / MINUTE), ("J52", BTU_THERMOCHEMICAL), ("J81", 4.184 / MINUTE),
        ("J82", 4.184), ("K54", 4_184.0 / MINUTE), ("K55", 4_184.0), ("P14", 1.0),
        ("P15", 1.0 / MINUTE), ("P16", 1.0 / HOUR), ("P17", 1.0 / DAY), ("P18", 1e3),
        ("P19", 1e3 / MINUTE), ("P20", 1e3 / HOUR), ("P21", 1e3 / DAY),
    ]),
    (Pressure, &[
        ("PAL", 1.0), ("H75", 10.0), ("74", 1e-3), ("A89", 1e9), ("A97", 1e2), ("B96", 1e-6),
        ("KPA", 1e3), ("MPA", 1e6), ("BAR", 1e5), ("MBR", 1e2), ("C55", 1.0), ("C56", 1e6),
        ("B40", G), ("UA", 101_325.0 / 760.0), ("80", PSI), ("PS", PSI), ("84", 1e3 * PSI),
        ("N20", 1e3 * PSI), ("H78", 10.0 * G), ("HP", G), ("N23", 1e3 * G), ("F78", 25.4 * G),
        ("K24", 304.8 * G), ("HN", MM_MERCURY), ("J89", 10.0 * MM_MERCURY),
        ("F79", 25.4 * MM_MERCURY), ("K25", 304.8 * MM_MERCURY), ("ATT", 1e4 * G),
        ("ATM", 101_325.0), ("K31", 10.0 * G), ("E42", 1e4 * G), ("E41", 1e6 * G),
        ("K85", POUND_FORCE / (FOOT * FOOT)), ("N13", 1_333.22), ("N14", 98.063_8),
        ("N15", 2_988.98), ("N16", 3_386.38), ("N17", 3_376.85), ("N18", 249.082), ("N19", 248.84),
        ("N21", POUNDAL / (FOOT * FOOT)), ("N22", PSI / 16.0),
    ]),
    (RadiantIntensity, &[("D57", 1.0)]),
    (Ratio, &[
        ("C62", 1.0), ("P1", 1e-2), ("59", 1e-6), ("61", 1e-9), ("60", 1e-2), ("E40", 1e-5),
        ("NX", 1e-3), ("GK", 1e-3), ("NA", 1e-6), ("J33", 1e-9), ("L32", 1e-12), ("M29", 1.0),
        ("K62", 1.0), ("L19", 1e-3), ("J36", 1e-6), ("H60", 1.0), ("H65", 1e-6), ("J87", 1e-6),
        ("L21", 1e-9), ("J91", 1e-3), ("H87", 1.0), ("EA", 1.0), ("PR", 2.0), ("DZN", 12.0),
        ("GRO", 144.0), ("CEN", 1e2), ("MIL", 1e3),
    ]),
    (Resistance, &[
        ("OHM", 1.0), ("A87", 1e9), ("B75", 1e6), ("H44", 1e12), ("B49", 1e3), ("E45", 1e-3),
        ("B94", 1e-6), ("P22", 1e-9),
    ]),
    (Resistivity, &[("C61", 1.0), ("B50", 1e3), ("B76", 1e6), ("C60", 1e-2)]),
    (SolidAngle, &[("D27", 1.0)]),
    (SpecificVolume, &[
        ("A39", 1.0), ("22", 1e-1), ("H83", 1e-3), ("KX", 1e-6), ("N28", 1e-3),
        ("N29", CUBIC_FOOT / POUND), ("N30", INCH * INCH * INCH / POUND),
    ]),
    (Speed, &[
        ("MTS", 1.0), ("KMH", 1e3 / HOUR), ("HM", MILE / HOUR), ("M57", MILE / MINUTE),
        ("M58", MILE), ("KNT", 1_852.0 / HOUR), ("M62", 1e3), ("H49", 1e-2 / HOUR), ("2M", 1e-2),
        ("K14", FOOT / HOUR), ("FR", FOOT / MINUTE), ("FS", FOOT), ("M63", INCH / MINUTE),
        ("IU", INCH), ("M61", INCH / YEAR), ("2X", 1.0 / MINUTE),
    ]),
    (SurfaceDensity, &[("28", 1.0), ("GM", 1e-3), ("GO", 1e-6)]),
    (SurfaceTension, &[("4P", 1.0), ("C22", 1e-3), ("DX", 1e-3)]),
    (Time, &[
        ("SEC", 1.0), ("MIN", MINUTE), ("HUR", HOUR), ("DAY", DAY), ("B52", 1e3), ("C26", 1e-3),
        ("H70", 1e-12), ("B98", 1e-6), ("C47", 1e-9), ("WEE", 7.0 * DAY), ("MON", YEAR / 12.0),
        ("ANN", YEAR), ("D42", 3.155_692_5e7), ("L95", 365.0 * DAY), ("L96", 3.155_815e7),
        ("M56", 1e-8),
    ]),
    (Voltage, &[
        ("VLT", 1.0), ("N99", 1e-12), ("2Z", 1e-3), ("B78", 1e6), ("D82", 1e-6), ("KVT", 1e3),
    ]),
    (Volume, &[
        ("MTQ", 1.0), ("MAL", 1e3), ("LTR", 1e-3), ("MMQ", 1e-9), ("CMQ", 1e-6), ("DMQ", 1e-3),
        ("MLT", 1e-6), ("HLT", 1e-1), ("CLT", 1e-5), ("DMA", 1e3), ("H19", 1e6), ("H20", 1e9),
        ("DLT", 1e-4), ("4G", 1e-9), ("K6", 1.0), ("A44", 1e-2), ("INQ", INCH * INCH * INCH),
        ("FTQ", CUBIC_FOOT), ("YDQ", YARD * YARD * YARD), ("GLI", GALLON_UK), ("GLL", GALLON_US),
        ("PT", GALLON_US / 8.0), ("PTI", GALLON_UK / 8.0), ("QTI", GALLON_UK / 4.0),
        ("PTL", GALLON_US / 8.0), ("QTL", GALLON_US / 4.0), ("QT", GALLON_US / 4.0),
        ("PTD", BUSHEL_US / 64.0), ("L61", BUSHEL_US / 64.0), ("QTD", BUSHEL_US / 32.0),
        ("L62", BUSHEL_US / 32.0), ("GLD", BUSHEL_US / 8.0), ("G23", BUSHEL_US / 4.0),
        ("BUA", BUSHEL_US), ("OZI", GALLON_UK / 160.0), ("OZA", GALLON_US / 128.0),
        ("J57", BARREL_UK), ("BLL", BARREL), ("BLD", 7_056.0 * INCH * INCH * INCH),
        ("L43", 2.0 * GALLON_UK), ("BUI", 8.0 * GALLON_UK), ("L84", 42.0 * CUBIC_FOOT),
        ("L86", 40.0 * CUBIC_FOOT), ("G26", 1.0), ("G21", GALLON_US / 16.0),
        ("G24", GALLON_US / 256.0), ("G25", GALLON_US / 768.0), ("M68", 128.0 * CUBIC_FOOT),
        ("M67", 43_560.0 * SURVEY_FOOT * SURVEY_FOOT * SURVEY_FOOT),
        ("M69", MILE * MILE * MILE), ("M70", 100.0 * CUBIC_FOOT),
    ]),
    (VolumeFlowRate, &[
        ("MQS", 1.0), ("MQH", 1.0 / HOUR), ("G53", 1.0 / MINUTE), ("G52", 1.0 / DAY),
        ("G51", 1e-3), ("L2", 1e-3 / MINUTE), ("E32", 1e-3 / HOUR), ("LD", 1e-3 / DAY),
        ("2J", 1e-6), ("2K", CUBIC_FOOT / HOUR), ("2L", CUBIC_FOOT / MINUTE), ("40", 1e-6),
        ("41", 1e-6 / MINUTE), ("4X", 1.0 / HOUR), ("5A", BARREL / MINUTE), ("B1", BARREL / DAY),
        ("E17", CUBIC_FOOT), ("K22", CUBIC_FOOT / DAY), ("G2", GALLON_US / MINUTE),
        ("G3", GALLON_UK / MINUTE), ("GB", GALLON_US / DAY), ("K26", GALLON_UK / DAY),
        ("K27", GALLON_UK / HOUR), ("K28", GALLON_UK), ("K30", GALLON_US),
        ("J58", BARREL_UK / MINUTE), ("J59", BARREL_UK / DAY), ("J60", BARREL_UK / HOUR),
        ("J61", BARREL_UK), ("J62", BARREL / HOUR), ("J63", BARREL), ("J90", 1e-3 / DAY),
        ("J92", 1e-3 / MINUTE), ("J93", 1e-3),
    ]),
    (Wavenumber, &[("C92", 1.0), ("E90", 1e2)]),
];
