//! The land of the Earth: outlines without borders, clipped to what a map shows.
//!
//! `land.txt` holds Natural Earth's 1:110m land (public domain, naturalearthdata.com), rounded to tenths of a degree,
//! without Antarctica. A line is a ring: the first pair is a longitude and a latitude, each further pair the way from the
//! one before. A ring that crosses the antimeridian goes on beyond 180°.

use std::sync::LazyLock;

/// A point in degrees: longitude, and latitude as Mercator stretches it.
pub(super) type Point = (f64, f64);

/// A ring and its extent.
struct Ring {
    points: Vec<Point>,
    west: f64,
    east: f64,
}

static RINGS: LazyLock<Vec<Ring>> =
    LazyLock::new(|| include_str!("land.txt").lines().filter_map(ring).collect());

fn ring(line: &str) -> Option<Ring> {
    let mut at = (0_i32, 0_i32);
    let mut points = Vec::new();
    for pair in line.split(' ') {
        let (east, north) = pair.split_once(',')?;
        at = (
            at.0 + east.parse::<i32>().ok()?,
            at.1 + north.parse::<i32>().ok()?,
        );
        points.push((f64::from(at.0) / 10.0, stretched(f64::from(at.1) / 10.0)));
    }
    let east_of = |points: &[Point]| points.iter().map(|point| point.0).reduce(f64::max);
    let west_of = |points: &[Point]| points.iter().map(|point| point.0).reduce(f64::min);
    Some(Ring {
        west: west_of(&points)?,
        east: east_of(&points)?,
        points,
    })
}

/// Latitudes nearer to a pole than this are drawn as this: Mercator's map has no end there.
const MAX_LATITUDE: f64 = 80.0;

/// A latitude on Mercator's map, in degrees of the equator.
pub(super) fn stretched(latitude: f64) -> f64 {
    let latitude = latitude.clamp(-MAX_LATITUDE, MAX_LATITUDE).to_radians();
    (std::f64::consts::FRAC_PI_4 + latitude / 2.0)
        .tan()
        .ln()
        .to_degrees()
}

/// What a map shows of the Earth, and how large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    /// The longitude of its left edge; the right one may lie beyond 180°.
    pub west: f64,
    /// The stretched latitude of its upper edge.
    pub north: f64,
    /// Units of the drawing to a degree of the equator.
    pub scale: f64,
    /// In units of the drawing.
    pub width: f64,
    /// In units of the drawing.
    pub height: f64,
}

impl Frame {
    /// Where a point of the Earth is drawn.
    pub fn place(&self, point: Point) -> Point {
        (
            (point.0 - self.west) * self.scale,
            (self.north - point.1) * self.scale,
        )
    }

    /// The land in the frame as an SVG path: whole units, and nothing that is too small to be seen.
    pub fn land(&self) -> String {
        let east = self.west + self.width / self.scale;
        let mut path = String::new();
        for ring in RINGS.iter() {
            for turn in [-360.0, 0.0, 360.0] {
                if ring.east + turn < self.west || ring.west + turn > east {
                    continue;
                }
                let drawn = ring.points.iter();
                let drawn = drawn.map(|point| self.place((point.0 + turn, point.1)));
                draw(&self.clip(drawn.collect()), &mut path);
            }
        }
        path
    }

    /// The part of a polygon within the frame, and a little beyond (Sutherland and Hodgman, 1974: one edge of the
    /// frame after the other).
    fn clip(&self, polygon: Vec<Point>) -> Vec<Point> {
        let (right, bottom) = (self.width + BEYOND, self.height + BEYOND);
        // How far a point lies within each edge.
        let edges: [&dyn Fn(Point) -> f64; 4] = [
            &|point| point.0 + BEYOND,
            &|point| right - point.0,
            &|point| point.1 + BEYOND,
            &|point| bottom - point.1,
        ];
        let mut kept = polygon;
        for within in edges {
            let mut next = Vec::with_capacity(kept.len());
            let mut before = kept.last().copied();
            for point in kept {
                if let Some(before) = before {
                    let (from, to) = (within(before), within(point));
                    if (from >= 0.0) != (to >= 0.0) {
                        let part = from / (from - to);
                        next.push((
                            before.0 + (point.0 - before.0) * part,
                            before.1 + (point.1 - before.1) * part,
                        ));
                    }
                }
                if within(point) >= 0.0 {
                    next.push(point);
                }
                before = Some(point);
            }
            kept = next;
        }
        kept
    }
}

/// Units beyond the frame at which land is cut off: its edge is not drawn as a coast.
const BEYOND: f64 = 4.0;
/// Points of a coast are at least so many units apart, or the turn between them cannot be seen.
const STRIDE: f64 = 3.0;

/// Appends a polygon as `M12 34l5-6…z`.
fn draw(polygon: &[Point], path: &mut String) {
    let mut points: Vec<(i64, i64)> = Vec::new();
    let mut last: Option<Point> = None;
    for point in polygon {
        let far = last.is_none_or(|last| {
            (point.0 - last.0).abs() >= STRIDE || (point.1 - last.1).abs() >= STRIDE
        });
        if far {
            points.push((point.0.round() as i64, point.1.round() as i64));
            last = Some(*point);
        }
    }
    points.dedup();
    let [first, rest @ ..] = points.as_slice() else {
        return;
    };
    if rest.len() < 2 {
        return;
    }
    path.push_str(&format!("M{} {}l", first.0, first.1));
    let mut before = first;
    for (at, point) in rest.iter().enumerate() {
        let (x, y) = (point.0 - before.0, point.1 - before.1);
        // A minus sign separates as well as a space does.
        let spaced = |number: i64| if number < 0 { "" } else { " " };
        let lead = if at == 0 { "" } else { spaced(x) };
        path.push_str(&format!("{lead}{x}{}{y}", spaced(y)));
        before = point;
    }
    path.push('z');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the Tasman Sea to China.
    const FRAME: Frame = Frame {
        west: 100.0,
        north: 60.0,
        scale: 4.0,
        width: 400.0,
        height: 400.0,
    };

    /// Whether a point lies within the rings, whatever way they turn.
    fn is_land(longitude: f64, latitude: f64) -> bool {
        let point = (longitude, stretched(latitude));
        let crossings = RINGS.iter().flat_map(|ring| {
            let next = ring.points.iter().cycle().skip(1);
            let sides = ring.points.iter().zip(next).take(ring.points.len());
            sides.filter(move |(a, b)| {
                let crosses = (a.1 > point.1) != (b.1 > point.1);
                crosses && point.0 < a.0 + (point.1 - a.1) / (b.1 - a.1) * (b.0 - a.0)
            })
        });
        crossings.count() % 2 == 1
    }

    #[test]
    fn every_line_of_the_outlines_is_read_and_land_is_where_it_is() {
        let lines = include_str!("land.txt").lines().count();
        assert_eq!(RINGS.len(), lines);
        for (longitude, latitude) in [
            (175.3, -37.8), // Hamilton, New Zealand
            (151.9, -27.6), // Toowoomba
            (116.4, 39.9),  // Beijing
            (121.0, 23.8),  // Nantou
            (109.7, 19.2),  // Hainan
            (-60.0, -20.0), // Gran Chaco
            (188.0, 66.5),  // Chukotka, beyond the antimeridian
            (10.0, 50.0),   // Hesse
        ] {
            assert!(is_land(longitude, latitude), "{longitude} {latitude}");
        }
        for (longitude, latitude) in [(165.0, -38.0), (150.0, 20.0), (-30.0, 40.0), (51.0, 42.0)] {
            assert!(!is_land(longitude, latitude), "{longitude} {latitude}");
        }
    }

    #[test]
    fn land_is_clipped_to_the_frame_and_small() {
        let path = FRAME.land();
        assert!((500..3_000).contains(&path.len()), "{} bytes", path.len());
        let mut at = (0, 0);
        for shape in path.split('M').filter(|shape| !shape.is_empty()) {
            let (start, steps) = shape.trim_end_matches('z').split_once('l').unwrap();
            let (x, y) = start.split_once(' ').unwrap();
            at = (x.parse::<i64>().unwrap(), y.parse::<i64>().unwrap());
            let spaced = steps.replace('-', " -");
            let numbers: Vec<i64> = spaced
                .split_whitespace()
                .map(|n| n.parse().unwrap())
                .collect();
            assert_eq!(numbers.len() % 2, 0, "{steps}");
            for step in numbers.chunks(2) {
                at = (at.0 + step[0], at.1 + step[1]);
                assert!((-5..=405).contains(&at.0) && (-5..=405).contains(&at.1));
            }
        }
        assert_ne!(at, (0, 0));
    }

    #[test]
    fn the_other_side_of_the_antimeridian_is_drawn_too() {
        let pacific = Frame {
            west: 170.0,
            north: 85.0,
            scale: 4.0,
            width: 400.0,
            height: 300.0,
        };
        // Alaska lies at 150° west, which is 210° east.
        let alone = Frame {
            west: 200.0,
            width: 40.0,
            ..pacific
        };
        assert!(pacific.land().len() > 300 && !alone.land().is_empty());
        let nowhere = Frame {
            west: -150.0,
            north: -10.0,
            scale: 10.0,
            width: 100.0,
            height: 100.0,
        };
        assert_eq!(nowhere.land(), "");
    }

    #[test]
    fn the_equator_is_not_stretched_and_a_pole_is_no_infinity() {
        assert!(stretched(0.0).abs() < 1e-9);
        assert!((stretched(60.0) - 75.456).abs() < 0.01);
        assert!(
            (stretched(90.0) - 139.587).abs() < 0.01 && (stretched(-90.0) + 139.587).abs() < 0.01
        );
    }
}
