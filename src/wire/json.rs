//! JSON encoding of frames, for any client: an object with the frame's name in `type`.

use super::{
    Ack, ActionRequest, Changes, Channel, ClientFrame, Diff, EngineEvent, EngineEvents, Hello, Malformed, Notice, Pong,
    Position, ServerFrame, Stats, Subscription, Tasks, Update, WireError,
};
use crate::model::{ContainerId, HostId, Task, Timestamp};
use serde::{Deserialize, Serialize};

/// Mirrors [`ServerFrame`] with an internal tag. Postcard can't read internally tagged enums, so that one is tagged
/// externally.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tagged<'a> {
    Hello(&'a Hello),
    EngineStateUpdate(&'a Update),
    EngineStateDiff(FlatDiff<'a>),
    Ack(&'a Ack),
    Pong(&'a Pong),
    Error(&'a WireError),
    Stats(&'a Stats),
    EngineEvents(&'a EngineEvents),
    EngineEvent(&'a EngineEvent),
    Notice(&'a Notice),
    Tasks(&'a Tasks),
    Task(&'a Task),
}

/// [`Diff`] with the times of its event flattened into it.
#[derive(Serialize)]
struct FlatDiff<'a> {
    epoch: u64,
    from: u64,
    to: u64,
    timestamp: Timestamp,
    engine_time: Option<Timestamp>,
    received_time: Option<Timestamp>,
    data: &'a Changes,
}

impl<'a> From<&'a Diff> for FlatDiff<'a> {
    fn from(diff: &'a Diff) -> Self {
        let Diff { epoch, from, to, timestamp, event, data } = diff;
        let (engine_time, received_time) = (event.map(|it| it.engine), event.map(|it| it.received));
        Self { epoch: *epoch, from: *from, to: *to, timestamp: *timestamp, engine_time, received_time, data }
    }
}

/// The answer to a poll if the missed diffs are still buffered.
#[derive(Serialize)]
struct Diffs<'a> {
    r#type: &'static str,
    epoch: u64,
    from: u64,
    to: u64,
    diffs: Vec<Tagged<'a>>,
}

/// Mirrors [`ClientFrame`].
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Received {
    Resume {
        epoch: u64,
        revision: u64,
    },
    Subscribe {
        channels: Vec<Channel>,
        #[serde(default)]
        ids: Option<Vec<ContainerId>>,
    },
    Unsubscribe {
        channels: Vec<Channel>,
    },
    Action {
        id: String,
        action: String,
        target: String,
        #[serde(default)]
        host: Option<HostId>,
        #[serde(default = "no_options")]
        options: serde_json::Value,
    },
    Ping {
        nonce: u64,
    },
}

fn no_options() -> serde_json::Value {
    serde_json::json!({})
}

impl<'a> From<&'a ServerFrame> for Tagged<'a> {
    fn from(frame: &'a ServerFrame) -> Self {
        match frame {
            ServerFrame::Hello(hello) => Self::Hello(hello),
            ServerFrame::EngineStateUpdate(update) => Self::EngineStateUpdate(update),
            ServerFrame::EngineStateDiff(diff) => Self::EngineStateDiff(diff.into()),
            ServerFrame::Ack(ack) => Self::Ack(ack),
            ServerFrame::Pong(pong) => Self::Pong(pong),
            ServerFrame::Error(error) => Self::Error(error),
            ServerFrame::Stats(stats) => Self::Stats(stats),
            ServerFrame::EngineEvents(events) => Self::EngineEvents(events),
            ServerFrame::EngineEvent(event) => Self::EngineEvent(event),
            ServerFrame::Notice(notice) => Self::Notice(notice),
            ServerFrame::Tasks(tasks) => Self::Tasks(tasks),
            ServerFrame::Task(task) => Self::Task(task),
        }
    }
}

pub fn encode_server(frame: &ServerFrame) -> String {
    serde_json::to_string(&Tagged::from(frame)).expect("all keys in frames are strings")
}

/// `diffs` are consecutive and lead from revision `from` to `to`.
pub fn encode_diffs(epoch: u64, from: u64, to: u64, diffs: &[Diff]) -> String {
    let diffs = diffs.iter().map(|diff| Tagged::EngineStateDiff(diff.into())).collect();
    let answer = Diffs { r#type: "engine_state_diffs", epoch, from, to, diffs };
    serde_json::to_string(&answer).expect("all keys in frames are strings")
}

pub fn decode_client(text: &str) -> Result<ClientFrame, Malformed> {
    let received = serde_json::from_str(text).map_err(Malformed::new)?;
    Ok(match received {
        Received::Resume { epoch, revision } => ClientFrame::Resume(Position { epoch, revision }),
        Received::Subscribe { channels, ids } => ClientFrame::Subscribe(Subscription { channels, ids }),
        Received::Unsubscribe { channels } => ClientFrame::Unsubscribe(channels),
        Received::Action { id, action, target, host, options } => {
            ClientFrame::Action(ActionRequest { id, action, target, host, options: options.to_string() })
        }
        Received::Ping { nonce } => ClientFrame::Ping { nonce },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, ContainerId, HostId, Key};

    #[test]
    fn diff_is_encoded_as_documented() {
        let host = HostId::new("local").unwrap();
        let id = ContainerId::new("0123456789ab").unwrap();
        let text = encode_server(&ServerFrame::EngineStateDiff(Diff {
            epoch: 5,
            from: 1,
            to: 2,
            timestamp: Timestamp::from_millis(1_500),
            event: None,
            data: Changes { changes: vec![Change::Gone(Key::Container(host, id))] },
        }));
        assert_eq!(
            text,
            r#"{"type":"engine_state_diff","epoch":5,"from":1,"to":2,"timestamp":"1970-01-01T00:00:01.500Z","engine_time":null,"received_time":null,"data":{"changes":[{"op":"gone","kind":"container","host":"local","id":"0123456789ab"}]}}"#
        );
    }

    #[test]
    fn client_messages_are_parsed_or_rejected_with_the_reason() {
        assert_eq!(decode_client(r#"{"type":"ping","nonce":3}"#).unwrap(), ClientFrame::Ping { nonce: 3 });
        let action = r#"{"type":"action","id":"1","action":"container.stop","target":"x","options":{"timeout":1}}"#;
        assert!(matches!(decode_client(action).unwrap(), ClientFrame::Action(it) if it.options == r#"{"timeout":1}"#));
        for (text, reason) in [
            ("", "EOF"),
            ("[]", "missing field `type`"),
            (r#"{"type":"dance"}"#, "unknown variant `dance`"),
            (r#"{"type":"ping"}"#, "missing field `nonce`"),
            (r#"{"type":"ping","nonce":1,"extra":2}"#, "unknown field `extra`"),
        ] {
            let error = decode_client(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
