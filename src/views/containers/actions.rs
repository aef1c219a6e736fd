//! Container actions of the page's buttons, and which buttons show an action as pending.

use super::page::key_of;
use crate::{
    actions::containers::act_on_containers,
    client::{ClientOnly, Store, Toasts, t, translate},
    model::{Container, ContainerAction, ContainerState, Entity, Key, Message, Timestamp},
    wire::{ActionError, ErrorKind},
};
use leptos::{prelude::*, task::spawn_local};
use std::{sync::Arc, time::Duration};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

/// Pending timeout: a button stops waiting after this. A signal, for example, may have no visible effect.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The part of a container that an action changes. While it stays the same, the action's effect has not arrived.
type Run = (ContainerState, Option<Timestamp>, Option<Timestamp>);

#[derive(Clone, Copy)]
pub struct ContainerActions {
    /// Actions in progress, with the container's run before each.
    pending: RwSignal<Vec<(Key, Run)>>,
    /// The container whose menu is open, and the button that the menu is anchored to.
    pub menu: RwSignal<Option<Key>>,
    pub menu_from: ClientOnly<web_sys::HtmlElement>,
    pub open_dialog: RwSignal<Dialog>,
    /// The button that was pressed, and the actions it offered at that time.
    pressed: ClientOnly<(Element, Offered)>,
}

/// The actions of a button, with the container each applies to and the state for which the button was drawn.
pub type Offered = Vec<(Key, ContainerAction, ContainerState)>;

/// The actions of a click on `button`: those it offered when it was pressed. A container may exit between press and click.
/// The button then offers Start, and a user who pressed Stop must not start it.
fn carried<B: PartialEq, T>(pressed: Option<(B, T)>, button: Option<&B>, offered: T) -> T {
    match pressed {
        Some((its, offered)) if Some(&its) == button => offered,
        // Neither a pointer nor a key pressed it: the click came from a script or a screen reader.
        _ => offered,
    }
}

impl ContainerActions {
    /// Whether the menu or a dialog is open.
    pub fn is_open(self) -> bool {
        self.menu.with(Option::is_some) || self.open_dialog.with(|open_dialog| *open_dialog != Dialog::Nothing)
    }
}

/// The open dialog.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Dialog {
    #[default]
    Nothing,
    Remove(Vec<Key>),
    Rename(Key),
    New,
    Duplicate(Key),
    Edit(Key),
    Limits(Key),
    Commit(Key),
    /// All stopped containers.
    Prune,
}

fn run(container: &Container) -> Run {
    (container.state, container.started_at, container.finished_at)
}

impl ContainerActions {
    pub fn new() -> Self {
        Self {
            pending: RwSignal::new(Vec::new()),
            menu: RwSignal::new(None),
            menu_from: ClientOnly::default(),
            open_dialog: RwSignal::default(),
            pressed: ClientOnly::default(),
        }
    }

    /// Handles a pointer or key press on a button.
    pub fn press(self, button: Option<Element>, offered: Offered) {
        self.pressed.set(button.map(|button| (button, offered)));
    }

    /// Handles the click that ends the press. `offered` is what the button offers now.
    pub fn click(self, button: Option<Element>, offered: Offered) {
        self.act_all(carried(self.pressed.take(), button.as_ref(), offered));
    }

    /// Whether an action on the container was sent or accepted, but its effect hasn't arrived.
    pub fn is_pending(self, container: &Container) -> bool {
        let key = Key::Container(container.host.clone(), container.id.clone());
        self.pending.with(|pending| pending.iter().any(|(its, before)| *its == key && *before == run(container)))
    }

    /// Sends all actions in one request, because a browser sends at most six at a time. Effects show when they arrive
    /// as changes. Failures show as one toast, with each container and its error.
    pub fn act_all(self, wanted: Offered) {
        let store = expect_context::<Store>();
        let toasts = expect_context::<Toasts>();
        let known = |key: &Key| store.look(|state| state.get(key).and_then(Entity::as_container).cloned());
        let wanted: Vec<(Arc<Container>, ContainerAction, ContainerState)> =
            wanted.into_iter().filter_map(|(key, action, state)| Some((known(&key)?, action, state))).collect();
        let Some(verb) = wanted.first().map(|(_, action, _)| action.verb()) else { return };
        let pending = self.pending;
        pending.update(|pending| pending.extend(wanted.iter().map(|(it, ..)| (key_of(it), run(it)))));
        let forget = move |keys: &[Key]| {
            pending.try_update(|pending| pending.retain(|(its, _)| !keys.contains(its)));
        };
        spawn_local(async move {
            let act = |(it, action, state): &(Arc<Container>, ContainerAction, ContainerState)| {
                (it.host.clone(), it.id.clone(), action.clone(), *state)
            };
            let actions = wanted.iter().map(act).collect();
            let outcomes = match act_on_containers(actions).await {
                Ok(outcomes) => outcomes,
                Err(error) => vec![Some(error); wanted.len()],
            };
            let (mut accepted, mut failed) = (Vec::new(), Vec::new());
            for ((container, ..), outcome) in wanted.iter().zip(outcomes) {
                match outcome {
                    None => accepted.push(key_of(container)),
                    Some(error) => failed.push((container, error)),
                }
            }
            set_timeout(move || forget(&accepted), TIMEOUT);
            forget(&failed.iter().map(|(it, _)| key_of(it)).collect::<Vec<_>>());
            match &failed[..] {
                [] => {}
                [(container, error)] => {
                    let verb = t(verb);
                    let what = match error.kind {
                        // It may still be running.
                        ErrorKind::Timeout => crate::t!("{} {} is taking longer than expected", verb, container.name),
                        _ => crate::t!("{} {} failed", verb, container.name),
                    };
                    toasts.failed(&what, error);
                }
                several => {
                    let what = crate::t!("{} failed for {} of {} containers", t(verb), several.len(), wanted.len());
                    let lines: Vec<_> = several
                        .iter()
                        .map(|(it, error)| format!("{}: {}", it.name, translate(&error.words())))
                        .collect();
                    toasts.failed(&what, &ActionError::new(several[0].1.kind, Message::Verbatim(lines.join("\n"))));
                }
            }
        });
    }
}

/// The element whose handler is running.
pub fn button_of(event: &Event) -> Option<Element> {
    event.current_target()?.dyn_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn click_performs_the_action_shown_at_pointer_down() {
        assert_eq!(carried(Some(("button", "stop")), Some(&"button"), "start"), "stop");
        assert_eq!(carried(None, Some(&"button"), "start"), "start");
        // A press on another button, released elsewhere, has no effect on this one.
        assert_eq!(carried(Some(("other", "stop")), Some(&"button"), "start"), "start");
        assert_eq!(carried(Some(("other", "stop")), None, "start"), "start");
    }
}
