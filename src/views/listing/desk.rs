//! What can be done with a row of a list: the menu at its end, and what is asked before it is done.

use crate::{
    actions::things::{act, start},
    client::{Browsers, Level, Store, Toasts, t},
    model::{Action, Entity, HostId, Job, Key, Kind},
    views::{
        Site,
        frame::TasksOpen,
        widgets::{Icon, Menu, Sent, live, on_click},
    },
};
use leptos::{ev::MouseEvent, prelude::*};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// What the parts of a list share.
#[derive(Clone, Copy)]
pub struct Desk {
    /// The row whose menu is open, and the button that it hangs from.
    menu: RwSignal<Option<Key>>,
    menu_from: Browsers<HtmlElement>,
    pub asking: RwSignal<Option<Asking>>,
    toasts: Toasts,
    tasks: RwSignal<bool>,
}

/// What the dialog is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Asking {
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
    /// A volume, from a backup.
    Restore(Key),
    /// What nobody uses, of these kinds. Of all of them, the build cache too.
    Prune(&'static [Kind]),
}

impl Desk {
    pub fn new() -> Self {
        Self {
            menu: RwSignal::new(None),
            menu_from: Browsers::default(),
            asking: RwSignal::new(None),
            toasts: expect_context(),
            tasks: expect_context::<TasksOpen>().0,
        }
    }

    pub fn ask(self, asking: Asking) {
        self.asking.set(Some(asking));
    }

    pub fn close(self) {
        self.asking.set(None);
    }

    /// For a form's or a dialog's end.
    pub fn closer(self) -> Rc<dyn Fn()> {
        Rc::new(move || self.close())
    }

    /// Asks the server to do it. What has become of it is said in the corner, `failed` where it could not be done.
    pub fn act(self, action: Action, done: String, failed: String) {
        leptos::task::spawn_local(async move {
            match act(action).await {
                Ok(_) => self.toasts.show(Level::Ok, done, None),
                Err(error) => self.toasts.failed(&failed, &error),
            }
        });
    }

    /// Likewise for a form, which says itself what could not be done.
    pub fn send(self, action: Action, done: String) -> Sent {
        Box::pin(async move {
            act(action).await?;
            self.toasts.show(Level::Ok, done, None);
            Ok(())
        })
    }

    /// Likewise for what takes long: once it has begun, the panel of tasks shows how far it is.
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

    /// The table listens for all of its rows.
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

/// What a row's menu offers.
pub struct Offer {
    pub icon: &'static str,
    pub words: String,
    pub does: Does,
}

pub enum Does {
    Ask(Asking),
    /// Goes to an address, below the base path, that gives a file.
    Download(String),
}

/// The last cell of a row: the button of its menu.
pub fn more(name: &str) -> AnyView {
    let title = crate::t!("More actions for {}", name);
    view! { <td class="act"><button class="more" title=title aria-haspopup="menu"></button></td> }.into_any()
}

/// The same in the head of a thing's own page.
pub fn more_button(desk: Desk, key: Key, name: &str) -> AnyView {
    let open = move |event: MouseEvent| {
        desk.menu_from.set(event.current_target().and_then(|it| it.dyn_into().ok()));
        desk.menu.set(Some(key.clone()));
    };
    view! {
        <button class="button square" aria-label=crate::t!("More actions for {}", name) aria-haspopup="menu" on:click=on_click(open)>
            <Icon name="more" />
        </button>
    }
    .into_any()
}

/// The menu of the row that is asked for. Mounted beside the table: rows clip what they paint.
pub fn menu(desk: Desk, offers: fn(&Entity) -> Vec<Offer>) -> AnyView {
    let store = expect_context::<Store>();
    live(move || {
        let key = desk.menu.get()?;
        let entity = store.entity(&key)?.get();
        let from = desk.menu_from.get()?;
        let name = entity.name().to_owned();
        let items: Vec<_> = offers(&entity).into_iter().map(|offer| item(desk, offer)).collect();
        Some(
            view! {
                <section aria-label=t("Actions")>
                    <Menu name=crate::t!("More actions for {}", name) from on_close=move || desk.menu.set(None)>
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

fn item(desk: Desk, offer: Offer) -> AnyView {
    let Offer { icon, words, does } = offer;
    let asks = match does {
        Does::Ask(asks) => asks,
        Does::Download(address) => return download(desk, icon, words, &address),
    };
    let class = matches!(asks, Asking::Remove(_)).then_some("danger");
    let choose = move |_: MouseEvent| {
        desk.menu.set(None);
        desk.ask(asks.clone());
    };
    view! {
        <button role="menuitem" tabindex="-1" class=class on:click=on_click(choose)>
            <Icon name=icon />
            {words}
        </button>
    }
    .into_any()
}

/// Its task shows how it goes, and why not: a browser that keeps files says neither.
fn download(desk: Desk, icon: &'static str, words: String, address: &str) -> AnyView {
    let href = Site::expect().page(address);
    let close = move |_: MouseEvent| {
        desk.menu.set(None);
        desk.tasks.set(true);
    };
    view! {
        <a role="menuitem" tabindex="-1" href=href download="" on:click=on_click(close)>
            <Icon name=icon />
            {words}
        </a>
    }
    .into_any()
}

/// What the page's head offers.
pub struct Head {
    pub icon: &'static str,
    pub words: &'static str,
    pub asks: Asking,
}

/// The first is what most come for; narrow pages show the others as icons.
pub fn heads(desk: Desk, heads: &'static [Head]) -> AnyView {
    let one = |(at, Head { icon, words, asks }): (usize, &'static Head)| {
        let press = move |_: MouseEvent| desk.ask(asks.clone());
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
