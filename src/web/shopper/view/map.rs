//! The journey on a map: where it was, in which order, on outlines of the land. Drawn here and not by a
//! service of others, so that no request leaves the page.

mod land;

use crate::web::text::Text;
use land::{Frame, Point, stretched};

/// A place on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// In degrees.
    pub latitude: f64,
    /// In degrees.
    pub longitude: f64,
    /// The region it lies in.
    pub region: Option<String>,
    /// The country it lies in.
    pub country: Option<String>,
}

/// A map of a journey.
#[derive(Debug)]
pub struct MapView {
    /// Height of the drawing in its own units; it is [`MAP_WIDTH`] wide.
    pub height: u32,
    /// The land, as the `d` of a path.
    pub land: String,
    /// The ways, as the `d` of a path.
    pub ways: String,
    /// The places.
    pub dots: Vec<Dot>,
    /// Their names.
    pub labels: Vec<Label>,
    /// The same in words.
    pub summary: String,
}

/// A place on the map.
#[derive(Debug, PartialEq)]
pub struct Dot {
    /// From the left.
    pub x: i64,
    /// From the top.
    pub y: i64,
    /// What it is on the way.
    pub part: Part,
}

/// What a place is on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Something began there.
    Start,
    /// It came there and went on.
    Between,
    /// It was there last.
    End,
}

impl Part {
    /// The name in the style sheets.
    pub fn class(self) -> &'static str {
        match self {
            Part::Start => "start",
            Part::Between => "stop",
            Part::End => "end",
        }
    }

    /// The radius of its dot.
    pub fn radius(self) -> u32 {
        match self {
            Part::Start => 4,
            Part::Between => 3,
            Part::End => 6,
        }
    }
}

/// A name on the map.
#[derive(Debug)]
pub struct Label {
    /// Where it begins, or ends.
    pub x: i64,
    /// Its baseline.
    pub y: i64,
    /// Whether it ends at `x`, and stands to the left of its place.
    pub is_left: bool,
    /// What it says.
    pub text: String,
}

/// Width of a map in its own units.
pub const MAP_WIDTH: u32 = 400;
const WIDTH: f64 = MAP_WIDTH as f64;
/// A map is at least so high, and at most so high.
const HEIGHTS: (f64, f64) = (220.0, 340.0);
/// A map shows at least so many degrees: the outlines are not made for more detail.
const MIN_DEGREES: f64 = 20.0;
/// The part of a map left free on each side.
const MARGIN: f64 = 0.17;
/// Dots nearer than this are one.
const ONE_DOT: f64 = 6.0;
/// Dots nearer than this have one name.
const ONE_NAME: f64 = 48.0;
/// Height of the letters of a name.
const LETTER: f64 = 15.0;
/// Names that fit on a map.
const MAX_NAMES: usize = 8;

impl MapView {
    /// Draws `stops`, in the order in which they were reached first, and the `ways` between them by their indices. `None` where
    /// all was at one place: a map of that tells nothing.
    pub fn draw(text: &Text, stops: &[Stop], ways: &[(usize, usize)]) -> Option<MapView> {
        let frame = frame(stops)?;
        let placed: Vec<Point> = points(stops)
            .into_iter()
            .map(|point| frame.place(point))
            .collect();
        // Each stop's dot, as an index into the stops that have one of their own.
        let mut own: Vec<usize> = Vec::new();
        let mut dot_of: Vec<usize> = Vec::with_capacity(stops.len());
        for at in 0..stops.len() {
            let near = |other: &&usize| distance(placed[**other], placed[at]) < ONE_DOT;
            let dot = own.iter().find(near).copied().unwrap_or_else(|| {
                own.push(at);
                at
            });
            dot_of.push(dot);
        }
        if own.len() < 2 {
            return None;
        }
        let mut between: Vec<(usize, usize)> = ways
            .iter()
            .filter_map(|(from, to)| Some((*dot_of.get(*from)?, *dot_of.get(*to)?)))
            .filter(|(from, to)| from != to)
            .collect();
        between.sort_unstable();
        between.dedup();
        let last = dot_of.last().copied();
        let dots = own.iter().map(|&at| Dot {
            x: placed[at].0.round() as i64,
            y: placed[at].1.round() as i64,
            part: if Some(at) == last {
                Part::End
            } else if between.iter().any(|(_, to)| *to == at) {
                Part::Between
            } else {
                Part::Start
            },
        });
        let paths = between
            .iter()
            .map(|(from, to)| way(placed[*from], placed[*to]));
        let names = names(stops, &own, &dot_of, &placed);
        let summary = names.iter().map(|name| name.text.clone());
        let then = |first: String, next: String| {
            text.with("map.then", &[("first", &first), ("next", &next)])
        };
        let summary = summary.reduce(then).unwrap_or_default();
        Some(MapView {
            height: frame.height as u32,
            land: frame.land(),
            ways: paths.collect(),
            dots: dots.collect(),
            labels: labels(&names, frame.height),
            summary: text.with("map.summary", &[("places", &summary)]),
        })
    }
}

/// The stops as points, all on one side of the cut through the widest gap between them.
fn points(stops: &[Stop]) -> Vec<Point> {
    let mut longitudes: Vec<f64> = stops.iter().map(|stop| stop.longitude).collect();
    longitudes.sort_by(f64::total_cmp);
    let next = longitudes.iter().cycle().skip(1);
    let gaps = longitudes.iter().zip(next);
    let gap = |(from, to): (&f64, &f64)| ((to - from).rem_euclid(360.0), *to);
    let widest = gaps.map(gap).max_by(|a, b| a.0.total_cmp(&b.0));
    let first = widest.map_or(0.0, |(_, first)| first);
    let unwrapped = |stop: &Stop| {
        let east = (stop.longitude - first).rem_euclid(360.0);
        (first + east, stretched(stop.latitude))
    };
    stops.iter().map(unwrapped).collect()
}

/// The part of the Earth that shows all stops with some room around them.
fn frame(stops: &[Stop]) -> Option<Frame> {
    let points = points(stops);
    let least = |axis: fn(&Point) -> f64| points.iter().map(axis).reduce(f64::min);
    let most = |axis: fn(&Point) -> f64| points.iter().map(axis).reduce(f64::max);
    let (west, east) = (least(|p| p.0)?, most(|p| p.0)?);
    let (south, north) = (least(|p| p.1)?, most(|p| p.1)?);
    let with_room = |span: f64| (span / (1.0 - 2.0 * MARGIN)).max(MIN_DEGREES);
    let (across, along) = (with_room(east - west), with_room(north - south));
    let height = (WIDTH * along / across).clamp(HEIGHTS.0, HEIGHTS.1).round();
    let scale = (WIDTH / across).min(height / along);
    Some(Frame {
        west: f64::midpoint(west, east) - WIDTH / scale / 2.0,
        north: f64::midpoint(south, north) + height / scale / 2.0,
        scale,
        width: WIDTH,
        height,
    })
}

fn distance(a: Point, b: Point) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// A line between two dots, bent so that there and back are two lines. It says who came after whom, and
/// not which way anything went.
fn way(from: Point, to: Point) -> String {
    let bend = if distance(from, to) < 12.0 { 0.0 } else { 0.16 };
    let x = f64::midpoint(from.0, to.0) + (to.1 - from.1) * bend;
    let y = f64::midpoint(from.1, to.1) - (to.0 - from.0) * bend;
    format!(
        "M{:.0} {:.0}Q{x:.0} {y:.0} {:.0} {:.0}",
        from.0, from.1, to.0, to.1
    )
}

/// A name and the dots that it is of.
struct Name {
    text: String,
    dots: Vec<Point>,
}

/// One name for dots of one country that lie together: that of their region where they share one, else that
/// of the country.
fn names(stops: &[Stop], own: &[usize], dot_of: &[usize], placed: &[Point]) -> Vec<Name> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &at in own {
        let is_near = |group: &&mut Vec<usize>| {
            group.iter().any(|other| {
                stops[*other].country == stops[at].country
                    && distance(placed[*other], placed[at]) < ONE_NAME
            })
        };
        match groups.iter_mut().find(is_near) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    let mut names: Vec<Name> = Vec::new();
    for group in groups {
        let first = &stops[group[0]];
        // Of all that is drawn there, not only of what has a dot of its own.
        let there = stops.iter().zip(dot_of);
        let mut there = there.filter(|(_, dot)| group.contains(dot));
        let shares = there.all(|(stop, _)| stop.region == first.region);
        let is_taken = |name: &&String| names.iter().any(|other| other.text == **name);
        let region = first.region.as_ref();
        let country = first.country.as_ref();
        let wide = if shares { region.or(country) } else { country };
        let name = wide.filter(|name| !is_taken(name)).or(region);
        if let Some(text) = name.filter(|name| !is_taken(name)).cloned() {
            names.push(Name {
                text,
                dots: group.iter().map(|at| placed[*at]).collect(),
            });
        }
    }
    names.truncate(MAX_NAMES);
    names
}

/// Names beside their dots, where there is room, and none over another.
fn labels(names: &[Name], height: f64) -> Vec<Label> {
    let mut taken: Vec<(f64, f64, f64, f64)> = Vec::new();
    let mut labels = Vec::new();
    for name in names {
        let long: f64 = name.text.chars().map(letter_width).sum();
        let left = name.dots.iter().map(|dot| dot.0).fold(WIDTH, f64::min);
        let right = name.dots.iter().map(|dot| dot.0).fold(0.0, f64::max);
        let top = name.dots.iter().map(|dot| dot.1).fold(height, f64::min);
        let bottom = name.dots.iter().map(|dot| dot.1).fold(0.0, f64::max);
        let middle = f64::midpoint(top, bottom);
        let centred = f64::midpoint(left, right) - long / 2.0;
        let centred = centred.clamp(4.0, (WIDTH - 4.0 - long).max(4.0));
        let spots = [
            (right + 10.0, middle),
            (left - 10.0 - long, middle),
            (centred, bottom + 18.0),
            (centred, top - 18.0),
        ];
        let fits = |spot: &&(f64, f64)| {
            let (x, y) = **spot;
            let inside =
                x >= 2.0 && x + long <= WIDTH - 2.0 && y >= LETTER && y <= height - LETTER / 2.0;
            let is_free = |other: &(f64, f64, f64, f64)| {
                x > other.2 || x + long < other.0 || y - LETTER > other.3 || y < other.1 - LETTER
            };
            inside && taken.iter().all(is_free)
        };
        // A name without room is left out; the steps below have it.
        let Some(&(x, y)) = spots.iter().find(fits) else {
            continue;
        };
        taken.push((x, y, x + long, y));
        let is_left = x < left && y == middle;
        labels.push(Label {
            x: if is_left { x + long } else { x }.round() as i64,
            y: (y + LETTER / 3.0).round() as i64,
            is_left,
            text: name.text.clone(),
        });
    }
    labels
}

/// About how wide a character is drawn in bold: Han characters fill a square; of others, the widest faces that phones
/// and desktops have take seven tenths of it.
fn letter_width(letter: char) -> f64 {
    if letter.is_ascii() {
        LETTER * 0.7
    } else {
        LETTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::text::Lang;

    fn stop(latitude: f64, longitude: f64, country: &str, region: &str) -> Stop {
        Stop {
            latitude,
            longitude,
            region: Some(region.to_owned()),
            country: Some(country.to_owned()),
        }
    }

    fn en() -> &'static Text {
        Text::of(Lang::En)
    }

    fn formula() -> Vec<Stop> {
        vec![
            stop(-37.8, 175.3, "New Zealand", "Waikato"),
            stop(-38.7, 178.0, "New Zealand", "Gisborne"),
            stop(30.6, 122.1, "China", "Shanghai"),
            stop(39.9, 116.4, "China", "Beijing"),
        ]
    }

    #[test]
    fn a_journey_is_drawn_from_its_start_to_its_end() {
        let map = MapView::draw(en(), &formula(), &[(0, 1), (1, 2), (2, 3)]).expect("a map");
        let parts: Vec<Part> = map.dots.iter().map(|dot| dot.part).collect();
        assert_eq!(
            parts,
            [Part::Start, Part::Between, Part::Between, Part::End]
        );
        assert_eq!(map.ways.matches('M').count(), 3);
        for dot in &map.dots {
            assert!((0..=400).contains(&dot.x) && (0..=i64::from(map.height)).contains(&dot.y));
        }
        // New Zealand lies to the south and the east of China.
        assert!(map.dots[0].x > map.dots[3].x && map.dots[0].y > map.dots[3].y);
        let names: Vec<&str> = map.labels.iter().map(|label| label.text.as_str()).collect();
        assert_eq!(names, ["New Zealand", "China"]);
        assert_eq!(map.summary, "By way of: New Zealand, then China");
        assert!(map.land.len() < 3_000, "{}", map.land.len());
    }

    #[test]
    fn one_place_alone_has_no_map() {
        let near = [
            stop(31.2, 121.5, "China", "Shanghai"),
            stop(31.21, 121.51, "China", "Shanghai"),
        ];
        assert!(MapView::draw(en(), &near, &[(0, 1)]).is_none());
        assert!(MapView::draw(en(), &near[..1], &[]).is_none());
        assert!(MapView::draw(en(), &[], &[]).is_none());
    }

    #[test]
    fn a_way_over_the_antimeridian_takes_the_short_side() {
        let stops = [
            stop(-37.8, 175.3, "New Zealand", "Waikato"),
            stop(-33.4, -70.7, "Chile", "Santiago"),
        ];
        let map = MapView::draw(en(), &stops, &[(0, 1)]).expect("a map");
        assert!(
            map.dots[0].x < map.dots[1].x,
            "Chile lies east over the Pacific"
        );
    }

    #[test]
    fn the_ends_of_the_earth_stay_within_the_frame() {
        let stops = [
            stop(90.0, 0.0, "A", "a"),
            stop(-90.0, 180.0, "B", "b"),
            stop(0.0, -180.0, "C", "c"),
            stop(0.0, 60.0, "D", "d"),
        ];
        let map = MapView::draw(en(), &stops, &[(0, 1), (1, 2), (9, 0)]).expect("a map");
        for dot in &map.dots {
            assert!((0..=400).contains(&dot.x) && (0..=i64::from(map.height)).contains(&dot.y));
        }
        assert_eq!(
            map.ways.matches('M').count(),
            2,
            "no way to what is not there"
        );
    }

    #[test]
    fn no_name_stands_over_another_or_outside() {
        let stops: Vec<Stop> = (0..12)
            .map(|n| {
                stop(
                    f64::from(n) * 0.9,
                    f64::from(n % 4) * 3.0,
                    &format!("Country {n}"),
                    &format!("Region {n}"),
                )
            })
            .collect();
        let map = MapView::draw(en(), &stops, &[]).expect("a map");
        assert!(map.labels.len() <= MAX_NAMES && map.labels.len() > 2);
        for (at, label) in map.labels.iter().enumerate() {
            let long: f64 = label.text.chars().map(letter_width).sum();
            let x = if label.is_left {
                label.x as f64 - long
            } else {
                label.x as f64
            };
            assert!(x >= 0.0 && x + long <= 401.0, "{label:?}");
            for other in &map.labels[..at] {
                let other_long: f64 = other.text.chars().map(letter_width).sum();
                let other_x = if other.is_left {
                    other.x as f64 - other_long
                } else {
                    other.x as f64
                };
                let apart = x > other_x + other_long
                    || x + long < other_x
                    || (label.y - other.y).abs() >= 15;
                assert!(apart, "{label:?} {other:?}");
            }
        }
    }
}
