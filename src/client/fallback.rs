//! Transport fallback and upgrade: fall back at once when a transport doesn't get through, and upgrade to a better one
//! in the background.

use super::store::Transport;

/// How an attempt or a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The attempt failed before the greeting.
    Refused,
    /// The server has reached its connection limit. Other transports would be refused too.
    Full,
    /// The session is over, or there was none.
    SignedOut,
    /// The connection was live.
    Lost,
    /// The connection was live and was released because the tab is hidden: see `session.rs`.
    ReleasedWhileHidden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try this transport at once.
    Try(Transport),
    /// All transports were refused, or a live connection ended: wait, then start with the best one.
    Wait,
}

/// All transports, best first.
pub const TRANSPORTS: [Transport; 3] = [Transport::WebSocket, Transport::Sse, Transport::Polling];

pub fn next(tried: Transport, ended: Ended) -> Next {
    if ended != Ended::Refused {
        return Next::Wait;
    }
    let at = TRANSPORTS.iter().position(|transport| *transport == tried);
    at.and_then(|at| TRANSPORTS.get(at + 1)).map_or(Next::Wait, |transport| Next::Try(*transport))
}

/// The transports better than the one in use, best first.
pub fn better_than(used: Transport) -> &'static [Transport] {
    let at = TRANSPORTS.iter().position(|transport| *transport == used).unwrap_or_default();
    &TRANSPORTS[..at]
}

/// Backoff of the upgrade attempts, in milliseconds. The first ones follow soon, since a server that has just started
/// may have refused the best transport by chance. Later ones are less frequent.
pub struct UpgradeBackoff {
    wait: u32,
}

const FIRST: u32 = 1_000;
const LONGEST: u32 = 30_000;

impl UpgradeBackoff {
    pub fn new() -> Self {
        Self { wait: FIRST }
    }

    pub fn next_wait(&mut self) -> u32 {
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST);
        wait
    }

    /// Something changed for the better: try again soon.
    pub fn reset(&mut self) {
        self.wait = FIRST;
    }
}

impl Default for UpgradeBackoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Polling, Sse, WebSocket};

    #[test]
    fn only_a_refused_transport_falls_back_to_the_next_one() {
        assert_eq!(next(WebSocket, Ended::Refused), Next::Try(Sse));
        assert_eq!(next(Sse, Ended::Refused), Next::Try(Polling));
        assert_eq!(next(Polling, Ended::Refused), Next::Wait);
        for transport in TRANSPORTS {
            assert_eq!(next(transport, Ended::Full), Next::Wait);
            assert_eq!(next(transport, Ended::SignedOut), Next::Wait);
            assert_eq!(next(transport, Ended::Lost), Next::Wait);
            assert_eq!(next(transport, Ended::ReleasedWhileHidden), Next::Wait);
        }
    }

    #[test]
    fn upgrade_only_to_better_transports() {
        assert_eq!(better_than(WebSocket), []);
        assert_eq!(better_than(Sse), [WebSocket]);
        assert_eq!(better_than(Polling), [WebSocket, Sse]);
        assert_eq!(better_than(Transport::None), []);
    }

    #[test]
    fn upgrade_attempts_back_off() {
        let mut upgrade = UpgradeBackoff::new();
        let waits: Vec<_> = (0..7).map(|_| upgrade.next_wait()).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        upgrade.reset();
        assert_eq!(upgrade.next_wait(), 1_000);
    }
}
