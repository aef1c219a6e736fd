//! The initial state in the server's HTML.
#![no_main]

use quaylight_fuzz::{
    model::EngineState,
    wire::{Seed, text::to_text},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // As arbitrary text, and as the encoded text of these bytes, which gets further.
    let texts = [String::from_utf8_lossy(bytes).into_owned(), to_text(bytes)];
    for seed in texts.iter().filter_map(|text| Seed::from_text(text)) {
        let text = seed.to_text();
        assert!(!text.contains(['<', '\r', '\n', '\0']));
        assert_eq!(Seed::from_text(&text).as_ref(), Some(&seed));
        let _ = EngineState::excerpt(seed.entities);
    }
});
