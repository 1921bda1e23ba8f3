//! Settings of serving: who may read the metrics, which proxies are believed, how much one client may
//! ask for, whether maps are drawn, and how the service takes its leave.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::header::HeaderName;
use ipnet::IpNet;

use super::Reader;
use crate::web::{LimitSettings, MetricsToken, ServingSettings, TrustedProxies};

/// Networks of trusted proxies.
const MAX_TRUSTED_PROXIES: usize = 64;
/// A hundred a second from one address: a mobile carrier may hide thousands of shoppers behind one, and
/// none of them scans more than a few codes a minute. A page, its picture and its QR code are three.
const LOOKUPS_PER_MINUTE: u64 = 6_000;
/// A thousand a second for one key; a document holds up to 10,000 events.
const API_REQUESTS_PER_MINUTE: u64 = 60_000;
/// More is no limit that anybody could reach.
const MAX_PER_MINUTE: u64 = 10_000_000;

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub(super) fn serving(&mut self) -> ServingSettings {
        let mut per_minute = |name, default| self.number(name, default, 0..=MAX_PER_MINUTE) as u32;
        let limits = LimitSettings {
            lookups_per_minute: per_minute("ROOTMARK_LOOKUPS_PER_MINUTE", LOOKUPS_PER_MINUTE),
            api_requests_per_minute: per_minute(
                "ROOTMARK_API_REQUESTS_PER_MINUTE",
                API_REQUESTS_PER_MINUTE,
            ),
        };
        let trusted_proxies = self.parsed(
            "ROOTMARK_TRUSTED_PROXIES",
            "at most 64 addresses or networks with commas between them, such as 127.0.0.1,10.1.0.0/16",
            trusted_proxies,
        );
        ServingSettings {
            metrics_token: self.metrics_token(),
            trusted_proxies: trusted_proxies.unwrap_or_default(),
            limits,
            maps: self.switch("ROOTMARK_MAPS"),
            place_header: self.parsed(
                "ROOTMARK_PLACE_HEADER",
                "the name of a header, such as X-Client-Region",
                |text| HeaderName::from_bytes(text.as_bytes()).ok(),
            ),
        }
    }

    pub(super) fn shutdown_grace(&mut self) -> Duration {
        Duration::from_millis(self.number("ROOTMARK_SHUTDOWN_GRACE_MS", 3_000, 0..=60_000))
    }

    /// The fault names the variable and never its value.
    fn metrics_token(&mut self) -> Option<MetricsToken> {
        let token = MetricsToken::new(&self.text("ROOTMARK_METRICS_TOKEN")?);
        if token.is_none() {
            let fault = "ROOTMARK_METRICS_TOKEN must be 16 to 200 visible ASCII characters";
            self.faults.push(fault.to_owned());
        }
        token
    }
}

fn trusted_proxies(text: &str) -> Option<TrustedProxies> {
    let entries: Vec<&str> = text.split(',').map(str::trim).collect();
    let networks: Option<Vec<IpNet>> = entries.iter().map(|entry| network(entry)).collect();
    networks
        .filter(|networks| networks.len() <= MAX_TRUSTED_PROXIES)
        .map(TrustedProxies)
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| single()).ok()
}

#[cfg(test)]
mod tests {
    use crate::config::{Settings, SettingsError};

    fn read(name: &str, value: &str) -> Result<Settings, SettingsError> {
        Settings::read(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let name = "ROOTMARK_TRUSTED_PROXIES";
        let settings = read(name, "127.0.0.1, 10.1.0.0/16,2001:db8::/32").unwrap();
        let networks = settings.serving.trusted_proxies.0;
        let shown: Vec<String> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["127.0.0.1/32", "10.1.0.0/16", "2001:db8::/32"]);
        let sixty_five = ["10.0.0.1"; 65].join(",");
        for bad in ["localhost", "10.0.0.0/33", "10.0.0.1,", "*", &sixty_five] {
            assert!(read(name, bad).is_err(), "{bad}");
        }
        assert!(read(name, &["10.0.0.1"; 64].join(",")).is_ok());
    }

    #[test]
    fn limits_have_a_default_and_zero_takes_them_away() {
        let limits = |name, value| read(name, value).unwrap().serving.limits;
        let defaults = limits("", "");
        assert_eq!(defaults.lookups_per_minute, 6_000);
        assert_eq!(defaults.api_requests_per_minute, 60_000);
        assert_eq!(
            limits("ROOTMARK_LOOKUPS_PER_MINUTE", "0").lookups_per_minute,
            0
        );
        assert!(read("ROOTMARK_API_REQUESTS_PER_MINUTE", "-1").is_err());
        assert!(read("ROOTMARK_API_REQUESTS_PER_MINUTE", "10000001").is_err());
    }

    #[test]
    fn maps_are_drawn_unless_they_are_off() {
        let drawn = |value| read("ROOTMARK_MAPS", value).map(|read| read.serving.maps);
        assert!(read("", "").unwrap().serving.maps);
        assert_eq!((drawn("on"), drawn("off")), (Ok(true), Ok(false)));
        let SettingsError(faults) = drawn("none").unwrap_err();
        assert!(faults[0].contains("ROOTMARK_MAPS"), "{faults:?}");
    }

    #[test]
    fn a_token_that_is_refused_is_not_printed() {
        let SettingsError(faults) = read("ROOTMARK_METRICS_TOKEN", "hunter2").unwrap_err();
        assert_eq!(faults.len(), 1);
        assert!(!faults[0].contains("hunter2"), "{faults:?}");
        let settings = read("ROOTMARK_METRICS_TOKEN", "correct-horse-battery").unwrap();
        assert!(!format!("{settings:?}").contains("horse"));
    }

    #[test]
    fn the_leave_is_short() {
        let grace = |value| read("ROOTMARK_SHUTDOWN_GRACE_MS", value);
        assert_eq!(grace("").unwrap().shutdown_grace.as_millis(), 3_000);
        assert_eq!(grace("0").unwrap().shutdown_grace.as_millis(), 0);
        assert!(grace("60001").is_err());
    }
}
