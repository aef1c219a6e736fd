//! Messages in postcard, for the project's own page: a frame, followed by the number of microseconds between its
//! timestamp and its sending.
//!
//! The frame is encoded once for all clients, and each client gets its own send delay. A message may contain several of
//! both, one after the other, as the answer to a poll does.

use super::{ClientFrame, Malformed, PackedFrame};

pub fn encode_server(frame: &PackedFrame) -> Vec<u8> {
    postcard::to_allocvec(frame).expect("frames contain no maps of unknown length")
}

/// Returns the message with the encoded `frame` and its send delay since the timestamp in it.
pub fn stamped(frame: &[u8], sent_after_micros: u32) -> Vec<u8> {
    let mut message = Vec::with_capacity(frame.len() + 5);
    message.extend_from_slice(frame);
    postcard::to_extend(&sent_after_micros, message).expect("a number has a known length")
}

/// Returns the first frame of a message, its send delay, and the rest of the message.
pub fn decode_server(message: &[u8]) -> Result<(PackedFrame, u32, &[u8]), Malformed> {
    let (frame, rest) = postcard::take_from_bytes(message).map_err(Malformed::new)?;
    let (sent_after_micros, rest) = postcard::take_from_bytes(rest).map_err(Malformed::new)?;
    Ok((frame, sent_after_micros, rest))
}

pub fn encode_client(frame: &ClientFrame) -> Vec<u8> {
    postcard::to_allocvec(frame).expect("frames contain no maps of unknown length")
}

pub fn decode_client(bytes: &[u8]) -> Result<ClientFrame, Malformed> {
    postcard::from_bytes(bytes).map_err(Malformed::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::wire::{Channel, Part, Pong, Position, ServerFrame, Subscription};
    use proptest::prelude::*;

    #[test]
    fn frames_round_trip_through_the_encoding() {
        let part = ServerFrame::EngineStateUpdate(Part {
            epoch: 1 << 50,
            revision: 7,
            timestamp: Timestamp::from_seconds(1),
            number: 0,
            is_last: true,
            entities: Vec::new(),
        });
        let pong = ServerFrame::Pong(Pong {
            nonce: 1,
            server_time: Timestamp::from_seconds(2),
            revision: 3,
            drift: 0,
            firing: 0,
        });
        let both = [stamped(&encode_server(&part), 300), stamped(&encode_server(&pong), 0)].concat();
        let (first, sent_after, rest) = decode_server(&both).unwrap();
        assert_eq!((first, sent_after), (part, 300));
        assert_eq!(decode_server(rest).unwrap(), (pong, 0, &[][..]));
        for frame in [
            ClientFrame::Resume(Position { epoch: 1, revision: 2 }),
            ClientFrame::Subscribe(Subscription { channels: vec![Channel::Images], ids: None }),
            ClientFrame::Ping { nonce: 9 },
        ] {
            assert_eq!(decode_client(&encode_client(&frame)).unwrap(), frame);
        }
    }

    proptest! {
        #[test]
        fn decoding_garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_server(&bytes);
            let _ = decode_client(&bytes);
        }
    }
}
