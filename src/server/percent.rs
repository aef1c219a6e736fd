//! Percent-encoding of parts of URLs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Display;

/// RFC 3986's unreserved characters stay.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const REFERENCE: &AsciiSet = &COMPONENT.remove(b'/').remove(b':').remove(b'@');

/// A segment of a path, or a value in a query.
pub fn component(text: &str) -> impl Display {
    utf8_percent_encode(text, COMPONENT)
}

/// A reference of an image, or a path: may contain several segments.
pub fn reference(text: &str) -> impl Display {
    utf8_percent_encode(text, REFERENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_keep_their_separators() {
        assert_eq!(component("a/b:1@x ü~").to_string(), "a%2Fb%3A1%40x%20%C3%BC~");
        assert_eq!(reference("a/b:1@x ü?").to_string(), "a/b:1@x%20%C3%BC%3F");
    }
}
