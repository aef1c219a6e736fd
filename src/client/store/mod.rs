//! The client store: the state as received from the server, and signals for what is on the screen.
//!
//! The state is plain data, and each mounted row has a signal. Inserting one of 10,000 rows notifies only the list's
//! order.

mod connection;
mod event_channel;
mod journal;
mod latency;
mod notices;
mod order;
mod rows;
mod selectors;
mod tasks;
mod trends;

pub use connection::{Connection, Line, Link, Transport};
pub use event_channel::EventMessage;
pub use journal::{Command, ConnectionChange, Entry, Journal};
pub use latency::{BOUNDS, Figures, Latencies, Leg, Sample, nearest_rank};
pub use notices::Notices;
pub use order::order;
pub use rows::{Facet, LastChange};
pub use selectors::{ContainerColumn, ContainerQuery, OrderedContainers, select_containers};
pub use tasks::TaskBoard;
pub use trends::{Loads, Subscriptions, Trend, Use};

use crate::{
    client::{ArcDerived, scoped_memo},
    model::{
        Change, Container, ContainerState, EngineState, Entity, Host, Image, Key, Kind, Network, Timestamp, Volume,
    },
    wire::{Packed, PackedDiff, Part, Position, Seed, Stats, Totals},
};
use event_channel::EventChannel;
use futures::channel::mpsc;
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
    events: EventChannel,
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
    /// Totals of the complete state, while `state` contains only the initial excerpt.
    totals: Option<Totals>,
    /// A complete state of which some parts are still missing.
    arriving: EngineState,
}

/// The result of applying a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Applied,
    /// The diff was applied before: two connections overlapped.
    Known,
    /// The diff does not follow the page's revision: resume.
    Gap,
}

impl Store {
    /// A store with the state from the server's HTML.
    pub fn new(seed: Seed) -> Self {
        let position = Position { epoch: seed.epoch, revision: seed.revision };
        let entities = seed.entities.into_iter();
        let state = if seed.totals.is_some() { EngineState::excerpt(entities) } else { entities.collect() };
        let (sender, receiver) = mpsc::unbounded();
        Self(Arc::new(Inner {
            truth: RwLock::new(Truth { state, position, totals: seed.totals, arriving: EngineState::default() }),
            rows: Rows::default(),
            trends: Trends::default(),
            events: EventChannel::default(),
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

    /// The page's position in the feed.
    pub fn position(&self) -> ArcRwSignal<Position> {
        self.0.position.clone()
    }

    /// The connection to the server.
    pub fn link(&self) -> ArcRwSignal<Link> {
        self.0.link.clone()
    }

    /// Latencies of the latest changes.
    pub fn latencies(&self) -> ArcRwSignal<Latencies> {
        self.0.latencies.clone()
    }

    /// The journal of the connection.
    pub fn journal(&self) -> ArcRwSignal<Journal> {
        self.0.journal.clone()
    }

    /// The notices sent to all users.
    pub fn notices(&self) -> ArcRwSignal<Notices> {
        self.0.notices.clone()
    }

    /// The number of firing alerts.
    pub fn firing(&self) -> ArcRwSignal<u32> {
        self.0.firing.clone()
    }

    /// The number of unread entries in the notification center.
    pub fn unread(&self) -> ArcRwSignal<u32> {
        self.0.unread.clone()
    }

    /// The long-running tasks.
    pub fn tasks(&self) -> ArcRwSignal<TaskBoard> {
        self.0.tasks.clone()
    }

    /// Sends a command to the link.
    pub fn command(&self, command: Command) {
        // On the server there is no link, and no user to press the buttons.
        let _ = self.0.commands.0.unbounded_send(command);
    }

    /// Returns the receiver of the commands. It can be taken once, by the link.
    pub fn commands(&self) -> Option<mpsc::UnboundedReceiver<Command>> {
        self.0.commands.1.lock().expect("the lock isn't poisoned").take()
    }

    /// The reference time of relative times, updated every second.
    pub fn now(&self) -> ArcRwSignal<Timestamp> {
        self.0.now.clone()
    }

    /// Reads the state without subscribing to anything.
    pub fn look<T>(&self, look: impl FnOnce(&EngineState) -> T) -> T {
        look(&self.truth().state)
    }

    /// The number of entities of a kind, live.
    pub fn count(&self, kind: Kind) -> usize {
        self.track_members(kind);
        let truth = self.truth();
        truth.totals.map_or_else(|| truth.state.count(kind), |totals| totals.entities[kind as usize] as usize)
    }

    /// The count as text: a dash if the engine has never listed the kind, since there may be some.
    pub fn count_words(&self, kind: Kind) -> String {
        let was_listed = |host: &Host| host.failed_list(kind).is_none_or(|it| it.as_of.is_some());
        match self.count(kind) {
            0 if !self.main_host().is_some_and(|host| host.was_reached() && was_listed(&host)) => "–".to_owned(),
            count => count.to_string(),
        }
    }

    /// Whether nothing is known of the engine's entities yet, live.
    pub fn is_unknown(&self) -> bool {
        !self.main_host().is_some_and(|host| host.was_reached())
    }

    /// The number of containers in `state`, live.
    pub fn in_state(&self, state: ContainerState) -> usize {
        self.track_members(Kind::Container);
        self.track_facet(Facet::State);
        let truth = self.truth();
        truth.totals.map_or_else(|| truth.state.in_state(state), |totals| totals.states[state as usize] as usize)
    }

    /// The number of containers that exited with a failure code, live.
    pub fn failed(&self) -> usize {
        self.track_members(Kind::Container);
        self.track_facet(Facet::State);
        let truth = self.truth();
        truth.totals.map_or_else(|| truth.state.failed(), |totals| totals.failed as usize)
    }

    /// Whether the complete state is loaded, and not only the initial excerpt. Live.
    pub fn is_whole(&self) -> bool {
        self.position().track();
        self.truth().totals.is_none()
    }

    /// The position to resume from, or `None` if the complete state is needed.
    pub fn known(&self) -> Option<Position> {
        let truth = self.truth();
        truth.totals.is_none().then_some(truth.position)
    }

    fn truth(&self) -> std::sync::RwLockReadGuard<'_, Truth> {
        self.0.truth.read().expect("the lock isn't poisoned")
    }

    /// The containers touched after the first `seen` ones: see [`OrderedContainers`].
    fn touched_since(&self, seen: u64) -> (Option<Vec<Key>>, u64) {
        self.0.rows.touched_since(seen)
    }

    /// Subscribes to additions and removals of entities of a kind.
    pub fn track_members(&self, kind: Kind) {
        self.0.rows.track_members(kind);
    }

    /// Subscribes to any change of an entity of a kind.
    pub fn track(&self, kind: Kind) {
        self.0.rows.track_all(kind);
    }

    /// Subscribes to changes of `facet` in any container.
    pub fn track_facet(&self, facet: Facet) {
        self.0.rows.track_facet(facet);
    }

    /// One entity, live while the caller's owner lives. `None` if it doesn't exist.
    pub fn entity(&self, key: &Key) -> Option<Row> {
        let signal = self.0.rows.signal(key, || self.look(|state| state.get(key).cloned()))?;
        Some(Row(scoped_memo(move || signal.get())))
    }

    /// The first host, live.
    pub fn main_host(&self) -> Option<Arc<Host>> {
        self.track(Kind::Host);
        self.look(|state| state.hosts().next().cloned())
    }

    /// The latest change of an entity that this page received, live.
    pub fn last_change(&self, key: &Key) -> ArcRwSignal<Option<LastChange>> {
        self.0.rows.last_change(key)
    }
}

/// Resource usage of containers.
impl Store {
    /// The trend of one container, live. `None` while the page has no data of it.
    pub fn trend(&self, key: &Key) -> ArcRwSignal<Option<Trend>> {
        self.0.trends.of(key)
    }

    /// Evaluates `measure` for a container with known usage. Does not subscribe.
    pub fn known_trend<T>(&self, key: &Key, measure: fn(&Trend) -> T) -> Option<T> {
        self.0.trends.known(key, measure)
    }

    /// The total usage of projects and hosts, live.
    pub fn loads(&self) -> ArcRwSignal<Loads> {
        self.0.trends.loads()
    }

    /// Returns a function that sets the subscriptions of the caller's part of the page. It may be called repeatedly.
    /// The subscriptions end with the caller's owner.
    pub fn subscriber(&self) -> impl Fn(Subscriptions) + Clone + Send + Sync + 'static {
        let (store, part) = (self.clone(), self.0.trends.next_part());
        let at_end = store.clone();
        on_cleanup(move || at_end.set_subscriptions(part, Subscriptions::default()));
        move |subscriptions| store.set_subscriptions(part, subscriptions)
    }

    fn set_subscriptions(&self, part: u32, subscriptions: Subscriptions) {
        self.0.trends.look(part, subscriptions);
        self.command(Command::Look);
    }

    /// The subscriptions of all parts of the page together.
    pub fn subscriptions(&self) -> Subscriptions {
        self.0.trends.subscriptions()
    }

    /// Subscribes to new rankings of the containers by usage.
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

/// Engine events.
impl Store {
    /// Passes all received events to `listener` while its owner lives. Only one part of the page listens at a time.
    pub fn listen(&self, listener: impl Fn(EventMessage) + Send + Sync + 'static) {
        let events = self.clone();
        let part = self.0.events.lend(listener);
        on_cleanup(move || events.0.events.close(part));
    }

    pub fn on_message(&self, heard: EventMessage) {
        self.0.events.on_message(heard);
    }
}

/// One entity, live.
#[derive(Clone)]
pub struct Row(ArcDerived<Entity>);

macro_rules! readers {
    ($($name:ident $as:ident $type:ty;)*) => {
        /// Each method reads the entity as its own kind. A row of another kind returns the default.
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
    /// Returns the entity's current value without subscribing.
    pub fn now(&self) -> Entity {
        self.0.get_untracked()
    }

    pub fn get(&self) -> Entity {
        self.0.get()
    }
}

/// Applying what the link receives.
impl Store {
    /// Adds a part of the complete state. Returns true if it was the last. Rows that are the same stay untouched, so
    /// nothing flickers.
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

    /// Replaces the state with the one that has been received.
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

    /// Applies one diff. `received` is this page's clock.
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
                // A half-applied diff can't be rolled back: only the complete state is a way out.
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
                // The others changed in their usage only, so they existed before.
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
        self.0.truth.write().expect("the lock isn't poisoned")
    }
}
