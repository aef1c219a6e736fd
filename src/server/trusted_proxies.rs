//! Trusted reverse proxies: the ones whose headers name the client.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;
use parse_net::{ClientAddress, ForwardedSource, client_address};
use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// More addresses than any chain of proxies has.
const MOST_HOPS: u8 = 16;

/// Proxies that append the client's address to `X-Forwarded-For` or `Forwarded`. They don't change who may do what: sign-in
/// limits attempts by address, and sessions show it.
#[derive(Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    is_warned: AtomicBool,
}

impl TrustedProxies {
    /// # Errors
    /// The first entry that is neither an IP address nor a network such as `172.16.0.0/12`.
    pub fn new(addresses: &[String]) -> Result<Self, String> {
        let network = |text: &String| {
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| text.clone())
        };
        Ok(Self { networks: addresses.iter().map(network).collect::<Result<_, _>>()?, ..Self::default() })
    }

    /// The address of the client that sent these headers through `peer`: the last one in the chain that isn't a trusted
    /// proxy's. A proxy passes on the header that it doesn't set itself, so if both are present and differ, either may be the
    /// client's own invention, and `peer` is the only address to be sure of.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        let members = |name| {
            let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
            values.flat_map(|value| value.split(|byte| *byte == b',')).collect::<Vec<_>>()
        };
        let (x_forwarded_for, forwarded) = (members(X_FORWARDED_FOR), members(header::FORWARDED));
        if x_forwarded_for.is_empty() && forwarded.is_empty() {
            return peer;
        }
        if !self.is_trusted(peer) {
            self.warn(peer);
            return peer;
        }
        let one = || self.last_untrusted(peer, &x_forwarded_for, ForwardedSource::XForwardedFor);
        let other = || self.last_untrusted(peer, &forwarded, ForwardedSource::Forwarded);
        match (x_forwarded_for.is_empty(), forwarded.is_empty()) {
            (false, true) => one(),
            (true, false) => other(),
            _ => Some(one()).filter(|address| *address == other()).unwrap_or(peer),
        }
    }

    /// From the end: what the client invented stands before what the proxies appended, and need not be readable.
    fn last_untrusted<'a>(
        &self,
        peer: IpAddr,
        members: &'a [&'a [u8]],
        source: fn(&'a [&'a [u8]]) -> ForwardedSource<'a>,
    ) -> IpAddr {
        for count in 1..=members.len().min(MOST_HOPS.into()) {
            let last = source(&members[members.len() - count..]);
            match client_address(peer, last, &|address| self.is_trusted(address), MOST_HOPS) {
                Ok(ClientAddress::Forwarded { addr, .. }) if self.is_trusted(addr) => {}
                Ok(ClientAddress::Forwarded { addr, .. }) => return addr.to_canonical(),
                _ => return peer,
            }
        }
        peer
    }

    pub fn is_trusted(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Once: another client sends it with each request.
    fn warn(&self, peer: IpAddr) {
        if !self.is_warned.swap(true, Relaxed) {
            tracing::warn!(
                %peer,
                "ignored X-Forwarded-For or Forwarded of this address: if it is your reverse proxy, add it to trusted-proxies"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let proxies = TrustedProxies::new(&["127.0.0.1".into(), "10.0.0.0/8".into(), "fd00::/8".into()]).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn client_is_the_last_address_that_is_not_a_trusted_proxy() {
        let xff = "x-forwarded-for";
        for (peer, headers, expected) in [
            ("127.0.0.1", vec![], "127.0.0.1"),
            ("127.0.0.1", vec![(xff, "192.0.2.7")], "192.0.2.7"),
            ("::ffff:127.0.0.1", vec![(xff, "192.0.2.7")], "192.0.2.7"),
            ("127.0.0.1", vec![(xff, "2001:db8::1")], "2001:db8::1"),
            ("127.0.0.1", vec![("forwarded", r#"for="[2001:db8::1]:4711";proto=https"#)], "2001:db8::1"),
            ("127.0.0.1", vec![("forwarded", "For=192.0.2.7")], "192.0.2.7"),
            // Invented by the client, and passed on.
            ("127.0.0.1", vec![(xff, "198.51.100.1, 192.0.2.7")], "192.0.2.7"),
            ("127.0.0.1", vec![(xff, "198.51.100.1"), (xff, "192.0.2.7")], "192.0.2.7"),
            ("127.0.0.1", vec![(xff, "x, 192.0.2.7")], "192.0.2.7"),
            ("127.0.0.1", vec![("forwarded", r#"for="x, for=192.0.2.7"#)], "192.0.2.7"),
            // Two proxies.
            ("127.0.0.1", vec![(xff, "198.51.100.1, 192.0.2.7, 10.1.2.3")], "192.0.2.7"),
            // Not from a proxy.
            ("192.0.2.9", vec![(xff, "127.0.0.1")], "192.0.2.9"),
            ("192.0.2.9", vec![("forwarded", "for=127.0.0.1")], "192.0.2.9"),
            // The proxy sets one of them, the client the other.
            ("127.0.0.1", vec![(xff, "192.0.2.7"), ("forwarded", "for=198.51.100.1")], "127.0.0.1"),
            ("127.0.0.1", vec![(xff, "192.0.2.7"), ("forwarded", "for=192.0.2.7")], "192.0.2.7"),
            // Unreadable.
            ("127.0.0.1", vec![(xff, "unknown")], "127.0.0.1"),
            ("127.0.0.1", vec![(xff, "192.0.2.7, x")], "127.0.0.1"),
            ("127.0.0.1", vec![("forwarded", "for=_hidden")], "127.0.0.1"),
        ] {
            assert_eq!(client(peer, &headers), expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn entries_must_be_addresses_or_networks() {
        for entry in ["proxy", "10.0.0.0/33", "", "127.0.0.1:80"] {
            assert_eq!(TrustedProxies::new(&[entry.to_owned()]).unwrap_err(), entry);
        }
    }
}
