//! The bare words of CBV 2.0 and of the GS1 Web Vocabulary. Anything else must be a URI or carry a
//! namespace.

use crate::domain::fields::{At, Fault, FaultKind};
use crate::domain::unit::dimensions_of;

/// The words that one field takes, beside URIs that are not GS1's. How a word may be written where it is asked
/// for is [`super::names::Vocabulary`]'s to say.
pub(super) struct Words {
    has: fn(&str) -> bool,
    /// What stands before a word where it is written out; both mean the same word.
    long_forms: &'static [&'static str],
    /// URIs that the EPCIS 2.0 JSON schema refuses because a bare word stands for them.
    refused: &'static [&'static str],
    example: &'static str,
}

/// EPCIS 2.0 JSON schema, `vocab-other-uri`.
const OLD_CBV: &[&str] = &[
    "urn:epcglobal:cbv",
    "http://ns.gs1.org/cbv/",
    "https://ns.gs1.org/cbv/",
];
/// EPCIS 2.0 JSON schema, `vocab-nonGS1WebVoc-uri`.
const WEB_VOCABULARY: &[&str] = &[
    "http://gs1.org/voc/",
    "https://gs1.org/voc/",
    "http://www.gs1.org/voc/",
    "https://www.gs1.org/voc/",
];

/// `bizStep`.
pub(super) const BIZ_STEP: Words = Words {
    has: |word| BIZ_STEPS.contains(&word),
    long_forms: &["https://ref.gs1.org/cbv/BizStep-", "cbv:BizStep-"],
    refused: OLD_CBV,
    example: "shipping",
};
/// `disposition`, `set` and `unset`.
pub(super) const DISPOSITION: Words = Words {
    has: |word| DISPOSITIONS.contains(&word),
    long_forms: &["https://ref.gs1.org/cbv/Disp-", "cbv:Disp-"],
    refused: OLD_CBV,
    example: "in_transit",
};
/// `type` of a source or destination.
pub(super) const PARTY_TYPE: Words = Words {
    has: |word| PARTY_TYPES.contains(&word),
    long_forms: &["https://ref.gs1.org/cbv/SDT-", "cbv:SDT-"],
    refused: OLD_CBV,
    example: "owning_party",
};
/// `type` of a business transaction.
pub(super) const TRANSACTION_TYPE: Words = Words {
    has: |word| TRANSACTION_TYPES.contains(&word),
    long_forms: &["https://ref.gs1.org/cbv/BTT-", "cbv:BTT-"],
    refused: OLD_CBV,
    example: "inv",
};
/// `reason` of an error declaration.
pub(super) const ERROR_REASON: Words = Words {
    has: |word| ERROR_REASONS.contains(&word),
    long_forms: &["https://ref.gs1.org/cbv/ER-", "cbv:ER-"],
    refused: OLD_CBV,
    example: "incorrect_data",
};
/// `component` of a sensor report.
pub(super) const COMPONENT: Words = Words {
    has: |word| COMPONENTS.contains(&word),
    long_forms: &["https://ref.gs1.org/cbv/Comp-", "cbv:Comp-"],
    refused: OLD_CBV,
    example: "latitude",
};
/// `type` of a sensor report.
pub(super) const MEASUREMENT_TYPE: Words = Words {
    has: |word| dimensions_of(word).is_some(),
    long_forms: &["https://ref.gs1.org/voc/MT-", "gs1:MT-", "gs1:"],
    refused: WEB_VOCABULARY,
    example: "Temperature",
};
/// `exception` of a sensor report.
pub(super) const SENSOR_EXCEPTION: Words = Words {
    has: |word| SENSOR_EXCEPTIONS.contains(&word),
    long_forms: &["gs1:"],
    refused: WEB_VOCABULARY,
    example: "ALARM_CONDITION",
};

impl Words {
    /// Reads a word or a URI; gives the bare word also where it was written out.
    pub fn read<'v>(&self, at: &At<'v>) -> Result<&'v str, Fault> {
        let text = at.text()?;
        if (self.has)(text) {
            return Ok(text);
        }
        if self.refused.iter().any(|start| text.starts_with(start)) {
            return Err(at.fault(FaultKind::NotBare(self.example)));
        }
        if at.uri().is_err() {
            let excerpt = text.chars().take(60).collect();
            return Err(at.fault(FaultKind::Vocabulary(excerpt)));
        }
        let mut bare = self
            .long_forms
            .iter()
            .filter_map(|form| text.strip_prefix(form));
        Ok(bare.find(|word| (self.has)(word)).unwrap_or(text))
    }
}

/// `bizStep`.
pub const BIZ_STEPS: &[&str] = &[
    "accepting",
    "arriving",
    "assembling",
    "collecting",
    "commissioning",
    "consigning",
    "creating_class_instance",
    "cycle_counting",
    "decommissioning",
    "departing",
    "destroying",
    "disassembling",
    "dispensing",
    "encoding",
    "entering_exiting",
    "holding",
    "inspecting",
    "installing",
    "killing",
    "loading",
    "other",
    "packing",
    "picking",
    "receiving",
    "removing",
    "repackaging",
    "repairing",
    "replacing",
    "reserving",
    "retail_selling",
    "sampling",
    "sensor_reporting",
    "shipping",
    "staging_outbound",
    "stock_taking",
    "stocking",
    "storing",
    "transporting",
    "unloading",
    "unpacking",
    "void_shipping",
];

/// `disposition` and the members of `persistentDisposition`.
const DISPOSITIONS: &[&str] = &[
    "active",
    "available",
    "completeness_inferred",
    "completeness_verified",
    "conformant",
    "container_closed",
    "container_open",
    "damaged",
    "destroyed",
    "dispensed",
    "disposed",
    "encoded",
    "expired",
    "in_progress",
    "in_transit",
    "inactive",
    "mismatch_class",
    "mismatch_instance",
    "mismatch_quantity",
    "needs_replacement",
    "no_pedigree_match",
    "non_conformant",
    "non_sellable_other",
    "partially_dispensed",
    "recalled",
    "reserved",
    "retail_sold",
    "returned",
    "sellable_accessible",
    "sellable_not_accessible",
    "stolen",
    "unavailable",
    "unknown",
];

/// `type` of a source or destination.
const PARTY_TYPES: &[&str] = &["owning_party", "possessing_party", "location"];

/// `type` of a business transaction.
const TRANSACTION_TYPES: &[&str] = &[
    "bol",
    "cert",
    "desadv",
    "inv",
    "pedigree",
    "po",
    "poc",
    "prodorder",
    "recadv",
    "rma",
    "testprd",
    "testres",
    "upevt",
];

/// `reason` of an error declaration.
const ERROR_REASONS: &[&str] = &["did_not_occur", "incorrect_data"];

/// `exception` of a sensor report.
const SENSOR_EXCEPTIONS: &[&str] = &["ALARM_CONDITION", "ERROR_CONDITION"];

/// `component` of a sensor report.
const COMPONENTS: &[&str] = &[
    "altitude",
    "axial_distance",
    "azimuth",
    "easting",
    "elevation_angle",
    "height",
    "latitude",
    "longitude",
    "northing",
    "polar_angle",
    "spherical_radius",
    "x",
    "y",
    "z",
];
