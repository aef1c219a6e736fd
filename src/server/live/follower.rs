//! One client's way through the feed: a state, then diffs that join up; a fresh state after a hole.

use crate::{
    model::{Change, EngineState},
    server::{
        clock::Clock,
        state::{Batch, Follow, Reader, Start},
    },
    wire::{Changes, Channels, Diff, Encoding, Position, ServerFrame, Update, binary, json},
};
use axum::{
    body::Bytes,
    extract::ws::{Message, Utf8Bytes},
};
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::broadcast::{self, error::RecvError};

pub(super) struct Follower {
    reader: Reader,
    clock: Clock,
    encoding: Encoding,
    channels: Channels,
    /// Where the client will be when it has what was handed out.
    position: Position,
    due: VecDeque<Due>,
    batches: broadcast::Receiver<Arc<Batch>>,
}

enum Due {
    State(EngineState, Position),
    Batch(Arc<Batch>),
}

/// A message and where it leads.
pub(super) struct Sent {
    pub(super) payload: Payload,
    pub(super) position: Position,
}

pub(super) enum Payload {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl From<Payload> for Message {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Text(text) => Self::Text(text),
            Payload::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl Follower {
    pub(super) fn new(
        reader: Reader,
        clock: Clock,
        encoding: Encoding,
        channels: Channels,
        position: Option<Position>,
    ) -> Self {
        let follow = reader.follow(position);
        let batches = follow.batches.resubscribe();
        let start = position.unwrap_or(follow.position);
        let mut follower = Self { reader, clock, encoding, channels, position: start, due: VecDeque::new(), batches };
        follower.begin(follow);
        follower
    }

    pub(super) fn epoch(&self) -> u64 {
        self.position.epoch
    }

    /// From what the client says it has.
    pub(super) fn resume(&mut self, position: Position) {
        let follow = self.reader.follow(Some(position));
        self.position = position;
        self.begin(follow);
    }

    /// Other channels: told at once with what is current.
    pub(super) fn set_channels(&mut self, channels: Channels) {
        self.channels = channels;
        let follow = self.reader.follow(None);
        self.begin(follow);
    }

    pub(super) fn channels(&self) -> Channels {
        self.channels
    }

    fn begin(&mut self, follow: Follow) {
        self.batches = follow.batches;
        self.due = match follow.start {
            Start::State(state) => [Due::State(state, follow.position)].into(),
            Start::Missed(batches) => batches.into_iter().map(Due::Batch).collect(),
        };
    }

    /// The next message, as soon as there is one; none when the server ends. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Sent> {
        loop {
            let batch = match self.due.pop_front() {
                Some(Due::State(state, position)) => return Some(self.state(&state, position)),
                Some(Due::Batch(batch)) => batch,
                None => match self.batches.recv().await {
                    Ok(batch) => batch,
                    // Too slow: start over rather than leave a hole.
                    Err(RecvError::Lagged(_)) => {
                        let follow = self.reader.follow(None);
                        self.begin(follow);
                        continue;
                    }
                    Err(RecvError::Closed) => return None,
                },
            };
            if let Some(sent) = self.batch(&batch) {
                return Some(sent);
            }
        }
    }

    fn state(&mut self, state: &EngineState, position: Position) -> Sent {
        self.position = position;
        let update = update(state, position, self.channels, self.clock);
        Sent { payload: self.encode(ServerFrame::EngineStateUpdate(update)), position }
    }

    fn encode(&self, frame: ServerFrame) -> Payload {
        match self.encoding {
            Encoding::Json => Payload::Text(json::encode_server(&frame).into()),
            Encoding::Postcard => Payload::Binary(binary::encode_server(&frame.unpacked()).into()),
        }
    }

    /// None when the batch holds nothing for this client.
    fn batch(&mut self, batch: &Batch) -> Option<Sent> {
        let epoch = self.epoch();
        let position = Position { epoch, revision: batch.to };
        if self.channels == Channels::ALL && batch.from == self.position.revision {
            self.position = position;
            let payload = match self.encoding {
                Encoding::Json => Payload::Text(batch.json(epoch)),
                Encoding::Postcard => Payload::Binary(batch.binary(epoch)),
            };
            return Some(Sent { payload, position });
        }
        let carried = batch.changes.iter().filter(|change| self.channels.carry(&change.key()));
        let changes: Vec<Change> = carried.cloned().collect();
        if changes.is_empty() {
            return None;
        }
        let from = std::mem::replace(&mut self.position, position).revision;
        let (timestamp, engine_time) = (batch.timestamp, batch.engine_time);
        let diff = Diff { epoch, from, to: batch.to, timestamp, engine_time, data: Changes { changes } };
        let payload = self.encode(ServerFrame::EngineStateDiff(diff));
        Some(Sent { payload, position })
    }
}

/// The complete state of `channels`.
pub(super) fn update(state: &EngineState, position: Position, channels: Channels, clock: Clock) -> Update {
    Update {
        epoch: position.epoch,
        revision: position.revision,
        timestamp: clock.now(),
        data: state.only(|kind| channels.carry_kind(kind)),
    }
}
