//! How the page is connected to the server.

use crate::model::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// For the first time.
    Connecting,
    Live,
    Reconnecting,
    Polling,
    /// The browser itself says that there is no network.
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
    /// The server is of another release than this page.
    pub is_outdated: bool,
    /// Microseconds of the latest pings, newest last.
    pub round_trips: Vec<i64>,
    /// The server's clock less this page's, in microseconds, by the fastest of the latest pings.
    pub clock_offset: i64,
    offsets: Vec<(i64, i64)>,
    /// By [`Transport`].
    pub lines: [Line; Transport::ALL.len()],
    /// What the server last said of itself: its revision, and what its reconcile found that no event had told.
    pub server_revision: u64,
    pub server_drift: u64,
    pub reconnects: u64,
    /// Times the missed diffs were asked for.
    pub resumes: u64,
    /// Times the whole state came anew.
    pub resyncs: u64,
    /// Diffs that did not join up.
    pub gaps: u64,
    /// Since when it is not live; this page's clock.
    pub lost_since: Option<Timestamp>,
    /// When it will be tried again; this page's clock.
    pub retry_at: Option<Timestamp>,
}

/// One transport's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// Blocked by a button of the instrument panel.
    pub is_blocked: bool,
    pub opened: u32,
    pub refused: u32,
    pub messages: u64,
    /// Of payload.
    pub bytes: u64,
    /// This page's clock.
    pub last_message: Option<Timestamp>,
}

/// Round trips kept for the figures.
const ROUND_TRIPS: usize = 120;

/// Pings of which the fastest tells the clocks' difference: few, since clocks drift.
const OFFSETS: usize = 20;

impl Link {
    pub(super) fn new(server_version: String) -> Self {
        Self {
            connection: Connection::Connecting,
            transport: Transport::None,
            server_version,
            is_outdated: false,
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

    /// A ping came back after so many microseconds, at `now` of this page's clock, with the server's clock.
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
    /// As the page's `data-connection`.
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

    /// As the page's `data-transport`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Polling => "polling",
        }
    }

    /// In a word for people.
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
    fn the_fastest_ping_tells_the_clocks_difference() {
        let mut link = Link::new(String::new());
        let at = Timestamp::from_millis;
        link.round_trip(50_000, at(1_050), at(6_001));
        link.round_trip(2_000, at(2_002), at(7_001));
        link.round_trip(90_000, at(3_090), at(8_085));
        assert_eq!(link.clock_offset, 5_000_000);
        assert_eq!(link.round_trips, [50_000, 2_000, 90_000]);
    }
}
