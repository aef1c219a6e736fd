//! Where an engine is, and how to open a connection to it.

use super::EngineError;
use bollard::{API_DEFAULT_VERSION, Docker};
use std::{fmt, path::PathBuf, str::FromStr};

/// Seconds that bollard gives an engine to answer an action: stopping a container waits for its processes.
const ACTION_TIMEOUT_S: u64 = 120;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineUrl {
    Unix(PathBuf),
    /// Host and port.
    Tcp(String),
}

impl Default for EngineUrl {
    fn default() -> Self {
        Self::Unix("/var/run/docker.sock".into())
    }
}

impl FromStr for EngineUrl {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            EngineError::Address(format!("{text:?} is no engine URL: unix:///path or tcp://host:port"))
        })?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "tcp" | "http" if !rest.is_empty() => {
                let authority = rest.trim_end_matches('/');
                let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                Ok(Self::Tcp(if has_port { authority.to_owned() } else { format!("{authority}:2375") }))
            }
            "https" | "ssh" => Err(EngineError::Address(format!(
                "engines over {scheme}:// are not supported yet: use unix:// or tcp://"
            ))),
            _ => Err(EngineError::Address(format!("{text:?} is no engine URL: unix:///path or tcp://host:port"))),
        }
    }
}

impl fmt::Display for EngineUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(authority) => write!(f, "tcp://{authority}"),
        }
    }
}

impl EngineUrl {
    /// A client for one action. bollard keeps no connection between requests and refuses to exist without the socket,
    /// which may appear later: so one is made when it is needed.
    pub(super) fn docker(&self) -> Result<Docker, EngineError> {
        let docker = match self {
            Self::Unix(path) => {
                Docker::connect_with_unix(&path.to_string_lossy(), ACTION_TIMEOUT_S, API_DEFAULT_VERSION)
            }
            Self::Tcp(authority) => {
                Docker::connect_with_http(&format!("tcp://{authority}"), ACTION_TIMEOUT_S, API_DEFAULT_VERSION)
            }
        };
        Ok(docker?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_urls_are_read_or_refused_with_what_is_possible() {
        for (text, url) in [
            ("unix:///run/x.sock", EngineUrl::Unix("/run/x.sock".into())),
            ("tcp://nas:2376", EngineUrl::Tcp("nas:2376".into())),
            ("tcp://nas", EngineUrl::Tcp("nas:2375".into())),
        ] {
            assert_eq!(text.parse::<EngineUrl>().unwrap(), url);
        }
        for text in ["", "docker", "unix://relative", "ssh://nas", "ftp://nas"] {
            assert!(text.parse::<EngineUrl>().is_err(), "{text}");
        }
    }
}
