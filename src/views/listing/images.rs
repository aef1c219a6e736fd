//! Dialogs of images that come and go: pull, push, build, import, and the registries behind them.

use super::{
    desk::Desk,
    fields::{Text, host, lines, pairs, said, text},
};
use crate::{
    actions::registries::{sign_in, sign_out},
    client::{Store, t, told},
    model::{Build, HostId, ImageName, Job, Key, Pull, RegistryInfo, RegistryLogin},
    queries::registries::registries,
    views::{
        Site,
        upload::{chosen_file, encoded, send_file},
        widgets::{Sent, check, choice, field, form, live, on_click, tall_area},
    },
};
use leptos::{prelude::*, task::spawn_local};

/// What Docker would say of it, before Docker says it.
fn image_name(typed: &str) -> Result<ImageName, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(t("Say which image").to_owned());
    }
    let name = ImageName::new(typed).map_err(|_| t("A name is a repository and, after a colon, a tag").to_owned())?;
    let (repository, tag) = match typed.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((repository, tag)) => (repository, tag),
        None => (typed, ""),
    };
    // A registry may be written in capitals.
    let path = repository.split_once('/').map_or(repository, |(_, path)| path);
    if path.bytes().any(|it| it.is_ascii_uppercase()) {
        return Err(crate::t!("A repository is in small letters: {}", repository.to_lowercase()));
    }
    if tag.len() > 128 {
        return Err(t("A tag has 128 letters at most").to_owned());
    }
    Ok(name)
}

pub(super) fn pull(desk: Desk) -> AnyView {
    let [name, platform] = [(); 2].map(|()| Text::default());
    let host = host();
    let fields = view! {
        {text("Image", "nginx:1.27", name)}
        {text("Platform, if not the engine's own", "linux/arm64", platform)}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let pull = Pull { platform: said(platform) };
        Ok(desk.start(host.clone()?, Job::Pull(image_name(&name.get_value())?, pull)))
    };
    form(t("Pull an image").to_owned(), fields, "Pull", Box::new(send), desk.closer())
}

pub(super) fn push(desk: Desk, key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let tags = store.look(|state| state.get(key)?.as_image().map(|it| it.tags.clone())).unwrap_or_default();
    let Key::Image(host, _) = key.clone() else { return ().into_any() };
    let chosen = StoredValue::new(tags.first().cloned().unwrap_or_default());
    let options: Vec<_> = tags.iter().map(|tag| (tag.clone(), tag.clone())).collect();
    let fields = view! {
        <p>{t("It goes to the registry that its name begins with; give it another name first for another registry.")}</p>
        {choice("Name", options, &chosen.get_value(), Box::new(move |tag| chosen.set_value(tag)))}
    }
    .into_any();
    let send = move || Ok(desk.start(host.clone(), Job::Push(image_name(&chosen.get_value())?)));
    form(t("Push to a registry").to_owned(), fields, "Push", Box::new(send), desk.closer())
}

pub(super) fn build(desk: Desk) -> AnyView {
    let [name, dockerfile, args] = [(); 3].map(|()| Text::default());
    let [no_cache, pull] = [(); 2].map(|()| StoredValue::new(false));
    let file = NodeRef::<leptos::html::Input>::new();
    let (host, site) = (host(), Site::expect());
    let fields = view! {
        {text("Name", "web:1", name)}
        {tall_area("Dockerfile", 10, String::new(), "FROM nginx", Box::new(move |text| dockerfile.set_value(text)))}
        <label class="field">
            <span>{t("Or a folder as a tar, with a Dockerfile in it")}</span>
            <input type="file" accept=".tar,.tar.gz,.tgz,.tar.xz,.tar.bz2" node_ref=file />
        </label>
        {lines("Build arguments", "VERSION=1.2", args)}
        {check(t("Without the cache").to_owned(), false, Box::new(move |it| no_cache.set_value(it)))}
        {check(t("Ask for newer base images").to_owned(), false, Box::new(move |it| pull.set_value(it)))}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let (host, name) = (host.clone()?, image_name(&name.get_value())?);
        let build = Build {
            dockerfile: dockerfile.get_value(),
            args: pairs(args)?,
            no_cache: no_cache.get_value(),
            pull: pull.get_value(),
        };
        match (chosen_file(file), build.dockerfile.trim().is_empty()) {
            (Some(_), false) => Err(t("Either a Dockerfile or a tar, not both").to_owned()),
            (None, true) => Err(t("Write a Dockerfile, or choose a tar").to_owned()),
            (None, false) => Ok(desk.start(host, Job::Build(name, build))),
            (Some(file), true) => {
                let Build { args, no_cache, pull, .. } = build;
                let args: Vec<_> =
                    args.iter().map(|(key, value)| format!("&arg={}", encoded(&format!("{key}={value}")))).collect();
                let path = format!(
                    "/api/images/build?host={host}&name={}&no_cache={no_cache}&pull={pull}{}",
                    encoded(name.as_str()),
                    args.join("")
                );
                Ok(upload(desk, site.page(&path), file))
            }
        }
    };
    form(t("Build an image").to_owned(), fields, "Build", Box::new(send), desk.closer())
}

pub(super) fn import(desk: Desk) -> AnyView {
    let file = NodeRef::<leptos::html::Input>::new();
    let (host, site) = (host(), Site::expect());
    let fields = view! {
        <label class="field">
            <span>{t("A tar of images, as an export or docker save gives it")}</span>
            <input type="file" accept=".tar,.tar.gz,.tgz" node_ref=file />
        </label>
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let file = chosen_file(file).ok_or_else(|| t("Choose a file").to_owned())?;
        let path = format!("/api/images/import?host={}&file={}", host.clone()?, encoded(&file.name()));
        Ok(upload(desk, site.page(&path), file))
    };
    form(t("Import images").to_owned(), fields, "Import", Box::new(send), desk.closer())
}

/// The dialog closes at once: the panel of tasks shows how far it is. Leaving Quaylight breaks it off.
pub(super) fn upload(desk: Desk, address: String, file: web_sys::File) -> Sent {
    spawn_local(async move {
        if let Err(error) = send_file(&address, &file).await {
            desk.failed(t("The upload failed"), &error);
        }
    });
    desk.show_tasks();
    Box::pin(async { Ok(()) })
}

/// Those that are signed in to, and one more.
pub(super) fn all_registries(desk: Desk) -> AnyView {
    let known = RwSignal::new(None::<Result<Vec<RegistryInfo>, String>>);
    let ask = move || {
        spawn_local(async move {
            let told = registries().await.map_err(|error| error.words());
            known.try_set(Some(told));
        });
    };
    ask();
    let list = live(move || match known.get() {
        None => view! { <li class="quiet">{t("Asking the server…")}</li> }.into_any(),
        Some(Err(why)) => view! { <li class="quiet" role="alert">{told(&why)}</li> }.into_any(),
        Some(Ok(list)) if list.is_empty() => {
            view! { <li class="quiet">{t("None yet: what anybody may pull needs none.")}</li> }.into_any()
        }
        Some(Ok(list)) => list.into_iter().map(|it| a_registry(desk, it, ask)).collect::<Vec<_>>().into_any(),
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
        <p class="quiet">{t("It is kept encrypted on the server, given to the engine, and shown to nobody.")}</p>
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let asked = RegistryLogin {
            registry: registry.get_value(),
            username: username.get_value(),
            password: password.get_value(),
        };
        if asked.registry.is_empty() || asked.username.is_empty() || asked.password.is_empty() {
            return Err(t("A registry, a user and a password or token are needed").to_owned());
        }
        let host: HostId = host.clone()?;
        Ok(Box::pin(async move {
            let done = crate::t!("Signed in to {}", asked.registry);
            sign_in(host, asked).await?;
            desk.say(done);
            Ok(())
        }))
    };
    form(t("Registries").to_owned(), fields, "Sign in", Box::new(send), desk.closer())
}

fn a_registry(desk: Desk, info: RegistryInfo, again: impl Fn() + Copy + Send + 'static) -> AnyView {
    let RegistryInfo { registry, username, is_dockers } = info;
    let name = if registry.contains("index.docker.io") { "Docker Hub".to_owned() } else { registry.clone() };
    let end = if is_dockers {
        view! { <small>{t("from Docker's own config")}</small> }.into_any()
    } else {
        let label = crate::t!("Sign out of {}", name);
        let press = move |_| {
            let registry = registry.clone();
            spawn_local(async move {
                if let Err(error) = sign_out(registry).await {
                    desk.failed(t("Signing out failed"), &error);
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
    fn a_name_is_refused_before_docker_refuses_it() {
        for name in ["nginx", "nginx:1.27-Alpine", "127.0.0.1:5000/team/web", "Registry.example:5000/web"] {
            assert!(image_name(name).is_ok(), "{name}");
        }
        assert!(image_name("Nginx").unwrap_err().contains("nginx"));
        assert!(image_name("ghcr.io/Team/web").unwrap_err().contains("ghcr.io/team/web"));
        assert!(image_name("").is_err() && image_name("a b").is_err());
    }
}
