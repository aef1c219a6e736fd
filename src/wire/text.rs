//! Bytes where only text can stand: in an HTML element, in the data of a server-sent event.
//!
//! What is text in the bytes stays text: a compressor finds it again in the page, which base64 would prevent.

/// `bytes` as text without line breaks, control characters and `<`.
pub fn to_text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(to_char).collect()
}

/// The bytes that `text` was made of; none when it is no such text.
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    text.chars().map(from_char).collect()
}

/// A byte as the character of its number, but for those that HTML would change or take for its own.
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

/// Where the characters stand that can't stand for themselves.
const ASIDE: u32 = 0x100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let text = to_text(&all);
        assert!(!text.contains(['<', '\r', '\n', '\0']));
        assert_eq!(from_text(&text), Some(all));
        assert_eq!(from_text("€"), None);
    }
}
