//! The paths of the HTTP interface.

pub const SOCKET: &str = "/ws";
/// Round-trip time measurement. Answered in the binary encoding.
pub const PING: &str = "/api/ping";
pub const STATE: &str = "/api/state";
pub const EVENTS: &str = "/api/events";
pub const STATS: &str = "/api/stats";
pub const ALERTS: &str = "/api/alerts";
pub const TASKS: &str = "/api/tasks";
pub const TASK_OUTPUT: &str = "/api/tasks/{id}/output";
pub const IMAGE_BUILD: &str = "/api/images/build";
pub const IMAGE_IMPORT: &str = "/api/images/import";
pub const IMAGE_EXPORT: &str = "/api/images/export";
pub const CONTAINER_EXPORT: &str = "/api/containers/{id}/export";
pub const CONTAINER_FILES: &str = "/api/containers/{id}/files";
pub const VOLUME_FILES: &str = "/api/volumes/{name}/files";
/// A file of a volume, or a folder. Uses `POST`, because a helper container is created for it.
pub const VOLUME_DOWNLOAD: &str = "/api/volumes/{name}/download";
pub const VOLUME_BACKUP: &str = "/api/volumes/{name}/backup";
pub const VOLUME_RESTORE: &str = "/api/volumes/{name}/restore";
/// One of the protocol's actions, as in `container.stop`.
pub const ACTION: &str = "/api/actions/{action}";
pub const OPENAPI: &str = "/api/openapi.json";
pub const STREAM: &str = "/api/stream";
pub const CONTAINERS_STREAM: &str = "/api/containers/stream";
pub const IMAGES_STREAM: &str = "/api/images/stream";
pub const LOGS: &str = "/ws/logs";
pub const TERMINAL: &str = "/ws/terminal";
pub const CONTAINER_LOGS: &str = "/api/containers/{id}/logs";
pub const HANDSHAKES: &str = "/api/handshakes/{token}";
pub const PROBE: &str = "/api/probe/{step}";
/// Sign-in, sign-out and the creation of the first user: forms.
pub const LOGIN: &str = "/login";
pub const LOGIN_CODE: &str = "/login/code";
pub const LOGIN_OIDC: &str = "/login/oidc";
pub const LOGIN_OIDC_CALLBACK: &str = "/login/oidc/callback";
pub const LOGOUT: &str = "/logout";
pub const SETUP: &str = "/setup";
pub const HEALTH: &str = "/healthz";
pub const METRICS: &str = "/metrics";

/// The maximum length of a client's message, in bytes.
pub const LONGEST_MESSAGE: usize = 64 * 1024;
