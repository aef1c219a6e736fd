//! What becomes of one rule for one subject: a condition has to last before it fires, and to be over for a while before
//! it is; and then it keeps quiet for a time. Around a threshold nobody is told twice.

use crate::model::{Rule, Timestamp};

/// The least that a condition has to be over before the alert is, in seconds.
const CALM: i64 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The condition holds, for how long already.
    Pending { since: Timestamp },
    /// And when it was last seen to hold.
    Firing { since: Timestamp, seen: Timestamp },
    /// Over; until then it does not fire again. With the time since which it holds once more.
    Cooling { until: Timestamp, since: Option<Timestamp> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Fired,
    Resolved,
}

impl Phase {
    /// The next phase of what has none yet, or is in `before`; none when there is nothing to remember.
    pub(super) fn step(before: Option<Self>, holds: bool, now: Timestamp, rule: &Rule) -> (Option<Self>, Option<Turn>) {
        let lasted = |since: Timestamp| now.seconds() - since.seconds() >= i64::from(rule.duration);
        let pending = |since| match lasted(since) {
            true => (Some(Self::Firing { since: now, seen: now }), Some(Turn::Fired)),
            false => (Some(Self::Pending { since }), None),
        };
        match (before, holds) {
            (None, false) | (Some(Self::Pending { .. }), false) => (None, None),
            (None, true) => pending(now),
            (Some(Self::Pending { since }), true) => pending(since),
            (Some(Self::Firing { since, .. }), true) => (Some(Self::Firing { since, seen: now }), None),
            (Some(Self::Firing { since, seen }), false) => {
                if now.seconds() - seen.seconds() < i64::from(rule.duration).max(CALM) {
                    return (Some(Self::Firing { since, seen }), None);
                }
                let until = Timestamp::from_seconds(now.seconds() + i64::from(rule.cooldown));
                (Some(Self::Cooling { until, since: None }), Some(Turn::Resolved))
            }
            (Some(Self::Cooling { until, .. }), false) if now >= until => (None, None),
            (Some(Self::Cooling { until, .. }), false) => (Some(Self::Cooling { until, since: None }), None),
            (Some(Self::Cooling { until, since }), true) => {
                let since = since.unwrap_or(now);
                if now >= until { pending(since) } else { (Some(Self::Cooling { until, since: Some(since) }), None) }
            }
        }
    }
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

    /// What happens in seconds 0, 1, 2, … while the condition holds where `holds` says so.
    fn turns(rule: &Rule, seconds: i64, holds: impl Fn(i64) -> bool) -> Vec<(i64, Turn)> {
        let mut phase = None;
        let mut turns = Vec::new();
        for second in 0..seconds {
            let (next, turn) = Phase::step(phase, holds(second), Timestamp::from_seconds(second), rule);
            phase = next;
            turns.extend(turn.map(|turn| (second, turn)));
        }
        turns
    }

    #[test]
    fn it_fires_when_it_has_lasted_and_is_over_when_it_has_been_over_as_long() {
        assert_eq!(turns(&rule(30, 0), 100, |at| (10..60).contains(&at)), [(40, Turn::Fired), (89, Turn::Resolved)]);
        assert_eq!(turns(&rule(30, 0), 100, |at| (10..39).contains(&at)), []);
        assert_eq!(turns(&rule(0, 0), 40, |at| at == 5), [(5, Turn::Fired), (15, Turn::Resolved)]);
    }

    #[test]
    fn flapping_around_a_threshold_is_one_alert() {
        let flapping = |at: i64| at % 4 < 2;
        assert_eq!(turns(&rule(0, 0), 600, flapping), [(0, Turn::Fired)]);
        // In slow motion, each time long enough: the cooldown keeps it quiet.
        let slowly = |at: i64| at % 60 < 20;
        let fired = turns(&rule(5, 300), 1_200, slowly).into_iter().filter(|(_, turn)| *turn == Turn::Fired).count();
        assert_eq!(fired, 4);
    }

    #[test]
    fn what_holds_again_when_the_cooldown_ends_fires_then() {
        let holds = |at: i64| !(5..30).contains(&at);
        let turns = turns(&rule(0, 60), 200, holds);
        assert_eq!(turns, [(0, Turn::Fired), (14, Turn::Resolved), (74, Turn::Fired)]);
    }
}
