//! Watch loop of one engine: connect, list, watch events, wait, reconnect.

use super::{
    backoff::Backoff,
    facts::fact,
    lists::{LISTED, Listed, Lists, compare},
    reads::{Cause, Reads},
    subjects::{Subject, precedes_its_effect, subjects},
};
use crate::{
    model::{
        Container, ContainerId, Engine as EngineFacts, Entity, FailedList, Host, HostStatus, ImageId, Key, Kind,
        Timestamp,
    },
    server::{
        clock::Clock,
        engine::{Engine, EngineError, EngineEvent, SilentChange},
        history::History,
        state::{Inbox, Origin, Reader, Update, Updates},
    },
    wire::EventTimes,
};
use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

/// Reconnect delays. Trying a local socket costs nothing, and after an engine restart the connection must be back at once.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// How long the other kinds' first lists may take after the first list of containers to become one change with it.
const FIRST_LISTS_TOGETHER: Duration = Duration::from_millis(500);

/// Batching delay for answers to reads that no event caused: after the first list there are thousands, and each would be a
/// separate revision.
const GATHER: Duration = Duration::from_millis(50);

/// How far a resumed event stream reaches back before the last event received.
const OVERLAP: Timestamp = Timestamp::from_seconds(1);

/// Poll interval for the networks of an engine that emits no events for them. Podman answers in 2 ms.
const SILENT_NETWORKS: Duration = Duration::from_secs(1);

/// Delay between the answer to a ping and the next ping. With the time that an answer may take, an engine that hangs counts as
/// gone within 10 s.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Interval between reads of a container in a transient state. Docker emits no event when a restart fails because a network is
/// gone.
const REREAD_PASSING: Duration = Duration::from_secs(1);

/// Maximum entities of a kind that are read again at once because their state is transient.
const MOST_PASSING: usize = 100;

/// Maximum duration of a build step. Until the next step, the image of the previous one is listed as untagged.
const LONGEST_STEP: Duration = Duration::from_secs(600);

/// Maximum stopped containers that are inspected without a request. For the others the list must do.
const STOPPED_INSPECTED: usize = 500;

pub struct Watcher {
    engine: Engine,
    reader: Reader,
    inbox: Inbox,
    history: History,
    clock: Clock,
    /// Interval between two lists of a kind.
    reconcile: Duration,
    /// The host as it is in the state, or will be once the inbox is empty.
    host: Host,
    /// When the latest list of each kind arrived.
    listed_at: BTreeMap<Kind, Timestamp>,
    /// The engine's clock at the latest event, in nanoseconds.
    latest_event: Option<i64>,
    /// `latest_event` when the stream was resumed: events up to then are repetitions.
    repeated_until: Option<i64>,
    backoff: Backoff,
    /// Untagged images that no event reported, and until when each may be a build step.
    possible_steps: BTreeMap<ImageId, Instant>,
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
            host: Host {
                is_exposed: engine.endpoint().is_exposed(),
                ..Host::connecting(engine.host().clone(), clock.now())
            },
            listed_at: BTreeMap::new(),
            engine,
            reader,
            inbox,
            history,
            clock,
            reconcile,
            latest_event: None,
            repeated_until: None,
            backoff: Backoff::new(FIRST_RETRY, LONGEST_RETRY),
            possible_steps: BTreeMap::new(),
        }
    }

    /// Runs until dropped.
    pub async fn run(mut self) {
        self.apply(vec![self.host_update()], Origin::Engine).await;
        loop {
            let Err(error) = self.follow().await;
            self.engine.reset_connection(&error).await;
            self.mark_unreachable(&error).await;
            sleep(self.backoff.next_delay(rand::random())).await;
        }
    }

    /// Runs from connecting until the engine is lost. Subscribes first and lists second: changes in between are reported by
    /// events that wait in the stream.
    async fn follow(&mut self) -> Result<std::convert::Infallible, EngineError> {
        let (name, facts) = self.engine.describe().await?;
        let overlap = |latest: i64| Timestamp::from_micros(latest / 1_000 - OVERLAP.micros());
        let mut events = self.engine.events(self.latest_event.map(overlap)).await?;
        self.repeated_until = self.latest_event;
        let mut reads = Reads::new(self.engine.clone());
        let tells_of_networks = facts.tells_of_networks();
        let mut networks = interval(SILENT_NETWORKS);
        let mut passing = interval(REREAD_PASSING);
        passing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut lost = pin!(until_lost(self.engine.clone()));
        let mut lists = Lists::new(self.engine.clone(), self.reconcile, facts.cpus);
        let mut first = Some(FirstLists { name, facts, listed: Vec::new(), show_at: None });
        let mut gathered = Gathered::default();
        loop {
            let show_at = first.as_ref().and_then(|it| it.show_at);
            let (lists_due, differences_due) = (lists.due(), lists.differences_due());
            tokio::select! {
                biased;
                // The engine hangs: its event stream would stay silent forever.
                error = &mut lost => return Err(error),
                // An event: apply its fact at once, then read.
                event = events.next() => {
                    let event = event?;
                    self.history.record_engine(self.engine.host(), &event);
                    if !event.is_change() {
                        continue;
                    }
                    // Data read before the event must not be applied after it.
                    self.flush_gathered(&mut gathered).await;
                    self.on_event(&event, first.is_none(), &mut reads).await;
                }
                // Changes made by this server for which the engine emits no event.
                silent = self.engine.next_silent_changes() => {
                    for what in silent {
                        let subject = match what {
                            SilentChange::Container(id) => Subject::Container(id),
                            SilentChange::Network(id) => Subject::Network(id),
                        };
                        reads.hint(subject, Cause::new(None, Origin::Engine), false);
                    }
                }
                // The other kinds' first lists are slow: containers don't wait for them.
                () = at(show_at) => {
                    self.on_first_lists(first.take(), &mut lists, &mut reads).await;
                }
                // The batch is due. Polled before the reads, which may end without a pause.
                () = sleep_until(gathered.due), if !gathered.updates.is_empty() => {
                    self.flush_gathered(&mut gathered).await;
                }
                // A read has ended: its answer is the truth.
                read = reads.next(), if !reads.is_idle() => match read {
                    Ok(Some((Subject::Images, listed))) => self.on_images(listed, &mut reads),
                    Ok(Some((Subject::Networks, listed))) => self.on_networks(listed, &mut reads),
                    Ok(Some((subject, updates))) if updates.event.is_none() && updates.origin == Origin::Engine => {
                        self.on_read(&subject, &updates, &mut reads);
                        gathered.take(updates);
                    }
                    Ok(Some((subject, updates))) => {
                        self.flush_gathered(&mut gathered).await;
                        self.on_read(&subject, &updates, &mut reads);
                        self.inbox.send(updates).await;
                    }
                    Ok(None) => {}
                    Err(error) => return Err(error),
                },
                // A list has arrived: the first of a kind is applied completely, later ones only show what to read.
                (kind, listed) = lists.next(), if lists.is_in_flight() => {
                    match listed {
                        Ok(listed) => self.on_list(listed, &mut first, &mut lists, &mut reads).await,
                        // The list of containers decides whether the engine is reachable.
                        Err(error) if kind == Kind::Container => return Err(error),
                        Err(error) => self.on_failed_list(kind, &error).await,
                    }
                    if first.as_ref().is_some_and(|it| it.show_at.is_some()) && !lists.is_in_flight() {
                        self.on_first_lists(first.take(), &mut lists, &mut reads).await;
                    }
                }
                _ = networks.tick(), if !tells_of_networks && first.is_none() && !reads.is_pending(&Subject::Networks) => {
                    reads.hint(Subject::Networks, Cause::new(None, Origin::Engine), false);
                }
                _ = passing.tick(), if first.is_none() => self.read_the_passing(&mut reads),
                // No event arrived for these differences: read them.
                () = at(differences_due) => lists.read_differences(&mut reads),
                // Lists are due, to check whether anything was missed.
                () = at(lists_due) => lists.begin(&mut reads),
            }
        }
    }

    async fn on_event(&mut self, event: &EngineEvent, listed: bool, reads: &mut Reads) {
        let time = event.time();
        let times = EventTimes { engine: time, received: self.clock.now() };
        // A resumed stream repeats events whose facts are old: these are hints only.
        let is_new = self.repeated_until.is_none_or(|until| event.nanos() > until);
        self.latest_event = self.latest_event.max(Some(event.nanos()));
        let fact = if listed && is_new { fact(event) } else { None };
        let is_fact = fact.is_some();
        if let (Some(fact), Ok(id)) = (fact, ContainerId::new(&event.actor.id)) {
            let update = Update::Fact(self.engine.host().clone(), id, fact, time);
            self.inbox.send(Updates::from_event(update, times)).await;
        }
        // The image that had the name loses it, even if the new owner loses the name before it is read.
        if let Some(name) = event.actor.attributes.get("name").filter(|_| event.kind == "image") {
            for previous_owner in self.previous_owners_of_tags(&event.actor.id, std::slice::from_ref(name)) {
                reads.hint(previous_owner, Cause::new(Some(times), Origin::Engine), false);
            }
        }
        for subject in subjects(event) {
            let cause = Cause::new(Some(times), Origin::Engine);
            if precedes_its_effect(event) {
                reads.hint_soon(subject, cause);
            } else {
                reads.hint(subject, cause, is_fact);
            }
        }
    }

    /// Handles an event that doesn't say which image changed: reads those whose list entry differs from the state.
    fn on_images(&self, listed: Updates, reads: &mut Reads) {
        let (event, origin) = (listed.event, listed.origin);
        let (differing, _) = self.compare(Kind::Image, listed);
        for image in differing.iter().filter_map(Entity::as_image) {
            let key = Key::Image(self.engine.host().clone(), image.id.clone());
            // It may be a build step.
            let is_created = image.is_dangling() && self.reader.look(|state| state.get(&key).is_none());
            let subject = if is_created { Some(Subject::NewImage(image.id.clone())) } else { Subject::of(&key) };
            if let Some(subject) = subject {
                reads.hint(subject, Cause::new(event, origin), false);
            }
        }
    }

    /// Reads networks that were created, removed or changed without an event.
    fn on_networks(&self, listed: Updates, reads: &mut Reads) {
        let (differing, missing) = self.compare(Kind::Network, listed);
        for subject in differing.iter().map(Entity::key).chain(missing).filter_map(|key| Subject::of(&key)) {
            if !reads.is_pending(&subject) {
                reads.hint(subject, Cause::new(None, Origin::Engine), false);
            }
        }
    }

    fn compare(&self, kind: Kind, listed: Updates) -> (Vec<Entity>, Vec<Key>) {
        let listed = listed.updates.into_iter().filter_map(|it| if let Update::Put(it) = it { Some(it) } else { None });
        self.reader.look(|state| compare(kind, listed.collect(), self.engine.host(), state))
    }

    fn on_read(&mut self, subject: &Subject, updates: &Updates, reads: &mut Reads) {
        if let [Update::Put(Entity::Image(image))] = updates.updates.as_slice() {
            // A created image without a parent may be the first step of a build from scratch.
            let may_be_step = updates.origin == Origin::Reconcile || matches!(subject, Subject::NewImage(_));
            if image.is_dangling() && may_be_step {
                self.possible_steps.insert(image.id.clone(), Instant::now() + LONGEST_STEP);
            }
            for previous_owner in self.previous_owners_of_tags(image.id.as_str(), &image.tags) {
                reads.hint(previous_owner, Cause::new(updates.event, updates.origin), false);
            }
        }
    }

    async fn flush_gathered(&self, gathered: &mut Gathered) {
        if !gathered.updates.is_empty() {
            self.apply(std::mem::take(&mut gathered.updates), Origin::Engine).await;
        }
    }

    /// Images that still have, in the state, a tag that another image has now: no event reports their loss.
    fn previous_owners_of_tags(&self, owner: &str, tags: &[String]) -> Vec<Subject> {
        let host = self.engine.host();
        self.reader.look(|state| {
            let others = state.images().filter(|image| image.host == *host && image.id.as_str() != owner);
            let previous_owners = others.filter(|image| image.tags.iter().any(|tag| tags.contains(tag)));
            previous_owners.map(|image| Subject::Image(image.id.to_string())).collect()
        })
    }

    async fn on_list(&mut self, listed: Listed, first: &mut Option<FirstLists>, lists: &mut Lists, reads: &mut Reads) {
        let kind = listed.kind;
        self.listed_at.insert(kind, self.clock.now());
        let had_failed = self.host.failed_list(kind).is_some();
        self.host.failed_lists.retain(|it| it.kind != kind);
        if let Some(first) = first {
            if kind == Kind::Container {
                first.show_at = Some(Instant::now() + FIRST_LISTS_TOGETHER);
            }
            first.listed.push(listed);
            return;
        }
        if had_failed {
            tracing::info!(host = %self.engine.host(), ?kind, "listing works again");
        }
        let mut updates: Vec<_> = had_failed.then(|| self.host_update()).into_iter().collect();
        if !lists.is_applied(kind) {
            updates.extend(self.show(listed, lists, reads));
            return self.apply(updates, Origin::Engine).await;
        }
        if had_failed {
            self.apply(updates, Origin::Engine).await;
        }
        let host = self.engine.host();
        let (differing, missing) = self.reader.look(|state| compare(kind, listed.entities, host, state));
        let missing = missing.iter().filter_map(Subject::of_missing);
        let subjects: Vec<_> = differing.iter().filter_map(|it| Subject::of(&it.key())).chain(missing).collect();
        if kind == Kind::Container {
            self.read_the_unread(&subjects, reads);
        }
        lists.hold_differences(kind, subjects);
    }

    /// Applies the first lists since the engine was reached, as one change.
    async fn on_first_lists(&mut self, first: Option<FirstLists>, lists: &mut Lists, reads: &mut Reads) {
        let Some(FirstLists { name, facts, mut listed, .. }) = first else { return };
        listed.sort_by_key(|it| LISTED.iter().position(|kind| *kind == it.kind));
        self.host.name = if name.is_empty() { self.engine.host().to_string() } else { name };
        self.host.status = HostStatus::Reachable;
        self.host.since = self.clock.now();
        self.host.error = None;
        self.host.engine = Some(facts);
        let mut updates: Vec<_> = listed.into_iter().flat_map(|it| self.show(it, lists, reads)).collect();
        updates.push(self.host_update());
        let containers =
            updates.iter().filter_map(|it| if let Update::Put(it) = it { it.as_container() } else { None });
        let to_inspect: Vec<_> = worth_inspecting(containers).into_iter().map(subject_of).collect();
        self.apply(updates, Origin::Engine).await;
        self.backoff.reset();
        tracing::info!(host = %self.engine.host(), "watching the engine");
        for subject in to_inspect {
            reads.hint(subject, Cause::new(None, Origin::Engine), false);
        }
    }

    /// The updates that make the state match the list. The list is outdated: entities with a hint or an answer since it began
    /// stay as they are and are read again.
    fn show(&self, listed: Listed, lists: &mut Lists, reads: &mut Reads) -> Vec<Update> {
        let Listed { kind, mark, entities } = listed;
        let again = |key: &Key, subject: Option<Subject>, reads: &mut Reads| {
            let is_newer = subject.as_ref().is_some_and(|it| reads.is_newer_than(mark, it));
            if let Some(subject) = Subject::of(key).filter(|it| is_newer && !reads.is_pending(it)) {
                reads.hint(subject, Cause::new(None, Origin::Engine), false);
            }
            is_newer
        };
        // A tag may have moved since the list began: the list still has it on its previous image.
        let tags_may_have_moved = kind == Kind::Image && reads.any_newer_than(mark, kind);
        let host = self.engine.host();
        let (differing, missing) = self.reader.look(|state| compare(kind, entities, host, state));
        let mut updates = Vec::new();
        for key in missing {
            if !again(&key, Subject::of_missing(&key), reads) {
                updates.push(Update::Gone(key));
            }
        }
        for entity in differing {
            let key = entity.key();
            if !again(&key, Subject::of(&key), reads) {
                updates.push(Update::Put(entity));
            }
        }
        if tags_may_have_moved {
            reads.hint(Subject::Images, Cause::new(None, Origin::Engine), false);
        }
        lists.mark_applied(kind);
        updates
    }

    /// Keeps the known entities of the kind and reports the error, which the page shows.
    async fn on_failed_list(&mut self, kind: Kind, error: &EngineError) {
        let error = error.message();
        let is_known = self.host.failed_list(kind).is_some_and(|it| it.error == error);
        if is_known {
            return tracing::debug!(host = %self.engine.host(), ?kind, %error, "still failing to list");
        }
        tracing::warn!(host = %self.engine.host(), ?kind, %error, "failed to list");
        let as_of = self.listed_at.get(&kind).copied();
        self.host.failed_lists.retain(|it| it.kind != kind);
        self.host.failed_lists.push(FailedList { kind, as_of, error });
        self.host.failed_lists.sort_by_key(|it| it.kind);
        if self.host.is_reachable() {
            self.apply(vec![self.host_update()], Origin::Engine).await;
        }
    }

    /// Reads containers whose details are missing because reads failed or were cut off with the connection. No event reports
    /// that.
    fn read_the_unread(&self, held: &[Subject], reads: &mut Reads) {
        let unread = self.reader.look(|state| {
            let own = state.containers().filter(|it| it.host == *self.engine.host());
            worth_inspecting(own)
                .into_iter()
                .filter(|it| it.restart_count.is_none())
                .map(subject_of)
                .collect::<Vec<_>>()
        });
        for subject in unread.into_iter().filter(|it| !held.contains(it)) {
            reads.hint(subject, Cause::new(None, Origin::Engine), false);
        }
    }

    /// Reads entities in a transient state, which may change without an event.
    fn read_the_passing(&mut self, reads: &mut Reads) {
        let (host, now) = (self.engine.host(), Instant::now());
        let passing = self.reader.look(|state| {
            let is_dangling = |id: &ImageId| {
                let image = state.get(&Key::Image(host.clone(), id.clone())).and_then(Entity::as_image);
                image.is_some_and(|it| it.is_dangling())
            };
            self.possible_steps.retain(|id, until| *until > now && is_dangling(id));
            let steps = self.possible_steps.keys().take(MOST_PASSING).map(|id| Subject::Image(id.to_string()));
            let containers = state.containers().filter(|it| it.host == *host && it.is_passing());
            containers.take(MOST_PASSING).map(subject_of).chain(steps).collect::<Vec<_>>()
        });
        for subject in passing {
            if !reads.is_pending(&subject) {
                reads.hint(subject, Cause::new(None, Origin::Engine), false);
            }
        }
    }

    async fn mark_unreachable(&mut self, error: &EngineError) {
        let why = Some(error.message());
        if self.host.status == HostStatus::Unreachable && self.host.error == why {
            return tracing::debug!(host = %self.engine.host(), %error, "engine still unreachable");
        }
        tracing::warn!(host = %self.engine.host(), %error, "engine unreachable");
        // A different error, such as an invalid certificate once the machine is back, doesn't reset the time of the failure.
        if self.host.status != HostStatus::Unreachable {
            self.host.status = HostStatus::Unreachable;
            self.host.since = self.clock.now();
        }
        self.host.error = why;
        self.apply(vec![self.host_update()], Origin::Engine).await;
    }

    fn host_update(&self) -> Update {
        Update::Put(Entity::Host(Arc::new(self.host.clone())))
    }

    async fn apply(&self, updates: Vec<Update>, origin: Origin) {
        self.inbox.send(Updates { updates, event: None, origin }).await;
    }
}

/// Answers that wait to be sent together.
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

/// The engine's description and its lists, until they are applied.
struct FirstLists {
    name: String,
    facts: EngineFacts,
    listed: Vec<Listed>,
    /// Set once the list of containers has arrived.
    show_at: Option<Instant>,
}

/// Returns when the engine hangs or can't be reached.
async fn until_lost(engine: Engine) -> EngineError {
    loop {
        sleep(PING_EVERY).await;
        if let Err(error) = engine.ping().await {
            return error;
        }
    }
}

/// Sleeps until `moment`, or forever if there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The containers whose details users look at first: all that are up, then the youngest of the others.
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
