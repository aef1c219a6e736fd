//! Docker endpoint: the address of an engine, in the syntax of `DOCKER_HOST` and Docker contexts.

use super::{ssh::SshDestination, tls::TlsFiles};
use crate::message;
use crate::server::engine::EngineError;
use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    Unix(PathBuf),
    /// Host and port, without encryption.
    Tcp(String),
    Tls {
        /// Host and port.
        authority: String,
        files: TlsFiles,
    },
    Ssh(SshDestination),
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::Unix("/var/run/docker.sock".into())
    }
}

impl FromStr for Endpoint {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        Self::with_tls(text, None)
    }
}

/// Docker's default ports.
const PLAIN_PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

/// Parses the rest of a URL after the scheme into host and port. None if it contains anything else.
fn with_port(rest: &str, default: u16) -> Option<String> {
    let authority = rest.trim_end_matches('/');
    let is_host = |host: &str| {
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let in_brackets = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        in_brackets.map_or_else(|| !host.is_empty() && host.chars().all(name), |it| it.parse::<IpAddr>().is_ok())
    };
    if let Some((host, port)) = authority.rsplit_once(':').filter(|(host, _)| is_host(host)) {
        return port.parse::<u16>().is_ok().then(|| format!("{host}:{port}"));
    }
    is_host(authority).then(|| format!("{authority}:{default}"))
}

/// Returns the host of a `host:port` pair, without brackets.
pub(super) fn host_of(authority: &str) -> &str {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host)
}

impl Endpoint {
    /// Parses a URL. With `tls`, `tcp://` means TLS too.
    ///
    /// # Errors
    /// [`EngineError::Address`] if the text is not an engine URL, or if TLS settings accompany `unix://` or `ssh://`.
    pub fn with_tls(text: &str, tls: Option<TlsFiles>) -> Result<Self, EngineError> {
        let invalid = || {
            EngineError::Address(message!(
                "\"{text}\" isn't an engine URL. Use unix:///path, tcp://host:port, https://host:port or ssh://user@host",
                text = text.escape_debug().to_string()
            ))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(invalid)?;
        match (scheme, tls) {
            ("unix", None) if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            ("ssh", None) => Ok(Self::Ssh(rest.parse().map_err(|()| invalid())?)),
            ("unix" | "ssh", Some(_)) => Err(EngineError::Address(message!(
                "TLS settings apply only to tcp:// and https://, not to {text}",
                text
            ))),
            ("tcp" | "http", None) => Ok(Self::Tcp(with_port(rest, PLAIN_PORT).ok_or_else(invalid)?)),
            ("tcp" | "http" | "https", files) => Ok(Self::Tls {
                authority: with_port(rest, TLS_PORT).ok_or_else(invalid)?,
                files: files.unwrap_or_default(),
            }),
            _ => Err(invalid()),
        }
    }

    /// Whether others on the network can read and change the traffic.
    pub fn is_exposed(&self) -> bool {
        matches!(self, Self::Tcp(authority) if !is_loopback(host_of(authority)))
    }

    /// Whether the engine may run on this machine. Only what the engine itself reports can confirm it: a local socket may
    /// lead to another machine.
    pub fn may_be_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(authority) | Self::Tls { authority, .. } => is_loopback(host_of(authority)),
            Self::Ssh(_) => false,
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(authority) => write!(f, "tcp://{authority}"),
            Self::Tls { authority, .. } => write!(f, "https://{authority}"),
            Self::Ssh(destination) => write!(f, "ssh://{destination}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_urls_are_parsed_or_rejected() {
        let tls = |authority: &str| Endpoint::Tls { authority: authority.into(), files: TlsFiles::default() };
        for (text, endpoint) in [
            ("unix:///run/x.sock", Endpoint::Unix("/run/x.sock".into())),
            ("tcp://nas:2376", Endpoint::Tcp("nas:2376".into())),
            ("tcp://nas", Endpoint::Tcp("nas:2375".into())),
            ("http://[::1]:99/", Endpoint::Tcp("[::1]:99".into())),
            ("https://nas", tls("nas:2376")),
            ("https://10.0.0.2:9", tls("10.0.0.2:9")),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap(), endpoint);
        }
        for text in
            ["", "docker", "unix://relative", "ftp://nas", "tcp://", "tcp://a/b", "tcp://nas:x", "ssh://", "ssh://-oX"]
        {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn tls_settings_turn_tcp_into_tls_and_reject_local_sockets() {
        let with_tls = |text: &str| Endpoint::with_tls(text, Some(TlsFiles::default()));
        assert_eq!(with_tls("tcp://nas").unwrap().to_string(), "https://nas:2376");
        assert_eq!(with_tls("tcp://nas:2375").unwrap().to_string(), "https://nas:2375");
        assert!(with_tls("unix:///run/x.sock").is_err());
    }

    #[test]
    fn plain_tcp_is_exposed_except_on_loopback() {
        let is_exposed = |text: &str| text.parse::<Endpoint>().unwrap().is_exposed();
        for text in ["tcp://nas", "tcp://10.0.0.2:2375", "tcp://[fe80::1]:2375", "tcp://0.0.0.0:2375"] {
            assert!(is_exposed(text), "{text}");
        }
        for text in
            ["tcp://127.0.0.1", "tcp://127.8.0.1:1", "tcp://localhost", "tcp://[::1]:1", "https://nas", "ssh://nas"]
        {
            assert!(!is_exposed(text), "{text}");
        }
    }

    #[test]
    fn remote_address_is_never_local() {
        let may_be_local = |text: &str| text.parse::<Endpoint>().unwrap().may_be_local();
        assert!(may_be_local("unix:///x") && may_be_local("tcp://localhost") && may_be_local("https://127.0.0.1"));
        assert!(!may_be_local("tcp://nas") && !may_be_local("https://nas") && !may_be_local("ssh://localhost"));
    }
}
