//! Actions on containers, images, volumes and networks.

use super::{Call, EngineError, SilentChange, WritableEngine};
use crate::{
    message,
    model::{
        Action, ContainerAction, ContainerId, ContainerState, ImageAction, ImageId, ImageName, Labels, NetworkAction,
        NetworkId, NetworkName, NewNetwork, VolumeAction, VolumeName,
    },
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
use serde_json::json;
use std::collections::HashMap;

impl WritableEngine {
    /// Runs an action. Returns when the engine has finished it, with the id of the created entity, if any.
    pub async fn act(&self, action: &Action) -> Result<Option<String>, EngineError> {
        let docker = self.docker()?;
        let act = async {
            match action {
                Action::Container(_, id, action) => return self.on_container(&docker, id, action).await,
                Action::Image(_, id, action) => self.on_image(&docker, id, action).await?,
                Action::Volume(_, name, action) => return self.on_volume(&docker, name, action).await,
                Action::Network(_, id, action) => {
                    self.on_network(&docker, id, action).await?;
                    self.silent_changes.add(match action {
                        NetworkAction::Connect { container, .. } | NetworkAction::Disconnect { container, .. } => {
                            SilentChange::Container(container.clone())
                        }
                        NetworkAction::Remove => SilentChange::Network(id.clone()),
                    });
                }
                Action::CreateNetwork(_, name, new) => {
                    let made = self.create_network(name, new).await?;
                    if let Some(id) = made.as_deref().and_then(|id| NetworkId::new(id).ok()) {
                        self.silent_changes.add(SilentChange::Network(id));
                    }
                    return Ok(made);
                }
            }
            Ok(None)
        };
        match self.calls.act(Call::from(action), act).await {
            Err(error) => Err(self.explain(action, error).await),
            done => done,
        }
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
            action => self.of_its_life(docker, id, action).await?,
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
                    return Err(EngineError::refused(404, message!("It isn't tagged {name}", name)));
                }
                if names.len() == 1 {
                    let message = message!("{name} is the only tag. Removing it would remove the image", name);
                    return Err(EngineError::refused(409, message));
                }
                remove(name.as_str(), false).await?;
            }
            ImageAction::Remove { force } => {
                // An image can be removed by its id only if it has at most one name. The other names are removed first, and
                // restored if removing the image fails.
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
                            tracing::warn!(%error, %name, "failed to restore a tag of an image that wasn't removed");
                        }
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    async fn of_its_life(&self, docker: &Docker, whose: &ContainerId, action: &ContainerAction) -> Result<(), Error> {
        let id = whose.as_str();
        let seconds = |timeout: Option<u32>| timeout.and_then(|it| i32::try_from(it).ok());
        match action {
            ContainerAction::Start => docker.start_container(id, None::<query::StartContainerOptions>).await,
            ContainerAction::Stop { timeout } => {
                let options = || query::StopContainerOptions { t: seconds(*timeout), ..Default::default() };
                match docker.stop_container(id, Some(options())).await {
                    // Podman can't stop a paused container, Docker can.
                    Err(error) if is_a_refusal(&error) && self.is_paused(whose).await => {
                        docker.unpause_container(id).await?;
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
            // `on_container` handles these: they don't change the container's state.
            ContainerAction::Update { .. } | ContainerAction::Commit { .. } => Ok(()),
        }
    }

    async fn is_paused(&self, id: &ContainerId) -> bool {
        self.container(id).await.ok().flatten().is_some_and(|it| it.state == ContainerState::Paused)
    }

    async fn on_volume(
        &self,
        docker: &Docker,
        name: &VolumeName,
        action: &VolumeAction,
    ) -> Result<Option<String>, EngineError> {
        match action {
            VolumeAction::Create { driver, options, labels } => {
                // The engine would return an existing volume as if it were new.
                if self.volume(name).await?.is_some() {
                    return Err(EngineError::refused(409, message!("volume {name} already exists", name)));
                }
                let request = VolumeCreateRequest {
                    name: Some(name.to_string()),
                    driver: driver.clone(),
                    driver_opts: Some(map(options)),
                    labels: Some(map(labels)),
                    cluster_volume_spec: None,
                };
                self.post("/volumes/create", &json!(request)).await?;
                Ok(Some(name.to_string()))
            }
            VolumeAction::Remove { force } => {
                let options = query::RemoveVolumeOptions { force: *force };
                docker.remove_volume(name.as_str(), Some(options)).await?;
                Ok(None)
            }
        }
    }

    async fn on_network(&self, docker: &Docker, id: &NetworkId, action: &NetworkAction) -> Result<(), EngineError> {
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
                let was_on = self.is_on(container, id).await?;
                let connected = docker.connect_network(id.as_str(), request).await;
                // Podman 4 records the container as connected before it checks whether it can connect, and can't inspect it
                // afterwards.
                if !was_on && connected.as_ref().is_err_and(is_a_refusal) {
                    let request = NetworkDisconnectRequest { container: container.to_string(), force: Some(true) };
                    let _ = docker.disconnect_network(id.as_str(), request).await;
                }
                Ok(connected?)
            }
            NetworkAction::Disconnect { container, force } => {
                let request = NetworkDisconnectRequest { container: container.to_string(), force: Some(*force) };
                Ok(docker.disconnect_network(id.as_str(), request).await?)
            }
            NetworkAction::Remove => {
                // Given an id, Podman removes even a network that containers are connected to; given a name, it doesn't.
                let named = match self.network(id).await? {
                    Some(known) => self.network_called(&known.name).await?.filter(|it| it.id == *id),
                    None => None,
                };
                let place = named.as_ref().map_or(id.as_str(), |it| &it.name);
                Ok(docker.remove_network(place).await?)
            }
        }
    }

    async fn create_network(&self, name: &NetworkName, new: &NewNetwork) -> Result<Option<String>, EngineError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Made {
            id: String,
        }
        let ipam = (new.subnet.is_some() || new.gateway.is_some()).then(|| Ipam {
            config: Some(vec![IpamConfig {
                subnet: new.subnet.clone(),
                gateway: new.gateway.clone(),
                ..Default::default()
            }]),
            ..Default::default()
        });
        // The engine would create a second network of the same name: networks are identified by their ids.
        if self.network_called(name.as_str()).await?.is_some() {
            return Err(EngineError::refused(409, message!("network {name} already exists", name)));
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
        let made: Made = self.post_json("/networks/create", &json!(request)).await?;
        Ok(Some(made.id))
    }
}

fn is_a_refusal(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, .. } if *status_code != 304)
}

fn map(labels: &Labels) -> HashMap<String, String> {
    labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Splits a name into repository and tag. A colon after the last slash starts the tag, one before it the registry's port. An
/// `@` starts the digest, which takes the place of a tag.
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
    fn registry_port_is_not_parsed_as_a_tag() {
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
