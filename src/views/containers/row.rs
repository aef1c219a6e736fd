//! One container: a row of the table, or a card, by style alone.

use super::page::Page;
use crate::{
    client::{Row as Live, Store},
    model::{Container, ContainerAction, ContainerState, Health, Key, Protocol, Timestamp},
    views::{
        format,
        widgets::{Ago, glow, live, on_click},
    },
};
use leptos::{html, prelude::*};

/// Nothing when it is gone already.
pub(super) fn row(key: Key) -> AnyView {
    let page = expect_context::<Page>();
    let Some(row) = expect_context::<Store>().entity(&key) else {
        return ().into_any();
    };
    let text = |read: fn(&Container) -> String| {
        let row = row.clone();
        live(move || row.container(read))
    };
    let mark = |read: fn(&Container) -> Option<&'static str>| {
        let row = row.clone();
        live(move || row.container(read))
    };
    let number = |read: fn(&Container) -> Option<i64>| {
        let row = row.clone();
        live(move || row.container(read).map(|number| number.to_string()))
    };
    let glowing = |read: fn(&Container) -> String| {
        let row = row.clone();
        glow(move || row.container(read))
    };
    let is_selected = {
        let key = key.clone();
        live(move || page.selected.with(|selected| selected.contains(&key)))
    };
    let select = {
        let key = key.clone();
        move |_| {
            page.selected.update(|selected| {
                if !selected.remove(&key) {
                    selected.insert(key.clone());
                }
            });
        }
    };
    let data_id = key.id().to_owned();
    let buttons = buttons(key, row.clone());
    let restarts = |it: &Container| it.restart_count.filter(|count| *count > 0).map(i64::from);
    view! {
        <tr
            role="row"
            data-entity="container"
            data-id=data_id
            data-name=text(|it| it.name.clone())
            data-state=mark(|it| Some(it.state.as_str()))
            data-health=mark(|it| it.health.map(Health::as_str))
            data-restarts=number(restarts)
            data-code=number(Container::failed_with)
        >
            <td class="pick">
                <input
                    type="checkbox"
                    aria-label=text(|it| format!("Select {}", it.name))
                    prop:checked=is_selected
                    on:change=on_click(select)
                />
            </td>
            <td class="state" data-glow=glowing(|it| it.state.to_string())>{text(|it| format::state_word(it).to_owned())}</td>
            <th
                class="name"
                role="rowheader"
                scope="row"
                title=text(|it| it.name.clone())
                data-glow=glowing(|it| it.name.clone())
            >
                <b>{text(|it| it.name.clone())}</b>
                {health(row.clone())}
                {project(row.clone())}
            </th>
            <td class="image" title=text(|it| it.image.clone())>
                <span>{text(|it| format::image(&it.image).0)}</span>
                <i>{text(|it| format::image(&it.image).1)}</i>
            </td>
            <td class="ports" title=text(|it| port_texts(it).join(", "))>{ports(row.clone())}</td>
            <td class="nets" title=text(networks) data-glow=glowing(networks)>{text(networks)}</td>
            <td class="made"><Ago time=created(&row) /></td>
            <td class="age" data-glow=glowing(|it| it.started_at.max(it.finished_at).map(|at| at.to_string()).unwrap_or_default())>{status(row.clone())}</td>
            {buttons}
        </tr>
    }
    .into_any()
}

fn created(row: &Live) -> Timestamp {
    row.now().as_container().map(|it| it.created).unwrap_or_default()
}

fn networks(container: &Container) -> String {
    container.networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn port_texts(container: &Container) -> Vec<String> {
    format::ports(&container.ports).into_iter().map(|(text, _)| text).collect()
}

fn health(row: Live) -> impl IntoView {
    live(move || {
        let word = row.container(|it| it.health.map(Health::as_str))?;
        Some(view! { <i class="health" role="img" aria-label=word title=word></i> }.into_any())
    })
}

fn project(row: Live) -> impl IntoView {
    live(move || {
        let project = row.container(|it| it.project().map(str::to_owned))?;
        Some(view! { <small>{project}</small> }.into_any())
    })
}

/// Published TCP ports are links.
fn ports(row: Live) -> impl IntoView {
    let hostname = crate::views::Site::expect().hostname;
    live(move || {
        let ports = row.container(|it| it.ports.clone());
        let all = format::ports(&ports).into_iter().enumerate();
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
        parts.collect::<Vec<_>>()
    })
}

fn status(row: Live) -> impl IntoView {
    let now = expect_context::<Store>().now();
    live(move || row.container(|it| format::status(it, now.get())))
}

/// The two likeliest actions and the way to the others.
fn buttons(key: Key, row: Live) -> AnyView {
    let page = expect_context::<Page>();
    let acts = page.acts;
    let more = NodeRef::<html::Button>::new();
    let titled = |verb: fn(ContainerState) -> &'static str| {
        let row = row.clone();
        live(move || row.container(|it| format!("{} {}", verb(it.state), it.name)))
    };
    let first_class = {
        let row = row.clone();
        live(move || row.container(|it| Some(first(it.state).1)))
    };
    let busy = {
        let row = row.clone();
        live(move || row.container(|it| acts.is_pending(it).then_some("true")))
    };
    let do_first = {
        let (key, row) = (key.clone(), row.clone());
        move |_| {
            if let Some(container) = row.now().as_container() {
                acts.act(&key, first(container.state).0);
            }
        }
    };
    let restart = {
        let key = key.clone();
        move |_| acts.act(&key, ContainerAction::Restart { timeout: None })
    };
    let is_open = {
        let key = key.clone();
        live(move || acts.menu.with(|open| open.as_ref() == Some(&key)).then_some("true"))
    };
    let open = move |_| {
        acts.menu_from.set_value(more.get_untracked().map(Into::into));
        acts.menu.set(Some(key.clone()));
    };
    view! {
        <td class="act">
            <button
                class=first_class
                title=titled(|state| first(state).0.verb())
                aria-busy=busy
                on:click=on_click(do_first)
            ></button>
            <button class="restart" title=titled(|_| "Restart") on:click=on_click(restart)></button>
            <button
                class="more"
                node_ref=more
                title=titled(|_| "More actions for")
                aria-haspopup="menu"
                aria-expanded=is_open
                on:click=on_click(open)
            ></button>
        </td>
    }
    .into_any()
}

/// The likeliest action in a state, and the class of its button.
fn first(state: ContainerState) -> (ContainerAction, &'static str) {
    match state {
        ContainerState::Paused => (ContainerAction::Unpause, "unpause"),
        state if state.is_up() => (ContainerAction::Stop { timeout: None }, "stop"),
        _ => (ContainerAction::Start, "start"),
    }
}
