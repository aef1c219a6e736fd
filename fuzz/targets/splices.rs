//! Packed changes applied to any state: the page's may differ from the one they were packed for.
#![no_main]

use quaylight_fuzz::{
    model::{EngineState, Entity},
    wire::{Packed, PackedChange},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok((entities, rest)) = postcard::take_from_bytes::<Vec<Entity>>(bytes) else { return };
    let mut state: EngineState = entities.into_iter().collect();
    let Ok(changes) = postcard::from_bytes::<Vec<PackedChange>>(rest) else { return };
    for packed in changes {
        let Ok(change) = Packed::unpack(packed, &state) else { continue };
        let packed = Packed::pack(&change, &state).expect("entities can be written");
        assert_eq!(Packed::unpack(packed, &state).expect("it fits this state"), change);
        state.apply(change);
    }
});
