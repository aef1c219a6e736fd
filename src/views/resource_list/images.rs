//! Dialogs for images and registries: pull, push, import and sign in.

use super::{
    fields::{Text, host, said, text},
    row_menu::RowMenu,
};
use crate::{
    actions::registries::{sign_in, sign_out},
    client::{Store, t, translate},
    model::{HostId, ImageName, Job, Key, Message, Pull, RegistryInfo, RegistryLogin},
    queries::registries::registries,
    views::{
        Site,
        upload::{chosen_file, encoded, send_file},
        widgets::{Sent, boxed, choice, field, form, on_click},
    },
    wire::{ActionError, ErrorKind},
};
use leptos::{prelude::*, task::spawn_local};
use std::future::Future;

/// Validates an image name by Docker's rules before sending it.
pub(super) fn image_name(typed: &str) -> Result<ImageName, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(t("Enter an image").to_owned());
    }
    let name = ImageName::new(typed).map_err(|_| t("Use repository:tag, for example nginx:1.27").to_owned())?;
    let (repository, tag) = match typed.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((repository, tag)) => (repository, tag),
        None => (typed, ""),
    };
    // A registry's name may contain capital letters.
    let path = repository.split_once('/').map_or(repository, |(_, path)| path);
    if path.bytes().any(|it| it.is_ascii_uppercase()) {
        return Err(crate::t!("Repository name must be lowercase: {}", repository.to_lowercase()));
    }
    if tag.len() > 128 {
        return Err(t("Tags can be up to 128 characters long").to_owned());
    }
    Ok(name)
}

pub(super) fn pull(menu: RowMenu) -> AnyView {
    let [name, platform] = [(); 2].map(|()| Text::default());
    let host = host();
    let fields = view! {
        {text("Image", "nginx:1.27", name)}
        {text("Platform (optional)", "linux/arm64", platform)}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let pull = Pull { platform: said(platform) };
        Ok(menu.start(host.clone()?, Job::Pull(image_name(&name.get_value())?, pull)))
    };
    form(t("Pull an image").to_owned(), fields, "Pull", Box::new(send), menu.closer())
}

pub(super) fn push(menu: RowMenu, key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let tags = store.look(|state| state.get(key)?.as_image().map(|it| it.tags.clone())).unwrap_or_default();
    let Key::Image(host, _) = key.clone() else { return ().into_any() };
    let chosen = StoredValue::new(tags.first().cloned().unwrap_or_default());
    let options: Vec<_> = tags.iter().map(|tag| (tag.clone(), tag.clone())).collect();
    let fields = view! {
        <p>{t("The image is pushed to the registry in its name. To push to another registry, add a tag for that registry first.")}</p>
        {choice("Name", options, &chosen.get_value(), Box::new(move |tag| chosen.set_value(tag)))}
    }
    .into_any();
    let send = move || Ok(menu.start(host.clone(), Job::Push(image_name(&chosen.get_value())?)));
    form(t("Push to a registry").to_owned(), fields, "Push", Box::new(send), menu.closer())
}

pub(super) fn import(menu: RowMenu) -> AnyView {
    let file = NodeRef::<leptos::html::Input>::new();
    let (host, site) = (host(), Site::expect());
    let fields = view! {
        <label class="field">
            <span>{t("Image archive (.tar) from docker save or Export")}</span>
            <input type="file" accept=".tar,.tar.gz,.tgz" node_ref=file />
        </label>
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let file = chosen_file(file).ok_or_else(|| t("Choose a file").to_owned())?;
        let path = format!("/api/images/import?host={}&file={}", host.clone()?, encoded(&file.name()));
        Ok(upload(menu, site.page(&path), async { Ok(file.into()) }))
    };
    form(t("Import images").to_owned(), fields, "Import", Box::new(send), menu.closer())
}

/// The dialog closes at once, and the task panel shows progress. Leaving Quaylight cancels the upload.
pub(super) fn upload(
    menu: RowMenu,
    address: String,
    content: impl Future<Output = Result<web_sys::Blob, String>> + 'static,
) -> Sent {
    spawn_local(async move {
        let sent = match content.await {
            Ok(content) => send_file(&address, &content).await,
            Err(why) => Err(ActionError::new(ErrorKind::Invalid, Message::Verbatim(why))),
        };
        if let Err(error) = sent {
            menu.failed(t("The upload failed"), &error);
        }
    });
    menu.show_tasks();
    Box::pin(async { Ok(()) })
}

/// Lists the registries that are signed in to, with a way to add one.
pub(super) fn all_registries(menu: RowMenu) -> AnyView {
    let known = RwSignal::new(None::<Result<Vec<RegistryInfo>, String>>);
    let ask = move || {
        spawn_local(async move {
            let answer = registries().await.map_err(|error| translate(&error.words()));
            known.try_set(Some(answer));
        });
    };
    ask();
    let list = boxed(move || match known.get() {
        None => view! { <li class="quiet">{t("Loading…")}</li> }.into_any(),
        Some(Err(why)) => view! { <li class="quiet" role="alert">{why}</li> }.into_any(),
        Some(Ok(list)) if list.is_empty() => {
            view! { <li class="quiet">{t("No registries yet. Public images don't need one.")}</li> }.into_any()
        }
        Some(Ok(list)) => list.into_iter().map(|it| a_registry(menu, it, ask)).collect::<Vec<_>>().into_any(),
    });
    let [registry, username, password] = [(); 3].map(|()| Text::default());
    let host = host();
    let secret = Box::new(move |text| password.set_value(text));
    let fields = view! {
        <ul class="entries">{list}</ul>
        {text("Registry", "ghcr.io", registry)}
        <div class="pair">
            {text("User", "ada", username)}
            {field("Password or token", "password", String::new(), "", secret)}
        </div>
        <p class="quiet">{t("Stored encrypted on the server, passed only to the engine, and never shown again.")}</p>
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let asked = RegistryLogin {
            registry: registry.get_value(),
            username: username.get_value(),
            password: password.get_value(),
        };
        if asked.registry.is_empty() || asked.username.is_empty() || asked.password.is_empty() {
            return Err(t("Enter a registry, a username and a password or token").to_owned());
        }
        let host: HostId = host.clone()?;
        Ok(Box::pin(async move {
            let done = crate::t!("Signed in to {}", asked.registry);
            sign_in(host, asked).await?;
            menu.say(done);
            Ok(())
        }))
    };
    form(t("Registries").to_owned(), fields, "Sign in", Box::new(send), menu.closer())
}

fn a_registry(menu: RowMenu, info: RegistryInfo, again: impl Fn() + Copy + Send + 'static) -> AnyView {
    let RegistryInfo { registry, username, is_dockers } = info;
    let name = if registry.contains("index.docker.io") { "Docker Hub".to_owned() } else { registry.clone() };
    let end = if is_dockers {
        view! { <small>{t("from Docker's config")}</small> }.into_any()
    } else {
        let label = crate::t!("Sign out of {}", name);
        let press = move |_| {
            let registry = registry.clone();
            spawn_local(async move {
                if let Err(error) = sign_out(registry).await {
                    menu.failed(t("Couldn't sign out"), &error);
                }
                again();
            });
        };
        view! { <button type="button" class="button" aria-label=label on:click=on_click(press)>{t("Sign out")}</button> }
            .into_any()
    };
    view! { <li><span>{name} " " <small>{username}</small></span> {end}</li> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_image_name_is_rejected_with_a_suggestion() {
        for name in ["nginx", "nginx:1.27-Alpine", "127.0.0.1:5000/team/web", "Registry.example:5000/web"] {
            assert!(image_name(name).is_ok(), "{name}");
        }
        assert!(image_name("Nginx").unwrap_err().contains("nginx"));
        assert!(image_name("ghcr.io/Team/web").unwrap_err().contains("ghcr.io/team/web"));
        assert!(image_name("").is_err() && image_name("a b").is_err());
    }
}
