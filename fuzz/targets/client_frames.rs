//! Frames from a client, in either encoding.
#![no_main]

use quaylight_fuzz::wire::{ClientFrame, Position, binary, json};

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    if let Ok(frame) = binary::decode_client(message) {
        same_when_written(&frame);
    }
    if let Ok(text) = std::str::from_utf8(message) {
        if let Ok(frame) = json::decode_client(text) {
            same_when_written(&frame);
        }
        if let Ok(position) = text.parse::<Position>() {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }
});

fn same_when_written(frame: &ClientFrame) {
    assert_eq!(binary::decode_client(&binary::encode_client(frame)).as_ref().ok(), Some(frame));
}
