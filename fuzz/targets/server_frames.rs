//! Frames from the server: consecutive frames, parsed as the page does.
#![no_main]

use quaylight_fuzz::{
    model::{Change, EngineState},
    wire::{Packed, ServerFrame, binary},
};

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    let mut state = EngineState::default();
    let mut rest = message;
    while let Ok((frame, sent_after, after)) = binary::decode_server(rest) {
        assert!(after.len() < rest.len(), "a frame has a length");
        rest = after;
        // Compares bytes: a figure may be NaN, which equals nothing.
        let again = binary::stamped(&binary::encode_server(&frame), sent_after);
        let (same, sent_as_late, nothing) = binary::decode_server(&again).expect("what was written can be read");
        assert_eq!((sent_as_late, nothing), (sent_after, &[][..]));
        assert_eq!(binary::encode_server(&same), binary::encode_server(&frame));
        match frame {
            ServerFrame::EngineStateUpdate(part) => {
                for entity in part.entities {
                    state.apply(Change::Put(entity));
                }
            }
            ServerFrame::EngineStateDiff(diff) => {
                let _ = (diff.to(), diff.event());
                for packed in diff.changes {
                    if let Ok(change) = Packed::unpack(packed, &state) {
                        state.apply(change);
                    }
                }
            }
            _ => {}
        }
    }
});
