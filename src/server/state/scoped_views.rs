//! Scoped views: what the state contains for callers with an [`AccessScope`], each with a feed of its own.
//!
//! Its counts, revisions and times are those of the visible entities only, so they reveal nothing about others.

use super::{
    feed::{Batch, Step, new_epoch},
    reader::{Follow, Reader, Shared, Start},
};
use crate::{
    model::{
        AccessScope, Change, Container, EngineState, Entity, Host, HostId, Image, ImageId, Message, Network, NetworkId,
        Timestamp, diff,
    },
    server::clock::Clock,
    wire::EventTimes,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

/// Interval of the checks whether a view is still used. Polling clients come back sooner.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// The views in use, by scope. Cheap to clone.
#[derive(Clone)]
pub struct ScopedViews {
    open: Arc<Mutex<HashMap<AccessScope, Open>>>,
    reader: Reader,
    clock: Clock,
}

struct Open {
    shared: Arc<Shared>,
    /// Whether it was requested since the last check.
    is_used: bool,
}

impl ScopedViews {
    pub fn new(reader: Reader, clock: Clock) -> Self {
        Self { open: Arc::default(), reader, clock }
    }

    /// The reader of the view for this scope. It ends about a minute after its last use.
    pub fn of(&self, scope: &AccessScope) -> Reader {
        let mut open = self.open();
        let view = open.entry(scope.clone()).or_insert_with(|| Open { shared: self.start(scope), is_used: true });
        view.is_used = true;
        Reader::new(view.shared.clone())
    }

    fn start(&self, scope: &AccessScope) -> Arc<Shared> {
        let Follow { start, batches, .. } = self.reader.follow(None);
        let Start::State(state) = start else { unreachable!("without a position, a follower starts with the state") };
        let shared = Arc::new(Shared::new(new_epoch(self.clock.now())));
        shared.truth.write().expect("the lock isn't poisoned").state = visible(&state, scope);
        let view = View { views: self.clone(), scope: scope.clone(), shared: shared.clone() };
        tokio::spawn(view.run(batches));
        shared
    }

    /// Ends the view unless it is used.
    fn end_unused(&self, scope: &AccessScope) -> bool {
        let mut open = self.open();
        // This map and the view's task hold one each.
        let is_used = |view: &mut Open| std::mem::take(&mut view.is_used) || Arc::strong_count(&view.shared) > 2;
        let is_unused = !open.get_mut(scope).is_some_and(is_used);
        if is_unused {
            open.remove(scope);
        }
        is_unused
    }

    fn open(&self) -> MutexGuard<'_, HashMap<AccessScope, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct View {
    views: ScopedViews,
    scope: AccessScope,
    shared: Arc<Shared>,
}

/// After a panic, the next request opens another one.
impl Drop for View {
    fn drop(&mut self) {
        let mut open = self.views.open();
        if open.get(&self.scope).is_some_and(|it| Arc::ptr_eq(&it.shared, &self.shared)) {
            open.remove(&self.scope);
        }
    }
}

impl View {
    async fn run(self, mut batches: Receiver<Arc<Batch>>) {
        let mut checks = tokio::time::interval(CHECK_EVERY);
        loop {
            tokio::select! {
                next = batches.recv() => {
                    let (mut waiting, mut has_missed) = (Vec::new(), false);
                    match next {
                        Ok(batch) => waiting.push(batch),
                        Err(RecvError::Lagged(_)) => has_missed = true,
                        Err(RecvError::Closed) => return,
                    }
                    // One update for all that wait.
                    loop {
                        match batches.try_recv() {
                            Ok(batch) => waiting.push(batch),
                            Err(TryRecvError::Lagged(_)) => has_missed = true,
                            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                        }
                    }
                    self.follow(&waiting, has_missed);
                }
                _ = checks.tick() => if self.views.end_unused(&self.scope) {
                    return;
                },
            }
        }
    }

    fn follow(&self, batches: &[Arc<Batch>], has_missed: bool) {
        let relevant: Vec<_> = batches.iter().filter(|it| it.changes.iter().any(|it| self.concerns(it))).collect();
        match relevant.as_slice() {
            [] if !has_missed => {}
            [batch] if !has_missed => {
                // The event may be one of a change that isn't visible.
                let is_visible = batch.changes.iter().all(|it| self.concerns(it));
                self.update(batch.timestamp, batch.event.filter(|_| is_visible));
            }
            _ => self.update(self.views.clock.now(), None),
        }
    }

    /// Whether the change may change the view.
    fn concerns(&self, change: &Change) -> bool {
        let truth = self.shared.truth.read().expect("the lock isn't poisoned");
        truth.state.get(&change.key()).is_some()
            || match change {
                Change::Put(Entity::Host(_)) => true,
                Change::Put(Entity::Container(it)) => self.scope.includes(it),
                Change::Put(entity) => entity.as_used().is_some_and(|used| truth.state.uses(&used)),
                Change::Gone(_) => false,
            }
    }

    fn update(&self, timestamp: Timestamp, event: Option<EventTimes>) {
        // A copy, so that the writer doesn't wait.
        let wanted = visible(&self.views.reader.snapshot().0, &self.scope);
        let mut truth = self.shared.truth.write().expect("the lock isn't poisoned");
        let truth = &mut *truth;
        let changes = diff(&truth.state, &wanted);
        let mut step = Step::on(&mut truth.state);
        for change in changes {
            step.apply(change);
        }
        if let Some(batch) = step.into_batch(truth.revision, timestamp, event) {
            truth.publish(batch, &self.shared.feed);
        }
    }
}

/// The entities within the scope: its containers, what they use, and the hosts.
fn visible(state: &EngineState, scope: &AccessScope) -> EngineState {
    let containers: Vec<_> = state.containers().filter(|it| scope.includes(it)).cloned().collect();
    let names = Names::of(&containers);
    let others: Vec<Entity> = state
        .keys()
        .filter_map(|key| match state.get(key)? {
            Entity::Host(it) => Some(host(it)),
            Entity::Container(_) => None,
            Entity::Image(it) => names.image(it),
            Entity::Network(it) => names.has_network(it).then(|| Entity::Network(it.clone())),
            volume @ Entity::Volume(it) => names.volumes.contains(&(&it.host, it.id.as_str())).then(|| volume.clone()),
        })
        .collect();
    others.into_iter().chain(containers.iter().cloned().map(Entity::Container)).collect()
}

/// The engine's own words may name any object.
fn host(host: &Arc<Host>) -> Entity {
    let mut host = host.clone();
    if !host.failed_lists.is_empty() {
        for list in &mut Arc::make_mut(&mut host).failed_lists {
            list.error = Message::term("Failed");
        }
    }
    Entity::Host(host)
}

/// By which containers name what they use, each with its host.
struct Names<'a> {
    /// Ids, and the references that were given.
    images: HashMap<(&'a HostId, &'a ImageId), Vec<String>>,
    volumes: HashSet<(&'a HostId, &'a str)>,
    networks: HashSet<(&'a HostId, &'a str, Option<&'a NetworkId>)>,
}

impl<'a> Names<'a> {
    fn of(containers: &'a [Arc<Container>]) -> Self {
        let mut names = Self { images: HashMap::new(), volumes: HashSet::new(), networks: HashSet::new() };
        for it in containers {
            if let Some(id) = &it.image_id {
                names.images.entry((&it.host, id)).or_default().push(full_reference(&it.image));
            }
            names.volumes.extend(it.mounts.iter().map(|mount| (&it.host, mount.source.as_str())));
            names.networks.extend(it.networks.iter().map(|network| (&it.host, &*network.name, network.id.as_ref())));
        }
        names
    }

    /// The image, if a container uses it, with the tags and digests of the references in use only: others may name the projects
    /// of others.
    fn image(&self, image: &Arc<Image>) -> Option<Entity> {
        let references = self.images.get(&(&image.host, &image.id))?;
        let mut image = image.clone();
        let is_named = |tag: &String| references.contains(&full_reference(tag));
        let repository = |reference: &str| repository(&full_reference(reference)).to_owned();
        let is_of_named = |digest: &String| references.iter().any(|it| repository(it) == repository(digest));
        if !image.tags.iter().all(is_named) || !image.digests.iter().all(is_of_named) {
            let image = Arc::make_mut(&mut image);
            image.tags.retain(is_named);
            image.digests.retain(is_of_named);
        }
        Some(Entity::Image(image))
    }

    /// An engine may have several networks of one name.
    fn has_network(&self, network: &Network) -> bool {
        [Some(&network.id), None].into_iter().any(|id| self.networks.contains(&(&network.host, &*network.name, id)))
    }
}

/// The reference with its tag, and without the default registry. Digests are unchanged.
fn full_reference(reference: &str) -> String {
    let name = reference.strip_prefix("docker.io/").unwrap_or(reference);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let has_tag = name.contains('@') || name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}

/// The reference without its tag or digest.
fn repository(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or_default();
    let start_of_last = name.rfind('/').map_or(0, |at| at + 1);
    name[start_of_last..].find(':').map_or(name, |at| &name[..start_of_last + at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::arbitrary::{changes, container},
        server::state::{Origin, Update, Updates, open},
    };
    use proptest::{prelude::*, strategy::ValueTree};

    /// A client that applies what the view sends.
    fn apply(state: &mut EngineState, batch: &Batch) {
        for change in &batch.changes {
            state.apply(change.clone());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn view_follows_the_visible_part_of_the_state(before in changes(), after in changes()) {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let (writer, reader, inbox) = open(Clock::SYSTEM);
                tokio::spawn(writer.run());
                let send = async |changes: Vec<Change>| {
                    for change in changes {
                        let update = match change {
                            Change::Put(entity) => Update::Put(entity),
                            Change::Gone(key) => Update::Gone(key),
                        };
                        inbox.send(Updates { updates: vec![update], event: None, origin: Origin::Engine }).await;
                    }
                };
                send(before).await;
                let first = reader.look(|state| state.containers().next().map(|it| it.name.clone()));
                let scope = AccessScope { projects: Vec::new(), names: vec![first.unwrap_or_else(|| "a*".into())] };
                let views = ScopedViews::new(reader.clone(), Clock::SYSTEM);
                let view = views.of(&scope);
                let Follow { start: Start::State(mut client), mut batches, .. } = view.follow(None) else { unreachable!() };
                send(after).await;
                let is_done = || reader.look(|state| visible(state, &scope)) == view.look(Clone::clone);
                while inbox.depth().now() > 0 || !is_done() {
                    tokio::task::yield_now().await;
                }
                while let Ok(batch) = batches.try_recv() {
                    apply(&mut client, &batch);
                }
                assert_eq!(client, view.look(Clone::clone));
                let foreign = view.look(|state| state.containers().find(|it| !scope.includes(it)).cloned());
                assert_eq!(foreign, None);
                let unused = view.look(|state| {
                    state.keys().filter_map(|key| state.get(key)?.usage()).any(|usage| usage.all == 0)
                });
                assert!(!unused, "an entity that no visible container uses");
            });
        }
    }

    #[test]
    fn image_keeps_only_the_tags_that_visible_containers_name() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let mut container = container().new_tree(&mut runner).unwrap().current();
        let id = ImageId::new(&format!("sha256:{:064x}", 7)).unwrap();
        container.name = "own".into();
        (container.image, container.image_id) = ("own/web".into(), Some(id.clone()));
        let texts = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let image = Image {
            host: container.host.clone(),
            id: id.clone(),
            tags: texts(&["other/web:latest", "own/web:1", "own/web:latest"]),
            digests: texts(&["other/web@sha256:1", "own/web@sha256:1"]),
            created: None,
            size: 1,
            platforms: Vec::new(),
            usage: Default::default(),
        };
        let state: EngineState = [Entity::from(image), Entity::from(container)].into_iter().collect();
        let scope = |name: &str| AccessScope { projects: Vec::new(), names: vec![name.into()] };
        let view = visible(&state, &scope("own"));
        let image = view.images().next().unwrap();
        assert_eq!(image.tags, ["own/web:latest"]);
        assert_eq!(image.digests, ["own/web@sha256:1"]);
        assert_eq!(image.usage.all, 1);
        assert_eq!(visible(&state, &scope("other")).images().count(), 0);
    }
}
