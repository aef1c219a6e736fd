//! Rule conditions: pure functions from state and facts to breaches.

use super::facts::Facts;
use crate::{
    message,
    model::{
        Condition, Container, ContainerId, ContainerState, ENGINE_DISK, EngineState, Health, Key, Message, Rule, logged,
    },
    server::clock::Moment,
};
use std::sync::Arc;

/// A condition that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    /// The container's name, or whatever else it is about.
    pub(super) subject: String,
    pub(super) container: Option<ContainerId>,
    /// The measured value, as text.
    pub(super) text: Message,
}

/// The subjects for which the condition holds now.
pub(super) fn breaches(rule: &Rule, state: &EngineState, facts: &Facts, now: Moment) -> Vec<Breach> {
    match &rule.condition {
        Condition::Absent => absent(rule, state).into_iter().collect(),
        Condition::Disk { above } => disk(*above, facts).into_iter().collect(),
        condition => {
            let watched = state.containers().filter(|it| rule.scope.takes(it));
            let breach = |it: &Arc<Container>| {
                let key = Key::Container(it.host.clone(), it.id.clone());
                let text = of_container(rule, condition, it, &key, facts, now)?;
                Some(Breach { subject: it.name.clone(), container: Some(it.id.clone()), text })
            };
            watched.filter_map(breach).collect()
        }
    }
}

fn of_container(
    rule: &Rule,
    condition: &Condition,
    it: &Container,
    key: &Key,
    facts: &Facts,
    now: Moment,
) -> Option<Message> {
    let runs = it.state == ContainerState::Running;
    match condition {
        Condition::Cpu { above } => {
            let used = facts.sample(key)?.cpu_percent;
            (runs && used > f64::from(*above)).then(|| message!("uses {used} % of a core", used = format!("{used:.1}")))
        }
        Condition::Memory { above } => {
            let used = facts.sample(key)?.memory_percent?;
            (runs && used > f64::from(*above))
                .then(|| message!("uses {used} % of its memory", used = format!("{used:.1}")))
        }
        Condition::Restarts { times, within } => {
            let starts = facts.starts_within(key, *within, now);
            (starts >= *times).then(|| message!("started {starts} times within {within} s", starts, within))
        }
        // A container that has ended keeps its last health status.
        Condition::Unhealthy => (runs && it.health == Some(Health::Unhealthy)).then(|| message!("is unhealthy")),
        Condition::Failed => {
            let ended_since = it.finished_at.is_some_and(|end| end >= rule.since);
            let code = it.failed_with().filter(|_| ended_since).or_else(|| facts.failure(key))?;
            Some(message!("exited with code {code}", code))
        }
        Condition::Log { .. } => facts.line(&rule.id, key).map(logged),
        Condition::Absent | Condition::Disk { .. } => None,
    }
}

/// No container in the rule's scope is running.
fn absent(rule: &Rule, state: &EngineState) -> Option<Breach> {
    // Before the engine has been reached nothing is known.
    state.hosts().find(|host| host.status == crate::model::HostStatus::Reachable)?;
    let runs = state.containers().any(|it| it.state == ContainerState::Running && rule.scope.takes(it));
    (!runs).then(|| Breach { subject: rule.scope.name.clone(), container: None, text: message!("isn't running") })
}

fn disk(above: u32, facts: &Facts) -> Option<Breach> {
    let used = facts.disk.filter(|used| *used > above)?;
    let text = message!("is {used} % full", used);
    Some(Breach { subject: ENGINE_DISK.to_owned(), container: None, text })
}
