//! `/`: a code is typed, pasted or scanned, and leads to its page.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::view::FindPage;
use super::{fault, render, see_other, shell};
use crate::domain::gs1::{DigitalLink, Gtin, LinkError};
use crate::web::Service;
use crate::web::headers;

/// Characters of what was typed that are given back.
const MAX_CODE_CHARS: usize = 2_000;
/// Application identifiers (AIs) of what has a page, as they are printed beside a code.
const ELEMENTS: [&str; 5] = ["(00)", "(01)", "(22)", "(10)", "(21)"];
/// What separates elements of no fixed length in a barcode: FNC1 as scanners give it (GS1 General Specifications §7.8.3).
const SEPARATOR: char = '\u{1D}';

/// `GET /`
pub(in crate::web) async fn home(
    request: HttpRequest,
    service: web::Data<Service>,
) -> HttpResponse {
    let page = FindPage {
        shell: shell(&request),
        code: String::new(),
        fault: None,
        address: service.public_url.clone(),
    };
    headers::for_camera(render(&request, StatusCode::OK, &page))
}

#[derive(serde::Deserialize)]
pub(in crate::web) struct FindQuery {
    #[serde(default)]
    code: String,
}

/// `GET /find?code=…`: on to the code's page, or back to the form with what is wrong.
pub(in crate::web) async fn find(
    request: HttpRequest,
    query: Option<web::Query<FindQuery>>,
    service: web::Data<Service>,
) -> HttpResponse {
    let code = query
        .map(|query| query.into_inner().code)
        .unwrap_or_default();
    let shell = shell(&request);
    match typed_link(code.trim()) {
        Ok(link) => see_other(shell.story_href(&link)),
        Err(error) => {
            let page = FindPage {
                fault: Some(fault::sentence(shell.text, &error)),
                code: code.chars().take(MAX_CODE_CHARS).collect(),
                address: service.public_url.clone(),
                shell,
            };
            headers::for_camera(render(&request, StatusCode::BAD_REQUEST, &page))
        }
    }
}

/// What a person types or a camera reads: an address, a path, the digits under a barcode, the elements beside it,
/// or the element string within it.
fn typed_link(code: &str) -> Result<DigitalLink, LinkError> {
    let code = without_symbology(code);
    if code.bytes().all(|byte| byte.is_ascii_digit()) && (1..=14).contains(&code.len()) {
        return Ok(DigitalLink::from_parts(Gtin::parse(code)?, None, None));
    }
    // Chinese keyboards write full-width brackets.
    let code = code.replace('（', "(").replace('）', ")");
    if code.starts_with('(') {
        return DigitalLink::parse_path(&path_of_elements(&code));
    }
    if let Some(path) = path_of_element_string(&code) {
        return DigitalLink::parse_path(&path);
    }
    DigitalLink::parse(&code)
}

/// Without the identifier of the kind of barcode that some scanners put first, such as `]d2` (ISO/IEC 15424), and
/// without the FNC1 that begins GS1's.
fn without_symbology(code: &str) -> &str {
    let rest = match code.strip_prefix(']') {
        Some(rest) if rest.is_char_boundary(2) => &rest[2..],
        _ => code,
    };
    rest.trim_start_matches(SEPARATOR)
}

/// `(01)0952…(10)L/1` as the path `/01/0952…/10/L%2F1`. White space is in no value; a bracket may be,
/// so an element begins only with an identifier that we know. Dates are passed over: pages have their own.
fn path_of_elements(elements: &str) -> String {
    let mut path = String::new();
    let text: String = elements.split_whitespace().collect();
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        if let Some(after) = after_date(rest) {
            rest = after;
            continue;
        }
        let begins = ELEMENTS.iter().find(|ai| rest.starts_with(**ai));
        let taken = match begins {
            Some(ai) => {
                path.push_str(&format!("/{}/", ai.trim_matches(['(', ')'])));
                ai.len()
            }
            None => {
                push_escaped(&mut path, character);
                character.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    path
}

/// What follows a date, `(17)261231`, if one begins here: AIs 11 to 17 with six digits.
fn after_date(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("(1")?;
    let (date, rest) = rest.split_at_checked(8)?;
    let date = date.as_bytes();
    let is_date = (b'1'..=b'7').contains(&date[0])
        && date[1] == b')'
        && date[2..].iter().all(u8::is_ascii_digit);
    is_date.then_some(rest)
}

/// Whatever could mean something in a path means itself.
fn push_escaped(path: &mut String, character: char) {
    if matches!(character, '%' | '/' | '?' | '#') {
        path.push_str(&format!("%{:02X}", u32::from(character)));
    } else {
        path.push(character);
    }
}

/// The path of an element string as barcodes hold it, `01095210410010121726123110L1␝21S1`; `None` if it is none. What
/// has no page, such as a date or a weight, is passed over.
fn path_of_element_string(text: &str) -> Option<String> {
    // An element string begins with its key here, and it is longer than a GTIN.
    let is_one = ["00", "01"].iter().any(|ai| text.starts_with(ai)) && text.len() > 14;
    let digits = text.bytes().take(16).all(|byte| byte.is_ascii_digit());
    if !(is_one && digits) {
        return None;
    }
    // The path has them in the order that GS1 Digital Link asks for, whatever that of the barcode is.
    let mut found = [None; ELEMENTS.len()];
    let mut rest = text;
    while !rest.is_empty() {
        let ai = rest.get(..2)?;
        if !ai.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let length = fixed_length(ai);
        let end = match length {
            Some(length) => length,
            None => rest.find(SEPARATOR).unwrap_or(rest.len()),
        };
        let element = rest.get(..end)?;
        let at = ELEMENTS.iter().position(|known| known[1..3] == *ai);
        if let Some(at) = at {
            found[at] = Some(&element[2..]);
        }
        rest = rest[end..].trim_start_matches(SEPARATOR);
    }
    let mut path = String::new();
    for (ai, value) in ELEMENTS.iter().zip(found) {
        let Some(value) = value else { continue };
        path.push_str(&format!("/{}/", ai.trim_matches(['(', ')'])));
        value.chars().for_each(|c| push_escaped(&mut path, c));
    }
    Some(path)
}

/// How long an element with this beginning is, its AI included, where no separator ends it (GS1 General
/// Specifications, figure 7.8.5-2).
fn fixed_length(ai: &str) -> Option<usize> {
    match ai {
        "00" => Some(20),
        "01" | "02" | "03" => Some(16),
        "04" => Some(18),
        "11" | "12" | "13" | "14" | "15" | "16" | "17" | "18" | "19" => Some(8),
        "20" => Some(4),
        "31" | "32" | "33" | "34" | "35" | "36" => Some(10),
        "41" => Some(16),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GTIN: &str = "09521041001012";

    fn path(code: &str) -> Option<String> {
        typed_link(code).ok().map(|link| link.path())
    }

    #[test]
    fn what_a_scanner_reads_of_a_gs1_barcode_leads_to_the_same_page_as_its_address() {
        let page = Some(format!("/01/{GTIN}/10/L1/21/S1"));
        for code in [
            format!("01{GTIN}10L1\u{1D}21S1"),
            format!("\u{1D}01{GTIN}21S1\u{1D}10L1"),
            format!("]d201{GTIN}10L1\u{1D}21S1"),
            format!("]Q301{GTIN}1726123110L1\u{1D}21S1"),
            format!("01{GTIN}310300090010L1\u{1D}240X9\u{1D}21S1\u{1D}"),
            format!("(01){GTIN}(17)261231(10)L1(21)S1"),
            format!("(01){GTIN}(10)L1(21)S1(15)261231"),
        ] {
            assert_eq!(path(&code), page, "{code:?}");
        }
        assert_eq!(path(&format!("01{GTIN}")), Some(format!("/01/{GTIN}")));
        let odd = path(&format!("01{GTIN}10A/B?C"));
        assert_eq!(odd, Some(format!("/01/{GTIN}/10/A%2FB%3FC")));
        assert_eq!(
            path("00095210410001000014"),
            Some("/00/095210410001000014".to_owned())
        );
    }

    #[test]
    fn digits_alone_are_a_barcode_of_a_product() {
        for code in [GTIN, &GTIN[1..]] {
            assert_eq!(path(code), Some(format!("/01/{GTIN}")));
        }
    }

    #[test]
    fn what_is_cut_off_or_mistyped_leads_nowhere() {
        for code in [
            String::new(),
            "]".to_owned(),
            "]é".to_owned(),
            "0109521041001013".to_owned(),
            format!("01{GTIN}1"),
            format!("01{GTIN}1726"),
            format!("01{GTIN}10"),
            format!("01{GTIN}1é"),
            format!("01{GTIN}(17)26123"),
            "123456789012345".to_owned(),
        ] {
            assert_eq!(path(&code), None, "{code:?}");
        }
    }

    #[test]
    fn a_date_is_six_digits_and_else_part_of_a_lot() {
        let lot = path(&format!("(01){GTIN}(10)A(17)B"));
        assert_eq!(lot, Some(format!("/01/{GTIN}/10/A%2817%29B")));
    }
}
