//! One engine watched for ever: connecting, listing, watching, waiting.

use super::{
    backoff::Backoff,
    facts::fact,
    hints::{Subject, comes_early, subjects},
    reads::{Cause, Reads},
    relist::Listing,
};
use crate::{
    model::{Container, ContainerId, Entity, Host, HostStatus, ImageId, Key, Timestamp},
    server::{
        clock::Clock,
        engine::{Engine, EngineError, EngineEvent, Silent},
        history::History,
        state::{Inbox, Origin, Reader, Update, Updates},
    },
    wire::EventTimes,
};
use futures::{FutureExt, future::BoxFuture};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, interval, sleep, sleep_until};

/// Events of what a list has seen already may still be on their way: a difference counts when none came by then.
const EVENTS_MAY_TAKE: Duration = Duration::from_secs(1);

/// Answers to reads that no event caused wait this long for each other: after the first list there are thousands, and
/// each would be a revision of its own.
const GATHER: Duration = Duration::from_millis(50);

/// How far an event stream taken up again reaches back before the last event seen.
const OVERLAP: Timestamp = Timestamp::from_seconds(1);

/// An engine that tells of no network by an event is asked for all of them this often. Podman answers in 2 ms.
const SILENT_NETWORKS: Duration = Duration::from_secs(1);

/// Stopped containers that are inspected without being asked for: of more than that the list must do.
const STOPPED_INSPECTED: usize = 500;

pub struct Watcher {
    engine: Engine,
    reader: Reader,
    inbox: Inbox,
    history: History,
    clock: Clock,
    /// Between two looks at everything.
    reconcile: Duration,
    /// The engine's clock at the latest event, in nanoseconds.
    latest_event: Option<i64>,
    /// As it was when the stream was taken up again: events up to there are repetitions.
    repeated_until: Option<i64>,
    backoff: Backoff,
}

impl Watcher {
    pub fn new(
        engine: Engine,
        reader: Reader,
        inbox: Inbox,
        history: History,
        clock: Clock,
        reconcile: Duration,
    ) -> Self {
        Self {
            engine,
            reader,
            inbox,
            history,
            clock,
            reconcile,
            latest_event: None,
            repeated_until: None,
            backoff: Backoff::default(),
        }
    }

    /// Never ends by itself.
    pub async fn run(mut self) {
        let connecting = Host::connecting(self.engine.host().clone(), self.clock.now());
        self.tell(vec![Update::Put(connecting.into())], Origin::Engine).await;
        loop {
            let Err(error) = self.follow().await;
            self.mark_unreachable(&error).await;
            sleep(self.backoff.next(rand::random())).await;
        }
    }

    /// From connecting to the loss of the engine. Subscribes first and lists second: what happens in between is hinted
    /// at by events that wait in the stream.
    async fn follow(&mut self) -> Result<std::convert::Infallible, EngineError> {
        let (name, facts) = self.engine.describe().await?;
        let overlap = |latest: i64| Timestamp::from_micros(latest / 1_000 - OVERLAP.micros());
        let mut events = self.engine.events(self.latest_event.map(overlap)).await?;
        self.repeated_until = self.latest_event;
        let mut reads = Reads::new(self.engine.clone());
        let tells_of_networks = facts.tells_of_networks();
        let mut networks = interval(SILENT_NETWORKS);
        let mut first = Some((name, facts));
        let mut listing = Some(list(&self.engine, reads.mark()));
        let mut reconcile_at = Instant::now() + self.reconcile;
        let mut suspects = Suspects::default();
        let mut gathered = Gathered::default();
        loop {
            tokio::select! {
                biased;
                // An event: its fact at once, then a read.
                event = events.next() => {
                    let event = event?;
                    self.history.record_engine(self.engine.host(), &event);
                    if !event.is_change() {
                        continue;
                    }
                    // What was read before must not be taken for news after it.
                    self.tell_gathered(&mut gathered).await;
                    self.on_event(&event, first.is_none(), &mut reads).await;
                }
                // Changed from here, and no event says so.
                silent = self.engine.changed_in_silence() => {
                    for what in silent {
                        let subject = match what {
                            Silent::Container(id) => Subject::Container(id),
                            Silent::Network(id) => Subject::Network(id),
                        };
                        reads.hint(subject, Cause::new(None, Origin::Engine), false);
                    }
                }
                // Long enough gathered. Before the reads, which may come without a pause.
                () = sleep_until(gathered.due), if !gathered.updates.is_empty() => self.tell_gathered(&mut gathered).await,
                // A read has ended: the truth.
                read = reads.next(), if !reads.is_idle() => match read {
                    Ok(Some((Subject::Images, listed))) => self.on_images(listed, &mut reads),
                    Ok(Some((Subject::Networks, listed))) => self.on_networks(listed, &mut reads),
                    Ok(Some((_, updates))) if updates.event.is_none() && updates.origin == Origin::Engine => {
                        self.on_read(&updates, &mut reads);
                        gathered.take(updates);
                    }
                    Ok(Some((_, updates))) => {
                        self.tell_gathered(&mut gathered).await;
                        self.on_read(&updates, &mut reads);
                        self.inbox.send(updates).await;
                    }
                    Ok(None) => {}
                    // One container can hang alone; an engine that answers nothing else is gone.
                    Err(EngineError::Timeout) if self.engine.is_alive().await => {}
                    Err(error) => return Err(error),
                },
                // The list has come: the first is shown whole, later ones only tell where to look.
                (mark, listed) = async { listing.as_mut().expect("checked").await }, if listing.is_some() => {
                    listing = None;
                    reconcile_at = Instant::now() + self.reconcile;
                    match first.take() {
                        Some((name, facts)) => self.on_first_listing(listed?, name, facts, &mut reads).await,
                        None => {
                            suspects = self.suspects(listed?, mark);
                            self.read_the_unread(&suspects.subjects, &mut reads);
                        }
                    }
                }
                _ = networks.tick(), if !tells_of_networks && first.is_none() && !reads.is_pending(&Subject::Networks) => {
                    reads.hint(Subject::Networks, Cause::new(None, Origin::Engine), false);
                }
                // No event explained them: they are read.
                () = sleep_until(suspects.due), if !suspects.subjects.is_empty() => suspects.read(&mut reads),
                // Time to look whether something was missed. Not while suspects wait: what was heard of them since the
                // list that named them must not be forgotten, and no other list take their place.
                () = sleep_until(reconcile_at), if listing.is_none() && suspects.subjects.is_empty() => {
                    listing = Some(list(&self.engine, reads.mark()));
                }
            }
        }
    }

    async fn on_event(&mut self, event: &EngineEvent, listed: bool, reads: &mut Reads) {
        let time = event.time();
        let times = EventTimes { engine: time, received: self.clock.now() };
        // Taken up again, the stream repeats events whose facts are old: those are hints and no more.
        let is_new = self.repeated_until.is_none_or(|until| event.nanos() > until);
        self.latest_event = self.latest_event.max(Some(event.nanos()));
        let fact = if listed && is_new { fact(event) } else { None };
        let is_fact = fact.is_some();
        if let (Some(fact), Ok(id)) = (fact, ContainerId::new(&event.actor.id)) {
            let update = Update::Fact(self.engine.host().clone(), id, fact, time);
            self.inbox.send(Updates::from_event(update, times)).await;
        }
        for subject in subjects(event) {
            let cause = Cause::new(Some(times), Origin::Engine);
            if comes_early(event) {
                reads.hint_soon(subject, cause);
            } else {
                reads.hint(subject, cause, is_fact);
            }
        }
    }

    /// An event told of an image without saying which: those listed other than known are read.
    fn on_images(&self, listed: Updates, reads: &mut Reads) {
        let (event, origin) = (listed.event, listed.origin);
        let (differing, _) = self.compare(listed);
        for subject in differing.iter().map(Entity::key).filter_map(|key| Subject::of(&key)) {
            reads.hint(subject, Cause::new(event, origin), false);
        }
    }

    /// Those that came, went or changed without an event are read.
    fn on_networks(&self, listed: Updates, reads: &mut Reads) {
        let (differing, missing) = self.compare(listed);
        let missing = missing.into_iter().filter(|key| matches!(key, Key::Network(..)));
        for subject in differing.iter().map(Entity::key).chain(missing).filter_map(|key| Subject::of(&key)) {
            if !reads.is_pending(&subject) {
                reads.hint(subject, Cause::new(None, Origin::Engine), false);
            }
        }
    }

    fn compare(&self, listed: Updates) -> (Vec<Entity>, Vec<Key>) {
        let listed = listed.updates.into_iter().filter_map(|it| if let Update::Put(it) = it { Some(it) } else { None });
        self.reader.look(|state| Listing::of(listed).compare(self.engine.host(), state))
    }

    fn on_read(&self, updates: &Updates, reads: &mut Reads) {
        if let [Update::Put(Entity::Image(image))] = updates.updates.as_slice() {
            for robbed in self.robbed_of_a_tag(&image.id, &image.tags) {
                reads.hint(robbed, Cause::new(updates.event, updates.origin), false);
            }
        }
    }

    async fn tell_gathered(&self, gathered: &mut Gathered) {
        if !gathered.updates.is_empty() {
            self.tell(std::mem::take(&mut gathered.updates), Origin::Engine).await;
        }
    }

    /// Images that are thought to have a tag that another image has now: no event tells of their loss.
    fn robbed_of_a_tag(&self, owner: &ImageId, tags: &[String]) -> Vec<Subject> {
        let host = self.engine.host();
        self.reader.look(|state| {
            let others = state.images().filter(|image| image.host == *host && image.id != *owner);
            let robbed = others.filter(|image| image.tags.iter().any(|tag| tags.contains(tag)));
            robbed.map(|image| Subject::Image(image.id.to_string())).collect()
        })
    }

    async fn on_first_listing(
        &mut self,
        listing: Listing,
        name: String,
        facts: crate::model::Engine,
        reads: &mut Reads,
    ) {
        let host = self.engine.host().clone();
        let (differing, missing) = self.reader.look(|state| listing.compare(&host, state));
        let containers = differing.iter().filter_map(Entity::as_container);
        let to_inspect: Vec<_> = worth_inspecting(containers).into_iter().map(subject_of).collect();
        let reachable = Host {
            id: host,
            name: if name.is_empty() { self.engine.host().to_string() } else { name },
            status: HostStatus::Reachable,
            since: self.clock.now(),
            error: None,
            engine: Some(facts),
        };
        let mut updates: Vec<_> = missing.into_iter().map(Update::Gone).collect();
        updates.extend(differing.into_iter().map(Update::Put));
        updates.push(Update::Put(reachable.into()));
        self.tell(updates, Origin::Engine).await;
        self.backoff.forget();
        tracing::info!(host = %self.engine.host(), "watching the engine");
        for subject in to_inspect {
            reads.hint(subject, Cause::new(None, Origin::Engine), false);
        }
    }

    /// Where list and state differ.
    fn suspects(&self, listing: Listing, mark: u64) -> Suspects {
        let (differing, missing) = self.reader.look(|state| listing.compare(self.engine.host(), state));
        let missing = missing.into_iter().filter_map(|key| match key {
            Key::Image(_, id) => Some(Subject::Unlisted(id)),
            key => Subject::of(&key),
        });
        let subjects = differing.iter().map(Entity::key).filter_map(|key| Subject::of(&key)).chain(missing).collect();
        Suspects { mark, due: Instant::now() + EVENTS_MAY_TAKE, subjects }
    }

    /// What only a read tells is missing where reads failed, or were cut off with the connection. No event will say so.
    fn read_the_unread(&self, suspects: &[Subject], reads: &mut Reads) {
        let unread = self.reader.look(|state| {
            let own = state.containers().filter(|it| it.host == *self.engine.host());
            worth_inspecting(own)
                .into_iter()
                .filter(|it| it.restart_count.is_none())
                .map(subject_of)
                .collect::<Vec<_>>()
        });
        for subject in unread.into_iter().filter(|it| !suspects.contains(it)) {
            reads.hint(subject, Cause::new(None, Origin::Engine), false);
        }
    }

    async fn mark_unreachable(&self, error: &EngineError) {
        let known = self.reader.look(|state| state.host(self.engine.host()).cloned());
        let Some(host) = known.filter(|host| host.status != HostStatus::Unreachable) else {
            return tracing::debug!(host = %self.engine.host(), %error, "the engine is still away");
        };
        tracing::warn!(host = %self.engine.host(), %error, "the engine is away");
        let mut host = Host::clone(&host);
        host.status = HostStatus::Unreachable;
        host.since = self.clock.now();
        host.error = Some(error.to_string());
        self.tell(vec![Update::Put(Entity::Host(Arc::new(host)))], Origin::Engine).await;
    }

    async fn tell(&self, updates: Vec<Update>, origin: Origin) {
        self.inbox.send(Updates { updates, event: None, origin }).await;
    }
}

/// Answers that wait to be told together.
struct Gathered {
    updates: Vec<Update>,
    due: Instant,
}

impl Default for Gathered {
    fn default() -> Self {
        Self { updates: Vec::new(), due: Instant::now() }
    }
}

impl Gathered {
    fn take(&mut self, updates: Updates) {
        if self.updates.is_empty() {
            self.due = Instant::now() + GATHER;
        }
        self.updates.extend(updates.updates);
    }
}

/// What a list begun at `mark` told otherwise than the state.
struct Suspects {
    mark: u64,
    due: Instant,
    subjects: Vec<Subject>,
}

impl Default for Suspects {
    fn default() -> Self {
        Self { mark: 0, due: Instant::now(), subjects: Vec::new() }
    }
}

impl Suspects {
    /// Those that nothing was heard of since are read again, and only what the read changes counts as drift.
    fn read(&mut self, reads: &mut Reads) {
        for subject in std::mem::take(&mut self.subjects) {
            let told = match &subject {
                Subject::Unlisted(id) => Subject::Image(id.to_string()),
                subject => subject.clone(),
            };
            if !reads.is_newer_than(self.mark, &told) {
                reads.hint(subject, Cause::new(None, Origin::Reconcile), false);
            }
        }
    }
}

/// A listing under way, with the mark of its beginning.
fn list(engine: &Engine, mark: u64) -> BoxFuture<'static, (u64, Result<Listing, EngineError>)> {
    let engine = engine.clone();
    async move { (mark, Listing::read(&engine).await) }.boxed()
}

/// The containers whose details people look at first: all that are up, then the youngest of the others.
fn worth_inspecting<'a>(containers: impl Iterator<Item = &'a Arc<Container>>) -> Vec<&'a Arc<Container>> {
    let (mut up, mut down): (Vec<_>, Vec<_>) = containers.partition(|container| container.state.is_up());
    down.sort_by_key(|container| std::cmp::Reverse(container.created));
    down.truncate(STOPPED_INSPECTED);
    up.append(&mut down);
    up
}

fn subject_of(container: &Arc<Container>) -> Subject {
    Subject::Container(container.id.clone())
}
