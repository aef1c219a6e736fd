//! Web URL: http or https, with a host.

use super::NotifyError;
use crate::message;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use url::Url;

/// Printed without its path, which is as good as a password for many services.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebUrl(Url);

impl WebUrl {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port.
    pub fn place(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl FromStr for WebUrl {
    type Err = NotifyError;

    fn from_str(text: &str) -> Result<Self, NotifyError> {
        let settings = NotifyError::Settings;
        let mut url = Url::parse(text.trim()).map_err(|_| settings(message!("Invalid URL. Use https://host/path")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(settings(message!("URL must start with https:// or http://")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(settings(message!("URLs with embedded credentials aren't supported. Use a token instead")));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

impl TryFrom<String> for WebUrl {
    type Error = NotifyError;

    fn try_from(text: String) -> Result<Self, NotifyError> {
        text.parse()
    }
}

impl From<WebUrl> for String {
    fn from(url: WebUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/***", self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_and_https_urls_are_accepted() {
        for text in ["", "hooks", "ftp://x/", "file:///etc/passwd", "javascript:1", "https://", "https://a:b@x/"] {
            assert!(text.parse::<WebUrl>().is_err(), "{text}");
        }
        let url: WebUrl = " HTTPS://Hooks.Example.org:8443/a?b=c#d ".parse().unwrap();
        assert_eq!(url.as_str(), "https://hooks.example.org:8443/a?b=c");
        assert_eq!(url.place(), "https://hooks.example.org:8443");
    }
}
