//! Binary data as text, for an HTML element or the data of a server-sent event.
//!
//! Text within the data stays text, so a compressor can match it with the page's text, which base64 would prevent.

/// Encodes `bytes` as text without line breaks, control characters and `<`.
pub fn to_text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(to_char).collect()
}

/// Decodes `text`. Returns `None` if it was not encoded by [`to_text`].
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    text.chars().map(from_char).collect()
}

/// Maps a byte to the character of its value, except those that HTML would change or interpret.
fn to_char(byte: u8) -> char {
    match byte {
        0x00..=0x1f | b'<' | 0x7f..=0x9f => char::from_u32(ASIDE + u32::from(byte)).expect("below the surrogates"),
        byte => char::from(byte),
    }
}

fn from_char(character: char) -> Option<u8> {
    let number = u32::from(character);
    u8::try_from(number).or_else(|_| u8::try_from(number.wrapping_sub(ASIDE))).ok()
}

/// The offset for characters that can't represent themselves.
const ASIDE: u32 = 0x100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_round_trips_through_text() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let text = to_text(&all);
        assert!(!text.contains(['<', '\r', '\n', '\0']));
        assert_eq!(from_text(&text), Some(all));
        assert_eq!(from_text("€"), None);
    }
}
