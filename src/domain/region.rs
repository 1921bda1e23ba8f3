//! Countries and parts of countries (ISO 3166), as far as it must be known how far apart they are.

use super::globe::{Position, distance_km};

/// A country or a part of one (ISO 3166): as near as anybody's place is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(String);

impl Region {
    /// `CN`, or `CN-SH`.
    pub fn parse(text: &str) -> Option<Region> {
        let is_capital = |byte: u8| byte.is_ascii_uppercase();
        let (country, part) = match text.split_once('-') {
            Some((country, part)) => (country, Some(part)),
            None => (text, None),
        };
        let is_country = country.len() == 2 && country.bytes().all(is_capital);
        let is_part = part.is_none_or(|part| {
            let is_letter = |byte: u8| is_capital(byte) || byte.is_ascii_digit();
            (1..=3).contains(&part.len()) && part.bytes().all(is_letter)
        });
        (is_country && is_part).then(|| Region(text.to_owned()))
    }

    /// As ISO 3166 writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The parts of China by their letters and by the digits that ISO 3166-2 had before 2017: about the middle of each, and
/// how far from there its furthest border is at most, in kilometres. Rounded up: what is told of distances is the least
/// that they can be.
const PROVINCES: [(&str, &str, Position, f64); 34] = [
    ("BJ", "11", (40.2, 116.4), 120.0),
    ("TJ", "12", (39.3, 117.3), 120.0),
    ("HE", "13", (39.5, 116.1), 440.0),
    ("SX", "14", (37.6, 112.3), 420.0),
    ("NM", "15", (44.1, 113.9), 1_520.0),
    ("LN", "21", (41.3, 122.6), 350.0),
    ("JL", "22", (43.7, 126.2), 490.0),
    ("HL", "23", (47.9, 127.8), 800.0),
    ("SH", "31", (31.2, 121.5), 90.0),
    ("JS", "32", (33.0, 119.5), 370.0),
    ("ZJ", "33", (29.2, 120.1), 320.0),
    ("AH", "34", (31.8, 117.2), 340.0),
    ("FJ", "35", (26.1, 118.0), 310.0),
    ("JX", "36", (27.6, 115.7), 400.0),
    ("SD", "37", (36.4, 118.1), 470.0),
    ("HA", "41", (33.9, 113.6), 360.0),
    ("HB", "42", (31.0, 112.3), 430.0),
    ("HN", "43", (27.6, 111.7), 390.0),
    ("GD", "44", (23.3, 113.4), 520.0),
    ("GX", "45", (23.8, 108.8), 490.0),
    ("HI", "46", (19.2, 109.7), 430.0),
    ("CQ", "50", (30.1, 107.9), 320.0),
    ("SC", "51", (30.6, 102.7), 700.0),
    ("GZ", "52", (26.8, 106.9), 370.0),
    ("YN", "53", (25.0, 101.5), 600.0),
    ("XZ", "54", (31.5, 88.3), 1_110.0),
    ("SN", "61", (35.2, 108.9), 580.0),
    ("GS", "62", (38.0, 101.0), 1_000.0),
    ("QH", "63", (35.7, 96.0), 680.0),
    ("NX", "64", (37.3, 106.2), 270.0),
    ("XJ", "65", (41.1, 85.2), 1_150.0),
    ("TW", "71", (23.7, 121.0), 320.0),
    ("HK", "91", (22.3, 114.2), 40.0),
    ("MO", "92", (22.2, 113.5), 13.0),
];

/// The same of countries from which and to which food and people travel.
const COUNTRIES: [(&str, Position, f64); 44] = [
    ("AE", (24.0, 54.0), 320.0),
    ("AR", (-38.0, -65.0), 2_100.0),
    ("AT", (47.6, 14.0), 370.0),
    ("AU", (-25.0, 134.0), 2_600.0),
    ("BE", (50.6, 4.6), 190.0),
    ("BR", (-10.0, -53.0), 2_900.0),
    ("CA", (60.0, -96.0), 3_600.0),
    ("CH", (46.8, 8.2), 220.0),
    ("CN", (36.0, 104.0), 3_100.0),
    ("DE", (51.0, 10.0), 520.0),
    ("DK", (56.0, 10.0), 350.0),
    ("ES", (40.0, -3.7), 1_900.0),
    ("FI", (64.0, 26.0), 720.0),
    ("FR", (46.5, 2.5), 860.0),
    ("GB", (54.0, -2.5), 760.0),
    ("HK", (22.3, 114.2), 40.0),
    ("ID", (-2.0, 118.0), 3_000.0),
    ("IE", (53.3, -8.0), 300.0),
    ("IN", (22.0, 79.0), 2_050.0),
    ("IT", (42.5, 12.5), 860.0),
    ("JP", (37.0, 138.0), 2_200.0),
    ("KH", (12.6, 105.0), 360.0),
    ("KR", (36.4, 127.8), 410.0),
    ("KZ", (48.0, 67.0), 1_650.0),
    ("LA", (18.5, 104.0), 610.0),
    ("MM", (21.0, 96.0), 1_400.0),
    ("MN", (46.8, 103.0), 1_380.0),
    ("MO", (22.2, 113.5), 13.0),
    ("MY", (4.0, 109.0), 1_200.0),
    ("NL", (52.2, 5.5), 230.0),
    ("NO", (65.0, 15.0), 1_650.0),
    ("NZ", (-41.0, 173.0), 1_000.0),
    ("PH", (12.0, 123.0), 1_100.0),
    ("PL", (52.0, 19.0), 500.0),
    ("PT", (39.6, -8.0), 1_700.0),
    ("SA", (24.0, 45.0), 1_280.0),
    ("SE", (62.0, 16.0), 1_000.0),
    ("SG", (1.4, 103.8), 35.0),
    ("TH", (15.0, 101.0), 1_060.0),
    ("TW", (23.7, 121.0), 320.0),
    ("US", (45.0, -110.0), 6_100.0),
    ("UY", (-33.0, -56.0), 390.0),
    ("VN", (16.0, 107.0), 1_100.0),
    ("ZA", (-29.0, 25.0), 1_100.0),
];

impl Region {
    /// The two letters of the part of China, where it is one.
    fn province(&self) -> Option<&'static str> {
        let part = self.0.strip_prefix("CN-")?;
        let mut provinces = PROVINCES.iter();
        let found = provinces.find(|(letters, digits, ..)| part == *letters || part == *digits);
        found.map(|(letters, ..)| *letters)
    }

    fn circle(&self) -> Option<(Position, f64)> {
        let mut provinces = PROVINCES.iter();
        let mut countries = COUNTRIES.iter();
        match self.province() {
            Some(province) => provinces
                .find(|(letters, ..)| *letters == province)
                .map(|(_, _, position, radius)| (*position, *radius)),
            // Parts of other countries may lie far off them: islands, and what is overseas.
            None => countries
                .find(|(country, ..)| *country == self.0)
                .map(|(_, position, radius)| (*position, *radius)),
        }
    }

    /// How far two regions are apart at the least, in kilometres; none where that is not known.
    pub fn least_km_to(&self, other: &Region) -> Option<f64> {
        let ((here, radius), (there, other_radius)) = (self.circle()?, other.circle()?);
        Some((distance_km(here, there) - radius - other_radius).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_country_or_a_part_of_one() {
        for good in ["CN", "CN-SH", "CN-31", "NZ-AUK", "GB-ENG"] {
            assert_eq!(Region::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "", "C", "CHN", "cn", "CN-", "CN-SHAN", "CN-sh", "CN_SH", "CN-S H",
        ] {
            assert_eq!(Region::parse(bad), None, "{bad}");
        }
    }

    fn km(from: &str, to: &str) -> f64 {
        let region = |text| Region::parse(text).unwrap();
        region(from).least_km_to(&region(to)).unwrap()
    }

    #[test]
    fn regions_are_as_far_apart_as_their_nearest_borders_at_the_least() {
        // Neighbours, and a region and what it lies in, are not apart.
        for (from, to) in [
            ("CN-SH", "CN-JS"),
            ("CN-SH", "CN-31"),
            ("CN-BJ", "CN-HE"),
            ("CN", "CN-XJ"),
            ("CN-GD", "CN-HK"),
            ("JP", "TW"),
            ("ES", "PT"),
        ] {
            assert_eq!(km(from, to), 0.0, "{from} {to}");
        }
        // Airports of both lie about 3,000 and 9,400 km apart.
        assert!(
            (1_500.0..3_000.0).contains(&km("CN-SH", "CN-XJ")),
            "{}",
            km("CN-SH", "CN-XJ")
        );
        assert!(
            (7_500.0..9_400.0).contains(&km("NZ", "CN-SH")),
            "{}",
            km("NZ", "CN-SH")
        );
        assert_eq!(
            km("CN-XJ", "CN-SH"),
            km("CN-SH", "CN-65").max(km("CN-65", "CN-SH"))
        );
        let unknown = Region::parse("XX").unwrap();
        assert_eq!(unknown.least_km_to(&Region::parse("CN").unwrap()), None);
        let overseas = Region::parse("US-GU").unwrap();
        assert_eq!(overseas.least_km_to(&Region::parse("PH").unwrap()), None);
    }

    #[test]
    fn a_province_is_one_by_its_letters_and_its_digits() {
        assert_eq!(Region::parse("CN-31").unwrap().province(), Some("SH"));
        assert_eq!(Region::parse("CN-SH").unwrap().province(), Some("SH"));
        for none in ["CN", "CN-99", "NZ-SH"] {
            assert_eq!(Region::parse(none).unwrap().province(), None, "{none}");
        }
    }
}
