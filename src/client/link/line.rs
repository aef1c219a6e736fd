//! An open connection over one transport. It yields the received messages in the binary encoding.

use super::{poll::Poll, sse::Stream, ws::Socket};
use crate::{
    client::{
        fallback::Ended,
        store::{Store, Transport},
    },
    model::Timestamp,
    wire::{ClientFrame, Hello, PackedFrame, Position, ServerFrame, binary},
};
use futures::{FutureExt, pin_mut, select_biased};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use std::collections::VecDeque;

/// Timeout for the greeting, in milliseconds. A transport that exceeds it is considered blocked.
const GREETING: u32 = 4_000;

pub(super) struct Line {
    pub(super) transport: Transport,
    kind: Kind,
    /// Frames of a received message that are not yet processed, with their send delays.
    waiting: VecDeque<(PackedFrame, u32)>,
    pub(super) last_heard: Timestamp,
}

enum Kind {
    Socket(Socket),
    Stream(Stream),
    Poll(Poll),
}

impl Line {
    /// Opens the connection and waits for the greeting. The server resumes from `position`, or sends the complete
    /// state.
    ///
    /// # Errors
    /// [`Ended::Refused`] when the transport doesn't get through, [`Ended::Full`] when the server has no free slot.
    pub(super) async fn open(
        store: &Store,
        transport: Transport,
        position: Option<Position>,
    ) -> Result<(Self, Hello), Ended> {
        let link = store.link();
        if link.with_untracked(|link| link.lines[transport as usize].is_blocked) {
            return Err(Ended::Refused);
        }
        let opened = Self::greeted(store, transport, position).fuse();
        let too_late = TimeoutFuture::new(GREETING).fuse();
        pin_mut!(opened, too_late);
        let opened = select_biased! {
            opened = opened => opened,
            () = too_late => Err(Ended::Refused),
        };
        link.update(|link| match opened {
            Ok(_) => link.line(transport).opened += 1,
            Err(_) => link.line(transport).refused += 1,
        });
        opened
    }

    async fn greeted(store: &Store, transport: Transport, position: Option<Position>) -> Result<(Self, Hello), Ended> {
        let kind = match transport {
            Transport::None => None,
            Transport::WebSocket => Socket::open(position).map(Kind::Socket),
            Transport::Sse => Stream::open(position).map(Kind::Stream),
            Transport::Polling => Some(Kind::Poll(Poll::new(position))),
        };
        let kind = kind.ok_or(Ended::Refused)?;
        let mut line = Self { transport, kind, waiting: VecDeque::new(), last_heard: super::clock() };
        match line.next(store).await {
            Some((ServerFrame::Hello(hello), _)) => Ok((line, hello)),
            _ if line.is_server_full() => Err(Ended::Full),
            _ if line.is_signed_out() => Err(Ended::SignedOut),
            _ => Err(Ended::Refused),
        }
    }

    /// Whether the server reported that it is full when it closed the connection. Browsers don't expose this for a
    /// stream.
    fn is_server_full(&self) -> bool {
        match &self.kind {
            Kind::Socket(socket) => socket.is_server_full(),
            Kind::Stream(_) => false,
            Kind::Poll(poll) => poll.is_server_full(),
        }
    }

    /// Whether the server reported that the session is over when it closed the connection. A stream can't: polling, which
    /// follows it, finds out.
    pub(super) fn is_signed_out(&self) -> bool {
        match &self.kind {
            Kind::Socket(socket) => socket.is_signed_out(),
            Kind::Stream(_) => false,
            Kind::Poll(poll) => poll.is_signed_out(),
        }
    }

    /// Returns the next frame, and how many microseconds after its timestamp it was sent. Returns `None` when the
    /// connection has ended. Cancel safe.
    pub(super) async fn next(&mut self, store: &Store) -> Option<(PackedFrame, u32)> {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return Some(frame);
            }
            let message = match &mut self.kind {
                Kind::Socket(socket) => socket.next().await?,
                Kind::Stream(stream) => stream.next().await?,
                Kind::Poll(poll) => poll.next().await?,
            };
            self.last_heard = super::clock();
            store.link().update(|link| {
                let line = link.line(self.transport);
                line.messages += 1;
                line.bytes += message.len() as u64;
                line.last_message = Some(self.last_heard);
            });
            let mut rest = message.as_slice();
            while !rest.is_empty() {
                match binary::decode_server(rest) {
                    Ok((frame, sent_after, after)) => {
                        self.waiting.push_back((frame, sent_after));
                        rest = after;
                    }
                    Err(error) => {
                        leptos::logging::warn!("unreadable message from the server: {error}");
                        return None;
                    }
                }
            }
        }
    }

    /// Requests what follows `position`, or the complete state. Returns false when the transport can't send requests
    /// and has to be reopened.
    pub(super) fn resume(&mut self, position: Option<Position>) -> bool {
        match &mut self.kind {
            Kind::Socket(socket) => socket.resume(position),
            Kind::Stream(_) => return false,
            Kind::Poll(poll) => poll.resume(position),
        }
        true
    }

    /// Records the position after a step: the next poll resumes from there.
    pub(super) fn arrived(&mut self, position: Position) {
        if let Kind::Poll(poll) = &mut self.kind {
            poll.resume(Some(position));
        }
    }

    /// Returns false when the transport can't send frames.
    pub(super) fn say(&self, frames: &[ClientFrame]) -> bool {
        let Kind::Socket(socket) = &self.kind else { return false };
        frames.iter().for_each(|frame| socket.say(frame));
        true
    }

    /// Sends a ping over the socket. The other transports ping by a separate request, see `ping.rs`.
    pub(super) fn ping(&mut self) -> bool {
        match &mut self.kind {
            Kind::Socket(socket) => {
                socket.ping();
                true
            }
            _ => false,
        }
    }

    /// Returns the round-trip time in microseconds if the pong answers the pending ping.
    pub(super) fn pong(&mut self, nonce: u64) -> Option<i64> {
        match &mut self.kind {
            Kind::Socket(socket) => socket.pong(nonce),
            _ => None,
        }
    }
}
