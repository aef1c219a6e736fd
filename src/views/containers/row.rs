//! Row of a container: a table row or a card, depending on the style sheet alone.
//!
//! A row has one effect, which draws it from what one memo gathers. An effect per cell made a row ten times as
//! expensive, which shows when scrolling through ten thousand rows. Only the two cells that depend on the clock have their
//! own effect: redrawing a hundred rows every second would delay a change by 40 ms. Rows have no event handlers either: the
//! table handles events for all rows, see `list.rs`.

use super::{page::Page, usage};
use crate::{
    client::{Store, scoped_memo, t},
    model::{Container, ContainerAction, ContainerState, Health, Key, Permission, Port, Protocol, Timestamp},
    views::{
        Site, format, may,
        widgets::{Glow, boxed, memo_view},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

/// Empty if the container is already gone.
pub(super) fn row(key: Key) -> AnyView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let site = Site::expect();
    let Some(row) = store.entity(&key) else {
        return ().into_any();
    };
    let (now, used_by) = (store.now(), key.clone());
    let drawn = scoped_memo(move || {
        let entity = row.get();
        let it = entity.as_container()?;
        Some(Drawn {
            is_pending: page.actions.is_pending(it),
            is_selected: page.selected.with(|selected| selected.binary_search(&key).is_ok()),
            is_open: page.actions.menu.with(|open| open.as_ref() == Some(&key)),
            container: it.clone(),
        })
    });
    let mut glows = Glows::default();
    boxed(move || {
        let drawn = drawn.get();
        drawn.map_or_else(
            || ().into_any(),
            |it| {
                let used = usage::cells(&store, &used_by, it.container.state);
                cells(&it, glows.of(&it.container), &site, &now, used)
            },
        )
    })
    .into_any()
}

/// The data that a row is drawn from.
#[derive(Clone, PartialEq)]
struct Drawn {
    container: Arc<Container>,
    is_pending: bool,
    is_selected: bool,
    is_open: bool,
}

/// Change highlights of the cells.
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

/// Each cell keeps the data it is drawn from, so a change redraws only the affected cells.
fn cells(drawn: &Drawn, glows: [Mark; 4], site: &Site, now: &ArcRwSignal<Timestamp>, used: AnyView) -> AnyView {
    let it = &drawn.container;
    let [state_glow, name_glow, nets_glow, age_glow] = glows;
    let restarts = it.restart_count.filter(|count| *count > 0).map(|count| count.to_string());
    let name = &it.name;
    let href = site.page(&format!("/containers/{}", it.id));
    let named = Named {
        href,
        name: name.clone(),
        health: it.health,
        project: it.project().map(str::to_owned),
        glow: name_glow,
    };
    let first = first(it.state);
    let times = (it.state, it.started_at, it.finished_at, it.exit_code);
    let may_operate = may(Permission::Operate);
    let acts = Acts { first: may_operate.then_some(first), has_menu: may_operate || may(Permission::Reveal) };
    let (made, aged, made_now, age_now) = (it.clone(), it.clone(), now.clone(), now.clone());
    view! {
        <tr
            role="row"
            data-entity="container"
            data-id=it.id.to_string()
            data-name=name.clone()
            data-state=it.state.as_str()
            data-health=it.health.map(Health::as_str)
            data-restarts=restarts
            data-code=it.failed_with().map(|code| code.to_string())
        >
            {memo_view((name.clone(), drawn.is_selected), pick_cell)}
            {memo_view((format::state_word(it), state_glow), state_cell)}
            {memo_view(named, name_cell)}
            {memo_view(it.image.clone(), |image| image_cell(image))}
            {memo_view((it.ports.clone(), site.hostname.clone()), ports_cell)}
            {memo_view((networks(it), nets_glow), networks_cell)}
            {used}
            {memo_view(it.created, move |_| made_cell(&made, &made_now))}
            {memo_view((times, age_glow), move |(_, glow)| age_cell(&aged, &age_now, *glow))}
            {memo_view((name.clone(), acts, drawn.is_pending, drawn.is_open), act_cell)}
        </tr>
    }
    .into_any()
}

fn pick_cell((name, is_selected): &(String, bool)) -> AnyView {
    view! {
        <td class="pick">
            <input type="checkbox" aria-label=crate::t!("Select {}", name) prop:checked=*is_selected />
        </td>
    }
    .into_any()
}

fn state_cell((word, glow): &(&'static str, Mark)) -> AnyView {
    view! { <td class="state" data-glow=*glow>{*word}</td> }.into_any()
}

#[derive(PartialEq)]
struct Named {
    href: String,
    name: String,
    health: Option<Health>,
    project: Option<String>,
    glow: Mark,
}

fn name_cell(it: &Named) -> AnyView {
    let health = it.health.map(Health::as_str).map(t);
    view! {
        <th class="name" role="rowheader" scope="row" title=it.name.clone() data-glow=it.glow>
            <a href=it.href.clone()>{it.name.clone()}</a>
            {health.map(|word| view! { <i class="health" role="img" aria-label=word title=word></i> }.into_any())}
            {it.project.clone().map(|project| view! { <small>{project}</small> }.into_any())}
        </th>
    }
    .into_any()
}

fn image_cell(image: &str) -> AnyView {
    let (repository, tag) = format::image(image);
    view! {
        <td class="image" title=image.to_owned()>
            <span>{repository}</span>
            <i>{tag}</i>
        </td>
    }
    .into_any()
}

fn networks_cell((networks, glow): &(String, Mark)) -> AnyView {
    view! { <td class="nets" title=networks.clone() data-glow=*glow>{networks.clone()}</td> }.into_any()
}

fn made_cell(it: &Arc<Container>, now: &ArcRwSignal<Timestamp>) -> AnyView {
    view! {
        <td class="made">
            <time datetime=it.created.to_string() title=format::exact(it.created)>
                {at_time(now, it, |it, now| format::ago(it.created, now))}
            </time>
        </td>
    }
    .into_any()
}

fn age_cell(it: &Arc<Container>, now: &ArcRwSignal<Timestamp>, glow: Mark) -> AnyView {
    view! { <td class="age" data-glow=glow>{at_time(now, it, format::status)}</td> }.into_any()
}

/// The actions on a container that the user may choose.
#[derive(PartialEq)]
struct Acts {
    /// The most likely action, with its button's class.
    first: Option<(ContainerAction, &'static str)>,
    /// Whether the menu has items.
    has_menu: bool,
}

/// Takes the name, what the user may do, whether an action is pending, and whether the menu is open.
fn act_cell((name, acts, is_pending, is_open): &(String, Acts, bool, bool)) -> AnyView {
    let Acts { first, has_menu } = acts;
    let acts = first.as_ref().map(|(action, class)| {
        view! {
            <button
                class=*class
                title=crate::t!("{} {}", t(action.verb()), name)
                aria-busy=is_pending.then_some("true")
            ></button>
            <button class="restart" title=crate::t!("Restart {}", name)></button>
        }
        .into_any()
    });
    let more = has_menu.then(|| {
        view! {
            <button
                class="more"
                title=crate::t!("More actions for {}", name)
                aria-haspopup="menu"
                aria-expanded=is_open.then_some("true")
            ></button>
        }
        .into_any()
    });
    view! { <td class="act">{acts} {more}</td> }.into_any()
}

/// A text that depends on the clock.
fn at_time(
    now: &ArcRwSignal<Timestamp>,
    container: &Arc<Container>,
    tell: fn(&Container, Timestamp) -> String,
) -> AnyView {
    let (container, now) = (container.clone(), now.clone());
    let text = scoped_memo(move || tell(&container, now.get()));
    boxed(move || text.get()).into_any()
}

fn networks(container: &Container) -> String {
    container.networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Published TCP ports are links.
fn ports_cell((ports, hostname): &(Vec<Port>, Arc<str>)) -> AnyView {
    let all = format::ports(ports);
    let title = all.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(", ");
    let parts = all.into_iter().enumerate().map(|(number, (text, port))| {
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
    let parts: Vec<AnyView> = parts.collect();
    view! { <td class="ports" title=title>{parts}</td> }.into_any()
}

/// The most likely action in a state, and the class of its button: see [`action_of`].
pub fn first(state: ContainerState) -> (ContainerAction, &'static str) {
    match state {
        ContainerState::Paused => (ContainerAction::Unpause, "unpause"),
        state if state.is_up() => (ContainerAction::Stop { timeout: None }, "stop"),
        _ => (ContainerAction::Start, "start"),
    }
}

/// The action of a row's button, by its class: the action it shows, not one derived from the container's state at click time.
pub(super) fn action_of(class: &str) -> Option<ContainerAction> {
    Some(match class {
        "start" => ContainerAction::Start,
        "stop" => ContainerAction::Stop { timeout: None },
        "unpause" => ContainerAction::Unpause,
        "restart" => ContainerAction::Restart { timeout: None },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn button_performs_its_shown_action_in_every_state() {
        for state in ContainerState::ALL {
            let (action, class) = first(state);
            assert_eq!(action_of(class), Some(action), "{state}");
        }
        assert_eq!(action_of("more"), None);
    }
}
