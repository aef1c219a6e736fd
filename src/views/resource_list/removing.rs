//! Confirmation before removal, and the containers that prevent it.

use super::{members::on_network, row_menu::RowMenu};
use crate::{
    client::{Store, erased_memo, t},
    model::{Action, Container, EngineState, Entity, ImageAction, Key, Mount, MountKind, NetworkAction, VolumeAction},
    views::widgets::{Dialog, boxed, field, on_click},
};
use leptos::prelude::*;
use std::sync::Arc;

/// Up to this many names are listed. More are counted.
const NAMED: usize = 6;

/// Contents of the confirmation dialog.
struct Confirmation {
    name: String,
    /// What removal does.
    sentence: String,
    /// Containers that must be removed or disconnected first.
    held_by: Vec<String>,
    /// It contains data, so the user has to type its name.
    requires_typed_name: bool,
    action: Action,
}

fn confirmation(entity: &Entity, state: &EngineState) -> Option<Confirmation> {
    match entity {
        Entity::Image(it) => {
            let (running, stopped): (Vec<_>, Vec<_>) = state
                .containers()
                .filter(|container| container.host == it.host && container.image_id.as_ref() == Some(&it.id))
                .partition(|container| container.state.is_up());
            let sentence = match (named(&stopped), it.tags.len()) {
                (None, 0 | 1) => t("This removes the image. To use it again, pull or rebuild it.").to_owned(),
                (None, names) => {
                    crate::t!("This removes the image and its {} tags. To use it again, pull or rebuild it.", names)
                }
                (Some(stopped), 0 | 1) => {
                    crate::t!(
                        "This removes the image. Existing containers are kept but can't be recreated without it: {}.",
                        stopped
                    )
                }
                (Some(stopped), names) => crate::t!(
                    "This removes the image and its {} tags. Existing containers are kept but can't be recreated without it: {}.",
                    names,
                    stopped
                ),
            };
            Some(Confirmation {
                name: it.name().to_owned(),
                sentence,
                held_by: all_named(&running),
                requires_typed_name: false,
                action: Action::Image(
                    it.host.clone(),
                    it.id.clone(),
                    ImageAction::Remove { force: !stopped.is_empty() },
                ),
            })
        }
        Entity::Volume(it) => {
            let users = state.containers().filter(|container| {
                let mounts = |mount: &Mount| mount.kind == MountKind::Volume && mount.source == it.id.as_str();
                container.host == it.host && !container.is_helper() && container.mounts.iter().any(mounts)
            });
            Some(Confirmation {
                name: it.id.to_string(),
                sentence: t("All data in it will be permanently deleted. This can't be undone.").to_owned(),
                held_by: all_named(&users.collect::<Vec<_>>()),
                requires_typed_name: !it.is_anonymous(),
                action: Action::Volume(it.host.clone(), it.id.clone(), VolumeAction::Remove { force: false }),
            })
        }
        Entity::Network(it) => Some(Confirmation {
            name: it.name.clone(),
            sentence: t("Stopped containers attached to it won't start until you connect them to another network.")
                .to_owned(),
            held_by: all_named(
                &on_network(state, it.host.clone(), &it.name).filter(|it| it.state.is_up()).collect::<Vec<_>>(),
            ),
            requires_typed_name: false,
            action: Action::Network(it.host.clone(), it.id.clone(), NetworkAction::Remove),
        }),
        Entity::Container(_) | Entity::Host(_) => None,
    }
}

fn all_named(containers: &[&Arc<Container>]) -> Vec<String> {
    containers.iter().map(|it| it.name.clone()).collect()
}

/// Their names in a sentence. `None` if there are none.
fn named(containers: &[&Arc<Container>]) -> Option<String> {
    in_a_sentence(&all_named(containers))
}

fn in_a_sentence(names: &[String]) -> Option<String> {
    let more = names.len().saturating_sub(NAMED);
    let few = names[..names.len() - more].join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (_, 0) => Some(few),
        (_, more) => Some(crate::t!("{} and {} more", few, more)),
    }
}

pub(super) fn remove(menu: RowMenu, key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let asked = store.look(|state| confirmation(state.get(key)?, state));
    let Some(Confirmation { name, sentence, held_by, requires_typed_name, action }) = asked else {
        return ().into_any();
    };
    let word = crate::t!("Remove {}", name);
    if let Some(holders) = in_a_sentence(&held_by) {
        let why = crate::t!("In use by {}. Remove those containers first.", holders);
        return view! {
            <Dialog title=crate::t!("Can't remove {}", name) on_close=move || menu.close()>
                <p>{why}</p>
                <footer>
                    <button class="button" autofocus on:click=on_click(move |_| menu.close())>{t("Close")}</button>
                </footer>
            </Dialog>
        }
        .into_any();
    }
    let typed = RwSignal::new(String::new());
    let is_sure = {
        let name = name.clone();
        erased_memo(move || !requires_typed_name || typed.with(|typed| *typed == name))
    };
    let done = crate::t!("{} removed", name);
    let failed = crate::t!("Couldn't remove {}", name);
    let go = move |_| {
        menu.close();
        menu.act(action.clone(), done.clone(), failed.clone());
    };
    let confirm = requires_typed_name.then(|| {
        let set = move |text| typed.set(text);
        view! { {field("Type its name to confirm", "text", String::new(), "", Box::new(set))} }.into_any()
    });
    view! {
        <Dialog title=crate::t!("Remove {}?", name) on_close=move || menu.close()>
            <p>{sentence}</p>
            {confirm}
            <footer>
                <button class="button" autofocus=!requires_typed_name on:click=on_click(move |_| menu.close())>{t("Cancel")}</button>
                <button class="button danger main" disabled=boxed(move || !is_sure.get()) on:click=on_click(go)>{word.clone()}</button>
            </footer>
        </Dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_list_of_names_is_abbreviated_with_a_count() {
        let names = |count: usize| (0..count).map(|at| format!("web-{at}")).collect::<Vec<_>>();
        assert_eq!(in_a_sentence(&names(0)), None);
        assert_eq!(in_a_sentence(&names(2)).unwrap(), "web-0, web-1");
        assert_eq!(in_a_sentence(&names(8)).unwrap(), "web-0, web-1, web-2, web-3, web-4, web-5 and 2 more");
    }
}
