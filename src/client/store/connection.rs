//! State and counters of the page's connection to the server.

use crate::model::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The first connection attempt is in progress.
    Connecting,
    Live,
    Reconnecting,
    Polling,
    /// The browser itself reports that there is no network.
    Offline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    None,
    WebSocket,
    Sse,
    Polling,
}

/// The connection's state and its counters.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub connection: Connection,
    pub transport: Transport,
    pub server_version: String,
    /// The server's release differs from this page's.
    pub is_outdated: bool,
    /// Why the page is not live: the server has reached its connection limit.
    pub is_server_full: bool,
    /// Latest round-trip times in microseconds, newest last.
    pub round_trips: Vec<i64>,
    /// The server's clock minus this page's, in microseconds, estimated from the fastest of the latest pings.
    pub clock_offset: i64,
    offsets: Vec<(i64, i64)>,
    /// Indexed by [`Transport`].
    pub lines: [Line; Transport::ALL.len()],
    /// The server's latest report: its revision, and the number of changes its reconcile found that no event had
    /// announced.
    pub server_revision: u64,
    pub server_drift: u64,
    pub reconnects: u64,
    /// How often missed diffs were requested.
    pub resumes: u64,
    /// How often the complete state was loaded again.
    pub resyncs: u64,
    /// How often a diff did not follow the page's revision.
    pub gaps: u64,
    /// Since when the page is not live, by this page's clock.
    pub lost_since: Option<Timestamp>,
    /// Time of the next attempt, by this page's clock.
    pub retry_at: Option<Timestamp>,
}

/// Counters of one transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// Blocked by a button of the instrument panel.
    pub is_blocked: bool,
    pub opened: u32,
    pub refused: u32,
    pub messages: u64,
    /// Bytes of payload.
    pub bytes: u64,
    /// By this page's clock.
    pub last_message: Option<Timestamp>,
}

/// Round-trip times kept for the statistics.
const ROUND_TRIPS: usize = 120;

/// Pings considered for the clock offset, of which the fastest is used. Few, because clocks drift.
const OFFSETS: usize = 20;

impl Link {
    pub(super) fn new(server_version: String) -> Self {
        Self {
            connection: Connection::Connecting,
            transport: Transport::None,
            server_version,
            is_outdated: false,
            is_server_full: false,
            round_trips: Vec::new(),
            clock_offset: 0,
            offsets: Vec::new(),
            lines: Default::default(),
            server_revision: 0,
            server_drift: 0,
            reconnects: 0,
            resumes: 0,
            resyncs: 0,
            gaps: 0,
            lost_since: None,
            retry_at: None,
        }
    }

    /// Records a ping with its round-trip time in microseconds, received at `now` (this page's clock), and the server's
    /// clock.
    pub fn round_trip(&mut self, micros: i64, now: Timestamp, server_time: Timestamp) {
        if self.round_trips.len() == ROUND_TRIPS {
            self.round_trips.remove(0);
        }
        self.round_trips.push(micros);
        if self.offsets.len() == OFFSETS {
            self.offsets.remove(0);
        }
        // The answer was half a round trip old.
        self.offsets.push((micros, server_time.micros() + micros / 2 - now.micros()));
        let fastest = self.offsets.iter().copied().reduce(|best, it| if it.0 < best.0 { it } else { best });
        self.clock_offset = fastest.map_or(0, |(_, offset)| offset);
    }

    /// The counters of the transport in use, or of `None`.
    pub fn line(&mut self, transport: Transport) -> &mut Line {
        &mut self.lines[transport as usize]
    }

    pub fn last_message(&self) -> Option<Timestamp> {
        self.lines.iter().filter_map(|line| line.last_message).max()
    }
}

impl Connection {
    /// The value of `data-connection` on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Reconnecting => "reconnecting",
            Self::Polling => "polling",
            Self::Offline => "offline",
        }
    }
}

impl Transport {
    pub const ALL: [Self; 4] = [Self::None, Self::WebSocket, Self::Sse, Self::Polling];

    /// The value of `data-transport` on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Polling => "polling",
        }
    }

    /// The name shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::WebSocket => "WebSocket",
            Self::Sse => "SSE",
            Self::Polling => "polling",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_offset_comes_from_the_fastest_ping() {
        let mut link = Link::new(String::new());
        let at = Timestamp::from_millis;
        link.round_trip(50_000, at(1_050), at(6_001));
        link.round_trip(2_000, at(2_002), at(7_001));
        link.round_trip(90_000, at(3_090), at(8_085));
        assert_eq!(link.clock_offset, 5_000_000);
        assert_eq!(link.round_trips, [50_000, 2_000, 90_000]);
    }
}
