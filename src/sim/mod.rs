//! What if there were an engine? A simulated one that speaks Docker's HTTP API (20.10, 1.41) on a socket: it serves
//! `quaylight sim`, `quaylight --demo`, tests at scale and the benchmark, and fails on demand.
//!
//! It is the other side of the wire, and shares nothing with the server or the page.
//!
//! - [`world`]: what there is and what actions do to it. Pure.
//! - `population`: who lives in it at first; `churn`: what happens by itself.
//! - `acting`: actions that take their time, as Docker takes it.
//! - `events`: what is told, remembered and repeated.
//! - `api`: Docker's HTTP API, a file for each group of it, and `/_sim`.
//! - [`faults`]: what goes wrong, on demand.
//! - `socket`: where it listens.

mod acting;
mod api;
mod churn;
pub mod command;
mod events;
pub mod faults;
mod life;
mod moment;
mod population;
mod socket;
mod truth;
pub mod world;

pub use truth::Truth;

use events::{Dropped, Journal};
use faults::{Faults, Switches};
use moment::Nanos;
use socket::{Connections, Door};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};
use world::World;

/// What to simulate, and where.
#[derive(Debug, Clone)]
pub struct Options {
    pub place: Place,
    pub containers: usize,
    pub images: usize,
    pub seed: u64,
    /// Changes in a second that happen by themselves.
    pub churn: f64,
    /// For how long after `die` the engine keeps whoever asks for the container waiting, and lists what was before.
    pub lock: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Socket(PathBuf),
    Address(SocketAddr),
}

impl Default for Options {
    /// 40 containers on a free port of loopback.
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
    /// What `quaylight --demo` shows: something happens every two seconds.
    pub fn demo(containers: usize) -> Self {
        Self { containers, churn: 0.5, ..Self::default() }
    }
}

/// One simulated engine.
pub struct Sim {
    stage: Mutex<Stage>,
    /// Says that a death is dealt with, or a container gone: those who wait look again.
    settled: watch::Sender<()>,
    lock: Duration,
    faults: Faults,
    /// Changes in a second.
    churn: watch::Sender<f64>,
    /// How often each route was asked, as `GET /containers/{id}/json`.
    requests: Mutex<BTreeMap<String, u64>>,
    /// Each stream of stats that is being read holds one.
    stats_streams: Arc<()>,
}

/// The world and what is told of it: under one lock, so that events come in the order in which things happened.
struct Stage {
    world: World,
    journal: Journal,
}

impl Sim {
    /// Populates a world and answers at its place.
    pub async fn start(options: Options) -> io::Result<Running> {
        let now = moment::now();
        let mut world = World::new(options.seed);
        population::populate(&mut world, options.containers, options.images, options.seed, now);
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
        let (door, url) = Door::open(&options.place, connections.clone()).await?;
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

    /// Changes the world, and tells what happened.
    fn change<T>(&self, change: impl FnOnce(&mut World, Nanos) -> T) -> T {
        let mut stage = self.stage();
        let now = moment::now();
        let outcome = change(&mut stage.world, now);
        self.tell(&mut stage, now);
        outcome
    }

    /// Of what happened, what no fault keeps back.
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

/// A simulator that answers until this is dropped. Then it leaves nothing behind.
pub struct Running {
    sim: Arc<Sim>,
    url: String,
    place: Place,
    connections: Connections,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// For `DOCKER_HOST` and `--engine`: `unix:///path` or `tcp://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What goes wrong, to switch on and off.
    pub fn faults(&self) -> Switches<'_> {
        Switches(&self.sim)
    }

    /// How many changes happen in a second from now on; 0 lets it rest.
    pub fn set_churn(&self, per_second: f64) {
        self.sim.churn.send_replace(per_second);
    }

    /// What is, without Docker's delays.
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
