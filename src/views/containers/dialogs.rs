//! The menu of a row, and the question before something is removed.

use super::page::{Page, key_of};
use crate::{
    client::Store,
    model::{ContainerAction, ContainerState, Entity},
    views::{
        format,
        widgets::{Dialog, Icon, Menu, live, on_click},
    },
};
use leptos::prelude::*;

#[component]
pub(super) fn RowMenu() -> impl IntoView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let acts = page.acts;
    live(move || {
        let key = acts.menu.get()?;
        let row = store.entity(&key)?;
        let from = acts.menu_from.get_value()?;
        let Entity::Container(container) = row.get() else {
            return None;
        };
        let name = container.name.clone();
        let item = |icon: &'static str, action: ContainerAction| {
            let text = format!("{} {name}", action.verb());
            let key = key.clone();
            let choose = move |_| {
                acts.menu.set(None);
                acts.act(&key, action.clone());
            };
            view! {
                <button role="menuitem" tabindex="-1" on:click=on_click(choose)>
                    <Icon name=icon />
                    {text}
                </button>
            }
        };
        let lifecycle = match container.state {
            ContainerState::Running => {
                vec![item("pause", ContainerAction::Pause), item("kill", ContainerAction::Kill { signal: None })]
            }
            ContainerState::Paused => vec![
                item("start", ContainerAction::Unpause),
                item("stop", ContainerAction::Stop { timeout: None }),
                item("kill", ContainerAction::Kill { signal: None }),
            ],
            ContainerState::Restarting => {
                vec![item("kill", ContainerAction::Kill { signal: None })]
            }
            _ => vec![],
        };
        let separated = !lifecycle.is_empty();
        let remove = {
            let key = key.clone();
            move |_| {
                acts.menu.set(None);
                acts.removing.set(vec![key.clone()]);
            }
        };
        Some(
            view! {
                <section aria-label="Actions">
                <Menu name=format!("More actions for {name}") from on_close=move || acts.menu.set(None)>
                    <p aria-hidden="true">{name.clone()}</p>
                    {lifecycle}
                    {separated.then(|| view! { <div role="separator"></div> })}
                    <button role="menuitem" tabindex="-1" class="danger" on:click=on_click(remove)>
                        <Icon name="remove" />
                        {format!("Remove {name}")}
                    </button>
                </Menu>
                </section>
            }
            .into_any(),
        )
    })
}

#[component]
pub(super) fn RemoveDialog() -> impl IntoView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let acts = page.acts;
    live(move || {
        let keys = acts.removing.get();
        let containers: Vec<_> =
            store.look(|state| keys.iter().filter_map(|key| state.get(key)?.as_container().cloned()).collect());
        let first = containers.first()?.clone();
        let up = containers.iter().filter(|it| it.state.is_up()).count();
        let what =
            if containers.len() == 1 { first.name.clone() } else { format::count(containers.len(), "container") };
        let sentence = match (containers.len(), up) {
            (1, 0) => "It goes with everything written inside it. Its image and its named volumes stay.".to_owned(),
            (1, _) => {
                "It is running: it will be killed and removed with everything written inside it. Its image and its named \
                 volumes stay."
                    .to_owned()
            }
            (_, 0) => {
                let names: Vec<_> = containers.iter().map(|it| it.name.as_str()).collect();
                format!("{} go with everything written inside them.", names.join(", "))
            }
            (_, up) => {
                let names: Vec<_> = containers.iter().map(|it| it.name.as_str()).collect();
                format!("{} go with everything written inside them; {up} of them running and killed first.", names.join(", "))
            }
        };
        let volumes = RwSignal::new(false);
        let remove = move |_| {
            for container in &containers {
                let force = container.state.is_up();
                let action = ContainerAction::Remove { force, volumes: volumes.get_untracked() };
                acts.act(&key_of(container), action);
            }
            page.selected.update(|selected| selected.retain(|key| !keys.contains(key)));
            acts.removing.set(Vec::new());
        };
        let close = move || acts.removing.set(Vec::new());
        Some(
            view! {
                <Dialog title=format!("Remove {what}?") on_close=close>
                    <p>{sentence}</p>
                    <label>
                        <input type="checkbox" on:change:target=move |event| volumes.set(event.target().checked()) />
                        "Also remove anonymous volumes"
                    </label>
                    <footer>
                        <button class="button" autofocus on:click=move |_| close()>"Cancel"</button>
                        <button class="button danger main" on:click=on_click(remove)>{format!("Remove {what}")}</button>
                    </footer>
                </Dialog>
            }
            .into_any(),
        )
    })
}
