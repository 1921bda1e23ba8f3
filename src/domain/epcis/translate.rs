//! Giving an event back with its identities in the form that the client asks for.

use std::borrow::Cow;

use auditlog::json::{self, JsonError, Value};

use crate::domain::gs1::{CompanyPrefixes, Identity};

/// The header `GS1-EPC-Format`: how a client wants identities to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EpcFormat {
    /// `No_Preference`: any form will do, so events come as they were captured.
    NoPreference,
    /// `Always_GS1_Digital_Link`. EPCIS 2.0 REST binding: what holds where the header is absent.
    #[default]
    AlwaysDigitalLink,
    /// `Always_EPC_URN`
    AlwaysUrn,
    /// `Never_Translates`: events come as they were captured.
    NeverTranslates,
}

/// The header names none of the four formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "GS1-EPC-Format is No_Preference, Always_GS1_Digital_Link, Always_EPC_URN or Never_Translates"
)]
pub struct UnknownEpcFormat;

impl EpcFormat {
    /// The header's name, in small letters, as HTTP/2 has it.
    pub const HEADER: &str = "gs1-epc-format";

    /// All there are.
    pub const ALL: [EpcFormat; 4] = [
        EpcFormat::NoPreference,
        EpcFormat::AlwaysDigitalLink,
        EpcFormat::AlwaysUrn,
        EpcFormat::NeverTranslates,
    ];

    /// Reads the header's value. A client that sends no header gets the default.
    ///
    /// # Errors
    /// [`UnknownEpcFormat`] for any other text; case counts.
    pub fn parse(header: &str) -> Result<EpcFormat, UnknownEpcFormat> {
        let named = |format: &EpcFormat| format.name() == header;
        EpcFormat::ALL
            .into_iter()
            .find(named)
            .ok_or(UnknownEpcFormat)
    }

    /// The header's value.
    pub fn name(self) -> &'static str {
        match self {
            EpcFormat::NoPreference => "No_Preference",
            EpcFormat::AlwaysDigitalLink => "Always_GS1_Digital_Link",
            EpcFormat::AlwaysUrn => "Always_EPC_URN",
            EpcFormat::NeverTranslates => "Never_Translates",
        }
    }
}

/// Every element of a list, in a path of [`IDENTITIES`].
const EACH: &str = "*";

/// Where the standard's fields hold an identity of a thing, a place or a party.
///
/// Left out on purpose: `bizTransaction`, because the CBV names transactions by keys that no
/// [`Identity`] holds (GDTI, GSRN, GINC, GSIN) or by a URL of the company's own, and
/// `…/01/{digits}` in such a URL is no GTIN; `certificationInfo`, `deviceMetadata`, `rawData`, `dataProcessingMethod`,
/// `bizRules` and `uriValue`, which are addresses to be opened, so that another address is another
/// document; `eventID` and `transformationID`, which name no thing; and everything in `ilmd` and
/// in extensions, whose meaning is their owner's. The device that measured is a thing.
const IDENTITIES: &[&[&str]] = &[
    &["parentID"],
    &["epcList", EACH],
    &["childEPCs", EACH],
    &["inputEPCList", EACH],
    &["outputEPCList", EACH],
    &["quantityList", EACH, "epcClass"],
    &["childQuantityList", EACH, "epcClass"],
    &["inputQuantityList", EACH, "epcClass"],
    &["outputQuantityList", EACH, "epcClass"],
    &["readPoint", "id"],
    &["bizLocation", "id"],
    &["sourceList", EACH, "source"],
    &["destinationList", EACH, "destination"],
    &["sensorElementList", EACH, "sensorMetadata", "deviceID"],
    &["sensorElementList", EACH, "sensorReport", EACH, "deviceID"],
];

/// `event`, which is the compact JSON of a stored event, with its identities written as `format`
/// has it. Everything else stays byte for byte: numbers, the order of members, extensions, and text
/// that only looks like an identity. So does an identity that is in the wanted form already, that
/// has a fault, or for whose URN `prefixes` know no company.
///
/// A Digital Link on a company's own host *is* a GS1 Digital Link, which is all that
/// `Always_GS1_Digital_Link` asks for, and often a working address: it stays. Where a URN is wanted
/// it is translated as any other, and what a URN has no room for, a query or a lot beside a serial,
/// is not in the answer; it stays in the record.
///
/// # Errors
/// [`JsonError`] if `event` is not JSON; a stored event always is.
pub fn translate<'e>(
    event: &'e str,
    format: EpcFormat,
    prefixes: &CompanyPrefixes,
) -> Result<Cow<'e, str>, JsonError> {
    let written: &dyn Fn(&str) -> Option<String> = match format {
        EpcFormat::NoPreference | EpcFormat::NeverTranslates => return Ok(Cow::Borrowed(event)),
        EpcFormat::AlwaysDigitalLink => &|text| is_urn(text).then(|| link_of(text))?,
        EpcFormat::AlwaysUrn => &|text| (!is_urn(text)).then(|| urn_of(text, prefixes))?,
    };
    let mut value = json::parse(event)?;
    let mut changed = false;
    for path in IDENTITIES {
        changed |= rewrite(&mut value, path, written);
    }
    Ok(if changed {
        Cow::Owned(value.to_compact())
    } else {
        Cow::Borrowed(event)
    })
}

/// Replaces the texts at `path` that have another form, and says whether there was one.
fn rewrite(value: &mut Value<'_>, path: &[&str], form: &dyn Fn(&str) -> Option<String>) -> bool {
    match (path, value) {
        ([], Value::String(text)) => {
            let Some(written) = form(text) else {
                return false;
            };
            *text = Cow::Owned(written);
            true
        }
        ([EACH, rest @ ..], Value::Array(elements)) => {
            elements.iter_mut().fold(false, |changed, element| {
                rewrite(element, rest, form) | changed
            })
        }
        ([name, rest @ ..], Value::Object(members)) => members
            .iter_mut()
            .find(|(key, _)| key == name)
            .is_some_and(|(_, member)| rewrite(member, rest, form)),
        _ => false,
    }
}

fn is_urn(text: &str) -> bool {
    let head = text.get(.."urn:".len());
    head.is_some_and(|head| head.eq_ignore_ascii_case("urn:"))
}

fn link_of(urn: &str) -> Option<String> {
    match Identity::parse(urn).ok()? {
        Identity::Other(_) => None,
        identity => Some(identity.canonical()),
    }
}

fn urn_of(link: &str, prefixes: &CompanyPrefixes) -> Option<String> {
    Identity::parse(link).ok()?.to_urn(prefixes)
}

#[cfg(test)]
mod tests;
