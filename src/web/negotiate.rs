//! What a client prefers: media types and languages by their weights.

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::web::text::parse_weight;

/// Clients send a handful of ranges; whatever follows these is not read.
const MAX_RANGES: usize = 32;

/// The lines of a header as the one list that they are (RFC 9110 §5.3). A line that is no text says nothing.
pub(super) fn header_text(headers: &HeaderMap, name: HeaderName) -> String {
    let lines = headers.get_all(name);
    let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    lines.join(",")
}

/// The weight, in thousandths, that an `Accept` header gives a media type: that of the most specific
/// range that covers it (RFC 9110 §12.5.1). Ranges with parameters of their own name another type, and
/// are passed over. An empty header takes everything.
pub(super) fn media_weight(accept: &str, media_type: &str) -> u16 {
    if accept.trim().is_empty() {
        return 1000;
    }
    let main = media_type.split('/').next().unwrap_or_default();
    let best = ranges(accept).filter_map(|(range, weight)| {
        let covers = range
            .split_once('/')
            .and_then(|(kind, rest)| match (kind, rest) {
                _ if range.eq_ignore_ascii_case(media_type) => Some(2),
                (kind, "*") if kind.eq_ignore_ascii_case(main) => Some(1),
                ("*", "*") => Some(0),
                _ => None,
            })?;
        Some((covers, weight))
    });
    // The first of two equally specific ranges stands.
    let found = best.reduce(|best, next| if next.0 > best.0 { next } else { best });
    found.map_or(0, |(_, weight)| weight)
}

/// How well a resource in these languages suits an `Accept-Language` header; the higher the better.
/// Whatever is in no language suits nobody in particular, and is still better than an unwanted one.
pub(super) fn language_rank(accept: &str, languages: &[String]) -> LanguageRank {
    if languages.is_empty() {
        return LanguageRank::Neutral;
    }
    let rank = |tag: &String| rank_of_tag(accept, tag);
    languages
        .iter()
        .map(rank)
        .max()
        .unwrap_or(LanguageRank::Unwanted)
}

/// See [`language_rank`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LanguageRank {
    Unwanted,
    Neutral,
    Wanted {
        weight: u16,
        /// Of two equal weights the range named first is meant first.
        before: usize,
        /// Subtags in common: `en-GB` suits `en-GB` better than `en-US`.
        shared: usize,
    },
}

/// RFC 4647 §3.4 looks a range up by cutting it shorter; here a tag may also be the longer one, so that
/// `zh` finds `zh-CN`, and `zh-Hans-CN` finds `zh-CN` before `zh-TW`.
fn rank_of_tag(accept: &str, tag: &str) -> LanguageRank {
    let mut best: Option<(usize, u16, usize)> = None;
    for (position, (range, weight)) in ranges(accept).enumerate() {
        let shared = if range == "*" {
            0
        } else {
            let same_language = primary(range).eq_ignore_ascii_case(primary(tag));
            // `zh-TW;q=0` says nothing against `zh-CN`; `zh;q=0` does.
            let excludes_another = weight == 0 && !covers(range, tag);
            if !same_language || excludes_another {
                continue;
            }
            let has = |part: &&str| tag.split('-').any(|own| own.eq_ignore_ascii_case(part));
            range.split('-').filter(has).count()
        };
        if best.is_none_or(|(most, heaviest, _)| (shared, weight) > (most, heaviest)) {
            best = Some((shared, weight, position));
        }
    }
    match best {
        Some((shared, weight, position)) if weight > 0 => LanguageRank::Wanted {
            weight,
            before: MAX_RANGES - position,
            shared,
        },
        _ => LanguageRank::Unwanted,
    }
}

fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or_default()
}

/// Whether a range is the tag or the beginning of it, subtag by subtag.
fn covers(range: &str, tag: &str) -> bool {
    let mut own = tag.split('-');
    range
        .split('-')
        .all(|part| own.next().is_some_and(|own| own.eq_ignore_ascii_case(part)))
}

/// The elements of the header that can be read, with their weights.
fn ranges(header: &str) -> impl Iterator<Item = (&str, u16)> {
    header.split(',').take(MAX_RANGES).filter_map(|element| {
        let mut parts = element
            .split(';')
            .map(|part| part.trim_matches([' ', '\t']));
        let range = parts.next().filter(|range| !range.is_empty())?;
        let weight = match parts.next() {
            None => 1000,
            Some(part) => parse_weight(part)?,
        };
        Some((range, weight))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_gives_the_weight() {
        let accept = "text/*;q=0.5, application/linkset+json;q=0.9, */*;q=0.1, text/html";
        for (media_type, weight) in [
            ("text/html", 1000),
            ("text/plain", 500),
            ("application/linkset+json", 900),
            ("image/png", 100),
        ] {
            assert_eq!(media_weight(accept, media_type), weight, "{media_type}");
        }
        assert_eq!(media_weight("", "text/html"), 1000);
        assert_eq!(media_weight("image/png", "text/html"), 0);
        assert_eq!(media_weight("TEXT/HTML", "text/html"), 1000);
        assert_eq!(media_weight("text/html;q=0, */*", "text/html"), 0);
        assert_eq!(
            media_weight("text/html;q=2", "text/html"),
            0,
            "no weight at all"
        );
        assert_eq!(media_weight(";;;,,,=\u{fffd}", "text/html"), 0);
    }

    #[test]
    fn a_language_is_found_by_a_shorter_and_by_a_longer_range() {
        let best = |accept: &str, tags: [&'static str; 3]| {
            let rank = |tag: &&str| language_rank(accept, &[(*tag).to_owned()]);
            tags.into_iter().max_by_key(rank).unwrap()
        };
        for (accept, found) in [
            ("zh-Hans-CN", "zh-CN"),
            ("zh-CN, en;q=0.9", "zh-CN"),
            ("en-GB, zh;q=0.9", "en-GB"),
            ("zh;q=0.1, en;q=0.2", "en-GB"),
            ("fr, zh-TW;q=0.1", "zh-TW"),
            ("*;q=0.1, zh-TW;q=0.2", "zh-TW"),
        ] {
            assert_eq!(best(accept, ["zh-TW", "en-GB", "zh-CN"]), found, "{accept}");
        }
    }

    #[test]
    fn an_excluded_language_is_the_last_and_one_without_language_comes_before_it() {
        let rank = |accept: &str, tag: &str| language_rank(accept, &[tag.to_owned()]);
        assert_eq!(rank("zh;q=0, *", "zh-CN"), LanguageRank::Unwanted);
        assert_eq!(rank("en", "zh-CN"), LanguageRank::Unwanted);
        assert_ne!(rank("zh-TW;q=0, zh", "zh-CN"), LanguageRank::Unwanted);
        assert_eq!(language_rank("en", &[]), LanguageRank::Neutral);
        assert!(LanguageRank::Neutral > LanguageRank::Unwanted);
        assert!(rank("en;q=0.001", "en") > LanguageRank::Neutral);
    }
}
