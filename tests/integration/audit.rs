//! Audit entries of actions that the server does not survive.

use crate::{
    raw_http::{Raw, ask},
    server_process::ServerProcess,
    support::{TIMEOUT, eventually},
};
use quaylight::sim::{
    Options, Running, Sim,
    faults::{Fault, Kind},
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

async fn events(server: &ServerProcess, action: &str) -> Vec<Value> {
    let (status, body) = ask(&server.url, "GET", &format!("/api/events?action={action}&by=users"), "").await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["events"].as_array().unwrap().clone()
}

struct World {
    sim: Running,
    folder: TempDir,
    container: String,
}

impl World {
    /// With a server that has listed its engine.
    async fn start() -> (Self, ServerProcess) {
        let (sim, folder) = (Sim::start(Options::default()).await.unwrap(), tempfile::tempdir().unwrap());
        let container = sim.truth().containers.into_iter().find(|it| it.state == "running").unwrap().id;
        let world = Self { sim, folder, container };
        let server = world.serve();
        eventually(TIMEOUT, "the engine's first list", async || {
            ask(&server.url, "GET", "/api/state", "").await.1.contains(&world.container)
        })
        .await;
        (world, server)
    }

    fn serve(&self) -> ServerProcess {
        ServerProcess::start(self.sim.url(), self.folder.path())
    }

    /// Sends an action on the container.
    async fn act(&self, server: &ServerProcess, action: &str) -> Raw {
        let path = format!("/api/actions/container.{action}");
        let body = json!({"target": self.container}).to_string();
        Raw::request(&server.url, "POST", &path, "Content-Type: application/json\r\n", body.as_bytes()).await
    }

    async fn acts(&self, server: &ServerProcess, action: &str) {
        let answer = self.act(server, action).await.whole().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn action_is_recorded_although_the_server_is_killed_before_it_ends() {
    let (world, server) = World::start().await;
    world.acts(&server, "pause").await;
    world.acts(&server, "unpause").await;
    world.sim.faults().switch_on(Fault::new(Kind::Hang).on(&format!("/containers/{}/stop", world.container)));
    let _stop = world.act(&server, "stop").await;
    eventually(TIMEOUT, "the engine has the request", async || {
        world.sim.faults().list().iter().any(|it| it.struck > 0)
    })
    .await;
    assert_eq!(events(&server, "stop").await, Vec::<Value>::new(), "it has not ended");
    drop(server);

    for _ in 0..2 {
        let server = world.serve();
        eventually(TIMEOUT, "the entry of the action", async || !events(&server, "stop").await.is_empty()).await;
        let [stop] = &events(&server, "stop").await[..] else { panic!("it is recorded once") };
        assert_eq!((&stop["actor"], &stop["id"]), (&json!("local"), &json!(world.container)), "{stop}");
        assert!(stop.to_string().contains("Quaylight stopped before it ended."), "{stop}");
        let [pause] = &events(&server, "pause").await[..] else { panic!("it is recorded once") };
        assert_eq!(pause["error"], Value::Null, "{pause}");
    }
}

#[tokio::test]
async fn action_does_not_wait_for_a_history_that_cannot_be_written() {
    let (world, server) = World::start().await;
    let other = Connection::open(world.folder.path().join("history.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    world.acts(&server, "pause").await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    other.execute_batch("COMMIT").unwrap();
    let stored = || {
        let count = "SELECT count(*) FROM documents WHERE kind = 'action'";
        other.query_row(count, [], |row| row.get::<_, u32>(0)).unwrap()
    };
    eventually(TIMEOUT, "the entry is no longer one of an action in progress", async || {
        stored() == 0 && events(&server, "pause").await.len() == 1
    })
    .await;
}
