//! What users ask an engine to do.

use super::{Call, Engine, EngineError, Silent};
use crate::model::{
    Action, ContainerAction, ContainerId, ImageAction, ImageId, ImageName, Labels, NetworkAction, NetworkId,
    NetworkName, NewNetwork, VolumeAction, VolumeName,
};
use bollard::{
    Docker,
    errors::Error,
    models::{
        EndpointIpamConfig, EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest, NetworkCreateRequest,
        NetworkDisconnectRequest, VolumeCreateRequest,
    },
    query_parameters as query,
};
use std::collections::HashMap;

impl Engine {
    /// Returns when the engine has done it. Gives the id of what it has made.
    pub async fn act(&self, action: &Action) -> Result<Option<String>, EngineError> {
        let docker = self.url.docker()?;
        let act = async {
            match action {
                Action::Container(_, id, action) => return self.on_container(&docker, id, action).await,
                Action::Image(_, id, action) => self.on_image(&docker, id, action).await?,
                Action::Volume(_, name, action) => return on_volume(&docker, name, action).await,
                Action::Network(_, id, action) => {
                    on_network(&docker, id, action).await?;
                    self.unsaid.add(match action {
                        NetworkAction::Connect { container, .. } | NetworkAction::Disconnect { container, .. } => {
                            Silent::Container(container.clone())
                        }
                        NetworkAction::Remove => Silent::Network(id.clone()),
                    });
                }
                Action::CreateNetwork(_, name, new) => {
                    let made = create_network(&docker, name, new).await?;
                    if let Some(id) = made.as_deref().and_then(|id| NetworkId::new(id).ok()) {
                        self.unsaid.add(Silent::Network(id));
                    }
                    return Ok(made);
                }
            }
            Ok(None)
        };
        self.calls.time(Call::from(action), act).await
    }

    pub async fn act_on_container(&self, id: &ContainerId, action: ContainerAction) -> Result<(), EngineError> {
        self.act(&Action::Container(self.host.clone(), id.clone(), action)).await.map(drop)
    }

    async fn on_container(
        &self,
        docker: &Docker,
        id: &ContainerId,
        action: &ContainerAction,
    ) -> Result<Option<String>, EngineError> {
        match action {
            ContainerAction::Update { limits, restart } => self.update(id, limits, restart.as_deref()).await?,
            ContainerAction::Commit { name, message } => return self.commit(id, name, message).await.map(Some),
            action => of_its_life(docker, id, action).await?,
        }
        Ok(None)
    }

    async fn on_image(&self, docker: &Docker, id: &ImageId, action: &ImageAction) -> Result<(), EngineError> {
        let remove = async |reference: &str, force: bool| {
            let options = query::RemoveImageOptions { force, noprune: false, ..Default::default() };
            docker.remove_image(reference, Some(options), None).await
        };
        let tag = async |name: &ImageName| {
            let (repo, tag) = repository_and_tag(name);
            let options = query::TagImageOptions { repo: Some(repo.to_owned()), tag: tag.map(str::to_owned) };
            docker.tag_image(id.as_str(), Some(options)).await
        };
        match action {
            ImageAction::Tag { name } => tag(name).await?,
            ImageAction::Untag { name } => {
                let names = self.image(id.as_str()).await?.map(|it| it.tags).unwrap_or_default();
                if !names.iter().any(|it| it == name.as_str()) {
                    return Err(EngineError::Refused { status: 404, message: format!("It is not called {name}") });
                }
                if names.len() == 1 {
                    let message = format!("{name} is its only name: the image would go with it");
                    return Err(EngineError::Refused { status: 409, message });
                }
                remove(name.as_str(), false).await?;
            }
            ImageAction::Remove { force } => {
                // By its id an image goes only while it has one name at most: the others go first, and come back where
                // the last one has to stay.
                let names = self.image(id.as_str()).await?.map(|it| it.tags).unwrap_or_default();
                let mut gone = Vec::new();
                let removed = async {
                    for name in names.iter().skip(1) {
                        remove(name, false).await?;
                        gone.push(name);
                    }
                    remove(id.as_str(), *force).await
                };
                if let Err(error) = removed.await {
                    for name in gone.into_iter().filter_map(|name| ImageName::new(name).ok()) {
                        if let Err(error) = tag(&name).await {
                            tracing::warn!(%error, %name, "an image that stays has lost a name");
                        }
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }
}

async fn of_its_life(docker: &Docker, id: &ContainerId, action: &ContainerAction) -> Result<(), Error> {
    let id = id.as_str();
    let seconds = |timeout: Option<u32>| timeout.and_then(|it| i32::try_from(it).ok());
    match action {
        ContainerAction::Start => docker.start_container(id, None::<query::StartContainerOptions>).await,
        ContainerAction::Stop { timeout } => {
            let options = || query::StopContainerOptions { t: seconds(*timeout), ..Default::default() };
            match docker.stop_container(id, Some(options())).await {
                // Podman stops nothing that is paused, Docker does.
                Err(error) if is_of_a_paused(&error) && docker.unpause_container(id).await.is_ok() => {
                    docker.stop_container(id, Some(options())).await
                }
                ended => ended,
            }
        }
        ContainerAction::Restart { timeout } => {
            let options = query::RestartContainerOptions { t: seconds(*timeout), ..Default::default() };
            docker.restart_container(id, Some(options)).await
        }
        ContainerAction::Pause => docker.pause_container(id).await,
        ContainerAction::Unpause => docker.unpause_container(id).await,
        ContainerAction::Kill { signal } => {
            let signal = signal.clone().unwrap_or_else(|| "KILL".into());
            docker.kill_container(id, Some(query::KillContainerOptions { signal })).await
        }
        ContainerAction::Rename { name } => {
            docker.rename_container(id, query::RenameContainerOptions { name: name.clone() }).await
        }
        ContainerAction::Remove { force, volumes } => {
            let options = query::RemoveContainerOptions { force: *force, v: *volumes, link: false };
            docker.remove_container(id, Some(options)).await
        }
        // They change nothing of its life.
        ContainerAction::Update { .. } | ContainerAction::Commit { .. } => Ok(()),
    }
}

fn is_of_a_paused(error: &Error) -> bool {
    says(error, "running or paused")
}

fn is_of_a_plugin(error: &Error) -> bool {
    says(error, "plugin type=") || says(error, "not in any subnet")
}

fn says(error: &Error, words: &str) -> bool {
    matches!(error, Error::DockerResponseServerError { message, .. } if message.contains(words))
}

async fn on_volume(docker: &Docker, name: &VolumeName, action: &VolumeAction) -> Result<Option<String>, EngineError> {
    match action {
        VolumeAction::Create { driver, options, labels } => {
            let request = VolumeCreateRequest {
                name: Some(name.to_string()),
                driver: driver.clone(),
                driver_opts: Some(map(options)),
                labels: Some(map(labels)),
                cluster_volume_spec: None,
            };
            // What exists already it would give back as if it were new.
            let taken = docker.inspect_volume(name.as_str()).await.is_ok();
            if taken {
                let message = format!("volume {name} already exists");
                return Err(EngineError::Refused { status: 409, message });
            }
            Ok(Some(docker.create_volume(request).await?.name))
        }
        VolumeAction::Remove { force } => {
            let options = query::RemoveVolumeOptions { force: *force };
            docker.remove_volume(name.as_str(), Some(options)).await?;
            Ok(None)
        }
    }
}

async fn on_network(docker: &Docker, id: &NetworkId, action: &NetworkAction) -> Result<(), Error> {
    match action {
        NetworkAction::Connect { container, ip, aliases } => {
            let ipam_config = ip.as_ref().map(|ip| {
                let (ipv4_address, ipv6_address) =
                    if ip.contains(':') { (None, Some(ip.clone())) } else { (Some(ip.clone()), None) };
                EndpointIpamConfig { ipv4_address, ipv6_address, link_local_ips: None }
            });
            let aliases = (!aliases.is_empty()).then(|| aliases.clone());
            let endpoint_config = Some(EndpointSettings { ipam_config, aliases, ..Default::default() });
            let request = NetworkConnectRequest { container: container.to_string(), endpoint_config };
            let connected = docker.connect_network(id.as_str(), request).await;
            // Podman notes it as connected before it looks whether it can, and can't inspect it after that.
            if connected.as_ref().is_err_and(is_of_a_plugin) {
                let request = NetworkDisconnectRequest { container: container.to_string(), force: Some(true) };
                let _ = docker.disconnect_network(id.as_str(), request).await;
            }
            connected
        }
        NetworkAction::Disconnect { container, force } => {
            let request = NetworkDisconnectRequest { container: container.to_string(), force: Some(*force) };
            docker.disconnect_network(id.as_str(), request).await
        }
        NetworkAction::Remove => {
            // By its id Podman removes one that containers are on, by its name it does not.
            let known = docker.inspect_network(id.as_str(), None::<query::InspectNetworkOptions>).await?;
            let name = known.name.unwrap_or_default();
            let named = docker.inspect_network(&name, None::<query::InspectNetworkOptions>).await;
            let is_it = named.is_ok_and(|it| it.id == known.id);
            docker.remove_network(if is_it { &name } else { id.as_str() }).await
        }
    }
}

async fn create_network(docker: &Docker, name: &NetworkName, new: &NewNetwork) -> Result<Option<String>, EngineError> {
    let ipam = (new.subnet.is_some() || new.gateway.is_some()).then(|| Ipam {
        config: Some(vec![IpamConfig {
            subnet: new.subnet.clone(),
            gateway: new.gateway.clone(),
            ..Default::default()
        }]),
        ..Default::default()
    });
    // A second one of the same name would be made: networks go by their ids.
    if docker.inspect_network(name.as_str(), None::<query::InspectNetworkOptions>).await.is_ok() {
        return Err(EngineError::Refused { status: 409, message: format!("network {name} already exists") });
    }
    let request = NetworkCreateRequest {
        name: name.to_string(),
        driver: new.driver.clone(),
        internal: Some(new.internal),
        attachable: Some(true),
        ipam,
        labels: Some(map(&new.labels)),
        ..Default::default()
    };
    Ok(Some(docker.create_network(request).await?.id))
}

fn map(labels: &Labels) -> HashMap<String, String> {
    labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// A colon after the last slash begins the tag, one before it the registry's port; an @ the digest, which stands for a tag.
pub(super) fn repository_and_tag(name: &ImageName) -> (&str, Option<&str>) {
    let name = name.as_str();
    if let Some((repository, digest)) = name.split_once('@') {
        return (repository, Some(digest));
    }
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[last..].split_once(':') {
        Some((_, tag)) => (&name[..name.len() - tag.len() - 1], Some(tag)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_no_port() {
        for (name, parts) in [
            ("nginx", ("nginx", None)),
            ("nginx:1.27", ("nginx", Some("1.27"))),
            ("127.0.0.1:5000/web", ("127.0.0.1:5000/web", None)),
            ("127.0.0.1:5000/web:2", ("127.0.0.1:5000/web", Some("2"))),
            ("127.0.0.1:5000/web@sha256:ab", ("127.0.0.1:5000/web", Some("sha256:ab"))),
        ] {
            assert_eq!(repository_and_tag(&ImageName::new(name).unwrap()), parts);
        }
    }
}
