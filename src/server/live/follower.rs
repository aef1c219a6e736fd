//! One client's feed subscription: a state, then consecutive diffs; after a gap, the complete state again.

use super::snapshots::Snapshot;
use crate::{
    model::{Change, Timestamp},
    server::{
        app::App,
        state::{Batch, Follow, Reader, Start},
    },
    wire::{Changes, Channels, Diff, Encoding, Position, ServerFrame, binary, json},
};
use axum::{
    body::Bytes,
    extract::ws::{Message, Utf8Bytes},
};
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::broadcast::{self, error::RecvError};

pub(super) struct Follower {
    app: App,
    reader: Reader,
    encoding: Encoding,
    channels: Channels,
    /// The client's position once it has received everything handed out.
    position: Position,
    due: VecDeque<Due>,
    batches: broadcast::Receiver<Arc<Batch>>,
}

enum Due {
    /// The message with this index.
    State(Arc<Snapshot>, usize),
    Batch(Arc<Batch>),
}

/// Why a client starts at a position.
enum Why {
    /// It has no state yet, or changed its channels.
    New,
    /// It resumes at the position that it reports.
    Returned,
    /// It was too slow and missed batches.
    Slow,
}

/// A message, the position that it leads to, and the server's time when it was created.
pub(super) struct Sent {
    pub(super) payload: Payload,
    pub(super) position: Position,
    timestamp: Timestamp,
}

/// Cheap to clone: the bytes are shared.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    Text(Utf8Bytes),
    /// A frame without its stamp.
    Binary(Bytes),
}

impl Payload {
    pub(super) fn of(frame: ServerFrame, encoding: Encoding) -> Self {
        match encoding {
            Encoding::Json => Self::Text(json::encode_server(&frame).into()),
            Encoding::Postcard => {
                let frame = frame.packed().expect("complete states are sent from snapshots");
                Self::Binary(binary::encode_server(&frame).into())
            }
        }
    }

    /// The message to send now, for a frame created at `timestamp`.
    pub(super) fn message(self, timestamp: Timestamp, now: Timestamp) -> Message {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(frame) => {
                let sent_after = u32::try_from(now.micros() - timestamp.micros()).unwrap_or_default();
                Message::Binary(binary::stamped(&frame, sent_after).into())
            }
        }
    }
}

impl Sent {
    pub(super) fn message(self, now: Timestamp) -> Message {
        self.payload.message(self.timestamp, now)
    }
}

impl Follower {
    pub(super) fn new(
        (app, reader): (App, Reader),
        encoding: Encoding,
        channels: Channels,
        position: Option<Position>,
    ) -> Self {
        let follow = reader.follow(position);
        let batches = follow.batches.resubscribe();
        let start = position.unwrap_or(follow.position);
        let mut follower = Self { app, reader, encoding, channels, position: start, due: VecDeque::new(), batches };
        follower.begin(follow, if position.is_some() { Why::Returned } else { Why::New });
        follower
    }

    pub(super) fn epoch(&self) -> u64 {
        self.position.epoch
    }

    /// Resumes at the position that the client reports.
    pub(super) fn resume(&mut self, position: Position) {
        let follow = self.reader.follow(Some(position));
        self.position = position;
        self.begin(follow, Why::Returned);
    }

    /// Changes the channels. The client receives the current state at once.
    pub(super) fn set_channels(&mut self, channels: Channels) {
        self.channels = channels;
        let follow = self.reader.follow(None);
        self.begin(follow, Why::New);
    }

    pub(super) fn channels(&self) -> Channels {
        self.channels
    }

    fn begin(&mut self, follow: Follow, why: Why) {
        let Follow { start, position, batches } = follow;
        self.batches = batches;
        self.due = match start {
            Start::Missed(batches) => batches.into_iter().map(Due::Batch).collect(),
            Start::State(state) => {
                match why {
                    Why::New => {}
                    Why::Returned => self.app.fanout_metrics.resyncs_of_returned.add(1),
                    Why::Slow => self.app.fanout_metrics.resyncs_of_slow.add(1),
                }
                let now = self.app.clock.now();
                let snapshot = if self.channels == Channels::ALL {
                    self.app.snapshots.of(&state, position, self.encoding, now)
                } else {
                    let state = state.only(|kind| self.channels.carry_kind(kind));
                    Arc::new(Snapshot::new(&state, position, self.encoding, now))
                };
                (0..snapshot.messages.len()).map(|number| Due::State(snapshot.clone(), number)).collect()
            }
        };
    }

    /// Waits for the next message; none when the server ends. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Sent> {
        loop {
            let (batch, is_new) = match self.due.pop_front() {
                Some(Due::State(snapshot, number)) => {
                    self.position = snapshot.position;
                    let (position, timestamp) = (snapshot.position, snapshot.timestamp);
                    return Some(Sent { payload: snapshot.messages[number].clone(), position, timestamp });
                }
                Some(Due::Batch(batch)) => (batch, false),
                None => match self.batches.recv().await {
                    Ok(batch) => (batch, true),
                    // Too slow: the client gets what it missed if that is still kept, otherwise it starts over. There is never
                    // a gap.
                    Err(RecvError::Lagged(skipped)) => {
                        self.app.fanout_metrics.skipped.add(skipped);
                        let follow = self.reader.follow(Some(self.position));
                        self.begin(follow, Why::Slow);
                        continue;
                    }
                    Err(RecvError::Closed) => return None,
                },
            };
            if let Some(sent) = self.batch(&batch) {
                if is_new {
                    self.app.fanout_metrics.sending(&batch, self.app.clock);
                }
                return Some(sent);
            }
        }
    }

    /// The next message, if there is one already.
    pub(super) fn ready(&mut self) -> Option<Sent> {
        futures::FutureExt::now_or_never(self.next()).flatten()
    }

    /// None if the batch contains nothing for this client.
    fn batch(&mut self, batch: &Batch) -> Option<Sent> {
        let epoch = self.epoch();
        let position = Position { epoch, revision: batch.to };
        let Batch { timestamp, event, .. } = *batch;
        if self.channels == Channels::ALL && batch.from == self.position.revision {
            self.position = position;
            let payload = match self.encoding {
                Encoding::Json => Payload::Text(batch.json(epoch)),
                Encoding::Postcard => Payload::Binary(batch.binary()),
            };
            return Some(Sent { payload, position, timestamp });
        }
        let carried = batch.changes.iter().filter(|change| self.channels.carry(&change.key()));
        let changes: Vec<Change> = carried.cloned().collect();
        if changes.is_empty() {
            return None;
        }
        let from = std::mem::replace(&mut self.position, position).revision;
        let diff = Diff { epoch, from, to: batch.to, timestamp, event, data: Changes { changes } };
        Some(Sent { payload: Payload::of(ServerFrame::EngineStateDiff(diff), self.encoding), position, timestamp })
    }
}
