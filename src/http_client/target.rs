//! An address that a customer gave, to be asked by this service: what it may be.

use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::Url;
use thiserror::Error;

use super::global::{is_global, unwrapped};

/// Characters of an address.
pub(super) const MAX_CHARS: usize = 2_048;

/// What may be asked although it is not on the public internet: a merchant's own network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrivateTargets {
    /// Networks whose addresses may be asked.
    pub networks: Vec<IpNet>,
    /// Hosts that may be asked wherever they are, in lower case and without a dot at the end.
    pub hosts: Vec<String>,
}

/// An address that may be asked, as far as can be said without asking where its host is. Where that is,
/// is looked at again whenever it is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Why an address is not asked. No variant holds the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TargetFault {
    /// Longer than anybody needs.
    #[error("it is longer than {MAX_CHARS} characters")]
    TooLong,
    /// Not a URL, or one without a host.
    #[error("it is not a URL such as https://hooks.example.com/epcis")]
    NotAUrl,
    /// Another scheme, or http where it is not listed.
    #[error("it must begin with https://")]
    NotHttps,
    /// `user:password@`: a secret in an address is a secret in every log on the way.
    #[error("it must hold no user name and no password")]
    Credentials,
    /// A fragment is never sent.
    #[error("it must have no part after #")]
    Fragment,
    /// A port at which no web server of a stranger is.
    #[error("its port must be 443, or 1024 or higher")]
    Port,
    /// This machine, a private network, or another address that is not on the public internet.
    #[error("its host is not on the public internet")]
    NotPublic,
}

impl Target {
    /// Reads an address as it was given. Without network: a name is not resolved.
    ///
    /// Listed hosts and addresses may be asked over http and at any port. All others take https, at 443 or
    /// at a port that needs no privilege: what listens below speaks no HTTP, and must not hear any.
    pub fn parse(text: &str, private: &PrivateTargets) -> Result<Target, TargetFault> {
        if text.len() > MAX_CHARS {
            return Err(TargetFault::TooLong);
        }
        let url = Url::parse(text).map_err(|_| TargetFault::NotAUrl)?;
        let target = Target(url);
        target.check(private)?;
        Ok(target)
    }

    /// The rules of [`Target::parse`], again: the client may know other exceptions than whoever read it.
    pub(super) fn check(&self, private: &PrivateTargets) -> Result<(), TargetFault> {
        let url = &self.0;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(TargetFault::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetFault::Credentials);
        }
        if url.fragment().is_some() {
            return Err(TargetFault::Fragment);
        }
        let host = Host::of(url).ok_or(TargetFault::NotAUrl)?;
        let is_listed = host.is_listed(private);
        if !is_listed && !host.may_be_public() {
            return Err(TargetFault::NotPublic);
        }
        if !is_listed && url.scheme() != "https" {
            return Err(TargetFault::NotHttps);
        }
        match url.port_or_known_default() {
            Some(443 | 1_024..) => Ok(()),
            Some(1..) if is_listed => Ok(()),
            _ => Err(TargetFault::Port),
        }
    }

    /// The address, as the client takes it: hosts in lower case, numbers of hosts as addresses.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl PrivateTargets {
    /// Whether an address may be connected to.
    pub(super) fn allow(&self, address: IpAddr) -> bool {
        is_global(address) || self.list(address)
    }

    fn list(&self, address: IpAddr) -> bool {
        let inner = unwrapped(address);
        let holds = |network: &IpNet| network.contains(&address) || network.contains(&inner);
        self.networks.iter().any(holds)
    }

    /// Whether a host is listed by its name.
    pub(super) fn list_name(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.hosts
            .iter()
            .any(|host| host.eq_ignore_ascii_case(name))
    }
}

/// The host of a URL. The URL's own parser has turned every spelling of an IPv4 address, such as `127.1`,
/// `0x7f000001` and `2130706433`, into the one with four numbers.
enum Host<'a> {
    Address(IpAddr),
    Name(&'a str),
}

impl Host<'_> {
    fn of(url: &Url) -> Option<Host<'_>> {
        let text = url.host_str().filter(|host| !host.is_empty())?;
        let address = text.trim_matches(['[', ']']).parse();
        Some(address.map_or(Host::Name(text), Host::Address))
    }

    fn is_listed(&self, private: &PrivateTargets) -> bool {
        match self {
            Host::Address(address) => private.list(*address),
            Host::Name(name) => private.list_name(name),
        }
    }

    /// RFC 6761 §6.3: `localhost` and what ends in it is this machine, whatever a resolver says.
    fn may_be_public(&self) -> bool {
        match self {
            Host::Address(address) => is_global(*address),
            Host::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name.rsplit('.').next() != Some("localhost")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<TargetFault> {
        Target::parse(text, &PrivateTargets::default()).err()
    }

    fn listed(networks: &[&str], hosts: &[&str]) -> PrivateTargets {
        PrivateTargets {
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            hosts: hosts.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn a_web_address_on_the_public_internet_may_be_asked() {
        for good in [
            "https://hooks.example.com/epcis?shop=7",
            "https://hooks.example.com:8443/",
            "https://hooks.example.com:1024",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]:65535/x",
            "https://notlocalhost/",
            "https://localhost.example.com/",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        let private = PrivateTargets::default();
        let target = Target::parse("HTTPS://Hooks.Example.COM:443/Ab", &private).unwrap();
        assert_eq!(target.as_str(), "https://hooks.example.com/Ab");
    }

    #[test]
    fn this_machine_is_not_asked_however_it_is_written() {
        for host in [
            "localhost",
            "LocalHost.",
            "a.localhost",
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "0x7f000001",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "017700000001",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "127。0。0。1",
            "0",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[2002:7f00:1::]",
            "169.254.169.254",
            "[fe80::1]",
            "10.0.0.1",
            "[fd00::1]",
            "255.255.255.255",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(fault(&url), Some(TargetFault::NotPublic), "{url}");
        }
    }

    #[test]
    fn what_is_no_plain_web_address_is_refused() {
        use TargetFault as F;
        for (bad, expected) in [
            ("", F::NotAUrl),
            ("hooks.example.com", F::NotAUrl),
            ("https://", F::NotAUrl),
            ("https://[::1/", F::NotAUrl),
            ("https://256.256.256.256/", F::NotAUrl),
            ("https://a b/", F::NotAUrl),
            ("http://hooks.example.com/", F::NotHttps),
            ("ftp://hooks.example.com/", F::NotHttps),
            ("file:///etc/passwd", F::NotHttps),
            ("gopher://hooks.example.com:6379/_x", F::NotHttps),
            ("wss://hooks.example.com/", F::NotHttps),
            ("https://user@hooks.example.com/", F::Credentials),
            ("https://:secret@hooks.example.com/", F::Credentials),
            ("https://8.8.8.8@127.0.0.1/", F::Credentials),
            ("https://hooks.example.com/#a", F::Fragment),
            ("https://hooks.example.com:80/", F::Port),
            ("https://hooks.example.com:25/", F::Port),
            ("https://hooks.example.com:1023/", F::Port),
            ("https://hooks.example.com:0/", F::Port),
        ] {
            assert_eq!(fault(bad), Some(expected), "{bad}");
        }
    }

    #[test]
    fn an_address_has_its_limit() {
        let with = |chars: usize| {
            let url = "https://hooks.example.com/";
            fault(&format!("{url}{}", "x".repeat(chars - url.len())))
        };
        assert_eq!(with(MAX_CHARS), None);
        assert_eq!(with(MAX_CHARS + 1), Some(TargetFault::TooLong));
    }

    #[test]
    fn what_is_listed_may_be_asked_without_tls_and_at_any_port_and_nothing_else() {
        let private = listed(&["127.0.0.0/8", "fd00::/8"], &["hooks.internal"]);
        let is_good = |text: &str| Target::parse(text, &private).is_ok();
        for good in [
            "http://127.0.0.1/",
            "http://127.1:81/",
            "https://[fd00::1]:25/",
            "https://[::ffff:127.0.0.1]/",
            "http://Hooks.Internal./",
            "https://hooks.example.com/",
        ] {
            assert!(is_good(good), "{good}");
        }
        for bad in [
            "http://10.0.0.1/",
            "https://10.0.0.1/",
            "http://hooks.example.com/",
            "https://hooks.example.com:25/",
            "http://more.hooks.internal/",
            "https://localhost/",
            "http://127.0.0.1:0/",
            "http://user@127.0.0.1/",
        ] {
            assert!(!is_good(bad), "{bad}");
        }
    }

    #[test]
    fn a_network_of_ipv4_holds_its_addresses_in_every_form() {
        let private = listed(&["10.1.0.0/16"], &[]);
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("64:ff9b::10.1.2.3", true),
            ("10.2.0.0", false),
            ("::10.1.2.3", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(
                private.allow(address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
    }
}
