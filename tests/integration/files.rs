//! Files in running containers, stopped containers and volumes: list, read, download and upload. File names and links
//! are untrusted data.

use crate::{
    raw_http::{self, download, download_by_post, post},
    support::{Docker, IMAGE, TestServer, engine_url, eventually, local},
};
use quaylight::{
    model::{ContainerId, FileEntry, FileKind, FilePath, FilesOf, Folder, Found, VolumeName},
    server::engine::{EngineError, WritableEngine},
};
use std::{io::Read, time::Duration};

/// Created by a shell in the container. The last name is not UTF-8.
const ODD: &str = r#"
mkdir -p /odd/sub/deep '/odd/..x' /odd/-r
cd /odd
printf 'hello\n' > plain; printf 'x' > 'a b'; printf 'x' > './-rf'; printf 'x' > '"<script>"'
printf 'x' > "$(printf 'new\nline')"; printf 'x' > '%2e%2e?#&='; printf 'grün' > 'grün 🚢'; printf x > '*'
printf 'x' > "$(printf 'bad\377')"; printf '\0\1' > binary; : > empty
chmod 4751 plain; ln -s ../etc/passwd up; ln -s /odd/sub down; ln -s nowhere broken; ln -s ../../../../etc climb
mkfifo pipe; printf x > sub/inside; touch -d '2020-02-03 04:05:06' plain
exec sleep 600
"#;

fn path(text: &str) -> FilePath {
    FilePath::new(text).unwrap()
}

async fn odd_container(docker: &Docker) -> ContainerId {
    let (name, label) = (docker.name("odd"), docker.label());
    let run =
        ["run", "--detach", "--name", &name, "--label", &label, "--network", "none", "--stop-signal", "KILL", IMAGE];
    let id = docker.run(&[&run[..], &["sh", "-c", ODD]].concat()).await;
    eventually(Duration::from_secs(10), "the files to be there", async || {
        docker.run(&["top", &name, "-o", "pid,args"]).await.contains("sleep 600")
    })
    .await;
    ContainerId::new(&id).unwrap()
}

async fn look(engine: &WritableEngine, of: &FilesOf, at: &str) -> Result<Found, EngineError> {
    engine.reach(of, true, &[]).await?.look(&path(at)).await
}

async fn folder(engine: &WritableEngine, of: &FilesOf, at: &str) -> Folder {
    match look(engine, of, at).await.unwrap() {
        Found::Folder(folder) => folder,
        other => panic!("{at} is {other:?}"),
    }
}

async fn text(engine: &WritableEngine, of: &FilesOf, at: &str) -> Option<String> {
    match look(engine, of, at).await.unwrap() {
        Found::File(file) => file.text,
        other => panic!("{at} is {other:?}"),
    }
}

fn named<'a>(folder: &'a Folder, name: &str) -> &'a FileEntry {
    folder.entries.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("{name} in {folder:?}"))
}

/// The helper container once stayed for a day, and the volume could not be removed.
#[tokio::test]
async fn cancelled_volume_access_leaves_no_helper_container() {
    let docker = Docker::new();
    let engine = WritableEngine::new(local(), engine_url().parse().unwrap());
    let volume = docker.volume("left").await;
    let of = FilesOf::Volume(VolumeName::new(&volume).unwrap());
    drop(engine.reach(&of, true, &[]).await.unwrap());
    for time_limit in (0..20).map(|step| Duration::from_micros(step * 700)) {
        drop(tokio::time::timeout(time_limit, engine.reach(&of, true, &[])).await);
    }
    // Podman does not list a container while it is being created, although it already holds the volume.
    eventually(Duration::from_secs(10), "the last of them to go", async || {
        docker.try_run(&["volume", "rm", &volume]).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn running_and_stopped_containers_list_the_same_files() {
    let docker = Docker::new();
    let engine = WritableEngine::new(local(), engine_url().parse().unwrap());
    let id = odd_container(&docker).await;
    let of = FilesOf::Container(id.clone());
    let running = folder(&engine, &of, "/odd").await;
    let names: Vec<_> = running.entries.iter().map(|it| &*it.name).collect();
    assert_eq!(names[..3], ["-r", "..x", "sub"], "folders come first: {names:?}");
    for name in ["a b", "-rf", "\"<script>\"", "new\nline", "%2e%2e?#&=", "grün 🚢", "*", "bad\u{fffd}"] {
        assert_eq!(named(&running, name).kind, FileKind::File, "{name}");
    }
    let plain = named(&running, "plain");
    assert_eq!((plain.size, plain.mode, &*plain.modified.to_string()), (6, 0o4751, "2020-02-03T04:05:06Z"));
    assert_eq!(named(&running, "climb").target.as_deref(), Some("../../../../etc"));
    assert_eq!(named(&running, "pipe").kind, FileKind::Special);
    assert!(!named(&running, "bad\u{fffd}").is_reachable());
    assert!(running.is_whole);
    let root = folder(&engine, &of, "/").await;

    docker.run(&["kill", id.as_str()]).await;
    eventually(Duration::from_secs(5), "it to be dead", async || {
        docker.run(&["inspect", "--format", "{{.State.Running}}", id.as_str()]).await == "false"
    })
    .await;
    assert_eq!(folder(&engine, &of, "/odd").await, running);
    let dead = folder(&engine, &of, "/").await;
    // Files that the engine mounts into a running container are not in its file system.
    let names = |it: &Folder| it.entries.iter().map(|it| (it.name.clone(), it.kind)).collect::<Vec<_>>();
    assert_eq!(names(&dead), names(&root));
}

/// The tar of a sparse file of many gigabytes takes longer than any client waits for a list.
#[tokio::test]
async fn running_container_lists_a_folder_with_a_large_file_completely() {
    let docker = Docker::new();
    let engine = WritableEngine::new(local(), engine_url().parse().unwrap());
    let (name, label) = (docker.name("large"), docker.label());
    let make = "mkdir /large && truncate -s 60G /large/hole && : > /large/last && exec sleep 600";
    let run = ["run", "--detach", "--name", &name, "--label", &label, "--network", "none", "--stop-signal", "KILL"];
    let id = docker.run(&[&run[..], &[IMAGE, "sh", "-c", make]].concat()).await;
    eventually(Duration::from_secs(10), "the files to be there", async || {
        docker.run(&["top", &name, "-o", "pid,args"]).await.contains("sleep 600")
    })
    .await;
    let large = folder(&engine, &FilesOf::Container(ContainerId::new(&id).unwrap()), "/large").await;
    let names: Vec<_> = large.entries.iter().map(|it| &*it.name).collect();
    assert_eq!((names, large.is_whole), (vec!["hole", "last"], true));
}

#[tokio::test]
async fn links_are_followed_but_never_leave_the_container() {
    let docker = Docker::new();
    let engine = WritableEngine::new(local(), engine_url().parse().unwrap());
    let of = FilesOf::Container(odd_container(&docker).await);
    assert_eq!(folder(&engine, &of, "/odd/down").await.path, path("/odd/sub"));
    assert_eq!(text(&engine, &of, "/odd/down/inside").await.as_deref(), Some("x"));
    // A climb above the root stays in the container, not on the engine's machine.
    assert_eq!(folder(&engine, &of, "/odd/climb").await.path, path("/etc"));
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    assert_ne!(text(&engine, &of, "/odd/climb/hostname").await, Some(host));
    for (at, status) in [("/odd/broken", 404), ("/odd/none", 404), ("/odd/pipe", 409)] {
        let error = look(&engine, &of, at).await.unwrap_err();
        assert!(matches!(error, EngineError::Refused { status: actual, .. } if actual == status), "{at}: {error:?}");
    }
    assert_eq!(text(&engine, &of, "/odd/grün 🚢").await.as_deref(), Some("grün"));
    assert_eq!(text(&engine, &of, "/odd/new\nline").await.as_deref(), Some("x"));
    assert_eq!(text(&engine, &of, "/odd/%2e%2e?#&=").await.as_deref(), Some("x"));
    assert_eq!(text(&engine, &of, "/odd/../odd/./plain").await.as_deref(), Some("hello\n"));
    assert_eq!(text(&engine, &of, "/odd/empty").await.as_deref(), Some(""));
    assert_eq!(text(&engine, &of, "/odd/binary").await, None);
}

fn encoded(text: &str) -> String {
    quaylight::server::percent::component(text).to_string()
}

#[tokio::test]
async fn file_is_uploaded_and_downloaded_unchanged() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let id = odd_container(&docker).await;
    let at = |path: &str| format!("/api/containers/{id}/files?path={}", encoded(path));
    // Not a multiple of a tar's block size, and longer than a chunk.
    let content: Vec<u8> = (0..300_001_u32).map(|at| (at * 7 % 251) as u8).collect();
    let name = "up \"<é>.bin";
    let up = format!("{}&name={}", at("/odd/sub"), encoded(name));
    let (status, body) = post(&server.url(), &up, "application/octet-stream", &content).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(download(&server.url(), &at(&format!("/odd/sub/{name}"))).await, content);
    let sum = docker.run(&["exec", id.as_str(), "sh", "-c", "cat /odd/sub/up*.bin | wc -c"]).await;
    assert_eq!(sum, "300001");

    // A folder downloads as a tar.
    let tar = download(&server.url(), &at("/odd/sub")).await;
    let mut tar = tar::Archive::new(&*tar);
    let mut found = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        found.push((String::from_utf8_lossy(&entry.path_bytes()).into_owned(), content.len()));
    }
    assert!(
        found.contains(&("sub/inside".into(), 1)) && found.contains(&(format!("sub/{name}"), 300_001)),
        "{found:?}"
    );

    // An interrupted upload replaces nothing.
    let replace = format!("{}&name=inside", at("/odd/sub"));
    raw_http::Raw::broken_off(&server.url(), &replace, 1_000, b"half of it").await;
    eventually(Duration::from_secs(5), "the upload to have failed", async || {
        let (_, tasks) = raw_http::ask(&server.url(), "GET", "/api/tasks", "").await;
        tasks.contains("Upload interrupted")
    })
    .await;
    assert_eq!(download(&server.url(), &at("/odd/sub/inside")).await, b"x");

    for (path, name, status) in [
        ("/odd", "../escape", 400),
        ("/odd", "..", 400),
        ("/odd", "", 400),
        ("odd", "x", 400),
        ("/odd/none", "x", 404),
        ("/odd/plain", "x", 409),
    ] {
        let up = format!("{}&name={}", at(path), encoded(name));
        let (actual, body) = post(&server.url(), &up, "application/octet-stream", b"x").await;
        assert_eq!(actual, status, "{path} {name}: {body}");
    }
    let gone = format!("/api/containers/{}/files?path=/", "0".repeat(64));
    assert_eq!(raw_http::ask(&server.url(), "GET", &gone, "").await.0, 404);
}

#[tokio::test]
async fn volume_is_backed_up_and_restored_without_leftover_helpers() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let engine = WritableEngine::new(local(), engine_url().parse().unwrap());
    let (from, to, label) = (docker.name("from"), docker.name("to"), docker.label());
    for volume in [&from, &to] {
        docker.run(&["volume", "create", "--label", &label, volume]).await;
    }
    let fill = "mkdir -p /v/a/b && printf deep > /v/a/b/c && printf one > /v/one && chmod 600 /v/one && chown 1000:1000 /v/one && ln -s one /v/link && ln -s /etc/passwd /v/out";
    let mount = format!("{from}:/v");
    let run = ["run", "--rm", "--label", &label, "--network", "none", "--volume", &mount, IMAGE, "sh", "-c", fill];
    docker.run(&run).await;

    let of = FilesOf::Volume(VolumeName::new(&from).unwrap());
    let root = folder(&engine, &of, "/").await;
    let names: Vec<_> = root.entries.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["a", "link", "one", "out"]);
    assert_eq!(text(&engine, &of, "/a/b/c").await.as_deref(), Some("deep"));
    assert_eq!(text(&engine, &of, "/link").await.as_deref(), Some("one"));
    // A link that leads out of the volume can't be followed.
    assert!(look(&engine, &of, "/out").await.is_err());

    let tar = download_by_post(&server.url(), &format!("/api/volumes/{from}/backup")).await;
    let (status, body) = post(&server.url(), &format!("/api/volumes/{to}/restore"), "application/x-tar", &tar).await;
    assert_eq!(status, 200, "{body}");
    eventually(Duration::from_secs(10), "the restore to be done", async || {
        let (_, tasks) = raw_http::ask(&server.url(), "GET", "/api/tasks", "").await;
        tasks.contains("restored from backup")
    })
    .await;
    let mounts = [format!("{from}:/v"), format!("{to}:/w")];
    let same = "cd /v && find . | sort | xargs stat -c '%n %f %u %g %s %N' > /a; cd /w && find . | sort | xargs stat -c '%n %f %u %g %s %N' > /b; grep -v '^\\. ' /a > /c; grep -v '^\\. ' /b | diff /c - >&2 && cat /w/a/b/c";
    let run = ["run", "--rm", "--label", &label, "--network", "none", "-v", &mounts[0], "-v", &mounts[1], IMAGE];
    assert_eq!(docker.run(&[&run[..], &["sh", "-c", same]].concat()).await, "deep");

    // A backup of a missing volume does not create it.
    let none = docker.name("none");
    assert_eq!(raw_http::ask(&server.url(), "POST", &format!("/api/volumes/{none}/backup"), "").await.0, 404);
    assert!(docker.run(&["volume", "ls", "--quiet", "--filter", &format!("name={none}")]).await.is_empty());
    eventually(Duration::from_secs(10), "the helpers to be gone", async || {
        let of = format!("volume={from}");
        docker.run(&["ps", "--all", "--quiet", "--filter", &of, "--filter", "label=quaylight.helper"]).await.is_empty()
    })
    .await;
}
