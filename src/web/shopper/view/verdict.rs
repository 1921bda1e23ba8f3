//! What a page answers first.

use crate::domain::copies::CopySign;
use crate::web::text::{LocalDate, Text};

/// Doubts that are seen before anything is unfolded.
const DOUBTS_AT_ONCE: usize = 3;

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
    /// What it is about, where that must be seen at once.
    pub subject: Option<String>,
    /// What the reader must not miss: doubts, the reason of a recall, a date that has passed.
    pub notes: Vec<String>,
    /// Doubts behind a fold, when there are many: on a small phone the verdict is to be seen without scrolling.
    pub folded: Vec<String>,
    /// Whether the page goes on to say what cannot be proven; the verdict leads there.
    pub has_limits: bool,
    /// How often the code has been looked up, from [`VerdictView::with_scans`].
    pub scans: Option<ScansView>,
}

/// How often an item was looked up.
#[derive(Debug)]
pub struct ScansView {
    /// In one sentence.
    pub said: String,
    /// The item's own path, whatever else stands in the address.
    pub item: String,
    /// The same as a number.
    pub times: u32,
}

impl VerdictView {
    /// `genuine`: `entries` statements about this item, all sealed, the first recorded on `since`; and `waiting` that came after the
    /// last seal.
    pub fn genuine(text: &Text, entries: u64, since: &LocalDate, waiting: u64) -> VerdictView {
        let date = [("date", since.text.as_str())];
        let lead = match waiting {
            0 => text.count("verdict.genuine_lead", entries, &date),
            // Not all of them are.
            _ => text.count("verdict.sealed", entries, &date),
        };
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
        VerdictView::new(Tone::Warn, Icon::Doubt, title, &lead).with_doubts(doubts)
    }

    /// `copied`: the record is sound, and the code is looked up as one pack cannot be, or no pack should have it. Each sign
    /// in a sentence.
    pub fn copied(text: &Text, signs: &[CopySign], sentences: Vec<String>) -> VerdictView {
        let title = match signs.contains(&CopySign::Confirmed) {
            true => text.get("verdict.copied_known"),
            false => text.get("verdict.copied"),
        };
        let lead = VerdictView::copied_lead(text, signs);
        VerdictView::new(Tone::Warn, Icon::Doubt, title, lead).with_doubts(sentences)
    }

    /// What signs of a copy mean: those of the record weigh more than those of its hidden
    /// code, and these more than those of look-ups.
    pub fn copied_lead<'t>(text: &'t Text, signs: &[CopySign]) -> &'t str {
        let is_of_record =
            |sign: &CopySign| matches!(sign, CopySign::Voided { .. } | CopySign::Spare);
        let is_of_use = |sign: &CopySign| matches!(sign, CopySign::Revealed { .. });
        if signs.iter().any(is_of_record) {
            text.get("verdict.copied_lead_record")
        } else if signs.contains(&CopySign::Confirmed) {
            text.get("verdict.copied_lead_known")
        } else if signs.iter().any(is_of_use) {
            text.get("verdict.copied_lead_revealed")
        } else {
            text.get("verdict.copied_lead")
        }
    }

    /// Adds contradictions or gaps, one sentence each. A single one is not worth a fold.
    pub fn with_doubts(mut self, mut doubts: Vec<String>) -> VerdictView {
        if doubts.len() > DOUBTS_AT_ONCE + 1 {
            self.folded = doubts.split_off(DOUBTS_AT_ONCE);
        }
        self.notes.extend(doubts);
        self
    }

    /// Adds which product and which lot it is about, where it is no good news: its name stands further down.
    pub fn about(mut self, text: &Text, product: &str, lot: Option<&str>) -> VerdictView {
        if matches!(self.tone, Tone::Warn | Tone::Stop) {
            self.subject = Some(match lot {
                Some(lot) => text.with("verdict.about_lot", &[("product", product), ("lot", lot)]),
                None => product.to_owned(),
            });
        }
        self
    }

    /// Leads on to what cannot be proven, where all seems well: what is wrong must not be pushed down by it.
    pub fn with_limits(mut self) -> VerdictView {
        self.has_limits = matches!(self.tone, Tone::Good | Tone::Quiet);
        self
    }

    /// Adds that things were said anew: what is unchanged are the entries, not what the merchant says.
    pub fn with_changes(mut self, text: &Text, changes: u64) -> VerdictView {
        if changes > 0 {
            self.notes.push(text.count("verdict.changed", changes, &[]));
        }
        self
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

    /// Of a product some lots or items are recalled.
    pub fn partly_recalled(text: &Text, issuer: &str, on: &LocalDate, reason: &str) -> VerdictView {
        let lead = text.with(
            "verdict.maybe_recalled_product_lead",
            &[("issuer", issuer), ("date", &on.text)],
        );
        VerdictView {
            lead,
            ..VerdictView::maybe_recalled(text, issuer, on, reason)
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
        let date = [("date", best_before.text.as_str())];
        if self.tone == Tone::Good {
            self.title = text.get("verdict.expired_title").to_owned();
            self.icon = Icon::Doubt;
            let lead = text.with("verdict.expired_lead", &date);
            self.notes
                .insert(0, std::mem::replace(&mut self.lead, lead));
        } else {
            self.notes.push(text.with("verdict.expired", &date));
        }
        if self.tone != Tone::Stop {
            self.tone = Tone::Warn;
        }
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
    pub fn with_scans(mut self, scans: Option<ScansView>) -> VerdictView {
        self.scans = scans;
        self
    }

    /// How many doubts are behind the fold.
    pub fn more(&self, text: &Text) -> String {
        text.count("verdict.more", self.folded.len() as u64, &[])
    }

    pub(super) fn new(tone: Tone, icon: Icon, title: &str, lead: &str) -> VerdictView {
        VerdictView {
            tone,
            icon,
            title: title.to_owned(),
            lead: lead.to_owned(),
            subject: None,
            notes: Vec::new(),
            folded: Vec::new(),
            has_limits: false,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::text::Lang;

    fn day() -> LocalDate {
        Text::of(Lang::En).date("2026-06-12").expect("a date")
    }

    #[test]
    fn a_sealed_record_is_called_unchanged_and_never_genuine() {
        for lang in Lang::ALL {
            let text = Text::of(lang);
            let verdict = VerdictView::genuine(text, 15, &day(), 0);
            let words = format!("{} {}", verdict.title, verdict.lead);
            for claim in ["正品", "真品", "genuine", "authentic"] {
                assert!(!words.to_lowercase().contains(claim), "{claim} in {words}");
            }
        }
        let lead = VerdictView::genuine(Text::of(Lang::En), 15, &day(), 0).lead;
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
        let sound = VerdictView::genuine(text, 3, &day(), 0);
        assert_eq!(sound.tone, Tone::Good);
        assert_eq!(sound.with_expired(text, &day()).tone, Tone::Warn);
        let recalled = VerdictView::recalled(text, "Larkmere Demo", &day(), None);
        assert_eq!(recalled.with_expired(text, &day()).tone, Tone::Stop);
    }

    #[test]
    fn of_many_doubts_the_first_are_seen_at_once_and_none_is_lost() {
        let text = Text::of(Lang::En);
        let with = |count: u64| {
            let doubts = (0..count).map(|n| format!("doubt {n}")).collect();
            VerdictView::doubts(text, count, doubts)
        };
        let few = with(4);
        assert_eq!((few.notes.len(), few.folded.len()), (4, 0));
        let many = with(7).with_changes(text, 0).with_changes(text, 2);
        assert_eq!((many.notes.len(), many.folded.len()), (4, 4));
        assert_eq!(many.more(text), "4 more doubts");
        assert_eq!(many.folded[3], "doubt 6");
    }

    #[test]
    fn bad_news_says_what_it_is_about_and_good_news_need_not() {
        let text = Text::of(Lang::En);
        let bad = VerdictView::recalled(text, "Larkmere Demo", &day(), None);
        let bad = bad.about(text, "Formula", Some("L1"));
        assert_eq!(bad.subject.as_deref(), Some("Formula · batch L1"));
        let good = VerdictView::genuine(text, 3, &day(), 0).about(text, "Formula", None);
        assert_eq!(good.subject, None);
    }
}
