//! What the buttons of the page do, and which of them wait for the truth.

use crate::{
    actions::containers::act_on_container,
    client::{Store, Toasts},
    model::{Container, ContainerAction, ContainerState, Entity, Key, Timestamp},
};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// A button that waited this long for an effect stops waiting: a signal may well have none.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an action changes in a container: while this is as before, its effect has not arrived.
type Run = (ContainerState, Option<Timestamp>, Option<Timestamp>);

#[derive(Clone, Copy)]
pub(super) struct Acts {
    /// Actions under way, with the container as it was.
    pending: RwSignal<Vec<(Key, Run)>>,
    /// The container whose menu is open, and the button it hangs from.
    pub menu: RwSignal<Option<Key>>,
    pub menu_from: StoredValue<Option<web_sys::HtmlElement>, LocalStorage>,
    /// Containers that the dialog asks about.
    pub removing: RwSignal<Vec<Key>>,
}

fn run(container: &Container) -> Run {
    (container.state, container.started_at, container.finished_at)
}

impl Acts {
    pub fn new() -> Self {
        Self {
            pending: RwSignal::new(Vec::new()),
            menu: RwSignal::new(None),
            menu_from: StoredValue::new_local(None),
            removing: RwSignal::new(Vec::new()),
        }
    }

    /// Whether an action on it has been accepted or sent, and its effect is not here yet.
    pub fn is_pending(self, container: &Container) -> bool {
        let key = Key::Container(container.host.clone(), container.id.clone());
        self.pending.with(|pending| pending.iter().any(|(its, before)| *its == key && *before == run(container)))
    }

    /// Does `action` to one container. The effect shows when it comes back as a change; a failure shows as a notice.
    pub fn act(self, key: &Key, action: ContainerAction) {
        let store = expect_context::<Store>();
        let toasts = expect_context::<Toasts>();
        let Some(Entity::Container(container)) = store.look(|state| state.get(key).cloned()) else {
            return;
        };
        let key = key.clone();
        self.pending.update(|pending| {
            pending.push((key.clone(), run(&container)));
        });
        let pending = self.pending;
        let forget = move || {
            pending.try_update(|pending| pending.retain(|(its, _)| *its != key));
        };
        spawn_local(async move {
            let what = format!("{} {}", action.verb(), container.name);
            match act_on_container(container.host.clone(), container.id.clone(), action).await {
                Ok(()) => set_timeout(forget, PATIENCE),
                Err(error) => {
                    forget();
                    toasts.failed(&format!("{what} failed"), &error);
                }
            }
        });
    }
}
