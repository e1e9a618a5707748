//! Where a request comes from, and whether nobody on the way can read it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// How a request reached this server. Every request that came over a socket has it among its
/// extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    /// Address of the caller: the other end of the connection, or whom a trusted proxy names there.
    /// `0.0.0.0` where the proxy names somebody by something else than an address.
    pub peer: IpAddr,
    /// Whether the caller's own connection is TLS.
    pub secure: bool,
}

impl Channel {
    /// The channel of a request with these headers on a connection from `peer`, which is TLS or not.
    pub(crate) fn of(peer: IpAddr, tls: bool, headers: &HeaderMap, proxies: &[Network]) -> Self {
        // An IPv6 socket that takes IPv4 as well shows 127.0.0.1 as ::ffff:127.0.0.1, which is no
        // loopback address to the standard library.
        let peer = peer.to_canonical();
        let trusted = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
        // Anybody can send these headers.
        if !trusted(peer) {
            return Self { peer, secure: tls };
        }
        Self {
            peer: caller(headers, trusted).unwrap_or(peer),
            // What the proxy says goes before what it speaks itself: between it and this server may
            // be TLS and before it none.
            secure: is_https(headers).unwrap_or(tls),
        }
    }

    /// Whether a secret that opens a person's session may travel here: nobody else can read it.
    pub(crate) fn may_hold_session(&self) -> bool {
        self.secure || self.peer.is_loopback()
    }
}

/// The caller that trusted proxies name, unless they name only each other.
fn caller(headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    // Each proxy adds on the right whom it heard. What stands left of the first that is no proxy of
    // ours was sent by the caller, who may write anything.
    let named = listed(headers, FORWARDED_FOR).rev();
    // An unknown caller must not count as the proxy, which may be on this machine.
    let mut named = named.map(|text| address(text).unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
    named.find(|address| !trusted(*address))
}

/// An address as proxies write it, some of them with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let address = text.parse().ok().or_else(bare).or_else(with_port)?;
    Some(address.to_canonical())
}

/// Whether the proxy says that the caller came over TLS; `None` where it says nothing.
fn is_https(headers: &HeaderMap) -> Option<bool> {
    let mut said = listed(headers, FORWARDED_PROTO).peekable();
    said.peek()?;
    // Of several words some may be the caller's own: all of them have to agree.
    Some(said.all(|word| word.eq_ignore_ascii_case("https")))
}

/// The items of a header that is a list, also of one that is sent several times. One that is no text
/// counts as one empty item.
fn listed<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> impl DoubleEndedIterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.map(|value| value.to_str().unwrap_or_default());
    texts.flat_map(|text| text.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// The channel of a request that brings one header, perhaps several times, to a server that
    /// trusts `127.0.0.1`, `10.0.0.0/8` and `::1`.
    fn channel(peer: &str, tls: bool, name: &'static str, values: &[&str]) -> Channel {
        let proxies = ["127.0.0.1", "10.0.0.0/8", "::1"].map(|text| text.parse().unwrap());
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(name, value);
        }
        Channel::of(peer.parse().unwrap(), tls, &headers, &proxies)
    }

    #[test]
    fn only_a_trusted_proxy_says_where_the_caller_is() {
        let cases: &[(&str, &[&str], &str)] = &[
            // From a stranger the header counts for nothing.
            ("192.0.2.1", &["127.0.0.1"], "192.0.2.1"),
            ("::ffff:192.0.2.1", &["127.0.0.1"], "192.0.2.1"),
            ("127.0.0.2", &["192.0.2.1"], "127.0.0.2"),
            // A proxy that says nothing speaks for itself.
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("::ffff:127.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("::1", &["2001:db8::1"], "2001:db8::1"),
            // What the caller made up stands to the left.
            ("127.0.0.1", &["127.0.0.1, 192.0.2.1"], "192.0.2.1"),
            ("127.0.0.1", &["127.0.0.1", "192.0.2.1"], "192.0.2.1"),
            ("127.0.0.1", &["192.0.2.9,192.0.2.1,10.9.9.9"], "192.0.2.1"),
            (
                "10.0.0.1",
                &["192.0.2.1", "10.1.1.1 , 127.0.0.1"],
                "192.0.2.1",
            ),
            // Nobody but proxies.
            ("10.0.0.1", &["10.1.1.1, 127.0.0.1"], "10.0.0.1"),
            // Other ways to write addresses.
            ("127.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
            ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("127.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            // A caller who stays unnamed is not the proxy, nor whom it claims to be.
            ("127.0.0.1", &["unknown"], "0.0.0.0"),
            ("127.0.0.1", &["192.0.2.1, _hidden"], "0.0.0.0"),
            ("127.0.0.1", &[""], "0.0.0.0"),
            ("127.0.0.1", &["192.0.2.1", "\u{e9}"], "0.0.0.0"),
        ];
        for (peer, forwarded, expected) in cases {
            let channel = channel(peer, false, FORWARDED_FOR, forwarded);
            let expected = expected.parse::<IpAddr>().unwrap();
            assert_eq!(channel.peer, expected, "{peer} {forwarded:?}");
            assert!(!channel.secure);
        }
    }

    #[test]
    fn only_tls_or_the_word_of_a_trusted_proxy_is_secure() {
        let cases: &[(&str, bool, &[&str], bool)] = &[
            ("192.0.2.1", false, &[], false),
            ("192.0.2.1", true, &[], true),
            ("192.0.2.1", false, &["https"], false),
            ("192.0.2.1", true, &["http"], true),
            ("10.0.0.1", false, &[], false),
            ("10.0.0.1", false, &["https"], true),
            ("10.0.0.1", false, &["HTTPS"], true),
            ("10.0.0.1", false, &["http"], false),
            ("10.0.0.1", true, &[], true),
            ("10.0.0.1", true, &["http"], false),
            ("10.0.0.1", false, &["https, https"], true),
            ("10.0.0.1", false, &["https, http"], false),
            ("10.0.0.1", false, &["http", "https"], false),
            ("10.0.0.1", false, &["https", "\u{e9}"], false),
            ("10.0.0.1", false, &[""], false),
        ];
        for (peer, tls, words, expected) in cases {
            let channel = channel(peer, *tls, FORWARDED_PROTO, words);
            assert_eq!(channel.secure, *expected, "{peer} {tls} {words:?}");
            assert_eq!(channel.peer, peer.parse::<IpAddr>().unwrap());
        }
    }

    #[test]
    fn sessions_travel_where_nobody_else_can_read_them() {
        for (peer, secure, expected) in [
            ("127.0.0.1", false, true),
            ("127.8.8.8", false, true),
            ("::1", false, true),
            ("192.0.2.1", true, true),
            ("192.0.2.1", false, false),
            ("10.0.0.1", false, false),
            ("0.0.0.0", false, false),
        ] {
            let peer = peer.parse().unwrap();
            let channel = Channel { peer, secure };
            assert_eq!(channel.may_hold_session(), expected, "{channel:?}");
        }
    }
}
