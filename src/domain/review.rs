//! Reviews as statements: what a merchant found when it looked into doubts about a code. A review restores a verdict, or
//! confirms a doubt, and stays in the record with its reason.

use auditlog::json::Value;

use super::fields::{At, Fault, FaultKind};
use super::gs1::Identity;
use super::master::{Bilingual, bilingual};
use super::scan::MAX_SCANS;
use super::statement::{About, Role};

/// Reviews of one code, ever.
pub const MAX_REVIEWS: usize = 100;

/// What was found of a code.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// `code`: an item, a lot or a product.
    pub code: Identity,
    /// `through`: the number of the last look-up of the item that was looked into.
    pub through: u32,
    /// `outcome`
    pub outcome: Outcome,
    /// `reason`
    pub reason: Bilingual,
}

/// What comes of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// `explained`: it was looked into, and no copy was found.
    Explained,
    /// `copied`: packs with this code are about that are not the merchant's.
    Copied,
}

impl Outcome {
    /// As a review has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Explained => "explained",
            Outcome::Copied => "copied",
        }
    }
}

impl Review {
    /// What the statement is about.
    pub fn about(&self) -> Vec<About> {
        vec![About::new(Role::Reviewed, self.code.canonical())]
    }
}

/// Reads `{"code":…,"through":…,"outcome":…,"reason":…}`.
///
/// # Errors
/// The first fault.
pub fn read_review(body: &Value<'_>) -> Result<Review, Fault> {
    let at = At::root(body);
    at.only(&[&["code", "through", "outcome", "reason"]])?;
    let code_at = at.required("code")?;
    let code = code_at.identity()?;
    if code.gtin().is_none() {
        let what = "the Digital Link of an item, a lot or a product: .../01/...";
        return Err(code_at.fault(FaultKind::MustBe(what)));
    }
    let is_item = matches!(code, Identity::Item { .. });
    let through = match at.get("through") {
        Some(at) if !is_item => {
            let rule = "is for items: nothing else has look-ups that are numbered";
            return Err(at.fault(FaultKind::Rule(rule)));
        }
        Some(at) => through(&at)?,
        None if is_item => return Err(at.fault_in("through", FaultKind::Missing)),
        None => 0,
    };
    let outcome = at.required("outcome")?;
    Ok(Review {
        code,
        through,
        outcome: match outcome.text()? {
            "explained" => Outcome::Explained,
            "copied" => Outcome::Copied,
            _ => return Err(outcome.fault(FaultKind::MustBe("explained or copied"))),
        },
        reason: bilingual(&at.required("reason")?)?,
    })
}

fn through(at: &At<'_>) -> Result<u32, Fault> {
    let count: Option<u32> = at.number()?.parse().ok();
    count
        .filter(|count| *count <= MAX_SCANS)
        .ok_or_else(|| at.fault(FaultKind::MustBe("a number from 0 to 10000")))
}

#[cfg(test)]
mod tests {
    use auditlog::json;

    use super::*;

    const BODY: &str = r#"{"code":"https://id.gs1.org/01/09521041001012/21/A1","through":12,"outcome":"explained","reason":{"zh-CN":"直播展示过此码","en":"The code was shown in a live stream"}}"#;

    fn read(body: &str) -> Result<Review, String> {
        read_review(&json::parse(body).unwrap()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_review_says_of_which_code_up_to_where_and_what_was_found() {
        let review = read(BODY).unwrap();
        assert_eq!((review.through, review.outcome), (12, Outcome::Explained));
        let about: Vec<String> = review.about().iter().map(About::to_string).collect();
        assert_eq!(
            about,
            ["reviewed https://id.gs1.org/01/09521041001012/21/A1"]
        );
        let of_lot = BODY
            .replace("/21/A1", "/10/L1")
            .replace("\"through\":12,", "");
        assert_eq!(read(&of_lot).unwrap().through, 0);
    }

    #[test]
    fn what_is_wrong_with_a_review_is_named() {
        for (from, to, named) in [
            ("01/09521041001012/21/A1", "414/9521041000008", "/code"),
            ("/21/A1", "/10/L1", "/through"),
            ("\"through\":12,", "", "/through"),
            (":12", ":10001", "/through"),
            (":12", ":-1", "/through"),
            ("explained", "genuine", "/outcome"),
            ("\"en\"", "\"de\"", "/reason"),
            ("\"outcome\"", "\"result\"", "result"),
        ] {
            assert!(BODY.contains(from), "{from}");
            let fault = read(&BODY.replacen(from, to, 1)).unwrap_err();
            assert!(fault.contains(named), "{to}: {fault}");
        }
    }
}
