//! A forward trace for people: how many things, each below what led to it, and who passed them on.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::domain::erasure::legible;
use crate::domain::forward::{Certainty, Fate, Forward, Reached, Way};
use crate::domain::gs1::Identity;
use crate::domain::time::to_second;
use crate::web::forward::counts;

/// The text.
pub(super) struct Outline<'f>(pub(super) &'f Forward);

impl fmt::Display for Outline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_counts(f, Certainty::Affected, "affected")?;
        self.write_counts(f, Certainty::Possibly, "possibly affected")?;
        writeln!(f)?;
        self.write_things(f)?;
        self.write_holders(f)?;
        self.write_passages(f)
    }
}

impl<'f> Outline<'f> {
    fn write_counts(
        &self,
        f: &mut fmt::Formatter<'_>,
        certainty: Certainty,
        title: &str,
    ) -> fmt::Result {
        let counts = counts(self.0).into_iter();
        let counts = counts.filter(|count| count.certainty == certainty);
        let counts: Vec<String> = counts
            .map(|count| {
                let state = match count.fate {
                    "inTrade" => "in trade",
                    "usedUp" => "used up",
                    other => other,
                };
                let kind = match count.kind {
                    "logisticUnit" => "logistic unit",
                    other => other,
                };
                let plural = match (count.things, kind) {
                    (1, _) => "",
                    (_, "class") => "es",
                    _ => "s",
                };
                let state = format!("{kind}{plural} {state}");
                format!("{} {}", count.things, state.trim_end())
            })
            .collect();
        let counts = if counts.is_empty() {
            "none".to_owned()
        } else {
            counts.join(", ")
        };
        writeln!(f, "{title}: {counts}")
    }

    /// Each below what led to it; those that nothing led to first.
    fn write_things(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut below: HashMap<Option<&'f Identity>, Vec<&'f Reached>> = HashMap::new();
        let told: HashSet<&Identity> = self.0.things.iter().map(|thing| &thing.identity).collect();
        for reached in &self.0.things {
            // What held it led to it, and is told among the holders: it stands at the margin.
            let from = reached.origin.as_ref().map(|origin| &origin.from);
            let from = from.filter(|from| told.contains(from));
            below.entry(from).or_default().push(reached);
        }
        let mut written: HashSet<&Identity> = HashSet::new();
        // What leads to one another in a circle of one moment has no first: it stands at the margin, last.
        let roots = below.get(&None).into_iter().flatten().copied();
        let order: Vec<&Reached> = roots.chain(&self.0.things).collect();
        let order = order.into_iter().rev();
        let mut todo: Vec<(&Reached, String, &str)> =
            order.map(|reached| (reached, String::new(), "")).collect();
        while let Some((reached, margin, branch)) = todo.pop() {
            if !written.insert(&reached.identity) {
                continue;
            }
            write!(f, "{margin}{branch}")?;
            self.write_thing(f, reached)?;
            let margin = match branch {
                "" => margin,
                "└─ " => format!("{margin}   "),
                _ => format!("{margin}│  "),
            };
            let onwards = below.get(&Some(&reached.identity)).into_iter().flatten();
            let onwards: Vec<_> = onwards.collect();
            for (place, next) in onwards.iter().enumerate().rev() {
                let is_last = place + 1 == onwards.len();
                let branch = if is_last { "└─ " } else { "├─ " };
                todo.push((next, margin.clone(), branch));
            }
        }
        Ok(())
    }

    fn write_thing(&self, f: &mut fmt::Formatter<'_>, reached: &Reached) -> fmt::Result {
        if let Some(origin) = &reached.origin {
            let words = match origin.how {
                Way::ItemOf => "item ",
                Way::MadeFrom => "made into ",
                Way::InsideOf => "held ",
            };
            f.write_str(words)?;
        }
        self.write_identity(f, &reached.identity)?;
        if reached.certainty == Certainty::Possibly {
            f.write_str("  possibly")?;
        }
        match reached.fate {
            None | Some(Fate::InTrade) => {}
            Some(Fate::UsedUp(at)) => write!(f, "  used up {}", to_second(at))?,
            Some(Fate::Sold(at)) => write!(f, "  sold {}", to_second(at))?,
            Some(Fate::Removed(at)) => write!(f, "  removed {}", to_second(at))?,
        }
        let seen = reached.seen.as_ref();
        let at_end = !matches!(reached.fate, None | Some(Fate::InTrade));
        if let Some(seen) = seen.filter(|_| !at_end) {
            write!(f, "  seen {}", to_second(seen.at))?;
        }
        if let Some(place) = seen.and_then(|seen| seen.place.as_ref()) {
            write!(f, " at {}", self.name_of(place))?;
        }
        for holder in seen.into_iter().flat_map(|seen| &seen.inside) {
            write!(f, " in {}", path(holder))?;
        }
        writeln!(f)
    }

    fn write_holders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.holders.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nheld by")?;
        for held in &self.0.holders {
            write!(f, "{}  from {}", path(&held.holder), to_second(held.from))?;
            if let Some(until) = held.until {
                write!(f, " to {}", to_second(until))?;
            }
            if held.is_end_inferred {
                f.write_str(" (inferred)")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn write_passages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.passages.is_empty() {
            return Ok(());
        }
        writeln!(f, "\npassed on")?;
        for passage in &self.0.passages {
            let (from, to) = (self.name_of(&passage.from), self.name_of(&passage.to));
            let (first, last) = (to_second(passage.first), to_second(passage.last));
            write!(f, "{from} → {to}  {first}")?;
            if last != first {
                write!(f, " to {last}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn write_identity(&self, f: &mut fmt::Formatter<'_>, identity: &Identity) -> fmt::Result {
        f.write_str(&path(identity))?;
        match self.0.names.of(identity).map(legible) {
            Some(name) => write!(f, "  {name}"),
            None => Ok(()),
        }
    }

    fn name_of(&self, identity: &Identity) -> String {
        let name = self.0.names.of(identity).map(legible).map(str::to_owned);
        name.unwrap_or_else(|| path(identity))
    }
}

fn path(identity: &Identity) -> String {
    identity.path().unwrap_or_else(|| identity.canonical())
}
