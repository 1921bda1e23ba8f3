//! Tables for spreadsheets.

use std::borrow::Cow;

/// Without it, spreadsheets take UTF-8 for the encoding of their country.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Spreadsheets take what begins so for a formula, and do what it says (OWASP, CSV injection).
pub(super) fn tamed(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_other_is_as_it_was() {
        for formula in ["=1+1", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(tamed(formula), format!("'{formula}"));
        }
        for text in ["", "1=1", "红岭 a=b", " =1"] {
            assert_eq!(tamed(text), text);
        }
    }
}
