//! Engine refusals: cause and advice are the same on every engine, whatever its error message.

use crate::support::{Docker, IMAGE, engine_url, eventually, hint_of, local};
use quaylight::{
    model::{
        Action, ContainerAction, ContainerId, ContainerName, ContainerSpec, ImageAction, ImageId, Labels,
        NetworkAction, NetworkId, NetworkName, NewNetwork, VolumeAction, VolumeName,
    },
    server::engine::{LogRange, Shell, WritableEngine},
    wire::{ActionError, ErrorKind},
};
use serde_json::json;
use std::{net::TcpListener, time::Duration};

const CONFLICT: ErrorKind = ErrorKind::Conflict;

struct Asking {
    docker: Docker,
    engine: WritableEngine,
}

impl Asking {
    fn new() -> Self {
        Self { docker: Docker::new(), engine: WritableEngine::new(local(), engine_url().parse().unwrap()) }
    }

    async fn id(&self, name: &str) -> ContainerId {
        ContainerId::new(&self.docker.run(&["inspect", "--format", "{{.Id}}", name]).await).unwrap()
    }

    async fn created(&self, name: &str, options: &[&str]) -> ContainerId {
        self.id(&self.docker.create(name, options).await).await
    }

    async fn running(&self, name: &str) -> ContainerId {
        let id = self.created(name, &[]).await;
        self.engine.act_on_container(&id, ContainerAction::Start).await.unwrap();
        id
    }

    #[track_caller]
    fn refused(&self, action: Action, kind: ErrorKind, hint: &str) -> impl Future<Output = ActionError> {
        let at = std::panic::Location::caller();
        let (engine, hint) = (self.engine.clone(), hint.to_owned());
        async move {
            let error = engine.act(&action).await.expect_err("it is refused");
            let error = ActionError::from(error);
            assert_eq!((error.kind, hint_of(&error)), (kind, hint), "{at}: {}", error.message);
            error
        }
    }

    #[track_caller]
    fn refused_to(
        &self,
        id: &ContainerId,
        action: ContainerAction,
        kind: ErrorKind,
        hint: &str,
    ) -> impl Future<Output = ActionError> {
        self.refused(Action::Container(local(), id.clone(), action), kind, hint)
    }
}

#[tokio::test]
async fn action_in_the_wrong_container_state_is_refused_with_a_hint() {
    let asking = Asking::new();
    let (fresh, running, paused) =
        (asking.created("fresh", &[]).await, asking.running("running").await, asking.running("paused").await);
    asking.engine.act_on_container(&paused, ContainerAction::Pause).await.unwrap();

    let remove = ContainerAction::Remove { force: false, volumes: false };
    let hint = "Stop it first, or force removal.";
    asking.refused_to(&running, remove.clone(), CONFLICT, hint).await;
    let hint = "Unpause and stop it first, or force removal.";
    asking.refused_to(&paused, remove, CONFLICT, hint).await;
    asking.refused_to(&paused, ContainerAction::Start, CONFLICT, "Unpause it first.").await;
    asking.refused_to(&paused, ContainerAction::Pause, CONFLICT, "It's already paused.").await;
    asking.refused_to(&fresh, ContainerAction::Pause, CONFLICT, "Start it first.").await;
    asking.refused_to(&running, ContainerAction::Unpause, CONFLICT, "It's already running.").await;
    asking.refused_to(&fresh, ContainerAction::Kill { signal: None }, CONFLICT, "Start it first.").await;

    let error = ActionError::from(asking.engine.processes(&fresh).await.unwrap_err());
    assert_eq!((error.kind, hint_of(&error).as_str()), (CONFLICT, "Start it first."), "{error}");
    for (id, hint) in [(&fresh, "Start it first."), (&paused, "Unpause it first.")] {
        let shell = Shell { columns: 80, rows: 24, ..Shell::default() };
        let Err(error) = asking.engine.terminal(id, shell).await else { panic!("there is a shell in {id}") };
        let error = ActionError::from(error);
        assert_eq!((error.kind, hint_of(&error).as_str()), (CONFLICT, hint), "{error}");
    }
    asking.engine.act_on_container(&paused, ContainerAction::Unpause).await.unwrap();
}

#[tokio::test]
async fn taken_or_invalid_container_name_is_refused() {
    let asking = Asking::new();
    let (fresh, other) = (asking.created("fresh", &[]).await, asking.docker.create("other", &[]).await);
    let rename = |name: &str| ContainerAction::Rename { name: name.to_owned() };
    let hint = "Use a different name, or remove the existing container.";
    asking.refused_to(&fresh, rename(&other), CONFLICT, hint).await;
    let bad = "Use a name that starts with a letter or digit and contains only letters, digits, dots, dashes and underscores.";
    asking.refused_to(&fresh, rename("a b"), ErrorKind::Invalid, bad).await;

    let spec: ContainerSpec = serde_json::from_value(json!({"image": IMAGE})).unwrap();
    let created = asking.engine.create(&ContainerName::new(&other).unwrap(), &spec).await;
    let error = ActionError::from(created.unwrap_err());
    assert_eq!((error.kind, hint_of(&error).as_str()), (CONFLICT, hint), "{error}");
}

#[tokio::test]
async fn removal_of_a_volume_or_image_in_use_is_refused_with_a_hint() {
    let asking = Asking::new();
    let volume = asking.docker.volume("data").await;
    asking.docker.create("user", &["--volume", &format!("{volume}:/data")]).await;
    let remove = VolumeAction::Remove { force: false };
    let remove = Action::Volume(local(), VolumeName::new(&volume).unwrap(), remove);
    asking.refused(remove, CONFLICT, "Remove the containers that use it first.").await;

    let image = asking.docker.name("used:1");
    let made = asking.docker.create("made", &[]).await;
    let id = asking.docker.run(&["commit", "--pause=false", &made, &image]).await;
    let start = ["run", "--detach", "--label", &asking.docker.label(), "--network", "none", &id, "sleep", "600"];
    asking.docker.run(&start).await;
    let id = if id.starts_with("sha256:") { id } else { format!("sha256:{id}") };
    let remove = Action::Image(local(), ImageId::new(&id).unwrap(), ImageAction::Remove { force: false });
    asking.refused(remove, CONFLICT, "Remove the containers that use it first.").await;
}

#[tokio::test]
async fn network_and_driver_refusals_have_a_hint() {
    let asking = Asking::new();
    let subnet = format!("10.214.{}.0/24", std::process::id() % 250);
    let base = subnet.trim_end_matches("0/24");
    let name = asking.docker.name("front");
    let create = ["network", "create", "--label", &asking.docker.label(), "--subnet", &subnet, &name];
    asking.docker.run(&create).await;
    let id = asking.docker.run(&["network", "inspect", "--format", "{{.Id}}", &name]).await;
    let id = NetworkId::new(&id).unwrap();
    let home = asking.docker.network("home").await;
    let on_home = async |name: &str| {
        let name = asking.docker.name(name);
        let start = ["run", "--detach", "--name", &name, "--label", &asking.docker.label(), "--network", &home];
        asking.docker.run(&[&start[..], &["--stop-timeout", "0", IMAGE, "sleep", "600"]].concat()).await;
        asking.id(&name).await
    };
    let (first, second) = (on_home("first").await, on_home("second").await);
    let connect = |container: &ContainerId, ip: Option<String>| {
        Action::Network(
            local(),
            id.clone(),
            NetworkAction::Connect { container: container.clone(), ip, aliases: Vec::new() },
        )
    };
    asking.engine.act(&connect(&first, Some(format!("{base}9")))).await.unwrap();
    asking.refused(connect(&first, None), CONFLICT, "It's already connected to that network.").await;
    let taken = connect(&second, Some(format!("{base}9")));
    asking.refused(taken, CONFLICT, "Use a different IP address, or leave it empty.").await;
    let outside = connect(&second, Some("10.1.1.9".to_owned()));
    let hint = "Enter an IP address in the network's subnet, or leave it empty.";
    asking.refused(outside, ErrorKind::Invalid, hint).await;
    // It is not half connected, and can be connected afterwards.
    asking.engine.act(&connect(&second, None)).await.unwrap();
    let remove = Action::Network(local(), id.clone(), NetworkAction::Remove);
    asking.refused(remove, CONFLICT, "Disconnect its containers first.").await;

    let new = |driver: Option<&str>, subnet: Option<&str>| NewNetwork {
        driver: driver.map(str::to_owned),
        subnet: subnet.map(str::to_owned),
        gateway: None,
        internal: false,
        labels: Labels::default(),
    };
    let other = NetworkName::new(&asking.docker.name("other")).unwrap();
    let overlapping = Action::CreateNetwork(local(), other.clone(), new(None, Some(&subnet)));
    let hint = "Use a different subnet: this one overlaps an existing network.";
    asking.refused(overlapping, CONFLICT, hint).await;
    let hint = "Select a driver available on this engine.";
    let driverless = Action::CreateNetwork(local(), other, new(Some("nosuch"), None));
    asking.refused(driverless, ErrorKind::NotFound, hint).await;
    let volume = VolumeName::new(&asking.docker.name("other")).unwrap();
    let create = VolumeAction::Create {
        driver: Some("nosuch".to_owned()),
        options: Labels::default(),
        labels: Labels::default(),
    };
    asking.refused(Action::Volume(local(), volume, create), ErrorKind::NotFound, hint).await;
}

#[tokio::test]
async fn failed_start_reports_the_port_or_the_command() {
    let asking = Asking::new();
    // On this machine, or in the network namespace that the engine and the test share.
    let holder = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let name = asking.docker.name("published");
    let create = ["create", "--name", &name, "--label", &asking.docker.label(), "--publish", &format!("{port}:80")];
    asking.docker.run(&[&create[..], &[IMAGE, "sleep", "600"]].concat()).await;
    let id = asking.id(&name).await;
    let hint = "Stop the process using it, or publish a different port.";
    let error = asking.refused_to(&id, ContainerAction::Start, CONFLICT, hint).await;
    assert_eq!(error.message.to_string(), format!("Port {port} is already in use on the Docker host"));

    let name = asking.docker.name("broken");
    let create = ["create", "--name", &name, "--label", &asking.docker.label(), "--network", "none", IMAGE, "/none"];
    asking.docker.run(&create).await;
    let id = asking.id(&name).await;
    let hint = "Check the command and entrypoint, and that the image contains that program.";
    asking.refused_to(&id, ContainerAction::Start, ErrorKind::Invalid, hint).await;
}

#[tokio::test]
async fn unreadable_log_driver_is_reported_with_a_hint() {
    let asking = Asking::new();
    let id = asking.created("silent", &["--log-driver", "none"]).await;
    asking.engine.act_on_container(&id, ContainerAction::Start).await.unwrap();
    let Err(error) = asking.engine.log(&id, LogRange::default()).await else { panic!("there is a log") };
    let error = ActionError::from(error);
    let hint = "Recreate the container with a log driver that supports reading logs, such as json-file.";
    assert_eq!((error.kind, hint_of(&error).as_str()), (ErrorKind::NotFound, hint), "{error}");
}

/// Podman 5 responds to the second network with a text that is not JSON.
#[tokio::test]
async fn container_is_created_with_all_its_networks() {
    let asking = Asking::new();
    let (first, second) = (asking.docker.network("first").await, asking.docker.network("second").await);
    let name = asking.docker.name("joined");
    let (key, value) =
        asking.docker.label().split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap();
    let spec: ContainerSpec = serde_json::from_value(json!({
        "image": IMAGE, "labels": {key: value}, "networks": [{"name": first}, {"name": second}],
    }))
    .unwrap();
    let id = asking.engine.create(&ContainerName::new(&name).unwrap(), &spec).await.unwrap();
    asking.engine.act_on_container(&id, ContainerAction::Start).await.unwrap();
    let is_on_both = async || {
        let container = asking.engine.container(&id).await.unwrap().unwrap();
        [&first, &second].iter().all(|name| container.networks.iter().any(|on| on.name == **name && on.ip.is_some()))
    };
    eventually(Duration::from_secs(10), "it to have an address on both", is_on_both).await;
}
