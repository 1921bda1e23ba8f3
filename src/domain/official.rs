//! Where what an authority issued can be checked with that authority. The list is closed: a merchant says which of these
//! applies, and never gives an address, for pages that look official are what sellers of fakes make first.
//!
//! What to do there is said in the text files, under `official`.

/// An official channel that is open to everybody, without a login.
#[derive(Debug, PartialEq, Eq)]
pub struct OfficialCheck {
    /// `officialCheck` of a product's attribute, and `documentType` of documents.
    pub name: &'static str,
    /// Where.
    pub address: &'static str,
}

/// All of them. The register of overseas producers is, by the General Administration of Customs itself, the only site at
/// which consumers look up registrations, for nothing; the State Administration for Market Regulation links to its
/// query of special foods from its own page; what customs certified is asked for on its own site.
pub const CHECKS: [OfficialCheck; 3] = [
    OfficialCheck {
        name: "producerRegistration",
        address: "https://cifer.singlewindow.cn/",
    },
    OfficialCheck {
        name: "formulaRegistration",
        address: "https://ypzsx.gsxt.gov.cn/specialfood/",
    },
    OfficialCheck {
        name: "quarantineCertificate",
        address: "https://www.customs.gov.cn/",
    },
];

/// Their names, as a fault has them.
pub const NAMES: &str = "producerRegistration, formulaRegistration or quarantineCertificate";

/// The check of this name.
pub fn by_name(name: &str) -> Option<&'static OfficialCheck> {
    CHECKS.iter().find(|check| check.name == name)
}
