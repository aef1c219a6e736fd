//! Actual state of the simulator, with its event and request counters. `GET /_sim/truth` returns it for tests to
//! compare with.

use super::{Sim, events::Dropped, world::World};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// Sorted by id.
    pub containers: Vec<ContainerTruth>,
    pub images: Vec<ImageTruth>,
    /// Names.
    pub volumes: Vec<String>,
    pub networks: Vec<NetworkTruth>,
    pub events_sent: u64,
    pub events_dropped: usize,
    pub dropped: Vec<Dropped>,
    /// Request count of each route, such as `GET /containers/{id}/json`.
    pub requests: BTreeMap<String, u64>,
    /// Open stats streams.
    pub stats_streams: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContainerTruth {
    pub id: String,
    pub name: String,
    pub state: &'static str,
    /// None without a health check or while the container is down.
    pub health: Option<&'static str>,
    pub image: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageTruth {
    pub id: String,
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkTruth {
    pub id: String,
    pub name: String,
}

impl Truth {
    pub fn of(sim: &Sim) -> Self {
        let requests = sim.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stage = sim.stage();
        Self {
            containers: containers(&stage.world),
            images: stage
                .world
                .each_image()
                .map(|it| ImageTruth { id: it.id.clone(), tags: it.tags.clone() })
                .collect(),
            volumes: stage.world.each_volume().map(|it| it.name.clone()).collect(),
            networks: stage
                .world
                .each_network()
                .map(|it| NetworkTruth { id: it.id.clone(), name: it.name.clone() })
                .collect(),
            events_sent: stage.journal.sent,
            events_dropped: stage.journal.dropped.len(),
            dropped: stage.journal.dropped.clone(),
            requests,
            stats_streams: Arc::strong_count(&sim.stats_streams) - 1,
        }
    }
}

fn containers(world: &World) -> Vec<ContainerTruth> {
    let truth = world.each_container().map(|it| ContainerTruth {
        id: it.id.clone(),
        name: it.name.clone(),
        state: it.state.as_str(),
        health: it.health.as_ref().filter(|_| it.state.is_up()).map(|check| check.status.as_str()),
        image: it.image.clone(),
    });
    truth.collect()
}
