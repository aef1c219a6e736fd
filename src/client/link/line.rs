//! An open connection over one transport: what comes in, as messages of the binary encoding.

use super::{poll::Poll, sse::Stream, ws::Socket};
use crate::{
    client::store::{Store, Transport},
    model::Timestamp,
    wire::{ClientFrame, Hello, PackedFrame, Position, ServerFrame, binary},
};
use futures::{FutureExt, pin_mut, select_biased};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use std::collections::VecDeque;

/// A transport that brings no greeting within this time, in milliseconds, does not get through.
const GREETING: u32 = 4_000;

pub(super) struct Line {
    pub(super) transport: Transport,
    kind: Kind,
    /// Frames that came in one message and are not yet heard, with their stamps.
    waiting: VecDeque<(PackedFrame, u32)>,
    pub(super) last_heard: Timestamp,
}

enum Kind {
    Socket(Socket),
    Stream(Stream),
    Poll(Poll),
}

impl Line {
    /// Opens it to go on from `position`, or with the complete state, and waits for the greeting. None when it doesn't
    /// get through.
    pub(super) async fn open(store: &Store, transport: Transport, position: Option<Position>) -> Option<(Self, Hello)> {
        let link = store.link();
        if link.with_untracked(|link| link.lines[transport as usize].is_blocked) {
            return None;
        }
        let opened = Self::greeted(store, transport, position).fuse();
        let too_late = TimeoutFuture::new(GREETING).fuse();
        pin_mut!(opened, too_late);
        let opened = select_biased! {
            opened = opened => opened,
            () = too_late => None,
        };
        link.update(|link| match opened {
            Some(_) => link.line(transport).opened += 1,
            None => link.line(transport).refused += 1,
        });
        opened
    }

    async fn greeted(store: &Store, transport: Transport, position: Option<Position>) -> Option<(Self, Hello)> {
        let kind = match transport {
            Transport::None => return None,
            Transport::WebSocket => Kind::Socket(Socket::open(position)?),
            Transport::Sse => Kind::Stream(Stream::open(position)?),
            Transport::Polling => Kind::Poll(Poll::new(position)),
        };
        let mut line = Self { transport, kind, waiting: VecDeque::new(), last_heard: super::clock() };
        match line.next(store).await? {
            (ServerFrame::Hello(hello), _) => Some((line, hello)),
            _ => None,
        }
    }

    /// The next frame, and how many microseconds after its timestamp it was sent; none when the line has ended. Cancel
    /// safe.
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
                        leptos::logging::warn!("a message nobody understands: {error}");
                        return None;
                    }
                }
            }
        }
    }

    /// Asks for what comes after `position`, or for everything. False when this transport can't be asked: it has to be
    /// opened anew.
    pub(super) fn resume(&mut self, position: Option<Position>) -> bool {
        match &mut self.kind {
            Kind::Socket(socket) => socket.resume(position),
            Kind::Stream(_) => return false,
            Kind::Poll(poll) => poll.resume(position),
        }
        true
    }

    /// After a step: where the next answer has to go on from.
    pub(super) fn arrived(&mut self, position: Position) {
        if let Kind::Poll(poll) = &mut self.kind {
            poll.resume(Some(position));
        }
    }

    /// False when this transport can't be told anything.
    pub(super) fn say(&self, frames: &[ClientFrame]) -> bool {
        let Kind::Socket(socket) = &self.kind else { return false };
        frames.iter().for_each(|frame| socket.say(frame));
        true
    }

    /// Over a socket its own ping; the others have a request of their own for it: see `ping.rs`.
    pub(super) fn ping(&mut self) -> bool {
        match &mut self.kind {
            Kind::Socket(socket) => {
                socket.ping();
                true
            }
            _ => false,
        }
    }

    /// The round trip in microseconds, when it is the ping under way that came back.
    pub(super) fn pong(&mut self, nonce: u64) -> Option<i64> {
        match &mut self.kind {
            Kind::Socket(socket) => socket.pong(nonce),
            _ => None,
        }
    }
}
