//! Row menu of a list, and its dialogs.

use crate::{
    actions::requests::{act, start},
    client::{ClientOnly, Level, Store, Toasts, t},
    model::{Action, Entity, HostId, Job, Key, Kind, Permission},
    views::{
        DOWNLOAD_FORM, Site, may,
        panels::TasksOpen,
        widgets::{Icon, Menu, Sent, boxed, on_click},
    },
};
use leptos::{ev::MouseEvent, prelude::*};
use std::{rc::Rc, time::Duration};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// State shared by the parts of a list.
#[derive(Clone, Copy)]
pub struct RowMenu {
    /// The row whose menu is open, and the button that the menu is anchored to.
    menu: RwSignal<Option<Key>>,
    menu_from: ClientOnly<HtmlElement>,
    pub open_dialog: RwSignal<Option<Dialog>>,
    toasts: Toasts,
    tasks: RwSignal<bool>,
}

/// The dialogs of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    Remove(Key),
    /// Names of an image.
    Names(Key),
    /// Containers on a network.
    Members(Key),
    NewVolume,
    NewNetwork,
    Pull,
    Push(Key),
    Build,
    Import,
    Registries,
    /// Restore a volume from a backup.
    Restore(Key),
    /// Prune unused resources of these kinds. With all kinds, also the build cache.
    Prune(&'static [Kind]),
}

impl RowMenu {
    pub fn new() -> Self {
        Self {
            menu: RwSignal::new(None),
            menu_from: ClientOnly::default(),
            open_dialog: RwSignal::new(None),
            toasts: expect_context(),
            tasks: expect_context::<TasksOpen>().0,
        }
    }

    pub fn ask(self, open_dialog: Dialog) {
        self.open_dialog.set(Some(open_dialog));
    }

    pub fn close(self) {
        self.open_dialog.set(None);
    }

    /// A closure that closes the dialog.
    pub fn closer(self) -> Rc<dyn Fn()> {
        Rc::new(move || self.close())
    }

    /// Sends the action to the server. Shows a toast with `done`, or with `failed` and the error.
    pub fn act(self, action: Action, done: String, failed: String) {
        leptos::task::spawn_local(async move {
            match act(action).await {
                Ok(_) => self.toasts.show(Level::Ok, done, None),
                Err(error) => self.toasts.failed(&failed, &error),
            }
        });
    }

    /// Like `act`, for a form that shows errors itself.
    pub fn send(self, action: Action, done: String) -> Sent {
        Box::pin(async move {
            act(action).await?;
            self.toasts.show(Level::Ok, done, None);
            Ok(())
        })
    }

    /// Like `send`, for a long-running job: once it has started, the task panel shows its progress.
    pub fn start(self, host: HostId, job: Job) -> Sent {
        Box::pin(async move {
            start(host, job).await?;
            self.tasks.set(true);
            Ok(())
        })
    }

    pub fn show_tasks(self) {
        self.tasks.set(true);
    }

    pub fn failed(self, what: &str, error: &crate::wire::ActionError) {
        self.toasts.failed(what, error);
    }

    pub fn say(self, done: String) {
        self.toasts.show(Level::Ok, done, None);
    }

    /// Handles clicks for all rows of the table.
    pub fn pressed(self, event: &MouseEvent, keys: &[Key]) {
        let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
        let Some(button) = target.and_then(|it| it.closest(".act > .more").ok().flatten()) else { return };
        let row = button.closest("[data-entity]").ok().flatten();
        let id = row.and_then(|row| row.get_attribute("data-id")).unwrap_or_default();
        let Some(key) = keys.iter().find(|key| key.id() == id) else { return };
        self.menu_from.set(button.dyn_into().ok());
        self.menu.set(Some(key.clone()));
    }
}

/// An item of a row's menu.
pub struct MenuItem {
    pub icon: &'static str,
    pub words: String,
    pub action: ItemAction,
}

pub enum ItemAction {
    Ask(Dialog),
    /// Links to an address below the base path that returns a file.
    Download(String),
    /// The same by POST, because the server has to create something for it.
    DownloadByPost(String),
}

/// The items that the user may choose.
pub fn allowed(menu_items: Vec<MenuItem>) -> impl Iterator<Item = MenuItem> {
    menu_items.into_iter().filter(|it| {
        may(match it.action {
            ItemAction::Ask(_) => Permission::Create,
            ItemAction::Download(_) => Permission::Reveal,
            // Creates a helper container.
            ItemAction::DownloadByPost(_) => Permission::Write,
        })
    })
}

/// The last cell of a row: its menu button. `name` is reactive because an image's name changes with its tags.
pub fn more(name: impl Fn() -> String + Send + Sync + 'static) -> AnyView {
    // All items need at least this.
    let button = may(Permission::Reveal).then(|| {
        let title = boxed(move || crate::t!("More actions for {}", name()));
        view! { <button class="more" title=title aria-haspopup="menu"></button> }.into_any()
    });
    view! { <td class="act">{button}</td> }.into_any()
}

/// The menu button in the head of a resource's own page.
pub fn more_button(menu: RowMenu, key: Key, name: impl Fn() -> String + Send + Sync + 'static) -> AnyView {
    let label = boxed(move || crate::t!("More actions for {}", name()));
    let open = move |event: MouseEvent| {
        menu.menu_from.set(event.current_target().and_then(|it| it.dyn_into().ok()));
        menu.menu.set(Some(key.clone()));
    };
    view! {
        <button class="button square" aria-label=label aria-haspopup="menu" on:click=on_click(open)>
            <Icon name="more" />
        </button>
    }
    .into_any()
}

/// The menu of the open row. Mounted beside the table, because rows clip their contents.
pub fn menu_panel(menu: RowMenu, menu_items: fn(&Entity) -> Vec<MenuItem>) -> AnyView {
    let store = expect_context::<Store>();
    boxed(move || {
        let key = menu.menu.get()?;
        let entity = store.entity(&key)?.get();
        let from = menu.menu_from.get()?;
        let name = entity.name().to_owned();
        let items: Vec<_> = allowed(menu_items(&entity)).map(|it| item(menu, it)).collect();
        Some(
            view! {
                <section aria-label=t("Actions")>
                    <Menu name=crate::t!("More actions for {}", name) from on_close=move || menu.menu.set(None)>
                        <p aria-hidden="true">{name.clone()}</p>
                        {items}
                    </Menu>
                </section>
            }
            .into_any(),
        )
    })
    .into_any()
}

fn item(menu: RowMenu, it: MenuItem) -> AnyView {
    let MenuItem { icon, words, action } = it;
    let asks = match action {
        ItemAction::Ask(asks) => asks,
        ItemAction::Download(address) => return download(menu, icon, words, &address),
        ItemAction::DownloadByPost(address) => return download_by_post(menu, icon, words, &address),
    };
    let class = matches!(asks, Dialog::Remove(_)).then_some("danger");
    let choose = move |_: MouseEvent| {
        menu.menu.set(None);
        menu.ask(asks.clone());
    };
    view! {
        <button role="menuitem" tabindex="-1" class=class on:click=on_click(choose)>
            <Icon name=icon />
            {words}
        </button>
    }
    .into_any()
}

/// Progress and errors show in its task, because browsers report neither for a download.
fn download(menu: RowMenu, icon: &'static str, words: String, address: &str) -> AnyView {
    let href = Site::expect().page(address);
    let close = move |_: MouseEvent| {
        menu.menu.set(None);
        menu.tasks.set(true);
    };
    view! {
        <a role="menuitem" tabindex="-1" href=href download="" on:click=on_click(close)>
            <Icon name=icon />
            {words}
        </a>
    }
    .into_any()
}

fn download_by_post(menu: RowMenu, icon: &'static str, words: String, address: &str) -> AnyView {
    let address = Site::expect().page(address);
    let close = move |_: MouseEvent| {
        menu.tasks.set(true);
        // The click submits the form after this handler, and only while the button is mounted.
        set_timeout(move || menu.menu.set(None), Duration::ZERO);
    };
    view! {
        <button role="menuitem" tabindex="-1" form=DOWNLOAD_FORM formaction=address on:click=on_click(close)>
            <Icon name=icon />
            {words}
        </button>
    }
    .into_any()
}

/// A button of the page's head.
pub struct Head {
    pub icon: &'static str,
    pub words: &'static str,
    pub asks: Dialog,
}

/// The first is the primary button. Narrow pages show the others as icons.
pub fn heads(menu: RowMenu, heads: &'static [Head]) -> AnyView {
    let heads = if may(Permission::Create) { heads } else { &[] };
    let one = |(at, Head { icon, words, asks }): (usize, &'static Head)| {
        let press = move |_: MouseEvent| menu.ask(asks.clone());
        let class = if at == 0 { "button main" } else { "button bare" };
        let words = t(words);
        view! {
            <button class=class aria-label=words on:click=on_click(press)>
                <Icon name=icon />
                <span>{words}</span>
            </button>
        }
        .into_any()
    };
    heads.iter().enumerate().rev().map(one).collect::<Vec<_>>().into_any()
}
