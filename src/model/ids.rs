//! Ids and names: validated newtypes, so that a container's id can't be used as an image's.
//!
//! In JSON an id is its text. In the binary encoding 64 hex digits (with or without `sha256:`) are sent as 32 bytes.

use super::Message;
use crate::message;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Borrow, fmt, sync::Arc};

/// Why a text is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Message::from(self.clone()))]
pub struct InvalidId {
    what: &'static str,
    text: String,
}

impl From<InvalidId> for Message {
    fn from(InvalidId { what, text }: InvalidId) -> Self {
        message!("not a valid {what}: \"{text}\"", what = Self::term(what), text)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses an id from `text`, or returns why it is invalid.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { what: $what, text: text.chars().take(80).collect() })
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(&self.0)
                } else {
                    serializer.serialize_bytes(&pack(&self.0))
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?
                } else {
                    unpack(<&[u8]>::deserialize(deserializer)?)
                        .ok_or_else(|| de::Error::custom("malformed id"))?
                };
                Self::new(&text).map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A host's short name in the configuration. A host is an engine that this server watches.
    HostId, "host ID", |text| is_word(text, 64);
    /// A container's full id.
    ContainerId, "container ID", |text| (12..=64).contains(&text.len()) && is_hex(text);
    /// A container's name, without the leading slash.
    ContainerName, "container name", |text| text.len() > 1 && is_word(text, 255);
    /// An image's id, with `sha256:` if the engine includes it.
    ImageId, "image ID", |text| {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        (12..=64).contains(&digits.len()) && is_hex(digits)
    };
    /// A volume's name, which is its id.
    VolumeName, "volume name", |text| is_word(text, 255);
    /// A network's id.
    NetworkId, "network ID", |text| is_word(text, 64);
    /// A network's name.
    NetworkName, "network name", |text| is_word(text, 255);
    /// An image's name: a registry if it isn't Docker Hub, a repository, and a tag or a digest.
    ImageName, "image name", is_image_name;
}

impl ContainerId {
    /// The first twelve digits, the short id shown to users.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl ImageId {
    /// The first twelve digits, the short id shown to users.
    pub fn short(&self) -> &str {
        let digits = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
        &digits[..12]
    }
}

impl ImageName {
    /// The name as in an image's tags: with the default tag if none is given.
    pub fn with_tag(&self) -> String {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        if last.contains([':', '@']) { self.0.to_string() } else { format!("{}:latest", self.0) }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Docker's grammar for names: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`. It keeps `/`, `?` and `..` out of engine paths.
fn is_word(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// A subset of Docker's checks that keeps `?`, `#`, empty segments and `..` out of engine paths. The engine checks the
/// rest.
fn is_image_name(text: &str) -> bool {
    let is_segment = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':' | b'@'))
            && !part.contains("..")
    };
    text.len() <= 512 && text.split('/').all(is_segment)
}

const TEXT: u8 = 0;
const HEX: u8 = 1;
const SHA256: u8 = 2;

fn pack(text: &str) -> Vec<u8> {
    let (tag, digits) = match text.strip_prefix("sha256:") {
        Some(digits) => (SHA256, digits),
        None => (HEX, text),
    };
    let mut packed = Vec::with_capacity(33);
    if digits.len() == 64 && is_hex(digits) {
        packed.push(tag);
        let value = |b: u8| if b <= b'9' { b - b'0' } else { b - b'a' + 10 };
        packed.extend(digits.as_bytes().chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])));
    } else {
        packed.push(TEXT);
        packed.extend_from_slice(text.as_bytes());
    }
    packed
}

fn unpack(packed: &[u8]) -> Option<String> {
    let (tag, rest) = packed.split_first()?;
    if *tag == TEXT {
        return std::str::from_utf8(rest).ok().map(str::to_owned);
    }
    let mut text = String::with_capacity(71);
    if *tag == SHA256 {
        text.push_str("sha256:");
    }
    for byte in rest {
        text.push(char::from_digit(u32::from(byte >> 4), 16)?);
        text.push(char::from_digit(u32::from(byte & 15), 16)?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_allow_path_traversal_are_rejected() {
        for text in ["", "..", "../images/json", "a/b", "a?b=c", "a b", "ünicode", "%2e%2e"] {
            assert!(VolumeName::new(text).is_err(), "{text:?}");
            assert!(ContainerId::new(text).is_err(), "{text:?}");
            assert!(ImageId::new(text).is_err(), "{text:?}");
            assert!(NetworkId::new(text).is_err(), "{text:?}");
        }
        for text in ["", "/", "..", "a/../b", "a//b", "a/", "a?b", "a b", "a#b", "%2e%2e/b", "a/.b"] {
            assert!(ImageName::new(text).is_err(), "{text:?}");
        }
        for text in ["nginx", "nginx:1.27", "127.0.0.1:5000/team/web_1:a.b-c", "nginx@sha256:0123456789ab"] {
            assert!(ImageName::new(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn ids_round_trip_through_a_compact_binary_encoding() {
        let hex = "0123456789abcdef".repeat(4);
        let image = ImageId::new(&format!("sha256:{hex}")).unwrap();
        let bytes = postcard::to_allocvec(&image).unwrap();
        assert_eq!(bytes.len(), 34);
        assert_eq!(postcard::from_bytes::<ImageId>(&bytes).unwrap(), image);
        for text in ["pgdata", "0123456789ab"] {
            let name = VolumeName::new(text).unwrap();
            let bytes = postcard::to_allocvec(&name).unwrap();
            assert_eq!(postcard::from_bytes::<VolumeName>(&bytes).unwrap(), name);
        }
    }
}
