//! Image builds: Dockerfile features per engine, credentials for base images, and cancellation.

use crate::{
    live::Client,
    registry::{PASSWORD, Registry, USER},
    support::{Docker, IMAGE, TestServer, Watched, engine_url, eventually},
    tasks::upload,
};
use quaylight::{
    model::{Lack, RegistryLogin},
    server::{
        clock::Clock,
        history::{History, Limits, Settings},
        registries::{self, Registries},
        vault::Vault,
    },
};
use serde_json::json;
use std::time::Duration;
use tokio::process::Command;

/// A build context with these files, as a tar.
pub fn context(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// The features that the builder of the engine under test lacks.
async fn lacks() -> Vec<Lack> {
    let watched = Watched::start(&engine_url()).await;
    watched.reader.look(|state| state.hosts().next().unwrap().engine.as_ref().unwrap().lacks.clone())
}

#[tokio::test]
async fn folder_is_built_with_mounts_modes_arguments_and_a_target_stage() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let (name, label) = (docker.name("staged:1"), docker.label());
    // A separate base: BuildKit misses its cache for concurrent builds that are the first on a base.
    let (base, maker) = (docker.name("base:1"), docker.name("maker"));
    docker
        .run(&["run", "--name", &maker, "--label", &label, IMAGE, "sh", "-c", &format!("echo {maker} > /base")])
        .await;
    docker.run(&["commit", &maker, &base]).await;
    let dockerfile = format!(
        "FROM --platform=$BUILDPLATFORM {base} AS first\nLABEL {label}\nARG WORD=none\n\
         COPY --chmod=750 docker/run.sh /run.sh\n\
         RUN --mount=type=cache,target=/cache echo \"$WORD\" > /word && ls -l /run.sh > /mode\n\
         FROM {IMAGE}\nRUN exit 7\n"
    );
    // Unique to this run, so that no step is cached.
    let script = format!("#!/bin/sh\necho ran # {name} {}\n", std::process::id());
    let context = context(&[("docker/Web.dockerfile", &dockerfile), ("docker/run.sh", &script)]);
    let path = format!(
        "/api/images/build?name={name}&dockerfile=docker/Web.dockerfile&target=first&platform=linux/amd64\
         &arg=WORD=said"
    );
    let task = upload(&server, &path, &context).await;
    let built = client.ended(task).await;
    assert_eq!(built["state"], "done", "{built}");
    let steps = built["parts"].as_array().unwrap();
    let copy = steps.iter().find(|it| it["id"].as_str().unwrap().contains("COPY --chmod=750"));
    assert_eq!(copy.unwrap()["step"], "Done", "{built}");
    let run = ["run", "--rm", "--label", &label, "--network", "none", &name, "sh", "-c"];
    let said = docker.run(&[&run[..], &["cat /word /mode; /run.sh"]].concat()).await;
    assert!(said.contains("said") && said.contains("-rwxr-x---") && said.contains("ran"), "{said}");

    let again = upload(&server, &path, &context).await;
    let again = client.ended(again).await;
    let cached = |it: &serde_json::Value| it["id"].as_str().unwrap().contains("COPY") && it["step"] == "Cached";
    assert!(again["parts"].as_array().unwrap().iter().any(cached), "{again}");
    server.stop().await;
}

/// Where the builder doesn't support heredocs, a build with one must fail, and the page warns about it.
#[tokio::test]
async fn heredoc_build_matches_the_reported_builder_features() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let (name, label) = (docker.name("heredoc:1"), docker.label());
    let dockerfile = format!(
        "FROM {IMAGE}\nLABEL {label}\nARG WORD=none\nRUN <<EOT\nset -e\necho \"$WORD\" > /word\nEOT\nCOPY --link <<-\"END\" /note\n\tkept $WORD\n\tEND\n"
    );
    let options = json!({"dockerfile": dockerfile, "args": {"WORD": "said"}});
    let build = client.starts("image.build", &name, options).await;
    let built = client.ended(build).await;
    if lacks().await.contains(&Lack::Heredocs) {
        assert_eq!(built["state"], "failed", "{built}");
        assert!(built["words"].as_str().unwrap().contains("line 5"), "{built}");
    } else {
        assert_eq!(built["state"], "done", "{built}");
        let run = ["run", "--rm", "--label", &label, "--network", "none", &name, "cat", "/word", "/note"];
        assert_eq!(docker.run(&run).await, "said\nkept $WORD");
    }
    server.stop().await;
}

#[tokio::test]
async fn build_uses_the_credentials_of_its_base_image_registry() {
    let (docker, registry) = (Docker::new(), Registry::closed().await);
    let login = RegistryLogin { registry: registry.address.clone(), username: USER.into(), password: PASSWORD.into() };
    let folder = tempfile::tempdir().unwrap();
    let settings =
        Settings { folder: Some(folder.path().to_owned()), limits: Limits::default(), retry: Settings::RETRY };
    let history = History::start(settings, Clock::SYSTEM).await;
    let kept = Registries::load(history.clone(), Vault::open(Some(folder.path())), None).await;
    kept.keep(registries::credentials(login).unwrap()).await.unwrap();
    history.close().await;
    let server = TestServer::in_folder(folder).await;
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let base = format!("{}/{}", registry.address, docker.name("base:1"));
    docker.run(&["tag", IMAGE, &base]).await;
    let push = client.starts("image.push", &base, json!({})).await;
    let pushed = client.ended(push).await;
    assert_eq!(pushed["state"], "done", "{pushed}");
    docker.run(&["rmi", &base]).await;

    let (name, label) = (docker.name("on-base:1"), docker.label());
    let dockerfile = json!({"dockerfile": format!("FROM {base}\nLABEL {label}\nRUN echo built > /built\n")});
    let build = client.starts("image.build", &name, dockerfile.clone()).await;
    let built = client.ended(build).await;
    assert_eq!(built["state"], "done", "{built}");
    server.stop().await;

    // Without credentials, the registry's refusal is reported with a hint.
    let server = TestServer::start(&[]).await;
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    docker.run(&["rmi", &name]).await;
    let build = client.starts("image.build", &name, dockerfile).await;
    let refused = client.ended(build).await;
    assert_eq!(refused["state"], "failed", "{refused}");
    assert!(refused["hint"].as_str().unwrap_or_default().contains("Sign in"), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn cancelled_build_stops_on_the_engine() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let (name, label) = (docker.name("endless:1"), docker.label());
    let seconds = format!("36{}", std::process::id());
    // An engine checks twice in ten seconds whether a build's session still exists.
    let dockerfile = format!(
        "FROM {IMAGE}\nLABEL {label}\nRUN for i in $(seq 12); do echo tick $i; sleep 1; done; exec sleep {seconds}\n"
    );
    let build = client.starts("image.build", &name, json!({"dockerfile": dockerfile})).await;
    let sleeps = async || {
        let found = Command::new("pgrep").args(["--full", "--exact", &format!("sleep {seconds}")]).output().await;
        found.unwrap().status.success()
    };
    eventually(Duration::from_secs(40), "the step goes on", sleeps).await;
    client.act("task.cancel", &build.to_string(), json!({})).await;
    assert_eq!(client.ended(build).await["state"], "cancelled");
    eventually(Duration::from_secs(20), "the step is ended", async || !sleeps().await).await;
    assert_eq!(docker.images(&["--quiet", &name]).await, "");
    server.stop().await;
}
