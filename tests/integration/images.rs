//! Images: new, moved and removed tags, and the containers that use an image.

use crate::{
    registry::Registry,
    support::{Docker, IMAGE, Watched, engine_url},
};
use quaylight::model::{Change, Entity, Image};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{collections::BTreeSet, sync::Mutex, time::Duration};
use tokio::{process::Command, time::timeout};

#[tokio::test]
async fn added_moved_and_removed_tags_are_tracked() {
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
async fn image_usage_counts_its_containers() {
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

/// Docker's builder emits no event for the images of its steps. While a step runs, the image of the previous step is
/// listed like any unnamed image, and no longer once it has a child.
#[tokio::test]
async fn classic_build_leaves_no_step_images_and_no_drift() {
    let docker = Docker::new();
    let watched = Watched::reconciling(&engine_url(), Duration::from_millis(500)).await;
    let before = watched.reader.drift();
    let (tag, label) = (format!("{}:1", docker.name("built")), docker.label());
    let folder = tempfile::tempdir().unwrap();
    // Long enough for a step's image to be listed and read.
    let dockerfile = format!("FROM {IMAGE}\nLABEL {label}\nENV A=1\nRUN sleep 4\nENV B=2\nRUN sleep 4\n");
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    docker.run(&["build", "--quiet", "--tag", &tag, &folder.path().display().to_string()]).await;
    watched.until("the image is there", |state| state.images().any(|it| it.tags.contains(&tag))).await;
    // The images that only one of both had each time: other tests change theirs meanwhile.
    let differing = Mutex::new(None::<BTreeSet<String>>);
    let agree = async || {
        let listed = docker.images(&["--quiet", "--no-trunc"]).await;
        let listed: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
        let known: BTreeSet<String> = watched.reader.look(|state| state.images().map(|it| it.id.to_string()).collect());
        let now: BTreeSet<String> = known.symmetric_difference(&listed).cloned().collect();
        let mut differing = differing.lock().unwrap();
        let still = differing.take().map_or(now.clone(), |before| before.intersection(&now).cloned().collect());
        differing.insert(still).is_empty()
    };
    // A list that is slow because of the other tests delays the reconcile, which would count what it finds as drift.
    let outcome = timeout(Duration::from_secs(30), async { while !agree().await {} }).await;
    assert!(outcome.is_ok(), "the state and `docker images` differ in {:?}", differing.lock().unwrap());
    assert_eq!(watched.reader.drift(), before);
}

/// A size as `docker image ls` writes it: three significant digits.
fn human(bytes: u64) -> String {
    let (mut size, mut units) = (bytes as f64, ["B", "kB", "MB", "GB"].into_iter());
    let mut unit = units.next().unwrap();
    while size >= 1000.0 {
        (size, unit) = (size / 1000.0, units.next().unwrap());
    }
    let decimals = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    let digits = format!("{size:.decimals$}");
    let digits = if decimals > 0 { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{digits}{unit}")
}

/// With containerd's image store, an inspect returns other sizes and digests than the list.
#[tokio::test]
async fn images_match_docker_image_ls_after_a_hundred_random_changes() {
    let docker = Docker::new();
    let mut registry = Registry::open().await;
    let watched = Watched::reconciling(&engine_url(), Duration::from_secs(1)).await;
    let (drift, seed) = (watched.reader.drift(), rand::random());
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let repository = docker.name("random");
    let pushed = format!("{}/{repository}", registry.address);
    let folder = tempfile::tempdir().unwrap();
    let dockerfile = folder.path().join("Dockerfile");
    let label = docker.label();
    let names = async || docker.images(&["--format", "{{.Repository}}:{{.Tag}}"]).await;
    let own = |names: &str| {
        names
            .lines()
            .filter(|it| it.contains(&repository) && !it.contains("<none>"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for step in 0..100 {
        let name = format!("{repository}:{}", random.random_range(0..6));
        let known = own(&names().await);
        let some = (!known.is_empty()).then(|| known[random.random_range(0..known.len())].clone());
        match (random.random_range(0..10), some) {
            (0..4, Some(other)) => docker.run(&["tag", &other, &name]).await,
            (4..6, Some(other)) => docker.run(&["rmi", "--no-prune", &other]).await,
            (6, Some(other)) => {
                let remote = format!("{pushed}:{}", random.random_range(0..3));
                docker.run(&["tag", &other, &remote]).await;
                docker.run(&["push", "--quiet", &remote]).await;
                docker.run(&["rmi", "--no-prune", &remote]).await;
                docker.run(&["pull", "--quiet", &remote]).await
            }
            _ => {
                std::fs::write(&dockerfile, format!("FROM {IMAGE}\nLABEL {label}\nRUN echo {seed}-{step} > /step\n"))
                    .unwrap();
                docker.run(&["build", "--quiet", "--tag", &name, &folder.path().display().to_string()]).await
            }
        };
    }
    let lines = async || {
        let format = "{{.ID}} {{.Repository}}:{{.Tag}} {{.Size}}";
        let listed = docker.images(&["--no-trunc", "--format", format]).await;
        let of_the_label = format!("label={label}");
        let untagged = ["--no-trunc", "--filter", "dangling=true", "--filter", &of_the_label, "--format", format];
        let untagged = docker.images(&untagged).await;
        let tagged = own(&listed);
        // An image with a digest but no tag is listed with its repository.
        let untagged = untagged.lines().map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            format!("{} <none>:<none> {}", words[0], words[2])
        });
        tagged.into_iter().chain(untagged).collect::<BTreeSet<_>>()
    };
    let known = |wanted: &BTreeSet<String>| {
        let is_wanted = |id: &str| wanted.iter().any(|it| it.starts_with(id));
        watched.reader.look(|state| {
            let images = state
                .images()
                .filter(|it| is_wanted(it.id.as_str()) || it.tags.iter().any(|tag| tag.contains(&repository)));
            let line = |it: &Image, name: &str| format!("{} {name} {}", it.id, human(it.size));
            images
                .flat_map(|it| {
                    let none = it.tags.is_empty().then(|| line(it, "<none>:<none>"));
                    it.tags
                        .iter()
                        .filter(|tag| tag.contains(&repository))
                        .map(|tag| line(it, tag))
                        .chain(none)
                        .collect::<Vec<_>>()
                })
                .collect::<BTreeSet<_>>()
        })
    };
    let listed = lines().await;
    assert!(!listed.is_empty());
    let settles = async {
        while known(&listed) != listed {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(5), settles).await;
    assert_eq!(known(&listed), listed, "seed {seed}");
    assert_eq!(lines().await, listed);
    assert_eq!(watched.reader.drift(), drift, "seed {seed}");
    registry.stop().await;
}

/// Docker 28 emits a create event for each step of its older builder.
#[tokio::test]
async fn classic_builder_steps_are_not_shown_as_images() {
    let docker = Docker::new();
    // No reconcile during the test: a list taken while a step runs contains its image, as `docker images` does.
    let watched = Watched::reconciling(&engine_url(), Duration::from_secs(600)).await;
    watched.until("images are listed", |state| state.images().any(|it| it.tags.iter().any(|tag| tag == IMAGE))).await;
    let (tag, label) = (format!("{}:1", docker.name("stepped")), docker.label());
    let from_scratch = format!("{}:1", docker.name("scratch"));
    let folder = tempfile::tempdir().unwrap();
    let build_as = async |tag: &str, dockerfile: String| {
        std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
        let mut command = Command::new("docker");
        command.args(["build", "--quiet", "--network", "none", "--tag", tag]).arg(folder.path());
        let built = command.env("DOCKER_HOST", engine_url()).env("DOCKER_BUILDKIT", "0").output().await.unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    };
    let build = async |word: &str| {
        let steps = "RUN sleep 0.3\nRUN echo b\nENV B=2\nRUN echo c\n";
        build_as(&tag, format!("FROM {IMAGE}\nLABEL {label}\nENV A={word}\n{steps}")).await;
    };
    let known = watched.reader.look(|state| state.images().map(|it| it.id.clone()).collect::<Vec<_>>());
    let mut batches = watched.reader.follow(None).batches;
    build("1").await;
    let tagged = |image: &Image| image.tags.contains(&tag);
    watched.until("the image is there", |state| state.images().any(|it| tagged(it))).await;
    let first = watched.reader.look(|state| state.images().find(|it| tagged(it)).unwrap().id.clone());
    while let Ok(batch) = batches.try_recv() {
        for change in &batch.changes {
            let Change::Put(Entity::Image(image)) = change else { continue };
            // Other tests' images lack this test's label, and are checked by their parent alone.
            if image.is_dangling() && !known.contains(&image.id) {
                // Another test's image may be gone.
                let inspect = ["image", "inspect", "--format", "{{.Config.Labels}}", image.id.as_str()];
                let config = docker.try_run(&inspect).await.unwrap_or_default();
                assert!(!config.contains(&label.replace('=', ":")), "a step shows: {image:?}");
            }
        }
    }

    // A name that moves away leaves an image that is really dangling, at once.
    build("2").await;
    let is_dangling = |image: &Image| image.id == first && image.is_dangling();
    watched.until("the first image has lost its name", |state| state.images().any(|it| is_dangling(it))).await;

    // The first step of a build from scratch has no parent: it looks like an image until the next step is based on it.
    build_as(&from_scratch, format!("FROM scratch\nLABEL {label}\nENV A=1\nENV B=2\n")).await;
    let filter = format!("label={label}");
    let own = docker.images(&["--all", "--quiet", "--no-trunc", "--filter", &filter]).await;
    let is_step = |it: &Image| it.is_dangling() && it.id != first && own.contains(it.id.as_str());
    let is_built = |it: &Image| it.tags.contains(&from_scratch);
    watched
        .until("the built image alone is there", |state| {
            state.images().any(|it| is_built(it)) && !state.images().any(|it| is_step(it))
        })
        .await;
}
