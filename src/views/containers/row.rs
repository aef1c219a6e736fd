//! One container: a row of the table, or a card, by style alone.

use super::page::Page;
use crate::{
    client::Store,
    model::{Container, ContainerAction, ContainerId, ContainerState, Health, Protocol, Scoped},
    views::{
        format,
        widgets::{Ago, glow, live as boxed},
    },
};
use leptos::{html, prelude::*};
use std::sync::Arc;

type Live = ArcRwSignal<Arc<Container>>;

/// Nothing when it is gone already.
#[component]
pub(super) fn Row(id: Scoped<ContainerId>) -> impl IntoView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let live = store.container(&id)?;
    // Each reader has its own handle; the value is one.
    let it = || live.clone();
    let read = |read: fn(&Container) -> String| {
        let live = it();
        boxed(move || live.with(|container| read(container)))
    };
    let failed = |container: &Container| container.state == ContainerState::Exited && container.exit_code.is_some_and(|code| code != 0);
    let select = {
        let id = id.clone();
        move |_| {
            page.selected.update(|selected| {
                if !selected.remove(&id) {
                    selected.insert(id.clone());
                }
            });
        }
    };
    let is_selected = {
        let id = id.clone();
        move || page.selected.with(|selected| selected.contains(&id))
    };
    let full_id = id.1.to_string();
    Some(view! {
        <tr
            role="row"
            data-entity="container"
            data-id=full_id
            data-name=read(|it| it.name.clone())
            data-state=read(|it| it.state.to_string())
            data-health={ let live = it(); boxed(move || live.with(|it| it.health.map(Health::as_str))) }
            data-restarts={ let live = it(); boxed(move || live.with(|it| it.restart_count.filter(|count| *count > 0).map(|count| count.to_string()))) }
            data-code={ let live = it(); boxed(move || live.with(|it| failed(it).then(|| it.exit_code.unwrap_or_default().to_string()))) }
        >
            <td class="pick">
                <input
                    type="checkbox"
                    aria-label=read(|it| format!("Select {}", it.name))
                    prop:checked=is_selected
                    on:change=select
                />
            </td>
            <td class="state" data-glow={ let live = it(); glow(move || live.with(|it| it.state)) }>
                {read(|it| format::state_word(it).to_owned())}
            </td>
            <Name live=it() />
            <td class="image" title=read(|it| it.image.clone())>{read(|it| it.image.clone())}</td>
            <Ports live=it() />
            <td class="nets" title=read(networks) data-glow={ let live = it(); glow(move || live.with(networks_of)) }>
                {read(networks)}
            </td>
            <td class="made">
                <Ago time={ let live = it(); Signal::derive(move || live.with(|it| it.created)) } />
            </td>
            <Status live=it() />
            <Buttons id live=it() />
        </tr>
    })
}

fn networks(container: &Container) -> String {
    container.networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn networks_of(container: &Arc<Container>) -> String {
    networks(container)
}

#[component]
fn Name(live: Live) -> impl IntoView {
    let (name, title, project, health, glowing) =
        (live.clone(), live.clone(), live.clone(), live.clone(), live);
    let health = Memo::new(move |_| health.with(|it| it.health));
    view! {
        <th
            class="name"
            role="rowheader"
            scope="row"
            title=boxed(move || title.with(|it| it.name.clone()))
            data-glow=glow(move || glowing.with(|it| it.name.clone()))
        >
            <b>{boxed(move || name.with(|it| it.name.clone()))}</b>
            {boxed(move || health.get().map(|health| {
                let word = health.as_str();
                view! { <i class="health" role="img" aria-label=word title=word></i> }.into_any()
            }))}
            {boxed(move || project.with(|it| it.project().map(|project| view! { <small>{project.to_owned()}</small> }.into_any())))}
        </th>
    }
}

#[component]
fn Ports(live: Live) -> impl IntoView {
    let ports = Memo::new(move |_| live.with(|it| it.ports.clone()));
    let title = boxed(move || {
        ports.with(|ports| {
            let all: Vec<String> = format::ports(ports).into_iter().map(|(text, _)| text).collect();
            (all.len() > 1).then(|| all.join(", "))
        })
    });
    let links = boxed(move || {
        ports.with(|ports| {
            let all = format::ports(ports).into_iter().enumerate();
            all.map(|(number, (text, port))| {
                let comma = (number > 0).then_some(", ");
                let link = (port.protocol == Protocol::Tcp).then_some(port.public).flatten();
                let shown = match link {
                    Some(public) => leptos::either::Either::Left(view! {
                        <a href=format!("http://localhost:{public}") target="_blank" rel="noreferrer">{text}</a>
                    }),
                    None => leptos::either::Either::Right(text),
                };
                view! { {comma} {shown} }
            })
            .collect_view()
            .into_any()
        })
    });
    view! { <td class="ports" title=title>{links}</td> }
}

#[component]
fn Status(live: Live) -> impl IntoView {
    let now = expect_context::<Store>().now();
    let changed = live.clone();
    // The words change by the second at most, the glow only with what happened.
    let words = Memo::new(move |_| live.with(|it| format::status(it, now.get())));
    view! {
        <td class="age" data-glow=glow(move || changed.with(|it| (it.state, it.exit_code, it.started_at)))>
            {boxed(move || words.get())}
        </td>
    }
}

/// The two likeliest actions and the way to the others.
#[component]
fn Buttons(id: Scoped<ContainerId>, live: Live) -> impl IntoView {
    let page = expect_context::<Page>();
    let acts = page.acts;
    let more = NodeRef::<html::Button>::new();
    let state = {
        let live = live.clone();
        Memo::new(move |_| live.with(|it| it.state))
    };
    let busy = {
        let live = live.clone();
        Memo::new(move |_| live.with(|it| acts.is_pending(it)))
    };
    let titled = |verb: fn(ContainerState) -> &'static str| {
        let live = live.clone();
        boxed(move || live.with(|it| format!("{} {}", verb(it.state), it.name)))
    };
    let first_class = boxed(move || match state.get() {
        ContainerState::Paused => "unpause",
        state if state.is_up() => "stop",
        _ => "start",
    });
    let first = {
        let id = id.clone();
        move |_| {
            let action = match state.get_untracked() {
                ContainerState::Paused => ContainerAction::Unpause,
                state if state.is_up() => ContainerAction::Stop { timeout: None },
                _ => ContainerAction::Start,
            };
            acts.act(id.clone(), action);
        }
    };
    let restart = {
        let id = id.clone();
        move |_| acts.act(id.clone(), ContainerAction::Restart { timeout: None })
    };
    let is_open = {
        let id = id.clone();
        Memo::new(move |_| acts.menu.with(|open| open.as_ref() == Some(&id)))
    };
    let open = move |_| {
        acts.menu_from.set_value(more.get_untracked().map(Into::into));
        acts.menu.set(Some(id.clone()));
    };
    view! {
        <td class="act">
            <button class=first_class title=titled(first_verb) aria-busy=boxed(move || busy.get().then_some("true")) on:click=first></button>
            <button class="restart" title=titled(|_| "Restart") on:click=restart></button>
            <button
                class="more"
                node_ref=more
                title=titled(|_| "More actions for")
                aria-haspopup="menu"
                aria-expanded=boxed(move || is_open.get().then_some("true"))
                on:click=open
            ></button>
        </td>
    }
}

fn first_verb(state: ContainerState) -> &'static str {
    match state {
        ContainerState::Paused => "Unpause",
        state if state.is_up() => "Stop",
        _ => "Start",
    }
}
