//! The paths of the HTTP interface, said once.

pub const SOCKET: &str = "/ws";
/// What the server hears of its clients' clocks and distance: answered in the binary encoding.
pub const PING: &str = "/api/ping";
pub const STATE: &str = "/api/state";
pub const STREAM: &str = "/api/stream";
pub const CONTAINERS_STREAM: &str = "/api/containers/stream";
pub const IMAGES_STREAM: &str = "/api/images/stream";
pub const HANDSHAKES: &str = "/api/handshakes/{token}";
pub const PROBE: &str = "/api/probe/{step}";
pub const HEALTH: &str = "/healthz";

/// Longest message a client may send, in bytes.
pub const LONGEST_MESSAGE: usize = 64 * 1024;
