//! Notification center: past alerts and errors, readable after their toasts have disappeared.

use super::{
    Site,
    events::{kind_icon, phrase},
    lazy::lazy_code,
    panels::NotificationCenterOpen,
    widgets::{Ago, Icon, boxed, on_click},
};
use crate::{
    client::{Prefs, Store, Toasts, effect, t, translate},
    model::{Event, Message, Timestamp},
    queries::notices::notices,
};
use leptos::{html, prelude::*, task::spawn_local};

#[derive(Clone)]
enum Shown {
    Waiting,
    Failed(Message),
    List(Vec<Event>),
}

lazy_code!(pub(super) NOTIFICATION_CENTER in pages: NotificationCenter());

/// Opening it marks all notices as read.
#[component]
pub fn NotificationCenter() -> impl IntoView {
    let (store, toasts, prefs) = (expect_context::<Store>(), expect_context::<Toasts>(), expect_context::<Prefs>());
    let open = expect_context::<NotificationCenterOpen>().0;
    let site = Site::expect();
    let read_until = prefs.read_untracked(|it| it.read_until);
    let shown = RwSignal::new(Shown::Waiting);
    let panel = NodeRef::<html::Div>::new();
    effect(move || {
        if let Some(panel) = panel.get() {
            let _ = panel.focus();
        }
    });
    effect(move || {
        let unread = store.unread();
        spawn_local(async move {
            let list = match notices().await {
                Ok(list) => list,
                Err(error) => {
                    shown.try_set(Shown::Failed(error.message));
                    return;
                }
            };
            let latest = list.iter().map(|event| event.time).max().unwrap_or_default();
            shown.try_set(Shown::List(list));
            if latest > prefs.read_untracked(|it| it.read_until) {
                prefs.change(|it| it.read_until = latest);
            }
            unread.set(0);
            toasts.failures().set(0);
        });
    });
    let close = move |_| open.set(false);
    let (events, settings) = (site.page("/events"), site.page("/settings"));
    view! {
        <div class="notification-center" role="dialog" aria-labelledby="notification-center" tabindex="-1" node_ref=panel>
            <div class="title">
                <h2 id="notification-center">{t("Notifications")}</h2>
                <a href=settings on:click=on_click(close)>{t("Settings")}</a>
                <a href=events on:click=on_click(close)>{t("All events")}</a>
            </div>
            {boxed(move || match shown.get() {
                Shown::Waiting => view! { <p class="quiet" role="status">{t("Loading…")}</p> }.into_any(),
                Shown::Failed(why) => view! { <p class="quiet" role="alert">{translate(&why)}</p> }.into_any(),
                Shown::List(list) if list.is_empty() => {
                    view! { <p class="quiet">{t("Nothing needs your attention.")}</p> }.into_any()
                }
                Shown::List(list) => {
                    let items: Vec<_> = list.into_iter().map(|event| item(&event, read_until, open)).collect();
                    view! { <ul>{items}</ul> }.into_any()
                }
            })}
        </div>
    }
}

fn item(event: &Event, read_until: Timestamp, open: RwSignal<bool>) -> AnyView {
    let words = phrase::phrase(event);
    let site = Site::expect();
    let name = match event.kind.as_str() {
        "alert" | "container" if !event.id.is_empty() => {
            let href = site.page(&format!("/containers/{}", event.id));
            view! { <a href=href on:click=on_click(move |_| open.set(false))>{event.name.clone()}</a> }.into_any()
        }
        _ => view! { <b>{phrase::name(event)}</b> }.into_any(),
    };
    view! {
        <li data-tone=phrase::tone(event) data-unread=(event.time > read_until).then_some("true")>
            <Icon name=kind_icon(&event.kind) />
            <p>{name} <span>{words}</span></p>
            <Ago time=event.time />
        </li>
    }
    .into_any()
}
