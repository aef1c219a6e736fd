//! The menu of a row, and what is asked before something is done.

use super::{
    acts::{Acts, Asking},
    page::{Page, key_of},
    recipe_form::{Purpose, recipe_form},
    written::{bytes_read, cores_read},
};
use crate::{
    actions::{containers::act_on_container, things::act},
    client::{Level, Store, Toasts, derived, t},
    model::{
        Action, Container, ContainerAction, ContainerId, ContainerState, Entity, HostId, ImageName, Key, Kind, Lack,
        Limits, Recipe,
    },
    queries::recipes::recipe_of,
    views::{
        Site, format,
        frame::TasksOpen,
        listing::{Desk, prune, taken_from},
        widgets::{Dialog, Icon, Menu, Sent, choice, field, form, live, on_click},
    },
};
use leptos::{prelude::*, task::spawn_local};
use std::{rc::Rc, sync::Arc};

/// All of it, for the page that the caller is in.
pub fn managing() -> AnyView {
    let acts = expect_context::<Acts>();
    let dialog = live(move || match acts.asking.get() {
        Asking::Nothing => ().into_any(),
        Asking::Remove(keys) => remove(&keys),
        Asking::Rename(key) => rename(key),
        Asking::New => new(),
        Asking::Duplicate(key) => of_recipe(key, Purpose::DuplicateOf),
        Asking::Edit(key) => of_recipe(key, Purpose::InPlaceOf),
        Asking::Limits(key) => limits(key),
        Asking::Commit(key) => commit(key),
        Asking::Prune => prune(Desk::new(), &[Kind::Container], Rc::new(move || acts.asking.set(Asking::Nothing))),
    });
    view! { <RowMenu /> {dialog} }.into_any()
}

#[component]
fn RowMenu() -> impl IntoView {
    let (acts, store, site) = (expect_context::<Acts>(), expect_context::<Store>(), Site::expect());
    let toasts = expect_context::<Toasts>();
    live(move || {
        let key = acts.menu.get()?;
        let row = store.entity(&key)?;
        let from = acts.menu_from.get()?;
        let Entity::Container(container) = row.get() else {
            return None;
        };
        let name = container.name.clone();
        let item = |icon: &'static str, action: ContainerAction| {
            let text = crate::t!("{} {}", t(action.verb()), name);
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
                acts.asking.set(Asking::Remove(vec![key.clone()]));
            }
        };
        let asks = move |icon, words, asking| asking_item(acts, icon, words, asking);
        let limits = match lacking(&store, &container.host, Lack::Update) {
            None => asks("limits", crate::t!("Limits of {}", name), Asking::Limits(key.clone())),
            Some(why) => {
                let say = move |_: leptos::ev::MouseEvent| toasts.show(Level::Info, why, None);
                view! {
                    <button role="menuitem" tabindex="-1" aria-disabled="true" title=why on:click=on_click(say)>
                        <Icon name="limits" />
                        {crate::t!("Limits of {}", name)}
                    </button>
                }
                .into_any()
            }
        };
        let address = format!("/api/containers/{}/export?host={}", container.id, container.host);
        let export = export_item(acts, site.page(&address), crate::t!("Export {}", name));
        Some(
            view! {
                <section aria-label=t("Actions")>
                <Menu name=crate::t!("More actions for {}", name) from on_close=move || acts.menu.set(None)>
                    <p aria-hidden="true">{name.clone()}</p>
                    {lifecycle}
                    {separated.then(|| view! { <div role="separator"></div> })}
                    {asks("edit", crate::t!("Edit {}", name), Asking::Edit(key.clone()))}
                    {asks("copy", crate::t!("Duplicate {}", name), Asking::Duplicate(key.clone()))}
                    {asks("tag", crate::t!("Rename {}", name), Asking::Rename(key.clone()))}
                    {limits}
                    {asks("images", crate::t!("Commit {}", name), Asking::Commit(key.clone()))}
                    {export}
                    <div role="separator"></div>
                    <button role="menuitem" tabindex="-1" class="danger" on:click=on_click(remove)>
                        <Icon name="remove" />
                        {crate::t!("Remove {}", name)}
                    </button>
                </Menu>
                </section>
            }
            .into_any(),
        )
    })
}

/// Why an engine can't, where it can't.
fn lacking(store: &Store, host: &HostId, what: Lack) -> Option<&'static str> {
    store.look(|state| {
        let lacks = &state.host(host)?.engine.as_ref()?.lacks;
        lacks.contains(&what).then(|| t(what.words()))
    })
}

/// Its task shows how it goes, and why not: a browser that keeps files says neither.
fn export_item(acts: Acts, href: String, words: String) -> AnyView {
    let tasks = expect_context::<TasksOpen>().0;
    let close = move |_| {
        acts.menu.set(None);
        tasks.set(true);
    };
    view! {
        <a role="menuitem" tabindex="-1" href=href download="" on:click=on_click(close)>
            <Icon name="export" />
            {words}
        </a>
    }
    .into_any()
}

fn asking_item(acts: Acts, icon: &'static str, words: String, asking: Asking) -> AnyView {
    let choose = move |_| {
        acts.menu.set(None);
        acts.asking.set(asking.clone());
    };
    view! {
        <button role="menuitem" tabindex="-1" on:click=on_click(choose)>
            <Icon name=icon />
            {words}
        </button>
    }
    .into_any()
}

fn remove(keys: &[Key]) -> AnyView {
    let (acts, store) = (expect_context::<Acts>(), expect_context::<Store>());
    let selected = use_context::<Page>().map(|page| page.selected);
    let keys = keys.to_vec();
    let containers: Vec<_> =
        store.look(|state| keys.iter().filter_map(|key| state.get(key)?.as_container().cloned()).collect());
    let Some(first) = containers.first().cloned() else { return ().into_any() };
    let up = containers.iter().filter(|it| it.state.is_up()).count();
    let what = if containers.len() == 1 {
        first.name.clone()
    } else {
        format::count(containers.len(), ["{} container", "{} containers"])
    };
    let sentence = match (containers.len(), up) {
        (1, 0) => t("It goes with everything written inside it. Its image and its named volumes stay.").to_owned(),
        (1, _) => t(
            "It is running: it will be killed and removed with everything written inside it. Its image and its named \
                 volumes stay.",
        )
        .to_owned(),
        (_, 0) => {
            let names: Vec<_> = containers.iter().map(|it| it.name.as_str()).collect();
            crate::t!("{} go with everything written inside them.", names.join(", "))
        }
        (_, up) => {
            let names: Vec<_> = containers.iter().map(|it| it.name.as_str()).collect();
            crate::t!(
                "{} go with everything written inside them; {} of them running and killed first.",
                names.join(", "),
                up
            )
        }
    };
    let volumes = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let is_one = containers.len() == 1;
    let is_sure = {
        let what = what.clone();
        derived(move || is_one || typed.with(|typed| typed.trim() == what))
    };
    let confirm = (!is_one).then(|| {
        let ask = crate::t!("To confirm, type: {}", what);
        view! { <p>{ask}</p> {field("Confirm", "text", String::new(), "", Box::new(move |text| typed.set(text)))} }
            .into_any()
    });
    let remove = move |_| {
        let one = |it: &Arc<Container>| {
            let force = it.state.is_up();
            (key_of(it), ContainerAction::Remove { force, volumes: volumes.get_untracked() })
        };
        acts.act_all(containers.iter().map(one).collect());
        if let Some(selected) = selected {
            selected.update(|selected| selected.retain(|key| !keys.contains(key)));
        }
        acts.asking.set(Asking::Nothing);
    };
    let close = move || acts.asking.set(Asking::Nothing);
    view! {
        <Dialog title=crate::t!("Remove {}?", what) on_close=close>
            <p>{sentence}</p>
            <label>
                <input type="checkbox" on:change:target=move |event| volumes.set(event.target().checked()) />
                {t("Also remove anonymous volumes")}
            </label>
            {confirm}
            <footer>
                <button class="button" autofocus=is_one on:click=move |_| close()>{t("Cancel")}</button>
                <button class="button danger main" disabled=live(move || !is_sure.get()) on:click=on_click(remove)>
                    {crate::t!("Remove {}", what)}
                </button>
            </footer>
        </Dialog>
    }
    .into_any()
}

fn rename(key: Key) -> AnyView {
    let (acts, toasts) = (expect_context::<Acts>(), expect_context::<Toasts>());
    let Key::Container(host, id) = key.clone() else { return ().into_any() };
    let old =
        expect_context::<Store>().look(|state| state.get(&key).map(|it| it.name().to_owned())).unwrap_or_default();
    let name = StoredValue::new(old.clone());
    let fields =
        field("Name", "text", old.clone(), "", Box::new(move |text: String| name.set_value(text.trim().to_owned())));
    let title = crate::t!("Rename {}", old);
    let send = move || -> Result<Sent, String> {
        let (host, id, name) = (host.clone(), id.clone(), name.get_value());
        if !ContainerAction::is_name(&name) {
            return Err(
                "A name begins with a letter or a digit, and has only those, dots, dashes and underscores".to_owned()
            );
        }
        let done = crate::t!("{} is called {} now", old, name);
        Ok(Box::pin(async move {
            act_on_container(host, id, ContainerAction::Rename { name }).await?;
            toasts.show(Level::Ok, done, None);
            Ok(())
        }))
    };
    form(title, fields, "Rename", Box::new(send), Rc::new(move || acts.asking.set(Asking::Nothing)))
}

fn closer() -> Rc<dyn Fn()> {
    let acts = expect_context::<Acts>();
    Rc::new(move || acts.asking.set(Asking::Nothing))
}

fn new() -> AnyView {
    let host = expect_context::<Store>().look(|state| state.hosts().next().map(|host| host.id.clone()));
    host.map(|host| recipe_form(host, Recipe::default(), Purpose::New, closer())).into_any()
}

/// The form comes when the server has told how it was made.
fn of_recipe(key: Key, purpose: fn(ContainerId) -> Purpose) -> AnyView {
    let Key::Container(host, id) = key else { return ().into_any() };
    let (acts, toasts) = (expect_context::<Acts>(), expect_context::<Toasts>());
    let known = RwSignal::new(None::<Recipe>);
    {
        let (host, id) = (host.clone(), id.clone());
        spawn_local(async move {
            match recipe_of(host, id).await {
                Ok(recipe) => drop(known.try_set(Some(recipe))),
                Err(error) => {
                    toasts.failed(t("It can't be told how it was made"), &error);
                    acts.asking.set(Asking::Nothing);
                }
            }
        });
    }
    let form = move || {
        let close = Rc::new(move || acts.asking.set(Asking::Nothing));
        Some(recipe_form(host.clone(), known.get()?, purpose(id.clone()), close))
    };
    live(form).into_any()
}

fn name_of(key: &Key) -> String {
    expect_context::<Store>().look(|state| state.get(key).map(|it| it.name().to_owned())).unwrap_or_default()
}

/// What it may use, changed while it runs.
fn limits(key: Key) -> AnyView {
    let (name, toasts, close) = (name_of(&key), expect_context::<Toasts>(), closer());
    let Key::Container(host, id) = key else { return ().into_any() };
    let [memory, cores] = [(); 2].map(|()| StoredValue::new(String::new()));
    let restart = StoredValue::new(String::new());
    let policies = vec![
        ("", t("as it is")),
        ("no", "no"),
        ("always", "always"),
        ("unless-stopped", "unless-stopped"),
        ("on-failure", "on-failure"),
    ];
    let fields = view! {
        <p>{t("What is left empty stays as it is. A limit that is to go takes an edit, which makes the container anew.")}</p>
        <div class="pair">
            {field("Memory", "text", String::new(), "512m", Box::new(move |it| memory.set_value(it)))}
            {field("Cores", "text", String::new(), "0.5", Box::new(move |it| cores.set_value(it)))}
        </div>
        {choice("Restart", policies, "", Box::new(move |it| restart.set_value(it)))}
    }
    .into_any();
    let title = crate::t!("Limits of {}", name);
    let send = move || -> Result<Sent, String> {
        let limits = Limits {
            memory: bytes_read(&memory.get_value())?,
            millicpus: cores_read(&cores.get_value())?,
            ..Limits::default()
        };
        if let Some(fault) = limits.fault() {
            return Err(fault);
        }
        let restart = Some(restart.get_value()).filter(|it| !it.is_empty());
        if limits == Limits::default() && restart.is_none() {
            return Err("Say what is to change".to_owned());
        }
        let (host, id, done) = (host.clone(), id.clone(), crate::t!("{} has its new limits", name));
        Ok(Box::pin(async move {
            act_on_container(host, id, ContainerAction::Update { limits, restart }).await?;
            toasts.show(Level::Ok, done, None);
            Ok(())
        }))
    };
    form(title, fields, "Change", Box::new(send), close)
}

fn commit(key: Key) -> AnyView {
    let (name, toasts, close) = (name_of(&key), expect_context::<Toasts>(), closer());
    let Key::Container(host, id) = key else { return ().into_any() };
    let (image, message) = (RwSignal::new(String::new()), StoredValue::new(String::new()));
    let fields = view! {
        <p>{t("An image of what it has in its file system now; what is in its volumes stays out of it.")}</p>
        {field("Name of the image", "text", String::new(), "web:saved", Box::new(move |it| image.set(it)))}
        {taken_from(host.clone(), None, image)}
        {field("What has changed", "text", String::new(), "", Box::new(move |it| message.set_value(it)))}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let image = image.get_untracked();
        let image =
            ImageName::new(image.trim()).map_err(|_| "A name is a repository and, after a colon, a tag".to_owned())?;
        let done = crate::t!("{} is there", image);
        let action = ContainerAction::Commit { name: image, message: message.get_value() };
        let action = Action::Container(host.clone(), id.clone(), action);
        Ok(Box::pin(async move {
            act(action).await?;
            toasts.show(Level::Ok, done, None);
            Ok(())
        }))
    };
    form(crate::t!("Commit {}", name), fields, "Commit", Box::new(send), close)
}
