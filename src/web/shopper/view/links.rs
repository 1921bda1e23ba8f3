//! Links that lead away from the record, and the page that lets a reader choose between several.

use askama::Template;

use super::{Icon, Shell, Source, VerdictView, Words};
use crate::web::text::Text;

/// A link of the merchant's.
#[derive(Debug)]
pub struct LinkView {
    /// The merchant's words.
    pub title: Words,
    /// What kind of link it is, in the page's language.
    pub kind: String,
    /// Where it leads.
    pub href: String,
    /// The host, so that a reader sees who is behind it before going there.
    pub host: String,
}

impl LinkView {
    /// A link to `href`, which capture has let in: `https`, or this machine. `languages` are those of the
    /// target; where there is one, the title is taken to be in it.
    pub fn new(text: &Text, kind: &str, title: &str, languages: &[String], href: &str) -> LinkView {
        let title = match languages {
            [language] => Words::tagged(title, language, text.lang()),
            _ => Words::plain(title),
        };
        LinkView {
            title,
            kind: text.term("linkType", kind).to_owned(),
            href: href.to_owned(),
            host: host_of(href).to_owned(),
        }
    }
}

/// The host of an address, so that a reader sees who is behind it.
pub fn host_of(href: &str) -> &str {
    let rest = href.split_once("://").map_or(href, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// 300: several links of one type suit a request equally well.
#[derive(Debug, Template)]
#[template(path = "shopper/choice.html", whitespace = "minimize")]
pub struct ChoicePage {
    /// What surrounds every page.
    pub shell: Shell,
    /// What is to be done.
    pub verdict: VerdictView,
    /// The links.
    pub links: Vec<LinkView>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::text::Lang;

    #[test]
    fn a_link_shows_its_host_and_the_language_of_its_words() {
        let text = Text::of(Lang::En);
        let href = "https://brand.example:8443/a?b=c";
        let link = LinkView::new(text, "instructions", "说明书", &["zh-CN".to_owned()], href);
        assert_eq!(link.host, "brand.example:8443");
        assert_eq!(link.title.lang.as_deref(), Some("zh-CN"));
        assert_eq!(link.kind, "Instructions");
        let other = LinkView::new(text, "nobodyKnows", "x", &[], "https://a.example#f");
        assert_eq!(
            (other.kind.as_str(), other.host.as_str()),
            ("More information", "a.example")
        );
    }
}
