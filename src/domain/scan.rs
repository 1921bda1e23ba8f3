//! Look-ups of items: that the page of an item was shown to somebody, each counted by a statement that nobody can take
//! back. Who it was is in none of them.

use auditlog::Timestamp;
use auditlog::json::{Value, write_string};
use time::OffsetDateTime;

use super::fields::{At, Fault, FaultKind};
use super::gs1::Identity;
use super::region::Region;
use super::statement::{About, Role};
use super::time::timestamp;

/// Look-ups of one item that are counted: what has been seen so often is no single pack.
pub const MAX_SCANS: u32 = 10_000;

/// What a statement says of one look-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// `code`: the item.
    pub item: Identity,
    /// `number`: 1 for the first, then one more each.
    pub number: u32,
    /// `first`: when the first was recorded.
    pub first_at: OffsetDateTime,
    /// `place`: where it was, as far as that is known.
    pub place: Option<Region>,
}

impl Scan {
    /// The body of the statement.
    pub fn body(&self) -> String {
        let mut body = String::from("{\"code\":");
        write_string(&self.item.canonical(), &mut body);
        body.push_str(&format!(",\"number\":{},\"first\":", self.number));
        write_string(timestamp(self.first_at).as_str(), &mut body);
        if let Some(place) = &self.place {
            body.push_str(",\"place\":");
            write_string(place.as_str(), &mut body);
        }
        body.push('}');
        body
    }

    /// What it is about.
    pub fn about(&self) -> Vec<About> {
        vec![About::new(Role::Scanned, self.item.canonical())]
    }
}

/// Reads `{"code":…,"number":…,"first":…,"place":…}`.
pub fn read_scan(body: &Value<'_>) -> Result<Scan, Fault> {
    let at = At::root(body);
    at.only(&[&["code", "number", "first", "place"]])?;
    let item = at.required("code")?.item()?;
    let number = at.required("number")?;
    let count: Option<u32> = number.number()?.parse().ok();
    let first = at.required("first")?;
    let first_at = Timestamp::parse(first.text()?).and_then(|time| {
        let form = &time::format_description::well_known::Rfc3339;
        OffsetDateTime::parse(time.as_str(), form).ok()
    });
    let place = at.get("place").map(|at| {
        let region = Region::parse(at.text()?);
        region.ok_or_else(|| at.fault(FaultKind::MustBe("a place of ISO 3166")))
    });
    Ok(Scan {
        item,
        number: count
            .filter(|count| (1..=MAX_SCANS).contains(count))
            .ok_or_else(|| number.fault(FaultKind::MustBe("a number from 1 to 10000")))?,
        first_at: first_at.ok_or_else(|| first.fault(FaultKind::MustBe("a time of the log")))?,
        place: place.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use auditlog::json;

    use super::*;

    const BODY: &str = r#"{"code":"https://id.gs1.org/01/09521041001012/21/A1","number":3,"first":"2026-11-30T01:02:03.004Z","place":"CN-SH"}"#;

    fn read(body: &str) -> Result<Scan, String> {
        read_scan(&json::parse(body).unwrap()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_is_written_reads_back() {
        let scan = read(BODY).unwrap();
        assert_eq!(scan.body(), BODY);
        assert_eq!(scan.number, 3);
        let about = scan.about();
        assert_eq!(about.len(), 1);
        let nowhere = BODY.replace(r#","place":"CN-SH""#, "");
        assert_eq!(read(&nowhere).unwrap().body(), nowhere);
    }

    #[test]
    fn what_is_no_look_up_is_refused_by_its_field() {
        for (from, to, field) in [
            ("/21/A1", "/10/L1", "/code"),
            ("/21/A1", "", "/code"),
            (":3,", ":0,", "/number"),
            (":3,", ":10001,", "/number"),
            (":3,", ":1.0,", "/number"),
            (".004Z", "Z", "/first"),
            ("CN-SH", "Shanghai", "/place"),
            ("\"number\"", "\"count\"", "count"),
        ] {
            let fault = read(&BODY.replacen(from, to, 1)).unwrap_err();
            assert!(fault.contains(field), "{to}: {fault}");
        }
    }
}
