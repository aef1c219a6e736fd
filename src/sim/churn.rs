//! Random churn: plausible changes at a given rate, drawn from a seed. The number of containers stays roughly constant.
//! Containers labelled `quaylight.sim.churn=false` are never changed.

use super::{
    Sim,
    world::{Creation, Health, Labels, State},
};
use rand::{
    Rng, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, IteratorRandom},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

const LABEL: &str = "quaylight.sim.churn";

/// Never returns. The rate may change at any time; 0 pauses the churn.
pub async fn churn(sim: Arc<Sim>, population: usize, seed: u64) {
    let mut per_second = sim.churn.subscribe();
    let mut hand = ChurnGenerator::new(population, seed);
    loop {
        let rate = *per_second.borrow_and_update();
        if rate <= 0.0 {
            let _ = per_second.changed().await;
            continue;
        }
        let period = Duration::from_secs_f64((1.0 / rate).clamp(0.000_1, 3_600.0));
        let mut ticks = interval_at(Instant::now() + period, period);
        // Ticks missed while the machine slept are not caught up.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => hand.act(&sim),
                _ = per_second.changed() => break,
            }
        }
    }
}

/// The source of changes, with the objects it has created so far.
struct ChurnGenerator {
    random: StdRng,
    population: usize,
    made: Vec<String>,
    volumes: Vec<String>,
    tags: Vec<String>,
    /// Networks and the containers that joined them.
    joined: Vec<(String, String)>,
    count: u64,
}

impl ChurnGenerator {
    fn new(population: usize, seed: u64) -> Self {
        Self {
            // A different sequence from the one that created the population.
            random: StdRng::seed_from_u64(seed ^ 0xc4),
            population,
            made: Vec::new(),
            volumes: Vec::new(),
            tags: Vec::new(),
            joined: Vec::new(),
            count: 0,
        }
    }

    /// Applies one change. Slow changes continue in a spawned task.
    fn act(&mut self, sim: &Arc<Sim>) {
        self.count += 1;
        match self.random.random_range(0..100) {
            0..54 => self.walk(sim),
            54..62 => self.rename(sim),
            62..74 => self.come_or_go(sim),
            74..82 => self.exec(sim),
            82..88 => self.tag(sim),
            88..94 => self.volume(sim),
            _ => self.network(sim),
        }
    }

    /// Changes a container's state to one that may follow its current state.
    fn walk(&mut self, sim: &Arc<Sim>) {
        let Some(id) = self.any(sim, |_| true) else { return };
        let Some((state, has_health)) = sim.look(|world| world.get(&id).map(|it| (it.state, it.health.is_some())))
        else {
            return;
        };
        let (sim, chance) = (sim.clone(), self.random.random_range(0..100));
        let exit_code = [1, 2, 137, 139, 255].choose(&mut self.random).copied().unwrap_or(1);
        // Another change may win the race; this one is then refused, which is fine.
        let act = async move {
            let _ = match (state, chance) {
                (State::Paused, _) => sim.when_free(&id, |world, id, _| world.unpause(id)).await,
                (State::Running, 0..24) => sim.stop_container(&id).await,
                (State::Running, 24..48) => sim.restart_container(&id).await,
                (State::Running, 48..60) => sim.when_free(&id, |world, id, _| world.pause(id)).await,
                (State::Running, 60..72) => sim.end_container(&id, exit_code).await,
                (State::Running, _) if has_health => {
                    let health = if chance < 84 { Health::Unhealthy } else { Health::Healthy };
                    sim.when_free(&id, |world, id, _| {
                        world.set_health(id, health);
                        Ok(())
                    })
                    .await
                }
                (State::Running, _) => sim.restart_container(&id).await,
                (State::Created | State::Exited | State::Dead, _) => sim.start_container(&id).await,
                (State::Restarting, _) => Ok(()),
            };
        };
        tokio::spawn(act);
    }

    fn rename(&mut self, sim: &Arc<Sim>) {
        let Some(id) = self.any(sim, |_| true) else { return };
        sim.change(|world, _| {
            let name = world.get(&id).map(|it| it.name.clone()).unwrap_or_default();
            let name = name.strip_suffix("-old").map_or_else(|| format!("{name}-old"), str::to_owned);
            let _ = world.rename(&id, &name);
        });
    }

    fn come_or_go(&mut self, sim: &Arc<Sim>) {
        let there = sim.look(|world| world.each_container().count());
        let go = there > self.population || there == self.population && self.random.random_range(0..2) == 0;
        if go && !self.made.is_empty() {
            let id = self.made.swap_remove(self.random.random_range(0..self.made.len()));
            let sim = sim.clone();
            tokio::spawn(async move {
                let _ = sim.remove_container(&id, true, true).await;
            });
        } else if there <= self.population {
            let (image, name) = (self.image(sim), format!("churn-{}", self.count));
            let body = json!({
                "Image": image, "Labels": {LABEL: "true"},
                "Volumes": if self.count.is_multiple_of(3) { json!({"/scratch": {}}) } else { json!({}) },
            });
            let Ok(creation) = Creation::parse(body.to_string().as_bytes()) else { return };
            let Ok(id) = sim.change(|world, now| world.create(Some(&name), creation, now)) else { return };
            self.made.push(id.clone());
            let sim = sim.clone();
            tokio::spawn(async move {
                let _ = sim.start_container(&id).await;
            });
        }
    }

    fn exec(&mut self, sim: &Arc<Sim>) {
        let Some(id) = self.any(sim, |state| state == State::Running) else { return };
        let exit_code = [1, 2, 126, 127].choose(&mut self.random).copied().unwrap_or(1);
        sim.change(|world, _| world.exec(&id, "sh -c check", exit_code));
    }

    fn tag(&mut self, sim: &Arc<Sim>) {
        if self.tags.len() > 5 {
            let tag = self.tags.swap_remove(self.random.random_range(0..self.tags.len()));
            let _ = sim.change(|world, _| world.remove_image(&tag, false));
            return;
        }
        // Half of the time an existing name moves from one image to another.
        let (image, name) = (self.image(sim), format!("registry.example.com/churn:{}", self.random.random_range(0..8)));
        if sim.change(|world, _| world.tag(&image, &name)).is_ok() && !self.tags.contains(&name) {
            self.tags.push(name);
        }
    }

    fn volume(&mut self, sim: &Arc<Sim>) {
        if self.volumes.len() > 5 || !self.volumes.is_empty() && self.random.random_range(0..2) == 0 {
            let name = self.volumes.swap_remove(self.random.random_range(0..self.volumes.len()));
            let _ = sim.change(|world, _| world.remove_volume(&name, false));
            return;
        }
        let name = format!("churn-data-{}", self.count);
        if sim.change(|world, now| world.create_volume(&name, Labels::new(), now)).is_ok() {
            self.volumes.push(name);
        }
    }

    fn network(&mut self, sim: &Arc<Sim>) {
        if self.joined.len() > 5 {
            let (network, id) = self.joined.swap_remove(self.random.random_range(0..self.joined.len()));
            let sim = sim.clone();
            tokio::spawn(async move {
                let _ = sim.when_free(&id, |world, id, _| world.disconnect(&network, id)).await;
            });
            return;
        }
        let network = sim.look(|world| {
            let own = world.each_network().filter(|it| !it.is_predefined());
            own.choose(&mut self.random).map(|it| it.name.clone())
        });
        let (Some(network), Some(id)) = (network, self.any(sim, |state| state == State::Running)) else { return };
        let sim = sim.clone();
        self.joined.push((network.clone(), id.clone()));
        tokio::spawn(async move {
            let _ = sim.when_free(&id, |world, id, _| world.connect(&network, id, Vec::new())).await;
        });
    }

    fn any(&mut self, sim: &Sim, fits: impl Fn(State) -> bool) -> Option<String> {
        sim.look(|world| {
            let may_change = |labels: &Labels| labels.get(LABEL).is_none_or(|it| it != "false");
            let fitting =
                world.each_container().filter(|it| it.dying.is_none() && may_change(&it.labels) && fits(it.state));
            fitting.choose(&mut self.random).map(|it| it.id.clone())
        })
    }

    fn image(&mut self, sim: &Sim) -> String {
        sim.look(|world| {
            let image = world.each_image().choose(&mut self.random);
            image.map(|it| it.tags.first().unwrap_or(&it.id).clone()).unwrap_or_default()
        })
    }
}

/// Parses `20/s`, `0.5/s` or `20`.
pub fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    match number.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
        _ => Err(format!("{text:?} isn't a valid rate; use for example 20/s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn churn_rate_is_parsed_as_changes_per_second() {
        assert_eq!((rate("20/s"), rate("0.5/s"), rate("3")), (Ok(20.0), Ok(0.5), Ok(3.0)));
        assert!(rate("often").is_err() && rate("-1/s").is_err());
    }
}
