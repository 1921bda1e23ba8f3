//! Sensor readings as sentences and one small curve.

use crate::web::text::Text;

/// What a sensor recorded over a step, in words and, from three readings on, as a curve.
#[derive(Debug)]
pub struct SensorView {
    /// `text.term("sensor", …)`
    pub kind: String,
    /// `2.1 to 5.8 °C`
    pub range: String,
    /// `1,440 readings`
    pub count: String,
    /// The whole as one sentence, the text equivalent of the curve.
    pub summary: String,
    /// What the product allows, and whether it was kept; `None` where nobody said.
    pub band: Option<BandView>,
    /// The readings, drawn.
    pub curve: Option<CurveView>,
}

/// What a product allows, and whether it was kept.
#[derive(Debug)]
pub struct BandView {
    /// In words, with the limits.
    pub text: String,
    /// Whether a reading lies outside.
    pub is_broken: bool,
}

/// Readings drawn in a box of [`CURVE_WIDTH`] by [`CURVE_HEIGHT`]; times run from 0 to [`PLOT_WIDTH`].
#[derive(Debug)]
pub struct CurveView {
    /// The `points` of a polyline.
    pub points: String,
    /// What lies outside the band, as the `points` of polylines.
    pub breaches: Vec<String>,
    /// The upper edge of the band and its height.
    pub band: Option<(i64, i64)>,
    /// The limits of the band; without one, the least and the most: how far from the top, and what it is.
    pub scale: Vec<(i64, String)>,
    /// When the first reading was made, and when the last.
    pub span: Option<(String, String)>,
}

/// Width of the box a curve is drawn in, in its own units.
pub const CURVE_WIDTH: u32 = 320;
/// Height of the box a curve is drawn in, in its own units.
pub const CURVE_HEIGHT: u32 = 84;
/// The part of the width that the curve itself takes; limits are written beside it.
pub const PLOT_WIDTH: u32 = 272;
/// A curve stays so far from the upper and the lower edge, that half a stroke and half a letter fit.
const EDGE: f64 = 8.0;
/// A page must stay small: at most two points for each of these columns are drawn.
const CURVE_COLUMNS: usize = 40;

/// Readings of one kind in one unit.
pub struct Readings<'a> {
    /// A GS1 measurement type.
    pub kind: &'a str,
    /// Its UN/ECE Rec 20 unit code.
    pub uom: &'a str,
    /// In any order.
    pub readings: Vec<Reading>,
    /// What may be, in the unit of the readings.
    pub limits: Option<Limits>,
    /// How a time of the place is written.
    pub when: &'a dyn Fn(i64) -> Option<String>,
}

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Unix seconds.
    pub at: i64,
    /// The number, perhaps the mean of many.
    pub value: f64,
    /// The least of them.
    pub lowest: f64,
    /// The most of them.
    pub highest: f64,
    /// Whether it lies outside of what may be.
    pub is_breach: bool,
}

/// What may be, in words and, where it is in the unit of the readings, in numbers.
#[derive(Debug)]
pub struct Limits {
    /// Such as `from 0 °C to 4 °C`.
    pub words: String,
    /// The least.
    pub min: Option<f64>,
    /// The most.
    pub max: Option<f64>,
}

impl SensorView {
    /// Sums up readings. Values that are not finite are left out; `None` if nothing remains.
    pub fn of(text: &Text, told: Readings<'_>) -> Option<SensorView> {
        let mut readings = told.readings;
        readings.retain(|r| [r.value, r.lowest, r.highest].iter().all(|v| v.is_finite()));
        readings.sort_by_key(|reading| reading.at);
        let min = readings
            .iter()
            .map(|r| r.lowest.min(r.value))
            .reduce(f64::min)?;
        let max = readings
            .iter()
            .map(|r| r.highest.max(r.value))
            .reduce(f64::max)?;
        let is_broken = readings.iter().any(|reading| reading.is_breach);
        let limits = told.limits.as_ref();
        let band = limits.map(|limits| BandView {
            text: {
                let words = [("band", limits.words.as_str())];
                match is_broken {
                    true => text.with("journey.sensor_broken", &words),
                    false => text.with("journey.sensor_kept", &words),
                }
            },
            is_broken,
        });
        let curve = Plot::of(&readings, (min, max), limits).map(|plot| {
            let label = |limit: f64| text.amount(&two_decimals(limit), Some(told.uom));
            let limits = match plot.limits {
                (None, None) => (Some(min).filter(|_| min < max), Some(max)),
                limits => limits,
            };
            let scale = [limits.1, limits.0].into_iter().flatten();
            let span = (told.when)(plot.from).zip((told.when)(plot.until));
            CurveView {
                points: plot.line(&readings),
                breaches: plot.breaches(&readings),
                band: plot.band(),
                scale: scale.map(|limit| (plot.y(limit), label(limit))).collect(),
                span,
            }
        });
        let summed =
            SensorView::from_range(text, told.kind, told.uom, (min, max), readings.len() as u64);
        Some(SensorView {
            band,
            curve,
            ..summed
        })
    }

    /// A summary recorded as `(lowest, highest)` of `count` readings, without the readings.
    pub fn from_range(
        text: &Text,
        kind: &str,
        uom: &str,
        (min, max): (f64, f64),
        count: u64,
    ) -> SensorView {
        let unit = text.find(&format!("unit.{uom}")).unwrap_or(uom);
        let (min, max) = (
            text.decimal(&two_decimals(min)),
            text.decimal(&two_decimals(max)),
        );
        let kind = text.term("sensor", kind).to_owned();
        let count = text.count("journey.sensor_count", count, &[]);
        let ends = [("min", min.as_str()), ("max", max.as_str()), ("unit", unit)];
        let range = if min == max {
            text.with("journey.sensor_single", &ends)
        } else {
            text.with("journey.sensor_range", &ends)
        };
        let all = [
            ends[0],
            ends[1],
            ends[2],
            ("kind", kind.as_str()),
            ("count", count.as_str()),
        ];
        let summary = text.with("journey.sensor_summary", &all);
        SensorView {
            range,
            summary,
            kind,
            count,
            band: None,
            curve: None,
        }
    }
}

/// At most two decimals, without trailing zeros and without a negative zero.
fn two_decimals(value: f64) -> String {
    let fixed = format!("{value:.2}");
    let short = fixed.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" {
        "0".to_owned()
    } else {
        short.to_owned()
    }
}

/// Where readings are drawn.
struct Plot {
    from: i64,
    until: i64,
    bottom: f64,
    top: f64,
    limits: (Option<f64>, Option<f64>),
}

impl Plot {
    /// `None` where there is too little for a curve: words say it all.
    fn of(readings: &[Reading], (min, max): (f64, f64), limits: Option<&Limits>) -> Option<Plot> {
        let (first, last) = readings.first().zip(readings.last())?;
        if readings.len() < 3 || first.at == last.at {
            return None;
        }
        let limits = limits.map_or((None, None), |limits| (limits.min, limits.max));
        let ends = [Some(min), Some(max), limits.0, limits.1].into_iter();
        let ends: Vec<f64> = ends.flatten().collect();
        Some(Plot {
            from: first.at,
            until: last.at,
            bottom: ends.iter().copied().fold(min, f64::min),
            top: ends.iter().copied().fold(max, f64::max),
            limits,
        })
    }

    fn x(&self, at: i64) -> f64 {
        let part = at.abs_diff(self.from) as f64 / self.until.abs_diff(self.from) as f64;
        part * f64::from(PLOT_WIDTH)
    }

    /// How far from the top a value is drawn; a flat record is a line through the middle.
    fn level(&self, value: f64) -> f64 {
        let part = match self.top > self.bottom {
            true => (self.top - value) / (self.top - self.bottom),
            false => 0.5,
        };
        EDGE + part * (f64::from(CURVE_HEIGHT) - 2.0 * EDGE)
    }

    fn y(&self, value: f64) -> i64 {
        self.level(value).round() as i64
    }

    /// From the most to the least that may be; to the edge of the box where there is no limit.
    fn band(&self) -> Option<(i64, i64)> {
        if self.limits == (None, None) {
            return None;
        }
        let upper = self.limits.1.map_or(0, |max| self.y(max));
        let lower = self
            .limits
            .0
            .map_or(i64::from(CURVE_HEIGHT), |min| self.y(min));
        Some((upper, lower - upper))
    }

    fn point(&self, at: i64, value: f64) -> String {
        format!("{:.0},{:.1}", self.x(at), self.level(value))
    }

    /// The readings as `x,y x,y …`. Where there are more than columns, each column keeps its lowest and its highest in the
    /// order they came, so that no excursion is smoothed away.
    fn line(&self, readings: &[Reading]) -> String {
        let column = readings.len().div_ceil(CURVE_COLUMNS).max(2);
        let mut points: Vec<String> = Vec::new();
        for group in readings.chunks(column) {
            let by_value = |a: &&Reading, b: &&Reading| a.value.total_cmp(&b.value);
            let ends = [group.iter().min_by(by_value), group.iter().max_by(by_value)];
            let mut ends: Vec<&Reading> = ends.into_iter().flatten().collect();
            ends.sort_by_key(|reading| reading.at);
            points.extend(ends.into_iter().map(|end| self.point(end.at, end.value)));
            points.dedup();
        }
        points.join(" ")
    }

    /// What lies outside the band, drawn from where the line leaves it to where it comes back. A column of readings is one
    /// point here as well: its furthest.
    fn breaches(&self, readings: &[Reading]) -> Vec<String> {
        let column = readings.len().div_ceil(CURVE_COLUMNS).max(1);
        let mut lines: Vec<Vec<String>> = Vec::new();
        let mut before: Option<(&Reading, bool)> = None;
        for group in readings.chunks(column) {
            let broken = group.iter().filter(|reading| reading.is_breach);
            let furthest = broken.max_by(|a, b| self.beyond(a).total_cmp(&self.beyond(b)));
            let here = furthest.or(group.last());
            let Some(here) = here else { continue };
            let was_out = before.is_some_and(|(_, is_out)| is_out);
            if furthest.is_some() {
                if !was_out {
                    let entry = before.and_then(|(last, _)| self.crossing(here, last));
                    lines.push(entry.into_iter().collect());
                }
                if let Some(line) = lines.last_mut() {
                    line.push(self.point(here.at, self.end_of(here)));
                }
            } else if was_out
                && let Some((last, _)) = before
                && let Some(line) = lines.last_mut()
            {
                line.extend(self.crossing(last, here));
            }
            before = Some((here, furthest.is_some()));
        }
        lines
            .into_iter()
            .map(|mut line| {
                // A line of one point is drawn as a dot by its round ends.
                if line.len() == 1 {
                    line.extend_from_within(..);
                }
                line.join(" ")
            })
            .collect()
    }

    /// The end of a reading that lies furthest outside; its value where no limit is drawn.
    fn end_of(&self, reading: &Reading) -> f64 {
        let above = self.limits.1.map_or(0.0, |max| reading.highest - max);
        let below = self.limits.0.map_or(0.0, |min| min - reading.lowest);
        if above <= 0.0 && below <= 0.0 {
            reading.value
        } else if above >= below {
            reading.highest
        } else {
            reading.lowest
        }
    }

    fn beyond(&self, reading: &Reading) -> f64 {
        let end = self.end_of(reading);
        let above = self.limits.1.map_or(0.0, |max| end - max);
        let below = self.limits.0.map_or(0.0, |min| min - end);
        above.max(below)
    }

    /// Where the line from a reading outside to one within crosses the limit.
    fn crossing(&self, outside: &Reading, within: &Reading) -> Option<String> {
        let (from, to) = (self.end_of(outside), self.end_of(within));
        let limits = [self.limits.0, self.limits.1].into_iter().flatten();
        let between = limits.filter(|limit| (from.min(to)..=from.max(to)).contains(limit));
        let limit = between.min_by(|a, b| (a - from).abs().total_cmp(&(b - from).abs()))?;
        let part = if from == to {
            0.0
        } else {
            (limit - from) / (to - from)
        };
        let x = self.x(outside.at) + (self.x(within.at) - self.x(outside.at)) * part;
        Some(format!("{x:.0},{:.1}", self.level(limit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::text::Lang;

    fn en() -> &'static Text {
        Text::of(Lang::En)
    }

    fn reading(at: i64, value: f64) -> Reading {
        Reading {
            at,
            value,
            lowest: value,
            highest: value,
            is_breach: false,
        }
    }

    fn told(readings: Vec<Reading>, limits: Option<Limits>) -> Option<SensorView> {
        let told = Readings {
            kind: "gs1:Temperature",
            uom: "CEL",
            readings,
            limits,
            when: &|at| Some(format!("at {at}")),
        };
        SensorView::of(en(), told)
    }

    fn chill(readings: &[(i64, f64)]) -> Option<SensorView> {
        let readings = readings.iter().map(|&(at, value)| reading(at, value));
        told(readings.collect(), None)
    }

    /// Readings of which what lies beyond 0 to 4 degrees is a breach.
    fn kept(readings: &[(i64, f64)]) -> SensorView {
        let readings = readings.iter().map(|&(at, value)| Reading {
            is_breach: !(0.0..=4.0).contains(&value),
            ..reading(at, value)
        });
        let limits = Limits {
            words: "from 0 °C to 4 °C".to_owned(),
            min: Some(0.0),
            max: Some(4.0),
        };
        told(readings.collect(), Some(limits)).expect("readings")
    }

    fn points(view: &SensorView) -> &str {
        view.curve.as_ref().map_or("", |curve| &curve.points)
    }

    #[test]
    fn readings_are_summed_up_in_any_order() {
        let view = chill(&[(20, -1.0), (0, 0.25), (10, 4.0)]).expect("readings");
        let words = "Temperature: lowest \u{2212}1 °C, highest 4 °C, 3 readings";
        assert_eq!(view.summary, words);
        assert_eq!(points(&view), "0,59.0 136,8.0 272,76.0");
        let curve = view.curve.expect("a curve");
        assert_eq!(curve.span, Some(("at 0".to_owned(), "at 20".to_owned())));
        assert!(curve.band.is_none() && view.band.is_none());
        let scale = [(8, "4 °C".to_owned()), (76, "\u{2212}1 °C".to_owned())];
        assert_eq!(curve.scale, scale, "the most and the least");
    }

    #[test]
    fn an_excursion_survives_thinning() {
        let mut readings: Vec<_> = (0..10_000).map(|t| (t, 4.0)).collect();
        readings[5_001].1 = 19.0;
        let view = chill(&readings).expect("readings");
        let drawn = points(&view).split(' ').count();
        assert!(drawn <= 2 * CURVE_COLUMNS, "{drawn} points");
        assert!(points(&view).contains(",8.0"), "{}", points(&view));
        assert!(view.range.contains("19"));
    }

    #[test]
    fn two_readings_or_one_moment_give_words_and_no_curve() {
        for readings in [&[(0, 1.0), (9, 2.0)][..], &[(5, 1.0), (5, 2.0), (5, 3.0)]] {
            assert!(chill(readings).expect("readings").curve.is_none());
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_left_out() {
        let view = chill(&[(0, f64::NAN), (1, f64::INFINITY), (2, 3.0)]).expect("one reading");
        assert_eq!(
            (view.range.as_str(), view.count.as_str()),
            ("3 °C", "1 reading")
        );
        assert!(chill(&[(0, f64::NAN)]).is_none());
        assert!(chill(&[]).is_none());
    }

    #[test]
    fn times_at_the_ends_of_their_range_do_not_overflow() {
        let view = chill(&[(i64::MIN, 1.0), (0, 2.0), (i64::MAX, 1.5)]).expect("readings");
        assert!(points(&view).starts_with("0,") && points(&view).contains("272,"));
    }

    #[test]
    fn a_band_that_was_kept_is_drawn_and_said_to_be() {
        let view = kept(&[(0, 1.0), (10, 2.0), (20, 4.0)]);
        let band = view.band.as_ref().expect("a band");
        assert_eq!(band.text, "To be kept from 0 °C to 4 °C: all readings are.");
        assert!(!band.is_broken);
        let curve = view.curve.as_ref().expect("a curve");
        assert_eq!(curve.band, Some((8, 68)));
        let limits = [(8, "4 °C".to_owned()), (76, "0 °C".to_owned())];
        assert_eq!(curve.scale, limits);
        assert!(curve.breaches.is_empty());
    }

    #[test]
    fn what_lies_outside_is_drawn_from_limit_to_limit() {
        let view = kept(&[
            (0, 2.0),
            (10, 2.0),
            (20, 6.0),
            (30, 8.0),
            (40, 4.0),
            (50, -4.0),
        ]);
        let band = view.band.as_ref().expect("a band");
        assert_eq!(
            band.text,
            "To be kept from 0 °C to 4 °C: some readings are not."
        );
        assert!(band.is_broken);
        let curve = view.curve.as_ref().expect("a curve");
        // From 8 at the top to -4 at the bottom; 4 and 0 lie a third and two thirds below.
        assert_eq!(curve.band, Some((31, 22)));
        assert_eq!(
            curve.breaches,
            ["82,30.7 109,19.3 163,8.0 218,30.7", "245,53.3 272,76.0"]
        );
    }

    #[test]
    fn a_single_reading_outside_and_the_extreme_of_a_mean_are_drawn_too() {
        let mut all: Vec<Reading> = (0..5).map(|at| reading(at * 10, 2.0)).collect();
        all[0] = Reading {
            highest: 6.0,
            is_breach: true,
            ..all[0]
        };
        let limits = Limits {
            words: "at 4 °C or below".to_owned(),
            min: None,
            max: Some(4.0),
        };
        let view = told(all.clone(), Some(limits)).expect("readings");
        let curve = view.curve.as_ref().expect("a curve");
        assert_eq!(curve.breaches, ["0,8.0 34,42.0"]);
        assert_eq!(curve.band, Some((42, 42)), "down to the edge: no least");
        // In another unit the limit is no line, and the breach is still marked.
        let words = Limits {
            words: "at 4 °C or below".to_owned(),
            min: None,
            max: None,
        };
        let view = told(all, Some(words)).expect("readings");
        let curve = view.curve.as_ref().expect("a curve");
        assert!(curve.band.is_none());
        assert_eq!(curve.breaches.len(), 1);
        assert!(view.band.expect("a band").is_broken);
    }

    #[test]
    fn a_peak_among_ten_thousand_readings_is_still_marked() {
        let mut readings: Vec<(i64, f64)> = (0..10_000).map(|t| (t, 3.0)).collect();
        readings[5_001].1 = 19.0;
        let curve = kept(&readings).curve.expect("a curve");
        assert_eq!(curve.breaches.len(), 1);
        assert!(curve.breaches[0].contains(",8.0"), "{:?}", curve.breaches);
        // And many of them take no more room than the line itself.
        let saw: Vec<(i64, f64)> = (0..10_000).map(|t| (t, (t % 9) as f64)).collect();
        let drawn: usize = kept(&saw)
            .curve
            .expect("a curve")
            .breaches
            .iter()
            .map(String::len)
            .sum();
        assert!(drawn < 2_000, "{drawn} bytes");
    }
}
