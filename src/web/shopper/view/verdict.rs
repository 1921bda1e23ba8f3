//! What a page answers first, and the pages that answer nothing else.

use askama::Template;

use super::Shell;
use crate::web::text::{LocalDate, LocalTime, Text};

/// The band at the top: what was found, in one line, and what that means.
#[derive(Debug)]
pub struct VerdictView {
    /// Colour, always together with `icon` and words: none of them alone carries the meaning.
    pub tone: Tone,
    /// The shape beside the title.
    pub icon: Icon,
    /// The answer in a few words.
    pub title: String,
    /// One or two sentences that say exactly what was checked.
    pub lead: String,
    /// What the reader must not miss: doubts, the reason of a recall, a date that has passed.
    pub notes: Vec<String>,
    /// How often the code has been looked up, from [`VerdictView::with_scans`].
    pub scans: Option<String>,
}

impl VerdictView {
    /// `genuine`: `entries` statements about this item, all sealed, the first recorded on `since`.
    pub fn genuine(text: &Text, entries: u64, since: &LocalDate) -> VerdictView {
        let lead = text.count("verdict.genuine_lead", entries, &[("date", &since.text)]);
        VerdictView::new(Tone::Good, Icon::Seal, text.get("verdict.genuine"), &lead)
    }

    /// `pending`: recorded, nothing sealed yet.
    pub fn pending(text: &Text) -> VerdictView {
        let (title, lead) = (
            text.get("verdict.pending"),
            text.get("verdict.pending_lead"),
        );
        VerdictView::new(Tone::Quiet, Icon::Waiting, title, lead)
    }

    /// `lot`: the code names a batch and no item.
    pub fn lot(text: &Text) -> VerdictView {
        let (title, lead) = (text.get("verdict.lot"), text.get("verdict.lot_lead"));
        VerdictView::new(Tone::Quiet, Icon::Stack, title, lead)
    }

    /// `lot` where the code names only a product.
    pub fn product(text: &Text) -> VerdictView {
        let (title, lead) = (
            text.get("verdict.product"),
            text.get("verdict.product_lead"),
        );
        VerdictView::new(Tone::Quiet, Icon::Stack, title, lead)
    }

    /// The code names a place.
    pub fn place(text: &Text) -> VerdictView {
        let (title, lead) = (text.get("place.place"), text.get("place.place_lead"));
        VerdictView::new(Tone::Quiet, Icon::Stack, title, lead)
    }

    /// The code names a party.
    pub fn party(text: &Text) -> VerdictView {
        let (title, lead) = (text.get("place.party"), text.get("place.party_lead"));
        VerdictView::new(Tone::Quiet, Icon::Stack, title, lead)
    }

    /// Several links suit equally well.
    pub fn choice(text: &Text) -> VerdictView {
        let (title, lead) = (text.get("links.choice"), text.get("links.choice_lead"));
        VerdictView::new(Tone::Quiet, Icon::Stack, title, lead)
    }

    /// `doubts`: contradictions or gaps, one sentence each, of `count` the gravest.
    pub fn doubts(text: &Text, count: u64, doubts: Vec<String>) -> VerdictView {
        let lead = text.count("verdict.doubts_lead", count, &[]);
        let title = text.get("verdict.doubts");
        VerdictView {
            notes: doubts,
            ..VerdictView::new(Tone::Warn, Icon::Doubt, title, &lead)
        }
    }

    /// `recalled`: outranks every other verdict. `reason` is the issuer's own words.
    pub fn recalled(
        text: &Text,
        issuer: &str,
        on: &LocalDate,
        reason: Option<&str>,
    ) -> VerdictView {
        let lead = text.with(
            "verdict.recalled_lead",
            &[("issuer", issuer), ("date", &on.text)],
        );
        let title = text.get("verdict.recalled");
        let reason = reason.map(|r| text.with("verdict.recalled_reason", &[("reason", r)]));
        VerdictView {
            notes: reason.into_iter().collect(),
            ..VerdictView::new(Tone::Stop, Icon::Stop, title, &lead)
        }
    }

    /// Something that may be in it is recalled, and the record does not say whether it is.
    pub fn maybe_recalled(text: &Text, issuer: &str, on: &LocalDate, reason: &str) -> VerdictView {
        let lead = text.with(
            "verdict.maybe_recalled_lead",
            &[("issuer", issuer), ("date", &on.text)],
        );
        let title = text.get("verdict.maybe_recalled");
        VerdictView {
            notes: vec![text.with("verdict.recalled_reason", &[("reason", reason)])],
            ..VerdictView::new(Tone::Warn, Icon::Doubt, title, &lead)
        }
    }

    /// That there is no record of the very code, whatever is told of its lot or its product.
    pub fn not_on_record(text: &Text, is_item: bool) -> String {
        let words = match is_item {
            true => text.get("verdict.no_such_item"),
            false => text.get("verdict.no_such_lot"),
        };
        words.to_owned()
    }

    /// Adds, to a verdict other than `genuine`, that its statements are sealed and unchanged.
    pub fn with_sealed(mut self, text: &Text, entries: u64, since: &LocalDate) -> VerdictView {
        self.notes
            .push(text.count("verdict.sealed", entries, &[("date", &since.text)]));
        self
    }

    /// Adds that the best-before date has passed. A sound record of food that is past its date must
    /// not shine green, so that verdict becomes a warning.
    pub fn with_expired(mut self, text: &Text, best_before: &LocalDate) -> VerdictView {
        if self.tone == Tone::Good {
            self.title = text.get("verdict.expired_title").to_owned();
            self.icon = Icon::Doubt;
        }
        if self.tone != Tone::Stop {
            self.tone = Tone::Warn;
        }
        self.notes
            .push(text.with("verdict.expired", &[("date", &best_before.text)]));
        self
    }

    /// Adds that `entries` statements came after the last seal.
    pub fn with_unsealed(mut self, text: &Text, entries: u64) -> VerdictView {
        self.notes
            .push(text.count("verdict.unsealed", entries, &[]));
        self
    }

    /// Adds what else must not be missed.
    pub fn with_notes(mut self, notes: Vec<String>) -> VerdictView {
        self.notes.extend(notes);
        self
    }

    /// Adds that there is more than is shown: what was not looked at must not shine green.
    pub fn with_truncated(mut self, text: &Text) -> VerdictView {
        if self.tone == Tone::Good {
            self.tone = Tone::Quiet;
            self.icon = Icon::Stack;
        }
        self.notes.push(text.get("verdict.truncated").to_owned());
        self
    }

    /// Adds how often the code has been looked up and when it first was.
    pub fn with_scans(mut self, text: &Text, times: u64, first: &LocalTime) -> VerdictView {
        self.scans = Some(text.count("verdict.scans", times, &[("time", &first.text)]));
        self
    }

    fn new(tone: Tone, icon: Icon, title: &str, lead: &str) -> VerdictView {
        VerdictView {
            tone,
            icon,
            title: title.to_owned(),
            lead: lead.to_owned(),
            notes: Vec::new(),
            scans: None,
        }
    }
}

/// The colour of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Checked and as it should be.
    Good,
    /// Neither good nor bad.
    Quiet,
    /// Read before use.
    Warn,
    /// Do not use.
    Stop,
}

impl Tone {
    /// The name in the style sheets.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Quiet => "quiet",
            Tone::Warn => "warn",
            Tone::Stop => "stop",
        }
    }
}

/// The shape of a verdict; `templates/parts/icon.html` draws each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A seal with a tick.
    Seal,
    /// A clock.
    Waiting,
    /// Stacked layers.
    Stack,
    /// A triangle.
    Doubt,
    /// An octagon.
    Stop,
    /// A question.
    Question,
}

/// A page that says one thing and what to do next: no record, an unreadable code, a failure.
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
}

impl MessagePage {
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
            shell,
        }
    }

    /// 404: a well-formed code of which there is no record.
    pub fn unknown_code(shell: Shell, code: String) -> MessagePage {
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

    fn day() -> LocalDate {
        Text::of(Lang::En).date("2026-06-12").expect("a date")
    }

    #[test]
    fn a_sealed_record_is_called_unchanged_and_never_genuine() {
        for lang in Lang::ALL {
            let text = Text::of(lang);
            let verdict = VerdictView::genuine(text, 15, &text.date("2026-06-12").expect("a date"));
            let words = format!("{} {}", verdict.title, verdict.lead);
            for claim in ["正品", "真品", "genuine", "authentic"] {
                assert!(!words.to_lowercase().contains(claim), "{claim} in {words}");
            }
        }
        let lead = VerdictView::genuine(Text::of(Lang::En), 15, &day()).lead;
        assert!(
            lead.contains("unchanged since the first was recorded on 12 June 2026"),
            "{lead}"
        );
    }

    #[test]
    fn a_recall_gives_its_reason_and_a_missing_reason_leaves_no_note() {
        let text = Text::of(Lang::En);
        let with = VerdictView::recalled(text, "Larkmere Demo", &day(), Some("metal"));
        assert_eq!(with.notes, ["Reason for the recall: metal"]);
        assert_eq!(with.tone, Tone::Stop);
        assert!(
            VerdictView::recalled(text, "Larkmere Demo", &day(), None)
                .notes
                .is_empty()
        );
    }

    #[test]
    fn food_past_its_date_never_shines_green_and_a_recall_still_outranks_it() {
        let text = Text::of(Lang::En);
        let sound = VerdictView::genuine(text, 3, &day());
        assert_eq!(sound.tone, Tone::Good);
        assert_eq!(sound.with_expired(text, &day()).tone, Tone::Warn);
        let recalled = VerdictView::recalled(text, "Larkmere Demo", &day(), None);
        assert_eq!(recalled.with_expired(text, &day()).tone, Tone::Stop);
    }

    #[test]
    fn a_code_without_record_says_so_and_is_shown_escaped() {
        let page = MessagePage::unknown_code(shell(), "<script>".into());
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
