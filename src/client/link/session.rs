//! A session over one connection: received frames, commands, subscriptions, and upgrades to a better transport.

use super::{
    block, clock,
    line::Line,
    note,
    pace::Pace,
    paint::Paint,
    ping::{Answer, ping},
    subscriptions::SubscriptionSync,
};
use crate::{
    client::{
        fallback::{Ended, UpgradeBackoff, better_than},
        store::{Command, Connection, ConnectionChange, EventMessage, Step, Store, Transport},
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

/// Interval of the liveness checks, in milliseconds.
const LOOK_EVERY: u32 = 1_000;

/// Liveness checks between two pings.
const PING_EVERY: u32 = 3;

/// After this many pings the estimate of the server's clock is good enough to measure with.
const FIRST_PINGS: u32 = 5;

/// Ping timeout, in milliseconds. A socket that exceeds it is dead, whatever its state is.
const ANSWER: i64 = 5_000;

/// A stream without a message for this long, in milliseconds, is dead: the server sends the time every 3 s.
const SILENCE: i64 = 8_000;

/// How long the button "pause reading" pauses the connection, in milliseconds.
const PAUSE: u32 = 10_000;

pub(super) struct Session<'a> {
    store: &'a Store,
    line: Line,
    pace: Pace,
    paint: Paint,
    upgrade: UpgradeBackoff,
    upgrading: Fuse<LocalBoxFuture<'a, Option<(Line, Hello)>>>,
    pinging: Fuse<LocalBoxFuture<'a, Option<Answer>>>,
    looking: SubscriptionSync,
    /// This page's clock and the revision before the interruption, until the number of missed changes is known.
    lost_at: Option<(Timestamp, u64)>,
    /// The remaining pings of the initial series, each sent when the last was answered. The first pings, while the page
    /// is still starting, give a poor estimate of the server's clock.
    first_pings: u32,
    /// When the oldest ping without any later message was sent, by this page's clock in milliseconds. Silence alone
    /// proves nothing: the browser may suspend the timers of a hidden tab, which send the pings, for a minute.
    unanswered: Option<i64>,
    /// A gap was found and the missed changes were requested. Diffs that arrive before the answer don't apply.
    resuming: bool,
}

/// Whether a hidden tab should release its connection. A browser allows six connections to a server for all its tabs,
/// sockets excluded, so hidden tabs must not hold any of them.
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
            upgrade: UpgradeBackoff::new(),
            upgrading: Fuse::terminated(),
            pinging: Fuse::terminated(),
            looking: SubscriptionSync::default(),
            lost_at,
            first_pings: FIRST_PINGS,
            unanswered: None,
            resuming: false,
        }
    }

    /// Runs until the connection is lost or released.
    pub(super) async fn run(mut self, hello: Hello, commands: &mut mpsc::UnboundedReceiver<Command>) -> Ended {
        let transport = t(self.line.transport.word());
        let words = match self.lost_at {
            Some((since, _)) => {
                crate::t!("Connected over {} after {} ms", transport, clock().millis() - since.millis())
            }
            None => crate::t!("Connected over {}", transport),
        };
        let is_best = better_than(self.line.transport).is_empty();
        self.greet(hello, if is_best { ConnectionChange::Live } else { ConnectionChange::FellBack }, words);
        let Err(ended) = self.run_until_ended(commands).await;
        ended
    }

    async fn run_until_ended(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>) -> Result<Infallible, Ended> {
        let mut ticks = IntervalStream::new(LOOK_EVERY).fuse();
        let mut checks = 0;
        self.schedule_upgrade();
        loop {
            select_biased! {
                frame = self.line.next(self.store).fuse() => {
                    let Some((frame, sent_after)) = frame else {
                        return Err(if self.line.is_signed_out() { Ended::SignedOut } else { Ended::Lost });
                    };
                    self.unanswered = None;
                    self.on_message(frame, sent_after).await?;
                }
                command = commands.next() => if let Some(command) = command {
                    self.on_command(command).await?;
                },
                better = &mut self.upgrading => match better {
                    Some((line, hello)) => self.switch_to(line, hello),
                    None => self.schedule_upgrade(),
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
                        return Err(Ended::ReleasedWhileHidden);
                    }
                    self.looking.tell(self.store, &self.line);
                    self.store.forget_old_trends(self.server_now());
                    checks += 1;
                    if checks % PING_EVERY == 0 {
                        self.ping();
                    }
                }
            }
        }
    }

    fn greet(&mut self, hello: Hello, what: ConnectionChange, words: String) {
        let transport = self.line.transport;
        let is_ours = hello.server_version == env!("CARGO_PKG_VERSION");
        self.store.link().update(|link| {
            link.connection = if transport == Transport::Polling { Connection::Polling } else { Connection::Live };
            link.transport = transport;
            link.is_outdated = !is_ours;
            link.is_server_full = false;
            link.server_version = hello.server_version;
            link.lost_since = None;
            link.retry_at = None;
        });
        note(self.store, what, words);
        self.ping();
        self.looking = SubscriptionSync::default();
        self.looking.tell(self.store, &self.line);
        // The binary encoding is specific to a release, so another release needs its own page. Reload only hidden tabs,
        // so that no user is interrupted.
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

    /// Whether the connection looks open but no longer works.
    fn is_dead(&self) -> bool {
        let now = clock().millis();
        match self.line.transport {
            Transport::WebSocket => self.unanswered.is_some_and(|since| now - since > ANSWER),
            _ => now - self.line.last_heard.millis() > SILENCE,
        }
    }

    /// Schedules an attempt to open a better transport.
    fn schedule_upgrade(&mut self) {
        let better = better_than(self.line.transport);
        if better.is_empty() {
            self.upgrading = Fuse::terminated();
            return;
        }
        let (store, wait) = (self.store, self.upgrade.next_wait());
        let upgrade = async move {
            TimeoutFuture::new(wait).await;
            for transport in better {
                if let Ok(open) = Line::open(store, *transport, store.known()).await {
                    return Some(open);
                }
            }
            None
        };
        self.upgrading = upgrade.boxed_local().fuse();
    }

    /// Switches to the new connection. It repeats what the old one no longer delivers, and what both deliver is applied
    /// once.
    fn switch_to(&mut self, line: Line, hello: Hello) {
        let [from, to] = [&self.line, &line].map(|line| t(line.transport.word()));
        self.line = line;
        self.unanswered = None;
        self.greet(
            hello,
            ConnectionChange::Upgraded,
            crate::t!("Upgraded from {} to {} without interruption", from, to),
        );
        self.schedule_upgrade();
    }

    async fn on_command(&mut self, command: Command) -> Result<(), Ended> {
        match command {
            Command::Drop => {
                note(
                    self.store,
                    ConnectionChange::Dropped,
                    crate::t!("{} dropped manually", t(self.line.transport.word())),
                );
                return Err(Ended::Lost);
            }
            Command::Block(transport, blocked) => {
                block(self.store, transport, blocked);
                self.upgrade.reset();
                if blocked && transport == self.line.transport {
                    return Err(Ended::Lost);
                }
                self.schedule_upgrade();
            }
            Command::Pause => {
                note(self.store, ConnectionChange::Paused, crate::t!("Reading paused for {} s", PAUSE / 1_000));
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

    /// Requests what follows `position`, or the complete state.
    async fn start_over(&mut self, position: Option<Position>) -> Result<(), Ended> {
        self.resuming = true;
        if !self.line.resume(position) {
            let opened = Line::open(self.store, self.line.transport, position).await;
            let (line, _) = opened.map_err(|_| Ended::Lost)?;
            self.line = line;
        }
        Ok(())
    }

    async fn on_message(&mut self, frame: PackedFrame, sent_after: u32) -> Result<(), Ended> {
        match frame {
            ServerFrame::Hello(_) | ServerFrame::Ack(_) => {}
            ServerFrame::EngineEvents(current) => self.store.on_message(EventMessage::Current(current)),
            ServerFrame::EngineEvent(one) => self.store.on_message(EventMessage::One(Box::new(one))),
            ServerFrame::Tasks(all) => self.store.tasks().update(|tasks| tasks.replace(all)),
            ServerFrame::Task(one) => self.store.tasks().update(|tasks| tasks.put(one)),
            ServerFrame::Notice(notice) => {
                if notice.alert != Some(AlertState::Resolved) {
                    self.store.unread().update(|unread| *unread += 1);
                }
                self.store.notices().update(|notices| notices.on_message(notice));
                // The pong contains the number of firing alerts.
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
            note(self.store, ConnectionChange::Resynced, crate::t!("Full resync at revision {}", revision));
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
                // Missed changes arrive late because of the interruption, so they don't measure the latency.
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
        // The server answers a ping after it has sent the missed changes.
        if let Some((_, before)) = self.lost_at.take_if(|_| micros.is_some()) {
            let revision = self.store.position().get_untracked().revision;
            let missed = revision.saturating_sub(before);
            self.store.link().update(|link| link.resumes += 1);
            let words = crate::t!("Resumed at revision {}, {} missed changes recovered", before, missed);
            note(self.store, ConnectionChange::Resumed, words);
        }
    }
}
