//! The life of a connection: what comes in, what is asked of it, and the way up to a better transport.

use super::{
    block, clock,
    line::Line,
    looking::Looking,
    note,
    pace::Pace,
    paint::Paint,
    ping::{Answer, ping},
};
use crate::{
    client::{
        ladder::{Climb, Ended, better_than},
        store::{Command, Connection, Heard, Step, Store, Transport, What},
        t,
    },
    model::{AlertState, Timestamp},
    wire::{Hello, PackedDiff, PackedFrame, Part, Pong, Position, ServerFrame},
};
use futures::{
    FutureExt, StreamExt,
    channel::mpsc,
    future::{Fuse, LocalBoxFuture},
    select_biased,
};
use gloo_timers::future::{IntervalStream, TimeoutFuture};
use leptos::prelude::*;
use std::convert::Infallible;

/// Between two looks at whether the connection lives, in milliseconds.
const LOOK_EVERY: u32 = 1_000;

/// Looks between two pings.
const PING_EVERY: u32 = 3;

/// After these the other clock is known well enough to measure by it.
const FIRST_PINGS: u32 = 5;

/// A socket that leaves a ping unanswered for this long, in milliseconds, is dead whatever it says.
const ANSWER: i64 = 5_000;

/// A stream that was silent for this long, in milliseconds, is dead: the server says the time every 3 s.
const SILENCE: i64 = 8_000;

/// How long the button "pause reading" pauses it, in milliseconds.
const PAUSE: u32 = 10_000;

pub(super) struct Session<'a> {
    store: &'a Store,
    line: Line,
    pace: Pace,
    paint: Paint,
    climb: Climb,
    climbing: Fuse<LocalBoxFuture<'a, Option<(Line, Hello)>>>,
    pinging: Fuse<LocalBoxFuture<'a, Option<Answer>>>,
    looking: Looking,
    /// This page's clock and the revision before the interruption, until it is known what was missed.
    lost_at: Option<(Timestamp, u64)>,
    /// Pings to send at once, each when the last came back: the first, while the page still wakes up, tells little of
    /// the other clock.
    first_pings: u32,
    /// The first ping that nothing came after, by this page's clock in milliseconds. Silence alone proves nothing: the
    /// timers of a hidden tab, which ask, may stand still for a minute.
    unanswered: Option<i64>,
    /// A gap was met and what was missed asked for: what comes before the answer joins up with nothing.
    resuming: bool,
}

/// A browser holds six connections to a server for all its tabs, sockets aside: a tab that nobody looks at keeps none of
/// them from the others.
fn is_out_of_sight(transport: Transport) -> bool {
    transport != Transport::WebSocket && document().hidden()
}

impl<'a> Session<'a> {
    pub(super) fn new(store: &'a Store, line: Line, lost_at: Option<(Timestamp, u64)>) -> Self {
        Self {
            store,
            line,
            pace: Pace::new(),
            paint: Paint::default(),
            climb: Climb::new(),
            climbing: Fuse::terminated(),
            pinging: Fuse::terminated(),
            looking: Looking::default(),
            lost_at,
            first_pings: FIRST_PINGS,
            unanswered: None,
            resuming: false,
        }
    }

    /// Until the connection is lost, or let go.
    pub(super) async fn run(mut self, hello: Hello, commands: &mut mpsc::UnboundedReceiver<Command>) -> Ended {
        let transport = t(self.line.transport.word());
        let words = match self.lost_at {
            Some((since, _)) => {
                crate::t!("Live over {} after {} ms", transport, clock().millis() - since.millis())
            }
            None => crate::t!("Live over {}", transport),
        };
        let is_best = better_than(self.line.transport).is_empty();
        self.greet(hello, if is_best { What::Live } else { What::FellBack }, words);
        let Err(ended) = self.converse(commands).await;
        ended
    }

    async fn converse(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>) -> Result<Infallible, Ended> {
        let mut ticks = IntervalStream::new(LOOK_EVERY).fuse();
        let mut looks = 0;
        self.climb_later();
        loop {
            select_biased! {
                frame = self.line.next(self.store).fuse() => {
                    let (frame, sent_after) = frame.ok_or(Ended::Lost)?;
                    self.unanswered = None;
                    self.hear(frame, sent_after).await?;
                }
                command = commands.next() => if let Some(command) = command {
                    self.obey(command).await?;
                },
                better = &mut self.climbing => match better {
                    Some((line, hello)) => self.move_up(line, hello),
                    None => self.climb_later(),
                },
                answer = &mut self.pinging => if let Some(Answer { pong, micros }) = answer {
                    self.pong(pong, Some(micros));
                },
                () = &mut self.looking.due => self.looking.tell(self.store, &self.line),
                stats = &mut self.looking.asking => if let Some(stats) = stats {
                    self.looking.take_in(self.store, stats);
                },
                _ = ticks.next() => {
                    if self.is_dead() {
                        return Err(Ended::Lost);
                    }
                    if is_out_of_sight(self.line.transport) {
                        return Err(Ended::LetGo);
                    }
                    self.looking.tell(self.store, &self.line);
                    self.store.forget_old_trends(self.server_now());
                    looks += 1;
                    if looks % PING_EVERY == 0 {
                        self.ping();
                    }
                }
            }
        }
    }

    fn greet(&mut self, hello: Hello, what: What, words: String) {
        let transport = self.line.transport;
        let is_ours = hello.server_version == env!("CARGO_PKG_VERSION");
        self.store.link().update(|link| {
            link.connection = if transport == Transport::Polling { Connection::Polling } else { Connection::Live };
            link.transport = transport;
            link.is_outdated = !is_ours;
            link.server_version = hello.server_version;
            link.lost_since = None;
            link.retry_at = None;
        });
        note(self.store, what, words);
        self.ping();
        self.looking = Looking::default();
        self.looking.tell(self.store, &self.line);
        // The binary encoding is the release's own: another release needs its own page. Nobody is interrupted for it.
        if !is_ours && document().hidden() {
            let _ = window().location().reload();
        }
    }

    fn ping(&mut self) {
        if self.line.ping() {
            self.unanswered = self.unanswered.or(Some(clock().millis()));
        } else {
            self.pinging = ping().boxed_local().fuse();
        }
    }

    fn server_now(&self) -> Timestamp {
        let offset = self.store.link().with_untracked(|link| link.clock_offset);
        Timestamp::from_micros(clock().micros() + offset)
    }

    /// Whether the line is open in name only.
    fn is_dead(&self) -> bool {
        let now = clock().millis();
        match self.line.transport {
            Transport::WebSocket => self.unanswered.is_some_and(|since| now - since > ANSWER),
            _ => now - self.line.last_heard.millis() > SILENCE,
        }
    }

    /// In a while, whether a better transport gets through.
    fn climb_later(&mut self) {
        let better = better_than(self.line.transport);
        if better.is_empty() {
            self.climbing = Fuse::terminated();
            return;
        }
        let (store, wait) = (self.store, self.climb.next_wait());
        let climb = async move {
            TimeoutFuture::new(wait).await;
            for transport in better {
                if let Some(open) = Line::open(store, *transport, store.known()).await {
                    return Some(open);
                }
            }
            None
        };
        self.climbing = climb.boxed_local().fuse();
    }

    /// What the old line brings no more, the new one repeats; what both bring is taken once.
    fn move_up(&mut self, line: Line, hello: Hello) {
        let [from, to] = [&self.line, &line].map(|line| t(line.transport.word()));
        self.line = line;
        self.unanswered = None;
        self.greet(hello, What::MovedUp, crate::t!("Moved up from {} to {}, without interruption", from, to));
        self.climb_later();
    }

    async fn obey(&mut self, command: Command) -> Result<(), Ended> {
        match command {
            Command::Drop => {
                note(self.store, What::Dropped, crate::t!("{} dropped by hand", t(self.line.transport.word())));
                return Err(Ended::Lost);
            }
            Command::Block(transport, blocked) => {
                block(self.store, transport, blocked);
                self.climb.hope();
                if blocked && transport == self.line.transport {
                    return Err(Ended::Lost);
                }
                self.climb_later();
            }
            Command::Pause => {
                note(self.store, What::Paused, crate::t!("Reading nothing for {} s", PAUSE / 1_000));
                TimeoutFuture::new(PAUSE).await;
                self.line.last_heard = clock();
                self.unanswered = None;
                self.lost_at = Some((clock(), self.store.position().get_untracked().revision));
                self.ping();
            }
            Command::Resync => self.start_over(None).await?,
            Command::Look => self.looking.soon(),
        }
        Ok(())
    }

    /// What comes after `position`, or everything.
    async fn start_over(&mut self, position: Option<Position>) -> Result<(), Ended> {
        self.resuming = true;
        if !self.line.resume(position) {
            let (line, _) = Line::open(self.store, self.line.transport, position).await.ok_or(Ended::Lost)?;
            self.line = line;
        }
        Ok(())
    }

    async fn hear(&mut self, frame: PackedFrame, sent_after: u32) -> Result<(), Ended> {
        match frame {
            ServerFrame::Hello(_) | ServerFrame::Ack(_) => {}
            ServerFrame::EngineEvents(current) => self.store.hear(Heard::Current(current)),
            ServerFrame::EngineEvent(one) => self.store.hear(Heard::One(one)),
            ServerFrame::Tasks(all) => self.store.tasks().update(|tasks| tasks.replace(all)),
            ServerFrame::Task(one) => self.store.tasks().update(|tasks| tasks.put(one)),
            ServerFrame::Notice(notice) => {
                if notice.alert != Some(AlertState::Resolved) {
                    self.store.unread().update(|unread| *unread += 1);
                }
                self.store.notices().update(|notices| notices.hear(notice));
                // The answer says how many fire now.
                self.ping();
            }
            ServerFrame::Stats(stats) => self.looking.take_in(self.store, stats),
            ServerFrame::EngineStateUpdate(part) => self.part(part),
            ServerFrame::EngineStateDiff(diff) => self.step(diff, sent_after).await?,
            ServerFrame::Pong(pong) => {
                let micros = self.line.pong(pong.nonce);
                self.pong(pong, micros);
            }
            ServerFrame::Error(error) => leptos::logging::warn!("the server did not understand: {}", error.message),
        }
        Ok(())
    }

    fn part(&mut self, part: Part) {
        let had_a_state = self.store.known().is_some();
        let Part { epoch, revision, .. } = part;
        if !self.store.part(part) {
            return;
        }
        self.resuming = false;
        self.line.arrived(Position { epoch, revision });
        if had_a_state {
            self.lost_at = None;
            self.store.link().update(|link| link.resyncs += 1);
            note(self.store, What::Resynced, crate::t!("Took the complete state, at revision {}", revision));
        }
    }

    async fn step(&mut self, diff: PackedDiff, sent_after: u32) -> Result<(), Ended> {
        let received = clock();
        let (event, sent) = (diff.event(), diff.timestamp.micros() + i64::from(sent_after));
        match self.store.step(diff, received) {
            Step::Known => {}
            Step::Applied => {
                self.resuming = false;
                self.line.arrived(self.store.position().get_untracked());
                // What was missed came late because of that, and says nothing of the way.
                let is_telling = self.lost_at.is_none() && self.first_pings == 0;
                if let Some(event) = event.filter(|_| is_telling) {
                    self.paint.expect(self.store, event, Timestamp::from_micros(sent), received);
                }
                self.pace.step().await;
            }
            Step::Gap if self.resuming => {}
            Step::Gap => {
                self.store.link().update(|link| {
                    link.gaps += 1;
                    link.resumes += 1;
                });
                self.start_over(self.store.known()).await?;
            }
        }
        Ok(())
    }

    fn pong(&mut self, pong: Pong, micros: Option<i64>) {
        let now = clock();
        self.store.link().update(|link| {
            if let Some(micros) = micros {
                link.round_trip(micros, now, pong.server_time);
            }
            link.server_revision = pong.revision;
            link.server_drift = pong.drift;
        });
        let firing = self.store.firing();
        if firing.get_untracked() != pong.firing {
            firing.set(pong.firing);
        }
        if micros.is_some() && self.first_pings > 0 {
            self.first_pings -= 1;
            self.ping();
        }
        // The server answers after it has sent what was missed.
        if let Some((_, before)) = self.lost_at.take_if(|_| micros.is_some()) {
            let revision = self.store.position().get_untracked().revision;
            let missed = revision.saturating_sub(before);
            self.store.link().update(|link| link.resumes += 1);
            let words = crate::t!("Resumed at revision {}, {} missed meanwhile and made up for", before, missed);
            note(self.store, What::Resumed, words);
        }
    }
}
