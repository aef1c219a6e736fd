//! Fault injection.
//!
//! `POST /_sim/faults` with one fault or a list of them activates faults, `DELETE /_sim/faults` deactivates all, and
//! `GET /_sim/faults` lists the active ones with their hit counts. In the same process, use [`super::Running::faults`].
//! No fault affects `/_sim` itself.
//!
//! ```json
//! {"fault": "status", "status": 500, "message": "no space left on device",
//!  "method": "POST", "path": "/containers/", "count": 3, "duration_ms": 2000}
//! ```
//!
//! `path` is a prefix of the path without its version (`/containers/json`), or the whole path followed by a `$`
//! (`/volumes$`); without it every path matches. `count` limits how many requests (lines, events) the fault hits,
//! `duration_ms` how long it lasts; without either it stays active.
//!
//! | `fault` | effect | additional fields |
//! | --- | --- | --- |
//! | `refuse` | closes the connection without a response once the request has been read | |
//! | `hang` | never responds. Without a `count`, open event streams pause too, and resume when the fault ends | |
//! | `silent_headers` | sends the response head, but never the body | |
//! | `status` | responds with an error | `status` (500), `message` |
//! | `endless` | responds with an error whose body never ends | `status` (500), `bytes_per_second` (100) |
//! | `half` | sends half of the body, then cuts the connection; in event streams, half of the next line | |
//! | `delay` | builds the response at once and sends it when the fault ends | |
//! | `slow` | sends the body at the given rate | `bytes_per_second` (100) |
//! | `unknown_enum` | lists and inspects contain an unknown state, health and port type | `container` (all) |
//! | `drop_event` | drops the next events without remembering them; `/_sim/truth` lists them | `action`, `container` |
//! | `unknown_event` | at once, `count` times: sends an unknown event type and an unknown action to all streams | |
//! | `garbage_line` | at once, `count` times: sends a line that is not JSON to all event streams | |
//! | `flood` | at once: sends `count` events that change nothing | `action` (`update`) |
//! | `cut_events` | at once: ends all event streams | |

use super::{
    Sim,
    events::{Attributes, Event, Line},
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Refuse,
    Hang,
    SilentHeaders,
    Status,
    Endless,
    Half,
    Delay,
    Slow,
    UnknownEnum,
    DropEvent,
    UnknownEvent,
    GarbageLine,
    Flood,
    CutEvents,
}

/// The table above lists which fields apply to which kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub fault: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The container's name or a prefix of its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

impl Fault {
    /// A fault that matches every request and never expires.
    pub fn new(fault: Kind) -> Self {
        Self {
            fault,
            method: None,
            path: None,
            count: None,
            duration_ms: None,
            status: None,
            message: None,
            bytes_per_second: None,
            action: None,
            container: None,
        }
    }

    pub fn on(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    pub fn times(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    pub fn lasting(self, duration: Duration) -> Self {
        Self { duration_ms: u64::try_from(duration.as_millis()).ok(), ..self }
    }

    pub fn of_action(self, action: &str) -> Self {
        Self { action: Some(action.to_owned()), ..self }
    }

    fn concerns(&self, method: &str, path: &str) -> bool {
        let is_path = |it: &String| match it.strip_suffix('$') {
            Some(whole) => path == whole,
            None => path.starts_with(it),
        };
        self.method.as_ref().is_none_or(|it| it == method) && self.path.as_ref().is_none_or(is_path)
    }

    pub fn means_container(&self, id: &str, name: &str) -> bool {
        self.container.as_ref().is_none_or(|it| it == name || id.starts_with(it))
    }
}

/// An active fault.
#[derive(Debug, Clone, Serialize)]
pub struct Active {
    #[serde(flatten)]
    pub fault: Fault,
    /// How often it was hit.
    pub struck: u64,
    #[serde(skip)]
    until: Option<Instant>,
}

/// All active faults.
pub struct Faults {
    active: Mutex<Vec<Active>>,
    /// Signals that a fault was activated or deactivated.
    switched: watch::Sender<()>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { active: Mutex::default(), switched: watch::Sender::new(()) }
    }
}

impl Faults {
    fn active(&self) -> MutexGuard<'_, Vec<Active>> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        active.retain(|it| {
            it.until.is_none_or(|until| now < until) && it.fault.count.is_none_or(|most| it.struck < most)
        });
        active
    }

    /// Returns the first matching fault and counts the hit.
    fn strike(&self, is_meant: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut active = self.active();
        let found = active.iter_mut().find(|it| is_meant(&it.fault))?;
        found.struck += 1;
        Some(found.fault.clone())
    }

    /// Returns the fault of one of these `kinds` that hits a request of this path.
    pub fn strike_request(&self, kinds: &[Kind], method: &str, path: &str) -> Option<Fault> {
        self.strike(|it| kinds.contains(&it.fault) && it.concerns(method, path))
    }

    /// Whether a fault drops this event.
    pub fn loses(&self, event: &Event) -> bool {
        let name = event.attributes.get("name").map_or("", String::as_str);
        let is_meant = |fault: &Fault| {
            fault.fault == Kind::DropEvent
                && fault.means_container(&event.id, name)
                && fault.action.as_ref().is_none_or(|it| event.action.split(':').next() == Some(it))
        };
        self.strike(is_meant).is_some()
    }

    /// Waits while open event streams are paused.
    pub async fn end_of_silence(&self) {
        self.end_of(|it| it.fault == Kind::Hang && it.count.is_none() && it.concerns("GET", "/events")).await;
    }

    /// Waits while responses of this path are delayed.
    pub async fn end_of_delay(&self, method: &str, path: &str) {
        self.end_of(|it| it.fault == Kind::Delay && it.concerns(method, path)).await;
    }

    /// Waits until no matching fault is active.
    async fn end_of(&self, is_meant: impl Fn(&Fault) -> bool) {
        let mut switched = self.switched.subscribe();
        loop {
            let Some(until) = self.active().iter().find(|it| is_meant(&it.fault)).map(|it| it.until) else { return };
            let over = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = switched.changed() => {}
                () = over => {}
            }
        }
    }
}

/// Controls for a simulator's faults.
#[derive(Clone, Copy)]
pub struct Switches<'a>(pub(super) &'a Sim);

impl Switches<'_> {
    /// Activates a fault. Faults with an immediate effect have taken it when this returns.
    pub fn switch_on(&self, fault: Fault) {
        let times = fault.count.unwrap_or(1);
        match fault.fault {
            Kind::UnknownEvent => self.send(times, |sim| {
                let container = sim.look(|world| world.each_container().next().map(|it| it.id.clone()));
                let lines = [("wormhole", "collapse", "wormhole-1"), ("container", "teleport", &container.unwrap_or_default())];
                lines.map(|(kind, action, id)| {
                    let nanos = super::time::now();
                    let seconds = super::time::seconds(nanos);
                    format!(
                        "{{\"Type\":\"{kind}\",\"Action\":\"{action}\",\"Actor\":{{\"ID\":\"{id}\",\"Attributes\":{{}}}},\"scope\":\"local\",\"time\":{seconds},\"timeNano\":{nanos}}}\n"
                    )
                    .into_bytes()
                })
            }),
            Kind::GarbageLine => self.send(times, |_| [b"}{ this is \xff\xfe no event\n".to_vec()]),
            Kind::Flood => self.flood(times, fault.action.as_deref().unwrap_or("update")),
            Kind::CutEvents => self.0.stage().journal.hang_up(),
            _ => {
                let until = fault.duration_ms.map(|it| Instant::now() + Duration::from_millis(it));
                self.0.faults.active().push(Active { fault, struck: 0, until });
                self.0.faults.switched.send_replace(());
            }
        }
    }

    pub fn switch_all_off(&self) {
        self.0.faults.active().clear();
        self.0.faults.switched.send_replace(());
    }

    pub fn list(&self) -> Vec<Active> {
        self.0.faults.active().clone()
    }

    fn send<const N: usize>(&self, times: u64, lines: impl Fn(&Sim) -> [Vec<u8>; N]) {
        for _ in 0..times {
            for line in lines(self.0) {
                self.0.stage().journal.send(&Line::Raw(line));
            }
        }
    }

    fn flood(&self, events: u64, action: &str) {
        self.0.change(|world, _| {
            let ids: Vec<String> = world.each_container().map(|it| it.id.clone()).collect();
            for n in 0..events {
                match usize::try_from(n).ok().and_then(|n| ids.get(n % ids.len().max(1))) {
                    Some(id) => world.say(id, action),
                    None => world.tell("daemon", "reload", "simulated", Attributes::new()),
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(on: &[Fault]) -> Faults {
        let faults = Faults::default();
        faults.active().extend(on.iter().map(|it| Active { fault: it.clone(), struck: 0, until: None }));
        faults
    }

    #[test]
    fn fault_affects_matching_requests_as_often_as_configured() {
        let faults = faults(&[Fault::new(Kind::Status).on("/containers").times(2)]);
        let strikes = |path| faults.strike_request(&[Kind::Status], "GET", path).is_some();
        assert!(!strikes("/images/json"));
        assert!(strikes("/containers/json") && strikes("/containers/x/json"));
        assert!(!strikes("/containers/json"));
    }

    #[test]
    fn drop_event_fault_matches_the_action_before_the_colon() {
        let faults = faults(&[Fault::new(Kind::DropEvent).of_action("health_status").times(1)]);
        let event = |action: &str| Event {
            kind: "container",
            action: action.into(),
            id: "abc".into(),
            attributes: Attributes::new(),
        };
        assert!(!faults.loses(&event("die")));
        assert!(faults.loses(&event("health_status: healthy")));
        assert!(!faults.loses(&event("health_status: healthy")));
    }

    #[test]
    fn unknown_field_of_a_fault_is_an_error() {
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"hang","count":2}"#).is_ok());
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"hang","cuont":2}"#).is_err());
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"boom"}"#).is_err());
    }
}
