//! What the buttons of the page do, and which of them wait for the truth.

use super::page::key_of;
use crate::{
    actions::containers::act_on_containers,
    client::{Browsers, Store, Toasts, t, told},
    model::{Container, ContainerAction, ContainerState, Entity, Key, Timestamp},
    wire::{ActionError, ErrorKind},
};
use leptos::{prelude::*, task::spawn_local};
use std::{sync::Arc, time::Duration};

/// A button that waited this long for an effect stops waiting: a signal may well have none.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an action changes in a container: while this is as before, its effect has not arrived.
type Run = (ContainerState, Option<Timestamp>, Option<Timestamp>);

#[derive(Clone, Copy)]
pub struct Acts {
    /// Actions under way, with the container as it was.
    pending: RwSignal<Vec<(Key, Run)>>,
    /// The container whose menu is open, and the button it hangs from.
    pub menu: RwSignal<Option<Key>>,
    pub menu_from: Browsers<web_sys::HtmlElement>,
    pub asking: RwSignal<Asking>,
}

impl Acts {
    /// Whether the menu or a dialog is there.
    pub fn is_open(self) -> bool {
        self.menu.with(Option::is_some) || self.asking.with(|asking| *asking != Asking::Nothing)
    }
}

/// What the dialog is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Asking {
    #[default]
    Nothing,
    Remove(Vec<Key>),
    Rename(Key),
    New,
    Duplicate(Key),
    Edit(Key),
    Limits(Key),
    Commit(Key),
    /// Stopped ones, all at once.
    Prune,
}

fn run(container: &Container) -> Run {
    (container.state, container.started_at, container.finished_at)
}

impl Acts {
    pub fn new() -> Self {
        Self {
            pending: RwSignal::new(Vec::new()),
            menu: RwSignal::new(None),
            menu_from: Browsers::default(),
            asking: RwSignal::default(),
        }
    }

    /// Whether an action on it has been accepted or sent, and its effect is not here yet.
    pub fn is_pending(self, container: &Container) -> bool {
        let key = Key::Container(container.host.clone(), container.id.clone());
        self.pending.with(|pending| pending.iter().any(|(its, before)| *its == key && *before == run(container)))
    }

    /// Does `action` to one container.
    pub fn act(self, key: &Key, action: ContainerAction) {
        self.act_all(vec![(key.clone(), action)]);
    }

    /// Does what is said to each, in one request: a browser has six at a time. The effects show when they come back as changes; what
    /// has failed shows as one notice, with each container and why.
    pub fn act_all(self, wanted: Vec<(Key, ContainerAction)>) {
        let store = expect_context::<Store>();
        let toasts = expect_context::<Toasts>();
        let known = |key: &Key| store.look(|state| state.get(key).and_then(Entity::as_container).cloned());
        let wanted: Vec<(Arc<Container>, ContainerAction)> =
            wanted.into_iter().filter_map(|(key, action)| Some((known(&key)?, action))).collect();
        let Some(verb) = wanted.first().map(|(_, action)| action.verb()) else { return };
        let pending = self.pending;
        pending.update(|pending| pending.extend(wanted.iter().map(|(it, _)| (key_of(it), run(it)))));
        let forget = move |keys: &[Key]| {
            pending.try_update(|pending| pending.retain(|(its, _)| !keys.contains(its)));
        };
        spawn_local(async move {
            let acts = wanted.iter().map(|(it, action)| (it.host.clone(), it.id.clone(), action.clone())).collect();
            let outcomes = match act_on_containers(acts).await {
                Ok(outcomes) => outcomes,
                Err(error) => vec![Some(error); wanted.len()],
            };
            let (mut accepted, mut failed) = (Vec::new(), Vec::new());
            for ((container, _), outcome) in wanted.iter().zip(outcomes) {
                match outcome {
                    None => accepted.push(key_of(container)),
                    Some(error) => failed.push((container, error)),
                }
            }
            set_timeout(move || forget(&accepted), PATIENCE);
            forget(&failed.iter().map(|(it, _)| key_of(it)).collect::<Vec<_>>());
            match &failed[..] {
                [] => {}
                [(container, error)] => {
                    // What takes long goes on.
                    let ending = if error.kind == ErrorKind::Timeout { "takes long" } else { "failed" };
                    toasts.failed(&format!("{} {}", crate::t!("{} {}", t(verb), container.name), t(ending)), error);
                }
                several => {
                    let what = crate::t!("{} failed for {} of {} containers", t(verb), several.len(), wanted.len());
                    let lines: Vec<_> =
                        several.iter().map(|(it, error)| format!("{}: {}", it.name, told(&error.words()))).collect();
                    toasts.failed(&what, &ActionError::new(several[0].1.kind, lines.join("\n")));
                }
            }
        });
    }
}
