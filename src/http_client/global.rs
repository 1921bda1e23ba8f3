//! Which addresses lie on the public internet: the IANA special-purpose registries (RFC 6890, RFC 8190).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of IPv4 that are no public host's: address and length of prefix.
const SPECIAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),       // "this network", RFC 791: Linux connects it to itself
    ([10, 0, 0, 0], 8),      // private, RFC 1918
    ([100, 64, 0, 0], 10),   // shared by carriers, RFC 6598
    ([127, 0, 0, 0], 8),     // loopback, RFC 1122
    ([169, 254, 0, 0], 16),  // link-local, RFC 3927: clouds keep credentials there
    ([172, 16, 0, 0], 12),   // private, RFC 1918
    ([192, 0, 0, 0], 24),    // protocol assignments, RFC 6890
    ([192, 0, 2, 0], 24),    // documentation, RFC 5737
    ([192, 31, 196, 0], 24), // AS112, RFC 7535: the answer is whoever is nearest
    ([192, 52, 193, 0], 24), // multicast tunnels, RFC 7450
    ([192, 88, 99, 0], 24),  // relays of 6to4, RFC 7526
    ([192, 168, 0, 0], 16),  // private, RFC 1918
    ([198, 18, 0, 0], 15),   // benchmarks, RFC 2544
    ([198, 51, 100, 0], 24), // documentation, RFC 5737
    ([203, 0, 113, 0], 24),  // documentation, RFC 5737
    ([224, 0, 0, 0], 3),     // multicast, RFC 5771, reserved, RFC 1112, and broadcast
];

/// Blocks of IPv6 within [`UNICAST_V6`] that are no public host's.
const SPECIAL_V6: [([u16; 3], u32); 4] = [
    ([0x2001, 0, 0], 23), // protocol assignments, RFC 2928: Teredo, ORCHID, benchmarks
    ([0x2001, 0xdb8, 0], 32), // documentation, RFC 3849
    ([0x2002, 0, 0], 16), // 6to4, RFC 3056: it leads to any IPv4 address
    ([0x3fff, 0, 0], 20), // documentation, RFC 9637
];

/// All of IPv6 that is given to public hosts (RFC 4291 §2.4). Loopback, ::/96, link-local, site-local,
/// unique local and multicast lie outside.
const UNICAST_V6: ([u16; 3], u32) = ([0x2000, 0, 0], 3);

/// Whether a public host can have this address. An IPv4 address within an IPv6 one counts as itself.
pub(super) fn is_global(address: IpAddr) -> bool {
    match unwrapped(address) {
        IpAddr::V4(address) => !SPECIAL_V4
            .iter()
            .any(|(network, bits)| within_v4(address, *network, *bits)),
        IpAddr::V6(address) => {
            within_v6(address, UNICAST_V6)
                && !SPECIAL_V6.iter().any(|block| within_v6(address, *block))
        }
    }
}

/// The IPv4 address that an IPv6 one stands for, where the machine or the network turns it into one:
/// `::ffff:a.b.c.d` (RFC 4291) and `64:ff9b::a.b.c.d` (RFC 6052).
pub(super) fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let is_translated = v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    if is_translated {
        let [.., a, b, c, d] = v6.octets();
        return Ipv4Addr::new(a, b, c, d).into();
    }
    address.to_canonical()
}

fn within_v4(address: Ipv4Addr, network: [u8; 4], bits: u32) -> bool {
    let network = u32::from_be_bytes(network);
    (u32::from(address) ^ network) >> (32 - bits) == 0
}

fn within_v6(address: Ipv6Addr, (network, bits): ([u16; 3], u32)) -> bool {
    let network = Ipv6Addr::new(network[0], network[1], network[2], 0, 0, 0, 0, 0);
    (u128::from(address) ^ u128::from(network)) >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(text: &str) -> bool {
        is_global(text.parse().unwrap())
    }

    #[test]
    fn the_first_and_the_last_address_of_every_special_block_is_no_public_host() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.31.196.0", "192.31.196.255"),
            ("192.52.193.0", "192.52.193.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "239.255.255.255"),
            ("240.0.0.0", "255.255.255.255"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"),
            ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert!(!global(first) && !global(last), "{first} to {last}");
        }
    }

    #[test]
    fn their_neighbours_are_public_hosts() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2003::",
            "3ffe:ffff::",
            "3fff:1000::",
        ] {
            assert!(global(address), "{address}");
        }
    }

    #[test]
    fn an_address_within_an_address_is_judged_as_itself() {
        for inner in ["127.0.0.1", "10.1.2.3", "169.254.169.254"] {
            for form in ["::ffff:", "64:ff9b::", "::"] {
                assert!(!global(&format!("{form}{inner}")), "{form}{inner}");
            }
        }
        // 6to4 and the compatible form are nobody's any more, whatever they lead to.
        assert!(!global("2002:7f00:1::") && !global("2002:808:808::"));
        assert!(!global("::8.8.8.8"));
        assert!(global("::ffff:8.8.8.8") && global("64:ff9b::8.8.8.8"));
        // A network's own prefix for the same, RFC 8215.
        assert!(!global("64:ff9b:1::8.8.8.8"));
    }

    #[test]
    fn link_local_unique_local_and_multicast_are_no_public_hosts() {
        for address in ["::1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1"] {
            assert!(!global(address), "{address}");
        }
    }
}
