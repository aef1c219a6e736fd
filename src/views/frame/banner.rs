//! Banner that states why the page may be out of date, and since when.

use crate::{
    client::{Connection, Store, erased_memo, t, translate},
    model::{HostStatus, Timestamp},
    views::{
        Access, format,
        widgets::{Icon, boxed, button},
    },
};
use leptos::prelude::*;

#[derive(Clone, PartialEq)]
struct BannerMessage {
    what: Vec<&'static str>,
    why: Option<String>,
    /// The time of the data shown. `None` if there never was any.
    since: Option<Timestamp>,
}

impl BannerMessage {
    fn lost(what: &'static str, why: Option<String>, since: Timestamp) -> Self {
        Self { what: vec![what], why, since: Some(since) }
    }
}

#[component]
pub fn Banner() -> impl IntoView {
    let store = expect_context::<Store>();
    let (now, link, of_release) = (store.now(), store.link(), store.link());
    let host = store.clone();
    let exposed = boxed(move || {
        let is_exposed = host.main_host()?.is_exposed;
        is_exposed.then(|| {
            view! {
                <p class="banner" data-exposed>
                    <Icon name="warn" />
                    <b>{t("The connection to the engine is not encrypted.")}</b>
                    <span>{t("Anyone on the network path can take control of the Docker host. Use https:// or ssh:// instead.")}</span>
                </p>
            }
            .into_any()
        })
    });
    let trouble = erased_memo(move || {
        let lost = link.with(|link| (link.connection, link.lost_since));
        let is_full = link.with(|link| link.is_server_full);
        match lost {
            (Connection::Reconnecting, Some(since)) if is_full => {
                let why = t("Too many clients are connected. Close other tabs, or wait for a client to disconnect.");
                return Some(BannerMessage::lost(
                    "Quaylight has reached its client limit.",
                    Some(why.to_owned()),
                    since,
                ));
            }
            (Connection::Reconnecting, Some(since)) => {
                return Some(BannerMessage::lost("Lost connection to Quaylight.", None, since));
            }
            (Connection::Offline, Some(since)) => {
                return Some(BannerMessage::lost("This device is offline.", None, since));
            }
            _ => {}
        }
        let host = store.main_host()?;
        if host.status == HostStatus::Unreachable {
            let why = host.error.as_ref().map(translate);
            return Some(BannerMessage::lost("The engine isn't responding.", why, host.since));
        }
        let first = host.failed_lists.first()?;
        let what = host.failed_lists.iter().map(|it| format::failed_list(it.kind)).collect();
        Some(BannerMessage { what, why: Some(translate(&first.error)), since: first.as_of })
    });
    let other_release =
        erased_memo(move || of_release.with(|link| link.is_outdated.then(|| link.server_version.clone())));
    let reload = |_| {
        let _ = window().location().reload();
    };
    let news = boxed(move || match (other_release.get(), trouble.get()) {
        (Some(version), _) => view! {
            <p class="banner" role="status">
                <Icon name="restart" />
                <b>{crate::t!("Quaylight was updated to {}.", version)}</b>
                <span>{t("This page is from another version and is no longer live.")}</span>
                {button("button", "restart", boxed(|| t("Reload").to_owned()), Box::new(reload))}
            </p>
        }
        .into_any(),
        (None, None) => ().into_any(),
        (None, Some(BannerMessage { what, why, since })) => {
            let now = now.clone();
            let of = since.map(|since| {
                view! {
                    {crate::t!("As of {} {}, ", format::time_of_day(since), format::zone(since))}
                    <span>{boxed(move || format::ago(since, now.get()))}</span>
                    ". "
                }
                .into_any()
            });
            view! {
                <p class="banner" role="status">
                    <Icon name="unreachable" />
                    <b>{what.into_iter().map(t).collect::<Vec<_>>().join(" ")}</b>
                    <span>{why}</span>
                    <span>{of} {t("Retrying.")}</span>
                </p>
            }
            .into_any()
        }
    });
    let open = expect_context::<Access>().is_open_network.then(|| {
        view! {
            <p class="banner" data-open-network>
                <Icon name="warn" />
                <b>{t("There is no sign-in.")}</b>
                <span>{t("Anyone who can reach this address controls the Docker host.")}</span>
            </p>
        }
        .into_any()
    });
    view! { {open} {exposed} {news} }
}
