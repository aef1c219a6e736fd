//! Event feed of the page: the initial events, older ones loaded on scrolling, and new ones as they arrive.

use crate::{
    client::{EventMessage, Store, Transport},
    model::{Event, EventPage, EventQuery, HistoryStatus, Message},
    queries::events::events,
};
use leptos::{prelude::*, task::spawn_local};
use std::sync::Arc;

/// Maximum number of events held. To look further back, users narrow the filters or export a file.
pub(super) const MOST: usize = 3_000;

pub(super) type Address = Vec<(String, String)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loading {
    No,
    /// Reload from scratch.
    First,
    Older,
    Failed(Message),
}

#[derive(Clone, Copy)]
pub(super) struct Feed {
    /// Newest first.
    pub(super) shown: RwSignal<Vec<Arc<Event>>>,
    /// New events that wait until the user isn't reading, newest first.
    pub(super) held: RwSignal<Vec<Arc<Event>>>,
    pub(super) more: RwSignal<bool>,
    pub(super) history: RwSignal<HistoryStatus>,
    pub(super) loading: RwSignal<Loading>,
    pub(super) open: RwSignal<Option<Arc<Event>>>,
    asked: StoredValue<OnDemand>,
}

#[derive(Default)]
struct OnDemand {
    address: Address,
    query: EventQuery,
    /// The highest event number received.
    latest: u64,
    /// Counts requests: late answers to earlier ones are dropped.
    round: u32,
}

impl Feed {
    pub(super) fn new(first: Option<EventPage>) -> Self {
        let loading = if first.is_some() { Loading::No } else { Loading::First };
        let EventPage { events, more, history } =
            first.unwrap_or(EventPage { events: Vec::new(), more: false, history: HistoryStatus::Recording });
        let latest = events.first().map_or(0, |event| event.seq);
        Self {
            shown: RwSignal::new(events.into_iter().map(Arc::new).collect()),
            held: RwSignal::new(Vec::new()),
            more: RwSignal::new(more),
            history: RwSignal::new(history),
            loading: RwSignal::new(loading),
            open: RwSignal::new(None),
            asked: StoredValue::new(OnDemand { latest, ..OnDemand::default() }),
        }
    }

    pub(super) fn find(self, seq: u64) -> Option<Arc<Event>> {
        self.shown.with_untracked(|shown| shown.iter().find(|event| event.seq == seq).cloned())
    }

    /// Sets the query. Loads its events unless they came with the page.
    pub(super) fn ask(self, address: Address, store: &Store, is_here: bool) {
        let (mut query, now) = (EventQuery::default(), store.now().get_untracked());
        for (key, value) in &address {
            // The server reports invalid times.
            let _ = query.read(key, value, now);
        }
        self.asked.update_value(|asked| (asked.address, asked.query) = (address, query));
        if !is_here {
            self.load(Loading::First, Vec::new());
        }
    }

    pub(super) fn again(self) {
        self.load(Loading::First, Vec::new());
    }

    pub(super) fn older(self) {
        let last = self.shown.with_untracked(|shown| shown.last().map(|event| event.seq));
        let is_idle = self.loading.with_untracked(|loading| matches!(loading, Loading::No | Loading::Failed(_)));
        if let (Some(last), true, true) = (last, is_idle, self.more.get_untracked()) {
            self.load(Loading::Older, vec![("before".to_owned(), last.to_string())]);
        }
    }

    fn load(self, what: Loading, place: Address) {
        let is_older = what == Loading::Older;
        if !is_older {
            self.held.update(Vec::clear);
        }
        self.loading.set(what);
        let Some((address, round)) = self.asked.try_update_value(|asked| {
            asked.round += 1;
            (asked.address.iter().cloned().chain(place).collect::<Address>(), asked.round)
        }) else {
            return;
        };
        spawn_local(async move {
            let answer = events(address).await;
            // Another request was sent in the meantime, or the page has closed.
            if self.asked.try_with_value(|asked| asked.round) != Some(round) {
                return;
            }
            match answer {
                Ok(page) => self.take_in(page, is_older),
                Err(error) => self.loading.set(Loading::Failed(error.message)),
            }
        });
    }

    fn take_in(self, page: EventPage, is_older: bool) {
        let events = page.events.into_iter().map(Arc::new);
        if is_older {
            self.shown.update(|shown| shown.extend(events));
        } else {
            self.shown.set(events.collect());
            let first = self.shown.with_untracked(|shown| shown.first().map_or(0, |event| event.seq));
            self.asked.update_value(|asked| asked.latest = asked.latest.max(first));
            // Events that arrived while the answer was on its way and that it doesn't contain.
            self.held.update(|held| held.retain(|event| event.seq > first));
            self.release();
        }
        self.more.set(page.more);
        self.history.set(page.history);
        self.loading.set(Loading::No);
    }

    /// Handles a message from the socket.
    pub(super) fn on_message(self, message: EventMessage) {
        match message {
            EventMessage::Current(current) => {
                self.history.set(current.history);
                let latest = self.asked.with_value(|asked| asked.latest);
                // The page knows none of these events, so there may be others in between.
                if current.events.last().is_some_and(|oldest| oldest.seq > latest) && latest > 0 {
                    self.again();
                } else {
                    self.come(current.events);
                }
            }
            EventMessage::One(one) if one.skipped > 0 => self.again(),
            EventMessage::One(one) => self.come(vec![one.event]),
        }
    }

    /// Polls for new events on transports that don't deliver them.
    pub(super) fn poll(self, store: &Store) {
        let transport = store.link().with_untracked(|link| link.transport);
        if !matches!(transport, Transport::Sse | Transport::Polling) {
            return;
        }
        let (mut address, latest) = self.asked.with_value(|asked| (asked.address.clone(), asked.latest));
        address.push(("after".to_owned(), latest.to_string()));
        spawn_local(async move {
            if let (Ok(mut page), false) = (events(address).await, self.asked.is_disposed()) {
                page.events.reverse();
                self.history.set(page.history);
                self.come(page.events);
            }
        });
    }

    /// Adds new events, given newest first.
    fn come(self, events: Vec<Event>) {
        let Some(new) = self.asked.try_update_value(|asked| {
            let known = asked.latest;
            asked.latest = events.first().map_or(known, |event| event.seq.max(known));
            let wanted = events.into_iter().filter(|event| event.seq > known && asked.query.matches(event));
            wanted.map(Arc::new).collect::<Vec<_>>()
        }) else {
            return;
        };
        if new.is_empty() {
            return;
        }
        self.held.update(|held| _ = held.splice(0..0, new));
        let is_loading = self.loading.with_untracked(|loading| *loading == Loading::First);
        if !is_loading && !is_being_read() {
            self.release();
        }
    }

    /// Moves the held events to the top of the list.
    pub(super) fn release(self) {
        let held = self.held.try_update(std::mem::take).unwrap_or_default();
        if held.is_empty() {
            return;
        }
        self.shown.update(|shown| _ = shown.splice(0..0, held));
        if self.shown.with_untracked(Vec::len) > MOST {
            self.shown.update(|shown| shown.truncate(MOST));
            self.more.set(true);
        }
    }
}

/// Whether the pointer is over the list or the user has scrolled down. Then the list must not move.
pub(super) fn is_being_read() -> bool {
    let pointed_at = document().query_selector(".events > tbody:hover").is_ok_and(|it| it.is_some());
    pointed_at || document().query_selector("main").ok().flatten().is_some_and(|main| main.scroll_top() > 60)
}
