//! The pages on which a shopper tells of a problem, and sees what became of it.

use askama::Template;

use super::Shell;

/// The form, and where to ask for what was reported before.
#[derive(Debug, Template)]
#[template(path = "shopper/report.html", whitespace = "minimize")]
pub struct ReportPage {
    /// What surrounds every page.
    pub shell: Shell,
    /// The code as it stands on the pack.
    pub code: String,
    /// Its page.
    pub story_href: String,
    /// Where the form goes.
    pub report_href: String,
    /// Where a number goes.
    pub reported_href: String,
    /// The form's own name, in hex.
    pub form: String,
    /// What can be wrong.
    pub choices: Vec<MatterChoice>,
    /// What was typed, given back.
    pub words: String,
    /// Characters of it.
    pub max_words: usize,
    /// What is wrong with what was sent, as a sentence.
    pub fault: Option<String>,
    /// The number that was typed, given back.
    pub number: String,
    /// What is wrong with it.
    pub number_fault: Option<String>,
}

/// Something that can be wrong.
#[derive(Debug)]
pub struct MatterChoice {
    /// Its name in the form.
    pub value: &'static str,
    /// In words.
    pub label: &'static str,
    /// Whether it was chosen.
    pub is_chosen: bool,
}

/// What became of a report.
#[derive(Debug, Template)]
#[template(path = "shopper/reported.html", whitespace = "minimize")]
pub struct ReportedPage {
    /// What surrounds every page.
    pub shell: Shell,
    /// The page that leads here.
    pub form: ReportPage,
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub lead: String,
    /// The number to keep, where it is told for the first time.
    pub new_number: Option<String>,
    /// The merchant's own words.
    pub answer: Option<String>,
    /// What to do next, most useful first.
    pub advice: Vec<String>,
}

impl ReportedPage {
    /// A report that arrived, with its number.
    /// A reader who changed its language would not be shown the number again. `has_lost`: the photograph could not be kept.
    pub fn thanks(
        form: ReportPage,
        mut shell: Shell,
        number: String,
        has_lost: bool,
    ) -> ReportedPage {
        let text = shell.text;
        shell.switch_href.clear();
        let lost = has_lost.then(|| text.get("report.photo_lost"));
        let advice = [
            text.get("report.thanks_1"),
            text.get("report.thanks_2"),
            text.get("report.thanks_3"),
        ];
        ReportedPage {
            title: text.get("report.thanks_title").into(),
            lead: text.get("report.thanks_lead").into(),
            new_number: Some(number),
            answer: None,
            advice: lost.into_iter().chain(advice).map(str::to_owned).collect(),
            form,
            shell,
        }
    }

    /// A report of this day that its merchant has not dealt with.
    pub fn open(form: ReportPage, shell: Shell, day: &str) -> ReportedPage {
        let text = shell.text;
        ReportedPage {
            title: text.get("report.open_title").into(),
            lead: text.with("report.open_lead", &[("date", day)]),
            new_number: None,
            answer: None,
            advice: Vec::new(),
            form,
            shell,
        }
    }

    /// One that its merchant dealt with on the second day, with its own words, if it has any, or with a review.
    pub fn closed(
        form: ReportPage,
        shell: Shell,
        (day, closed): (&str, &str),
        answer: Option<String>,
        is_reviewed: bool,
    ) -> ReportedPage {
        let text = shell.text;
        let advice = match (is_reviewed, &answer) {
            (true, _) => Some(text.get("report.reviewed_1")),
            (false, None) => Some(text.get("report.answered_none")),
            (false, Some(_)) => None,
        };
        ReportedPage {
            title: text.get("report.answered_title").into(),
            lead: text.with("report.answered_lead", &[("date", day), ("closed", closed)]),
            new_number: None,
            answer,
            advice: advice.map(str::to_owned).into_iter().collect(),
            form,
            shell,
        }
    }
}
