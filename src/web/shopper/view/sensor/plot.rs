//! Where readings are drawn, and what of them lies outside.

use super::{CURVE_HEIGHT, Limits, PLOT_WIDTH, Reading};

/// A curve stays so far from the upper and the lower edge, that half a stroke and half a letter fit.
const EDGE: f64 = 8.0;
/// A page must stay small: at most two points for each of these columns are drawn.
pub(super) const CURVE_COLUMNS: usize = 40;

/// Where readings are drawn.
pub(super) struct Plot {
    pub from: i64,
    pub until: i64,
    bottom: f64,
    top: f64,
    pub limits: (Option<f64>, Option<f64>),
}

impl Plot {
    /// `None` where there is too little for a curve: words say it all.
    pub fn of(
        readings: &[Reading],
        (min, max): (f64, f64),
        limits: Option<&Limits>,
    ) -> Option<Plot> {
        let (first, last) = readings.first().zip(readings.last())?;
        let is_flat = first.at == last.at;
        if readings.len() < 3 || is_flat || !(max - min).is_finite() {
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

    pub fn y(&self, value: f64) -> i64 {
        self.level(value).round() as i64
    }

    /// From the most to the least that may be; to the edge of the box where there is no limit.
    pub fn band(&self) -> Option<(i64, i64)> {
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
        in_tenths(self.x(at), self.level(value))
    }

    /// The readings as `x,y x,y …`. Where there are more than columns, each column keeps its lowest and its highest in the
    /// order they came, so that no excursion is smoothed away.
    pub fn line(&self, readings: &[Reading]) -> String {
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
    pub fn breaches(&self, readings: &[Reading]) -> Vec<String> {
        let column = readings.len().div_ceil(CURVE_COLUMNS).max(1);
        let mut lines: Vec<Vec<String>> = Vec::new();
        let mut before: Option<(&Reading, bool)> = None;
        for group in readings.chunks(column) {
            let broken = group.iter().filter(|reading| reading.is_breach());
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
        Some(in_tenths(x, self.level(limit)))
    }
}

/// A point, its height to tenths: a curve has hundreds of them, and most end in a nought that says nothing.
fn in_tenths(x: f64, y: f64) -> String {
    let point = format!("{x:.0},{y:.1}");
    point
        .strip_suffix(".0")
        .map_or(point.clone(), str::to_owned)
}
