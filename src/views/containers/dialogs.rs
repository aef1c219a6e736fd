//! Row menu and dialogs of the container list.

use super::{
    actions::{ContainerActions, Dialog, button_of},
    page::{Page, key_of},
    recipe_form::{Purpose, recipe_form},
    written::{bytes_read, cores_read},
};
use crate::{
    actions::{containers::act_on_container, requests::act},
    client::{Level, Store, Toasts, erased_memo, t, translate},
    model::{
        Action, Container, ContainerAction, ContainerId, ContainerState, Entity, HostId, ImageName, Key, Kind, Lack,
        Limits, Permission, Recipe,
    },
    queries::recipes::recipe_of,
    views::{
        Site, format, may,
        panels::TasksOpen,
        resource_list::{RowMenu, prune, taken_from},
        sees_all,
        widgets::{Dialog, Icon, Menu, Sent, boxed, choice, field, form, on_click},
    },
};
use leptos::{
    ev::{KeyboardEvent, MouseEvent, PointerEvent},
    prelude::*,
    task::spawn_local,
};
use std::{rc::Rc, sync::Arc};

/// The menu and the dialogs, for the page of the caller.
pub(super) fn managing() -> AnyView {
    let actions = expect_context::<ContainerActions>();
    let dialog = boxed(move || match actions.open_dialog.get() {
        Dialog::Nothing => ().into_any(),
        Dialog::Remove(keys) => remove(&keys),
        Dialog::Rename(key) => rename(key),
        Dialog::New => new(),
        Dialog::Duplicate(key) => of_recipe(key, Purpose::DuplicateOf),
        Dialog::Edit(key) => of_recipe(key, Purpose::InPlaceOf),
        Dialog::Limits(key) => limits(key),
        Dialog::Commit(key) => commit(key),
        Dialog::Prune => {
            prune(RowMenu::new(), &[Kind::Container], Rc::new(move || actions.open_dialog.set(Dialog::Nothing)))
        }
    });
    view! { <RowMenu /> {dialog} }.into_any()
}

#[component]
fn RowMenu() -> impl IntoView {
    let (actions, store, site) = (expect_context::<ContainerActions>(), expect_context::<Store>(), Site::expect());
    let toasts = expect_context::<Toasts>();
    boxed(move || {
        let key = actions.menu.get()?;
        let row = store.entity(&key)?;
        let from = actions.menu_from.get()?;
        let Entity::Container(container) = row.get() else {
            return None;
        };
        let name = container.name.clone();
        let item = |icon: &'static str, action: ContainerAction| {
            let text = crate::t!("{} {}", t(action.verb()), name);
            let offered = vec![(key.clone(), action, container.state)];
            let (by_pointer, by_key) = (offered.clone(), offered.clone());
            let choose = move |event: MouseEvent| {
                actions.menu.set(None);
                actions.click(button_of(&event), offered.clone());
            };
            view! {
                <button
                    role="menuitem"
                    tabindex="-1"
                    on:pointerdown=on_click(move |event: PointerEvent| actions.press(button_of(&event), by_pointer.clone()))
                    on:keydown=on_click(move |event: KeyboardEvent| actions.press(button_of(&event), by_key.clone()))
                    on:click=on_click(choose)
                >
                    <Icon name=icon />
                    {text}
                </button>
            }.into_any()
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
        let remove = {
            let key = key.clone();
            move |_| {
                actions.menu.set(None);
                actions.open_dialog.set(Dialog::Remove(vec![key.clone()]));
            }
        };
        let asks = move |icon, words, open_dialog| dialog_item(actions, icon, words, open_dialog);
        let limits = match lacking(&store, &container.host, Lack::Update) {
            None => asks("limits", crate::t!("Edit limits of {}", name), Dialog::Limits(key.clone())),
            Some(why) => {
                let say = move |_: MouseEvent| toasts.show(Level::Info, why, None);
                view! {
                    <button role="menuitem" tabindex="-1" aria-disabled="true" title=why on:click=on_click(say)>
                        <Icon name="limits" />
                        {crate::t!("Edit limits of {}", name)}
                    </button>
                }
                .into_any()
            }
        };
        let separator = || view! { <div role="separator"></div> };
        let creation = |items: AnyView| may(Permission::Create).then_some(items);
        let changes = may(Permission::Operate).then(|| {
            view! {
                {(!lifecycle.is_empty()).then(|| view! { {lifecycle} {separator()} }.into_any())}
                {creation(asks("edit", crate::t!("Edit {}", name), Dialog::Edit(key.clone())))}
                {creation(asks("copy", crate::t!("Duplicate {}", name), Dialog::Duplicate(key.clone())))}
                {sees_all().then(|| asks("tag", crate::t!("Rename {}", name), Dialog::Rename(key.clone())))}
                {creation(limits)}
                {creation(asks("images", crate::t!("Commit {}", name), Dialog::Commit(key.clone())))}
            }
            .into_any()
        });
        let removal = may(Permission::Remove).then(|| {
            view! {
                {separator()}
                <button role="menuitem" tabindex="-1" class="danger" on:click=on_click(remove)>
                    <Icon name="remove" />
                    {crate::t!("Remove {}", name)}
                </button>
            }
            .into_any()
        });
        let address = format!("/api/containers/{}/export?host={}", container.id, container.host);
        let export =
            may(Permission::Reveal).then(|| export_item(actions, site.page(&address), crate::t!("Export {}", name)));
        Some(
            view! {
                <section aria-label=t("Actions")>
                <Menu name=crate::t!("More actions for {}", name) from on_close=move || actions.menu.set(None)>
                    <p aria-hidden="true">{name.clone()}</p>
                    {changes}
                    {export}
                    {removal}
                </Menu>
                </section>
            }
            .into_any(),
        )
    })
}

/// The reason why the engine lacks a feature, if it does.
fn lacking(store: &Store, host: &HostId, what: Lack) -> Option<&'static str> {
    store.look(|state| state.lacks(host, what)).then(|| t(what.words()))
}

/// Progress and errors show in its task, because browsers report neither for a download.
fn export_item(actions: ContainerActions, href: String, words: String) -> AnyView {
    let tasks = expect_context::<TasksOpen>().0;
    let close = move |_| {
        actions.menu.set(None);
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

fn dialog_item(actions: ContainerActions, icon: &'static str, words: String, open_dialog: Dialog) -> AnyView {
    let choose = move |_| {
        actions.menu.set(None);
        actions.open_dialog.set(open_dialog.clone());
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
    let (actions, store) = (expect_context::<ContainerActions>(), expect_context::<Store>());
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
        (1, 0) => t("This deletes the container and its writable layer. The image and named volumes are kept.").to_owned(),
        (1, _) => t(
            "This container is running. It will be killed and deleted along with its writable layer. The image and named volumes are kept.",
        )
        .to_owned(),
        (_, 0) => {
            let names: Vec<_> = containers.iter().map(|it| it.name.as_str()).collect();
            crate::t!("{} will be deleted along with their writable layers.", names.join(", "))
        }
        (_, up) => {
            let names: Vec<_> = containers.iter().map(|it| it.name.as_str()).collect();
            crate::t!(
                "{} will be deleted along with their writable layers; {} are running and will be killed first.",
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
        erased_memo(move || is_one || typed.with(|typed| typed.trim() == what))
    };
    let confirm = (!is_one).then(|| {
        let ask = crate::t!("To confirm, type: {}", what);
        view! { <p>{ask}</p> {field("Confirm", "text", String::new(), "", Box::new(move |text| typed.set(text)))} }
            .into_any()
    });
    let remove = move |_| {
        let one = |it: &Arc<Container>| {
            let force = it.state.is_up();
            (key_of(it), ContainerAction::Remove { force, volumes: volumes.get_untracked() }, it.state)
        };
        actions.act_all(containers.iter().map(one).collect());
        if let Some(selected) = selected {
            selected.update(|selected| selected.retain(|key| !keys.contains(key)));
        }
        actions.open_dialog.set(Dialog::Nothing);
    };
    let close = move || actions.open_dialog.set(Dialog::Nothing);
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
                <button class="button danger main" disabled=boxed(move || !is_sure.get()) on:click=on_click(remove)>
                    {crate::t!("Remove {}", what)}
                </button>
            </footer>
        </Dialog>
    }
    .into_any()
}

fn rename(key: Key) -> AnyView {
    let (actions, toasts) = (expect_context::<ContainerActions>(), expect_context::<Toasts>());
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
            return Err(t(
                "Names must start with a letter or digit and contain only letters, digits, dots, dashes and underscores",
            )
            .to_owned());
        }
        let done = crate::t!("{} renamed to {}", old, name);
        Ok(Box::pin(async move {
            act_on_container(host, id, ContainerAction::Rename { name }).await?;
            toasts.show(Level::Ok, done, None);
            Ok(())
        }))
    };
    form(title, fields, "Rename", Box::new(send), Rc::new(move || actions.open_dialog.set(Dialog::Nothing)))
}

fn closer() -> Rc<dyn Fn()> {
    let actions = expect_context::<ContainerActions>();
    Rc::new(move || actions.open_dialog.set(Dialog::Nothing))
}

fn new() -> AnyView {
    let host = expect_context::<Store>().look(|state| state.hosts().next().map(|host| host.id.clone()));
    host.map(|host| recipe_form(host, Recipe::default(), Purpose::New, closer())).into_any()
}

/// Loads the container's recipe, then shows the form.
fn of_recipe(key: Key, purpose: fn(ContainerId) -> Purpose) -> AnyView {
    let Key::Container(host, id) = key else { return ().into_any() };
    let (actions, toasts) = (expect_context::<ContainerActions>(), expect_context::<Toasts>());
    let known = RwSignal::new(None::<Recipe>);
    {
        let (host, id) = (host.clone(), id.clone());
        spawn_local(async move {
            match recipe_of(host, id).await {
                Ok(recipe) => drop(known.try_set(Some(recipe))),
                Err(error) => {
                    toasts.failed(t("Couldn't load the image configuration"), &error);
                    actions.open_dialog.set(Dialog::Nothing);
                }
            }
        });
    }
    let form = move || {
        let close = Rc::new(move || actions.open_dialog.set(Dialog::Nothing));
        Some(recipe_form(host.clone(), known.get()?, purpose(id.clone()), close))
    };
    boxed(form).into_any()
}

fn name_of(key: &Key) -> String {
    expect_context::<Store>().look(|state| state.get(key).map(|it| it.name().to_owned())).unwrap_or_default()
}

/// Changes resource limits and the restart policy of a container.
fn limits(key: Key) -> AnyView {
    let (name, toasts, close) = (name_of(&key), expect_context::<Toasts>(), closer());
    let Key::Container(host, id) = key else { return ().into_any() };
    let [memory, cores] = [(); 2].map(|()| StoredValue::new(String::new()));
    let restart = StoredValue::new(String::new());
    let policies = vec![
        ("", t("unchanged")),
        ("no", "no"),
        ("always", "always"),
        ("unless-stopped", "unless-stopped"),
        ("on-failure", "on-failure"),
    ];
    let fields = view! {
        <p>{t("Empty fields are left unchanged. To remove a limit, use Edit, which recreates the container.")}</p>
        <div class="pair">
            {field("Memory", "text", String::new(), "512m", Box::new(move |it| memory.set_value(it)))}
            {field("CPU cores", "text", String::new(), "0.5", Box::new(move |it| cores.set_value(it)))}
        </div>
        {choice("Restart policy", policies, "", Box::new(move |it| restart.set_value(it)))}
    }
    .into_any();
    let title = crate::t!("Edit limits of {}", name);
    let send = move || -> Result<Sent, String> {
        let limits = Limits {
            memory: bytes_read(&memory.get_value())?,
            millicpus: cores_read(&cores.get_value())?,
            ..Limits::default()
        };
        if let Some(fault) = limits.fault() {
            return Err(translate(&fault));
        }
        let restart = Some(restart.get_value()).filter(|it| !it.is_empty());
        if limits == Limits::default() && restart.is_none() {
            return Err(t("Change at least one value").to_owned());
        }
        let (host, id, done) = (host.clone(), id.clone(), crate::t!("Limits of {} updated", name));
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
        <p>{t("Creates an image from the container's current filesystem. Data in volumes isn't included.")}</p>
        {field("Image name", "text", String::new(), "web:saved", Box::new(move |it| image.set(it)))}
        {taken_from(host.clone(), None, image)}
        {field("Commit message", "text", String::new(), "", Box::new(move |it| message.set_value(it)))}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let image = image.get_untracked();
        let image =
            ImageName::new(image.trim()).map_err(|_| t("Use repository:tag, for example nginx:1.27").to_owned())?;
        let done = crate::t!("{} created", image);
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
