//! Whose files are reached, and by which way.

use super::{
    app::App,
    engine::{Engine, Reach},
};
use crate::{
    model::{ContainerId, ContainerState, FilesOf, HostId, MountKind, VolumeName},
    wire::{ActionError, ErrorKind},
};

pub async fn reach(app: &App, engine: &Engine, of: &FilesOf) -> Result<Reach, ActionError> {
    let mounts = match of {
        FilesOf::Container(_) => Vec::new(),
        FilesOf::Volume(_) if app.read_only => {
            return Err(ActionError::new(ErrorKind::Forbidden, "This server is read-only")
                .hint("A volume is reached by a container that is made for a moment, and none is made here."));
        }
        FilesOf::Volume(name) => running_with(app, engine.host(), name),
    };
    Ok(engine.reach(of, &mounts).await?)
}

/// Containers that run and have the volume, and where.
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
