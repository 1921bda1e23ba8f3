//! The table against what Recommendation 20 prints, and against itself.

use std::collections::HashSet;

use proptest::prelude::*;

use super::table::{SCALED, TEMPERATURES};
use super::*;

#[test]
fn one_measure_in_two_units_is_one_number() {
    for (first, second) in [
        ((0.0, "CEL"), (32.0, "FAH")),
        ((-18.0, "CEL"), (-0.4, "FAH")),
        ((-18.4, "CEL"), (254.75, "KEL")),
        ((100.0, "CEL"), (671.67, "A48")),
        ((4.2, "CEL"), (39.56, "FAH")),
        ((1.0, "KGM"), (1e6, "MGM")),
        ((1.0, "LBR"), (16.0, "ONZ")),
        ((36.0, "KMH"), (10.0, "MTS")),
        ((1.0, "ATM"), (760.0, "UA")),
        ((65.3, "P1"), (653.0, "NX")),
        ((1.0, "GLL"), (3.785_411_784, "LTR")),
        ((1.0, "KWH"), (3.6, "3B")),
    ] {
        assert_eq!(
            to_base(first.0, first.1),
            to_base(second.0, second.1),
            "{first:?}"
        );
        assert!(to_base(first.0, first.1).is_some(), "{first:?}");
    }
    assert_ne!(to_base(0.0, "CEL"), to_base(31.999_999, "FAH"));
    assert_ne!(to_base(1.0, "KGM"), to_base(1.0, "KMQ"), "mass and density");
}

/// Factors as Recommendation 20 prints them, to its seven digits.
#[rustfmt::skip]
const PRINTED: &[(&str, f64)] = &[
    ("A91", 1.570796e-2), ("D61", 2.908882e-4), ("D62", 4.848137e-6), ("M43", 9.817477e-4),
    ("MIK", 2.589988e6), ("M48", 2.589998e6), ("ACR", 4046.873), ("M47", 5.067075e-10),
    ("YDK", 0.8361274), ("BB", 20.23222), ("N94", 3.335641e-10), ("N97", 0.7957747),
    ("87", 16.01846), ("GE", 119.8264), ("LA", 27679.90), ("G32", 0.03707978), ("K41", 0.01711806),
    ("K71", 99.77637), ("K84", 0.5932764), ("L37", 6.236023), ("L38", 7.489152), ("L39", 1729.994),
    ("L65", 515.3788), ("L92", 1328.939), ("L93", 1186.553), ("85", 1.355818), ("N46", 0.04214011),
    ("N47", 3.511677e-3), ("BTU", 1055.056), ("F21", 0.1129848), ("L41", 7.061552e-3),
    ("C78", 4.448222), ("L40", 0.2780139), ("L94", 8896.443), ("M76", 0.1382550), ("P25", 10.76391),
    ("B57", 9.460730e15), ("M50", 201.168), ("M49", 20.11684), ("M51", 0.3048006), ("AK", 1.8288),
    ("LTN", 1016.047), ("STN", 907.1847), ("STI", 6.350293), ("ONZ", 0.02834952),
    ("APZ", 0.03110348), ("F13", 14.59390), ("CWI", 50.80235), ("CWA", 45.35924),
    ("GRN", 6.479891e-5), ("N10", 0.1382550), ("N11", 0.01152125), ("A74", 1.355818),
    ("HJ", 735.4988), ("BHP", 745.6999), ("K15", 3.766161e-4), ("K16", 2.259697e-2),
    ("2I", 0.2930711), ("E15", 1.162222), ("J44", 17.58427), ("J47", 0.2928751), ("J51", 17.57250),
    ("UA", 133.3224), ("HN", 133.3224), ("PS", 6894.757), ("80", 6894.757), ("F78", 249.0889),
    ("F79", 3386.389), ("K24", 2989.067), ("K25", 40636.66), ("K85", 47.88026), ("N21", 1.488164),
    ("N29", 0.06242796), ("N30", 3.612729e-5), ("KMH", 0.2777778), ("KNT", 0.5144444),
    ("HM", 0.44704), ("M57", 26.8224), ("K14", 8.466667e-5), ("FR", 5.08e-3), ("M61", 8.048774e-10),
    ("M63", 4.233333e-4), ("MON", 2.6298e6), ("ANN", 3.15576e7), ("FTQ", 0.02831685),
    ("YDQ", 0.7645549), ("GLI", 4.546090e-3), ("GLL", 3.785412e-3), ("PTD", 5.506105e-4),
    ("PTL", 4.731765e-4), ("QTL", 9.463529e-4), ("QTD", 1.101221e-3), ("GLD", 4.404884e-3),
    ("OZI", 2.841306e-5), ("OZA", 2.957353e-5), ("BUI", 0.03636872), ("BUA", 0.03523907),
    ("G23", 8.809768e-3), ("L43", 9.092180e-3), ("BLL", 0.1589873), ("BLD", 0.1156271),
    ("J57", 0.1591132), ("G21", 2.365882e-4), ("G24", 1.478676e-5), ("G25", 4.928922e-6),
    ("M67", 1233.489), ("M68", 3.624556), ("M69", 4.168182e9), ("M70", 2.831685),
    ("2K", 7.865791e-6), ("2L", 4.719474e-4), ("5A", 2.649788e-3), ("B1", 1.840131e-6),
    ("G2", 6.309020e-5), ("G3", 7.576817e-5), ("GB", 4.381264e-8), ("K26", 5.261678e-8),
    ("J58", 2.651886e-3), ("J59", 1.841588e-6), ("J62", 4.416314e-5), ("K22", 3.277413e-7),
];

#[test]
fn factors_are_those_that_the_recommendation_prints() {
    for (code, printed) in PRINTED {
        let (_, factor) = to_base(1.0, code).expect(code);
        let error = (factor - printed).abs() / printed;
        assert!(error < 5e-7, "{code}: {factor} is not {printed}");
    }
}

#[test]
fn no_code_stands_in_the_table_twice_and_each_has_the_form_of_one() {
    let scaled = SCALED
        .iter()
        .flat_map(|(_, units)| units.iter().map(|(code, _)| *code));
    let codes: Vec<&str> = scaled
        .chain(TEMPERATURES.iter().map(|unit| unit.0))
        .collect();
    let distinct: HashSet<&str> = codes.iter().copied().collect();
    assert_eq!(distinct.len(), codes.len());
    assert_eq!(UNITS.len(), codes.len());
    for code in codes {
        assert!(is_code(code), "{code}");
        assert!(UNITS[code].factor > 0.0, "{code}");
    }
    for (dimension, units) in SCALED {
        assert_eq!(units[0].1, 1.0, "{dimension:?} begins with its SI unit");
    }
    assert_eq!(
        SCALED.iter().map(|(d, _)| d).collect::<HashSet<_>>().len(),
        SCALED.len()
    );
}

#[test]
fn only_two_or_three_capitals_and_digits_make_a_code() {
    for code in ["KGM", "P1", "4K", "80"] {
        assert!(is_code(code), "{code}");
    }
    for text in ["", "K", "kg", "KGMX", "K M", "KG\u{fc}"] {
        assert!(!is_code(text), "{text}");
    }
}

#[test]
fn every_measurement_type_has_a_unit_to_be_given_in() {
    assert!(MEASUREMENT_TYPES.is_sorted_by(|a, b| a.0 < b.0));
    // EPCIS 2.0 JSON schema, measurementType.
    assert_eq!(MEASUREMENT_TYPES.len(), 72);
    for (name, dimensions) in MEASUREMENT_TYPES {
        assert_eq!(dimensions_of(name), Some(*dimensions));
        for wanted in *dimensions {
            assert!(
                UNITS.values().any(|unit| unit.dimension == *wanted),
                "{name}"
            );
        }
    }
    for unknown in ["Humidity", "temperature", "Activity", ""] {
        assert_eq!(dimensions_of(unknown), None, "{unknown}");
    }
}

#[test]
fn what_cannot_be_converted_is_not() {
    assert_eq!(to_base(1.0, "XYZ"), None);
    assert_eq!(to_base(1.0, "cel"), None);
    assert_eq!(to_base(f64::NAN, "CEL"), None);
    assert_eq!(to_base(f64::MAX, "KTN"), None);
    assert!(to_base(f64::MAX, "KGM").is_some());
    assert_eq!(dimension("LUX"), Some(Dimension::Illuminance));
    assert_eq!(dimension("XYZ"), None);
}

proptest! {
    /// Converting keeps the order: a query's limit and a report may be compared after it.
    #[test]
    fn the_order_of_measures_survives(a in -1e9..1e9_f64, b in -1e9..1e9_f64) {
        for code in UNITS.keys() {
            let (first, second) = (to_base(a, code).unwrap().1, to_base(b, code).unwrap().1);
            if a < b {
                prop_assert!(first <= second, "{code}");
            }
        }
    }
}
