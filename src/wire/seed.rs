//! What the server's HTML carries so that the first render in the browser is the same.

use crate::model::{EngineState, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    pub epoch: u64,
    pub revision: u64,
    /// The server's clock: the `now` of every relative time in the first render.
    pub server_time: Timestamp,
    pub server_version: String,
    pub state: EngineState,
}

impl Seed {
    /// The id of the HTML element that holds it.
    pub const ELEMENT: &'static str = "seed";

    /// Text that can stand in a script element. What is text in the seed stays text: a compressor finds it again in the
    /// page, which base64 would prevent.
    pub fn to_text(&self) -> String {
        let bytes = postcard::to_allocvec(self).expect("seeds have no maps with unknown length");
        bytes.into_iter().map(to_char).collect()
    }

    /// None when the text is no seed of this version.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> = text.chars().map(from_char).collect();
        postcard::from_bytes(&bytes?).ok()
    }
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
    use crate::model::arbitrary::changes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_seed_comes_back_from_its_text_and_never_ends_its_element(changes in changes(), version in "\\PC{0,20}|</script><!--") {
            let mut state = EngineState::default();
            for change in changes {
                state.apply(change);
            }
            let seed = Seed { epoch: 1 << 50, revision: 9, server_time: Timestamp::from_seconds(3), server_version: version, state };
            let text = seed.to_text();
            prop_assert!(!text.contains('<') && !text.contains('\r') && !text.contains('\0'));
            prop_assert_eq!(Seed::from_text(&text), Some(seed));
        }
    }

    #[test]
    fn every_byte_comes_back() {
        assert!((0..=u8::MAX).all(|byte| from_char(to_char(byte)) == Some(byte)));
        assert_eq!(from_char('€'), None);
    }
}
