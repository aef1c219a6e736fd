//! Volumes and networks: create, use, release, remove.

use crate::support::{Docker, Watched, engine_url};

#[tokio::test]
async fn volume_usage_is_tracked() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let volume = docker.volume("data").await;
    let usage = |running, all| {
        let volume = volume.clone();
        watched.until("the usage fits", move |state| {
            state.volumes().any(|it| it.id.as_str() == volume && (it.usage.running, it.usage.all) == (running, all))
        })
    };
    usage(0, 0).await;
    let name = docker.create("user", &["-v", &format!("{volume}:/data")]).await;
    usage(0, 1).await;
    docker.run(&["start", &name]).await;
    usage(1, 1).await;
    docker.run(&["rm", "-f", &name]).await;
    usage(0, 0).await;
    docker.run(&["volume", "rm", &volume]).await;
    watched.until("it is gone", |state| state.volumes().all(|it| it.id.as_str() != volume)).await;
}

#[tokio::test]
async fn network_connect_and_disconnect_are_tracked() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let (home, other) = (docker.network("home").await, docker.network("other").await);
    let name = docker.name("member");
    let label = format!("quaylight.test={}", docker.name("").trim_start_matches('-'));
    let run = ["run", "-d", "--name", &name, "--label", &label, "--network", &home];
    docker.run(&[&run[..], &[crate::support::IMAGE, "sleep", "600"]].concat()).await;
    docker.run(&["network", "connect", &other, &name]).await;
    watched.until_container(&name, |it| it.networks.iter().any(|on| on.name == other && on.ip.is_some())).await;
    let used = |all| {
        let other = other.clone();
        watched.until("its usage fits", move |state| state.networks().any(|it| it.name == other && it.usage.all == all))
    };
    used(1).await;
    docker.run(&["network", "disconnect", &other, &name]).await;
    watched.until_container(&name, |it| it.networks.iter().all(|on| on.name != other)).await;
    used(0).await;
    docker.run(&["network", "rm", &other]).await;
    watched.until("it is gone", |state| state.networks().all(|it| it.name != other)).await;
}
