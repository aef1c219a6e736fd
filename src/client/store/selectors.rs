//! Selection and order of the containers in a list: plain functions.

use super::{Facet, Store, Use, order};
use crate::model::{Container, ContainerState, EngineState, Entity, Key};
use std::{cmp::Ordering, sync::Arc};

/// The query of a container list, as the page's address states it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerQuery {
    /// Words that must all occur in name, image, id, project, networks or ports.
    pub search: String,
    pub state: Option<ContainerState>,
    pub sort: ContainerColumn,
    pub descending: bool,
    pub grouped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContainerColumn {
    State,
    #[default]
    Name,
    Image,
    Ports,
    Networks,
    Created,
    Status,
    Cpu,
    Memory,
    NetworkIo,
    BlockIo,
    Pids,
}

impl ContainerColumn {
    pub const ALL: [Self; 12] = [
        Self::State,
        Self::Name,
        Self::Image,
        Self::Ports,
        Self::Networks,
        Self::Created,
        Self::Status,
        Self::Cpu,
        Self::Memory,
        Self::NetworkIo,
        Self::BlockIo,
        Self::Pids,
    ];

    /// The value in the page's address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Name => "name",
            Self::Image => "image",
            Self::Ports => "ports",
            Self::Networks => "networks",
            Self::Created => "created",
            Self::Status => "status",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::NetworkIo => "net",
            Self::BlockIo => "block",
            Self::Pids => "pids",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.as_str() == text)
    }

    fn facet(self) -> Option<Facet> {
        match self {
            Self::State | Self::Status => Some(Facet::State),
            Self::Name => Some(Facet::Name),
            Self::Image => Some(Facet::Image),
            Self::Ports => Some(Facet::Ports),
            Self::Networks => Some(Facet::Networks),
            Self::Created | Self::Cpu | Self::Memory | Self::NetworkIo | Self::BlockIo | Self::Pids => None,
        }
    }

    /// The usage that the column sorts by. Such a column sorts in descending order by default.
    pub fn used(self) -> Option<Use> {
        match self {
            Self::Cpu => Some(Use::Cpu),
            Self::Memory => Some(Use::Memory),
            Self::NetworkIo => Some(Use::Network),
            Self::BlockIo => Some(Use::Block),
            Self::Pids => Some(Use::Pids),
            _ => None,
        }
    }
}

impl ContainerQuery {
    /// The facets that the result depends on, besides which containers exist.
    pub fn facets(&self) -> Vec<Facet> {
        // Rows that compare equal are sorted by name.
        let mut facets = vec![Facet::Name];
        facets.extend(self.sort.facet());
        if self.state.is_some() {
            facets.push(Facet::State);
        }
        if self.grouped {
            facets.push(Facet::Project);
        }
        if !self.search.trim().is_empty() {
            facets.extend([Facet::Image, Facet::Project, Facet::Ports, Facet::Networks]);
        }
        facets
    }

    /// Whether a container in `state` passes the filter. "Exited" covers all states after the end.
    pub fn wants_state(&self, state: ContainerState) -> bool {
        match self.state {
            None => true,
            Some(ContainerState::Exited) => {
                matches!(state, ContainerState::Exited | ContainerState::Dead | ContainerState::Removing)
            }
            Some(wanted) => state == wanted,
        }
    }
}

/// Returns the containers that match `query`, in its order.
pub fn select_containers<'a>(
    containers: impl Iterator<Item = &'a Arc<Container>>,
    query: &ContainerQuery,
) -> Vec<&'a Arc<Container>> {
    let passes = filter(query);
    ordered(containers.filter(|container| passes(container)).collect(), query)
}

fn ordered<'a>(chosen: Vec<&'a Arc<Container>>, query: &ContainerQuery) -> Vec<&'a Arc<Container>> {
    order(chosen.len(), &mut |a, b| compare(chosen[a], chosen[b], query)).into_iter().map(|at| chosen[at]).collect()
}

/// All containers in a query's order, updated incrementally: of ten thousand containers only the changed one is moved.
#[derive(Default)]
pub struct OrderedContainers {
    /// The containers as they were after `seen` touches. Looking up each one again would cost more than filtering.
    all: Vec<Searchable>,
    /// The keys of `all`.
    keys: Arc<Vec<Key>>,
    /// The query that determines the order.
    query: ContainerQuery,
    /// The store's number of touches at the last update.
    seen: u64,
}

impl OrderedContainers {
    /// Returns the containers in `store` that match `query`, in its order. Subscribes to nothing.
    pub fn select(&mut self, store: &Store, query: &ContainerQuery) -> Arc<Vec<Key>> {
        if let Some(by) = query.sort.used() {
            self.seen = 0;
            return Arc::new(by_use(store, query, by));
        }
        let order_of = |it: &ContainerQuery| (it.sort, it.descending, it.grouped);
        let is_same = order_of(&self.query) == order_of(query) && self.seen > 0;
        let (touched, seen) = store.touched_since(self.seen);
        store.look(|state| match touched.filter(|_| is_same) {
            Some(touched) => self.move_to_their_places(touched, state, query),
            None => {
                let ordered = ordered(state.containers().collect(), query);
                self.keys = Arc::new(ordered.iter().map(|it| key_of(it)).collect());
                self.all = ordered.into_iter().map(Searchable::new).collect();
            }
        });
        self.seen = seen;
        self.query.clone_from(query);
        if query.state.is_none() && query.search.trim().is_empty() {
            return self.keys.clone();
        }
        let words = words(query);
        let passes = |it: &Searchable| query.wants_state(it.container.state) && it.mentions_all(&words);
        let both = self.all.iter().zip(&*self.keys);
        Arc::new(both.filter(|(it, _)| passes(it)).map(|(_, key)| key.clone()).collect())
    }

    fn move_to_their_places(&mut self, mut touched: Vec<Key>, state: &EngineState, query: &ContainerQuery) {
        touched.sort();
        touched.dedup();
        let keys = Arc::make_mut(&mut self.keys);
        for key in &touched {
            if let Some(at) = keys.iter().position(|it| it.id() == key.id() && it == key) {
                keys.remove(at);
                self.all.remove(at);
            }
        }
        for key in touched {
            let Some(moved) = state.get(&key).and_then(Entity::as_container) else { continue };
            let at = self.all.partition_point(|other| compare(&other.container, moved, query).is_lt());
            self.all.insert(at, Searchable::new(moved));
            keys.insert(at, key);
        }
    }
}

/// Sorts by the latest ranking. Containers without known usage are last in either direction.
fn by_use(store: &Store, query: &ContainerQuery, by: Use) -> Vec<Key> {
    let by_name = ContainerQuery { sort: ContainerColumn::Name, descending: false, ..query.clone() };
    store.look(|state| {
        let chosen = select_containers(state.containers(), &by_name);
        let ranked: Vec<_> = chosen.iter().map(|it| (key_of(it), it.project())).collect();
        let ranked: Vec<_> = ranked.into_iter().map(|(key, of)| (store.ranked(&key, by), of, key)).collect();
        let compare = &mut |a: usize, b: usize| {
            let ((a, of_a, _), (b, of_b, _)) = (&ranked[a], &ranked[b]);
            let by_project = if query.grouped { compare_projects(*of_a, *of_b) } else { Ordering::Equal };
            let by_rank = if query.descending { b.cmp(a) } else { a.cmp(b) };
            by_project.then(a.is_none().cmp(&b.is_none())).then(by_rank)
        };
        order(ranked.len(), compare).into_iter().map(|at| ranked[at].2.clone()).collect()
    })
}

fn key_of(container: &Arc<Container>) -> Key {
    Key::Container(container.host.clone(), container.id.clone())
}

/// A container with its search text in one piece, because each keystroke searches ten thousand of them.
struct Searchable {
    container: Arc<Container>,
    /// Name, image, project, networks and public ports in lower case, one per line.
    text: String,
}

impl Searchable {
    fn new(container: &Arc<Container>) -> Self {
        let mut text = String::with_capacity(96);
        let mut line = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        line(&container.name);
        line(&container.image);
        container.project().into_iter().for_each(&mut line);
        container.networks.iter().for_each(|network| line(&network.name));
        container.ports.iter().filter_map(|port| port.public).for_each(|port| line(&port.to_string()));
        text.make_ascii_lowercase();
        Self { container: container.clone(), text }
    }

    fn mentions_all(&self, words: &[String]) -> bool {
        words.iter().all(|word| contains(&self.text, word) || self.container.id.as_str().starts_with(word))
    }
}

/// The search words in lower case.
fn words(query: &ContainerQuery) -> Vec<String> {
    query.search.split_whitespace().map(str::to_ascii_lowercase).collect()
}

/// Whether a container matches the query's words and state.
fn filter(query: &ContainerQuery) -> impl Fn(&Arc<Container>) -> bool {
    let words = words(query);
    move |it| query.wants_state(it.state) && (words.is_empty() || Searchable::new(it).mentions_all(&words))
}

/// Like `str::contains`, but without its setup for each text, which would be most of the work here.
fn contains(text: &str, word: &str) -> bool {
    let (text, Some((first, rest))) = (text.as_bytes(), word.as_bytes().split_first()) else { return true };
    let last = text.len().saturating_sub(rest.len());
    (0..last).any(|at| text[at] == *first && &text[at + 1..at + 1 + rest.len()] == rest)
}

fn compare(a: &Container, b: &Container, query: &ContainerQuery) -> Ordering {
    if query.grouped {
        let by_project = compare_projects(a.project(), b.project());
        if by_project.is_ne() {
            return by_project;
        }
    }
    let by_column = match query.sort {
        ContainerColumn::State => (a.state, a.health).cmp(&(b.state, b.health)),
        // The container itself does not contain its usage: see `by_use`.
        ContainerColumn::Name
        | ContainerColumn::Cpu
        | ContainerColumn::Memory
        | ContainerColumn::NetworkIo
        | ContainerColumn::BlockIo
        | ContainerColumn::Pids => Ordering::Equal,
        ContainerColumn::Image => a.image.cmp(&b.image),
        ContainerColumn::Ports => public_port(a).cmp(&public_port(b)),
        ContainerColumn::Networks => network(a).cmp(&network(b)),
        ContainerColumn::Created => a.created.cmp(&b.created),
        ContainerColumn::Status => a.started_at.max(a.finished_at).cmp(&b.started_at.max(b.finished_at)),
    };
    let by_name = || natural(&a.name, &b.name).then_with(|| (&a.id, &a.host).cmp(&(&b.id, &b.host)));
    let by_column = by_column.then_with(by_name);
    if query.descending { by_column.reverse() } else { by_column }
}

/// Containers without a project are last.
fn compare_projects(a: Option<&str>, b: Option<&str>) -> Ordering {
    (a.is_none(), a).cmp(&(b.is_none(), b))
}

fn public_port(container: &Container) -> (bool, Option<u16>) {
    let port = container.ports.iter().find_map(|port| port.public);
    (port.is_none(), port)
}

fn network(container: &Container) -> Option<&str> {
    container.networks.first().map(|network| network.name.as_str())
}

/// Natural order: web-2 before web-10.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (&[x, ..], &[y, ..]) = (a, b) else {
            return a.len().cmp(&b.len());
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (run_a, run_b) = (&a[..digits(a)], &b[..digits(b)]);
            let strip = |run: &[u8]| run.iter().take_while(|byte| **byte == b'0').count();
            let (value_a, value_b) = (&run_a[strip(run_a)..], &run_b[strip(run_b)..]);
            let order = (value_a.len(), value_a, run_a.len()).cmp(&(value_b.len(), value_b, run_b.len()));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[run_a.len()..], &b[run_b.len()..]);
        } else {
            let order = x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[1..], &b[1..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerId, Timestamp, arbitrary::container};
    use leptos::prelude::Owner;
    use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

    fn state(named: &[(&str, ContainerState, &str)]) -> EngineState {
        let mut runner = TestRunner::deterministic();
        let containers = named.iter().enumerate().map(|(number, (name, state, project))| {
            let mut it = container().new_tree(&mut runner).unwrap().current();
            it.host = crate::model::HostId::new("local").unwrap();
            it.id = ContainerId::new(&format!("{number:064x}")).unwrap();
            it.name = (*name).into();
            it.state = *state;
            it.created = Timestamp::from_seconds(number as i64);
            it.labels.clear();
            if !project.is_empty() {
                it.labels.insert("com.docker.compose.project".into(), (*project).into());
            }
            it.into()
        });
        containers.collect()
    }

    fn names(state: &EngineState, query: &ContainerQuery) -> Vec<String> {
        select_containers(state.containers(), query).iter().map(|it| it.name.clone()).collect()
    }

    fn store(state: &EngineState) -> Store {
        let entities = state.keys().filter_map(|key| state.get(key)).cloned().collect();
        let (server_time, server_version) = (Timestamp::default(), String::new());
        Store::new(crate::wire::Seed {
            epoch: 1,
            revision: 1,
            server_time,
            server_version,
            entities,
            totals: None,
            firing: 0,
            preferences: crate::model::Preferences::default(),
            unread: 0,
            tasks: Vec::new(),
        })
    }

    proptest! {
        /// Containers that were added, changed or removed end up where a full sort would put them.
        #[test]
        fn incremental_order_equals_a_full_sort(
            steps in proptest::collection::vec(crate::model::arbitrary::changes(), 1..6),
            column in 0..ContainerColumn::ALL.iter().filter(|it| it.used().is_none()).count(), descending: bool, grouped: bool, search in "[a-c]?",
        ) {
            let query = ContainerQuery { search, sort: ContainerColumn::ALL[column], descending, grouped, state: None };
            let store = Owner::new().with(|| store(&EngineState::default()));
            let mut ordered = OrderedContainers::default();
            let mut state = EngineState::default();
            for (number, changes) in steps.into_iter().enumerate() {
                for change in changes {
                    state.apply(change);
                }
                let entities = state.keys().filter_map(|key| state.get(key)).cloned().collect();
                let revision = number as u64 + 2;
                let timestamp = Timestamp::default();
                store.part(crate::wire::Part { epoch: 1, revision, timestamp, number: 0, is_last: true, entities });
                let fresh: Vec<Key> = select_containers(state.containers(), &query).into_iter().map(key_of).collect();
                prop_assert_eq!(&*ordered.select(&store, &query), &fresh);
            }
        }
    }

    #[test]
    fn lists_are_filtered_sorted_and_grouped() {
        use ContainerState::{Dead, Exited, Running};
        let state = state(&[
            ("web-10", Running, "shop"),
            ("web-2", Exited, "shop"),
            ("Alone", Running, ""),
            ("db", Dead, "blog"),
        ]);
        let query = ContainerQuery::default();
        assert_eq!(names(&state, &query), ["Alone", "db", "web-2", "web-10"]);
        let exited = ContainerQuery { state: Some(Exited), ..query.clone() };
        assert_eq!(names(&state, &exited), ["db", "web-2"]);
        let found = ContainerQuery { search: "SHOP 10".into(), ..query.clone() };
        assert_eq!(names(&state, &found), ["web-10"]);
        let newest = ContainerQuery { sort: ContainerColumn::Created, ..query.clone() };
        assert_eq!(names(&state, &newest), ["web-10", "web-2", "Alone", "db"]);
        let backwards = ContainerQuery { descending: true, ..query.clone() };
        assert_eq!(names(&state, &backwards), ["web-10", "web-2", "db", "Alone"]);
        let grouped = ContainerQuery { grouped: true, ..query };
        assert_eq!(names(&state, &grouped), ["db", "web-2", "web-10", "Alone"]);
    }

    #[test]
    fn highest_usage_sorts_first_and_unknown_usage_last() {
        use ContainerState::Running;
        let state =
            state(&[("idle", Running, "shop"), ("busy", Running, "shop"), ("off", Running, ""), ("big", Running, "")]);
        let store = Owner::new().with(|| store(&state));
        let sample = |it: &Arc<Container>, cpu_percent: f64| crate::model::Sample {
            host: it.host.clone(),
            container_id: it.id.clone(),
            name: it.name.clone(),
            cpu_percent,
            memory_usage: Some(0),
            memory_limit: Some(0),
            memory_percent: Some(0.0),
            network_rx: Some(0),
            network_tx: Some(0),
            block_read: Some(0),
            block_write: Some(0),
            pids: Some(1),
            timestamp: Timestamp::default(),
        };
        let cpu = |name: &str| match name {
            "idle" => Some(0.5),
            "busy" => Some(90.0),
            "big" => Some(3.0),
            _ => None,
        };
        let samples = state.containers().filter_map(|it| Some(sample(it, cpu(&it.name)?))).collect();
        store.stats(crate::wire::Stats { samples, ..crate::wire::Stats::nothing(Timestamp::default()) });
        let named = |query: &ContainerQuery| {
            let keys = OrderedContainers::default().select(&store, query);
            let name = |key: &Key| state.get(key).unwrap().as_container().unwrap().name.clone();
            keys.iter().map(name).collect::<Vec<_>>()
        };
        let query = ContainerQuery { sort: ContainerColumn::Cpu, descending: true, ..ContainerQuery::default() };
        // Sorted by name until they are ranked.
        assert_eq!(named(&query), ["big", "busy", "idle", "off"]);
        store.rank();
        assert_eq!(named(&query), ["busy", "big", "idle", "off"]);
        assert_eq!(named(&ContainerQuery { descending: false, ..query.clone() }), ["idle", "big", "busy", "off"]);
        assert_eq!(named(&ContainerQuery { grouped: true, ..query }), ["busy", "idle", "big", "off"]);
    }

    proptest! {
        #[test]
        fn natural_order_is_a_total_order(mut texts in proptest::collection::vec("[aB0-2]{0,5}", 3)) {
            texts.sort_by(|a, b| natural(a, b));
            prop_assert!(natural(&texts[0], &texts[1]).is_le());
            prop_assert!(natural(&texts[1], &texts[2]).is_le());
            prop_assert!(natural(&texts[0], &texts[2]).is_le());
            prop_assert_eq!(natural(&texts[0], &texts[1]), natural(&texts[1], &texts[0]).reverse());
        }
    }
}
