//! The one dialog of a list: a form, or a question before something is removed.

use super::{
    desk::{Asking, Desk},
    images,
    prune::prune,
};
use crate::{
    client::{Derived, Store, derived, t},
    model::{
        Action, Container, ContainerId, ContainerState, EngineState, Entity, HostId, ImageAction, ImageId, ImageName,
        Key, Kind, Labels, NetworkAction, NetworkId, NetworkName, NewNetwork, VolumeAction, VolumeName,
    },
    views::{
        Site,
        upload::chosen_file,
        widgets::{Dialog, Sent, area, check, choice, field, form, live, on_click},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

/// More names than these are counted.
const NAMED: usize = 6;

pub fn dialogs(desk: Desk) -> AnyView {
    live(move || match desk.asking.get() {
        None => ().into_any(),
        Some(Asking::Remove(key)) => remove(desk, &key),
        Some(Asking::Names(key)) => names(desk, &key),
        Some(Asking::Members(key)) => members(desk, &key),
        Some(Asking::NewVolume) => new_volume(desk),
        Some(Asking::NewNetwork) => new_network(desk),
        Some(Asking::Pull) => images::pull(desk),
        Some(Asking::Push(key)) => images::push(desk, &key),
        Some(Asking::Build) => images::build(desk),
        Some(Asking::Import) => images::import(desk),
        Some(Asking::Restore(key)) => restore(desk, &key),
        Some(Asking::Registries) => images::all_registries(desk),
        Some(Asking::Prune(kinds)) => prune(desk, kinds, desk.closer()),
    })
    .into_any()
}

/// What is asked before it goes.
struct Question {
    name: String,
    /// What happens.
    sentence: String,
    /// What has to go first.
    held_by: Vec<String>,
    /// There is data in it: its name has to be typed.
    is_dear: bool,
    action: Action,
}

fn question(entity: &Entity, state: &EngineState) -> Option<Question> {
    match entity {
        Entity::Image(it) => {
            let (running, stopped): (Vec<_>, Vec<_>) = state
                .containers()
                .filter(|container| container.host == it.host && container.image_id.as_ref() == Some(&it.id))
                .partition(|container| container.state.is_up());
            let sentence = match (named(&stopped), it.tags.len()) {
                (None, 0 | 1) => t("It goes, and has to be pulled or built to come back.").to_owned(),
                (None, names) => {
                    crate::t!("It goes with its {} names, and has to be pulled or built to come back.", names)
                }
                (Some(stopped), 0 | 1) => {
                    crate::t!("It goes. Containers made from it stay, but can't be made anew without it: {}.", stopped)
                }
                (Some(stopped), names) => crate::t!(
                    "It goes with its {} names. Containers made from it stay, but can't be made anew without it: {}.",
                    names,
                    stopped
                ),
            };
            Some(Question {
                name: it.name().to_owned(),
                sentence,
                held_by: all_named(&running),
                is_dear: false,
                action: Action::Image(
                    it.host.clone(),
                    it.id.clone(),
                    ImageAction::Remove { force: !stopped.is_empty() },
                ),
            })
        }
        Entity::Volume(it) => {
            let users = state.containers().filter(|container| {
                let mounts = |mount: &crate::model::Mount| {
                    mount.kind == crate::model::MountKind::Volume && mount.source == it.id.as_str()
                };
                container.host == it.host && !container.is_helper() && container.mounts.iter().any(mounts)
            });
            Some(Question {
                name: it.id.to_string(),
                sentence: t("Everything in it is lost, and nothing brings it back.").to_owned(),
                held_by: all_named(&users.collect::<Vec<_>>()),
                is_dear: !it.is_anonymous(),
                action: Action::Volume(it.host.clone(), it.id.clone(), VolumeAction::Remove { force: false }),
            })
        }
        Entity::Network(it) => Some(Question {
            name: it.name.clone(),
            sentence: t("Containers that were on it and stopped have to be put on another before they start again.")
                .to_owned(),
            held_by: all_named(
                &on_network(state, it.host.clone(), &it.name).filter(|it| it.state.is_up()).collect::<Vec<_>>(),
            ),
            is_dear: false,
            action: Action::Network(it.host.clone(), it.id.clone(), NetworkAction::Remove),
        }),
        Entity::Container(_) | Entity::Host(_) => None,
    }
}

/// By its name: Podman says no other id of it here.
fn on_network<'a>(state: &'a EngineState, host: HostId, network: &'a str) -> impl Iterator<Item = &'a Arc<Container>> {
    let is_on = move |it: &&Arc<Container>| it.host == host && it.networks.iter().any(|at| at.name == network);
    state.containers().filter(is_on)
}

fn all_named(containers: &[&Arc<Container>]) -> Vec<String> {
    containers.iter().map(|it| it.name.clone()).collect()
}

/// Their names in a sentence; none when there are none.
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

fn remove(desk: Desk, key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let asked = store.look(|state| question(state.get(key)?, state));
    let Some(Question { name, sentence, held_by, is_dear, action }) = asked else {
        return ().into_any();
    };
    let word = crate::t!("Remove {}", name);
    if let Some(holders) = in_a_sentence(&held_by) {
        let why = crate::t!("Used by {}. Remove or stop what uses it first.", holders);
        return view! {
            <Dialog title=crate::t!("{} can't be removed now", name) on_close=move || desk.close()>
                <p>{why}</p>
                <footer>
                    <button class="button" autofocus on:click=on_click(move |_| desk.close())>{t("Close")}</button>
                </footer>
            </Dialog>
        }
        .into_any();
    }
    let typed = RwSignal::new(String::new());
    let is_sure = {
        let name = name.clone();
        derived(move || !is_dear || typed.with(|typed| *typed == name))
    };
    let done = crate::t!("{} is removed", name);
    let failed = crate::t!("Remove {} failed", name);
    let go = move |_| {
        desk.close();
        desk.act(action.clone(), done.clone(), failed.clone());
    };
    let confirm = is_dear.then(|| {
        let set = move |text| typed.set(text);
        view! { {field(t("Type its name to confirm"), "text", String::new(), "", Box::new(set))} }.into_any()
    });
    view! {
        <Dialog title=crate::t!("Remove {}?", name) on_close=move || desk.close()>
            <p>{sentence}</p>
            {confirm}
            <footer>
                <button class="button" autofocus=!is_dear on:click=on_click(move |_| desk.close())>{t("Cancel")}</button>
                <button class="button danger main" disabled=live(move || !is_sure.get()) on:click=on_click(go)>{word.clone()}</button>
            </footer>
        </Dialog>
    }
    .into_any()
}

/// The names of an image: one more, or one less.
fn names(desk: Desk, key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let Some(row) = store.entity(key) else { return ().into_any() };
    let Key::Image(host, id) = key.clone() else { return ().into_any() };
    // As it is now: a dialog that follows its title would be another one with each name.
    let title = crate::t!("Names of {}", row.now().name());
    let known = derived(move || row.image(|it| it.tags.clone()));
    let list = {
        let (host, id) = (host.clone(), id.clone());
        live(move || match &known.get()[..] {
            // Without it the image would go, and nobody has said so.
            [only] => {
                vec![view! { <li>{only.clone()} <span class="quiet">{t("Its only name")}</span></li> }.into_any()]
            }
            several => several.iter().map(|tag| a_name(desk, &host, &id, tag.clone())).collect(),
        })
    };
    let typed = RwSignal::new(String::new());
    let set = move |text: String| typed.set(text);
    let fields = view! {
        <ul class="entries">{list}</ul>
        {field(t("New name"), "text", String::new(), "registry.example.org/team/web:1.2", Box::new(set))}
        {taken_from(host.clone(), Some(id.clone()), typed)}
    }
    .into_any();
    let send = move || {
        let name = typed.get_untracked().trim().to_owned();
        let name =
            ImageName::new(&name).map_err(|_| t("A name is a repository and, after a colon, a tag").to_owned())?;
        let done = crate::t!("It is called {} too", name);
        Ok(desk.send(Action::Image(host.clone(), id.clone(), ImageAction::Tag { name }), done))
    };
    form(title, fields, t("Add name"), Box::new(send), desk.closer())
}

/// That another image has the name which is typed, and loses it: an engine says nothing of that.
pub fn taken_from(host: HostId, id: Option<ImageId>, typed: RwSignal<String>) -> AnyView {
    let store = expect_context::<Store>();
    let words = derived(move || {
        store.track(Kind::Image);
        let name = typed.with(|typed| ImageName::new(typed.trim()).ok())?.with_tag();
        let is_taken = store.look(|state| {
            let of_others = state.images().filter(|it| it.host == host && Some(&it.id) != id.as_ref());
            of_others.flat_map(|it| &it.tags).any(|tag| *tag == name)
        });
        is_taken.then(|| crate::t!("Another image is called {} now, and loses that name.", name))
    });
    view! { <p class="quiet" role="status">{live(move || words.get())}</p> }.into_any()
}

fn a_name(desk: Desk, host: &HostId, id: &ImageId, tag: String) -> AnyView {
    let (host, id) = (host.clone(), id.clone());
    let word = crate::t!("Remove the name {}", tag);
    let (done, failed) = (crate::t!("It is no longer called {}", tag), crate::t!("Remove the name {} failed", tag));
    let name = ImageName::new(&tag).ok();
    let untag = move |_| {
        if let Some(name) = name.clone() {
            let action = Action::Image(host.clone(), id.clone(), ImageAction::Untag { name });
            desk.act(action, done.clone(), failed.clone());
        }
    };
    entry(tag, word, t("Remove"), Box::new(untag))
}

/// A line with a button at its end.
fn entry(text: String, label: String, word: &'static str, press: Box<dyn FnMut(leptos::ev::MouseEvent)>) -> AnyView {
    view! {
        <li>
            <span title=text.clone()>{text.clone()}</span>
            <button type="button" class="button" aria-label=label on:click=press>{word}</button>
        </li>
    }
    .into_any()
}

/// The containers on a network: one more, or one less.
fn members(desk: Desk, key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let Key::Network(host, id) = key.clone() else { return ().into_any() };
    let Some(name) = store.look(|state| state.get(key)?.as_network().map(|it| it.name.clone())) else {
        return ().into_any();
    };
    // On it, and not.
    let both: Derived<(Vec<Named>, Vec<Named>)> = {
        let (host, name) = (host.clone(), name.clone());
        derived(move || {
            store.track(Kind::Container);
            store.look(|state| {
                let on: Vec<_> = on_network(state, host.clone(), &name).map(named_id).collect();
                let could = |it: &&Arc<Container>| {
                    it.host == host && it.state != ContainerState::Removing && !on.iter().any(|(_, its)| *its == it.id)
                };
                let others = state.containers().filter(could).map(named_id).collect();
                (on, others)
            })
        })
    };
    let list = {
        let (host, id) = (host.clone(), id.clone());
        live(move || {
            let on = both.with(|(on, _)| on.clone());
            if on.is_empty() {
                return vec![view! { <li class="quiet">{t("No container is on it.")}</li> }.into_any()];
            }
            on.into_iter().map(|(name, container)| a_member(desk, &host, &id, name, container)).collect()
        })
    };
    let chosen = StoredValue::new(String::new());
    let choices = live(move || {
        let others = both.with(|(_, others)| others.clone());
        let known = chosen.get_value();
        // One that is gone by now is no reason to mean another.
        if !others.iter().any(|(_, id)| id.as_str() == known) {
            chosen.set_value(String::new());
        }
        let mut options = vec![(String::new(), t("Choose one").to_owned())];
        options.extend(others.into_iter().map(|(name, id)| (id.to_string(), name)));
        choice(t("Container to connect"), options, &chosen.get_value(), Box::new(move |id| chosen.set_value(id)))
    });
    let ip = StoredValue::new(String::new());
    let set = move |text: String| ip.set_value(text);
    let fields = view! {
        <ul class="entries">{list}</ul>
        <div class="pair">
            {choices}
            {field(t("Address, if it matters"), "text", String::new(), "172.20.0.9", Box::new(set))}
        </div>
    }
    .into_any();
    let send = move || {
        let container =
            ContainerId::new(&chosen.get_value()).map_err(|_| t("Choose a container to connect").to_owned())?;
        let ip = Some(ip.get_value().trim().to_owned()).filter(|ip| !ip.is_empty());
        let action = NetworkAction::Connect { container, ip, aliases: Vec::new() };
        Ok(desk.send(Action::Network(host.clone(), id.clone(), action), t("It is connected").to_owned()))
    };
    form(crate::t!("Containers on {}", name), fields, t("Connect"), Box::new(send), desk.closer())
}

type Named = (String, ContainerId);

fn named_id(container: &Arc<Container>) -> Named {
    (container.name.clone(), container.id.clone())
}

fn a_member(desk: Desk, host: &HostId, id: &NetworkId, name: String, container: ContainerId) -> AnyView {
    let (host, id) = (host.clone(), id.clone());
    let word = crate::t!("Disconnect {}", name);
    let (done, failed) = (crate::t!("{} is disconnected", name), crate::t!("Disconnect {} failed", name));
    let disconnect = move |_| {
        let action = NetworkAction::Disconnect { container: container.clone(), force: false };
        desk.act(Action::Network(host.clone(), id.clone(), action), done.clone(), failed.clone());
    };
    entry(name, word, t("Disconnect"), Box::new(disconnect))
}

/// What is in a backup, into a volume.
fn restore(desk: Desk, key: &Key) -> AnyView {
    let Key::Volume(host, name) = key.clone() else { return ().into_any() };
    let file = NodeRef::<leptos::html::Input>::new();
    let site = Site::expect();
    let title = crate::t!("Restore {}", name);
    let fields = view! {
        <label class="field">
            <span>{t("A backup of a volume, or another tar")}</span>
            <input type="file" accept=".tar,.tar.gz,.tgz,.tar.xz,.tar.bz2" node_ref=file />
        </label>
        <p>{t("Files of the same name are replaced, and the others stay. Stop what writes to it first.")}</p>
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let file = chosen_file(file).ok_or_else(|| t("Choose a file").to_owned())?;
        Ok(images::upload(desk, site.page(&format!("/api/volumes/{name}/restore?host={host}")), file))
    };
    form(title, fields, t("Restore"), Box::new(send), desk.closer())
}

/// The engine that something new is made on.
pub(super) fn host() -> Result<HostId, String> {
    let host = expect_context::<Store>().look(|state| state.hosts().next().map(|host| host.id.clone()));
    host.ok_or_else(|| t("There is no engine").to_owned())
}

pub(super) type Text = StoredValue<String>;

pub(super) fn text(label: &'static str, hint: &'static str, into: Text) -> AnyView {
    field(t(label), "text", String::new(), hint, Box::new(move |text| into.set_value(text.trim().to_owned())))
}

pub(super) fn lines(label: &'static str, hint: &'static str, into: Text) -> AnyView {
    area(t(label), String::new(), hint, Box::new(move |text| into.set_value(text)))
}

/// Nothing for an empty field.
pub(super) fn said(it: Text) -> Option<String> {
    Some(it.get_value()).filter(|it| !it.is_empty())
}

/// `key=value`, a line each.
pub(super) fn pairs(it: Text) -> Result<Labels, String> {
    let mut pairs = Labels::default();
    for line in it.get_value().lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once('=').ok_or_else(|| crate::t!("\"{}\" is no key=value", line))?;
        pairs.insert(key.trim().to_owned(), value.to_owned());
    }
    Ok(pairs)
}

fn new_volume(desk: Desk) -> AnyView {
    let [name, driver, options, labels] = [(); 4].map(|()| Text::default());
    let host = host();
    let fields = view! {
        <div class="pair">
            {text("Name", "data", name)}
            {text("Driver", "local", driver)}
        </div>
        {lines("Options of the driver", "type=nfs", options)}
        {lines("Labels", "team=web", labels)}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let name = VolumeName::new(&name.get_value()).map_err(|_| t(NAME).to_owned())?;
        let action = VolumeAction::Create { driver: said(driver), options: pairs(options)?, labels: pairs(labels)? };
        let done = crate::t!("{} is there", name);
        Ok(desk.send(Action::Volume(host.clone()?, name, action), done))
    };
    form(t("Create a volume").to_owned(), fields, t("Create"), Box::new(send), desk.closer())
}

/// What Docker says of names, before Docker says it.
const NAME: &str = "A name begins with a letter or a digit, and has only those, dots, dashes and underscores";

fn new_network(desk: Desk) -> AnyView {
    let [name, subnet, gateway, labels] = [(); 4].map(|()| Text::default());
    let driver = StoredValue::new("bridge".to_owned());
    let internal = StoredValue::new(false);
    let host = host();
    let drivers = vec![("bridge", "bridge"), ("macvlan", "macvlan"), ("ipvlan", "ipvlan"), ("overlay", "overlay")];
    let fields = view! {
        <div class="pair">
            {text("Name", "front", name)}
            {choice(t("Driver"), drivers, "bridge", Box::new(move |it| driver.set_value(it)))}
        </div>
        <div class="pair">
            {text("Subnet, if it matters", "172.28.0.0/16", subnet)}
            {text("Gateway, if it matters", "172.28.0.1", gateway)}
        </div>
        {check(t("Internal: no way out of it").to_owned(), false, Box::new(move |it| internal.set_value(it)))}
        {lines("Labels", "team=web", labels)}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let name = NetworkName::new(&name.get_value()).map_err(|_| t(NAME).to_owned())?;
        if said(gateway).is_some() && said(subnet).is_none() {
            return Err(t("A gateway needs the subnet that it is in").to_owned());
        }
        let new = NewNetwork {
            driver: Some(driver.get_value()),
            subnet: said(subnet),
            gateway: said(gateway),
            internal: internal.get_value(),
            labels: pairs(labels)?,
        };
        let done = crate::t!("{} is there", name);
        Ok(desk.send(Action::CreateNetwork(host.clone()?, name, new), done))
    };
    form(t("Create a network").to_owned(), fields, t("Create"), Box::new(send), desk.closer())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_counted() {
        let names = |count: usize| (0..count).map(|at| format!("web-{at}")).collect::<Vec<_>>();
        assert_eq!(in_a_sentence(&names(0)), None);
        assert_eq!(in_a_sentence(&names(2)).unwrap(), "web-0, web-1");
        assert_eq!(in_a_sentence(&names(8)).unwrap(), "web-0, web-1, web-2, web-3, web-4, web-5 and 2 more");
    }
}
