//! Dialogs that create volumes and networks, and restore a volume from a backup.

use super::{
    fields::{Text, host, lines, pairs, said, text},
    images,
    row_menu::RowMenu,
};
use crate::{
    client::t,
    model::{Action, Key, NetworkName, NewNetwork, VolumeAction, VolumeName},
    views::{
        Site,
        upload::chosen_file,
        widgets::{Sent, check, choice, form},
    },
};
use leptos::prelude::*;

pub(super) fn new_volume(menu: RowMenu) -> AnyView {
    let [name, driver, options, labels] = [(); 4].map(|()| Text::default());
    let host = host();
    let fields = view! {
        <div class="pair">
            {text("Name", "data", name)}
            {text("Driver", "local", driver)}
        </div>
        {lines("Driver options", "type=nfs", options)}
        {lines("Labels", "team=web", labels)}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let name = VolumeName::new(&name.get_value()).map_err(|_| t(NAME).to_owned())?;
        let action = VolumeAction::Create { driver: said(driver), options: pairs(options)?, labels: pairs(labels)? };
        let done = crate::t!("{} created", name);
        Ok(menu.send(Action::Volume(host.clone()?, name, action), done))
    };
    form(t("Create a volume").to_owned(), fields, "Create", Box::new(send), menu.closer())
}

/// Docker's rule for names, checked before sending.
const NAME: &str =
    "Names must start with a letter or digit and contain only letters, digits, dots, dashes and underscores";

pub(super) fn new_network(menu: RowMenu) -> AnyView {
    let [name, subnet, gateway, labels] = [(); 4].map(|()| Text::default());
    let driver = StoredValue::new("bridge".to_owned());
    let internal = StoredValue::new(false);
    let host = host();
    let drivers = vec![("bridge", "bridge"), ("macvlan", "macvlan"), ("ipvlan", "ipvlan"), ("overlay", "overlay")];
    let fields = view! {
        <div class="pair">
            {text("Name", "front", name)}
            {choice("Driver", drivers, "bridge", Box::new(move |it| driver.set_value(it)))}
        </div>
        <div class="pair">
            {text("Subnet (optional)", "172.28.0.0/16", subnet)}
            {text("Gateway (optional)", "172.28.0.1", gateway)}
        </div>
        {check(t("Internal (no external access)").to_owned(), false, Box::new(move |it| internal.set_value(it)))}
        {lines("Labels", "team=web", labels)}
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let name = NetworkName::new(&name.get_value()).map_err(|_| t(NAME).to_owned())?;
        if said(gateway).is_some() && said(subnet).is_none() {
            return Err(t("Enter the subnet the gateway belongs to").to_owned());
        }
        let new = NewNetwork {
            driver: Some(driver.get_value()),
            subnet: said(subnet),
            gateway: said(gateway),
            internal: internal.get_value(),
            labels: pairs(labels)?,
        };
        let done = crate::t!("{} created", name);
        Ok(menu.send(Action::CreateNetwork(host.clone()?, name, new), done))
    };
    form(t("Create a network").to_owned(), fields, "Create", Box::new(send), menu.closer())
}

/// Restores a volume from a backup.
pub(super) fn restore(menu: RowMenu, key: &Key) -> AnyView {
    let Key::Volume(host, name) = key.clone() else { return ().into_any() };
    let file = NodeRef::<leptos::html::Input>::new();
    let site = Site::expect();
    let title = crate::t!("Restore {}", name);
    let fields = view! {
        <label class="field">
            <span>{t("Backup archive (.tar)")}</span>
            <input type="file" accept=".tar,.tar.gz,.tgz,.tar.xz,.tar.bz2" node_ref=file />
        </label>
        <p>{t("Files with the same name are overwritten; other files are kept. Stop containers that write to this volume first.")}</p>
    }
    .into_any();
    let send = move || -> Result<Sent, String> {
        let file = chosen_file(file).ok_or_else(|| t("Choose a file").to_owned())?;
        Ok(images::upload(menu, site.page(&format!("/api/volumes/{name}/restore?host={host}")), async {
            Ok(file.into())
        }))
    };
    form(title, fields, "Restore", Box::new(send), menu.closer())
}
