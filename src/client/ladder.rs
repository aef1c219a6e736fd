//! Which transport to try next: the best that gets through, down at once when one doesn't, up again in the background.

use super::store::Transport;

/// How an attempt or a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It never got as far as a greeting.
    Refused,
    /// It was live.
    Lost,
    /// It was live, and nobody looks: see `session.rs`.
    LetGo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Try(Transport),
    /// All have been refused, or one has ended: wait, then begin at the top.
    Wait,
}

/// Best first.
pub const RUNGS: [Transport; 3] = [Transport::WebSocket, Transport::Sse, Transport::Polling];

pub fn next(tried: Transport, ended: Ended) -> Next {
    if ended != Ended::Refused {
        return Next::Wait;
    }
    let at = RUNGS.iter().position(|rung| *rung == tried);
    at.and_then(|at| RUNGS.get(at + 1)).map_or(Next::Wait, |rung| Next::Try(*rung))
}

/// The transports better than the one in use, best first.
pub fn better_than(used: Transport) -> &'static [Transport] {
    let at = RUNGS.iter().position(|rung| *rung == used).unwrap_or_default();
    &RUNGS[..at]
}

/// When to try the better ones again, in milliseconds: soon at first, since a server that just came up may have refused
/// the best by bad luck, then ever more rarely.
pub struct Climb {
    wait: u32,
}

const FIRST: u32 = 1_000;
const LONGEST: u32 = 30_000;

impl Climb {
    pub fn new() -> Self {
        Self { wait: FIRST }
    }

    pub fn next_wait(&mut self) -> u32 {
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST);
        wait
    }

    /// Something changed for the better: try soon.
    pub fn hope(&mut self) {
        self.wait = FIRST;
    }
}

impl Default for Climb {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Polling, Sse, WebSocket};

    #[test]
    fn what_is_refused_leads_a_step_down_and_what_has_ended_to_the_top() {
        assert_eq!(next(WebSocket, Ended::Refused), Next::Try(Sse));
        assert_eq!(next(Sse, Ended::Refused), Next::Try(Polling));
        assert_eq!(next(Polling, Ended::Refused), Next::Wait);
        for transport in RUNGS {
            assert_eq!(next(transport, Ended::Lost), Next::Wait);
            assert_eq!(next(transport, Ended::LetGo), Next::Wait);
        }
    }

    #[test]
    fn only_better_transports_are_climbed_to() {
        assert_eq!(better_than(WebSocket), []);
        assert_eq!(better_than(Sse), [WebSocket]);
        assert_eq!(better_than(Polling), [WebSocket, Sse]);
        assert_eq!(better_than(Transport::None), []);
    }

    #[test]
    fn climbing_is_tried_soon_and_then_more_rarely() {
        let mut climb = Climb::new();
        let waits: Vec<_> = (0..7).map(|_| climb.next_wait()).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        climb.hope();
        assert_eq!(climb.next_wait(), 1_000);
    }
}
