//! Networks of IP addresses, as `10.0.0.0/8` names them.

use std::{net::IpAddr, str::FromStr};

/// A network of IP addresses (CIDR notation), or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    /// How many leading bits its addresses share.
    prefix: u32,
}

impl Network {
    /// Whether `address` lies in this network. An IPv4 address that an IPv6 socket wraps
    /// (`::ffff:10.0.0.1`) counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((own, own_width), (other, width)) = (bits(self.first), bits(address.to_canonical()));
        // Shifting out all 128 bits, for `::/0`, is more than `>>` can.
        let leading = |bits: u128| bits.checked_shr(width - self.prefix).unwrap_or(0);
        width == own_width && leading(own) == leading(other)
    }
}

/// An address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is neither an IP address nor a network such as 10.0.0.0/8 or fd00::/8"
            )
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        if first.to_canonical() != first {
            return Err(format!("`{text}` wraps an IPv4 address: write that one"));
        }
        let (value, width) = bits(first);
        let prefix = match prefix {
            None => width,
            // The parser of numbers alone would take `+8`.
            Some(digits) if digits.starts_with('+') => return Err(wrong()),
            Some(digits) => digits.parse().map_err(|_| wrong())?,
        };
        if prefix > width {
            return Err(wrong());
        }
        // It may be meant as this address or as its whole network, which trusts far more machines.
        if value.trailing_zeros() < width - prefix {
            return Err(format!(
                "`{text}` names an address inside a network: write the network's first address, or leave `/{prefix}` out"
            ));
        }
        Ok(Self { first, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.168.4.0/22", "192.168.7.255", "192.168.8.0"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("127.0.0.1/32", "::ffff:127.0.0.1", "127.0.0.0"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("::/0", "ffff::1", "0.0.0.0"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"),
            ("::1", "::1", "::2"),
            ("::1/128", "::1", "127.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network:?}");
            assert!(!network.contains(outside.parse().unwrap()), "{network:?}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in [
            "",
            "proxy",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0/8",
            "::/129",
            "10.0.0.1:80",
            "[::1]",
        ] {
            let refused = wrong.parse::<Network>().unwrap_err();
            assert!(refused.contains("neither an IP address"), "{refused}");
        }
    }

    #[test]
    fn who_could_mean_two_things_is_asked_which() {
        for wrong in ["10.0.0.1/8", "fd00::1/8", "0.0.0.1/0"] {
            let refused = wrong.parse::<Network>().unwrap_err();
            assert!(refused.contains("inside a network"), "{refused}");
        }
        let refused = "::ffff:10.0.0.0/104".parse::<Network>().unwrap_err();
        assert!(refused.contains("IPv4"), "{refused}");
    }
}
