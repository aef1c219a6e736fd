//! Network diagram: a lane for each network and a line across for each container. Lines never cross, however many there
//! are.

use super::views;
use crate::{
    client::{ErasedMemo, Store, erased_memo, t},
    model::{Container, EngineState, Kind, Network},
    views::{
        Site, format,
        widgets::{Command, boxed, empty},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug, Clone, Default, PartialEq)]
struct Picture {
    /// Networks with containers, the busiest first.
    lanes: Vec<Arc<Network>>,
    /// Containers on the same networks are adjacent.
    lines: Vec<Line>,
    /// Number of networks without containers.
    idle: usize,
}

#[derive(Debug, Clone, PartialEq)]
struct Line {
    container: Arc<Container>,
    /// Addresses by lane. `None` for a container that isn't running.
    at: BTreeMap<usize, Option<String>>,
    /// Whether the previous line is on other networks.
    begins: bool,
}

fn picture_of(state: &EngineState) -> Picture {
    let networks = state.entities(Kind::Network).filter_map(|it| it.as_network());
    let (mut lanes, idle): (Vec<_>, Vec<_>) = networks.cloned().partition(|it| it.usage.all > 0);
    lanes.sort_by(|a, b| (b.usage.all, &a.name, &a.id).cmp(&(a.usage.all, &b.name, &b.id)));
    let mut lines: Vec<Line> = state
        .containers()
        .filter_map(|container| {
            let lane = |name: &str| lanes.iter().position(|it| it.host == container.host && it.name == name);
            let at = container.networks.iter().filter_map(|it| Some((lane(&it.name)?, it.ip.clone())));
            let at: BTreeMap<_, _> = at.collect();
            (!at.is_empty()).then(|| Line { container: container.clone(), at, begins: false })
        })
        .collect();
    lines.sort_by(|a, b| {
        (a.at.keys().collect::<Vec<_>>(), &a.container.name).cmp(&(b.at.keys().collect(), &b.container.name))
    });
    for at in 1..lines.len() {
        lines[at].begins = !lines[at].at.keys().eq(lines[at - 1].at.keys());
    }
    Picture { lanes, lines, idle: idle.len() }
}

pub(super) fn picture() -> AnyView {
    let store = expect_context::<Store>();
    let site = Site::expect();
    let picture: ErasedMemo<Picture> = erased_memo(move || {
        store.track(Kind::Network);
        store.track(Kind::Container);
        store.look(picture_of)
    });
    let total =
        boxed(move || picture.with(|it| crate::t!("{} containers on {} networks", it.lines.len(), it.lanes.len())));
    let drawn = boxed(move || picture.with(|it| draw(it, &site)));
    view! {
        <Title text=t("Networks") />
        <div class="head">
            <h1>{t("Networks")} " " <small>{total}</small></h1>
            {views(true)}
        </div>
        {drawn}
    }
    .into_any()
}

fn draw(picture: &Picture, site: &Site) -> AnyView {
    if picture.lines.is_empty() {
        let command = view! { <Command text="docker run --network backend nginx" /> }.into_any();
        return empty("networks", t("No containers are connected to a network"), boxed(String::new), command);
    }
    let lane = |it: &Arc<Network>| {
        let href = site.page(&format!("/networks/{}", it.id));
        view! { <th scope="col"><a href=href title=it.name.clone()>{it.name.clone()}</a></th> }.into_any()
    };
    let lanes: Vec<_> = picture.lanes.iter().map(lane).collect();
    let lines: Vec<_> = picture.lines.iter().map(|it| line(it, &picture.lanes, site)).collect();
    let idle = match picture.idle {
        0 => None,
        count => {
            Some(format::count(count, ["{} other network has no containers.", "{} other networks have no containers."]))
        }
    };
    view! {
        <div class="canvas" role="region" aria-label=t("Network diagram") tabindex="0">
            <table class="picture">
                <thead><tr><td></td>{lanes}</tr></thead>
                <tbody>{lines}</tbody>
            </table>
            <p class="quiet padded">{idle}</p>
        </div>
    }
    .into_any()
}

fn line(line: &Line, lanes: &[Arc<Network>], site: &Site) -> AnyView {
    let it = &line.container;
    let href = site.page(&format!("/containers/{}", it.id));
    let (first, last) = (line.at.keys().next().copied(), line.at.keys().next_back().copied());
    let cell = |(at, lane): (usize, &Arc<Network>)| {
        let is_between = Some(at) > first && Some(at) < last;
        match line.at.get(&at) {
            None => view! { <td class=is_between.then_some("through")></td> }.into_any(),
            Some(ip) => {
                let ends = match (Some(at) == first, Some(at) == last) {
                    (true, true) => "on first last",
                    (true, false) => "on first",
                    (false, true) => "on last",
                    (false, false) => "on",
                };
                let words = format!("{}{}", lane.name, ip.as_ref().map(|ip| format!(", {ip}")).unwrap_or_default());
                let title = words.clone();
                view! {
                    <td class=ends title=title data-on=lane.name.clone()>
                        <i></i>
                        <span class="heard">{words}</span>
                    </td>
                }
                .into_any()
            }
        }
    };
    let cells: Vec<_> = lanes.iter().enumerate().map(cell).collect();
    view! {
        <tr
            data-member=it.name.clone()
            data-down=(!it.state.is_up()).then_some("")
            data-begins=line.begins.then_some("")
        >
            <th scope="row">
                <a class="state" data-state=it.state.to_string() href=href title=it.name.clone()>{it.name.clone()}</a>
            </th>
            {cells}
        </tr>
    }
    .into_any()
}
