//! State machine of one rule for one subject. A condition has to last before the alert fires, and to be over for a while before
//! the alert is; then a cooldown follows. So a value that hovers around a threshold notifies only once.

use crate::{
    model::{Rule, Timestamp},
    server::clock::Moment,
};
use std::time::Duration;

/// Shortest time a condition has to be over before the alert is.
const CALM: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The condition holds, since this time.
    Pending { since: Moment },
    /// With the time when the condition was last seen to hold, by the steady clock.
    Firing { since: Timestamp, seen: Duration },
    /// Over; it does not fire again until then, by the steady clock. `since` is when the condition began to hold again.
    Cooling { until: Duration, since: Option<Moment> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transition {
    Fired,
    Resolved,
}

impl Phase {
    /// The next phase; `before` is `None` for a subject without one. Returns `None` if there is nothing to remember.
    pub(super) fn step(
        before: Option<Self>,
        holds: bool,
        now: Moment,
        rule: &Rule,
    ) -> (Option<Self>, Option<Transition>) {
        let (duration, cooldown) = (seconds(rule.duration), seconds(rule.cooldown));
        let lasted = |since: Moment| now.since(since) >= duration;
        let pending = |since| match lasted(since) {
            true => (Some(Self::Firing { since: now.at, seen: now.steady }), Some(Transition::Fired)),
            false => (Some(Self::Pending { since }), None),
        };
        match (before, holds) {
            (None, false) | (Some(Self::Pending { .. }), false) => (None, None),
            (None, true) => pending(now),
            (Some(Self::Pending { since }), true) => pending(since),
            (Some(Self::Firing { since, .. }), true) => (Some(Self::Firing { since, seen: now.steady }), None),
            (Some(Self::Firing { since, seen }), false) => {
                if now.steady.saturating_sub(seen) < duration.max(CALM) {
                    return (Some(Self::Firing { since, seen }), None);
                }
                let until = now.steady + cooldown;
                (Some(Self::Cooling { until, since: None }), Some(Transition::Resolved))
            }
            (Some(Self::Cooling { until, .. }), false) if now.steady >= until => (None, None),
            (Some(Self::Cooling { until, .. }), false) => (Some(Self::Cooling { until, since: None }), None),
            (Some(Self::Cooling { until, since }), true) => {
                let since = since.unwrap_or(now);
                if now.steady >= until {
                    pending(since)
                } else {
                    (Some(Self::Cooling { until, since: Some(since) }), None)
                }
            }
        }
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertScope, Condition, Severity};

    fn rule(duration: u32, cooldown: u32) -> Rule {
        Rule {
            id: "1".into(),
            name: "busy".into(),
            is_on: true,
            condition: Condition::Cpu { above: 50 },
            scope: AlertScope::default(),
            severity: Severity::Warning,
            duration,
            cooldown,
            channels: vec![],
            silenced_until: None,
            since: Timestamp::default(),
        }
    }

    /// The transitions in seconds 0, 1, 2, … while the condition holds where `holds` returns true.
    fn transitions(rule: &Rule, seconds: i64, holds: impl Fn(i64) -> bool) -> Vec<(i64, Transition)> {
        turns_by_a_clock(rule, seconds, holds, |second| second)
    }

    /// The same, with `day` mapping each second to the time of day.
    fn turns_by_a_clock(
        rule: &Rule,
        seconds: i64,
        holds: impl Fn(i64) -> bool,
        day: impl Fn(i64) -> i64,
    ) -> Vec<(i64, Transition)> {
        let mut phase = None;
        let mut transitions = Vec::new();
        for second in 0..seconds {
            let (at, steady) = (Timestamp::from_seconds(day(second)), Duration::from_secs(second.unsigned_abs()));
            let (next, transition) = Phase::step(phase, holds(second), Moment { at, steady }, rule);
            phase = next;
            transitions.extend(transition.map(|transition| (second, transition)));
        }
        transitions
    }

    #[test]
    fn alert_fires_and_resolves_only_after_the_rule_duration() {
        assert_eq!(
            transitions(&rule(30, 0), 100, |at| (10..60).contains(&at)),
            [(40, Transition::Fired), (89, Transition::Resolved)]
        );
        assert_eq!(transitions(&rule(30, 0), 100, |at| (10..39).contains(&at)), []);
        assert_eq!(transitions(&rule(0, 0), 40, |at| at == 5), [(5, Transition::Fired), (15, Transition::Resolved)]);
    }

    /// Bug: no alert was sent for an hour after the clock had been set back by an hour.
    #[test]
    fn clock_jump_does_not_change_the_transitions() {
        let holds = |at: i64| (10..60).contains(&at) || (150..200).contains(&at);
        let steady = transitions(&rule(30, 60), 300, holds);
        assert_eq!(steady.len(), 4);
        for jump in [-30 * 86_400, -3_600, 3_600, 30 * 86_400] {
            for when in [20, 50, 70, 100, 160] {
                let day = |second: i64| 1_000_000_000 + second + if second < when { 0 } else { jump };
                assert_eq!(turns_by_a_clock(&rule(30, 60), 300, holds, day), steady, "{jump} s in second {when}");
            }
        }
    }

    #[test]
    fn flapping_fires_at_most_once_per_cooldown() {
        let flapping = |at: i64| at % 4 < 2;
        assert_eq!(transitions(&rule(0, 0), 600, flapping), [(0, Transition::Fired)]);
        // Flapping slowly, each time long enough to fire: the cooldown suppresses repeats.
        let slowly = |at: i64| at % 60 < 20;
        let fired = transitions(&rule(5, 300), 1_200, slowly)
            .into_iter()
            .filter(|(_, transition)| *transition == Transition::Fired)
            .count();
        assert_eq!(fired, 4);
    }

    #[test]
    fn condition_that_holds_after_the_cooldown_fires_again() {
        let holds = |at: i64| !(5..30).contains(&at);
        let transitions = transitions(&rule(0, 60), 200, holds);
        assert_eq!(transitions, [(0, Transition::Fired), (14, Transition::Resolved), (74, Transition::Fired)]);
    }
}
