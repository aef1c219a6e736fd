//! Inbox of the state's writer: updates and their origins.

use crate::{
    model::{Container, ContainerId, ContainerState, Entity, Health, HostId, Key, Timestamp},
    wire::EventTimes,
};
use tokio::sync::mpsc;

/// Queue capacity. Watchers wait if the writer is this far behind; it never is, since it waits for no client.
const CAPACITY: usize = 1024;

#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    Put(Entity),
    Gone(Key),
    /// What an event alone states about a container, until a read answers. See `watch/facts.rs`.
    Fact(HostId, ContainerId, Fact, Timestamp),
}

impl Update {
    /// The key that the update puts or removes; none for a fact.
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Put(entity) => Some(entity.key()),
            Self::Gone(key) => Some(key.clone()),
            Self::Fact(..) => None,
        }
    }
}

/// The plain facts of events. Each changes only what the event itself states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    Started,
    Died { exit_code: i64 },
    Paused,
    Unpaused,
    Renamed(String),
    Destroyed,
    Health(Health),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An event, or the first list.
    Engine,
    /// The periodic comparison: whatever it changes was missed before.
    Reconcile,
}

/// Updates that belong together and become one revision.
#[derive(Debug, Clone)]
pub struct Updates {
    pub updates: Vec<Update>,
    /// Times of the event that caused them.
    pub event: Option<EventTimes>,
    pub origin: Origin,
}

impl Updates {
    pub fn from_event(update: Update, event: EventTimes) -> Self {
        Self { updates: vec![update], event: Some(event), origin: Origin::Engine }
    }
}

#[derive(Clone)]
pub struct Inbox(mpsc::Sender<Updates>);

/// Queue length of an inbox. Doesn't keep the writer running.
#[derive(Clone)]
pub struct Depth(mpsc::WeakSender<Updates>);

pub(super) fn channel() -> (Inbox, mpsc::Receiver<Updates>) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (Inbox(sender), receiver)
}

impl Inbox {
    pub async fn send(&self, updates: Updates) {
        // The writer ends only with the server, and then the update no longer matters.
        let _ = self.0.send(updates).await;
    }

    pub fn depth(&self) -> Depth {
        Depth(self.0.downgrade())
    }
}

impl Depth {
    /// Number of messages that wait for the writer.
    pub fn now(&self) -> usize {
        self.0.upgrade().map_or(0, |sender| sender.max_capacity() - sender.capacity())
    }
}

impl Fact {
    /// The container after the fact; none if the fact removes it.
    pub fn apply(&self, container: &Container, at: Timestamp) -> Option<Container> {
        let mut it = container.clone();
        match self {
            Self::Started => {
                it.state = ContainerState::Running;
                it.started_at = Some(at);
                it.pid = None;
                it.exit_code = None;
                it.oom_killed = false;
            }
            Self::Died { exit_code } => {
                it.state = ContainerState::Exited;
                it.exit_code = Some(*exit_code);
                it.finished_at = Some(at);
                it.pid = None;
                it.health = None;
            }
            Self::Paused => it.state = ContainerState::Paused,
            Self::Unpaused => it.state = ContainerState::Running,
            Self::Renamed(name) => it.name.clone_from(name),
            Self::Destroyed => return None,
            Self::Health(health) => it.health = Some(*health),
        }
        Some(it)
    }
}
