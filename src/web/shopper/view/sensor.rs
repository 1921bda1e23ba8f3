//! Sensor readings as sentences and one small curve.

mod plot;

use crate::web::text::Text;
use plot::Plot;

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

impl BandView {
    /// Says no more than what was judged: a logger that ran before the goods were packed tells of those hours too.
    fn of(text: &Text, readings: &[Reading], words: &str) -> Option<BandView> {
        let words = [("band", words)];
        let is_broken = readings.iter().any(Reading::is_breach);
        let judged = readings.iter().filter(|reading| reading.is_kept.is_some());
        let told = match judged.count() {
            0 => return None,
            _ if is_broken => text.with("journey.sensor_broken", &words),
            judged if judged == readings.len() => text.with("journey.sensor_kept", &words),
            _ => text.with("journey.sensor_kept_since", &words),
        };
        Some(BandView {
            text: told,
            is_broken,
        })
    }
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
    /// The limits of the band; without one, the least and the most.
    pub scale: Vec<LimitView>,
    /// When the first reading was made, and when the last.
    pub span: Option<(String, String)>,
}

/// A limit beside the curve.
#[derive(Debug, PartialEq, Eq)]
pub struct LimitView {
    /// How far its line is from the top.
    pub y: i64,
    /// The baseline of its words, which keep their distance from others.
    pub text_y: i64,
    /// What it is.
    pub text: String,
}

/// Width of the box a curve is drawn in, in its own units.
pub const CURVE_WIDTH: u32 = 320;
/// Height of the box a curve is drawn in, in its own units.
pub const CURVE_HEIGHT: u32 = 84;
/// The part of the width that the curve itself takes; limits are written beside it.
pub const PLOT_WIDTH: u32 = 256;
/// Height of the words beside a curve.
const LETTER: i64 = 12;

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
    /// Whether it lies within what may be; `None` where that cannot be said of it.
    pub is_kept: Option<bool>,
}

impl Reading {
    fn is_breach(&self) -> bool {
        self.is_kept == Some(false)
    }
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
        let limits = told.limits.as_ref();
        let band = limits.and_then(|limits| BandView::of(text, &readings, &limits.words));
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
                scale: LimitView::beside(
                    scale.map(|limit| (plot.y(limit), label(limit))).collect(),
                ),
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

impl LimitView {
    /// Limits from the upper to the lower one. Their words stand beside them, or a line apart around the middle.
    fn beside(limits: Vec<(i64, String)>) -> Vec<LimitView> {
        let view = |(y, text): (i64, String)| LimitView {
            y,
            text_y: y + LETTER / 3,
            text,
        };
        let mut views: Vec<LimitView> = limits.into_iter().map(view).collect();
        if let [upper, lower] = views.as_mut_slice() {
            let lacking = LETTER - (lower.text_y - upper.text_y);
            if lacking > 0 {
                upper.text_y -= lacking / 2;
                lower.text_y += lacking - lacking / 2;
            }
        }
        views
    }
}

#[cfg(test)]
mod tests {
    use super::plot::CURVE_COLUMNS;
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
            is_kept: None,
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
            is_kept: Some((0.0..=4.0).contains(&value)),
            ..reading(at, value)
        });
        let limits = Limits {
            words: "from 0 °C to 4 °C".to_owned(),
            min: Some(0.0),
            max: Some(4.0),
        };
        told(readings.collect(), Some(limits)).expect("readings")
    }

    fn scale_of(curve: &CurveView) -> Vec<(i64, String)> {
        let scale = curve.scale.iter();
        scale.map(|limit| (limit.y, limit.text.clone())).collect()
    }

    fn points(view: &SensorView) -> &str {
        view.curve.as_ref().map_or("", |curve| &curve.points)
    }

    #[test]
    fn readings_are_summed_up_in_any_order() {
        let view = chill(&[(20, -1.0), (0, 0.25), (10, 4.0)]).expect("readings");
        let words = "Temperature: lowest \u{2212}1 °C, highest 4 °C, 3 readings";
        assert_eq!(view.summary, words);
        assert_eq!(points(&view), "0,59 128,8 256,76");
        let curve = view.curve.expect("a curve");
        assert_eq!(curve.span, Some(("at 0".to_owned(), "at 20".to_owned())));
        assert!(curve.band.is_none() && view.band.is_none());
        let scale = [(8, "4 °C".to_owned()), (76, "\u{2212}1 °C".to_owned())];
        assert_eq!(scale_of(&curve), scale, "the most and the least");
    }

    #[test]
    fn an_excursion_survives_thinning() {
        let mut readings: Vec<_> = (0..10_000).map(|t| (t, 4.0)).collect();
        readings[5_001].1 = 19.0;
        let view = chill(&readings).expect("readings");
        let drawn = points(&view).split(' ').count();
        assert!(drawn <= 2 * CURVE_COLUMNS, "{drawn} points");
        assert!(points(&view).contains(",8 "), "{}", points(&view));
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
        assert!(points(&view).starts_with("0,") && points(&view).contains("256,"));
    }

    #[test]
    fn a_band_that_was_kept_is_drawn_and_said_to_be() {
        let view = kept(&[(0, 1.0), (10, 2.0), (20, 4.0)]);
        let band = view.band.as_ref().expect("a band");
        assert_eq!(
            band.text,
            "To be kept from 0 °C to 4 °C: all readings within range."
        );
        assert!(!band.is_broken);
        let curve = view.curve.as_ref().expect("a curve");
        assert_eq!(curve.band, Some((8, 68)));
        let limits = [(8, "4 °C".to_owned()), (76, "0 °C".to_owned())];
        assert_eq!(scale_of(curve), limits);
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
            "To be kept from 0 °C to 4 °C: some readings outside it."
        );
        assert!(band.is_broken);
        let curve = view.curve.as_ref().expect("a curve");
        // From 8 at the top to -4 at the bottom; 4 and 0 lie a third and two thirds below.
        assert_eq!(curve.band, Some((31, 22)));
        assert_eq!(
            curve.breaches,
            ["77,30.7 102,19.3 154,8 205,30.7", "230,53.3 256,76"]
        );
    }

    #[test]
    fn a_single_reading_outside_and_the_extreme_of_a_mean_are_drawn_too() {
        let mut all: Vec<Reading> = (0..5).map(|at| reading(at * 10, 2.0)).collect();
        all[0] = Reading {
            highest: 6.0,
            is_kept: Some(false),
            ..all[0]
        };
        let limits = Limits {
            words: "at 4 °C or below".to_owned(),
            min: None,
            max: Some(4.0),
        };
        let view = told(all.clone(), Some(limits)).expect("readings");
        let curve = view.curve.as_ref().expect("a curve");
        assert_eq!(curve.breaches, ["0,8 32,42"]);
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
        assert!(curve.breaches[0].contains(",8 "), "{:?}", curve.breaches);
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

    #[test]
    fn no_more_is_said_of_a_band_than_was_judged() {
        let with = |kept: [Option<bool>; 3]| {
            let at = kept.into_iter().zip(0..);
            let readings = at.map(|(is_kept, at)| Reading {
                is_kept,
                ..reading(at, 2.0)
            });
            let limits = Limits {
                words: "at 4 °C or below".to_owned(),
                min: None,
                max: Some(4.0),
            };
            let view = told(readings.collect(), Some(limits)).expect("readings");
            view.band.map(|band| band.text)
        };
        let text = |end: &str| Some(format!("To be kept at 4 °C or below: {end}"));
        assert_eq!(with([Some(true); 3]), text("all readings within range."));
        let since = text("all readings since it was packed within range.");
        assert_eq!(with([None, Some(true), Some(true)]), since);
        let broken = with([None, Some(true), Some(false)]);
        assert_eq!(broken, text("some readings outside it."));
        assert_eq!(with([None; 3]), None);
    }

    #[test]
    fn limits_that_lie_close_are_not_written_over_each_other() {
        let close = LimitView::beside(vec![(40, "4 °C".into()), (45, "0 °C".into())]);
        assert_eq!((close[0].y, close[1].y), (40, 45));
        assert_eq!(close[1].text_y - close[0].text_y, LETTER);
        let far = LimitView::beside(vec![(8, "4 °C".into()), (76, "0 °C".into())]);
        assert_eq!((far[0].text_y, far[1].text_y), (12, 80));
    }

    #[test]
    fn numbers_too_large_to_draw_are_told_in_words() {
        let view = chill(&[(0, 1e308), (1, 0.0), (2, -1e308)]).expect("readings");
        assert!(view.curve.is_none());
    }
}
