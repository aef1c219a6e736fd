//! Spontaneous container behaviour: some commands exit, and health checks complete.

use super::{
    Sim,
    world::{Container, Health},
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// How long the first health check takes to pass.
const HEALTHY_AFTER: Duration = Duration::from_secs(1);

/// Schedules the behaviour of a container that has just started.
pub fn begins(sim: &Arc<Sim>, id: &str) {
    let Some(container) = sim.look(|world| world.get(id).cloned()) else { return };
    if container.health.is_some() {
        let (sim, container) = (sim.clone(), container.clone());
        tokio::spawn(async move {
            sleep(HEALTHY_AFTER).await;
            sim.change(|world, _| {
                if is_same_run(world.get(&container.id), &container) {
                    world.set_health(&container.id, Health::Healthy);
                }
            });
        });
    }
    if let Some((after, exit_code)) = end(&container.command) {
        let sim = sim.clone();
        tokio::spawn(async move {
            sleep(after).await;
            if sim.look(|world| is_same_run(world.get(&container.id), &container)) {
                let _ = sim.end_container(&container.id, exit_code).await;
            }
        });
    }
}

fn is_same_run(now: Option<&Arc<Container>>, then: &Container) -> bool {
    now.is_some_and(|it| it.state.is_up() && it.started_at == then.started_at && it.dying.is_none())
}

/// After how long a command exits by itself, and with which code.
fn end(command: &[String]) -> Option<(Duration, i64)> {
    let words: Vec<&str> = command.iter().flat_map(|it| it.split_whitespace()).collect();
    match words.as_slice() {
        ["true"] | ["echo", ..] => Some((Duration::ZERO, 0)),
        ["false"] => Some((Duration::ZERO, 1)),
        ["sleep", seconds] => Some((Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?, 0)),
        ["sh" | "/bin/sh", "-c", "exit", code] => Some((Duration::ZERO, code.parse().ok()?)),
        ["sh" | "/bin/sh", "-c", "sleep", seconds, "exit", code] => {
            let seconds = seconds.trim_end_matches(';').parse().ok()?;
            Some((Duration::try_from_secs_f64(seconds).ok()?, code.parse().ok()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_time_and_code_are_parsed_from_the_command() {
        let end = |words: &[&str]| end(&words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(end(&["sh", "-c", "exit 3"]), Some((Duration::ZERO, 3)));
        assert_eq!(end(&["sh", "-c", "sleep 0.5; exit 1"]), Some((Duration::from_millis(500), 1)));
        assert_eq!(end(&["sleep", "600"]), Some((Duration::from_secs(600), 0)));
        assert_eq!(end(&["nginx"]), None);
    }
}
