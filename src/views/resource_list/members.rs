//! Dialog that connects containers to a network and disconnects them.

use super::{fields::entry, row_menu::RowMenu};
use crate::{
    client::{ErasedMemo, Store, erased_memo, t},
    model::{Action, Container, ContainerId, ContainerState, EngineState, HostId, Key, Kind, NetworkAction, NetworkId},
    views::widgets::{boxed, choice, field, form},
};
use leptos::prelude::*;
use std::sync::Arc;

pub(super) fn members(menu: RowMenu, key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let Key::Network(host, id) = key.clone() else { return ().into_any() };
    let Some(name) = store.look(|state| state.get(key)?.as_network().map(|it| it.name.clone())) else {
        return ().into_any();
    };
    // Containers on the network, and all others.
    let both: ErasedMemo<(Vec<Named>, Vec<Named>)> = {
        let (host, name) = (host.clone(), name.clone());
        erased_memo(move || {
            store.track(Kind::Container);
            store.look(|state| {
                let on: Vec<_> = on_network(state, host.clone(), &name).map(named_id).collect();
                let could = |it: &&Arc<Container>| {
                    it.host == host && it.state != ContainerState::Removing && !on.iter().any(|(_, its)| *its == it.id)
                };
                let others = state.containers().filter(could).map(named_id).collect();
                (on, others)
            })
        })
    };
    let list = {
        let (host, id) = (host.clone(), id.clone());
        boxed(move || {
            let on = both.with(|(on, _)| on.clone());
            if on.is_empty() {
                return vec![view! { <li class="quiet">{t("No containers connected.")}</li> }.into_any()];
            }
            on.into_iter().map(|(name, container)| a_member(menu, &host, &id, name, container)).collect()
        })
    };
    let chosen = StoredValue::new(String::new());
    let choices = boxed(move || {
        let others = both.with(|(_, others)| others.clone());
        let known = chosen.get_value();
        // If the chosen container is gone, clear the choice instead of selecting another.
        if !others.iter().any(|(_, id)| id.as_str() == known) {
            chosen.set_value(String::new());
        }
        let mut options = vec![(String::new(), t("Select one").to_owned())];
        options.extend(others.into_iter().map(|(name, id)| (id.to_string(), name)));
        choice("Container to connect", options, &chosen.get_value(), Box::new(move |id| chosen.set_value(id)))
    });
    let ip = StoredValue::new(String::new());
    let set = move |text: String| ip.set_value(text);
    let fields = view! {
        <ul class="entries">{list}</ul>
        <div class="pair">
            {choices}
            {field("IP address (optional)", "text", String::new(), "172.20.0.9", Box::new(set))}
        </div>
    }
    .into_any();
    let send = move || {
        let container =
            ContainerId::new(&chosen.get_value()).map_err(|_| t("Select a container to connect").to_owned())?;
        let ip = Some(ip.get_value().trim().to_owned()).filter(|ip| !ip.is_empty());
        let action = NetworkAction::Connect { container, ip, aliases: Vec::new() };
        Ok(menu.send(Action::Network(host.clone(), id.clone(), action), t("Connected").to_owned()))
    };
    form(crate::t!("Manage connections of {}", name), fields, "Connect", Box::new(send), menu.closer())
}

type Named = (String, ContainerId);

fn named_id(container: &Arc<Container>) -> Named {
    (container.name.clone(), container.id.clone())
}

fn a_member(menu: RowMenu, host: &HostId, id: &NetworkId, name: String, container: ContainerId) -> AnyView {
    let (host, id) = (host.clone(), id.clone());
    let word = crate::t!("Disconnect {}", name);
    let (done, failed) = (crate::t!("{} disconnected", name), crate::t!("Couldn't disconnect {}", name));
    let disconnect = move |_| {
        let action = NetworkAction::Disconnect { container: container.clone(), force: false };
        menu.act(Action::Network(host.clone(), id.clone(), action), done.clone(), failed.clone());
    };
    entry(name, word, t("Disconnect"), Box::new(disconnect))
}

/// Compared by name, because Podman reports no other network ID in a container's networks.
pub(super) fn on_network<'a>(
    state: &'a EngineState,
    host: HostId,
    network: &'a str,
) -> impl Iterator<Item = &'a Arc<Container>> {
    let is_on = move |it: &&Arc<Container>| it.host == host && it.networks.iter().any(|at| at.name == network);
    state.containers().filter(is_on)
}
