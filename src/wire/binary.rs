//! Frames in postcard, for our own page.

use super::{ClientFrame, Malformed, PackedChange, ServerFrame};

pub fn encode_server(frame: &ServerFrame<PackedChange>) -> Vec<u8> {
    postcard::to_allocvec(frame).expect("frames have no maps with unknown length")
}

pub fn decode_server(bytes: &[u8]) -> Result<ServerFrame<PackedChange>, Malformed> {
    postcard::from_bytes(bytes).map_err(Malformed::new)
}

pub fn encode_client(frame: &ClientFrame) -> Vec<u8> {
    postcard::to_allocvec(frame).expect("frames have no maps with unknown length")
}

pub fn decode_client(bytes: &[u8]) -> Result<ClientFrame, Malformed> {
    postcard::from_bytes(bytes).map_err(Malformed::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EngineState, Timestamp};
    use crate::wire::{Channel, Position, Update};
    use proptest::prelude::*;

    #[test]
    fn frames_survive_the_way_there() {
        let update = ServerFrame::EngineStateUpdate(Update {
            epoch: 1 << 50,
            revision: 7,
            timestamp: Timestamp::from_seconds(1),
            data: EngineState::default(),
        });
        assert_eq!(decode_server(&encode_server(&update)).unwrap(), update);
        for frame in [
            ClientFrame::Resume(Position { epoch: 1, revision: 2 }),
            ClientFrame::Subscribe(vec![Channel::Images]),
            ClientFrame::Ping { nonce: 9 },
        ] {
            assert_eq!(decode_client(&encode_client(&frame)).unwrap(), frame);
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_server(&bytes);
            let _ = decode_client(&bytes);
        }
    }
}
