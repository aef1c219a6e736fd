//! Images: tags that come, move and go, and who uses them.

use crate::support::{Docker, IMAGE, Watched, engine_url, eventually};
use quaylight::model::Image;
use std::time::Duration;

#[tokio::test]
async fn a_tag_comes_moves_to_another_image_and_goes() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let tag = format!("{}:1", docker.name("tagged"));
    let has = |it: &Image, tag: &str| it.tags.iter().any(|its| its == tag);
    docker.run(&["tag", IMAGE, &tag]).await;
    watched.until("the tag is there", |state| state.images().any(|it| has(it, &tag) && has(it, IMAGE))).await;

    let name = docker.create("parent", &[]).await;
    docker.run(&["commit", &name, &tag]).await;
    watched.until("the tag has moved", |state| state.images().any(|it| has(it, &tag) && !has(it, IMAGE))).await;
    watched.until("the first image lost it", |state| state.images().all(|it| !has(it, IMAGE) || !has(it, &tag))).await;

    docker.run(&["rmi", &tag]).await;
    watched.until("the tag is gone", |state| state.images().all(|it| !has(it, &tag))).await;
}

#[tokio::test]
async fn an_image_knows_how_many_containers_use_it() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let tag = format!("{}:1", docker.name("used"));
    let first = docker.create("first", &[]).await;
    docker.run(&["commit", &first, &tag]).await;
    let usage = |running, all| {
        let tag = tag.clone();
        let fits = move |it: &Image| it.tags.contains(&tag) && it.usage.running == running && it.usage.all == all;
        watched.until("the usage fits", move |state| state.images().any(|it| fits(it)))
    };
    usage(0, 0).await;
    let user = docker.name("user");
    let label = format!("quaylight.test={}", docker.name("").trim_start_matches('-'));
    docker.run(&["create", "--name", &user, "--label", &label, "--network", "none", &tag, "sleep", "600"]).await;
    usage(0, 1).await;
    docker.run(&["start", &user]).await;
    usage(1, 1).await;
    docker.run(&["kill", &user]).await;
    usage(0, 1).await;
    docker.run(&["rm", &user]).await;
    usage(0, 0).await;
}

/// Docker's builder tells no event of the images of its steps. While one is worked on the step before it is listed like any
/// image that nothing names, and no longer once it has a child.
#[tokio::test]
async fn a_build_goes_by_without_a_trace_and_without_drift() {
    let docker = Docker::new();
    let watched = Watched::reconciling(&engine_url(), Duration::from_millis(500)).await;
    let before = watched.reader.drift();
    let (tag, label) = (format!("{}:1", docker.name("built")), docker.label());
    let folder = tempfile::tempdir().unwrap();
    // Long enough that a step is taken for an image, and read.
    let dockerfile = format!("FROM {IMAGE}\nLABEL {label}\nENV A=1\nRUN sleep 4\nENV B=2\nRUN sleep 4\n");
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    docker.run(&["build", "--quiet", "--tag", &tag, &folder.path().display().to_string()]).await;
    watched.until("the image is there", |state| state.images().any(|it| it.tags.contains(&tag))).await;
    let listed = async || docker.run(&["images", "--quiet", "--no-trunc"]).await;
    eventually(Duration::from_secs(10), "the state has what docker images lists", async || {
        let listed = listed().await;
        let known = watched.reader.look(|state| state.images().map(|it| it.id.to_string()).collect::<Vec<_>>());
        known.iter().all(|id| listed.contains(id.as_str())) && listed.lines().all(|id| known.iter().any(|it| it == id))
    })
    .await;
    assert_eq!(watched.reader.drift(), before);
}
