//! The line that says why the page may be out of date, and since when.

use crate::{
    client::{Connection, Store},
    model::{HostStatus, Timestamp},
    views::{
        format,
        widgets::{Icon, live},
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
    let now = store.now();
    let link = store.link();
    let trouble = Memo::new(move |_| {
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
        Some(Trouble { what: "The engine does not answer.", why: host.error.clone(), since: host.since })
    });
    live(move || match trouble.get() {
        None => ().into_any(),
        Some(Trouble { what, why, since }) => {
            let now = now.clone();
            view! {
                <p class="banner" role="status" title=why>
                    <Icon name="unreachable" />
                    <b>{what}</b>
                    <span>
                        {format!("As of {} UTC, ", format::time_of_day(since))}
                        <span>{live(move || format::ago(since, now.get()))}</span>
                        ". Retrying."
                    </span>
                </p>
            }
            .into_any()
        }
    })
}
