//! Breaking a name into lines.

use crate::text::{closes, is_ideographic, opens};

/// A text set in lines, and whether its end had to be cut off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wrapped {
    pub(crate) lines: Vec<String>,
    pub(crate) cut: bool,
}

/// Sets `text` in at most `max_lines` lines no wider than `width`; what does not fit is cut off
/// and replaced by an ellipsis. `measure` gives the width of a text in the unit of `width`.
pub(crate) fn wrap(
    text: &str,
    width: f32,
    max_lines: usize,
    measure: &dyn Fn(&str) -> f32,
) -> Wrapped {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let fitting = fitting_prefix(rest, width, measure);
        if fitting == rest.len() {
            lines.push(rest.to_owned());
            break;
        }
        if lines.len() + 1 == max_lines || fitting == 0 {
            lines.push(with_ellipsis(rest, width, measure));
            return Wrapped { lines, cut: true };
        }
        let end = break_before(rest, fitting);
        lines.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    Wrapped { lines, cut: false }
}

/// The same number of lines, but of like length: a last line of one word looks lost.
pub(crate) fn balanced(
    text: &str,
    width: f32,
    wrapped: Wrapped,
    measure: &dyn Fn(&str) -> f32,
) -> Wrapped {
    let count = wrapped.lines.len();
    if count < 2 {
        return wrapped;
    }
    let narrower = (0_u8..10).map(|step| width * (0.5 + 0.05 * f32::from(step)));
    let mut all = narrower.map(|width| wrap(text, width, count, measure));
    all.find(|narrow| !narrow.cut && narrow.lines.len() == count)
        .unwrap_or(wrapped)
}

/// The length in bytes of the longest beginning of `text` that is no wider than `width`.
fn fitting_prefix(text: &str, width: f32, measure: &dyn Fn(&str) -> f32) -> usize {
    let mut used = 0.0;
    for (at, c) in text.char_indices() {
        used += measure(&text[at..at + c.len_utf8()]);
        if used > width {
            return at;
        }
    }
    text.len()
}

/// The last place up to `limit` bytes at which a line may end; `limit` itself if there is none,
/// because a word longer than a line has to be broken somewhere.
fn break_before(text: &str, limit: usize) -> usize {
    // A space that ends a line may stand beyond its end, because it is not drawn.
    let spaces = text[limit..].len() - text[limit..].trim_start_matches(' ').len();
    let mut best = None;
    let mut previous = None;
    for (at, c) in text.char_indices() {
        if let Some(before) = previous
            && at <= limit + spaces
            && may_break(before, c)
        {
            best = Some(at);
        }
        previous = Some(c);
    }
    best.unwrap_or(limit)
}

fn may_break(before: char, after: char) -> bool {
    if closes(after) || opens(before) || after == ' ' {
        // A space goes with the line that it ends, so the place to break lies behind it.
        return false;
    }
    matches!(before, ' ' | '-' | '/')
        || is_ideographic(before)
        || is_ideographic(after)
        || closes_wide(before)
}

fn closes_wide(c: char) -> bool {
    closes(c) && !c.is_ascii()
}

/// The beginning of `text` that fits together with an ellipsis.
fn with_ellipsis(text: &str, width: f32, measure: &dyn Fn(&str) -> f32) -> String {
    let ellipsis = ellipsis_of(text);
    let room = (width - measure(ellipsis)).max(0.0);
    let kept = text[..fitting_prefix(text, room, measure)]
        .trim_end_matches(|c: char| c == ' ' || closes(c) || opens(c));
    format!("{kept}{ellipsis}")
}

/// The ellipsis of a text: Chinese fonts centre U+2026 on the ideograph, which looks
/// like a dash in Latin text, so Latin text ends with full stops.
pub(crate) fn ellipsis_of(text: &str) -> &'static str {
    if text.chars().any(is_ideographic) {
        "…"
    } else {
        "..."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_count(text: &str) -> f32 {
        text.chars().count() as f32
    }

    #[test]
    fn a_line_never_begins_with_closing_punctuation() {
        let wrapped = wrap("五常有机大米，新米", 6.0, 2, &by_count);
        assert_eq!(wrapped.lines, ["五常有机大", "米，新米"]);
        assert!(!wrapped.cut);
    }

    #[test]
    fn a_line_never_ends_with_opening_punctuation() {
        assert_eq!(
            wrap("大米（五常）", 3.0, 3, &by_count).lines,
            ["大米", "（五", "常）"]
        );
    }

    #[test]
    fn latin_words_stay_whole_where_they_can() {
        assert_eq!(
            wrap("Organic rice from Wuchang", 12.0, 3, &by_count).lines,
            ["Organic rice", "from Wuchang"]
        );
        assert_eq!(
            wrap("Donaudampfschiff", 6.0, 3, &by_count).lines,
            ["Donaud", "ampfsc", "hiff"]
        );
    }

    #[test]
    fn what_does_not_fit_ends_with_an_ellipsis() {
        let wrapped = wrap("五常有机大米新米", 3.0, 2, &by_count);
        assert_eq!(wrapped.lines, ["五常有", "机大…"]);
        assert!(wrapped.cut);
        assert_eq!(wrap("Organic rice", 8.0, 1, &by_count).lines, ["Organ..."]);
    }
}
