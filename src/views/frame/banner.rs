//! The line that says why the page may be out of date, and since when.

use crate::{
    client::{Connection, Store, derived, t, told},
    model::{HostStatus, Timestamp},
    views::{
        format,
        widgets::{Icon, button, live},
    },
};
use leptos::prelude::*;

#[derive(Clone, PartialEq)]
struct Trouble {
    what: &'static str,
    why: Option<String>,
    since: Timestamp,
}

#[component]
pub fn Banner() -> impl IntoView {
    let store = expect_context::<Store>();
    let (now, link, of_release) = (store.now(), store.link(), store.link());
    let trouble = derived(move || {
        let lost = link.with(|link| (link.connection, link.lost_since));
        match lost {
            (Connection::Reconnecting, Some(since)) => {
                return Some(Trouble { what: "The connection to Quaylight is lost.", why: None, since });
            }
            (Connection::Offline, Some(since)) => {
                return Some(Trouble { what: "This device is offline.", why: None, since });
            }
            _ => {}
        }
        let host = store.main_host().filter(|host| host.status == HostStatus::Unreachable)?;
        Some(Trouble { what: "The engine does not answer.", why: host.error.as_deref().map(told), since: host.since })
    });
    let other_release = derived(move || of_release.with(|link| link.is_outdated.then(|| link.server_version.clone())));
    let reload = |_| {
        let _ = window().location().reload();
    };
    live(move || match (other_release.get(), trouble.get()) {
        (Some(version), _) => view! {
            <p class="banner" role="status">
                <Icon name="restart" />
                <b>{crate::t!("Quaylight was updated to {}.", version)}</b>
                <span>{t("This page is of another release and no longer live.")}</span>
                {button("button", "restart", live(|| t("Reload").to_owned()), Box::new(reload))}
            </p>
        }
        .into_any(),
        (None, None) => ().into_any(),
        (None, Some(Trouble { what, why, since })) => {
            let now = now.clone();
            view! {
                <p class="banner" role="status" title=why>
                    <Icon name="unreachable" />
                    <b>{t(what)}</b>
                    <span>
                        {crate::t!("As of {} {}, ", format::time_of_day(since), format::zone(since))}
                        <span>{live(move || format::ago(since, now.get()))}</span>
                        {t(". Retrying.")}
                    </span>
                </p>
            }
            .into_any()
        }
    })
}
