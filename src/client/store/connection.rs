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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Microseconds of the latest pings, newest last.
    pub round_trips: Vec<i64>,
    /// This page's clock.
    pub last_message: Option<Timestamp>,
    pub messages: u64,
    /// Of payload.
    pub bytes: u64,
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

/// Round trips kept for the figures.
const ROUND_TRIPS: usize = 120;

impl Link {
    pub(super) fn new(server_version: String) -> Self {
        Self {
            connection: Connection::Connecting,
            transport: Transport::None,
            server_version,
            round_trips: Vec::new(),
            last_message: None,
            messages: 0,
            bytes: 0,
            reconnects: 0,
            resumes: 0,
            resyncs: 0,
            gaps: 0,
            lost_since: None,
            retry_at: None,
        }
    }

    /// A ping came back after so many microseconds.
    pub fn round_trip(&mut self, micros: i64) {
        if self.round_trips.len() == ROUND_TRIPS {
            self.round_trips.remove(0);
        }
        self.round_trips.push(micros);
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
