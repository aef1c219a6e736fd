//! What the server's HTML carries for the page.
#![no_main]

use quaylight_fuzz::{
    model::EngineState,
    wire::{Seed, text::to_text},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // As text that may be anything, and as the text of these very bytes, which gets further.
    let texts = [String::from_utf8_lossy(bytes).into_owned(), to_text(bytes)];
    for seed in texts.iter().filter_map(|text| Seed::from_text(text)) {
        let text = seed.to_text();
        assert!(!text.contains(['<', '\r', '\n', '\0']));
        assert_eq!(Seed::from_text(&text).as_ref(), Some(&seed));
        let _ = EngineState::excerpt(seed.entities);
    }
});
