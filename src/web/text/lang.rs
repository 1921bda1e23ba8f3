//! The languages of the pages and how one is chosen for a reader.

/// Browsers send a handful of language ranges; whatever follows these is not read.
const MAX_LANGUAGE_RANGES: usize = 32;

/// A language the pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// Simplified Chinese, the default.
    ZhCn,
    /// English.
    En,
}

impl Lang {
    /// The text files of this language: its sentences, those of what a phone does by itself, those of the dashboard, and its words for what stands
    /// in records.
    pub(super) fn files(self) -> [&'static str; 4] {
        match self {
            Lang::ZhCn => [
                include_str!("../../../templates/text/zh-CN.toml"),
                include_str!("../../../templates/text/phone/zh-CN.toml"),
                include_str!("../../../templates/text/admin/zh-CN.toml"),
                include_str!("../../../templates/text/words/zh-CN.toml"),
            ],
            Lang::En => [
                include_str!("../../../templates/text/en.toml"),
                include_str!("../../../templates/text/phone/en.toml"),
                include_str!("../../../templates/text/admin/en.toml"),
                include_str!("../../../templates/text/words/en.toml"),
            ],
        }
    }

    /// Every language, the default first.
    pub const ALL: [Lang; 2] = [Lang::ZhCn, Lang::En];

    /// The BCP 47 tag for `lang` attributes and `Content-Language`.
    pub fn code(self) -> &'static str {
        match self {
            Lang::ZhCn => "zh-CN",
            Lang::En => "en",
        }
    }

    /// The language the switch leads to.
    pub fn other(self) -> Lang {
        match self {
            Lang::ZhCn => Lang::En,
            Lang::En => Lang::ZhCn,
        }
    }

    /// Chooses a language: `?lang=` where it names one of ours, else `Accept-Language`, else
    /// Chinese. Malformed parts of the header are skipped; the work is bounded.
    ///
    /// RFC 9110 §12.5.4 with the weights of §12.4.2: a weight of 0 excludes a language, `*` stands
    /// for those not named, and the header is disregarded where it leaves nothing.
    pub fn negotiate(accept_language: Option<&str>, query_lang: Option<&str>) -> Lang {
        if let Some(chosen) = query_lang.and_then(Lang::named) {
            return chosen;
        }
        let ranges: Vec<Range<'_>> = accept_language
            .unwrap_or_default()
            .split(',')
            .take(MAX_LANGUAGE_RANGES)
            .filter_map(Range::parse)
            .collect();
        let wish = |lang| Wish::of(lang, &ranges);
        match (wish(Lang::ZhCn), wish(Lang::En)) {
            (zh, en) if en.beats(zh) => Lang::En,
            (Wish::Excluded, Wish::Unnamed) => Lang::En,
            _ => Lang::ZhCn,
        }
    }

    /// The language a tag such as `zh`, `zh-Hans-SG` or `en-GB` is served with. Readers of
    /// traditional Chinese get simplified Chinese, which they read more easily than English.
    fn named(tag: &str) -> Option<Lang> {
        match tag.split('-').next() {
            Some(primary) if primary.eq_ignore_ascii_case("zh") => Some(Lang::ZhCn),
            Some(primary) if primary.eq_ignore_ascii_case("en") => Some(Lang::En),
            _ => None,
        }
    }

    /// Whether a range covers this very language, and not only a relative of it: `zh-TW;q=0` says
    /// nothing against `zh-CN`, `zh;q=0` does.
    fn is_covered_by(self, tag: &str) -> bool {
        let covering: &[&str] = match self {
            Lang::ZhCn => &["zh", "zh-CN", "zh-Hans", "zh-Hans-CN"],
            Lang::En => &["en"],
        };
        covering.iter().any(|own| own.eq_ignore_ascii_case(tag))
    }
}

/// How much a header asks for one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Wanted { weight: u16, position: usize },
    Excluded,
    Unnamed,
}

impl Wish {
    fn of(lang: Lang, ranges: &[Range<'_>]) -> Wish {
        let is_named = ranges
            .iter()
            .any(|range| Lang::named(range.tag) == Some(lang));
        let mut best = Wish::Unnamed;
        for (position, &Range { tag, weight }) in ranges.iter().enumerate() {
            let wish = match (tag, weight) {
                // `*` speaks only for what no other range names (RFC 9110 §12.5.4).
                ("*", _) if is_named => continue,
                (tag, _) if tag != "*" && Lang::named(tag) != Some(lang) => continue,
                (tag, 0) if tag != "*" && !lang.is_covered_by(tag) => continue,
                (_, 0) => Wish::Excluded,
                _ => Wish::Wanted { weight, position },
            };
            // An exact range that wants the language outweighs a broad one that excludes it.
            if best == Wish::Unnamed || wish.beats(best) {
                best = wish;
            }
        }
        best
    }

    /// Whether this wish is the stronger one; of two equal ones the first named is.
    fn beats(self, other: Wish) -> bool {
        match (self, other) {
            (
                Wish::Wanted { weight, position },
                Wish::Wanted {
                    weight: other_weight,
                    position: other_position,
                },
            ) => (weight, other_position) > (other_weight, position),
            (Wish::Wanted { .. }, _) => true,
            _ => false,
        }
    }
}

/// One element of `Accept-Language`; the weight is in thousandths.
#[derive(Debug, Clone, Copy)]
struct Range<'a> {
    tag: &'a str,
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(element: &'a str) -> Option<Range<'a>> {
        let mut parts = element
            .split(';')
            .map(|part| part.trim_matches([' ', '\t']));
        let tag = parts.next()?;
        // RFC 4647 §2.1: subtags of one to eight letters or digits, or `*`.
        let subtag =
            |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
        if tag != "*" && !tag.split('-').all(subtag) {
            return None;
        }
        let weight = match parts.next() {
            None => 1000,
            Some(part) => parse_weight(part)?,
        };
        parts.next().is_none().then_some(Range { tag, weight })
    }
}

/// RFC 9110 §12.4.2: `q=0` to `q=1` with at most three decimals, in thousandths.
pub(in crate::web) fn parse_weight(part: &str) -> Option<u16> {
    let value = part
        .strip_prefix("q=")
        .or_else(|| part.strip_prefix("Q="))?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Lang::{En, ZhCn};
    use super::*;

    fn accepts(header: &str) -> Lang {
        Lang::negotiate(Some(header), None)
    }

    #[test]
    fn the_language_a_reader_weighs_highest_is_served() {
        assert_eq!(accepts("en-GB,en;q=0.9,zh;q=0.8"), En);
        assert_eq!(accepts("en;q=0.3, zh-Hans-SG;q=0.301"), ZhCn);
        assert_eq!(accepts("zh-SG;q=0.2,fr,en;q=0.7"), En);
        assert_eq!(accepts("EN-au ;Q=1.000"), En);
    }

    #[test]
    fn of_two_equal_wishes_the_first_is_served() {
        assert_eq!(accepts("en, zh"), En);
        assert_eq!(accepts("zh, en"), ZhCn);
    }

    #[test]
    fn a_weight_of_zero_excludes() {
        assert_eq!(accepts("zh;q=0"), En);
        assert_eq!(accepts("zh-CN;q=0, *"), En);
        assert_eq!(accepts("*;q=0, en;q=0.001"), En);
        assert_eq!(accepts("en;q=0, *;q=0.5"), ZhCn);
    }

    #[test]
    fn excluding_a_relative_excludes_nothing_else() {
        assert_eq!(accepts("zh-TW;q=0"), ZhCn);
        assert_eq!(accepts("zh;q=0, zh-CN;q=0.5"), ZhCn);
    }

    #[test]
    fn chinese_is_the_default() {
        assert_eq!(Lang::negotiate(None, None), ZhCn);
        for header in ["", "fr", "*", "zh;q=0, en;q=0", "*;q=0"] {
            assert_eq!(accepts(header), ZhCn, "{header}");
        }
    }

    #[test]
    fn malformed_ranges_are_skipped_and_the_rest_is_read() {
        for header in [
            "zh;q=2, en",
            "zh;q=0.1234, en",
            "zh;q=, en",
            "z!h, en",
            "zh;q=1;x=1, en",
        ] {
            assert_eq!(accepts(header), En, "{header}");
        }
        assert_eq!(accepts("zh_CN;q=0, en;q=0.5, en;;q=1"), En);
    }

    #[test]
    fn a_choice_in_the_address_outranks_the_browser() {
        assert_eq!(Lang::negotiate(Some("zh-CN"), Some("en")), En);
        assert_eq!(Lang::negotiate(Some("en"), Some("zh-Hans")), ZhCn);
    }

    #[test]
    fn an_unknown_choice_in_the_address_is_ignored() {
        assert_eq!(Lang::negotiate(Some("en"), Some("fr")), En);
        assert_eq!(Lang::negotiate(Some("en"), Some("")), En);
    }

    #[test]
    fn only_the_first_ranges_are_read() {
        let header = format!("{}en", "fr,".repeat(MAX_LANGUAGE_RANGES));
        assert_eq!(accepts(&header), ZhCn);
    }

    proptest! {
        #[test]
        fn no_header_can_cause_a_panic(header in ".{0,200}", query in ".{0,20}") {
            let _ = Lang::negotiate(Some(&header), Some(&query));
        }
    }
}
