//! Distances on the Earth.

/// The mean radius of the Earth (IUGG).
const EARTH_KM: f64 = 6_371.009;

/// Latitude and longitude in degrees.
pub type Position = (f64, f64);

/// Along the great circle, by the haversine formula.
pub fn distance_km(from: Position, to: Position) -> f64 {
    let radians = |(latitude, longitude): Position| (latitude.to_radians(), longitude.to_radians());
    let ((lat1, lon1), (lat2, lon2)) = (radians(from), radians(to));
    let half = |a: f64, b: f64| ((b - a) / 2.0).sin().powi(2);
    let chord = half(lat1, lat2) + lat1.cos() * lat2.cos() * half(lon1, lon2);
    2.0 * EARTH_KM * chord.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        // Auckland to Shanghai Pudong; airports' own positions, the distance as great-circle tables have it.
        let (auckland, pudong) = ((-37.0081, 174.7917), (31.1434, 121.8052));
        let km = distance_km(auckland, pudong);
        assert!((9_300.0..9_450.0).contains(&km), "{km}");
        assert_eq!(distance_km(pudong, pudong), 0.0);
        // Half around the world, over a pole and over the date line.
        let half = std::f64::consts::PI * EARTH_KM;
        assert!((distance_km((90.0, 0.0), (-90.0, 17.0)) - half).abs() < 1.0);
        assert!((distance_km((0.0, 179.5), (0.0, -179.5)) - 111.2).abs() < 0.1);
    }
}
