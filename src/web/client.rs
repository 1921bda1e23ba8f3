//! Who is asking: the address behind a connection, past proxies that are trusted and no others.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use auditlog::Hash;
use ipnet::IpNet;
use time::{Date, OffsetDateTime};

/// How many addresses of a chain of proxies are looked at, from the last one back.
const MAX_PROXIES: usize = 32;

/// Proxies whose word about their clients is taken.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

impl TrustedProxies {
    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Whether a request comes from one of them: then it may say more of its client.
    pub(super) fn is_behind(&self, request: &HttpRequest) -> bool {
        let peer = request.peer_addr();
        peer.is_some_and(|peer| self.has(peer.ip().to_canonical()))
    }

    /// The address of the client. Headers count only where a trusted proxy sent them, and of a chain
    /// only the part that trusted proxies wrote: it is read from its end, to the first that is not one
    /// of them. A proxy that writes one of the two headers may let the other one pass as the client sent
    /// it, so where both are there they must agree; else the proxy itself counts as the client.
    pub(super) fn client(&self, request: &HttpRequest) -> IpAddr {
        let Some(peer) = request.peer_addr() else {
            return IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        };
        let peer = peer.ip().to_canonical();
        if !self.has(peer) {
            return peer;
        }
        let x_forwarded = values(request.headers(), header::X_FORWARDED_FOR);
        let forwarded = values(request.headers(), header::FORWARDED);
        let one = self.last_untrusted(x_forwarded.iter().map(|entry| address(entry)));
        let other = self.last_untrusted(forwarded.iter().map(|entry| forwarded_for(entry)));
        match (one, other) {
            (Some(one), Some(other)) if one != other => peer,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => peer,
        }
    }

    /// Entries from the last one back. What cannot be read ends the chain.
    fn last_untrusted(&self, entries: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        let mut client = None;
        for entry in entries.take(MAX_PROXIES) {
            let address = entry?;
            client = Some(address);
            if !self.has(address) {
                break;
            }
        }
        client
    }
}

/// Whether something in front said that it forwards for somebody.
pub(super) fn is_forwarded(request: &HttpRequest) -> bool {
    let headers = request.headers();
    [header::X_FORWARDED_FOR, header::FORWARDED, header::VIA]
        .iter()
        .any(|name| headers.contains_key(name))
}

/// Whom a limit counts: an IPv4 address, or the /64 that one IPv6 customer has to himself.
pub(super) fn network(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

/// Whom look-ups of one item are counted for: what one customer of a network can easily have of it.
pub(super) fn neighbourhood(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits() >> 8 << 8,
        IpAddr::V6(address) => address.to_bits() >> 80 << 80,
    }
}

/// Names of networks that nobody can find out again: hashes under a key that is drawn anew each day, and never leaves
/// memory.
#[derive(Debug, Default)]
pub struct Networks(Mutex<Option<(Date, [u8; 32])>>);

impl Networks {
    /// The name of a network on the day of `now`, for one subject: what is kept of one says nothing of another.
    pub(super) fn name(
        &self,
        network: u128,
        subject: &str,
        now: OffsetDateTime,
    ) -> Result<[u8; 8], getrandom::Error> {
        let mut held = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let key = match *held {
            Some((day, key)) if day == now.date() => key,
            _ => {
                let mut key = [0; 32];
                getrandom::fill(&mut key)?;
                *held = Some((now.date(), key));
                key
            }
        };
        let Hash(hash) = Hash::of(&[&key, &network.to_be_bytes(), subject.as_bytes()]);
        let mut name = [0; 8];
        name.copy_from_slice(&hash[..8]);
        Ok(name)
    }
}

/// Whether a page of ours may have sent it, as far as a browser says so: forms and pages of others cannot.
pub(super) fn is_a_page_of_ours(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_none_or(|site| site == "same-origin")
}

/// The entries of a header that is a list, the last one first. One that is no text is one that cannot
/// be read.
fn values(headers: &HeaderMap, name: header::HeaderName) -> Vec<String> {
    let mut entries: Vec<String> = headers
        .get_all(name)
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|entry| entry.trim().to_owned())
        .collect();
    entries.reverse();
    entries
}

/// RFC 7239 §4: `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(entry: &str) -> Option<IpAddr> {
    let pairs = entry.split(';').filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs
        .into_iter()
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(node.trim().trim_matches('"'))
}

/// An address as proxies write it: with or without a port, in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse();
    let with_port = |_| text.parse().map(|address: SocketAddr| address.ip());
    address.or_else(with_port).ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const PROXY: &str = "192.0.2.1";

    fn client(peer: &str, headers: &[(&str, &str)]) -> String {
        let trusted = TrustedProxies(vec![
            "192.0.2.0/28".parse().unwrap(),
            "2001:db8:ff::/48".parse().unwrap(),
        ]);
        let mut request =
            TestRequest::default().peer_addr(SocketAddr::new(peer.parse().unwrap(), 4711));
        for header in headers {
            request = request.append_header(*header);
        }
        trusted.client(&request.to_http_request()).to_string()
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        let lie = [
            ("X-Forwarded-For", "198.51.100.9"),
            ("Forwarded", "for=198.51.100.9"),
        ];
        assert_eq!(client("203.0.113.7", &lie), "203.0.113.7");
        assert_eq!(client("::ffff:203.0.113.7", &lie), "203.0.113.7");
        assert_eq!(client(PROXY, &lie), "198.51.100.9");
        assert_eq!(client("::ffff:192.0.2.1", &lie), "198.51.100.9");
    }

    #[test]
    fn of_a_chain_only_what_trusted_proxies_wrote_counts() {
        for (chain, found) in [
            ("198.51.100.9", "198.51.100.9"),
            // What the client itself wrote stands in front.
            ("10.0.0.1, 127.0.0.1, 198.51.100.9", "198.51.100.9"),
            ("10.0.0.1, 198.51.100.9, 192.0.2.3", "198.51.100.9"),
            ("198.51.100.9, 2001:db8:ff::1, 192.0.2.3", "198.51.100.9"),
            ("192.0.2.4, 192.0.2.3", "192.0.2.4"),
            ("198.51.100.9:50123", "198.51.100.9"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("unknown", PROXY),
            ("198.51.100.9, unknown, 192.0.2.3", PROXY),
            ("", PROXY),
        ] {
            assert_eq!(
                client(PROXY, &[("X-Forwarded-For", chain)]),
                found,
                "{chain}"
            );
        }
        let two = [
            ("X-Forwarded-For", "10.0.0.1"),
            ("X-Forwarded-For", "198.51.100.9"),
        ];
        assert_eq!(
            client(PROXY, &two),
            "198.51.100.9",
            "two lines are one list"
        );
    }

    #[test]
    fn the_standard_header_is_read_as_rfc_7239_writes_it() {
        for (value, found) in [
            ("for=198.51.100.9", "198.51.100.9"),
            (
                "For=\"[2001:db8:cafe::17]:4711\";proto=https",
                "2001:db8:cafe::17",
            ),
            ("proto=https;for=198.51.100.9;by=192.0.2.1", "198.51.100.9"),
            ("for=10.0.0.1, for=198.51.100.9", "198.51.100.9"),
            ("for=_hidden", PROXY),
            ("proto=https", PROXY),
        ] {
            assert_eq!(client(PROXY, &[("Forwarded", value)]), found, "{value}");
        }
    }

    #[test]
    fn a_header_that_the_proxy_let_pass_does_not_choose_the_client() {
        let both = |one, other| client(PROXY, &[("X-Forwarded-For", one), ("Forwarded", other)]);
        assert_eq!(both("198.51.100.9", "for=10.0.0.1"), PROXY);
        assert_eq!(both("198.51.100.9", "for=198.51.100.9"), "198.51.100.9");
    }

    #[test]
    fn a_chain_without_end_is_not_walked_to_its_end() {
        let chain = format!("198.51.100.9{}", ", 192.0.2.3".repeat(10_000));
        assert_eq!(client(PROXY, &[("X-Forwarded-For", &chain)]), "192.0.2.3");
    }

    #[test]
    fn a_customer_is_one_ipv4_address_or_one_ipv6_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(
            of("2001:db8:1:2::1"),
            of("2001:db8:1:2:ffff:ffff:ffff:ffff")
        );
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("198.51.100.9"), of("198.51.100.10"));
    }

    #[test]
    fn neighbours_are_an_ipv4_network_of_256_or_an_ipv6_site() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("198.51.100.9"), of("198.51.100.200"));
        assert_ne!(of("198.51.100.9"), of("198.51.101.9"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:ffff::1"));
        assert_ne!(of("2001:db8:1::1"), of("2001:db8:2::1"));
    }
}
