//! What the page knows: the state as the server has it, and signals for what is on the screen.
//!
//! A plain state and a signal for each mounted row: inserting one of 10,000 rows wakes nobody but the list's order.

mod connection;
mod heard;
mod journal;
mod latency;
mod notices;
mod order;
mod rows;
mod selectors;
mod tasks;
mod trends;

pub use connection::{Connection, Line, Link, Transport};
pub use heard::Heard;
pub use journal::{Command, Entry, Journal, What};
pub use latency::{BOUNDS, Figures, Latencies, Leg, Sample, nearest_rank};
pub use notices::Notices;
pub use order::order;
pub use rows::{Facet, LastChange};
pub use selectors::{ContainerColumn, ContainerQuery, OrderedContainers, select_containers};
pub use tasks::TaskBoard;
pub use trends::{Loads, Looks, Trend, Use};

use crate::{
    client::{ArcDerived, leaving_no_trace},
    model::{
        Change, Container, ContainerState, EngineState, Entity, Host, Image, Key, Kind, Network, Timestamp, Volume,
    },
    wire::{Packed, PackedDiff, Part, Position, Seed, Stats, Totals},
};
use futures::channel::mpsc;
use heard::Ear;
use leptos::prelude::*;
use rows::Rows;
use std::sync::{Arc, Mutex, RwLock};
use trends::Trends;

#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    truth: RwLock<Truth>,
    rows: Rows,
    trends: Trends,
    ear: Ear,
    position: ArcRwSignal<Position>,
    link: ArcRwSignal<Link>,
    latencies: ArcRwSignal<Latencies>,
    journal: ArcRwSignal<Journal>,
    notices: ArcRwSignal<Notices>,
    firing: ArcRwSignal<u32>,
    unread: ArcRwSignal<u32>,
    tasks: ArcRwSignal<TaskBoard>,
    now: ArcRwSignal<Timestamp>,
    commands: (mpsc::UnboundedSender<Command>, Mutex<Option<mpsc::UnboundedReceiver<Command>>>),
}

struct Truth {
    state: EngineState,
    position: Position,
    /// Of the whole, as long as `state` is only what the page shows first.
    totals: Option<Totals>,
    /// A complete state of which not all parts have come.
    arriving: EngineState,
}

/// What became of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Applied,
    /// It was applied before: two connections overlapped.
    Known,
    /// It does not join up with what is here: resume.
    Gap,
}

impl Store {
    /// As the server's HTML has it.
    pub fn new(seed: Seed) -> Self {
        let position = Position { epoch: seed.epoch, revision: seed.revision };
        let entities = seed.entities.into_iter();
        let state = if seed.totals.is_some() { EngineState::excerpt(entities) } else { entities.collect() };
        let (sender, receiver) = mpsc::unbounded();
        Self(Arc::new(Inner {
            truth: RwLock::new(Truth { state, position, totals: seed.totals, arriving: EngineState::default() }),
            rows: Rows::default(),
            trends: Trends::default(),
            ear: Ear::default(),
            position: ArcRwSignal::new(position),
            link: ArcRwSignal::new(Link::new(seed.server_version)),
            latencies: ArcRwSignal::default(),
            journal: ArcRwSignal::default(),
            notices: ArcRwSignal::default(),
            firing: ArcRwSignal::new(seed.firing),
            unread: ArcRwSignal::new(seed.unread),
            tasks: ArcRwSignal::new(TaskBoard::new(seed.tasks)),
            now: ArcRwSignal::new(seed.server_time),
            commands: (sender, Mutex::new(Some(receiver))),
        }))
    }

    /// Where in the feed this page is.
    pub fn position(&self) -> ArcRwSignal<Position> {
        self.0.position.clone()
    }

    /// The connection to the server.
    pub fn link(&self) -> ArcRwSignal<Link> {
        self.0.link.clone()
    }

    /// How late the latest changes came.
    pub fn latencies(&self) -> ArcRwSignal<Latencies> {
        self.0.latencies.clone()
    }

    /// What happened to the connection.
    pub fn journal(&self) -> ArcRwSignal<Journal> {
        self.0.journal.clone()
    }

    /// What everybody is told.
    pub fn notices(&self) -> ArcRwSignal<Notices> {
        self.0.notices.clone()
    }

    /// How many alerts fire.
    pub fn firing(&self) -> ArcRwSignal<u32> {
        self.0.firing.clone()
    }

    /// How much in the notification centre has not been read.
    pub fn unread(&self) -> ArcRwSignal<u32> {
        self.0.unread.clone()
    }

    /// What takes long.
    pub fn tasks(&self) -> ArcRwSignal<TaskBoard> {
        self.0.tasks.clone()
    }

    /// Asks the link to do something.
    pub fn command(&self, command: Command) {
        // Without a link, on the server, nobody presses the buttons either.
        let _ = self.0.commands.0.unbounded_send(command);
    }

    /// What is asked of the link; for the link, once.
    pub fn commands(&self) -> Option<mpsc::UnboundedReceiver<Command>> {
        self.0.commands.1.lock().expect("nobody panics while taking it").take()
    }

    /// The time that relative times count from; moves on by the second.
    pub fn now(&self) -> ArcRwSignal<Timestamp> {
        self.0.now.clone()
    }

    /// A look at the state without subscribing to anything.
    pub fn look<T>(&self, look: impl FnOnce(&EngineState) -> T) -> T {
        look(&self.truth().state)
    }

    /// How many there are of a kind, live.
    pub fn count(&self, kind: Kind) -> usize {
        self.track_members(kind);
        let truth = self.truth();
        truth.totals.map_or_else(|| truth.state.count(kind), |totals| totals.entities[kind as usize] as usize)
    }

    /// How many containers are in `state`, live.
    pub fn in_state(&self, state: ContainerState) -> usize {
        self.track_members(Kind::Container);
        self.track_facet(Facet::State);
        let truth = self.truth();
        truth.totals.map_or_else(|| truth.state.in_state(state), |totals| totals.states[state as usize] as usize)
    }

    /// How many containers have exited with a code of failure, live.
    pub fn failed(&self) -> usize {
        self.track_members(Kind::Container);
        self.track_facet(Facet::State);
        let truth = self.truth();
        truth.totals.map_or_else(|| truth.state.failed(), |totals| totals.failed as usize)
    }

    /// Whether all of the state is here, and not only what the page shows first. Live.
    pub fn is_whole(&self) -> bool {
        self.position().track();
        self.truth().totals.is_none()
    }

    /// Where to go on from; none when the complete state is needed.
    pub fn known(&self) -> Option<Position> {
        let truth = self.truth();
        truth.totals.is_none().then_some(truth.position)
    }

    fn truth(&self) -> std::sync::RwLockReadGuard<'_, Truth> {
        self.0.truth.read().expect("nobody panics while holding the state")
    }

    /// Containers touched since `seen` of them had been: see [`OrderedContainers`].
    fn touched_since(&self, seen: u64) -> (Option<Vec<Key>>, u64) {
        self.0.rows.touched_since(seen)
    }

    /// Wakes its reader when entities of a kind come or go.
    pub fn track_members(&self, kind: Kind) {
        self.0.rows.track_members(kind);
    }

    /// Wakes its reader with any change of an entity of a kind.
    pub fn track(&self, kind: Kind) {
        self.0.rows.track_all(kind);
    }

    /// Wakes its reader when `facet` of any container changes.
    pub fn track_facet(&self, facet: Facet) {
        self.0.rows.track_facet(facet);
    }

    /// One entity, live, for as long as the owner lives that asks; none when there is no such.
    pub fn entity(&self, key: &Key) -> Option<Row> {
        let signal = self.0.rows.signal(key, || self.look(|state| state.get(key).cloned()))?;
        Some(Row(leaving_no_trace(move || signal.get())))
    }

    /// The first host, live.
    pub fn main_host(&self) -> Option<Arc<Host>> {
        self.track(Kind::Host);
        self.look(|state| state.hosts().next().cloned())
    }

    /// The latest change of an entity that arrived at this page, live.
    pub fn last_change(&self, key: &Key) -> ArcRwSignal<Option<LastChange>> {
        self.0.rows.last_change(key)
    }
}

/// What containers use.
impl Store {
    /// Of one container, live; none while nobody looks at it.
    pub fn trend(&self, key: &Key) -> ArcRwSignal<Option<Trend>> {
        self.0.trends.of(key)
    }

    /// What `measure` says of a container that something is known of. Subscribes to nothing.
    pub fn known_trend(&self, key: &Key, measure: fn(&Trend) -> u64) -> Option<u64> {
        self.0.trends.known(key, measure)
    }

    /// What projects and hosts use together, live.
    pub fn loads(&self) -> ArcRwSignal<Loads> {
        self.0.trends.loads()
    }

    /// What the caller's part of the page looks at, for as long as its owner lives: what it gives is set again and again.
    pub fn looker(&self) -> impl Fn(Looks) + Clone + Send + Sync + 'static {
        let (store, part) = (self.clone(), self.0.trends.next_part());
        let at_end = store.clone();
        on_cleanup(move || at_end.look_as(part, Looks::default()));
        move |looks| store.look_as(part, looks)
    }

    fn look_as(&self, part: u32, looks: Looks) {
        self.0.trends.look(part, looks);
        self.command(Command::Look);
    }

    /// What all parts of the page look at.
    pub fn looks(&self) -> Looks {
        self.0.trends.looks()
    }

    /// Wakes its reader when lists are to be put in order by what containers use.
    pub fn track_ranks(&self) {
        self.0.trends.track_ranks();
    }

    pub fn ranked(&self, key: &Key, by: Use) -> Option<u64> {
        self.0.trends.ranked(key, by)
    }

    pub fn rank(&self) {
        self.0.trends.rank();
    }

    pub fn stats(&self, stats: Stats) {
        self.0.trends.take_in(stats);
    }

    /// `now` is the server's clock.
    pub fn forget_old_trends(&self, now: Timestamp) {
        self.0.trends.forget_the_old(now);
    }
}

/// What happens.
impl Store {
    /// Gives `listener` all that is heard, for as long as its owner lives. One part of the page listens at a time.
    pub fn listen(&self, listener: impl Fn(Heard) + Send + Sync + 'static) {
        let ear = self.clone();
        let part = self.0.ear.lend(listener);
        on_cleanup(move || ear.0.ear.close(part));
    }

    pub fn hear(&self, heard: Heard) {
        self.0.ear.hear(heard);
    }
}

/// One entity, live.
#[derive(Clone)]
pub struct Row(ArcDerived<Entity>);

macro_rules! readers {
    ($($name:ident $as:ident $type:ty;)*) => {
        /// Each reads the entity as what it is; a row of another kind gives the default.
        impl Row {
            $(pub fn $name<T: Default>(&self, read: impl FnOnce(&$type) -> T) -> T {
                self.0.with(|entity| entity.$as().map(|it| read(it)).unwrap_or_default())
            })*
        }
    };
}

readers! {
    container as_container Container;
    image as_image Image;
    volume as_volume Volume;
    network as_network Network;
}

impl Row {
    /// The entity now, without subscribing.
    pub fn now(&self) -> Entity {
        self.0.get_untracked()
    }

    pub fn get(&self) -> Entity {
        self.0.get()
    }
}

/// Taking in what the link brings.
impl Store {
    /// A part of the complete state; true when it was the last. Rows that are the same stay untouched, so nothing
    /// flickers.
    pub fn part(&self, part: Part) -> bool {
        {
            let mut truth = self.truth_to_change();
            if part.number == 0 {
                truth.arriving = EngineState::default();
            }
            for entity in part.entities {
                truth.arriving.apply(Change::Put(entity));
            }
        }
        if part.is_last {
            self.replace(Position { epoch: part.epoch, revision: part.revision });
        }
        part.is_last
    }

    /// By the state that has arrived.
    fn replace(&self, position: Position) {
        let old = {
            let mut truth = self.truth_to_change();
            truth.totals = None;
            let new = std::mem::take(&mut truth.arriving);
            std::mem::replace(&mut truth.state, new)
        };
        let (changed, gone) = self.look(|new| {
            let differs = |key: &&Key| old.get(key) != new.get(key);
            let changed: Vec<Key> = new.keys().filter(differs).cloned().collect();
            let gone: Vec<Key> = old.keys().filter(|key| new.get(key).is_none()).cloned().collect();
            (changed, gone)
        });
        for key in gone {
            self.gone(&key);
        }
        for key in changed {
            if let Some(after) = self.look(|state| state.get(&key).cloned()) {
                self.0.rows.changed(old.get(&key), after, None);
            }
        }
        self.arrive(position);
    }

    /// One step on. `received` is this page's clock.
    pub fn step(&self, step: PackedDiff, received: Timestamp) -> Step {
        let Position { epoch, revision } = self.truth().position;
        let to = step.to();
        if to <= revision {
            return Step::Known;
        }
        if revision != step.from || self.known().is_none() {
            return Step::Gap;
        }
        let clock_offset = self.0.link.with_untracked(|link| link.clock_offset);
        let change = LastChange { event: step.event(), applied: step.timestamp, received, clock_offset };
        for packed in step.changes {
            let Ok(unpacked) = self.look(|state| Packed::unpack(packed, state)) else {
                // Half of a step can't be taken back: nothing but the complete state leads on from here.
                self.arrive(Position { epoch: 0, revision: 0 });
                return Step::Gap;
            };
            self.apply(unpacked, Some(change));
        }
        self.arrive(Position { epoch, revision: to });
        Step::Applied
    }

    fn apply(&self, it: Change, change: Option<LastChange>) {
        let key = it.key();
        let (before, touched) = {
            let mut truth = self.truth_to_change();
            let before = truth.state.get(&key).cloned();
            (before, truth.state.apply(it))
        };
        for touched in touched {
            match self.look(|state| state.get(&touched).cloned()) {
                // Others are touched in their usage only: they were there before.
                Some(after) if touched != key => self.0.rows.changed(Some(&after.clone()), after, change),
                Some(after) => self.0.rows.changed(before.as_ref(), after, change),
                None => self.gone(&touched),
            }
        }
    }

    fn gone(&self, key: &Key) {
        self.0.trends.gone(key);
        self.0.rows.gone(key);
    }

    fn arrive(&self, position: Position) {
        self.truth_to_change().position = position;
        if self.0.position.get_untracked() != position {
            self.0.position.set(position);
        }
    }

    fn truth_to_change(&self) -> std::sync::RwLockWriteGuard<'_, Truth> {
        self.0.truth.write().expect("nobody panics while holding the state")
    }
}
