//! Dialog that adds and removes names of an image.

use super::{fields::entry, row_menu::RowMenu};
use crate::{
    client::{Store, erased_memo, t},
    model::{Action, HostId, ImageAction, ImageId, ImageName, Key, Kind},
    views::widgets::{boxed, field, form},
};
use leptos::prelude::*;

pub(super) fn names(menu: RowMenu, key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let Some(row) = store.entity(key) else { return ().into_any() };
    let Key::Image(host, id) = key.clone() else { return ().into_any() };
    // Untracked: a title that follows the name would reopen the dialog with each change.
    let title = crate::t!("Manage tags of {}", row.now().name());
    let known = erased_memo(move || row.image(|it| it.tags.clone()));
    let list = {
        let (host, id) = (host.clone(), id.clone());
        boxed(move || match &known.get()[..] {
            // Without its only name the image would be removed, which the user didn't request.
            [only] => {
                vec![view! { <li>{only.clone()} <span class="quiet">{t("Only tag")}</span></li> }.into_any()]
            }
            several => several.iter().map(|tag| a_name(menu, &host, &id, tag.clone())).collect(),
        })
    };
    let typed = RwSignal::new(String::new());
    let set = move |text: String| typed.set(text);
    let fields = view! {
        <ul class="entries">{list}</ul>
        {field("New tag", "text", String::new(), "registry.example.org/team/web:1.2", Box::new(set))}
        {taken_from(host.clone(), Some(id.clone()), typed)}
    }
    .into_any();
    let send = move || {
        let name = typed.get_untracked().trim().to_owned();
        let name = ImageName::new(&name).map_err(|_| t("Use repository:tag, for example nginx:1.27").to_owned())?;
        let done = crate::t!("Tag {} added", name);
        Ok(menu.send(Action::Image(host.clone(), id.clone(), ImageAction::Tag { name }), done))
    };
    form(title, fields, "Add tag", Box::new(send), menu.closer())
}

/// Warns that another image has the typed name and would lose it: the engine doesn't report that.
pub fn taken_from(host: HostId, id: Option<ImageId>, typed: RwSignal<String>) -> AnyView {
    let store = expect_context::<Store>();
    let words = erased_memo(move || {
        store.track(Kind::Image);
        let name = typed.with(|typed| ImageName::new(typed.trim()).ok())?.with_tag();
        let is_taken = store.look(|state| {
            let of_others = state.images().filter(|it| it.host == host && Some(&it.id) != id.as_ref());
            of_others.flat_map(|it| &it.tags).any(|tag| *tag == name)
        });
        is_taken.then(|| crate::t!("{} currently points to another image and will be moved to this one.", name))
    });
    view! { <p class="quiet" role="status">{boxed(move || words.get())}</p> }.into_any()
}

fn a_name(menu: RowMenu, host: &HostId, id: &ImageId, tag: String) -> AnyView {
    let (host, id) = (host.clone(), id.clone());
    let word = crate::t!("Remove tag {}", tag);
    let (done, failed) = (crate::t!("Tag {} removed", tag), crate::t!("Couldn't remove tag {}", tag));
    let name = ImageName::new(&tag).ok();
    let untag = move |_| {
        if let Some(name) = name.clone() {
            let action = Action::Image(host.clone(), id.clone(), ImageAction::Untag { name });
            menu.act(action, done.clone(), failed.clone());
        }
    };
    entry(tag, word, t("Remove"), Box::new(untag))
}
