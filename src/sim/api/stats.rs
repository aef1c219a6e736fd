//! `/containers/{id}/stats`: generated resource usage. The figures follow from the container and the time: smooth, and
//! the same for every client.

use super::{
    answer::{Answer, json, with_body},
    api_request::ApiRequest,
    logs::seed,
};
use crate::sim::{
    Sim,
    time::{self, Nanos, SECOND, rfc3339},
    world::Container,
};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures::stream;
use serde_json::{Value, json};
use std::{convert::Infallible, f64::consts::TAU, sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

const CPUS: u64 = 8;
const MEMORY_LIMIT: f64 = 2_147_483_648.0;

/// `one-shot` omits the previous sample; otherwise the first sample arrives after two seconds, as in Docker.
pub async fn stats(sim: &Arc<Sim>, reference: &str, request: &ApiRequest) -> Answer {
    let container = sim.inspect(reference).await?;
    let streams = request.query("stream").is_empty() || request.bool_query("stream");
    if !streams {
        let now = time::now();
        let before = (!request.bool_query("one-shot")).then_some(now - SECOND);
        return json(&sample(&container, before, now));
    }
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let counted = sim.stats_streams.clone();
    let samples = stream::unfold((sim.clone(), ticks, None), move |(sim, mut ticks, before)| {
        let (id, _counted) = (container.id.clone(), &counted);
        async move {
            ticks.tick().await;
            // The stream ends with the container.
            let container = sim.look(|world| world.get(&id).cloned())?;
            let now = time::now();
            let mut line = sample(&container, before, now).to_string();
            line.push('\n');
            Some((Ok::<_, Infallible>(Bytes::from(line)), (sim, ticks, Some(now))))
        }
    });
    Ok(with_body(StatusCode::OK, "application/json", Body::from_stream(samples)))
}

fn sample(it: &Container, before: Option<Nanos>, now: Nanos) -> Value {
    let name = format!("/{}", it.name);
    if !it.state.is_up() {
        // Docker's zeros for a container that isn't running.
        return json!({
            "read": rfc3339(0), "preread": rfc3339(0), "pids_stats": {}, "blkio_stats": {}, "num_procs": 0,
            "storage_stats": {}, "cpu_stats": {"cpu_usage": {"total_usage": 0}}, "precpu_stats": {"cpu_usage": {"total_usage": 0}},
            "memory_stats": {}, "name": name, "id": it.id,
        });
    }
    let pulse = LoadProfile::of(it);
    let (memory, cache) = pulse.memory(now);
    json!({
        "read": rfc3339(now), "preread": rfc3339(before.unwrap_or(0)),
        "pids_stats": {"current": 1 + pulse.seed % 40, "limit": 38_000},
        "blkio_stats": {"io_service_bytes_recursive": [
            {"major": 8, "minor": 0, "op": "read", "value": pulse.total(now, 0.2)},
            {"major": 8, "minor": 0, "op": "write", "value": pulse.total(now, 0.4)},
        ]},
        "num_procs": 0, "storage_stats": {},
        "cpu_stats": pulse.cpu(Some(now)), "precpu_stats": pulse.cpu(before),
        "memory_stats": {"usage": memory, "limit": MEMORY_LIMIT as u64, "stats": {"inactive_file": cache, "anon": memory - cache}},
        "name": name, "id": it.id,
        "networks": {"eth0": {
            "rx_bytes": pulse.total(now, 1.0), "rx_packets": pulse.total(now, 0.001), "rx_errors": 0, "rx_dropped": 0,
            "tx_bytes": pulse.total(now, 0.7), "tx_packets": pulse.total(now, 0.0007), "tx_errors": 0, "tx_dropped": 0,
        }},
    })
}

/// A container's load and its variation over time.
struct LoadProfile {
    seed: u64,
    started_at: Nanos,
    /// Average load as a share of one CPU.
    busy: f64,
    period: f64,
}

impl LoadProfile {
    fn of(it: &Container) -> Self {
        let seed = seed(it);
        // Most containers do little; a few do much.
        let busy = 0.001 + 0.6 * ((seed % 1_000) as f64 / 1_000.0).powi(6);
        Self { seed, started_at: it.started_at, busy, period: 20.0 + (seed % 97) as f64 }
    }

    fn seconds(&self, at: Nanos) -> f64 {
        ((at - self.started_at) as f64 / SECOND as f64).max(0.0)
    }

    /// Weighted seconds: they pass faster and slower in turn, but never run backwards.
    fn busy_seconds(&self, at: Nanos) -> f64 {
        let seconds = self.seconds(at);
        seconds + 0.9 * self.period / TAU * (1.0 - (TAU * seconds / self.period).cos())
    }

    fn cpu(&self, at: Option<Nanos>) -> Value {
        let Some(at) = at else {
            return json!({"cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0}, "throttling_data": {}});
        };
        let total = (self.busy_seconds(at) * self.busy * SECOND as f64) as u64;
        json!({
            "cpu_usage": {"total_usage": total, "usage_in_kernelmode": total / 4, "usage_in_usermode": total - total / 4},
            "system_cpu_usage": u64::try_from(at).unwrap_or(0) * CPUS, "online_cpus": CPUS,
            "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
        })
    }

    /// Memory in use, and the part of it that is cache.
    fn memory(&self, at: Nanos) -> (u64, u64) {
        let share = 0.02 + 0.5 * ((self.seed / 1_000 % 1_000) as f64 / 1_000.0).powi(3);
        let wave = 1.0 + 0.1 * (TAU * self.seconds(at) / (self.period * 3.0)).sin();
        let memory = MEMORY_LIMIT * share * wave;
        (memory as u64, (memory * 0.15) as u64)
    }

    fn total(&self, at: Nanos, share: f64) -> u64 {
        (self.busy_seconds(at) * self.busy * 2_000_000.0 * share) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_never_decrease() {
        let pulse = LoadProfile { seed: 4_711, started_at: 0, busy: 0.3, period: 25.0 };
        let totals: Vec<u64> = (1..2_000).map(|n| pulse.total(n * SECOND / 10, 1.0)).collect();
        assert!(totals.is_sorted());
    }
}
