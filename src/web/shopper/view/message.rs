//! Pages that say one thing: no record, an unreadable code, a failure.

use askama::Template;

use super::{Icon, Shell, Tone, VerdictView};

/// A page that says one thing, and what to do next.
#[derive(Debug, Template)]
#[template(path = "shopper/message.html", whitespace = "minimize")]
pub struct MessagePage {
    /// What surrounds every page.
    pub shell: Shell,
    /// The HTTP status the page is sent with.
    pub status: u16,
    /// The document's title.
    pub page_title: String,
    /// What happened.
    pub verdict: VerdictView,
    /// The code that was looked up, as the reader can compare it with the pack.
    pub code: Option<String>,
    /// What to do next, most useful first.
    pub advice: Vec<String>,
    /// Whom to call.
    pub phone: Option<&'static str>,
    /// Where a problem with the product is told.
    pub report: Option<String>,
}

impl MessagePage {
    /// Whether asking again may help.
    pub fn offers_again(&self) -> bool {
        matches!(self.status, 429 | 500 | 503)
    }

    /// 404: the code of a case or a pallet. Whatever is on record of it, its goods tell.
    pub fn logistic_unit(shell: Shell, code: String) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 404,
            page_title: text.get("message.unit_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Stack,
                text.get("message.unit_title"),
                text.get("message.unit_lead"),
            ),
            code: Some(code),
            advice: vec![text.get("message.unit_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 404: a well-formed code of which there is no record.
    pub fn unknown_code(shell: Shell, code: String, report: String) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 404,
            page_title: text.get("message.unknown_page_title").into(),
            verdict: VerdictView::new(
                Tone::Stop,
                Icon::Question,
                text.get("message.unknown_title"),
                text.get("message.unknown_lead"),
            ),
            code: Some(code),
            advice: vec![
                text.get("message.unknown_1").into(),
                text.get("message.unknown_2").into(),
                text.get("message.unknown_3").into(),
            ],
            phone: Some("12315"),
            report: Some(report),
            shell,
        }
    }

    /// 404: nobody whom a problem could be told.
    pub fn no_merchant(shell: Shell, code: String) -> MessagePage {
        let text = shell.text;
        let (title, lead) = (
            text.get("message.no_merchant_title"),
            text.get("message.no_merchant_lead"),
        );
        MessagePage {
            status: 404,
            page_title: text.get("message.no_merchant_page_title").into(),
            verdict: VerdictView::new(Tone::Quiet, Icon::Question, title, lead),
            code: Some(code),
            advice: vec![
                text.get("message.no_merchant_1").into(),
                text.get("message.no_merchant_2").into(),
            ],
            phone: Some("12315"),
            report: None,
            shell,
        }
    }

    /// Nothing is said of a place or party.
    pub fn unknown_place(shell: Shell, code: String) -> MessagePage {
        let text = shell.text;
        let (title, lead) = (
            text.get("message.no_place_title"),
            text.get("message.no_place_lead"),
        );
        MessagePage {
            status: 404,
            page_title: text.get("message.no_place_page_title").into(),
            verdict: VerdictView::new(Tone::Quiet, Icon::Question, title, lead),
            code: Some(code),
            advice: vec![text.get("message.no_place_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// There is a record, and no link of the type that was asked for.
    pub fn no_such_link(shell: Shell) -> MessagePage {
        let text = shell.text;
        let (title, lead) = (
            text.get("message.no_link_title"),
            text.get("message.no_link_lead"),
        );
        MessagePage {
            status: 404,
            page_title: text.get("message.no_link_page_title").into(),
            verdict: VerdictView::new(Tone::Quiet, Icon::Question, title, lead),
            code: None,
            advice: vec![text.get("message.no_link_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 400: not a product code. `fault` says what is wrong with it, in the reader's language and
    /// without a full stop.
    pub fn bad_link(shell: Shell, fault: &str) -> MessagePage {
        let text = shell.text;
        let mut verdict = VerdictView::new(
            Tone::Warn,
            Icon::Question,
            text.get("message.bad_link_title"),
            text.get("message.bad_link_lead"),
        );
        verdict
            .notes
            .push(text.with("message.bad_link_fault", &[("fault", fault)]));
        MessagePage {
            status: 400,
            page_title: text.get("message.bad_link_page_title").into(),
            verdict,
            code: None,
            advice: vec![
                text.get("message.bad_link_1").into(),
                text.get("message.bad_link_2").into(),
            ],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 503: the records cannot be read now. It must not read as a judgement of the product.
    pub fn unavailable(shell: Shell) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 503,
            page_title: text.get("message.unavailable_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Waiting,
                text.get("message.unavailable_title"),
                text.get("message.unavailable_lead"),
            ),
            code: None,
            advice: vec![text.get("message.unavailable_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 429: too many requests from one address. Like an outage it must not read as a judgement.
    pub fn too_many(shell: Shell) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 429,
            page_title: text.get("message.too_many_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Waiting,
                text.get("message.too_many_title"),
                text.get("message.too_many_lead"),
            ),
            code: None,
            advice: vec![
                text.get("message.too_many_1").into(),
                text.get("message.too_many_2").into(),
            ],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 503: the record is there, and no checkpoint proves it yet.
    pub fn not_sealed(shell: Shell) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 503,
            page_title: text.get("message.not_sealed_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Waiting,
                text.get("message.not_sealed_title"),
                text.get("message.not_sealed_lead"),
            ),
            code: None,
            advice: vec![text.get("message.not_sealed_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 501: more is held about the code than one proof may hold.
    pub fn too_long(shell: Shell) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 501,
            page_title: text.get("message.too_long_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Stack,
                text.get("message.too_long_title"),
                text.get("message.too_long_lead"),
            ),
            code: None,
            advice: vec![text.get("message.too_long_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 400: a form of proof that there is not.
    pub fn bad_proof_form(shell: Shell) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 400,
            page_title: text.get("message.proof_form_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Stack,
                text.get("message.proof_form_title"),
                text.get("message.proof_form_lead"),
            ),
            code: None,
            advice: vec![text.get("message.proof_form_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 404: the proof holds no statement with the index that was asked for.
    pub fn no_such_index(shell: Shell) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 404,
            page_title: text.get("message.no_index_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Stack,
                text.get("message.no_index_title"),
                text.get("message.no_index_lead"),
            ),
            code: None,
            advice: vec![text.get("message.proof_form_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 500: a fault of ours.
    pub fn failed(shell: Shell) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 500,
            page_title: text.get("message.error_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Waiting,
                text.get("message.error_title"),
                text.get("message.error_lead"),
            ),
            code: None,
            advice: vec![text.get("message.error_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }

    /// 404: an address that is neither a code nor a page.
    pub fn no_such_page(shell: Shell) -> MessagePage {
        let text = shell.text;
        MessagePage {
            status: 404,
            page_title: text.get("message.no_page_page_title").into(),
            verdict: VerdictView::new(
                Tone::Quiet,
                Icon::Question,
                text.get("message.no_page_title"),
                text.get("message.no_page_lead"),
            ),
            code: None,
            advice: vec![text.get("message.no_page_1").into()],
            phone: None,
            report: None,
            shell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::text::Lang;

    fn shell() -> Shell {
        Shell::new(Lang::En, "", "t")
    }

    #[test]
    fn a_code_without_record_says_so_and_is_shown_escaped() {
        let page = MessagePage::unknown_code(shell(), "<script>".into(), "/report/01/1".into());
        assert_eq!(page.status, 404);
        let html = page.render().expect("renders");
        assert!(
            html.contains("No record of this code") && !html.contains("<script>"),
            "{html}"
        );
    }

    #[test]
    fn a_bad_link_names_its_fault() {
        let page = MessagePage::bad_link(shell(), "the check digit is 3, expected 7");
        assert_eq!(page.status, 400);
        assert!(
            page.render()
                .expect("renders")
                .contains("the check digit is 3, expected 7")
        );
    }

    #[test]
    fn every_message_renders_in_both_languages_with_advice() {
        for lang in Lang::ALL {
            let shell = || Shell::new(lang, "", "t");
            for page in [
                MessagePage::unavailable(shell()),
                MessagePage::failed(shell()),
                MessagePage::too_many(shell()),
                MessagePage::no_such_page(shell()),
            ] {
                assert!(!page.advice.is_empty());
                let html = page.render().expect("renders");
                assert!(html.contains(&format!("<html lang=\"{}\"", lang.code())));
            }
        }
    }
}
