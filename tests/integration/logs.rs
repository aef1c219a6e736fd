//! Logs of real containers: as text, followed through restarts and replacements, searched; and a slow client.

use crate::support::{Docker, IMAGE, TestServer, eventually};
use futures::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use quaylight::{
    model::{LogLine, LogStream},
    wire::log::{LogFrame, Searched, decode},
};
use std::{collections::VecDeque, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// Sends `GET path`; returns the status and the body.
async fn get(server: &TestServer, path: &str) -> (u16, Vec<u8>) {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(format!("http://{}{path}", server.address).parse().unwrap()).await.unwrap();
    (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes().to_vec())
}

/// Waits until the server knows a container.
async fn known(server: &TestServer, id: &str) {
    let path = format!("/api/containers/{id}/logs?tail=0");
    eventually(Duration::from_secs(5), "the server knows it", async || get(server, &path).await.0 == 200).await;
}

/// A client of the log socket.
struct Viewer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    skipped: u64,
    searched: Searched,
    sources: Vec<String>,
    end: Option<Option<String>>,
    is_whole: bool,
    /// Lines received, but not returned yet.
    left: VecDeque<LogLine>,
}

impl Viewer {
    async fn open(server: &TestServer, query: &str) -> Self {
        let request = format!("ws://{}/ws/logs?{query}", server.address).into_client_request().unwrap();
        let (socket, _) = connect_async(request).await.unwrap();
        Self {
            socket,
            skipped: 0,
            searched: Searched::default(),
            sources: Vec::new(),
            end: None,
            is_whole: false,
            left: VecDeque::new(),
        }
    }

    /// Receives a frame; None at the end.
    async fn receive(&mut self) -> Option<()> {
        let message = async {
            loop {
                match self.socket.next().await?.unwrap() {
                    Message::Binary(bytes) => return Some(bytes),
                    // A ping carries no lines.
                    _ => continue,
                }
            }
        };
        let bytes = timeout(Duration::from_secs(20), message).await.expect("a message comes")?;
        match decode(&bytes).unwrap() {
            LogFrame::Sources(sources) => self.sources = sources.into_iter().map(|it| it.name).collect(),
            LogFrame::Lines(lines) => self.left.extend(lines.into_iter().map(with_note)),
            LogFrame::Skipped(count) => self.skipped += count,
            LogFrame::Searched(searched) => self.searched = searched,
            LogFrame::End(why) => self.end = Some(why.map(|why| why.to_string())),
            LogFrame::Whole => self.is_whole = true,
        }
        Some(())
    }

    /// The next line; None at the end.
    async fn next(&mut self) -> Option<LogLine> {
        while self.left.is_empty() {
            self.receive().await?;
        }
        self.left.pop_front()
    }

    /// Waits until the server has sent the whole stored log. It then sends each later line, instead of the last ones.
    async fn until_whole(&mut self) {
        while !self.is_whole {
            self.receive().await.expect("the log is whole");
        }
    }

    /// All lines up to the first match.
    async fn until(&mut self, wanted: impl Fn(&LogLine) -> bool) -> Vec<LogLine> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line.clone());
            if wanted(&line) {
                return lines;
            }
        }
        panic!("it ended after {lines:?}")
    }

    async fn all(&mut self) -> Vec<LogLine> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        lines
    }
}

fn written(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().filter(|it| it.stream != LogStream::Note).map(|it| it.text.as_str()).collect()
}

/// With the English text of a note, as a page has it.
fn with_note(mut line: LogLine) -> LogLine {
    if let Some(note) = line.note.take() {
        line.text = note.to_string();
    }
    line
}

fn notes(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().filter(|it| it.stream == LogStream::Note).map(|it| it.text.as_str()).collect()
}

/// Creates a container that runs `script`, without starting it. Returns its name and id.
async fn scripted(docker: &Docker, name: &str, options: &[&str], script: &str) -> (String, String) {
    let (name, label) = (docker.name(name), docker.label());
    let start = ["create", "--name", &name, "--label", &label, "--network", "none", "--stop-timeout", "0"];
    let id = docker.run(&[&start, options, &[IMAGE, "sh", "-c", script]].concat()).await;
    (name, id)
}

#[tokio::test]
async fn log_is_served_as_unchanged_text_and_as_json_lines() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    // NULs, bytes that are not UTF-8 (Docker keeps its log as JSON, and so a replacement of them), and a line of 100 KB.
    let script = r"printf 'a\000b\377\n'; sleep 0.1; echo oops >&2; sleep 0.1; head -c 100000 /dev/zero | tr '\0' x; echo; printf end";
    let (name, id) = scripted(&docker, "writes", &[], script).await;
    docker.run(&["start", &name]).await;
    docker.run(&["wait", &name]).await;
    let mut expected = "a\0b\u{fffd}\noops\n".as_bytes().to_vec();
    expected.extend(vec![b'x'; 100_000]);
    expected.extend(b"\nend");
    let path = format!("/api/containers/{id}/logs");
    known(&server, &id).await;
    assert!(get(&server, &path).await.1 == expected, "byte for byte");

    let ndjson = get(&server, &format!("{path}?format=ndjson")).await.1;
    let lines: Vec<serde_json::Value> = ndjson
        .split(|byte| *byte == b'\n')
        .filter(|it| !it.is_empty())
        .map(|it| serde_json::from_slice(it).unwrap())
        .collect();
    assert_eq!((&lines[0]["text"], &lines[0]["stream"]), (&"a\0b\u{fffd}".into(), &"stdout".into()));
    assert_eq!((&lines[1]["text"], &lines[1]["stream"]), (&"oops".into(), &"stderr".into()));
    assert_eq!(lines[2]["cut"], 100_000 - 32 * 1024);
    assert!(lines[0]["time"].as_str().unwrap() < lines[1]["time"].as_str().unwrap());

    let last = get(&server, &format!("{path}?tail=1&timestamps=true")).await.1;
    assert!(String::from_utf8(last).unwrap().ends_with("Z end"));
    for (query, status) in [("since=yesterday", 400), ("format=xml", 400)] {
        assert!(get(&server, &format!("{path}?{query}")).await.0 == status, "{query}");
    }
    assert!(get(&server, "/api/containers/..%2Fimages/logs").await.0 == 400);
    assert!(get(&server, &format!("/api/containers/{}/logs", "0".repeat(64))).await.0 == 404);
    server.stop().await;
}

#[tokio::test]
async fn followed_log_continues_after_a_restart_without_duplicate_lines() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let (name, id) = scripted(&docker, "again", &[], "echo run $(hostname | wc -c); exit 3").await;
    docker.run(&["start", &name]).await;
    docker.run(&["wait", &name]).await;
    known(&server, &id).await;
    let mut viewer = Viewer::open(&server, &format!("ids={id}")).await;
    let first = viewer.until(|line| line.text.contains("exited")).await;
    assert_eq!((written(&first), notes(&first)), (vec!["run 13"], vec![&*format!("{name} exited with code 3")]));
    for _ in 0..2 {
        docker.run(&["start", &name]).await;
        let next = viewer.until(|line| line.text.contains("exited")).await;
        assert_eq!(written(&next), ["run 13"], "{next:?}");
        assert!(notes(&next).iter().any(|note| note.ends_with("started")), "{next:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn followed_log_continues_in_the_compose_replacement_container() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let project = docker.name("shop");
    let labels = [
        format!("com.docker.compose.project={project}"),
        "com.docker.compose.service=web".to_owned(),
        "com.docker.compose.container-number=1".to_owned(),
    ];
    let labels: Vec<&str> = labels.iter().flat_map(|label| ["--label", label.as_str()]).collect();
    let (old, id) = scripted(&docker, "old", &labels, "echo first; sleep 600").await;
    docker.run(&["start", &old]).await;
    known(&server, &id).await;
    let mut viewer = Viewer::open(&server, &format!("ids={id}")).await;
    viewer.until(|line| line.text == "first").await;
    docker.run(&["rm", "--force", &old]).await;
    let (new, _) = scripted(&docker, "new", &labels, "echo second; sleep 600").await;
    docker.run(&["start", &new]).await;
    let lines = viewer.until(|line| line.text == "second").await;
    assert!(notes(&lines).contains(&&*format!("{new} replaced {old}")), "{lines:?}");
    assert_eq!(viewer.sources, [new]);
    server.stop().await;
}

#[tokio::test]
async fn several_logs_are_merged_and_searched_completely() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let script = "i=0; while [ $i -lt 3000 ]; do echo line $i of $0; i=$((i+1)); done";
    let (a, a_id) = scripted(&docker, "a", &[], script).await;
    let (b, b_id) = scripted(&docker, "b", &[], script).await;
    docker.run(&["start", &a, &b]).await;
    docker.run(&["wait", &a, &b]).await;
    known(&server, &a_id).await;
    known(&server, &b_id).await;
    let both = format!("ids={a_id},{b_id}");
    let mut viewer = Viewer::open(&server, &format!("{both}&tail=10")).await;
    let mut ended = 0;
    let mut lines = Vec::new();
    while ended < 2 {
        lines.extend(viewer.until(|line| line.stream == LogStream::Note).await);
        ended += 1;
    }
    for source in [0, 1] {
        let of_it = lines.iter().filter(|it| it.source == source && it.stream == LogStream::Stdout);
        assert_eq!(
            of_it.map(|it| it.text.clone()).collect::<Vec<_>>(),
            (2_990..3_000).map(|it| format!("line {it} of sh")).collect::<Vec<_>>()
        );
    }

    let times: Vec<_> = lines.iter().filter(|it| it.stream == LogStream::Stdout).map(|it| it.at).collect();
    assert!(times.is_sorted(), "in the order of their times, regardless of the source");

    let mut search = Viewer::open(&server, &format!("{both}&q=LINE%20.*99%20of&regex=true")).await;
    let hits = search.all().await;
    assert_eq!(hits.len(), 2 * 30, "{:?}", written(&hits));
    assert_eq!(search.searched, Searched { lines: 6_000, hits: 60, is_cut: false });
    assert_eq!(search.end, Some(None));
    let mut wrong = Viewer::open(&server, &format!("{both}&q=(&regex=true")).await;
    assert!(wrong.all().await.is_empty());
    assert!(wrong.end.unwrap().unwrap().contains("Invalid regular expression"));
    server.stop().await;
}

/// The value of a metric without labels, or with these.
async fn metric(server: &TestServer, name: &str) -> f64 {
    let metrics = String::from_utf8(get(server, "/metrics").await.1).unwrap();
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    value.parse().unwrap()
}

#[tokio::test]
async fn slow_log_client_receives_the_latest_lines_and_a_skipped_count() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    // Long lines: many bytes for the queue and the buffers of the socket, and few lines to process.
    let script = "head -c 30000000 /dev/zero | tr '\\0' x | fold -w 300; echo; echo done; sleep 600";
    let (name, id) = scripted(&docker, "floods", &[], script).await;
    known(&server, &id).await;
    let mut viewer = Viewer::open(&server, &format!("ids={id}")).await;
    viewer.until_whole().await;
    docker.run(&["start", &name]).await;
    // The client reads nothing more until the server has read the whole log.
    eventually(Duration::from_secs(60), "all is read", async || {
        metric(&server, "quaylight_log_lines_total").await >= 100_001.0
    })
    .await;
    let lines = viewer.until(|line| line.text == "done").await;
    assert!(viewer.skipped > 50_000, "{}", viewer.skipped);
    assert_eq!(written(&lines).len() as u64 + viewer.skipped, 100_001);
    server.stop().await;
}

#[tokio::test]
async fn log_socket_is_released_when_the_client_disconnects() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let (name, id) = scripted(&docker, "left", &[], "while :; do echo tick; sleep 0.1; done").await;
    docker.run(&["start", &name]).await;
    known(&server, &id).await;
    let sockets = async || metric(&server, "quaylight_clients{transport=\"websocket\"}").await;
    let mut viewer = Viewer::open(&server, &format!("ids={id}")).await;
    viewer.until(|line| line.text == "tick").await;
    assert_eq!(sockets().await, 1.0);
    drop(viewer);
    eventually(Duration::from_secs(5), "its place is free", async || sockets().await == 0.0).await;
    server.stop().await;
}
