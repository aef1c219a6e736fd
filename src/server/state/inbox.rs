//! What the writer is told, and by whom.

use crate::{
    model::{Container, ContainerId, ContainerState, Entity, Health, HostId, Key, Timestamp},
    wire::EventTimes,
};
use tokio::sync::mpsc;

/// Watchers wait when the writer is this far behind; it never is, since it waits for nobody.
const CAPACITY: usize = 1024;

#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    Put(Entity),
    Gone(Key),
    /// What an event alone says of a container, until a read answers. See `watch/facts.rs`.
    Fact(HostId, ContainerId, Fact, Timestamp),
}

/// The plain facts of events. Each changes only what the event itself says.
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
    /// An event, or the first listing.
    Engine,
    /// The periodic comparison: whatever it changes had been missed.
    Reconcile,
}

/// What belongs together and becomes one revision.
#[derive(Debug, Clone)]
pub struct Updates {
    pub updates: Vec<Update>,
    /// Of the event that caused them.
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

/// How full an inbox is. Keeps no writer running.
#[derive(Clone)]
pub struct Depth(mpsc::WeakSender<Updates>);

pub(super) fn channel() -> (Inbox, mpsc::Receiver<Updates>) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (Inbox(sender), receiver)
}

impl Inbox {
    pub async fn send(&self, updates: Updates) {
        // The writer ends only with the server; then nobody wants to know.
        let _ = self.0.send(updates).await;
    }

    pub fn depth(&self) -> Depth {
        Depth(self.0.downgrade())
    }
}

impl Depth {
    /// Messages that wait for the writer.
    pub fn now(&self) -> usize {
        self.0.upgrade().map_or(0, |sender| sender.max_capacity() - sender.capacity())
    }
}

impl Fact {
    /// The container as the fact says it is now; none when it is gone.
    pub fn apply(&self, container: &Container, at: Timestamp) -> Option<Container> {
        let mut it = container.clone();
        match self {
            Self::Started => {
                it.state = ContainerState::Running;
                it.started_at = Some(at);
                it.exit_code = None;
                it.oom_killed = false;
            }
            Self::Died { exit_code } => {
                it.state = ContainerState::Exited;
                it.exit_code = Some(*exit_code);
                it.finished_at = Some(at);
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
