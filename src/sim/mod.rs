//! Simulated engine that serves Docker's HTTP API (20.10, 1.41) on a socket. It backs `quaylight sim`,
//! `quaylight --demo`, tests at scale and the benchmark, and injects faults on demand.
//!
//! It is the other side of the wire and shares no code with the server or the page.
//!
//! - [`world`]: the engine's objects and the effect of each action on them. Pure.
//! - `fixtures`: the initial population; `churn`: random changes.
//! - `lifecycle`: slow actions, with Docker's timing; `life`: spontaneous container behaviour.
//! - `events`: the event journal, which sends, remembers and replays.
//! - `api`: Docker's HTTP API, one file per resource, and `/_sim`.
//! - [`faults`]: fault injection.
//! - `socket`: the listener and its connections.
//! - `truth`: the actual state, for tests to compare with.

mod api;
mod churn;
pub mod command;
mod events;
pub mod faults;
mod fixtures;
mod life;
mod lifecycle;
mod socket;
mod time;
mod truth;
pub mod world;

pub use truth::Truth;

use events::{Dropped, Journal};
use faults::{Faults, Switches};
use socket::{Connections, SimListener};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::Nanos;
use tokio::{sync::watch, task::JoinHandle};
use world::World;

/// What to simulate, and where.
#[derive(Debug, Clone)]
pub struct Options {
    pub place: Place,
    pub containers: usize,
    pub images: usize,
    pub seed: u64,
    /// Random changes per second.
    pub churn: f64,
    /// How long after `die` the engine blocks requests for the container and lists its previous state.
    pub lock: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Socket(PathBuf),
    Address(SocketAddr),
}

impl Default for Options {
    /// 40 containers on a free port of the loopback interface.
    fn default() -> Self {
        Self {
            place: Place::Address(SocketAddr::from(([127, 0, 0, 1], 0))),
            containers: 40,
            images: 20,
            seed: 1,
            churn: 0.0,
            lock: Duration::from_millis(60),
        }
    }
}

impl Options {
    /// The options of `quaylight --demo`: one change every two seconds.
    pub fn demo(containers: usize) -> Self {
        Self { containers, churn: 0.5, ..Self::default() }
    }
}

/// One simulated engine.
pub struct Sim {
    stage: Mutex<Stage>,
    /// Signals that an exit was processed or a container removed; waiting requests check again.
    settled: watch::Sender<()>,
    lock: Duration,
    faults: Faults,
    /// Random changes per second.
    churn: watch::Sender<f64>,
    /// Request count of each route, such as `GET /containers/{id}/json`.
    requests: Mutex<BTreeMap<String, u64>>,
    /// Each open stats stream holds a clone.
    stats_streams: Arc<()>,
}

/// The world and its event journal. They share one lock so that events keep the order of the changes.
struct Stage {
    world: World,
    journal: Journal,
}

impl Sim {
    /// Populates a world and starts to listen.
    ///
    /// # Errors
    ///
    /// When the socket or the address can't be opened.
    pub async fn start(options: Options) -> io::Result<Running> {
        let now = time::now();
        let mut world = World::new(options.seed);
        fixtures::populate(&mut world, options.containers, options.images, options.seed, now);
        let sim = Arc::new(Self {
            stage: Mutex::new(Stage { world, journal: Journal::default() }),
            settled: watch::Sender::new(()),
            lock: options.lock,
            faults: Faults::default(),
            churn: watch::Sender::new(options.churn),
            requests: Mutex::default(),
            stats_streams: Arc::default(),
        });
        let connections = Connections::default();
        let (door, url) = SimListener::open(&options.place, connections.clone()).await?;
        let tasks = vec![
            tokio::spawn(api::serve(door, sim.clone())),
            tokio::spawn(churn::churn(sim.clone(), options.containers, options.seed)),
        ];
        Ok(Running { sim, url, place: options.place, connections, tasks })
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.stage().world)
    }

    /// Changes the world and publishes the resulting events.
    fn change<T>(&self, change: impl FnOnce(&mut World, Nanos) -> T) -> T {
        let mut stage = self.stage();
        let now = time::now();
        let outcome = change(&mut stage.world, now);
        self.tell(&mut stage, now);
        outcome
    }

    /// Publishes the pending events, except those that a fault drops.
    fn tell(&self, stage: &mut Stage, now: Nanos) {
        for event in stage.world.take_events() {
            if self.faults.loses(&event) {
                stage.journal.dropped.push(Dropped { action: event.action, id: event.id });
            } else {
                stage.journal.publish(event, now);
            }
        }
    }
}

/// A running simulator. Dropping it stops the simulator and cleans up its socket and connections.
pub struct Running {
    sim: Arc<Sim>,
    url: String,
    place: Place,
    connections: Connections,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// The engine's URL for `DOCKER_HOST` and `--engine`: `unix:///path` or `tcp://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Fault injection controls.
    pub fn faults(&self) -> Switches<'_> {
        Switches(&self.sim)
    }

    /// Sets the number of random changes per second; 0 pauses them.
    pub fn set_churn(&self, per_second: f64) {
        self.sim.churn.send_replace(per_second);
    }

    /// The actual state, without Docker's delays.
    pub fn truth(&self) -> Truth {
        Truth::of(&self.sim)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.connections.cut_all();
        if let Place::Socket(path) = &self.place {
            let _ = std::fs::remove_file(path);
        }
    }
}
