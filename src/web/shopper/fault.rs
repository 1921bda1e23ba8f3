//! What is wrong with a code, in the reader's language.

use crate::domain::gs1::{LinkError, ValueError};
use crate::web::text::Text;

/// The fault as a clause without a full stop.
pub(super) fn sentence(text: &Text, error: &LinkError) -> String {
    match error {
        LinkError::NoHost | LinkError::NoKey => text.get("fault.no_key").to_owned(),
        LinkError::NotOnlyAPath { .. } => text.get("fault.not_a_path").to_owned(),
        LinkError::UnknownKey { .. } => text.get("fault.unknown_key").to_owned(),
        LinkError::UnknownQualifier { found, .. } => {
            // Between two slashes stands nothing that could be quoted.
            let found = if found.is_empty() { "//" } else { found };
            text.with("fault.unknown_qualifier", &[("found", found)])
        }
        LinkError::Repeated { qualifier } => {
            text.with("fault.repeated", &[("ai", qualifier.code())])
        }
        LinkError::OutOfOrder { qualifier, after } => text.with(
            "fault.out_of_order",
            &[("ai", qualifier.code()), ("after", after.code())],
        ),
        LinkError::Escape { of, .. } => text.with("fault.escape", &[("ai", of.code())]),
        LinkError::Value(error) => value_sentence(text, error),
    }
}

fn value_sentence(text: &Text, error: &ValueError) -> String {
    match error {
        ValueError::Length { of, found, .. } => text.with(
            "fault.length",
            &[("ai", of.code()), ("found", &found.to_string())],
        ),
        ValueError::NotADigit { of, position, .. } => text.with(
            "fault.not_a_digit",
            &[("ai", of.code()), ("position", &position.to_string())],
        ),
        ValueError::CheckDigit {
            of,
            expected,
            found,
        } => text.with(
            "fault.check_digit",
            &[
                ("ai", of.code()),
                ("expected", &expected.to_string()),
                ("found", &found.to_string()),
            ],
        ),
        ValueError::Empty { of } => text.with("fault.empty", &[("ai", of.code())]),
        ValueError::TooLong { of, max, .. } => text.with(
            "fault.too_long",
            &[("ai", of.code()), ("max", &max.to_string())],
        ),
        ValueError::Control { of, .. } => text.with("fault.control", &[("ai", of.code())]),
        ValueError::NotCset82 { of, position, .. } => text.with(
            "fault.not_allowed",
            &[("ai", of.code()), ("position", &position.to_string())],
        ),
        ValueError::BodyLength { of, found, .. } => text.with(
            "fault.length",
            &[("ai", of.code()), ("found", &found.to_string())],
        ),
        // Of keys that have no page: a shopper's link begins with 01 or 00.
        ValueError::NoFillerZero { .. }
        | ValueError::NoCompanyPrefix { .. }
        | ValueError::LeadingZero { .. }
        | ValueError::Pieces
        | ValueError::NotCset39 { .. } => text.get("fault.unknown_key").to_owned(),
    }
}
