//! Failed uploads, which replace nothing: a full data dir, an incomplete body.

use crate::{
    history::Mounted,
    raw_http::{Raw, ask, download, post, post_chunked},
    support::{Docker, IMAGE, TestServer, eventually},
};
use std::{io::Write, path::Path, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Creates a container whose file `/kept` contains "kept". Returns its id.
async fn container(docker: &Docker) -> String {
    let (name, label) = (docker.name("uploads"), docker.label());
    let run = ["run", "--detach", "--name", &name, "--label", &label, "--network", "none", "--stop-signal", "KILL"];
    let id = docker.run(&[&run[..], &[IMAGE, "sh", "-c", "printf kept > /kept; exec sleep 600"]].concat()).await;
    eventually(TIMEOUT, "the file is there", async || {
        docker.run(&["top", &name, "-o", "pid,args"]).await.contains("sleep 600")
    })
    .await;
    id
}

/// Fills the file system completely.
fn fill(folder: &Path) {
    let mut filler = std::fs::File::create(folder.join("filler")).unwrap();
    for piece in [64 << 10, 4 << 10, 1] {
        while filler.write_all(&vec![1; piece]).is_ok() {}
    }
}

/// The server reported success, and the container's file was zeros: the write had returned before it failed.
#[tokio::test]
async fn upload_without_disk_space_fails_and_replaces_nothing() {
    let docker = Docker::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let disk = Mounted::tmpfs(&path, "size=4m");
    let server = TestServer::in_folder(folder).await;
    let id = container(&docker).await;
    let upload = format!("/api/containers/{id}/files?path=/&name=kept");
    let kept = format!("/api/containers/{id}/files?path=/kept");
    // Exactly as long as the zeros at a tar's end.
    let content = vec![b'x'; 1_024];
    fill(&path);
    let announced = post(&server.url(), &upload, "application/octet-stream", &content).await;
    let chunked = post_chunked(&server.url(), &upload, &[&content], true).await;
    for (status, body) in [announced, chunked] {
        assert_eq!(status, 507, "{body}");
        assert!(body.contains("Free up"), "{body}");
        assert_eq!(download(&server.url(), &kept).await, b"kept");
    }
    // An upload that does not fit is refused before it has been sent.
    let length = "Content-Length: 1099511627776\r\n";
    let mut huge = Raw::head_only(&server.url(), "POST", &upload, length).await;
    huge.until(" 507 ").await;

    std::fs::remove_file(path.join("filler")).unwrap();
    for upload_again in [
        post(&server.url(), &upload, "application/octet-stream", &content).await,
        post_chunked(&server.url(), &upload, &[&content[..400], &content[400..]], true).await,
    ] {
        assert_eq!(upload_again.0, 200, "{}", upload_again.1);
        assert_eq!(download(&server.url(), &kept).await, content);
    }
    server.stop().await;
    drop(disk);
    std::fs::remove_dir(path).ok();
}

#[tokio::test]
async fn incomplete_upload_replaces_nothing() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let id = container(&docker).await;
    let upload = format!("/api/containers/{id}/files?path=/&name=kept");
    let broken_off = async || {
        let (_, tasks) = ask(&server.url(), "GET", "/api/tasks", "").await;
        tasks.matches("Upload interrupted").count()
    };
    Raw::broken_off(&server.url(), &upload, 1_000, b"half of it").await;
    eventually(TIMEOUT, "the first has failed", async || broken_off().await == 1).await;
    post_chunked(&server.url(), &upload, &[b"a chunk, and no end"], false).await;
    eventually(TIMEOUT, "the second has failed", async || broken_off().await == 2).await;
    assert_eq!(download(&server.url(), &format!("/api/containers/{id}/files?path=/kept")).await, b"kept");
    server.stop().await;
}
