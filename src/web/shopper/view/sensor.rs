//! Sensor readings as one sentence and one small curve.

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
    /// The `points` of a polyline in a box of [`CURVE_WIDTH`] by [`CURVE_HEIGHT`]; empty if none.
    pub points_svg: String,
}

/// Width of the box a curve is drawn in, in its own units.
pub const CURVE_WIDTH: f64 = 240.0;
/// Height of the box a curve is drawn in, in its own units.
pub const CURVE_HEIGHT: f64 = 40.0;
/// A page must stay small: at most two points for each of these columns are drawn.
const CURVE_COLUMNS: usize = 40;

impl SensorView {
    /// Sums up readings of `(Unix seconds, value)` in any order, each perhaps the mean of many between `extremes`. `kind`
    /// is a GS1 measurement type, `uom` its unit code. Values that are not finite are left out; `None` if nothing
    /// remains.
    pub fn from_readings(
        text: &Text,
        (kind, uom): (&str, &str),
        readings: &[(i64, f64)],
        extremes: (f64, f64),
    ) -> Option<SensorView> {
        let mut readings: Vec<_> = readings
            .iter()
            .copied()
            .filter(|r| r.1.is_finite())
            .collect();
        readings.sort_by_key(|reading| reading.0);
        let values = readings.iter().map(|r| r.1);
        let min = values.clone().reduce(f64::min)?.min(extremes.0);
        let max = values.reduce(f64::max)?.max(extremes.1);
        let points_svg = curve(&readings, min, max);
        Some(SensorView {
            points_svg,
            ..SensorView::from_range(text, kind, uom, (min, max), readings.len() as u64)
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
            points_svg: String::new(),
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

/// Draws sorted readings as `x,y x,y …`. Where there are more readings than columns, each column
/// keeps its lowest and its highest in the order they came, so that no excursion is smoothed away.
fn curve(readings: &[(i64, f64)], min: f64, max: f64) -> String {
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
        return String::new();
    };
    if readings.len() < 3 || first.0 == last.0 {
        return String::new();
    }
    let column = readings.len().div_ceil(CURVE_COLUMNS).max(2);
    let mut kept: Vec<(i64, f64)> = Vec::new();
    for group in readings.chunks(column) {
        let by_value = |a: &&(i64, f64), b: &&(i64, f64)| a.1.total_cmp(&b.1);
        let ends = [group.iter().min_by(by_value), group.iter().max_by(by_value)];
        let mut ends: Vec<_> = ends.into_iter().flatten().copied().collect();
        ends.sort_by_key(|reading| reading.0);
        ends.dedup();
        kept.extend(ends);
    }
    let seconds = last.0.abs_diff(first.0) as f64;
    let place = |(at, value): (i64, f64)| {
        let x = at.abs_diff(first.0) as f64 / seconds * CURVE_WIDTH;
        // A flat record is a line through the middle; the margin keeps the stroke inside the box.
        let level = if max > min {
            (max - value) / (max - min)
        } else {
            0.5
        };
        format!("{x:.0},{:.1}", 2.0 + level * (CURVE_HEIGHT - 4.0))
    };
    kept.into_iter().map(place).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::text::Lang;

    fn en() -> &'static Text {
        Text::of(Lang::En)
    }

    fn chill(readings: &[(i64, f64)]) -> Option<SensorView> {
        SensorView::from_readings(
            en(),
            ("gs1:Temperature", "CEL"),
            readings,
            (f64::INFINITY, f64::NEG_INFINITY),
        )
    }

    #[test]
    fn readings_are_summed_up_in_any_order() {
        let view = chill(&[(20, -1.0), (0, 0.25), (10, 4.0)]).expect("readings");
        let words = "Temperature: lowest \u{2212}1 °C, highest 4 °C, 3 readings";
        assert_eq!(view.summary, words);
        assert_eq!(
            view.points_svg,
            "0,29.0 0,29.0 120,2.0 240,38.0".replacen("0,29.0 ", "", 1)
        );
    }

    #[test]
    fn an_excursion_survives_thinning() {
        let mut readings: Vec<_> = (0..10_000).map(|t| (t, 4.0)).collect();
        readings[5_001].1 = 19.0;
        let view = chill(&readings).expect("readings");
        let points = view.points_svg.split(' ').count();
        assert!(points <= 2 * CURVE_COLUMNS, "{points} points");
        assert!(
            view.points_svg.contains(",2.0"),
            "the peak is drawn: {}",
            view.points_svg
        );
        assert!(view.range.contains("19"));
    }

    #[test]
    fn two_readings_or_one_moment_give_words_and_no_curve() {
        assert_eq!(
            chill(&[(0, 1.0), (9, 2.0)]).expect("readings").points_svg,
            ""
        );
        assert_eq!(
            chill(&[(5, 1.0), (5, 2.0), (5, 3.0)])
                .expect("readings")
                .points_svg,
            ""
        );
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
        assert!(view.points_svg.starts_with("0,") && view.points_svg.contains("240,"));
    }
}
