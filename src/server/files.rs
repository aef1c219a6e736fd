//! Access to files in containers and volumes.

use super::{
    app::App,
    auth::{Caller, require},
    engine::{Engine, FileAccess},
};
use crate::{
    message,
    model::{ContainerId, ContainerState, FilesOf, HostId, MountKind, Permission, VolumeName},
    wire::ActionError,
};

/// The caller must already have checked the permission to read or write the files.
pub async fn reach(app: &App, caller: &Caller, engine: &Engine, of: &FilesOf) -> Result<FileAccess, ActionError> {
    let host = engine.host();
    let writable = app.hosts.writable(host);
    let (writable, listers) = match of {
        FilesOf::Container(id) => match writable {
            Ok(writable) => (writable, Vec::new()),
            Err(_) => return Ok(engine.reach_container(id).await?),
        },
        FilesOf::Volume(name) => {
            let hint = message!(
                "Browsing a volume requires a temporary helper container, which isn't allowed in read-only mode."
            );
            (writable.map_err(|refused| refused.hint(hint))?, running_with(app, host, name))
        }
    };
    let may_list = require(app, caller, Permission::Execute).is_ok();
    Ok(writable.reach(of, may_list, &listers).await?)
}

/// Running containers that mount the volume, with the mount point.
fn running_with(app: &App, host: &HostId, volume: &VolumeName) -> Vec<(ContainerId, String)> {
    app.reader.look(|state| {
        let running = state.containers().filter(|it| it.host == *host && it.state == ContainerState::Running);
        running
            .filter_map(|container| {
                let mut mounts = container.mounts.iter();
                let mount = mounts.find(|it| it.kind == MountKind::Volume && it.source == volume.as_str())?;
                Some((container.id.clone(), mount.destination.trim_end_matches('/').to_owned()))
            })
            .collect()
    })
}
