//! One container: a row of the table, or a card, by style alone.
//!
//! A row has one effect, which draws it from what one memo gathers: an effect for every cell made a row ten times as
//! dear, which scrolling through ten thousand pays for. Only the two cells that tell a time have their own: a hundred rows
//! drawn anew with each second would keep a change waiting for 40 ms. Rows have no handlers either: the table listens for
//! all, see `list.rs`.

use super::page::Page;
use crate::{
    client::{Store, leaving_no_trace},
    model::{Container, ContainerAction, ContainerState, Health, Key, Protocol, Timestamp},
    views::{
        Site, format,
        widgets::{Glow, live},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

/// Nothing when it is gone already.
pub(super) fn row(key: Key) -> AnyView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let site = Site::expect();
    let Some(row) = store.entity(&key) else {
        return ().into_any();
    };
    let now = store.now();
    let drawn = leaving_no_trace(move || {
        let entity = row.get();
        let it = entity.as_container()?;
        Some(Drawn {
            is_pending: page.acts.is_pending(it),
            is_selected: page.selected.with(|selected| selected.binary_search(&key).is_ok()),
            is_open: page.acts.menu.with(|open| open.as_ref() == Some(&key)),
            container: it.clone(),
        })
    });
    let mut glows = Glows::default();
    live(move || {
        let drawn = drawn.get();
        drawn.map_or_else(|| ().into_any(), |it| cells(&it, glows.of(&it.container), &site.hostname, &now))
    })
    .into_any()
}

/// What a row is drawn from.
#[derive(Clone, PartialEq)]
struct Drawn {
    container: Arc<Container>,
    is_pending: bool,
    is_selected: bool,
    is_open: bool,
}

/// Which cells have just changed.
#[derive(Default)]
struct Glows {
    state: Glow<ContainerState>,
    name: Glow<String>,
    networks: Glow<String>,
    times: Glow<Option<Timestamp>>,
}

type Mark = Option<&'static str>;

impl Glows {
    fn of(&mut self, it: &Container) -> [Mark; 4] {
        [
            self.state.mark(it.state),
            self.name.mark(it.name.clone()),
            self.networks.mark(networks(it)),
            self.times.mark(it.started_at.max(it.finished_at)),
        ]
    }
}

fn cells(
    drawn: &Drawn,
    [state_glow, name_glow, nets_glow, age_glow]: [Mark; 4],
    hostname: &str,
    now: &ArcRwSignal<Timestamp>,
) -> AnyView {
    let it = &drawn.container;
    let (repository, tag) = format::image(&it.image);
    let (first, class) = first(it.state);
    let restarts = it.restart_count.filter(|count| *count > 0).map(|count| count.to_string());
    let health = it.health.map(Health::as_str);
    let name = &it.name;
    let (networks, networks_again) = (networks(it), networks(it));
    view! {
        <tr
            role="row"
            data-entity="container"
            data-id=it.id.to_string()
            data-name=name.clone()
            data-state=it.state.as_str()
            data-health=health
            data-restarts=restarts
            data-code=it.failed_with().map(|code| code.to_string())
        >
            <td class="pick">
                <input type="checkbox" aria-label=format!("Select {name}") prop:checked=drawn.is_selected />
            </td>
            <td class="state" data-glow=state_glow>{format::state_word(it)}</td>
            <th class="name" role="rowheader" scope="row" title=name.clone() data-glow=name_glow>
                <b>{name.clone()}</b>
                {health.map(|word| view! { <i class="health" role="img" aria-label=word title=word></i> })}
                {it.project().map(|project| view! { <small>{project.to_owned()}</small> })}
            </th>
            <td class="image" title=it.image.clone()>
                <span>{repository}</span>
                <i>{tag}</i>
            </td>
            <td class="ports" title=port_texts(it).join(", ")>{ports(it, hostname)}</td>
            <td class="nets" title=networks_again data-glow=nets_glow>{networks}</td>
            <td class="made">
                <time datetime=it.created.to_string() title=format::exact(it.created)>
                    {told_by(now, it, |it, now| format::ago(it.created, now))}
                </time>
            </td>
            <td class="age" data-glow=age_glow>{told_by(now, it, format::status)}</td>
            <td class="act">
                <button class=class title=format!("{} {name}", first.verb()) aria-busy=drawn.is_pending.then_some("true")></button>
                <button class="restart" title=format!("Restart {name}")></button>
                <button
                    class="more"
                    title=format!("More actions for {name}")
                    aria-haspopup="menu"
                    aria-expanded=drawn.is_open.then_some("true")
                ></button>
            </td>
        </tr>
    }
    .into_any()
}

/// A text that the clock moves.
fn told_by(
    now: &ArcRwSignal<Timestamp>,
    container: &Arc<Container>,
    tell: fn(&Container, Timestamp) -> String,
) -> AnyView {
    let (container, now) = (container.clone(), now.clone());
    let text = leaving_no_trace(move || tell(&container, now.get()));
    live(move || text.get()).into_any()
}

fn networks(container: &Container) -> String {
    container.networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn port_texts(container: &Container) -> Vec<String> {
    format::ports(&container.ports).into_iter().map(|(text, _)| text).collect()
}

/// Published TCP ports are links.
fn ports(it: &Container, hostname: &str) -> Vec<AnyView> {
    let all = format::ports(&it.ports).into_iter().enumerate();
    let parts = all.map(|(number, (text, port))| {
        let comma = (number > 0).then_some(", ");
        let link = (port.protocol == Protocol::Tcp).then_some(port.public).flatten();
        let shown = match link {
            Some(public) => view! {
                <a href=format!("http://{hostname}:{public}") target="_blank" rel="noreferrer">{text}</a>
            }
            .into_any(),
            None => text.into_any(),
        };
        view! { {comma} {shown} }.into_any()
    });
    parts.collect()
}

/// The likeliest action in a state, and the class of its button.
pub(super) fn first(state: ContainerState) -> (ContainerAction, &'static str) {
    match state {
        ContainerState::Paused => (ContainerAction::Unpause, "unpause"),
        state if state.is_up() => (ContainerAction::Stop { timeout: None }, "stop"),
        _ => (ContainerAction::Start, "start"),
    }
}
